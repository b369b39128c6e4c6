//! What stands in the file: nothing readable without the master key, nothing movable, one owner.

use super::world::*;
use kinbridge::base::clock::Clock;
use kinbridge::base::digest::Digest;
use kinbridge::base::finding::Finding;
use kinbridge::base::finding_codes::SCHEMA_REQUIRED_MISSING;
use kinbridge::base::id::RuleSetId;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::keys::KeyError;
use kinbridge::store::*;
use sqlx::Connection as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

const CANARY: &str = "CANARY-7f3a";

async fn change(world: &World, sql: &'static str) {
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    sqlx::query(sql).execute(&mut conn).await.expect("done");
    conn.close().await.expect("closed");
}

fn finding() -> Finding {
    Finding::new(&SCHEMA_REQUIRED_MISSING).at(CANARY)
}

fn canaries(n: u32) -> NewRecord {
    let mut record = record(n, &format!("{CANARY}-{n}"), CANARY);
    record.persons = vec![person("child", &[&format!("urn:s|{CANARY}-{n}")], true)];
    record.case_ref = Some(format!("{CANARY}-case"));
    record.findings = vec![finding()];
    record
}

#[tokio::test]
async fn no_value_of_a_record_stands_readable_in_the_file() {
    // Goal: payloads, ids of the sender, identifiers, keys, consents, facts, outputs and decisions
    // are sealed. Method: a canary in each, then a search through all files of the database.
    let world = World::new();
    let store = world.open().await;
    let key = format!("{CANARY}-key");
    let mut first = submission(Some(&key), CANARY, vec![canaries(0)]);
    first.rejected = vec![Rejected {
        index: 1,
        findings: vec![finding()],
    }];
    let again = submission(None, "again", vec![canaries(0)]);
    let (first, again) = (store.accept(first).await, store.accept(again).await);
    let (first, again) = (first.expect("accepted"), again.expect("accepted"));
    assert_eq!((first.counts().accepted, again.counts().duplicate), (1, 1));
    let mut never = vec![CANARY.as_bytes().to_vec()];
    for (id, verdicts) in [(first.submission_id(), 2), (again.submission_id(), 1)] {
        let told = store.submission_records(&sender(), id, None, 9).await;
        let told = told.expect("read").expect("known");
        assert_eq!(told.len(), verdicts);
        assert!(told.iter().all(|verdict| verdict.findings == [finding()]));
        let view = store.submission(&sender(), id).await;
        let digest = view.expect("read").expect("known").body_digest;
        never.push(digest.0.to_vec());
    }
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 4).await;
    let mut asked = authorisation(&claims[0]);
    asked.output.bytes = Sensitive::new(CANARY.as_bytes().to_vec());
    asked.output.released_paths = vec![CANARY.into()];
    asked.decision.citations = vec![CANARY.into()];
    store.authorise(vec![asked]).await.expect("go");
    let consent = NewConsent {
        consent_id: kinbridge::base::id::ConsentId::new(CANARY),
        partner: sender(),
        subject: claims[0].record.persons[0].person,
        body: Sensitive::new(format!("{{\"x\":\"{CANARY}\"}}").into_bytes()),
        at: START,
        correlation_id: kinbridge::base::id::CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("put");
    let canary = format!("{{\"x\":\"{CANARY}\"}}");
    let subject = claims[0].record.persons[0].person;
    let asserted = store.put_fact(fact(CANARY, subject, &canary)).await;
    assert!(matches!(asserted, Ok(FactChange::Done { .. })));
    let mut found = 0;
    for entry in std::fs::read_dir(world.folder.path()).expect("folder") {
        let bytes = std::fs::read(entry.expect("entry").path()).expect("file");
        found += usize::from(bytes.len() > 10_000);
        for value in &never {
            assert!(!bytes.windows(value.len()).any(|window| window == value));
        }
    }
    assert!(found > 0, "no file of the database was searched");
}

#[tokio::test]
async fn a_sealed_value_opens_nowhere_else_and_stops_nobody_else() {
    // Goal: a payload moved to another row does not open, its delivery ends, the others go on.
    // Method: exchange one payload in the file, then claim both.
    let world = World::new();
    let store = world.open().await;
    let both = vec![canaries(0), canaries(1)];
    store.accept(submission(None, "1", both)).await.expect("1");
    route_all(&store, &["county"]).await;
    store.close().await;
    change(
        &world,
        "UPDATE record_version SET payload = (SELECT payload FROM record_version \
         ORDER BY row_id DESC LIMIT 1) WHERE row_id = (SELECT min(row_id) FROM record_version)",
    )
    .await;
    let store = world.open().await;
    let claims = claim(&world, &store, &["county"], 4).await;
    assert_eq!(claims.len(), 1);
    let items = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].detail.as_deref(), Some("record-unreadable"));
}

#[tokio::test]
async fn a_database_has_one_owner_one_key_and_no_later_schema() {
    // Goal: a second opener, another master key and a later schema are refused, clearly. Method:
    // try each.
    let world = World::new();
    let store = world.open().await;
    let key_file = world.folder.path().join("master.key");
    let clock = || world.clock.clone();
    let key = || MasterKey::load(&key_file).expect("the key");
    let second = Store::open(&world.database(), key(), clock()).await;
    let told = second.expect_err("refused").to_string();
    assert!(told.contains("another process"), "{told}");
    assert!(!told.contains("damaged"), "{told}");
    store.close().await;
    let other = MasterKey::load_or_create(&world.folder.path().join("other.key"));
    let foreign = Store::open(&world.database(), other.expect("a key"), clock()).await;
    let told = foreign.expect_err("refused").to_string();
    assert!(told.contains("master key does not belong"), "{told}");
    assert!(!told.contains("damaged"), "{told}");
    change(
        &world,
        "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 3",
    )
    .await;
    let later = Store::open(&world.database(), key(), clock()).await;
    let told = later.expect_err("refused").to_string();
    assert!(told.contains("later version"), "{told}");
}

#[tokio::test]
async fn only_this_user_can_read_what_the_store_makes() {
    // Goal: database, log, shared memory, lock, key and their folders are closed to others, made
    // new or found open. Method: open a store in folders that are not there, write, look at every
    // file; loosen all, open again, look again.
    let world = World::new();
    let top = world.folder.path().join("data");
    let (database, keys) = (top.join("db/kinbridge.db"), top.join("keys/master.key"));
    let mode = |path: &std::path::Path| {
        let meta = std::fs::metadata(path).expect("there");
        (meta.mode() & 0o777, meta.is_dir())
    };
    for round in 0..2 {
        let key = MasterKey::load_or_create(&keys).expect("a key");
        let clock: std::sync::Arc<dyn Clock> = world.clock.clone();
        let store = Store::open(&database, key, clock).await.expect("opened");
        let known = store
            .ensure_person(&sender(), &"urn:x|1".into(), true)
            .await;
        known.expect("written");
        let mut seen = 0;
        for folder in [top.join("db"), top.join("keys")] {
            assert_eq!(mode(&folder), (0o700, true), "{folder:?}");
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                assert_eq!(mode(&path), (0o600, false), "{round} {path:?}");
                seen += 1;
                if path != keys {
                    let open = std::fs::Permissions::from_mode(0o644);
                    std::fs::set_permissions(&path, open).expect("loosened");
                }
            }
        }
        assert_eq!(mode(&top), (0o700, true));
        assert!(seen >= 5, "{seen} files");
        store.close().await;
    }
}

#[test]
fn the_master_key_file_is_private_and_checked() {
    // Goal: mode 0600 on creation, refused when others may read it or when it is something else.
    // Method: make, read again, loosen, overwrite.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys").join("master.key");
    MasterKey::load_or_create(&file).expect("made");
    let mode = || std::fs::metadata(&file).expect("there").mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let text = std::fs::read_to_string(&file).expect("text");
    MasterKey::load_or_create(&file).expect("read again");
    assert_eq!(std::fs::read_to_string(&file).expect("text"), text);
    let open = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&file, open).expect("loosened");
    assert!(matches!(MasterKey::load(&file), Err(KeyError::Exposed)));
    let close = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&file, close).expect("tightened");
    std::fs::write(&file, "something else").expect("overwritten");
    assert!(matches!(MasterKey::load(&file), Err(KeyError::Malformed)));
    let shown = format!("{:?}", MasterKey::load_or_create(&folder.path().join("k")));
    assert!(shown.contains("[master key]"), "{shown}");
}

#[tokio::test]
async fn used_rule_sets_are_kept() {
    // Goal: the rules of a past decision can be read again. Method: keep twice, read.
    let world = World::new();
    let store = world.open().await;
    let id = RuleSetId::new(&Digest::of(b"rules").to_hex());
    store
        .keep_rule_set(&id, b"first".to_vec())
        .await
        .expect("kept");
    store
        .keep_rule_set(&id, b"second".to_vec())
        .await
        .expect("kept");
    let read = store.rule_set(&id).await.expect("read");
    assert_eq!(read.as_deref(), Some(&b"first"[..]));
    let none = store.rule_set(&RuleSetId::new("none")).await;
    assert_eq!(none.expect("read"), None);
}

/// Whether these bytes stand in the database file.
fn stands(world: &World, bytes: &[u8]) -> bool {
    let file = std::fs::read(world.database()).expect("read");
    file.windows(bytes.len()).any(|part| part == bytes)
}

#[tokio::test]
async fn no_plain_digest_of_a_record_stands_in_the_file_and_a_stop_leaves_all_in_it() {
    // Goal: whoever guesses a record cannot confirm it by its digest, same content is still a
    // duplicate, and after a stop the one file is the whole store. Method: accept twice, route,
    // close, look for the digest in the file and for the log beside it.
    let world = World::new();
    let store = world.open().await;
    for again in [0, 1] {
        let body = again.to_string();
        let done = store.accept(submission(None, &body, vec![record(0, "a", "one")]));
        assert_eq!(done.await.expect("accepted").counts().duplicate, again);
    }
    route_all(&store, &["county"]).await;
    let kept = claim(&world, &store, &["county"], 4).await.remove(0);
    store.close().await;
    let log = std::fs::metadata(world.folder.path().join("kinbridge.db-wal"));
    assert!(log.map_or(true, |log| log.len() == 0), "the log is empty");
    assert!(stands(&world, &kept.delivery.version.0), "the keyed digest");
    assert!(!stands(&world, &Digest::of(b"one").0), "the plain digest");
}

#[tokio::test]
async fn no_key_is_made_beside_a_database_that_has_one() {
    // Goal: a mistyped key file is an error and leaves nothing behind. Method: open, ask with
    // another name, look.
    let world = World::new();
    world.open().await.close().await;
    let mistyped = world.folder.path().join("mastr.key");
    let refused = MasterKey::for_database(&mistyped, &world.database());
    assert!(matches!(refused, Err(KeyError::Missing { .. })));
    assert!(!mistyped.exists());
}
