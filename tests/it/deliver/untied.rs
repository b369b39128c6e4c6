//! Goal: what no longer leads anywhere is kept back with its reason, however it was queued. Method:
//! a contact that waits for a further attempt, then rules without the subscription, the tie, the
//! way out or the whole channel.

use super::*;
use kinbridge::store::archive::Archive;
use kinbridge::store::{DecisionRecord, MasterKey};

/// The partners of these tests with the county's file changed.
fn changed(from: &str, to: &str) -> Rules {
    let county = PARTNERS[1].replace(from, to);
    assert_ne!(county, PARTNERS[1], "the file has no such text");
    rules_with(&[PARTNERS[0], &county, PARTNERS[2], PARTNERS[3]])
}

const OUT: &str = r#"[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "care_coordination"
related_by = ["county"]
https = { url = "https://county.example/inbox", retry_secs = [30, 120] }
"#;

/// The newest decision on the county's delivery of that generation.
async fn decision(road: &Road, receipt: &Receipt, generation: u32) -> DecisionRecord {
    let all = road.deliveries(receipt).await;
    let mut own = all.iter().filter(|d| d.generation == generation);
    let id = own.next().expect("a delivery").delivery_id;
    let key = MasterKey::load_or_create(&road.world.folder.path().join("master.key"));
    let mut archive = Archive::open(&road.world.database()).await.expect("opens");
    let found = archive.decisions(key.expect("a key"), None).await;
    let found = found.expect("decisions").into_iter();
    let own = found.filter(|(place, _)| place.source == id.0);
    own.max_by_key(|(place, _)| place.token).expect("one").1
}

#[tokio::test]
async fn a_retry_that_leads_nowhere_any_more_is_withheld_with_the_reason() {
    for (from, to, reason) in [
        (
            OUT,
            &*OUT.replace("\"engagement-contact\", ", ""),
            "policy:not-subscribed",
        ),
        (
            OUT,
            &OUT.replace("\"county\"]", "\"addressee\"]"),
            "policy:no-tie",
        ),
        (
            OUT,
            &OUT.replace("name = \"out\"", "name = \"other\""),
            "policy:channel-gone",
        ),
        (OUT, "", "policy:channel-gone"),
        ("mode = \"live\"", "mode = \"test\"", "policy:other-traffic"),
    ] {
        let road = Road::new().await;
        road.answers(COUNTY, 503);
        let receipt = road.hand_in("k", CONTACT).await;
        road.drive().await;
        assert_eq!(road.arrived(COUNTY).len(), 1, "{reason}: the first attempt");
        road.rules.store(Arc::new(changed(from, to)));
        road.answers(COUNTY, 200);
        road.advance(Duration::from_secs(60));
        road.drive().await;
        assert_eq!(road.arrived(COUNTY).len(), 1, "{reason}: sent all the same");
        // The kept bytes are withdrawn, and what comes after them is withheld.
        let all = road.deliveries(&receipt).await;
        let mut states: Vec<_> = all.iter().map(|d| (d.generation, d.state)).collect();
        states.sort_unstable();
        let wanted = [(0, DeliveryState::Withdrawn), (1, DeliveryState::Withheld)];
        assert_eq!(states, wanted, "{reason}");
        let decision = decision(&road, &receipt, 1).await;
        assert_eq!(decision.citations, [reason]);
        assert!(decision.rows.is_empty(), "{reason}: nobody is asked about");
    }
}

#[tokio::test]
async fn what_was_queued_for_a_channel_that_is_gone_does_not_wait_for_ever() {
    let road = Road::new().await;
    road.answers(CLINIC, 503);
    let receipt = road.hand_in("k", &referral()).await;
    consent(&road, ROI).await;
    let routed = road.courier.route().await.expect("routed");
    assert_eq!(routed, 1);
    let partners = [PARTNERS[0], PARTNERS[1], PARTNERS[3]];
    road.rules.store(Arc::new(rules_with(&partners)));
    road.drive().await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Withheld
    );
    assert!(road.arrived(CLINIC).is_empty());
}
