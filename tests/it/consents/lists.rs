//! Goal: a list of consents, and what is shown of one, tell its reader what it may know and what
//! the law says of it. Method: the API, as lodger, as another who may stand behind it, as officer.

use super::acts::paper;
use crate::web::harness::{Gateway, SENDER, client};
use crate::web::holdings::{in_county, lodging};
use crate::web::submissions::{contact, hand_in};
use serde_json::{Value, json};

async fn world() -> Gateway {
    let partners = [("alpha", SENDER), ("beta", SENDER)];
    Gateway::start_with_partners(&partners, |_| {}).await
}

/// A contact of alpha's with the person of the papers, born on that day.
async fn born(gateway: &Gateway, day: &str) {
    let mut contact = contact("c-1");
    let subject = lodging()["subject"].clone();
    contact["persons"][0]["role"] = json!("child");
    contact["persons"][0]["birth_date"] = json!(day);
    contact["persons"][0]["identifiers"] = json!([subject]);
    let sent = hand_in(gateway, "", &[], contact.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_a_birthday_from_anothers_record() {
    // Method: a parent signs for a child whose birth date stands in alpha's record alone; alpha,
    // the discloser it names and an officer ask what stops when.
    let gateway = world().await;
    let year = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    let of_age = json!(format!("{}-06-15", year + 8));
    born(&gateway, &format!("{}-06-15", year - 10)).await;
    in_county(
        &gateway.running.gateway.store,
        "beta",
        ("06067", Some("case")),
    )
    .await;
    let mut signed = paper();
    signed["consent"]["grantor"] = json!("parent");
    signed["consent"]["end"] = json!("2099-12-31");
    let (status, told) = gateway.ask("alpha", "PUT", "/v1/consents/c1", signed).await;
    assert_eq!(status, 200, "{told}");
    let list = "/v1/consents?state=lodged&stops_within_days=65535";
    let stops = |told: &Value| {
        let rows = told["consents"].as_array().expect("rows").iter();
        let days: Vec<Value> = rows.map(|row| row["stops_on"].clone()).collect();
        days
    };
    let any = "/v1/consents?stops_within_days=65535";
    let (status, own) = gateway.ask("alpha", "GET", any, Value::Null).await;
    assert_eq!((status, stops(&own)), (200, vec![of_age.clone()]));
    let (status, others) = gateway.ask("beta", "GET", list, Value::Null).await;
    assert_eq!((status, stops(&others)), (200, vec![json!("2100-01-01")]));
    let unsaid = client()
        .get(gateway.url(any))
        .bearer_auth("token-privacy_officer");
    assert_eq!(unsaid.send().await.expect("answer").status(), 400);
    let (status, all) = gateway
        .ask("privacy_officer", "GET", any, Value::Null)
        .await;
    assert_eq!((status, stops(&all)), (200, vec![of_age.clone()]));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_superseded_only_where_the_law_retires_it() {
    // Method: a refusal, a permit that names it and lacks its form's elements, then a whole one of
    // an adult, as alpha's record says; beta, whom the refusal names, knows nothing of the record.
    let gateway = world().await;
    born(&gateway, "1990-06-15").await;
    in_county(
        &gateway.running.gateway.store,
        "beta",
        ("06067", Some("case")),
    )
    .await;
    let mut refusal = paper();
    refusal["consent"]["type"] = json!("deny");
    let mut permit = paper();
    permit["consent"]["supersedes"] = json!(["r1"]);
    permit["consent"]["signed"] = json!("2026-04-01");
    permit["consent"]["elements"] = json!(["signature"]);
    let put = async |id: &str, body: &Value| {
        let path = format!("/v1/consents/{id}");
        let (status, told) = gateway.ask("alpha", "PUT", &path, body.clone()).await;
        assert_eq!(status, 200, "{told}");
        told
    };
    let by_id = put("r1", &refusal).await["registry_id"].clone();
    let by_id = format!("/v1/consents/{}", by_id.as_str().expect("an id"));
    let state =
        async |who: &str| gateway.ask(who, "GET", &by_id, Value::Null).await.1["state"].clone();
    assert_eq!(put("p1", &permit).await["counts"], json!(false));
    assert_eq!(state("alpha").await, "effective", "it closes as before");
    permit["consent"]["elements"] = paper()["consent"]["elements"].clone();
    assert_eq!(put("p1", &permit).await["counts"], json!(true));
    assert_eq!(state("alpha").await, "superseded");
    assert_eq!(state("privacy_officer").await, "superseded");
    assert_eq!(state("beta").await, "effective", "in doubt it stands");
    // Of a permit the newer one need not count.
    let mut later = paper();
    later["consent"]["supersedes"] = json!(["p1"]);
    later["consent"]["elements"] = json!(["signature"]);
    put("p2", &later).await;
    let (_, told) = gateway
        .ask("alpha", "GET", "/v1/consents/p1", Value::Null)
        .await;
    assert_eq!(told["state"], "superseded");
    assert_eq!(
        state("alpha").await,
        "effective",
        "what retired it is retired"
    );
    gateway.running.shutdown().await;
}
