//! Goal: any past decision comes out again exactly, by the rules it was taken by and not by those
//! of today; what was changed since is named. Method: decisions under two rule sets in one store,
//! taken again by the executable, whole and one alone; then a changed row.

use crate::deliver::Road;
use crate::labels::CONTACT;
use crate::release::{PARTNERS, rules_over};
use serde_json::Value;
use sqlx::Connection as _;
use std::path::Path;
use std::process::{Command, Output};

/// A county's pack that keeps names from child welfare.
pub const FORBID: &str = r#"@id("county-quiet")
@row("COUNTY")
@rank("county")
@citation("policy:county-quiet")
@obligation("")
@mark("K")
@effective("2020-01-01")
@sunset("")
@owner("county counsel")
@plain_en("Names stay with the program")
@plain_es("Los nombres se quedan en el programa")
forbid (
    principal == Recipient::"cws",
    action == Action::"care_coordination",
    resource == DataClass::"demographics"
);
"#;

/// A catalog folder with one policy file.
pub fn pack(folder: &Path, text: &str) {
    let policies = folder.join("policies");
    std::fs::create_dir_all(&policies).expect("a folder");
    std::fs::write(policies.join("county.cedar"), text).expect("written");
}

pub fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .args(args)
        .output()
        .expect("the command runs")
}

/// Decisions under the shipped rules and then under a county's pack; that pack's folder.
pub async fn two_rule_sets() -> (Road, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    pack(folder.path(), FORBID);
    let road = Road::new().await;
    road.take_over(rules_over(&[], PARTNERS)).await;
    road.hand_in("a", CONTACT).await;
    road.drive().await;
    let laid = rules_over(&[folder.path().to_path_buf()], PARTNERS);
    road.take_over(laid).await;
    let other = CONTACT.replace("\"c-1\"", "\"c-2\"");
    road.hand_in("b", &other).await;
    road.drive().await;
    assert_eq!(road.arrived("https://county.example/inbox").len(), 2);
    (road, folder)
}

#[tokio::test]
async fn decisions_come_out_again_by_the_rules_of_then() {
    let (road, _folder) = two_rule_sets().await;
    let (database, key) = road.files();
    let (database, key) = (
        database.to_str().expect("text"),
        key.to_str().expect("text"),
    );
    let place = [
        "--database",
        database,
        "--master-key",
        key,
        "--output",
        "json",
    ];
    let replay = |more: &[&str]| {
        let out = run(&[&["ledger", "replay"], &place[..], more].concat());
        let told: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
        (out.status.code(), told)
    };
    let (code, told) = replay(&[]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        (&told["rule_sets"], &told["differences"]),
        (&2.into(), &0.into())
    );
    assert!(told.get("trace").is_none() && told.get("other_engines").is_none());
    // One alone, with its trace: the same class goes under one rule set and stays under the other.
    let mut effects = Vec::new();
    for receipt in [road.hand_in("a", CONTACT).await, again(&road).await] {
        let all = road.deliveries(&receipt).await;
        let own = all
            .iter()
            .find(|d| d.partner.as_str() == "county")
            .expect("a delivery");
        let (code, told) = replay(&["--delivery", &own.delivery_id.to_string()]);
        assert_eq!((code, &told["decisions"]), (Some(0), &1.into()), "{told}");
        let mut rows = told["trace"].as_array().expect("rows").iter();
        let row = rows
            .find(|row| row["data_class"] == "demographics")
            .expect("a row");
        assert_eq!(row["recorded"], row["again"]);
        assert!(
            row["reason_es"].is_string() && row["citation"].is_string(),
            "{row}"
        );
        effects.push((row["again"].clone(), row["rule_set"].clone()));
    }
    assert_eq!(effects[0].0, "permit");
    assert_eq!(effects[1].0, "withhold");
    assert_ne!(effects[0].1, effects[1].1);
    let (code, _) = replay(&["--delivery", "dlv_nonsense"]);
    assert_eq!(code, Some(1));
    // What is changed in the store is not taken for what was decided.
    let url = format!("sqlite://{database}");
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    let sql = "UPDATE decision SET body = zeroblob(length(body))";
    sqlx::query(sql).execute(&mut conn).await.expect("done");
    assert_eq!(replay(&[]).0, Some(1));
}

/// The receipt of the second contact, which was handed in before.
async fn again(road: &Road) -> kinbridge::intake::Receipt {
    road.hand_in("b", &CONTACT.replace("\"c-1\"", "\"c-2\""))
        .await
}
