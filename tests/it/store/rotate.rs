//! New generations of keys: what stands opens and proves by the old ones, what comes by the new.

use super::world::*;
use kinbridge::ledger::verify::ProblemKind;
use kinbridge::store::archive::{Archive, Who};
use kinbridge::store::*;
use sqlx::{Connection as _, Row as _};

fn key(world: &World) -> MasterKey {
    MasterKey::load(&world.folder.path().join("master.key")).expect("the key")
}

/// Takes one record in and sends it; the ledger is signed.
async fn one_more(world: &World, store: &Store, name: &str) {
    let mut more = record(0, name, name);
    more.persons = vec![person("child", &["urn:x|1"], true)];
    let body = submission(None, name, vec![more]);
    store.accept(body).await.expect("accepted");
    route_all(store, &["county"]).await;
    let claims = claim(world, store, &["county"], 4).await;
    assert_eq!(claims.len(), 1);
    let done = store.authorise(vec![authorisation(&claims[0])]).await;
    done.expect("authorised");
    assert!(complete_one(store, &claims[0], Completion::Confirmed).await);
    store.sequence().await.expect("sequenced").expect("signed");
}

async fn count(world: &World, sql: &'static str) -> i64 {
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    let row = sqlx::query(sql).fetch_one(&mut conn).await.expect("row");
    row.get(0)
}

#[tokio::test]
async fn keys_are_rotated_and_nothing_is_lost() {
    // Goal: after a rotation all that was sealed opens, all that was signed is proved, and new
    // things hang on the new keys. Method: one record sent before, one after; read both, verify by
    // the ledger's own keys and by keys kept outside.
    let world = World::new();
    let store = world.open().await;
    let old = store.ledger_public_key();
    one_more(&world, &store, "before").await;
    let refused = rotate_keys(&world.database(), key(&world), START).await;
    let told = refused.expect_err("the store is open").to_string();
    assert!(told.contains("another process"), "{told}");
    store.close().await;
    let rotated = rotate_keys(&world.database(), key(&world), START).await;
    let new = rotated.expect("rotated");
    assert_ne!(new, old);

    let store = world.open().await;
    assert_eq!(store.ledger_public_key(), new);
    one_more(&world, &store, "after").await;
    store.close().await;
    let wrapped = "SELECT count(DISTINCT key_id) FROM record_key";
    assert_eq!(count(&world, wrapped).await, 2, "records hang on both");
    let signed = "SELECT count(DISTINCT key_generation) FROM ledger_checkpoint";
    assert_eq!(count(&world, signed).await, 2, "checkpoints are of both");

    let mut archive = Archive::open(&world.database()).await.expect("an archive");
    let who = Who::Identifier("urn:x|1".into());
    let page = archive.disclosures(key(&world), &who, None).await;
    let page = page.expect("read").expect("known");
    assert_eq!(page.disclosures.len(), 2, "decisions of both open");
    for kept in [vec![], vec![old.clone(), new.clone()]] {
        let report = archive.verify(&kept, &[]).await.expect("verified");
        assert!(report.is_sound(), "{report:?}");
    }
    let report = archive.verify(&[old], &[]).await.expect("verified");
    let kinds: Vec<ProblemKind> = report.problems.iter().map(|p| p.kind).collect();
    assert_eq!(kinds, [ProblemKind::SignatureInvalid]);
    let mut text = Vec::new();
    archive.export(&mut text).await.expect("exported");
    let report = kinbridge::ledger::export::verify(&mut text.as_slice(), &[], &[]);
    assert!(report.expect("readable").is_sound());
}
