//! What callers see while the storage is full, and when starting is refused.

use super::harness::{Gateway, client, config, overlay};
use super::submissions::{contact, hand_in};
use crate::store::storage::{MIB_MAX, fill, make_room};
use kinbridge::app::{StartError, start_with};
use kinbridge::base::clock::SystemClock;
use kinbridge::rules::Rules;
use serde_json::Value;
use std::sync::Arc;

async fn ready(gateway: &Gateway) -> (u16, Value) {
    let ask = client().get(gateway.url("/readyz")).send();
    let answer = ask.await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_storage_is_its_own_problem_and_not_ready() {
    // Goal: senders and whoever watches the gateway learn that the storage is full, and both go on
    // when there is room. Method: a database of a few MiB filled from outside; hand in, ask, make
    // room, hand the same in again under its key, ask.
    let bounded = |c: &mut kinbridge::config::Config| c.limits.database_mib_max = Some(MIB_MAX);
    let gateway = Gateway::start_with(bounded).await;
    let database = gateway.running.gateway.config.database_file();
    assert_eq!(ready(&gateway).await.0, 200);
    fill(&database).await;
    let key = [("idempotency-key", "k-1")];
    // As many as one page of the database could still hold would tell nothing.
    let mut refused = None;
    for n in 0..200 {
        let sent = hand_in(&gateway, "", &[], contact(&format!("c-{n}")).to_string()).await;
        if sent.status != 202 {
            refused = Some(sent);
            break;
        }
    }
    let refused = refused.expect("the storage is full");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.body["code"], "storage-full", "{}", refused.body);
    let (status, problem) = ready(&gateway).await;
    assert_eq!((status, &problem["code"]), (503, &"storage-full".into()));
    make_room(&database).await;
    let sent = hand_in(&gateway, "", &key, contact("c-new").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    assert_eq!(ready(&gateway).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_start_says_what_it_is_and_leaves_nothing() {
    // Goal: a second gateway on one store, a folder that cannot be written and a mistyped key file
    // are told as such; no key is made. Method: a gateway runs; start others with each fault.
    let gateway = Gateway::start().await;
    let start = async |settings| {
        let folder = tempfile::tempdir().expect("folder");
        let overlays = [overlay(folder.path(), &[])];
        let rules = Rules::load(&overlays).expect("rules");
        let rules: Arc<Rules> = rules;
        let started = start_with(settings, rules, Arc::new(SystemClock)).await;
        started.err().expect("refused")
    };
    let other = tempfile::tempdir().expect("folder");
    let mut second = config(&other);
    second.data_dir = gateway.running.gateway.config.data_dir.clone();
    let told = start(second.clone()).await.to_string();
    assert!(told.contains("another process has"), "{told}");
    assert!(!told.contains("damaged"), "{told}");

    let mistyped = other.path().join("mastr.key");
    second.master_key_file = Some(mistyped.clone());
    let refused = start(second.clone()).await;
    let told = refused.to_string();
    assert!(matches!(refused, StartError::Key(_)), "{told}");
    assert!(told.contains("no new key was made"), "{told}");
    assert!(!mistyped.exists());

    // A folder where the lock's file belongs: what an account without rights meets, for any.
    let mut closed = config(&other);
    closed.data_dir = other.path().join("closed");
    std::fs::create_dir_all(closed.data_dir.join("kinbridge.db.lock")).expect("folder");
    let told = start(closed).await.to_string();
    assert!(told.contains("cannot be made or written"), "{told}");
    assert!(!told.contains("damaged"), "{told}");
}
