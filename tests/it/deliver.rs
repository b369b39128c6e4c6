//! Goal: what was accepted arrives once, is decided at each attempt, and one recipient that is down
//! delays nobody. Method: a store in a temporary folder, a recipient in this process that answers
//! as told, a clock that moves when told; every step is driven by hand.

use crate::labels::CONTACT;
use crate::release::{PARTNERS, rules_with};
use crate::store::world::{START, World, inbound};
use crate::web::harness::until;
use arc_swap::ArcSwap;
use kinbridge::base::clock::{Clock, Timestamp};
use kinbridge::base::id::{ConsentId, CorrelationId, DeliveryId, PartnerId};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::deliver::transport::{Parcel, Reply, Replying, Transport};
use kinbridge::deliver::{Courier, UnderWay};
use kinbridge::intake::{Receipt, accept};
use kinbridge::rules::Rules;
use kinbridge::store::{
    DeliveryState, DeliveryView, NewConsent, OperatorAct, ReplayConfirmed, ReplayRequested,
    Resolution, Resolved, Store,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod as_xml;
mod look;
mod replay;
mod report;
mod untied;

/// How often anything is done until nothing is due: much more than any test has to do.
const ROUNDS_MAX: usize = 10_000;

/// A recipient that answers with the status it was told and keeps what came.
#[derive(Default)]
struct Recipient {
    status: Mutex<HashMap<String, u16>>,
    inbox: Mutex<Vec<(String, DeliveryId, Vec<u8>)>>,
}

impl Recipient {
    fn answers(&self, url: &str, status: u16) {
        self.status
            .lock()
            .expect("lock")
            .insert(url.to_owned(), status);
    }

    fn arrived(&self, url: &str) -> Vec<(DeliveryId, String)> {
        let inbox = self.inbox.lock().expect("lock");
        let own = inbox.iter().filter(|(to, _, _)| to == url);
        own.map(|(_, id, bytes)| (*id, String::from_utf8(bytes.clone()).expect("UTF-8")))
            .collect()
    }
}

impl Transport for Recipient {
    fn send(&self, parcel: Parcel) -> Replying {
        let url = parcel.destination().url.clone();
        let status = self.status.lock().expect("lock").get(&url).copied();
        let bytes = parcel.outgoing().bytes().expose(Reason::Test).clone();
        let mut inbox = self.inbox.lock().expect("lock");
        inbox.push((url, parcel.delivery_id(), bytes));
        let reply = Reply::of_status(status.unwrap_or(200), None);
        Box::pin(async move { reply })
    }
}

const COUNTY: &str = "https://county.example/inbox";
const CLINIC: &str = "https://clinic.example/inbox";

pub struct Road {
    pub world: World,
    pub store: Store,
    rules: Arc<ArcSwap<Rules>>,
    recipient: Arc<Recipient>,
    courier: Courier,
}

impl Road {
    pub async fn new() -> Road {
        Road::with(PARTNERS).await
    }

    pub async fn with(partners: &[&str]) -> Road {
        let world = World::new();
        let store = world.open().await;
        let rules = Arc::new(ArcSwap::from_pointee(rules_with(partners)));
        let recipient = Arc::new(Recipient::default());
        let clock: Arc<dyn Clock> = world.clock.clone();
        let courier = Courier::new(store.clone(), rules.clone(), clock, recipient.clone());
        Road {
            world,
            store,
            rules,
            recipient,
            courier,
        }
    }

    pub async fn hand_in(&self, key: &str, body: &str) -> Receipt {
        self.hand_in_from("program", key, body).await
    }

    pub async fn hand_in_from(&self, partner: &str, key: &str, body: &str) -> Receipt {
        let rules = self.rules.load_full();
        let inbound = inbound(partner, Some(key), body, self.now());
        accept(&self.store, &rules, inbound)
            .await
            .expect("a receipt")
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Takes rules into use as a reload does: kept whole before they are used.
    pub async fn take_over(&self, rules: Rules) {
        let kept = rules.kept_form();
        let done = self.store.keep_rule_set(&rules.digest, kept).await;
        done.expect("kept");
        self.rules.store(Arc::new(rules));
    }

    /// Database and master key of its store.
    pub fn files(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        let folder = self.world.folder.path();
        (self.world.database(), folder.join("master.key"))
    }

    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// What a recipient answers from now on.
    pub fn answers(&self, url: &str, status: u16) {
        self.recipient.answers(url, status);
    }

    /// What arrived at a recipient, in order.
    pub fn arrived(&self, url: &str) -> Vec<String> {
        let arrived = self.recipient.arrived(url).into_iter();
        arrived.map(|(_, body)| body).collect()
    }

    /// Routes and delivers until nothing is due.
    pub async fn drive(&self) {
        let mut under_way = UnderWay::default();
        until("nothing due", ROUNDS_MAX, async || {
            let routed = self.courier.route().await.expect("routing");
            let sent = self.courier.send(&mut under_way).await.expect("sending");
            under_way.finish().await;
            match (routed, sent) {
                (0, 0) => Ok(()),
                more => Err(more),
            }
        })
        .await;
    }

    /// Routes what waits for it, and sends nothing.
    pub async fn route(&self) {
        self.courier.route().await.expect("routing");
    }

    /// Minds the calendar until nothing is due; gives at how many facts and consents it looked.
    pub async fn turn(&self) -> usize {
        let mut looked = 0;
        until("nothing due", ROUNDS_MAX, async || {
            match self.courier.turn().await.expect("a look") {
                0 => Ok(looked),
                found => {
                    looked += found;
                    Err(looked)
                }
            }
        })
        .await
    }

    /// How often the registry has changed for a person.
    pub async fn epoch(&self, person: kinbridge::base::id::PersonId) -> i64 {
        use sqlx::Connection as _;
        let database = format!("sqlite://{}?mode=ro", self.world.database().display());
        let mut conn = sqlx::SqliteConnection::connect(&database)
            .await
            .expect("open");
        let sql = "SELECT consent_epoch FROM person WHERE person = ?";
        let asked = sqlx::query_scalar(sql).bind(person.0.to_vec());
        asked.fetch_one(&mut conn).await.expect("a person")
    }

    /// Looks again at what was sent, until nothing waits for it, and delivers what follows.
    pub async fn recall(&self) {
        until("nothing to look at", ROUNDS_MAX, async || {
            match self.courier.recall().await.expect("a look") {
                None => Ok(()),
                Some(more) => Err(more),
            }
        })
        .await;
        self.drive().await;
    }

    pub async fn deliveries(&self, receipt: &Receipt) -> Vec<DeliveryView> {
        let partner = PartnerId::new("program");
        let view = self.store.submission(&partner, receipt.submission_id).await;
        let view = view.expect("the store answers").expect("it is known");
        view.records
            .into_iter()
            .flat_map(|r| r.deliveries)
            .collect()
    }

    pub async fn state(&self, receipt: &Receipt, partner: &str) -> DeliveryState {
        let all = self.deliveries(receipt).await;
        let own = all.iter().filter(|d| d.partner.as_str() == partner);
        own.max_by_key(|d| d.generation).expect("a delivery").state
    }
}

pub fn referral() -> String {
    r#"{
      "envelope": {"record_type": "service-referral", "schema_version": "1.0",
        "source_record_id": "r-1", "county_fips": "06067", "service_source": "case",
        "subject_refs": ["mother"]},
      "persons": [{"key": "mother", "role": "parent", "birth_date": "1990-05-05",
                   "identifiers": [{"system": "urn:example:person", "value": "m-1"}],
                   "names": [{"use": "legal", "last": "Quill"}]}],
      "body": {"referral_id": "r-1", "status": "requested",
        "requester": {"identifiers": [{"system": "urn:org", "value": "program"}]},
        "recipient": {"identifiers": [{"system": "urn:org", "value": "clinic"}]}}
    }"#
    .to_owned()
}

pub async fn consent(road: &Road, body: &str) {
    lodge(road, "k1", body).await;
}

pub async fn lodge(road: &Road, id: &str, body: &str) {
    let subject = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    let subject = subject.expect("the store answers").expect("a known person");
    let lodged = road
        .store
        .put_consent(NewConsent {
            consent_id: ConsentId::new(id),
            partner: PartnerId::new("program"),
            subject,
            body: Sensitive::new(crate::release::complete(body).into_bytes()),
            at: road.world.clock.now(),
            correlation_id: CorrelationId::new("test"),
        })
        .await;
    lodged.expect("lodged");
}

/// The program's paper ends now.
pub async fn revoke(road: &Road, id: &str) -> Timestamp {
    let (program, correlation) = (PartnerId::new("program"), CorrelationId::new("test"));
    let (id, at) = (ConsentId::new(id), road.now());
    let revoked = road.store.revoke_consent(&program, &id, at, &correlation);
    revoked.await.expect("revoked");
    at
}

pub const ROI: &str = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
  "classes": ["referral", "demographics"], "recipients": ["sud_program"],
  "purposes": ["treatment"], "signed": "2020-01-01", "start": "2020-01-01",
  "end": "2099-12-31", "revoked": null}"#;

#[tokio::test]
async fn a_contact_goes_the_whole_road_and_arrives_once() {
    let road = Road::new().await;
    let receipt = road.hand_in("k", CONTACT).await;
    road.drive().await;
    let arrived = road.recipient.arrived(COUNTY);
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].1.contains("in_person") && !arrived[0].1.contains("free words"));
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Confirmed
    );
    road.drive().await;
    assert_eq!(road.recipient.arrived(COUNTY).len(), 1, "sent again");
}

#[tokio::test]
async fn a_recipient_that_is_down_gets_the_same_bytes_later() {
    let road = Road::new().await;
    road.recipient.answers(COUNTY, 500);
    let receipt = road.hand_in("k", CONTACT).await;
    road.drive().await;
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Ambiguous
    );
    road.drive().await;
    assert_eq!(road.recipient.arrived(COUNTY).len(), 1, "before its time");
    road.recipient.answers(COUNTY, 200);
    road.world.clock.advance(Duration::from_secs(40));
    road.drive().await;
    let arrived = road.recipient.arrived(COUNTY);
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0], arrived[1], "other id or other bytes");
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Confirmed
    );
}

#[tokio::test]
async fn a_withheld_referral_goes_when_consent_comes() {
    let road = Road::new().await;
    let receipt = road.hand_in("k", &referral()).await;
    road.drive().await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Withheld
    );
    assert!(road.recipient.arrived(CLINIC).is_empty());
    consent(&road, ROI).await;
    road.drive().await;
    assert_eq!(road.recipient.arrived(CLINIC).len(), 1);
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Confirmed
    );
    // A referral to a substance-use program is nobody else's to know.
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Withheld
    );
    assert!(road.recipient.arrived(COUNTY).is_empty());
}

#[tokio::test]
async fn a_revocation_between_two_attempts_wins_and_the_first_is_accounted() {
    let road = Road::new().await;
    road.recipient.answers(CLINIC, 500);
    let first = road.hand_in("k", &referral()).await;
    consent(&road, ROI).await;
    road.drive().await;
    assert_eq!(road.state(&first, "clinic").await, DeliveryState::Ambiguous);
    let program = PartnerId::new("program");
    let now = road.world.clock.now();
    let revoked = road
        .store
        .revoke_consent(
            &program,
            &ConsentId::new("k1"),
            now,
            &CorrelationId::new("test"),
        )
        .await;
    revoked.expect("revoked");
    road.recipient.answers(CLINIC, 200);
    road.world.clock.advance(Duration::from_secs(120));
    road.drive().await;
    assert_eq!(
        road.recipient.arrived(CLINIC).len(),
        1,
        "sent after the revocation"
    );
    let all = road.deliveries(&first).await;
    let clinic: Vec<_> = all
        .iter()
        .filter(|d| d.partner.as_str() == "clinic")
        .collect();
    let states: Vec<(u32, DeliveryState)> =
        clinic.iter().map(|d| (d.generation, d.state)).collect();
    assert!(
        states.contains(&(0, DeliveryState::Withdrawn)),
        "{states:?}"
    );
    assert!(states.contains(&(1, DeliveryState::Withheld)), "{states:?}");
}

#[tokio::test]
async fn a_recipient_that_refuses_is_held_and_one_that_is_down_delays_nobody() {
    let road = Road::new().await;
    road.recipient.answers(CLINIC, 503);
    road.recipient.answers(COUNTY, 422);
    let referral = road.hand_in("a", &referral()).await;
    consent(&road, ROI).await;
    let contact = road.hand_in("b", CONTACT).await;
    road.drive().await;
    assert_eq!(
        road.state(&referral, "clinic").await,
        DeliveryState::Pending
    );
    assert_eq!(road.state(&contact, "county").await, DeliveryState::Held);
}

#[tokio::test]
async fn an_attempt_that_never_succeeds_ends_dead() {
    let road = Road::new().await;
    road.recipient.answers(COUNTY, 503);
    let receipt = road.hand_in("k", CONTACT).await;
    for _ in 0..12 {
        road.drive().await;
        road.world.clock.advance(Duration::from_secs(86_400));
    }
    road.drive().await;
    assert_eq!(road.state(&receipt, "county").await, DeliveryState::Dead);
    assert!(road.recipient.arrived(COUNTY).len() > 5);
}

#[tokio::test]
async fn a_correction_goes_out_after_the_first_version() {
    let road = Road::new().await;
    road.hand_in("a", CONTACT).await;
    road.drive().await;
    let corrected = CONTACT.replace("in_person", "video");
    let receipt = road.hand_in("b", &corrected).await;
    road.drive().await;
    let arrived = road.recipient.arrived(COUNTY);
    assert_eq!(arrived.len(), 2);
    assert!(arrived[1].1.contains("video"));
    assert_ne!(arrived[0].0, arrived[1].0);
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Confirmed
    );
}

#[test]
fn the_clock_of_these_tests_lies_inside_the_consents() {
    assert!(START.to_rfc3339().starts_with("20"));
}

#[tokio::test]
async fn what_waits_for_a_human_look_goes_once_a_person_has_let_it() {
    let road = Road::new().await;
    let odd = CONTACT.replace("/persons/0/birth_date", "/persons/0/ethnicity");
    let odd = odd.replacen(
        "\"key\": \"child\",",
        "\"key\": \"child\", \"birth_date\": \"2019-01-01\", \
         \"minor_consented\": [{\"class\": \"mental_health\"}],",
        1,
    );
    let receipt = road.hand_in("k", &odd).await;
    road.drive().await;
    assert_eq!(road.state(&receipt, "county").await, DeliveryState::Held);
    assert!(road.recipient.arrived(COUNTY).is_empty());
    let items = road.store.work_items(None, None, 10).await.expect("items");
    let act = OperatorAct {
        operator: "officer".into(),
        reason: "looked at it".into(),
        at: road.world.clock.now(),
    };
    let done = road
        .store
        .resolve_work_item(items[0].work_item_id, Resolution::Release, act)
        .await;
    assert_eq!(done.expect("the store answers"), Resolved::Done);
    road.drive().await;
    assert_eq!(road.recipient.arrived(COUNTY).len(), 1);
    assert_eq!(
        road.state(&receipt, "county").await,
        DeliveryState::Confirmed
    );
}
