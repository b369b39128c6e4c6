//! Pulling: a job over HTTP, its manifest, its file whole and in part.

use super::harness::{Gateway, client};
use super::submissions::{contact, fits, hand_in};
use kinbridge::base::digest::Digest;
use serde_json::{Value, json};

/// A county that sends contacts and a state department that pulls them.
async fn with_state() -> Gateway {
    let county = format!(
        "role = \"cws\"\nmode = \"live\"\ncounty_fips = \"06067\"\n\n{}",
        super::harness::SENDER
    );
    let state = "role = \"cdss\"\nmode = \"live\"\n\n[[channel]]\nname = \"pull\"\n\
                 direction = \"pull\"\nformat = \"kinbridge-json/1.0\"\n\
                 records = [\"engagement-contact\"]\npurpose = \"state_reporting\"\n";
    Gateway::start_with_partners(&[("alpha", &county), ("state", state)], |_| {}).await
}

async fn get(gateway: &Gateway, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
    let mut ask = client().get(gateway.url(path)).bearer_auth("token-state");
    if let Some(range) = range {
        ask = ask.header("range", range);
    }
    let answer = ask.send().await.expect("answer");
    let status = answer.status().as_u16();
    (status, answer.bytes().await.expect("body").to_vec())
}

/// Begins a job and looks until it has ended.
async fn ended(gateway: &Gateway, asked: Value) -> Value {
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask.json(&asked).send().await.expect("answer");
    assert_eq!(answer.status(), 202);
    let place = answer.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    loop {
        let (status, body) = get(gateway, &place, None).await;
        assert_eq!(status, 200);
        let job: Value = serde_json::from_slice(&body).expect("json");
        if job["status"] != "running" {
            return job;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_what_its_manifest_says() {
    // Goal: lengths and hashes hold, and a broken download goes on where it stopped. Method: one
    // record of a county, pulled by the state whole and from the middle.
    let gateway = with_state().await;
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let job = ended(&gateway, json!({ "records": ["engagement-contact"] })).await;
    fits(&gateway, "Extract", &job).await;
    let file = &job["manifest"]["files"][0];
    assert_eq!(file["records"], 1, "{job}");
    let id = job["extract_id"].as_str().expect("id");
    let path = format!(
        "/v1/extracts/{id}/files/{}",
        file["name"].as_str().expect("name")
    );
    let (status, whole) = get(&gateway, &path, None).await;
    assert_eq!(status, 200);
    assert_eq!(whole.len() as u64, file["bytes"].as_u64().expect("bytes"));
    assert_eq!(
        Digest::of(&whole).to_hex(),
        file["sha256"].as_str().expect("hash")
    );
    let (status, rest) = get(&gateway, &path, Some("bytes=10-")).await;
    assert_eq!((status, rest.as_slice()), (206, &whole[10..]));
    let beyond = format!("bytes={}-", whole.len());
    assert_eq!(get(&gateway, &path, Some(&beyond)).await.0, 416);
    assert_eq!(get(&gateway, &path, Some("bytes=0-5")).await.0, 400);
    let other = format!("/v1/extracts/{id}/files/other.ndjson");
    assert_eq!(get(&gateway, &other, None).await.0, 404);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_gives_only_what_it_is_open_for() {
    // Goal: no record type by asking for it. Method: a type the pull channel does not carry.
    let gateway = with_state().await;
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask
        .json(&json!({ "records": ["family-case"] }))
        .send()
        .await
        .expect("answer");
    assert_eq!(answer.status(), 403);
    gateway.running.shutdown().await;
}
