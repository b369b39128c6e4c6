//! What a partner sees of its submissions.

use super::harness::{Gateway, client};
use super::holdings;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_come_page_by_page() {
    // Goal: every verdict once, in order, whatever the page size. Method: five records, pages of
    // two, following the cursor; then a cursor that is not ours.
    let gateway = Gateway::start().await;
    let store = &gateway.running.gateway.store;
    let id = holdings::submission(store, "alpha", 5).await;
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let path = format!("/v1/submissions/{id}/records?limit=2{cursor}");
        let ask = client().get(gateway.url(&path)).bearer_auth("token-alpha");
        let page: Value = ask
            .send()
            .await
            .expect("answer")
            .json()
            .await
            .expect("json");
        let rows = page["records"].as_array().expect("records");
        seen.extend(rows.iter().map(|row| row["index"].as_u64().expect("index")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    let path = format!("/v1/submissions/{id}/records?cursor=x!");
    let ask = client().get(gateway.url(&path)).bearer_auth("token-alpha");
    assert_eq!(ask.send().await.expect("answer").status(), 400);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_over_its_rate_is_told_when_to_come_back() {
    // Goal: one partner cannot take the gateway for itself. Method: a burst of two and a refill
    // that takes a second: the third request at once is refused, another partner's is not.
    let gateway = Gateway::start_with(|config| {
        config.limits.partner_requests_per_second = 1;
        config.limits.partner_burst = 2;
    })
    .await;
    let ask = async |who: &str| {
        let path = gateway.url("/v1/submissions/sub_unknown/records");
        let ask = client().get(path).bearer_auth(format!("token-{who}"));
        ask.send().await.expect("answer")
    };
    assert_eq!(ask("alpha").await.status(), 404);
    assert_eq!(ask("alpha").await.status(), 404);
    let refused = ask("alpha").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(ask("beta").await.status(), 404);
    gateway.running.shutdown().await;
}
