//! Batches: invisible until sealed, whole or not at all.

use super::world::*;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::SubmissionId;
use kinbridge::base::sensitive::Reason;
use kinbridge::store::*;
use std::time::Duration;

fn head(key: Option<&str>) -> NewSubmission {
    let mut head = submission(key, "", Vec::new());
    head.submission_id = SubmissionId::mint(Timestamp(START.0 + 1));
    head
}

fn chunk(from: u32, to: u32, text: &str) -> Vec<NewRecord> {
    (from..to)
        .map(|n| record(n, &format!("r{n}"), text))
        .collect()
}

#[tokio::test]
async fn nobody_sees_a_batch_before_its_seal_and_everybody_after() {
    // Goal: chunks are invisible to senders, routers and small submissions. Method: two chunks,
    // look everywhere, seal, look again.
    let world = World::new();
    let store = world.open().await;
    let id = store.begin_batch(head(Some("b"))).await.expect("begun");
    store
        .append_chunk(id, chunk(0, 300, "x"), Vec::new())
        .await
        .expect("chunk");
    let rejected = vec![Rejected {
        index: 400,
        findings: Vec::new(),
    }];
    store
        .append_chunk(id, chunk(300, 400, "x"), rejected)
        .await
        .expect("chunk");
    assert!(
        store
            .submission(&sender(), id)
            .await
            .expect("read")
            .is_none()
    );
    assert!(store.claim_routes(9).await.expect("routes").is_empty());
    let committed = store
        .seal_batch(id, Digest::of(b"whole"))
        .await
        .expect("sealed");
    assert_eq!(committed.counts().accepted, 400);
    assert_eq!(committed.counts().rejected, 1);
    assert_eq!(committed.records().len(), 401);
    assert_eq!(route_all(&store, &["county"]).await, 400);
    let view = store
        .submission(&sender(), id)
        .await
        .expect("read")
        .expect("seen");
    assert_eq!(view.counts, committed.counts());
    assert_eq!(view.records[0].deliveries.len(), 1);
    assert!(
        store
            .append_chunk(id, chunk(401, 402, "x"), Vec::new())
            .await
            .is_err()
    );
    // The same body again under the same key: the first receipt, and the copy is erased.
    let again = store.begin_batch(head(Some("b"))).await.expect("begun");
    store
        .append_chunk(again, chunk(0, 9, "y"), Vec::new())
        .await
        .expect("chunk");
    let repeated = store
        .seal_batch(again, Digest::of(b"whole"))
        .await
        .expect("sealed");
    assert!(repeated.repeated());
    assert_eq!(repeated.submission_id(), committed.submission_id());
    let other = store.begin_batch(head(Some("b"))).await.expect("begun");
    let refused = store.seal_batch(other, Digest::of(b"other")).await;
    assert!(matches!(refused, Err(AcceptError::KeyConflict)));
    assert!(store.claim_routes(9).await.expect("routes").is_empty());
}

#[tokio::test]
async fn what_an_unsealed_batch_held_makes_no_duplicate() {
    // Goal: a record in a batch that never came to be is not known. Method: the same record in an
    // open batch and as a small submission; abandon, reopen, overdue: it is accepted each time.
    let world = World::new();
    let store = world.open().await;
    let id = store.begin_batch(head(None)).await.expect("begun");
    store
        .append_chunk(id, chunk(0, 2, "x"), Vec::new())
        .await
        .expect("chunk");
    let small = store.accept(submission(None, "s", chunk(0, 1, "x"))).await;
    assert_eq!(small.expect("small").counts().accepted, 1);
    store.abandon_batch(id).await.expect("gone");
    assert!(store.seal_batch(id, Digest::of(b"b")).await.is_err());
    let again = store.accept(submission(None, "s", chunk(0, 2, "x"))).await;
    let counts = again.expect("again").counts();
    assert_eq!((counts.accepted, counts.duplicate), (1, 1));
    let left = store.begin_batch(head(None)).await.expect("begun");
    store
        .append_chunk(left, chunk(7, 8, "x"), Vec::new())
        .await
        .expect("chunk");
    store.close().await;
    let store = world.open().await;
    assert!(
        store
            .append_chunk(left, chunk(8, 9, "x"), Vec::new())
            .await
            .is_err()
    );
    let late = store.begin_batch(head(None)).await.expect("begun");
    store
        .append_chunk(late, chunk(7, 8, "x"), Vec::new())
        .await
        .expect("chunk");
    assert_eq!(store.erase_overdue_batches().await.expect("none"), 0);
    world.clock.advance(Duration::from_secs(7 * 3600));
    assert_eq!(store.erase_overdue_batches().await.expect("one"), 1);
    assert!(store.seal_batch(late, Digest::of(b"b")).await.is_err());
    let fresh = store.accept(submission(None, "t", chunk(7, 8, "x"))).await;
    assert_eq!(fresh.expect("fresh").counts().accepted, 1);
}

#[tokio::test]
async fn a_batch_corrects_what_was_there_when_it_is_sealed() {
    // Goal: the batch's version is the current one, the older delivery stops; a small submission
    // that came between is corrected too. Method: accept, chunk, accept between, seal.
    let world = World::new();
    let store = world.open().await;
    store
        .accept(submission(None, "1", chunk(0, 1, "old")))
        .await
        .expect("1");
    route_all(&store, &["county"]).await;
    let id = store.begin_batch(head(None)).await.expect("begun");
    store
        .append_chunk(id, chunk(0, 2, "new"), Vec::new())
        .await
        .expect("chunk");
    store
        .accept(submission(None, "2", chunk(1, 2, "mid")))
        .await
        .expect("2");
    store
        .seal_batch(id, Digest::of(b"b"))
        .await
        .expect("sealed");
    assert_eq!(route_all(&store, &["county"]).await, 2);
    let due = claim(&world, &store, &["county"], 9).await;
    assert_eq!(due.len(), 2);
    let new = b"{\"text\":\"new\"}";
    let said = |claimed: &Claimed| claimed.record.payload.expose(Reason::Seal).clone();
    assert!(due.iter().all(|claimed| said(claimed) == new));
}

#[tokio::test]
async fn what_a_batch_contradicts_itself_in_waits_for_a_person() {
    // Goal: of an id that says two things in one batch nothing is routed. Method: one told by its
    // position before the seal, one whose other stands too far back to be remembered, one that was
    // taken back in between.
    let world = World::new();
    let store = world.open().await;
    let id = store.begin_batch(head(None)).await.expect("begun");
    let first = store.append_chunk(id, chunk(0, 4, "x"), Vec::new()).await;
    first.expect("chunk");
    store.hold_contradicted(id, vec![0]).await.expect("held");
    let mut void = record(5, "r2", "x");
    void.action = Action::Void;
    let more = vec![record(4, "r1", "y"), void, record(6, "r2", "z")];
    let more = store.append_chunk(id, more, Vec::new()).await;
    more.expect("chunk");
    // Told of one that waits already: it is counted once.
    store.hold_contradicted(id, vec![0]).await.expect("held");
    let committed = store.seal_batch(id, Digest::of(b"whole")).await;
    let committed = committed.expect("sealed");
    let counts = committed.counts();
    assert_eq!((counts.accepted, counts.held), (5, 2), "{counts:?}");
    let held = committed.records().iter();
    let held = held.filter(|it| it.status == RecordStatus::Held);
    let held: Vec<u32> = held.map(|it| it.index).collect();
    assert_eq!(held, [0, 4]);
    let items = store.work_items(None, None, 10).await.expect("work items");
    assert_eq!(items.len(), 2);
    assert!(
        items
            .iter()
            .all(|it| it.cause == HoldCause::RecordContradicted)
    );
    // What is left goes: one that nothing contradicts, and what came after it was taken back.
    assert_eq!(route_all(&store, &["county"]).await, 2);
}
