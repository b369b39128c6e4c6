//! Goal: over HTTP two privacy officers, and nobody else, have a withheld delivery decided again.
//! Method: a withheld delivery put into the store, asked for by every kind of operator.

use super::harness::{Gateway, LOOKS_MAX, operator, until};
use crate::store::world;
use kinbridge::base::clock::{Clock as _, SystemClock, Timestamp};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::{ChannelId, DeliveryId, PartnerId, RecordId};
use kinbridge::config::{Operator, Role};
use kinbridge::store::{
    ClaimRequest, Claimed, Completion, DeliveryState, LaneLimit, Routed, Store,
};
use serde_json::{Value, json};
use std::time::Duration;

fn because() -> Value {
    json!({ "reason": "the family asks" })
}

/// A withheld delivery to a recipient no partner file knows: what moves it, a worker withholds.
async fn withheld(store: &Store) -> DeliveryId {
    let records = vec![world::record(0, "a", "one")];
    let mut submission = world::submission(None, "one", records);
    submission.partner = PartnerId::new("alpha");
    let committed = store.accept(submission).await.expect("accepted");
    let record_id = committed.records()[0].record_id.expect("accepted");
    let claimed = claimed(store, record_id, ("nobody", "out")).await;
    let id = claimed.delivery.delivery_id;
    let decision = Box::new(world::decision(&claimed, "withhold"));
    assert!(world::complete_one(store, &claimed, Completion::Withheld { decision }).await);
    id
}

/// A delivery of that record over a channel that leads nowhere, routed and claimed.
pub async fn claimed(store: &Store, record_id: RecordId, to: (&str, &str)) -> Claimed {
    let stored = store.record(record_id).await.expect("read").expect("there");
    let version = stored.version;
    let (partner, channel) = (PartnerId::new(to.0), ChannelId::new(to.1));
    let delivery = kinbridge::store::NewDelivery {
        delivery_id: DeliveryId::mint(Timestamp(1)),
        record_id,
        version,
        partner: partner.clone(),
        channel: channel.clone(),
        generation: 0,
        addressee: false,
        late_release_days: 30,
    };
    let routed = Routed {
        record_id,
        version,
        asked: 0,
        deliveries: vec![delivery],
        work: Vec::new(),
    };
    let request = ClaimRequest {
        limit: 9,
        // Whenever it is routed, it is due.
        now: SystemClock.now().after(Duration::from_secs(9)),
        lease: Duration::from_secs(60),
        lanes: vec![LaneLimit {
            partner,
            channel,
            in_flight_max: 9,
        }],
        unlisted_max: 0,
    };
    // One behind the other, so that no worker comes between.
    let (routed, claimed) = tokio::join!(store.routed(vec![routed]), store.claim(request));
    routed.expect("routed");
    claimed.expect("claimed").remove(0)
}

/// Until a worker has decided.
async fn until_withheld(store: &Store, id: DeliveryId) {
    until("a decision", LOOKS_MAX, async || {
        let view = store.delivery(id).await.expect("read").expect("there");
        match view.state {
            DeliveryState::Withheld => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_privacy_officers_and_nobody_else() {
    let second = Operator {
        id: "second".into(),
        token_sha256: Some(Digest::of(b"token-second").to_hex()),
        ..operator(Role::PrivacyOfficer)
    };
    let gateway = Gateway::start_with(|config| config.operator.push(second)).await;
    let id = withheld(&gateway.running.gateway.store).await;
    let replay = format!("/v1/deliveries/{id}/replay");
    let confirm = format!("{replay}/confirm");
    for (path, who, status) in [
        (&replay, "alpha", 403),
        (&replay, "auditor", 403),
        (&replay, "integrator", 403),
        (&confirm, "integrator", 403),
        (&confirm, "second", 409),
    ] {
        let (answered, body) = gateway.ask(who, "POST", path, because()).await;
        assert_eq!(answered, status, "{who}: {body}");
    }
    let (status, body) = gateway
        .ask("privacy_officer", "POST", &replay, because())
        .await;
    assert_eq!(
        (status, &body["status"]),
        (202, &json!("waits-for-second-officer"))
    );
    let until = body["until"].as_str().and_then(Timestamp::from_rfc3339);
    assert!(until.is_some_and(|until| until > SystemClock.now()));
    for (path, who) in [(&replay, "second"), (&confirm, "privacy_officer")] {
        let (status, body) = gateway.ask(who, "POST", path, because()).await;
        assert_eq!(
            (status, &body["code"]),
            (409, &json!("state-conflict")),
            "{body}"
        );
    }
    let (status, body) = gateway.ask("second", "POST", &confirm, because()).await;
    assert_eq!((status, &body["status"]), (200, &json!("done")), "{body}");
    let (status, body) = gateway.ask("second", "POST", &confirm, because()).await;
    assert_eq!(
        (status, &body["code"]),
        (409, &json!("state-conflict")),
        "one word of each is one replay: {body}"
    );
    // Decided again, it is as it was: both may ask once more.
    until_withheld(&gateway.running.gateway.store, id).await;
    let (status, _) = gateway.ask("second", "POST", &replay, because()).await;
    assert_eq!(status, 202);
    let unknown = DeliveryId::mint(Timestamp(1));
    for path in ["replay", "replay/confirm"] {
        let path = format!("/v1/deliveries/{unknown}/{path}");
        let (status, _) = gateway.ask("second", "POST", &path, because()).await;
        assert_eq!(status, 404);
    }
    gateway.running.shutdown().await;
}
