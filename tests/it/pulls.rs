//! Goal: a pull gives what law and consents allow at the moment it is fetched, exactly what its
//! manifest says, or nothing. Method: a store in a temporary folder, a clock that moves when told,
//! a program that sends referrals, and recipients that pull them; each step is driven by hand.

use crate::release::{PARTNERS, rules_with};
use crate::store::world::{World, inbound};
use arc_swap::ArcSwap;
use kinbridge::base::clock::{Clock, Timestamp};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::extract::{self, Asked, FileError, Manifest};
use kinbridge::intake::accept;
use kinbridge::rules::Rules;
use kinbridge::store::*;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const PULL: &str = r#"
[[channel]]
name = "pull"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "treatment"
"#;

const FILE: &str = "service-referral.ndjson";

struct Pull {
    world: World,
    store: Store,
    rules: Arc<ArcSwap<Rules>>,
}

impl Pull {
    /// A clinic that may pull the referrals made to it.
    async fn new() -> Pull {
        Pull::by("sud_program").await
    }

    /// The same with another role.
    async fn by(role: &str) -> Pull {
        let clinic = format!("{}{PULL}", PARTNERS[2]).replace("sud_program", role);
        let partners = [PARTNERS[0], PARTNERS[1], &clinic];
        let world = World::new();
        Pull {
            store: world.open().await,
            world,
            rules: Arc::new(ArcSwap::from_pointee(rules_with(&partners))),
        }
    }

    /// The program refers the mother of that number to the clinic.
    async fn refer(&self, mother: u32) {
        let now = self.world.clock.now();
        let inbound = inbound("program", None, &referral(mother), now);
        let rules = self.rules.load_full();
        let receipt = accept(&self.store, &rules, inbound).await;
        receipt.expect("a receipt");
    }

    async fn person(&self, mother: u32) -> PersonId {
        let identifier = format!("urn:example:person|m-{mother}");
        let person = self.store.person_by_identifier(&identifier, false).await;
        person.expect("the store answers").expect("a known person")
    }

    /// A consent signed long ago that lets the clinic have the mother's referral until a day.
    async fn consent(&self, mother: u32, until: &str) {
        let lodged = self.store.put_consent(NewConsent {
            consent_id: ConsentId::new(&format!("k{mother}")),
            partner: PartnerId::new("program"),
            subject: self.person(mother).await,
            body: Sensitive::new(crate::release::complete(&consent(mother, until)).into_bytes()),
            at: self.world.clock.now(),
            correlation_id: CorrelationId::new("test"),
        });
        lodged.await.expect("lodged");
    }

    /// The county asserts, and a second human confirms, something of the mother toward the clinic.
    async fn assert(&self, mother: u32, (id, kind): (&str, &str), value: serde_json::Value) {
        let now = self.world.clock.now();
        let said = crate::facts::said(kind, value, ("clinic", now));
        let fact = crate::facts::entered(id, self.person(mother).await, &said, now);
        let kept = self.store.put_fact(fact).await.expect("kept");
        assert!(matches!(kept, FactChange::Done { .. }), "{kept:?}");
    }

    async fn revoke(&self, mother: u32, at: Timestamp) {
        let (lodger, test) = (PartnerId::new("program"), CorrelationId::new("test"));
        let id = ConsentId::new(&format!("k{mother}"));
        let revoked = self.store.revoke_consent(&lodger, &id, at, &test).await;
        let revoked = revoked.expect("revoked");
        assert!(matches!(revoked, ConsentChange::Done { .. }), "{revoked:?}");
    }

    async fn begun(&self) -> Extract {
        let rules = self.rules.load_full();
        let clinic = &rules.partners[&PartnerId::new("clinic")];
        let stamp = (self.world.clock.now(), CorrelationId::new("test"));
        let all = Asked::default();
        let begun = extract::begin(&self.store, &rules, clinic, &all, stamp).await;
        begun.expect("begun")
    }

    /// Writes a job; its manifest when it is ready.
    async fn written(&self, job: &Extract) -> Option<Manifest> {
        let rules = self.rules.load_full();
        let written = extract::write(&self.store, &rules, job).await;
        written.expect("written");
        let found = extract::find(&self.store, &job.requester, job.extract_id).await;
        found.expect("read").expect("known").1
    }

    async fn fetch(&self, job: &Extract, manifest: &Manifest) -> Result<Vec<u8>, FileError> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
        let place = place.expect("a place");
        let of = (job, manifest);
        let served = extract::serve(&self.store, &self.rules, of, (FILE, 0), place).await;
        let (_, mut pages) = served?;
        let mut out = Vec::new();
        while let Some(page) = pages.recv().await {
            out.extend_from_slice(&page?.into_bytes());
        }
        Ok(out)
    }

    async fn accounted(&self, mother: u32) -> Vec<Exposure> {
        let page = self.store.disclosures(self.person(mother).await, None, 9);
        let page = page.await.expect("a page").disclosures;
        page.into_iter().map(|one| one.exposure).collect()
    }
}

fn referral(mother: u32) -> String {
    format!(
        r#"{{
      "envelope": {{"record_type": "service-referral", "schema_version": "1.0",
        "source_record_id": "r-{mother}", "county_fips": "06067", "service_source": "case",
        "subject_refs": ["mother"]}},
      "persons": [{{"key": "mother", "role": "parent", "birth_date": "1990-05-05",
                   "identifiers": [{{"system": "urn:example:person", "value": "m-{mother}"}}],
                   "names": [{{"use": "legal", "last": "Quill"}}]}}],
      "body": {{"referral_id": "r-{mother}", "status": "requested",
        "requester": {{"identifiers": [{{"system": "urn:org", "value": "program"}}]}},
        "recipient": {{"identifiers": [{{"system": "urn:org", "value": "clinic"}}]}}}}
    }}"#
    )
}

fn consent(mother: u32, until: &str) -> String {
    format!(
        r#"{{"id": "k{mother}", "kind": "general_roi", "type": "permit", "grantor": "self",
  "classes": ["referral", "demographics"], "recipients": ["sud_program", "caregiver"],
  "purposes": ["treatment"], "signed": "2020-01-01", "start": "2020-01-01",
  "end": "{until}", "revoked": null}}"#
    )
}

const LONG: &str = "2099-12-31";

#[tokio::test]
async fn what_was_withheld_at_writing_is_not_sent_at_fetching() {
    // Goal: a file is what its manifest says, and every row sent is accounted. Method: two
    // referrals, one with a consent; write; lodge the other's, signed long before; fetch.
    let pull = Pull::new().await;
    pull.refer(1).await;
    pull.refer(2).await;
    pull.consent(1, LONG).await;
    let job = pull.begun().await;
    let manifest = pull.written(&job).await.expect("ready");
    assert_eq!(manifest.files[0].records, 1);
    assert!(manifest.gaps.is_empty());
    pull.consent(2, LONG).await;
    let fetched = pull.fetch(&job, &manifest).await.expect("served");
    assert_eq!(Digest::of(&fetched), manifest.files[0].sha256);
    assert_eq!(pull.accounted(1).await, [Exposure::Confirmed]);
    assert!(pull.accounted(2).await.is_empty());
    let next = pull.begun().await;
    let manifest = pull.written(&next).await.expect("ready");
    assert_eq!(manifest.files[0].records, 2);
}

#[tokio::test]
async fn a_revocation_between_making_and_writing_wins() {
    // Goal: a job never goes out on what was known when it was made. Method: make it, revoke a
    // minute later, write it, as after a crash; then a new one.
    let pull = Pull::new().await;
    pull.refer(1).await;
    pull.consent(1, LONG).await;
    let job = pull.begun().await;
    pull.world.clock.advance(Duration::from_secs(60));
    pull.revoke(1, pull.world.clock.now()).await;
    let rules = pull.rules.load_full();
    let unfinished = pull.store.extracts_writing().await.expect("jobs");
    assert_eq!(unfinished.len(), 1);
    let gone_on = extract::go_on(&pull.store, &rules, unfinished).await;
    gone_on.expect("written");
    let found = extract::find(&pull.store, &job.requester, job.extract_id).await;
    let (ended, manifest) = found.expect("read").expect("known");
    assert_eq!(ended.state, ExtractState::Abandoned);
    assert!(manifest.is_none());
    let next = pull.begun().await;
    let manifest = pull.written(&next).await.expect("ready");
    assert!(manifest.files.is_empty());
}

#[tokio::test]
async fn a_consent_that_ran_out_before_the_fetch_no_longer_counts() {
    // Goal: nothing that time alone has closed is served. Method: a consent of one day, and one
    // whose revocation lies ahead; write; let the day pass; fetch.
    let pull = Pull::new().await;
    pull.refer(1).await;
    pull.consent(1, "2026-09-21").await;
    let job = pull.begun().await;
    let manifest = pull.written(&job).await.expect("ready");
    assert_eq!(manifest.files[0].records, 1);
    let hours = Duration::from_secs(18 * 3600);
    pull.world.clock.advance(hours);
    let late = pull.fetch(&job, &manifest).await;
    assert!(matches!(late, Err(FileError::Stale)), "{late:?}");
    assert!(pull.accounted(1).await.is_empty());

    pull.refer(2).await;
    pull.consent(2, LONG).await;
    let soon = pull.world.clock.now().after(Duration::from_secs(60));
    pull.revoke(2, soon).await;
    let job = pull.begun().await;
    let manifest = pull.written(&job).await.expect("ready");
    assert_eq!(manifest.files[0].records, 1);
    pull.world.clock.advance(Duration::from_secs(120));
    let late = pull.fetch(&job, &manifest).await;
    assert!(matches!(late, Err(FileError::Stale)), "{late:?}");
    assert!(pull.accounted(2).await.is_empty());
    let standing = pull.store.extract_standing(job.extract_id).await;
    assert_eq!(standing.expect("known"), Standing::Stale);
}

#[tokio::test]
async fn what_is_held_waits_for_a_person_once() {
    // Goal: a pull swallows nothing that a person must look at. Method: a caregiver, whose standing
    // nobody has told, pulls twice; the county enters it, and once more otherwise, which
    // contradicts; two pulls; a person lets the record go on; the last pull.
    let pull = Pull::by("caregiver").await;
    pull.refer(1).await;
    pull.consent(1, LONG).await;
    let items = async || pull.store.work_items(None, None, 9).await.expect("items");
    let pulled = async || {
        let job = pull.begun().await;
        let manifest = pull.written(&job).await.expect("ready");
        assert!(manifest.gaps.is_empty());
        manifest.files.len()
    };
    for _ in 0..2 {
        assert_eq!(pulled().await, 0);
        assert_eq!(items().await.len(), 1);
    }
    assert_eq!(items().await[0].cause, HoldCause::StandingUnknown);
    pull.assert(1, ("f1", "standing"), json!("caregiver_of_subject"))
        .await;
    assert!(items().await.is_empty(), "the county has answered");
    assert_eq!(pulled().await, 0, "of a protective order nobody knows");
    pull.assert(1, ("f2", "restraining_order"), json!(false))
        .await;
    assert_eq!(pulled().await, 1, "all is known");
    pull.assert(1, ("f3", "standing"), json!("parent_of_subject"))
        .await;
    for _ in 0..2 {
        assert_eq!(pulled().await, 0);
        assert_eq!(items().await.len(), 1);
    }
    let item = items().await.remove(0);
    assert_eq!(item.cause, HoldCause::HumanReview);
    assert_eq!(item.partner, PartnerId::new("program"));
    assert_eq!(item.pulled_over, Some(ChannelId::new("pull")));
    let act = OperatorAct {
        operator: "officer".into(),
        reason: "looked at it".into(),
        at: pull.world.clock.now(),
    };
    let done = pull
        .store
        .resolve_work_item(item.work_item_id, Resolution::Release, act);
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    assert_eq!(pulled().await, 1);
    assert!(items().await.is_empty(), "it was looked at");
}

#[tokio::test]
async fn rules_that_changed_stop_a_download() {
    // Goal: a file made under rules no longer in force is not served. Method: write, swap the
    // rules, fetch.
    let pull = Pull::new().await;
    pull.refer(1).await;
    pull.consent(1, LONG).await;
    let job = pull.begun().await;
    let manifest = pull.written(&job).await.expect("ready");
    let mut other = rules_with(PARTNERS);
    other.digest = RuleSetId::new("other");
    pull.rules.store(Arc::new(other));
    let late = pull.fetch(&job, &manifest).await;
    assert!(matches!(late, Err(FileError::Stale)), "{late:?}");
    assert!(pull.accounted(1).await.is_empty());
}

#[tokio::test]
async fn an_extract_past_its_age_says_so() {
    // Goal: the requester hears that it is too old, not that something changed. Method: a day on.
    let pull = Pull::new().await;
    pull.refer(1).await;
    pull.consent(1, LONG).await;
    let job = pull.begun().await;
    let manifest = pull.written(&job).await.expect("ready");
    let age = kinbridge::base::limits::EXTRACT_AGE_MAX;
    assert_eq!(manifest.expires_at, job.created_at.after(age));
    pull.world.clock.advance(age);
    let late = pull.fetch(&job, &manifest).await;
    assert!(matches!(late, Err(FileError::Expired)), "{late:?}");
}
