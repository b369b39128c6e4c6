//! Goal: a county's extract is read by the county's own code tables and no guess, in one way only,
//! and what must not come in is taken out at the door. Method: the shipped catalog beside one in
//! which a county has filled the tables; the same rows through both.

use crate::fixtures::{rules, rules_for};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::catalog;
use kinbridge::intake::read::{Reading, read};
use kinbridge::mapping::MapError;
use kinbridge::rules::Rules;
use kinbridge::store::HoldCause;
use std::path::Path;

const FORMAT: &str = "cws-cms-extract";

fn file(case: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(FORMAT);
    let path = root.join(case).join("input.csv");
    std::fs::read_to_string(path).expect("a fixture")
}

fn reading(rules: &Rules, record: &str, text: &str) -> Reading {
    let format = FormatId::new("cws-cms-extract/1.0");
    read(rules, &format, &[RecordType::new(record)], text.as_bytes())
}

/// Where the work comes from no column says; a channel does.
fn told(reading: &Reading) -> Vec<&Finding> {
    let own = reading.records.iter().flat_map(|record| &record.findings);
    let all = reading.findings.iter().chain(own);
    all.filter(|it| it.code != "service-source-unknown")
        .collect()
}

#[test]
fn a_code_nobody_has_loaded_is_told_with_its_table_and_never_guessed() {
    let rows = [
        (
            "engagement-contact/one-client",
            "CMM_MTHC",
            "contact-mode--cws-cms-communication-method",
        ),
        (
            "engagement-contact/one-client",
            "SVC_CNTC",
            "contact-activity--cws-cms-contact-purpose",
        ),
        (
            "engagement-contact/one-client",
            "CNT_LOC",
            "contact-location--cws-cms-contact-location",
        ),
        (
            "cft-meeting/held",
            "SVC_CNTC",
            "meeting-type--cws-cms-contact-purpose",
        ),
        (
            "cft-meeting/held",
            "CFTLAGYC",
            "meeting-lead--cws-cms-lead-agency",
        ),
        ("person/child", "P_ETHNCTYC", "race--cws-cms-ethnicity"),
        ("person/child", "P_LANG_TPC", "language--cws-cms-language"),
        (
            "icwa-inquiry/member",
            "IDN_TRBC",
            "tribe-name--cws-cms-tribe",
        ),
        (
            "icwa-inquiry/member",
            "INDN_STC",
            "tribe-response--cws-cms-enrolment-status",
        ),
        (
            "family-case/open-case",
            "SRV_CMPC",
            "case-component--cws-cms-service-component",
        ),
    ];
    for (case, column, table) in rows {
        let (record, text) = (case.split('/').next().expect("a type"), file(case));
        let bare = reading(&rules(), record, &text);
        let place = format!("row 2, column {column}");
        let found = told(&bare);
        let found = found.iter().find(|it| it.path == place);
        let found = found.unwrap_or_else(|| panic!("{case}: nothing at {place}"));
        assert!(found.fix.contains(table), "{found:?}");
        let one = &bare.records[0];
        match found.is_error() {
            true => assert!(one.record.is_none(), "{case}: {column} is refused"),
            false => assert_eq!(found.code, "crosswalk-code-held"),
        }
        if !found.is_error() && one.record.is_some() {
            assert_eq!(one.hold, Some(HoldCause::VocabularyUnknown), "{case}");
        }
        // The county has filled the tables: the same row is taken, and waits for nobody.
        let filled = reading(&rules_for(FORMAT), record, &text);
        let one = &filled.records[0];
        assert!(one.record.is_some(), "{case}: {:?}", told(&filled));
        assert_eq!(one.hold, None, "{case}");
    }
}

#[test]
fn no_code_of_the_system_is_shipped() {
    let (sources, _) = catalog::load(&[]);
    let own = sources.crosswalks.values();
    let own = own.filter(|table| table.name.contains("--cws-cms-"));
    let mut empty = 0;
    for table in own {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let codes = table.rows.iter().filter(|row| digits(&row.to)).count();
        assert_eq!(codes, 0, "{}", table.name);
        empty += usize::from(table.rows.is_empty());
    }
    assert_eq!(empty, 10, "tables a county fills");
}

#[test]
fn nothing_is_ever_written_in_it() {
    let rules = rules_for(FORMAT);
    let text = file("engagement-contact/one-client");
    let reading = reading(&rules, "engagement-contact", &text);
    let record = reading.records[0].record.as_ref().expect("accepted");
    let format = FormatId::new("cws-cms-extract/1.0");
    assert_eq!(
        rules.plans.outbound(&format, record).err(),
        Some(MapError::ReadOnly)
    );
    let partner = "id = \"county\"\nname = \"A county\"\nrole = \"cws\"\nmode = \"test\"\n\
        [[channel]]\nname = \"out\"\ndirection = \"out\"\nformat = \"cws-cms-extract/1.0\"\n\
        records = [\"person\"]\npurpose = \"care_coordination\"\nrelated_by = [\"county\"]\n\
        https = { url = \"https://county.example/in\" }\n";
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("mappings/partners");
    std::fs::create_dir_all(&files).expect("made");
    std::fs::write(files.join("county.toml"), partner).expect("written");
    let defects = Rules::load(&[folder.path().to_owned()])
        .err()
        .expect("a defect");
    let said = defects.iter().any(|it| it.message.contains("only read"));
    assert!(said, "{defects:?}");
}

#[test]
fn day_and_time_are_read_together_and_half_of_them_not_at_all() {
    let rules = rules_for(FORMAT);
    let good = file("engagement-contact/one-client");
    let body = |text: &str, name: &str| {
        let reading = reading(&rules, "engagement-contact", text);
        let record = reading.records[0].record.as_ref();
        let body = record.and_then(|record| record.body().cloned());
        body.and_then(|body| body.text(name).map(str::to_owned))
    };
    let start = |text: &str| body(text, "start");
    assert_eq!(start(&good).as_deref(), Some("2026-09-14T14:30:00-07:00"));
    assert_eq!(
        body(&good, "end").as_deref(),
        Some("2026-09-14T15:15:00-07:00")
    );
    let winter = good
        .replace("2026-09-14", "2026-12-14")
        .replace("14:30:00", "14:30");
    assert_eq!(start(&winter).as_deref(), Some("2026-12-14T14:30:00-08:00"));
    // An hour that comes twice, and one that never comes.
    for day in ["2026-11-01,01:30:00", "2026-03-08,02:30:00"] {
        let text = good.replace("2026-09-14,14:30:00", day);
        assert_ne!(text, good);
        let read = reading(&rules, "engagement-contact", &text);
        let found = told(&read);
        let found = found.iter().find(|it| it.code == "cell-time-clock-change");
        let found = found.expect("the change of clocks is told");
        assert_eq!(found.path, "row 2, column START_DT");
        assert!(found.message.contains("`START_TM`"), "{found:?}");
        assert!(read.records[0].record.is_none());
    }
    let half = good.replace(",15:15:00", ",");
    let read = reading(&rules, "engagement-contact", &half);
    let found = told(&read);
    let found = found.iter().find(|it| it.code == "value-incomplete");
    assert_eq!(found.expect("told").path, "row 2, column END_DT");
    assert_eq!(body(&half, "end"), None);
}

#[test]
fn a_team_meeting_is_no_contact_and_a_contact_no_meeting() {
    let rules = rules_for(FORMAT);
    let (contact, meeting) = (
        file("engagement-contact/one-client"),
        file("cft-meeting/held"),
    );
    for (kind, text) in [("cft-meeting", &contact), ("engagement-contact", &meeting)] {
        let read = reading(&rules, kind, text);
        assert!(read.records.iter().all(|it| it.record.is_none()), "{kind}");
        let unknown = told(&read)
            .iter()
            .any(|it| it.code == "record-type-unknown");
        assert!(unknown, "{kind}: {:?}", told(&read));
    }
}

#[test]
fn columns_are_taken_out_however_they_are_spelt() {
    let rules = rules_for(FORMAT);
    let good = file("engagement-contact/one-client");
    let (head, row) = good.trim_end().split_once('\n').expect("two rows");
    for (column, shown) in [
        ("RPTR_FSTNM", "RPTR_FSTNM"),
        ("rptr_lstnm", "RPTR_LSTNM"),
        ("Rptr_Of_A_Later_Version", "RPTR_*"),
        ("del_idv_id", "DEL_IDV_ID"),
        ("DETAIL_TXT", "DETAIL_TXT"),
        ("ALN_REG_NO", "ALN_REG_NO"),
    ] {
        let read = reading(
            &rules,
            "engagement-contact",
            &format!("{head},{column}\n{row},Quilla Plantedword\n"),
        );
        let found = told(&read);
        let [found] = found.as_slice() else {
            panic!("{column}: {found:?}");
        };
        assert_eq!(found.code, "column-stripped");
        assert!(found.message.contains(shown), "{found:?}");
        assert!(!found.message.contains("Plantedword"), "{found:?}");
        let record = read.records[0].record.as_ref().expect("the rest is taken");
        assert!(
            !format!("{:?}", record.root).contains("Plantedword"),
            "{column}"
        );
    }
    // A column without a value took nothing out, and is not told.
    let empty = format!("{head},RPTR_FSTNM\n{row},\n");
    assert!(told(&reading(&rules, "engagement-contact", &empty)).is_empty());
}

#[test]
fn a_column_that_looks_like_a_reporters_is_told_as_that() {
    for (column, reason) in [
        ("REPORTER_NAME", "who made a report"),
        ("CLIENT_RPTR_LSTNM", "who made a report"),
        ("RPTRLSTNM", "who made a report"),
        ("SSNO", "needs this number"),
        ("WORKER_IND", ""),
    ] {
        let (level, found) = with_column("engagement-contact/one-client", column, "Plantedword");
        assert!(level.is_some(), "{column}: {found:?}");
        let like = found.iter().find(|it| it.code == "column-like-stripped");
        assert_eq!(like.is_some(), !reason.is_empty(), "{column}: {found:?}");
        if let Some(like) = like {
            assert_eq!(like.path, "row 2, column ?19");
            assert!(like.message.contains(reason), "{like:?}");
            assert!(!like.message.contains("Plantedword"), "{like:?}");
        }
    }
}

/// Of a file with one column more: what stands of its record, and what is told.
fn with_column(case: &str, column: &str, cell: &str) -> (Option<String>, Vec<Finding>) {
    let rules = rules_for(FORMAT);
    let (record, text) = (case.split('/').next().expect("a type"), file(case));
    let mut lines = text.lines();
    let head = lines.next().expect("a header");
    let rows: Vec<String> = lines.map(|row| format!("{row},{cell}")).collect();
    let read = reading(
        &rules,
        record,
        &format!("{head},{column}\n{}\n", rows.join("\n")),
    );
    let found = told(&read).into_iter().cloned().collect();
    let record = read.records.first().and_then(|it| it.record.as_ref());
    let level = record.and_then(|it| it.envelope()?.text("access_level").map(str::to_owned));
    (level, found)
}

#[test]
fn a_mark_that_is_almost_spelt_right_refuses_the_file_beside_the_right_one_too() {
    for (column, meant) in [
        ("SENSTV IND", "SENSTV_IND"),
        ("senstv_ind", "SENSTV_IND"),
        ("SENSTVE_IND", "SENSTV_IND"),
        ("CLIENT_T.SENSTV_IND", "SENSTV_IND"),
        ("LMT_ACSSCD_1", "LMT_ACSSCD"),
        ("LMT-ACSSCD", "LMT_ACSSCD"),
        ("LMT_ACSCD", "LMT_ACSSCD"),
        ("Soc158Ind", "SOC158_IND"),
        ("CONF_EFFIND", "CONF_EFIND"),
        ("\"SNTV_HLIND \"", "SNTV_HLIND"),
        ("\"SNTV\nHLIND\"", "SNTV_HLIND"),
    ] {
        for case in [
            "engagement-contact/one-client",
            "cft-meeting/held",
            "family-case/open-case",
            "icwa-inquiry/member",
        ] {
            let (level, found) = with_column(case, column, "R");
            assert_eq!(level, None, "{case}: {column}");
            let [found] = found.as_slice() else {
                panic!("{case}: {column}: {found:?}");
            };
            assert_eq!(found.code, "header-invalid", "{column}");
            assert!(found.path.starts_with("row 1"), "{found:?}");
            assert!(found.fix.contains(&format!("`{meant}`")), "{found:?}");
        }
    }
    // What is taken out at the door and what is far from a mark stay as they were.
    for column in ["LMT_ACSDSC", "LMT_ACS_DT", "CONF_ACTDT", "WORKER_IND"] {
        let (level, found) = with_column("engagement-contact/one-client", column, "x");
        assert!(level.is_some(), "{column}: {found:?}");
    }
}

#[test]
fn a_mark_the_file_has_is_left_empty_by_no_row() {
    let good = file("engagement-contact/two-clients");
    let rules = rules_for(FORMAT);
    let head = good.lines().next().expect("a header");
    for mark in ["LMT_ACSSCD", "SENSTV_IND", "SOC158_IND"] {
        let at = head.split(',').position(|name| name == mark).expect("it");
        for emptied in [1, 2] {
            let rows = good.lines().enumerate().map(|(number, row)| {
                let mut cells: Vec<&str> = row.split(',').collect();
                if number == emptied {
                    cells[at] = "";
                }
                cells.join(",") + "\n"
            });
            let text: String = rows.collect();
            let read = reading(&rules, "engagement-contact", &text);
            assert!(read.records.iter().all(|it| it.record.is_none()), "{mark}");
            let place = format!("row {}, column {mark}", emptied + 1);
            let found = told(&read);
            let there: Vec<_> = found.iter().filter(|it| it.path == place).collect();
            assert_eq!(there.len(), 1, "{found:?}");
            assert_eq!(there[0].code, "mark-empty");
            assert!(there[0].fix.starts_with("write one of: "), "{found:?}");
        }
    }
}

#[test]
fn the_indicators_of_the_client_are_read_wherever_they_stand() {
    for case in [
        "engagement-contact/one-client",
        "cft-meeting/held",
        "family-case/open-case",
        "icwa-inquiry/member",
    ] {
        for column in ["CONF_EFIND", "SNTV_HLIND"] {
            let (level, found) = with_column(case, column, "Y");
            assert_eq!(level.as_deref(), Some("S"), "{case}: {found:?}");
            let (level, _) = with_column(case, column, "N");
            assert_eq!(level.as_deref(), Some("N"), "{case}: {column}");
            for cell in ["", "1", "y"] {
                let (level, found) = with_column(case, column, cell);
                assert_eq!(level, None, "{case}: {column}");
                assert!(found.iter().any(Finding::is_error), "{case}: {column}");
            }
        }
    }
    // Sealed is stricter.
    let (level, _) = with_column("family-case/sealed", "CONF_EFIND", "Y");
    assert_eq!(level.as_deref(), Some("R"));
}
