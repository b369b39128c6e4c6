//! Goal: totals go to whoever is sent them while no small cell can be read or computed, and to
//! nobody otherwise; nothing of a record about nobody needs a person, and nothing of one about
//! somebody passes for totals. Method: snapshots of outcomes on the whole road and before the
//! decision itself, each with one cell changed.

use crate::deliver::Road;
use crate::release::{asking, now, rules_with};
use kinbridge::base::id::{PartnerId, RecordType};
use kinbridge::base::vocabulary::{DataClass, Obligation};
use kinbridge::format::json;
use kinbridge::intake::Receipt;
use kinbridge::record::Record;
use kinbridge::record::labels::{Origin, TOTALS};
use kinbridge::release::{Release, ReleaseInput, release};
use kinbridge::rules::Rules;
use kinbridge::store::DeliveryState;
use std::sync::OnceLock;

const COUNTY: &str = "https://county.example/inbox";
const PUBLIC: &str = "https://public.example/inbox";

const PARTNERS: [&str; 4] = [
    r#"
id = "program"
name = "A program"
role = "ppp"
mode = "live"
county_fips = "06067"
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["outcome-snapshot"]
"#,
    r#"
id = "haven"
name = "A shelter"
role = "dv_program"
mode = "live"
county_fips = "06067"
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["outcome-snapshot"]
"#,
    r#"
id = "county"
name = "A county"
role = "cws"
mode = "live"
county_fips = "06067"
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["outcome-snapshot"]
purpose = "state_reporting"
related_by = ["county"]
https = { url = "https://county.example/inbox" }
"#,
    r#"
id = "public"
name = "Anybody"
role = "public"
mode = "live"
county_fips = "06067"
[[channel]]
name = "out"
direction = "out"
format = "provider-csv/1.0"
records = ["outcome-snapshot"]
purpose = "public_request"
related_by = ["county"]
https = { url = "https://public.example/inbox" }
"#,
];

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_with(&PARTNERS))
}

const WHOLE: &str = r#"{"measure": "families_served", "count": 64},
    {"measure": "families_served", "dimension": "culture", "group": "otter", "count": 34},
    {"measure": "families_served", "dimension": "culture", "group": "heron", "count": 30},
    {"measure": "referrals_closed", "count": 88, "out_of": 132}"#;

fn snapshot(id: &str, measures: &str) -> String {
    format!(
        r#"{{"envelope": {{"record_type": "outcome-snapshot", "schema_version": "1.0",
            "source_record_id": "{id}", "county_fips": "06067", "service_source": "case"}},
          "body": {{"snapshot_id": "{id}", "period": {{"start": "2026-04-01", "end": "2026-06-30"}},
            "measures": [{measures}]}}}}"#
    )
}

fn record(measures: &str) -> Record {
    let text = snapshot("s-1", measures);
    Record {
        record_type: RecordType::new("outcome-snapshot"),
        root: json::parse(text.as_bytes()).tree.expect("JSON"),
    }
}

/// What becomes of a record from one partner to another, a person having looked or not.
fn decided(record: &Record, (from, to): (&str, &str), reviewed: bool) -> Release {
    let partner = |id: &str| &rules().partners[&PartnerId::new(id)];
    let to = partner(to);
    let input = ReleaseInput {
        now: now(),
        reviewed,
        ..asking((record, &[]), partner(from), (to, &to.channel[0]))
    };
    release(rules(), &input)
}

#[test]
fn every_value_of_totals_is_about_nobody_and_of_one_class() {
    let labels = rules().labels.label(&record(WHOLE), Origin::default());
    for origin in [true, false].map(|yes| Origin {
        part2_program: yes,
        part2_consent: yes,
        dv_program: yes,
    }) {
        assert_eq!(rules().labels.label(&record(WHOLE), origin), labels);
    }
    let asked: Vec<_> = labels.asked().into_iter().collect();
    let (at, classes) = asked[0];
    assert_eq!((asked.len(), at), (1, TOTALS));
    let classes: Vec<DataClass> = classes.iter().collect();
    assert_eq!(classes, [DataClass::AggregateDeidentified]);
}

#[test]
fn totals_with_large_cells_go_to_anyone_and_owe_nothing_by_hand() {
    let whole = record(WHOLE);
    for from in ["program", "haven"] {
        for to in ["county", "public"] {
            let went = decided(&whole, (from, to), false);
            let Release::Go(out) = &went else {
                panic!("{from} to {to}: {:?}", went.taken());
            };
            assert!(out.persons_shown().is_empty() && !went.taken().citations.is_empty());
            let owed = &went.taken().obligations;
            assert!(owed.contains(&Obligation::SmallCellSuppression.as_str()));
            assert!(went.taken().open.is_empty());
        }
    }
}

#[test]
fn one_small_cell_keeps_all_of_it_back_whoever_has_looked() {
    // Stated, zero, beside a denominator, and what a total leaves of the groups told.
    let small = [
        WHOLE.replace("64", "10"),
        WHOLE.replace("88", "0"),
        WHOLE.replace("88", "122"),
        WHOLE.replace("30", "29"),
        WHOLE.replace("30", "20"),
        WHOLE.replace(
            "\"count\": 64}",
            "\"count\": 64}, {\"measure\": \"contacts\", \"count\": 3}",
        ),
    ];
    for measures in &small {
        for to in ["county", "public"] {
            for looked in [false, true] {
                let kept = decided(&record(measures), ("program", to), looked);
                assert!(matches!(kept, Release::Withheld(_)), "{measures} to {to}");
                let cited = &kept.taken().citations;
                let cited = cited.iter().any(|one| one == "policy:min-cell-11");
                assert!(cited, "{:?}", kept.taken().citations);
            }
        }
    }
    assert!(matches!(
        decided(
            &record(&WHOLE.replace("30", "19")),
            ("program", "county"),
            false
        ),
        Release::Go(_)
    ));
}

#[test]
fn what_stops_a_record_stops_totals_too() {
    // Sealed, marked as sensitive, and a value that no schema has.
    let mut sealed = record(WHOLE);
    let envelope = sealed.root.get_mut("envelope").expect("an envelope");
    envelope.set("access_level", kinbridge::format::Node::string("R"));
    let kept = decided(&sealed, ("program", "county"), true);
    assert!(matches!(kept, Release::Withheld(_)));
    let mut odd = record(WHOLE);
    let body = odd.root.get_mut("body").expect("a body");
    body.set("remark", kinbridge::format::Node::string("Otterby"));
    match decided(&odd, ("program", "county"), true) {
        Release::Go(out) => {
            let bytes = out.bytes().expose(kinbridge::base::sensitive::Reason::Test);
            assert!(!String::from_utf8_lossy(bytes).contains("Otterby"));
        }
        kept => assert!(matches!(kept, Release::Withheld(_))),
    }
}

fn told(receipt: &Receipt) -> String {
    serde_json::to_string(receipt).expect("JSON")
}

#[tokio::test]
async fn a_snapshot_goes_its_road_is_corrected_and_recalled_like_any_record() {
    let road = Road::with(&PARTNERS).await;
    let first = road.hand_in("k1", &snapshot("q2", WHOLE)).await;
    assert!(told(&first).contains("accepted"));
    road.drive().await;
    assert_eq!(road.state(&first, "county").await, DeliveryState::Confirmed);
    let rows = road.arrived(PUBLIC);
    assert!(
        rows[0].contains("families_served") && rows[0].contains("otter"),
        "{rows:?}"
    );
    // A correction with a small cell is told to its sender, and takes the older one's place
    // nowhere but with whoever may have it: with nobody.
    let small = snapshot("q2", &WHOLE.replace("30", "24"));
    let second = road.hand_in("k2", &small).await;
    assert!(told(&second).contains("cells-small"));
    road.drive().await;
    assert_eq!(road.state(&second, "county").await, DeliveryState::Withheld);
    assert_eq!(road.arrived(COUNTY).len(), 1);
    assert_eq!(road.arrived(PUBLIC).len(), 1);
}
