//! Goal: a paper lets in what is about the person whose paper it is, in the lane it was lodged in,
//! and nothing else. Method: a domestic-violence program and a substance-use program hand in a
//! contact that names a consent, lodged for one person or another.

use crate::labels::CONTACT;
use crate::release::{PARTNERS, rules_with};
use crate::store::world::{START, World, inbound};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{ConsentId, CorrelationId, PartnerId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::intake::{Refusal, accept};
use kinbridge::rules::Rules;
use kinbridge::store::{NewConsent, NewIdentifier, Store};

const SHELTER: &str = r#"
id = "shelter"
name = "A domestic-violence program"
role = "dv_program"
mode = "live"
agreement = [{ id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
"#;

fn rules() -> Rules {
    let mut all = PARTNERS.to_vec();
    all.push(SHELTER);
    rules_with(&all)
}

/// The contact with consent `k1` named, and identifiers of two persons.
fn body() -> String {
    CONTACT
        .replace(
            "\"missing\": [",
            "\"consent_refs\": [\"k1\"], \"missing\": [",
        )
        .replace(
            "\"key\": \"mother\",",
            "\"key\": \"mother\", \"identifiers\": [{\"system\": \"urn:x:m\", \"value\": \"1\"},
             {\"system\": \"urn:x:n\", \"value\": \"1\"}],",
        )
        .replace(
            "\"key\": \"child\",",
            "\"key\": \"child\", \"identifiers\": [{\"system\": \"urn:x:c\", \"value\": \"1\"}],",
        )
}

async fn lodge(store: &Store, kind: &str, (identifier, test): (&str, bool)) {
    let partner = PartnerId::new("shelter");
    let identifier: NewIdentifier = identifier.into();
    let subject = store.ensure_person(&partner, &identifier, test).await;
    let class = match kind {
        "part2_counseling_notes" => "sud_counseling_notes",
        _ => "dv_information",
    };
    let text = format!(
        r#"{{"id": "k1", "kind": "{kind}", "type": "permit", "grantor": "self",
        "classes": ["{class}"], "recipients": ["county_agency"],
        "recipient_ids": ["gateway-operator"], "purposes": ["care_coordination"],
        "signed": "2020-01-01", "start": "2020-01-01", "end": "2099-12-31"}}"#
    );
    let lodged = store.put_consent(NewConsent {
        consent_id: ConsentId::new("k1"),
        partner,
        subject: subject.expect("a person"),
        body: Sensitive::new(crate::release::complete(&text).into_bytes()),
        at: START,
        correlation_id: CorrelationId::new("test"),
    });
    lodged.await.expect("lodged");
}

/// Codes of everything told of the one record.
async fn told(store: &Store, body: &str) -> Vec<String> {
    let inbound = inbound("shelter", None, body, START);
    let findings: Vec<Finding> = match accept(store, &rules(), inbound).await {
        Ok(receipt) => receipt
            .records
            .into_iter()
            .flat_map(|r| r.findings)
            .collect(),
        Err(Refusal::Nothing(findings)) => findings,
        other => panic!("{other:?}"),
    };
    findings.iter().map(|f| f.code.to_string()).collect()
}

#[tokio::test]
async fn a_release_of_somebody_else_lets_nothing_in() {
    for (subject, needed) in [
        (("urn:x:other|1", false), true),
        (("urn:x:m|1", true), true),
        (("urn:x:m|1", false), false),
        (("urn:x:c|1", false), false),
    ] {
        let world = World::new();
        let store = world.open().await;
        lodge(&store, "vawa_release", subject).await;
        let codes = told(&store, &body()).await;
        let asked = codes.iter().any(|code| code == "release-needed");
        assert_eq!(asked, needed, "{subject:?}: {codes:?}");
    }
}

#[tokio::test]
async fn a_person_two_identifiers_lead_apart_is_nobody_whose_paper_counts() {
    let world = World::new();
    let store = world.open().await;
    lodge(&store, "vawa_release", ("urn:x:m|1", false)).await;
    let (partner, identifier) = (PartnerId::new("program"), "urn:x:n|1".into());
    let other = store.ensure_person(&partner, &identifier, false);
    other.await.expect("a person");
    let codes = told(&store, &body()).await;
    assert!(
        codes.iter().any(|code| code == "release-needed"),
        "{codes:?}"
    );
}

#[tokio::test]
async fn notes_come_in_under_the_paper_of_the_person_they_are_about() {
    // The notes are about the mother; the child's paper is a paper of the record all the same.
    let notes = body().replacen(
        "\"missing\"",
        "\"labels\": [{\"path\": \"/body/mode\", \"classes\": [\"sud_counseling_notes\"]}], \
         \"missing\"",
        1,
    );
    for (subject, refused) in [("urn:x:c|1", true), ("urn:x:m|1", false)] {
        let world = World::new();
        let store = world.open().await;
        lodge(&store, "part2_counseling_notes", (subject, false)).await;
        let codes = told(&store, &notes).await;
        let kept_out = codes.iter().any(|code| code == "data-class-refused");
        assert_eq!(kept_out, refused, "{subject}: {codes:?}");
    }
}
