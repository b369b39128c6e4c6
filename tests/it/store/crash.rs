//! SIGKILL: whatever was acknowledged is there afterwards, whatever was not sealed is not.

use super::world::*;
use kinbridge::base::clock::{Clock, SystemClock};
use kinbridge::base::id::SubmissionId;
use kinbridge::store::*;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

const FOLDER: &str = "KINBRIDGE_TEST_FOLDER";
const ROUNDS: usize = 5;
const ACKS_BEFORE_KILL: usize = 120;

async fn open(folder: &std::path::Path) -> Store {
    let key = MasterKey::load_or_create(&folder.join("master.key")).expect("key");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let path = folder.join("kinbridge.db");
    Store::open(&path, key, clock).await.expect("opens")
}

/// Not a test: the process that is killed. Prints each acknowledged submission on its own line.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child process of the crash test"]
async fn child() {
    let folder = std::env::var_os(FOLDER).expect("run by the crash test");
    let store = open(std::path::Path::new(&folder)).await;
    let mut head = submission(None, "", Vec::new());
    head.submission_id = SubmissionId::mint(SystemClock.now());
    let batch = store.begin_batch(head).await.expect("begun");
    println!("batch {batch}");
    for worker in 0..8 {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0_u32.. {
                let source = format!("{}-{worker}-{n}", std::process::id());
                let mut ask = submission(Some(&source), &source, vec![record(0, &source, "x")]);
                ask.submission_id = SubmissionId::mint(SystemClock.now());
                let done = store.accept(ask).await.expect("accepted");
                let mut out = std::io::stdout().lock();
                writeln!(out, "ack {}", done.submission_id()).expect("written");
                out.flush().expect("flushed");
            }
        });
    }
    for n in 0_u32.. {
        let source = format!("{}-batch-{n}", std::process::id());
        let records = vec![record(n, &source, "x")];
        store
            .append_chunk(batch, records, Vec::new())
            .await
            .expect("chunk");
    }
}

fn run_and_kill(folder: &std::path::Path) -> (Vec<SubmissionId>, Vec<SubmissionId>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "store::crash::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (mut acks, mut batches) = (Vec::new(), Vec::new());
    let mut killed = false;
    // After the kill, read on: what was printed before counts.
    for line in lines {
        let line = line.expect("text");
        if let Some(id) = line.strip_prefix("ack ").and_then(SubmissionId::parse) {
            acks.push(id);
        }
        if let Some(at) = line.find("batch sub_") {
            batches.extend(SubmissionId::parse(&line[at + 6..]));
        }
        if acks.len() == ACKS_BEFORE_KILL && !killed {
            child.kill().expect("killed");
            killed = true;
        }
    }
    child.wait().expect("ended");
    assert!(killed, "the child ended by itself");
    (acks, batches)
}

#[tokio::test]
async fn every_acknowledged_submission_survives_a_kill() {
    // Goal: a receipt survives SIGKILL, an unsealed batch does not. Method: a child process
    // commits with acknowledgements and feeds a batch; kill it, reopen, look for every one; again
    // on the same database.
    let folder = tempfile::tempdir().expect("a folder");
    let mut acked = Vec::new();
    for _ in 0..ROUNDS {
        let (acks, batches) = run_and_kill(folder.path());
        assert_eq!(batches.len(), 1);
        acked.extend(acks);
        let store = open(folder.path()).await;
        for id in &acked {
            let view = store.submission(&sender(), *id).await.expect("read");
            assert_eq!(view.expect("there").counts.accepted, 1);
        }
        for id in batches {
            assert!(
                store
                    .submission(&sender(), id)
                    .await
                    .expect("read")
                    .is_none()
            );
        }
        let health = store.health().await.expect("health");
        assert!(health.routes_waiting >= acked.len() as u64);
        assert_eq!(health.routes_waiting, health.entries);
        store.close().await;
    }
}
