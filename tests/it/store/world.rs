//! What the contract tests share: a store in a temporary folder, a clock, invented records.

use kinbridge::base::clock::{Clock, MockClock, Timestamp};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::intake::Inbound;
use kinbridge::record::whereabouts::Stated;
use kinbridge::store::*;
use std::sync::Arc;
use std::time::Duration;

pub const START: Timestamp = Timestamp(1_790_000_000_000_000);

/// One database in a folder of its own.
pub struct World {
    pub folder: tempfile::TempDir,
    pub clock: Arc<MockClock>,
}

impl World {
    pub fn new() -> World {
        World {
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: Arc::new(MockClock::at(START)),
        }
    }

    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("kinbridge.db")
    }

    pub async fn open(&self) -> Store {
        let key = MasterKey::load_or_create(&self.folder.path().join("master.key"));
        let clock: Arc<dyn Clock> = self.clock.clone();
        Store::open(&self.database(), key.expect("a key"), clock)
            .await
            .expect("the store opens")
    }
}

/// A record of an invented family.
pub fn record(index: u32, source: &str, text: &str) -> NewRecord {
    NewRecord {
        index,
        record_type: RecordType::new("service-referral"),
        source_record_id: source.into(),
        version: Digest::of(text.as_bytes()),
        payload: Sensitive::new(format!("{{\"text\":\"{text}\"}}").into_bytes()),
        persons: vec![person("child", &[&format!("urn:x|{source}-c")], true)],
        protected_lines: Vec::new(),
        sources: Vec::new(),
        case_ref: Some(format!("case-{source}")),
        county_fips: Some("06999".into()),
        action: Action::Upsert,
        service_source: Some("case".into()),
        findings: Vec::new(),
        earlier: Earlier::default(),
        hold: None,
    }
}

pub fn person(key: &str, identifiers: &[&str], focus: bool) -> NewPerson {
    NewPerson {
        key: key.into(),
        identifiers: identifiers.iter().map(|i| (*i).into()).collect(),
        focus,
        whereabouts: Stated::default(),
    }
}

/// A submission of these records by the one sender of the tests.
pub fn submission(key: Option<&str>, body: &str, records: Vec<NewRecord>) -> NewSubmission {
    NewSubmission {
        submission_id: SubmissionId::mint(START),
        partner: sender(),
        channel: ChannelId::new("in"),
        test: false,
        idempotency_key: key.map(str::to_owned),
        body_digest: Digest::of(body.as_bytes()),
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("corr"),
        received_at: START,
        records,
        rejected: Vec::new(),
    }
}

/// A body as a transport hands it over.
pub fn inbound(partner: &str, key: Option<&str>, body: &str, at: Timestamp) -> Inbound {
    Inbound {
        partner: PartnerId::new(partner),
        channel: ChannelId::new("in"),
        key: key.map(str::to_owned),
        body: Sensitive::new(body.as_bytes().to_vec()),
        correlation: CorrelationId::new("test"),
        received_at: at,
    }
}

/// A consent of this subject.
pub fn consent(subject: PersonId, text: &str) -> NewConsent {
    NewConsent {
        consent_id: ConsentId::new("c-1"),
        partner: sender(),
        subject,
        body: Sensitive::new(text.as_bytes().to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    }
}

pub fn sender() -> PartnerId {
    PartnerId::new("sender")
}

/// Routes everything that waits to these recipients over channel `out`.
pub async fn route_all(store: &Store, recipients: &[&str]) -> usize {
    let work = store.claim_routes(500).await.expect("routes");
    let routed = work.iter().map(|w| Routed {
        record_id: w.record.record_id,
        version: w.record.version,
        asked: w.asked,
        deliveries: recipients
            .iter()
            .map(|to| delivery(&w.record, to, 0))
            .collect(),
        work: Vec::new(),
    });
    let routed: Vec<Routed> = routed.collect();
    let count = routed.len();
    store.routed(routed).await.expect("routed");
    count
}

pub fn delivery(record: &StoredRecord, to: &str, generation: u32) -> NewDelivery {
    let parts: [&[u8]; 4] = [
        &record.record_id.0,
        &record.version.0,
        to.as_bytes(),
        &generation.to_be_bytes(),
    ];
    NewDelivery {
        delivery_id: DeliveryId(Digest::of_parts(&parts).half()),
        record_id: record.record_id,
        version: record.version,
        partner: PartnerId::new(to),
        channel: ChannelId::new("out"),
        generation,
        addressee: true,
        late_release_days: 30,
    }
}

/// Claims what is due for these recipients, at most `max` per lane.
pub async fn claim(world: &World, store: &Store, to: &[&str], max: u32) -> Vec<Claimed> {
    claim_some(world, store, (to, max), (500, 0)).await
}

/// As [`claim`], so many altogether, and so many of each lane that is not named.
pub async fn claim_some(
    world: &World,
    store: &Store,
    (to, max): (&[&str], u32),
    (limit, unlisted_max): (usize, u32),
) -> Vec<Claimed> {
    let lanes = to.iter().map(|to| LaneLimit {
        partner: PartnerId::new(to),
        channel: ChannelId::new("out"),
        in_flight_max: max,
    });
    let request = ClaimRequest {
        limit,
        now: world.clock.now(),
        lease: Duration::from_secs(60),
        lanes: lanes.collect(),
        unlisted_max,
    };
    store.claim(request).await.expect("claimed")
}

/// The authorisation of a claim: everything about everybody may go.
pub fn authorisation(claimed: &Claimed) -> Authorisation {
    let persons = &claimed.record.persons;
    Authorisation {
        review_due: None,
        spends: Vec::new(),
        delivery_id: claimed.delivery.delivery_id,
        token: claimed.token,
        epochs: persons.iter().map(|p| (p.person, p.epoch)).collect(),
        decision: decision(claimed, "permit"),
        output: KeptOutput {
            bytes: Sensitive::new(b"released bytes".to_vec()),
            media_type: "application/json".into(),
            released_paths: vec!["/body/status".into()],
            along: Digest::of(b"nothing"),
        },
    }
}

pub fn decision(claimed: &Claimed, effect: &str) -> DecisionRecord {
    DecisionRecord {
        rule_set: RuleSetId::new("rules"),
        at: START,
        purpose: "care_coordination".into(),
        recipient_role: "cws".into(),
        source_role: "ppp".into(),
        rows: claimed
            .record
            .persons
            .iter()
            .map(|p| DecisionRow {
                person: p.person,
                data_class: "referral".into(),
                verdict: effect.parse().expect("a verdict"),
                citation: "WIC 10850".into(),
                facts: 0,
            })
            .collect(),
        facts: vec![vec!["minor".into()]],
        consents: Vec::new(),
        asserted: Vec::new(),
        standing_unknown: false,
        obligations: vec!["accounting".into()],
        reviews: vec![LookAsked {
            by: "refusal_unclear".into(),
            before: true,
        }],
        citations: vec!["WIC 10850".into()],
        open: Vec::new(),
    }
}

/// The first revision of a fact of this subject.
pub fn fact(id: &str, subject: PersonId, text: &str) -> NewFact {
    NewFact {
        fact_id: FactId::new(id),
        partner: sender(),
        subject,
        of_household: false,
        step: FactStep::Asserted,
        after: None,
        ended_at: None,
        body: Sensitive::new(text.as_bytes().to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    }
}

pub async fn complete_one(store: &Store, claimed: &Claimed, completion: Completion) -> bool {
    let ended = vec![(claimed.delivery.delivery_id, claimed.token, completion)];
    store.complete(ended).await.expect("completed")[0]
}

pub async fn state(store: &Store, claimed: &Claimed) -> DeliveryState {
    let view = store.delivery(claimed.delivery.delivery_id).await;
    view.expect("read").expect("known").state
}

pub fn act(reason: &str) -> OperatorAct {
    OperatorAct {
        operator: "officer".into(),
        reason: reason.into(),
        at: START,
    }
}
