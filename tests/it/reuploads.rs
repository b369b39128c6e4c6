//! Goal: sending a whole month of contacts again is normal: what says the same is a duplicate, what
//! says something else a correction of the same record, what is not there any more means nothing,
//! and only a row that says so takes a record back. Method: one month sent four times, against a
//! store.

use crate::release::rules_over;
use crate::store::world::{START, World, inbound};
use kinbridge::intake::{Receipt, accept};
use kinbridge::rules::Rules;
use kinbridge::store::{RecordStatus, Store};

const PARTNER: &str = r#"
id = "month-sender"
name = "Month Sender"
role = "ppp"
mode = "live"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" } ]
[[channel]]
name = "in"
direction = "in"
format = "provider-csv/1.0"
records = ["engagement-contact"]
[channel.reads]
dates = "m/d/yyyy"
times = "12-hour"
zone = "America/Los_Angeles"
"#;

const HEAD: &str = "contact_id,src,start,subject_id,subject_last,subject_role,mode,result,minutes,\
    action\r\n";

fn row(id: &str, minutes: u32, action: &str) -> String {
    format!(
        "{id},case,9/1/2026 10:00 AM,TF-1,Exemplar,parent,phone,completed,{minutes},{action}\r\n"
    )
}

async fn send(store: &Store, rules: &Rules, key: &str, rows: &[String]) -> Receipt {
    let body = format!("{HEAD}{}", rows.concat());
    let sent = accept(
        store,
        rules,
        inbound("month-sender", Some(key), &body, START),
    )
    .await;
    sent.expect("a receipt")
}

fn statuses(receipt: &Receipt) -> Vec<RecordStatus> {
    receipt.records.iter().map(|record| record.status).collect()
}

#[tokio::test]
async fn a_month_sent_again_changes_what_changed_and_nothing_else() {
    use RecordStatus::{Accepted, Duplicate};
    let world = World::new();
    let store = world.open().await;
    let rules = rules_over(&[], &[PARTNER]);
    let month = [row("m1", 15, ""), row("m2", 20, ""), row("m3", 25, "")];
    let first = send(&store, &rules, "1", &month).await;
    assert_eq!(statuses(&first), [Accepted; 3]);
    let again = send(&store, &rules, "2", &month).await;
    assert_eq!(statuses(&again), [Duplicate; 3]);
    let ids: Vec<_> = first.records.iter().map(|it| it.record_id).collect();
    // The second is changed, the third missing.
    let changed = send(&store, &rules, "3", &[row("m1", 15, ""), row("m2", 30, "")]).await;
    assert_eq!(statuses(&changed), [Duplicate, Accepted]);
    assert_eq!(
        changed.records[1].record_id, ids[1],
        "a correction of the same record"
    );
    let void = |at: usize| {
        let (store, id) = (store.clone(), ids[at].expect("an id"));
        async move {
            store
                .record(id)
                .await
                .expect("an answer")
                .expect("known")
                .void
        }
    };
    assert!(!void(2).await, "what is missing stands");
    let back = send(
        &store,
        &rules,
        "4",
        &[row("m1", 15, ""), row("m3", 25, "void")],
    )
    .await;
    assert_eq!(statuses(&back), [Duplicate, Accepted]);
    assert!(void(2).await && !void(0).await && !void(1).await);
}
