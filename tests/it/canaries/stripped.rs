//! Columns taken out at the door: a word planted in every one a format takes out, and in a column
//! nobody knows, stands in no answer, no log, no kept record and nothing that is sent.

use super::grow::MARK;
use super::world::logs;
use crate::web::harness::{Gateway, install_provider, until};
use kinbridge::catalog;
use kinbridge::web::certificates::Authority;
use kinbridge::web::receiver::Receiver;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SENDER: &str = r#"role = "ppp"
mode = "live"
county_fips = "06067"

[[agreement]]
id = "1"
kind = "contract_10850"
[[agreement]]
id = "2"
kind = "baa"
[[agreement]]
id = "3"
kind = "qsoa"
[[agreement]]
id = "4"
kind = "county_contract"
with = "county"
[[channel]]
name = "in"
direction = "in"
format = "cws-cms-extract/1.0"
records = ["engagement-contact"]
service_source = "case"
"#;

fn recipient(url: &str, ca: &Path) -> String {
    format!(
        "role = \"cws\"\nmode = \"live\"\ncounty_fips = \"06067\"\n\n[[agreement]]\nid = \"1\"\n\
         kind = \"contract_10850\"\n[[agreement]]\nid = \"2\"\nkind = \"baa\"\n[[agreement]]\n\
         id = \"3\"\nkind = \"qsoa\"\n[[channel]]\nname = \"out\"\ndirection = \"out\"\n\
         format = \"kinbridge-json/1.0\"\nrecords = [\"engagement-contact\"]\n\
         purpose = \"care_coordination\"\nrelated_by = [\"county\"]\n\
         https = {{ url = \"{url}\", ca_file = \"{}\", private_network = true }}\n",
        ca.display()
    )
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A good row with a word of its own in every column that is taken out and in one nobody knows;
/// and how many were planted.
fn planted() -> (String, usize) {
    let (sources, _) = catalog::load(&[]);
    let format = sources.formats.values();
    let format = format.into_iter().find(|it| !it.body.strip.is_empty());
    let strips = &format.expect("a format that takes columns out").body.strip;
    let columns = strips.iter().flat_map(|strip| &strip.as_ref().columns);
    let columns = columns.map(|name| name.replace('*', "NOBODY_KNOWS"));
    let columns: Vec<String> = columns.chain(["A_STRANGER".to_owned()]).collect();
    let good = fixtures().join("cws-cms-extract/engagement-contact/one-client/input.csv");
    let good = std::fs::read_to_string(good).expect("a fixture");
    let (head, row) = good.trim_end().split_once('\n').expect("two rows");
    let words = (0..columns.len()).map(|at| format!("{MARK}{at:05}w"));
    let words: Vec<String> = words.collect();
    let text = format!("{head},{}\n{row},{}\n", columns.join(","), words.join(","));
    (text, columns.len())
}

fn silent(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    assert!(!text.contains(&MARK.to_lowercase()), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_out_at_the_door_is_nowhere() {
    install_provider();
    logs();
    let keep = tempfile::tempdir().expect("folder");
    let authority = Authority::new("Test authority").expect("authority");
    let ca = keep.path().join("ca.pem");
    std::fs::write(&ca, authority.certificate_pem()).expect("written");
    let identity = authority.issue(&["localhost"]).expect("identity");
    let inbox = Receiver::start(&identity).expect("inbox");
    let county = recipient(&inbox.url(), &ca);
    let partners = [("program", SENDER), ("county", county.as_str())];
    let gateway = Gateway::start_with_partners(&partners, |config| {
        config
            .catalog
            .push(fixtures().join("catalogs/cws-cms-extract"));
    })
    .await;
    let (text, count) = planted();
    assert!(count > 50, "{count} columns");
    let ask = gateway.request("program", "POST", "/v1/submissions");
    let ask = ask
        .header("content-type", "text/csv")
        .header("kinbridge-format", "cws-cms-extract/1.0")
        .header("idempotency-key", "extract-1")
        .body(text);
    let answer = ask.send().await.expect("answer");
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("body").to_vec();
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
    silent("the answer", &body);
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    let findings = told["records"][0]["findings"].to_string();
    for name in [
        "column-stripped",
        "RPTR_FSTNM",
        "RPTR_*",
        "DETAIL_TXT",
        "SS_NO",
    ] {
        assert!(findings.contains(name), "{name}: {findings}");
    }
    let id = told["submission_id"].as_str().expect("an id");
    let timeline = format!("/v1/submissions/{id}");
    let sent = until("what is sent", 5_000, async || {
        let seen = gateway.ask("program", "GET", &timeline, Value::Null).await;
        let arrived = inbox.deliveries();
        arrived.first().cloned().ok_or(seen.1)
    })
    .await;
    assert!(String::from_utf8_lossy(&sent.body).contains("in_person"));
    silent("what is sent", &sent.body);
    for path in [String::new(), "/records".to_owned()] {
        let path = format!("/v1/submissions/{id}{path}");
        let (status, seen) = gateway.ask("program", "GET", &path, Value::Null).await;
        assert_eq!(status, 200);
        silent(&path, seen.to_string().as_bytes());
    }
    silent("the logs", &logs());
    for file in std::fs::read_dir(gateway.folder())
        .expect("a folder")
        .flatten()
    {
        if file.path().is_file() {
            let bytes = std::fs::read(file.path()).expect("readable");
            silent(&file.path().display().to_string(), &bytes);
        }
    }
    inbox.stop().await;
}
