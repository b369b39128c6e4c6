//! A storage that takes no more: told as what it is, nothing kept by halves, over when there is
//! room again.

use super::world::*;
use kinbridge::base::clock::Clock;
use kinbridge::store::*;
use sqlx::Connection as _;
use std::path::Path;

/// What the database of these tests may grow to.
pub const MIB_MAX: u64 = 4;

/// Fills the database beyond what it may grow to, from outside.
pub async fn fill(database: &Path) {
    let fill = "CREATE TABLE ballast AS SELECT zeroblob(6000000) AS weight";
    change(database, fill).await;
}

/// Makes the room again.
pub async fn make_room(database: &Path) {
    change(database, "DROP TABLE ballast").await;
}

async fn change(database: &Path, sql: &'static str) {
    let url = format!("sqlite://{}", database.display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    sqlx::query(sql).execute(&mut conn).await.expect("done");
    conn.close().await.expect("closed");
}

async fn open(world: &World) -> Store {
    let key = MasterKey::load_or_create(&world.folder.path().join("master.key"));
    let clock: std::sync::Arc<dyn Clock> = world.clock.clone();
    Store::open_within(&world.database(), key.expect("a key"), clock, Some(MIB_MAX))
        .await
        .expect("the store opens")
}

fn large(key: &str) -> NewSubmission {
    let text = "x".repeat(200_000);
    submission(Some(key), key, vec![record(0, key, &text)])
}

#[tokio::test]
async fn a_full_storage_is_told_and_over_when_there_is_room() {
    // Goal: what does not fit is refused as what it is, nothing of it stays, the store says so
    // until a write works again, and what comes later opens after a restart. Method: a database
    // of four MiB filled from outside before its first sender's key is made, then emptied.
    let world = World::new();
    let store = open(&world).await;
    assert_eq!(store.storage_trouble(), None);
    fill(&world.database()).await;
    for _ in 0..2 {
        let refused = store.accept(large("one")).await;
        let Err(AcceptError::Store(error)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.storage(), Some(StorageTrouble::Full));
        assert!(error.cause.contains("storage is full"), "{error}");
        assert_eq!(store.storage_trouble(), Some(StorageTrouble::Full));
    }
    assert!(store.probe_storage().await.is_err());
    assert_eq!(store.storage_trouble(), Some(StorageTrouble::Full));
    assert_eq!(store.health().await.expect("read").entries, 0);

    make_room(&world.database()).await;
    store.probe_storage().await.expect("written");
    assert_eq!(store.storage_trouble(), None);
    let taken = store.accept(large("one")).await.expect("taken");
    assert!(!taken.repeated());
    store.close().await;
    let store = open(&world).await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 4).await;
    assert_eq!(claims.len(), 1, "the record opens");
}

#[tokio::test]
async fn a_submission_that_is_stored_ends_the_trouble() {
    // Goal: nobody needs to probe while senders try. Method: fill, fail, make room, send.
    let world = World::new();
    let store = open(&world).await;
    store.accept(large("one")).await.expect("taken");
    fill(&world.database()).await;
    assert!(store.accept(large("two")).await.is_err());
    assert_eq!(store.storage_trouble(), Some(StorageTrouble::Full));
    make_room(&world.database()).await;
    store.accept(large("two")).await.expect("taken");
    assert_eq!(store.storage_trouble(), None);
}
