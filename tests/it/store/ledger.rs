//! The ledger: every entry provable, every tampering named, every disclosure accounted for.

use super::world::*;
use kinbridge::base::id::PersonId;
use kinbridge::ledger::export;
use kinbridge::ledger::tree::{verify_consistency, verify_inclusion};
use kinbridge::ledger::verify::{ProblemKind, Report};
use kinbridge::store::archive::Archive;
use kinbridge::store::*;
use sqlx::Connection as _;
use std::time::Duration;

async fn filled(world: &World, entries: usize) -> Store {
    let store = world.open().await;
    for n in 0..entries {
        let target = n.to_string();
        let done = store.record_operator_action(act("test"), "look", &target);
        done.await.expect("recorded");
        if n % 7 == 6 {
            store.sequence().await.expect("sequenced");
        }
    }
    store.sequence().await.expect("sequenced");
    store
}

#[tokio::test]
async fn every_entry_is_proved_against_every_checkpoint() {
    // Goal: receipts lead to proofs, checkpoints to each other, also after a restart and beyond
    // the smallest kept subtree. Method: 600 entries, prove all, reopen, grow, prove again.
    let world = World::new();
    let store = filled(&world, 600).await;
    let old = store.checkpoint().await.expect("read").expect("signed");
    assert!(old.is_signed_by(&store.ledger_public_key()));
    assert_eq!(store.sequence().await.expect("nothing new"), None);
    store.close().await;
    let store = world.open().await;
    let promise = store.record_operator_action(act("test"), "look", "x").await;
    let promise = promise.expect("recorded");
    assert_eq!(promise.checkpoint.as_ref(), Some(&old));
    let unproved = store.inclusion_proof(promise.entry_id).await;
    assert!(unproved.expect("read").is_none());
    let new = store.sequence().await.expect("done").expect("signed");
    assert_eq!(new.size, 601);
    let consistent = store.consistency_proof(old.size, new.size).await;
    let consistent = consistent.expect("read").expect("proof");
    let (before, after) = ((old.size, &old.root), (new.size, &new.root));
    assert!(verify_consistency(before, after, &consistent));
    let proof = store.inclusion_proof(promise.entry_id).await;
    let proof = proof.expect("read").expect("proof");
    assert_eq!(proof.leaf_hash, promise.leaf_hash);
    let mut entries = Vec::new();
    while let page = store
        .ledger_page(entries.len() as u64, 100)
        .await
        .expect("page")
        && !page.is_empty()
    {
        entries.extend(page);
    }
    assert_eq!(entries.len(), 601);
    for entry in entries.iter().step_by(13).chain(entries.last()) {
        let link = kinbridge::ledger::entry::read_link(&entry.body).expect("a link");
        let proof = store.inclusion_proof(link.entry_id).await;
        let proof = proof.expect("read").expect("proof");
        let (at, size) = (entry.position, proof.checkpoint.size);
        assert!(verify_inclusion(
            &entry.leaf_hash,
            at,
            size,
            &proof.path,
            &new.root
        ));
    }
}

pub async fn verify_after(world: &World, sql: &[&'static str]) -> Report {
    let copy = world.folder.path().join("copy.db");
    for end in ["", "-wal", "-shm"] {
        let to = world.folder.path().join(format!("copy.db{end}"));
        let _ = std::fs::remove_file(&to);
        let from = world.folder.path().join(format!("kinbridge.db{end}"));
        if from.exists() {
            std::fs::copy(from, to).expect("copied");
        }
    }
    let url = format!("sqlite://{}", copy.display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    for statement in sql {
        sqlx::query(*statement)
            .execute(&mut conn)
            .await
            .expect("done");
    }
    conn.close().await.expect("closed");
    let mut archive = Archive::open(&copy).await.expect("an archive");
    archive.verify(&[], &[]).await.expect("verified")
}

/// What is done, by which statements, what it is called and where.
const TAMPERINGS: [(&str, &[&str], ProblemKind, u64); 8] = [
    (
        "flip",
        &[
            "UPDATE ledger_entry SET body = cast(replace(body, 'look', 'lock') AS BLOB) \
               WHERE position = 40",
        ],
        ProblemKind::Altered,
        40,
    ),
    (
        "swap",
        &[
            "UPDATE ledger_entry SET position = 1000 WHERE position = 50",
            "UPDATE ledger_entry SET position = 50 WHERE position = 51",
            "UPDATE ledger_entry SET position = 51 WHERE position = 1000",
        ],
        ProblemKind::OutOfPlace,
        50,
    ),
    (
        "deletion",
        &["DELETE FROM ledger_entry WHERE position = 60"],
        ProblemKind::Missing,
        60,
    ),
    (
        "deletion, closed up",
        &[
            "DELETE FROM ledger_entry WHERE position = 60",
            "UPDATE ledger_entry SET position = -position WHERE position > 60",
            "UPDATE ledger_entry SET position = -position - 1 WHERE position < 0",
        ],
        ProblemKind::Missing,
        60,
    ),
    (
        "insertion",
        &[
            "UPDATE ledger_entry SET position = -position WHERE position > 20",
            "UPDATE ledger_entry SET position = -position + 1 WHERE position < 0",
            "INSERT INTO ledger_entry SELECT 21, entry_id, leaf_hash, body \
                 FROM ledger_entry WHERE position = 20",
        ],
        // The two are equal: the first of them counts as put in.
        ProblemKind::Inserted,
        20,
    ),
    (
        "truncation",
        &["DELETE FROM ledger_entry WHERE position >= 90"],
        ProblemKind::Truncated,
        90,
    ),
    (
        "hidden truncation",
        &[
            "DELETE FROM ledger_entry WHERE position = 99",
            "UPDATE ledger_checkpoint SET size = 99 WHERE size = 100",
        ],
        ProblemKind::SignatureInvalid,
        99,
    ),
    (
        "forged root",
        &["UPDATE ledger_checkpoint SET root = zeroblob(32) WHERE size = 49"],
        ProblemKind::SignatureInvalid,
        49,
    ),
];

#[tokio::test]
async fn every_kind_of_tampering_is_found_and_named() {
    // Goal: flip, swap, insertion, deletion and truncation never pass. Method: do each to a copy
    // of a database of 100 entries, also where the tamperer mends the leaf hash.
    let world = World::new();
    filled(&world, 100).await.close().await;
    let sound = verify_after(&world, &[]).await;
    assert!(sound.is_sound(), "{sound:?}");
    assert_eq!((sound.entries, sound.covered), (100, 100));
    for (name, sql, kind, position) in TAMPERINGS {
        let report = verify_after(&world, sql).await;
        let named =
            |p: &kinbridge::ledger::verify::Problem| p.kind == kind && p.position == position;
        assert!(report.problems.iter().any(named), "{name}: {report:?}");
    }
}

#[tokio::test]
async fn an_export_is_verified_without_the_database() {
    // Goal: the text form proves the same, flips in every entry are named, and a checkpoint kept
    // elsewhere shows a cut end. Method: export 60 entries, alter each in turn, cut.
    let world = World::new();
    let store = filled(&world, 60).await;
    let kept = store.checkpoint().await.expect("read").expect("signed");
    store.close().await;
    let mut archive = Archive::open(&world.database()).await.expect("archive");
    let mut text = Vec::new();
    assert_eq!(archive.export(&mut text).await.expect("exported"), 60);
    let check = |bytes: &[u8]| export::verify(&mut &*bytes, &[], &[]).expect("readable");
    assert!(check(&text).is_sound());
    let text = String::from_utf8(text).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let entries = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.starts_with("E "));
    for (position, (n, line)) in (0_u64..).zip(entries) {
        let mut altered = lines.clone();
        let flipped = line.replace("\"look\"", "\"lock\"");
        altered[n] = &flipped;
        let report = check(altered.join("\n").as_bytes());
        assert!(!report.is_sound(), "entry {position}");
        let first = &report.problems[0];
        let last = position == 59;
        assert!(last || (first.kind, first.position) == (ProblemKind::Altered, position));
    }
    let cut: Vec<&str> = lines.iter().copied().take(40).collect();
    let cut = cut.join("\n");
    let report = export::verify(&mut cut.as_bytes(), &[], &[kept]).expect("readable");
    assert!(
        report
            .problems
            .iter()
            .any(|p| p.kind == ProblemKind::Truncated)
    );
}

#[tokio::test]
async fn the_accounting_tells_confirmed_from_possible_and_leaves_out_tests() {
    // Goal: what may have arrived is listed, what cannot have is not, test traffic never is.
    // Method: four deliveries about one person with four ends, and one test record.
    let world = World::new();
    let store = world.open().await;
    let of_one = |index, source: &str| {
        let mut record = record(index, source, source);
        record.persons = vec![person("child", &["s|1"], true)];
        record
    };
    let records = (0..4).map(|n| of_one(n, &format!("r{n}"))).collect();
    store
        .accept(submission(None, "1", records))
        .await
        .expect("1");
    let mut test = submission(None, "2", vec![of_one(0, "t")]);
    test.test = true;
    store.accept(test).await.expect("2");
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    assert_eq!(claims.len(), 5);
    store
        .authorise(claims.iter().map(authorisation).collect())
        .await
        .expect("go");
    let later = START.after(Duration::from_secs(60));
    let ends = [
        Completion::Confirmed,
        Completion::Ambiguous {
            next_at: later,
            detail: "timeout".into(),
        },
        Completion::Retry {
            next_at: later,
            detail: "refused".into(),
        },
        Completion::Refused {
            detail: "422".into(),
        },
    ];
    let (tests, real): (Vec<_>, Vec<_>) = claims.iter().partition(|c| c.record.test);
    assert!(complete_one(&store, tests[0], Completion::Confirmed).await);
    for (claimed, end) in real.iter().zip(ends) {
        assert!(complete_one(&store, claimed, end).await);
    }
    let person = store
        .person_by_identifier("s|1", false)
        .await
        .expect("read");
    let person = person.expect("known");
    assert_ne!(tests[0].record.persons[0].person, person);
    let seen = all_disclosures(&store, person).await;
    let confirmed = seen.iter().filter(|d| d.exposure == Exposure::Confirmed);
    assert_eq!((seen.len(), confirmed.count()), (3, 1));
    assert_eq!(seen[0].decision, decision(real[0], "permit"));
    assert_eq!(seen[0].source, sender());
    let of_test = store
        .disclosures(tests[0].record.persons[0].person, None, 9)
        .await;
    assert!(of_test.expect("page").disclosures.is_empty());
    store.sequence().await.expect("sequenced");
    store.close().await;
    the_command_line_tells_the_same(&world);
}

/// Everything listed about a person, two rows a page.
async fn all_disclosures(store: &Store, person: PersonId) -> Vec<Disclosure> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.disclosures(person, after, 2).await.expect("page");
        seen.extend(page.disclosures);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    seen
}

/// Verifies and lists by the executable, beside nobody.
fn the_command_line_tells_the_same(world: &World) {
    let run = |args: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
            .args(["ledger", args[0], "--database"])
            .arg(world.database())
            .args(&args[1..])
            .output()
            .expect("runs")
    };
    let verified = run(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let key = world.folder.path().join("master.key");
    let key = key.to_str().expect("a path");
    let told = run(&[
        "disclosures",
        "--identifier",
        "s|1",
        "--output",
        "json",
        "--master-key",
        key,
    ]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(told.as_array().map(Vec::len), Some(3));
    assert_eq!(told[0]["recipient"], "county");
    assert_eq!(told[0]["data_classes"][0], "referral");
}
