//! A backup: whole as of its moment, beside a running store, restored by putting it in place.

use super::world::*;
use kinbridge::store::archive::Archive;
use kinbridge::store::*;
use std::os::unix::fs::MetadataExt as _;

async fn known(store: &Store, id: kinbridge::base::id::SubmissionId) -> bool {
    let view = store.submission(&sender(), id).await;
    view.expect("read").is_some()
}

#[tokio::test]
async fn a_backup_taken_while_writing_is_restored_by_its_file_alone() {
    // Goal: the backup holds what was promised before it and nothing by halves, is closed to
    // others and never written over; one file and the master key are a whole store. Method: take
    // one between two submissions of an open store, then open a store on it elsewhere.
    let world = World::new();
    let store = world.open().await;
    let before = submission(Some("k"), "one", vec![record(0, "one", "one")]);
    let before = store.accept(before).await.expect("accepted");
    store.sequence().await.expect("sequenced");
    let elsewhere = World::new();
    let mut archive = Archive::open(&world.database()).await.expect("an archive");
    archive
        .backup(&elsewhere.database())
        .await
        .expect("written");
    let mode = std::fs::metadata(elsewhere.database())
        .expect("there")
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let after = submission(None, "two", vec![record(0, "two", "two")]);
    let after = store.accept(after).await.expect("accepted");
    let again = archive.backup(&elsewhere.database()).await;
    let told = again.expect_err("it is there").to_string();
    assert!(told.contains("is there already"), "{told}");
    drop(archive);

    let key = |world: &World| world.folder.path().join("master.key");
    std::fs::copy(key(&world), key(&elsewhere)).expect("the master key");
    let restored = elsewhere.open().await;
    assert!(known(&restored, before.submission_id()).await);
    assert!(!known(&restored, after.submission_id()).await);
    route_all(&restored, &["county"]).await;
    let claims = claim(&elsewhere, &restored, &["county"], 4).await;
    assert_eq!(claims.len(), 1, "the record opens");
    let repeated = submission(Some("k"), "one", vec![record(0, "one", "one")]);
    let repeated = restored.accept(repeated).await.expect("accepted");
    assert!(repeated.repeated());
    restored.close().await;
    let mut archive = Archive::open(&elsewhere.database())
        .await
        .expect("an archive");
    let report = archive.verify(&[], &[]).await.expect("verified");
    assert!(report.is_sound(), "{report:?}");
}
