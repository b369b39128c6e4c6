//! The doors beside the road: the emergency door, registries of facts and papers in the forms of
//! others, explanations, who is whom, and notices of recall. What was planted stands in what a
//! decision gives, and in nothing else they say.

use super::road::{Held, check, mute, silent};
use super::scan::Scanner;
use super::world::{Answer, SENDERS, World};
use crate::web::harness::{LOOKS_MAX, until};
use crate::web::holdings::fhir;
use kinbridge::base::id::DisclosureId;
use serde_json::{Value, json};

/// A planted person of a record: its first identifier.
fn subject(world: &World, (record, person): (usize, usize)) -> Value {
    let root = &world.grown[record].record.root;
    let found = root.pointer(&format!("/persons/{person}/identifiers/0"));
    let found = found.expect("an identifier");
    json!({ "system": found.text("system"), "value": found.text("value") })
}

/// Planted words that have no place in what is asked.
fn token(world: &World) -> String {
    let mut all = world.grown.iter().flat_map(|one| &one.canaries);
    all.find_map(|canary| canary.token.clone()).expect("one")
}

/// Asks; the answer tells nothing.
async fn quiet(world: &World, scanner: &Scanner, asked: Asked<'_>, status: u16) -> Answer {
    let (who, verb, path, body) = asked;
    let answer = world.ask(who, verb, path, body).await;
    assert_eq!(answer.status, status, "{verb} {path}: {}", answer.json());
    silent(scanner, world, &answer, path);
    answer
}

type Asked<'a> = (&'a str, &'a str, &'a str, Option<Value>);

/// Facts, papers in the forms of others, and what is refused of them, misplaced words and all.
pub async fn registries(world: &World, scanner: &Scanner) {
    let of_county = world
        .sent
        .iter()
        .position(|(sender, _)| SENDERS[*sender].0 == "county");
    let subject = subject(world, (of_county.expect("one"), 0));
    let token = token(world);
    let fact = |kind: &str, by: &str| {
        json!({
            "subject": subject,
            "fact": { "kind": kind, "value": true, "recipient": "to-mhp",
                      "source": "court_order", "entered_by": by }
        })
    };
    let put = |kind: &str, by: &str| ("county", "PUT", "/v1/facts/f-1", Some(fact(kind, by)));
    quiet(world, scanner, put(&token, "ana"), 422).await;
    quiet(world, scanner, put("casa_appointed", "ana"), 200).await;
    for (verb, path, body, status) in [
        ("GET", "/v1/facts/f-1", None, 200),
        (
            "POST",
            "/v1/facts/f-1/confirm",
            Some(json!({ "confirmed_by": "ben" })),
            200,
        ),
        (
            "POST",
            "/v1/facts/f-1/confirm",
            Some(json!({ token.as_str(): "ben" })),
            422,
        ),
        (
            "POST",
            "/v1/facts/f-1/end",
            Some(json!({ "ended_by": "ana" })),
            200,
        ),
    ] {
        quiet(world, scanner, ("county", verb, path, body), status).await;
    }
    quiet(world, scanner, ("alpha", "GET", "/v1/facts/f-1", None), 404).await;
    let mut document = fhir();
    document["status"] = json!(token);
    let put = ("alpha", "PUT", "/fhir/Consent/d-1", Some(document));
    quiet(world, scanner, put, 422).await;
    let form = json!({ "form_id": "x", "patient": subject, token.as_str(): token });
    let import = (
        "alpha",
        "POST",
        "/v1/consents/imports?form=ascmi",
        Some(form),
    );
    quiet(world, scanner, import, 422).await;
}

/// The emergency door: what it gives is held against the decision it gave it by.
pub async fn emergencies(world: &World, scanner: &Scanner, held: &[Held]) -> usize {
    let mut seen = 0;
    for (record, one) in held.iter().enumerate() {
        let root = &world.grown[record].record.root;
        // The person of a report has no number of the county's yet.
        let client = root.pointer("/persons/0/cws_client_id");
        let Some(client) = client.and_then(|id| id.as_str()) else {
            continue;
        };
        let asked = json!({
            "requester": { "name": "Dr. Ada Testmann", "title": "Emergency physician",
                           "affiliation": "Example Hospital" },
            "subject": { "system": "cws_client_id", "value": client },
            "purpose": "medical_emergency", "reason": "unconscious",
            "emergency": { "nature": "Unconscious", "consent_obtainable": false,
                           "consent_unobtainable_because": "Unconscious",
                           "treating_facility": "Example Hospital", "discloser": "the gateway" }
        });
        let answer = world
            .ask("hospital", "POST", "/v1/emergency-access", Some(asked))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        mute(scanner, answer.head.as_bytes(), "a header");
        let told = answer.json();
        let given = told["records"].as_array().expect("records");
        let own = given
            .iter()
            .find(|given| given["record_id"] == json!(one.stored.record_id));
        let Some(own) = own else { continue };
        let decision = given_by(world, one).await;
        let content = own["content"].as_str().expect("content");
        seen += check(world, scanner, (record, one), &decision, content.as_bytes());
    }
    seen
}

/// The decision by which that record was given at the door.
async fn given_by(world: &World, one: &Held) -> kinbridge::store::DecisionRecord {
    let store = &world.gateway.running.gateway.store;
    for person in one.persons.values() {
        let path = format!("/v1/disclosures?person={person}");
        let told = world
            .ask("privacy_officer", "GET", &path, None)
            .await
            .json();
        let rows = told["disclosures"].as_array().cloned().unwrap_or_default();
        let id = rows.iter().find(|row| {
            row["partner"] == "hospital" && row["record_id"] == json!(one.stored.record_id)
        });
        let Some(id) = id.and_then(|row| row["disclosure_id"].as_str()) else {
            continue;
        };
        let id = DisclosureId::parse(id).expect("an id");
        let past = store
            .past_decision(id.0)
            .await
            .expect("read")
            .expect("taken");
        return past.decision;
    }
    panic!("what was given is in no accounting");
}

/// What officers and senders are told of decisions and of who is whom.
pub async fn explanations(world: &World, scanner: &Scanner, held: &[Held]) {
    for delivery in world.inbox.deliveries().iter().take(40) {
        let path = format!("/v1/deliveries/{}/decision", delivery.delivery_id);
        let asked = ("privacy_officer", "GET", path.as_str(), None);
        quiet(world, scanner, asked, 200).await;
        let answer = world.ask("alpha", "GET", &path, None).await;
        assert_ne!(answer.status, 200, "a sender reads no trace");
        silent(scanner, world, &answer, "a refused trace");
    }
    for one in held {
        let person = one.persons.values().next().expect("a person");
        let path = format!("/v1/persons/{person}");
        let answer = world.ask("alpha", "GET", &path, None).await;
        assert_ne!(answer.status, 200, "a sender learns of nobody");
        silent(scanner, world, &answer, "a person");
    }
}

/// Every paper is revoked; the notices that follow name no person and no kind of data.
pub async fn recalls(world: &World, scanner: &Scanner, papers: &[(&str, String)]) {
    for (who, path) in papers {
        let revoke = format!("{path}/revoke");
        let answer = world.ask(who, "POST", &revoke, None).await;
        silent(scanner, world, &answer, "a revocation");
    }
    let recall = |media: &str| media.contains("recall");
    until("a notice", LOOKS_MAX, async || {
        // A question keeps a look from being over before anything can have happened.
        let health = world.ask("alpha", "GET", "/readyz", None).await;
        assert_eq!(health.status, 200);
        let arrived = world.inbox.deliveries();
        let mut notices = arrived
            .iter()
            .filter(|one| recall(&one.media_type))
            .peekable();
        if notices.peek().is_some() {
            for notice in notices {
                mute(scanner, &notice.body, "a notice");
                let head = format!("{:?} {}", notice.headers, notice.media_type);
                mute(scanner, head.as_bytes(), "a notice's head");
            }
            return Ok(());
        }
        Err(arrived.len())
    })
    .await;
}
