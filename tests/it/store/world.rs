//! What the contract tests share: a store in a temporary folder, a clock, invented records.

use kinbridge::base::clock::{Clock, MockClock, Timestamp};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::{Action, MasterKey, NewPerson, NewRecord, NewSubmission, Store};
use std::sync::Arc;

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
        case_ref: Some(format!("case-{source}")),
        county_fips: Some("06999".into()),
        action: Action::Upsert,
        service_source: Some("case".into()),
        findings: Vec::new(),
        hold: None,
    }
}

pub fn person(key: &str, identifiers: &[&str], focus: bool) -> NewPerson {
    NewPerson {
        key: key.into(),
        identifiers: identifiers.iter().map(|i| (*i).to_owned()).collect(),
        focus,
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

pub fn sender() -> PartnerId {
    PartnerId::new("sender")
}
