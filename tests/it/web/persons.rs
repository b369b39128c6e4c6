//! Who is whom, over the API: looked at with a reason, joined and parted on an officer's word.

use super::harness::{Gateway, client};
use super::holdings::submission;
use super::submissions::fits;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::PersonId;
use serde_json::{Value, json};

async fn person(gateway: &Gateway, number: u32) -> String {
    let store = &gateway.running.gateway.store;
    let identifier = format!("urn:example:test|{number}");
    let found = store.person_by_identifier(&identifier, true).await;
    found.expect("an answer").expect("known").to_string()
}

async fn look(gateway: &Gateway, who: &str, id: &str, reason: Option<&str>) -> (u16, Value) {
    let mut ask = client()
        .get(gateway.url(&format!("/v1/persons/{id}")))
        .bearer_auth(format!("token-{who}"));
    if let Some(reason) = reason {
        ask = ask.header("Kinbridge-Reason", reason);
    }
    let answer = ask.send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

async fn act(gateway: &Gateway, path: &str, body: Value) -> (u16, Value) {
    let ask = client()
        .post(gateway.url(path))
        .bearer_auth("token-privacy_officer");
    let answer = ask.json(&body).send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

/// Words of operator entries in the ledger, in order.
async fn told(gateway: &Gateway) -> Vec<String> {
    let store = &gateway.running.gateway.store;
    let page = store.ledger_page(0, 500).await.expect("entries");
    let bodies = page.into_iter().map(|entry| entry.body);
    let entries = bodies.map(|body| serde_json::from_slice::<Value>(&body).expect("JSON"));
    let mut words = Vec::new();
    for entry in entries.filter(|entry| entry["kind"] == "operator") {
        words.push(entry["action"].as_str().expect("an action").to_owned());
    }
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_are_joined_looked_at_and_parted_on_an_officers_word() {
    // Goal: who is whom can be put right over the API, and each look and change has its reason in
    // the ledger. Method: two persons known by one identifier each; joined, looked at from both
    // sides, parted; before and after, each has what is its own.
    let gateway = Gateway::start().await;
    submission(&gateway.running.gateway.store, "alpha", 2).await;
    let (one, two) = (person(&gateway, 0).await, person(&gateway, 1).await);
    let (status, before) = look(&gateway, "privacy_officer", &one, Some("a look")).await;
    assert_eq!(status, 200, "{before}");
    fits(&gateway, "Person", &before).await;
    assert_eq!(
        (&before["counts_to"], &before["records"]),
        (&json!(one), &json!(1))
    );
    assert_eq!(before["words"][0]["partner"], "alpha");
    assert_eq!(before["joins"], json!([]));

    let join = format!("/v1/persons/{one}/join");
    let body = json!({ "other": two, "reason": "one human being" });
    assert_eq!(act(&gateway, &join, body.clone()).await.0, 200);
    let (status, again) = act(&gateway, &join, body).await;
    assert_eq!((status, &again["code"]), (409, &json!("state-conflict")));
    let (_, kept) = look(&gateway, "privacy_officer", &one, Some("a look")).await;
    fits(&gateway, "Person", &kept).await;
    assert_eq!(kept["records"], 2);
    assert_eq!(kept["joins"][0]["other"], json!(two));
    assert_eq!(kept["joins"][0]["joined_by"], "privacy_officer");
    let words = kept["words"].as_array().expect("words");
    assert!(
        words.iter().any(|word| word["person"] == json!(two)),
        "{kept}"
    );
    let (_, other) = look(&gateway, "privacy_officer", &two, Some("a look")).await;
    assert_eq!(
        (&other["counts_to"], &other["records"]),
        (&json!(one), &json!(0))
    );

    let reason = json!({ "reason": "two after all" });
    let kept_one = act(&gateway, &format!("/v1/persons/{one}/part"), reason.clone()).await;
    assert_eq!(
        kept_one.0, 409,
        "the one that was kept was joined into nobody"
    );
    let part = format!("/v1/persons/{two}/part");
    assert_eq!(act(&gateway, &part, reason.clone()).await.0, 200);
    assert_eq!(act(&gateway, &part, reason).await.0, 409);
    for id in [&one, &two] {
        let (_, after) = look(&gateway, "privacy_officer", id, Some("a look")).await;
        fits(&gateway, "Person", &after).await;
        assert_eq!(
            (&after["counts_to"], &after["records"]),
            (&json!(id), &json!(1))
        );
        assert_eq!(after["joins"][0]["parted_by"], "privacy_officer");
    }
    let told = told(&gateway).await;
    for (word, count) in [
        ("person_read", 5),
        ("persons-joined", 1),
        ("persons-parted", 1),
    ] {
        let found = told.iter().filter(|action| *action == word).count();
        assert_eq!(found, count, "{word}: {told:?}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_officer_with_a_reason_sees_who_is_whom() {
    // Goal: nobody looks without saying why, and nobody but an officer. Method: without a reason,
    // as others, for nobody, and joins that name nobody, themselves or no id.
    let gateway = Gateway::start().await;
    submission(&gateway.running.gateway.store, "alpha", 1).await;
    let one = person(&gateway, 0).await;
    let (status, problem) = look(&gateway, "privacy_officer", &one, None).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("parameter-invalid"))
    );
    for who in ["integrator", "auditor", "alpha"] {
        assert_eq!(
            look(&gateway, who, &one, Some("curious")).await.0,
            403,
            "{who}"
        );
    }
    let nobody = PersonId::mint(Timestamp(1)).to_string();
    assert_eq!(
        look(&gateway, "privacy_officer", &nobody, Some("a look"))
            .await
            .0,
        404
    );
    for (other, status) in [
        (nobody, 409),
        (one.clone(), 409),
        (String::from("per_"), 422),
    ] {
        let body = json!({ "other": other, "reason": "one human being" });
        let answer = act(&gateway, &format!("/v1/persons/{one}/join"), body).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    }
    assert_eq!(told(&gateway).await, Vec::<String>::new());
    gateway.running.shutdown().await;
}
