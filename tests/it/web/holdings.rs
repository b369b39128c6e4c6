//! Something of every kind that belongs to partner alpha, put straight into the store.

use super::harness::{Gateway, client};
use kinbridge::base::clock::Timestamp;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::{
    ChannelId, CorrelationId, EmergencyId, ExtractId, PartnerId, RecordType, RuleSetId,
    SubmissionId, WorkItemId,
};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::record::whereabouts::Stated;
use kinbridge::store::{
    Action, DecisionRecord, Earlier, EmergencyAnswer, EmergencyAsk, EmergencyGiven, HoldCause,
    NewEmergency, NewPerson, NewRecord, NewSubmission, Store,
};
use kinbridge::web::routes::IdKind;
use serde_json::{Value, json};

/// Ids of what alpha has.
pub struct Holdings {
    pub submission: SubmissionId,
    pub extract: String,
    pub notice: WorkItemId,
}

pub async fn of_alpha(gateway: &Gateway) -> Holdings {
    let store = &gateway.running.gateway.store;
    let consent = client()
        .put(gateway.url("/v1/consents/roi-1"))
        .bearer_auth("token-alpha")
        .json(&lodging())
        .send()
        .await
        .expect("answer");
    assert_eq!(consent.status(), 200);
    let fact = client()
        .put(gateway.url("/v1/facts/f-1"))
        .bearer_auth("token-alpha")
        .json(&asserting())
        .send()
        .await
        .expect("answer");
    assert_eq!(fact.status(), 200);
    let extract = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-alpha")
        .json(&json!({}))
        .send()
        .await
        .expect("answer");
    let extract: Value = extract.json().await.expect("json");
    let submission = submission(store, "alpha", 3).await;
    Holdings {
        submission,
        notice: notice(store).await,
        extract: extract["extract_id"].as_str().expect("begun").to_owned(),
    }
}

/// A notice that a record of alpha's was given at the emergency door.
async fn notice(store: &Store) -> WorkItemId {
    let alpha = PartnerId::new("alpha");
    let identifier = "urn:example:test|0";
    let person = store.person_seen_by(&alpha, identifier, true).await;
    let person = person.expect("read").expect("known");
    let types = [RecordType::new("person")];
    let page = store.emergency_records(EmergencyAsk {
        person,
        test: true,
        record_types: &types,
        after: None,
        limit: 9,
    });
    let row = page.await.expect("read").rows.remove(0);
    let now = Timestamp(1_790_000_000_000_000);
    let decision = DecisionRecord {
        rule_set: RuleSetId::new("rules"),
        at: now,
        purpose: "medical_emergency".into(),
        recipient_role: "health_provider".into(),
        source_role: "mhp".into(),
        rows: Vec::new(),
        facts: Vec::new(),
        consents: Vec::new(),
        asserted: Vec::new(),
        obligations: Vec::new(),
        reviews: Vec::new(),
        citations: Vec::new(),
        open: Vec::new(),
        standing_unknown: false,
    };
    let given = NewEmergency {
        emergency_id: EmergencyId::mint(now),
        requester: PartnerId::new("beta"),
        channel: ChannelId::new("pull"),
        purpose: "medical_emergency".into(),
        test: true,
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("4bf92f3577b34da6a3ce929d0e0e4736"),
        declaration: Sensitive::new(b"{}".to_vec()),
        epochs: Vec::new(),
        spends: Vec::new(),
        given: vec![EmergencyGiven {
            record_id: row.record.record_id,
            row: row.row,
            source: alpha.clone(),
            decision,
            output: Digest::of(b"output"),
        }],
        held: 0,
        truncated: false,
        unread: false,
        review_due: now,
    };
    let answer = store.authorise_emergency(given).await;
    assert_eq!(answer.expect("committed"), EmergencyAnswer::Go);
    let items = store.work_items(Some(&alpha), None, 9).await;
    let mut items = items.expect("read").into_iter();
    let notice = items.find(|item| item.cause == HoldCause::EmergencyNotice);
    notice.expect("told").work_item_id
}

/// A consent of an invented person.
pub fn lodging() -> Value {
    json!({
        "subject": { "system": "urn:example:family-id", "value": "F-1001" },
        "consent": {
            "kind": "general_roi",
            "type": "permit",
            "grantor": "self",
            "classes": ["referral"],
            "recipients": ["service_org"],
            "purposes": ["care_coordination"],
            "signed": "2026-03-01",
            "end": "2099-12-31"
        }
    })
}

/// A fact of the same person.
pub fn asserting() -> Value {
    json!({
        "subject": { "system": "urn:example:family-id", "value": "F-1001" },
        "fact": {
            "kind": "mandated_report",
            "value": true,
            "recipient": "beta",
            "source": "observation",
            "entered_by": "ana"
        }
    })
}

/// The same person's, as a FHIR Consent.
pub fn fhir() -> Value {
    let mut consent = crate::consents_fhir::document(json!({"type": "permit"}));
    let person = json!({"identifier": {"system": "urn:example:family-id", "value": "F-1001"}});
    consent["patient"] = person.clone();
    consent["performer"] = json!([person]);
    consent
}

impl Holdings {
    /// An id of that kind alpha has, and one of the same form nobody has.
    pub fn ids(&self, kind: IdKind) -> (String, String) {
        match kind {
            IdKind::Submission => {
                let unknown = SubmissionId::mint(Timestamp(1));
                (self.submission.to_string(), unknown.to_string())
            }
            IdKind::Consent => (String::from("roi-1"), String::from("roi-9")),
            IdKind::Fact => (String::from("f-1"), String::from("f-9")),
            IdKind::Extract => {
                let unknown = ExtractId::mint(Timestamp(1));
                (self.extract.clone(), unknown.to_string())
            }
            IdKind::WorkItem => {
                let unknown = WorkItemId::mint(Timestamp(1));
                (self.notice.to_string(), unknown.to_string())
            }
            other => panic!("add something of kind {other:?} to the holdings"),
        }
    }

    /// What a body of the route is.
    pub fn media(&self, route: &str) -> &'static str {
        match route {
            "consent_scan_put" => "application/pdf",
            _ => "application/json",
        }
    }

    /// A body the route takes.
    pub fn body(&self, route: &str) -> String {
        match route {
            "consent_put" => lodging().to_string(),
            "consent_scan_put" => String::from("%PDF-1.7 a scan"),
            "fact_put" => asserting().to_string(),
            "fact_confirm" => json!({ "confirmed_by": "ben" }).to_string(),
            "fact_end" => json!({ "ended_by": "ana" }).to_string(),
            "fhir_consent_put" => fhir().to_string(),
            "consent_confirm" | "consent_unconfirm" => {
                json!({ "entered_by": "w-17", "subject": lodging()["subject"] }).to_string()
            }
            "consent_ended" => {
                json!({ "event": "other", "on": "2026-03-01", "entered_by": "w-17" }).to_string()
            }
            _ => String::new(),
        }
    }
}

/// A submission with so many accepted records.
pub async fn submission(store: &Store, partner: &str, records: u32) -> SubmissionId {
    accepted(store, partner, (0..records).map(record).collect()).await
}

/// A record of a partner about the person of [`lodging`], in a county's jurisdiction.
pub async fn in_county(store: &Store, partner: &str, (fips, service): (&str, Option<&str>)) {
    let mut record = record(7);
    record.source_record_id = format!("in {fips} as {service:?}");
    record.version = Digest::of(record.source_record_id.as_bytes());
    record.persons[0].identifiers = vec!["urn:example:family-id|F-1001".into()];
    record.county_fips = Some(fips.to_owned());
    record.service_source = service.map(str::to_owned);
    accepted(store, partner, vec![record]).await;
}

async fn accepted(store: &Store, partner: &str, records: Vec<NewRecord>) -> SubmissionId {
    let now = Timestamp(1_790_000_000_000_000);
    let submission = NewSubmission {
        submission_id: SubmissionId::mint(now),
        partner: PartnerId::new(partner),
        channel: ChannelId::new("in"),
        test: true,
        idempotency_key: None,
        body_digest: Digest::of(b"body"),
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("4bf92f3577b34da6a3ce929d0e0e4736"),
        received_at: now,
        records,
        rejected: Vec::new(),
    };
    let committed = store.accept(submission).await.expect("accepted");
    committed.submission_id()
}

fn record(index: u32) -> NewRecord {
    NewRecord {
        index,
        record_type: RecordType::new("person"),
        source_record_id: format!("source-{index}"),
        version: Digest::of(&index.to_be_bytes()),
        payload: Sensitive::new(b"{}".to_vec()),
        persons: vec![NewPerson {
            key: String::from("p"),
            identifiers: vec![format!("urn:example:test|{index}").as_str().into()],
            focus: true,
            whereabouts: Stated::default(),
        }],
        protected_lines: Vec::new(),
        sources: Vec::new(),
        case_ref: None,
        county_fips: None,
        action: Action::Upsert,
        service_source: None,
        findings: Vec::new(),
        earlier: Earlier::default(),
        hold: None,
    }
}
