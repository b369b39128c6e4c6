//! Goal: a release rests on facts of the registry and on nothing else: each opens what its row of
//! the law says, while it holds, from whom may say it, confirmed where that is due, and no longer.
//! Method: invented partners of every role around one county, one child, a record marked with one
//! class at a time; the verdict on that class.

mod lasting;
mod rows;
mod standing;

use crate::labels::record;
use crate::release::asking;
use crate::release::rules_with;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::base::vocabulary::{SourceRole, Verdict};
use kinbridge::release::{HeldConsent, HeldFact, Release, ReleaseInput, release};
use kinbridge::rules::Rules;
use kinbridge::store::{FactStep, NewFact};
use serde_json::{Value, json};
use std::sync::OnceLock;

pub const CHILD: PersonId = PersonId([1; 16]);
pub const NOW: &str = "2026-09-15T12:00:00-07:00";

pub fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("an instant")
}

/// A fact from today on toward a recipient, entered by one and confirmed by another now.
pub fn said(kind: &str, value: Value, (recipient, now): (&str, Timestamp)) -> Value {
    json!({"kind": kind, "value": value, "recipient": recipient, "from": "2026-09-15",
        "to": "2027-08-31", "source": "court_record", "entered_by": "ana",
        "entered_at": now.to_rfc3339(), "confirmed_by": "ben",
        "confirmed_at": now.to_rfc3339()})
}

/// The same on its way into the store, from the county.
pub fn entered(id: &str, subject: PersonId, said: &Value, now: Timestamp) -> NewFact {
    let mut said = said.clone();
    said["from"] = "2026-01-01".into();
    NewFact {
        fact_id: FactId::new(id),
        partner: PartnerId::new("county"),
        subject,
        of_household: said["kind"] == "safe_at_home",
        step: FactStep::Asserted,
        after: None,
        ended_at: None,
        body: Sensitive::new(said.to_string().into_bytes()),
        at: now,
        correlation_id: CorrelationId::new("test"),
    }
}

/// A fact of the registry, as a release is given it. `holder` and `receiver` are whoever they are
/// on the way it is decided for.
#[derive(Clone)]
pub struct Kept {
    pub id: FactId,
    pub by: String,
    pub ended_at: Option<Timestamp>,
    pub said: Value,
}

/// Of the child, by this partner.
pub fn kept(id: &str, by: &str, said: &Value) -> Kept {
    Kept {
        id: FactId::new(id),
        by: by.to_owned(),
        ended_at: None,
        said: said.clone(),
    }
}

/// Kinds the law lets a role assert, as a partner file lists them.
fn may_assert(role: &str) -> String {
    let all = kinbridge::catalog::load(&[]).0.facts.kinds;
    let own = all.iter().filter(|kind| {
        let role = role.parse();
        role.is_ok_and(|role| kind.may_be_asserted_by(role))
    });
    let own: Vec<String> = own.map(|kind| format!("{:?}", kind.id)).collect();
    own.join(", ")
}

/// One partner of that role that asserts all it may.
fn partner(id: &str, role: &str, more: &str) -> String {
    format!(
        "id = \"{id}\"\nname = \"An invented one\"\nrole = \"{role}\"\nmode = \"live\"\n\
         county_fips = \"06067\"\nasserts = [{}]\n{more}\n",
        may_assert(role)
    )
}

/// From whom to whom, and by which rules.
pub struct Way {
    pub rules: &'static Rules,
    pub holder: PartnerId,
    pub receiver: PartnerId,
}

/// Recipients beside those of the rows: role, purpose, agreement.
const MORE: [(&str, &str, &str); 2] = [
    ("service_org", "care_coordination", ""),
    ("parent", "parent_access", ""),
];

fn receiver(role: &str, purpose: &str, agreement: &str) -> String {
    format!("to-{role}-{purpose}-{agreement}")
}

/// All partners of all rows, compiled once.
fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut all: Vec<String> = SourceRole::ALL
            .iter()
            .map(|role| partner(&format!("from-{role}"), role.as_str(), ""))
            .collect();
        let of_rows = rows::ROWS.iter().map(|row| (row.1, row.2, row.4));
        for (role, purpose, agreement) in of_rows.chain(MORE) {
            let holders = rows::ROWS
                .iter()
                .filter(|row| (row.1, row.2, row.4) == (role, purpose, agreement));
            let agreed = holders.filter(|_| !agreement.is_empty()).map(|row| {
                format!(
                    "{{ id = \"1\", kind = \"{agreement}\", with = \"from-{}\" }}",
                    row.0
                )
            });
            let agreed: Vec<String> = agreed.collect();
            let agreed = format!("agreement = [{}]\n", agreed.join(", "));
            let out = format!(
                "{agreed}[[channel]]\nname = \"out\"\ndirection = \"out\"\n\
                 format = \"kinbridge-json/1.0\"\nrecords = [\"family-case\"]\n\
                 purpose = \"{purpose}\"\nrelated_by = [\"county\"]\n\
                 https = {{ url = \"https://receiver.example/inbox\" }}"
            );
            all.push(partner(&receiver(role, purpose, agreement), role, &out));
        }
        let county = partner("county", "cws", "");
        all.push(
            county
                .replace("06067", "06001")
                .replace("\"county\"", "\"elsewhere\""),
        );
        all.push("id = \"silent\"\nname = \"S\"\nrole = \"cws\"\nmode = \"live\"".to_owned());
        all.push(county);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        rules_with(&all)
    })
}

/// The way from a holder to a receiver of these roles.
pub fn way(from: &str, to: &str, purpose: &str, agreement: &str) -> Way {
    Way {
        rules: rules(),
        holder: PartnerId::new(&format!("from-{from}")),
        receiver: PartnerId::new(&receiver(to, purpose, agreement)),
    }
}

impl Way {
    fn named(&self, id: &str) -> PartnerId {
        match id {
            "holder" => self.holder.clone(),
            "receiver" => self.receiver.clone(),
            other => PartnerId::new(other),
        }
    }
}

/// Decides on a case of the child, marked with one class.
pub fn decide(way: &Way, class: &str, facts: &[&Kept], now: Timestamp) -> Release {
    decide_with(way, class, (&[], facts), now)
}

/// The same with consents on file.
pub fn decide_with(
    way: &Way,
    class: &str,
    (consents, facts): (&[HeldConsent<'_>], &[&Kept]),
    now: Timestamp,
) -> Release {
    let text = json!({
        "envelope": {"record_type": "family-case", "schema_version": "1.0",
            "source_record_id": "c-1", "county_fips": "06067", "service_source": "case",
            "subject_refs": ["child"], "focus_refs": ["child"],
            "labels": [{"path": "/body/case_number", "classes": [class]}]},
        "persons": [{"key": "child", "role": "child", "birth_date": "2012-05-05",
            "names": [{"use": "legal", "last": "Quill"}]}],
        "body": {"case_number": "K-17"}
    });
    let record = record("family-case", &text.to_string());
    let recipient = &way.rules.partners[&way.receiver];
    let read: Vec<(PartnerId, Sensitive<Vec<u8>>)> = facts
        .iter()
        .map(|fact| {
            let mut said = fact.said.clone();
            if let Some(to) = said["recipient"].as_str() {
                said["recipient"] = way.named(to).as_str().into();
            }
            let body = Sensitive::new(said.to_string().into_bytes());
            (way.named(&fact.by), body)
        })
        .collect();
    let held: Vec<HeldFact<'_>> = facts
        .iter()
        .zip(&read)
        .map(|(fact, (by, body))| HeldFact {
            id: &fact.id,
            asserter: by,
            subject: CHILD,
            ended_at: fact.ended_at,
            revision: 1,
            body,
        })
        .collect();
    release(
        way.rules,
        &ReleaseInput {
            consents,
            facts: &held,
            now,
            ..asking(
                (&record, &[("child".to_owned(), CHILD)]),
                &way.rules.partners[&way.holder],
                (recipient, &recipient.channel[0]),
            )
        },
    )
}

/// Whether the class may go by itself, whatever else is asked before it does.
pub fn opens(release: &Release, class: &str) -> bool {
    let taken = match release {
        Release::Go(outgoing) => outgoing.taken(),
        Release::Held(_, taken) | Release::Withheld(taken) => taken,
        Release::Untied(taken) => panic!("not asked: {:?}", taken.citations),
    };
    let own = taken.rows.iter().find(|row| row.data_class == class);
    own.expect("the class was asked for").verdict == Verdict::Permit
}
