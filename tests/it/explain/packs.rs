//! Goal: a county sees what its pack changes before it is in force: worked cases and recorded
//! decisions, who of counsel stands for what it loosens; what it may not change is a defect; a
//! broken cases file says where and what. Method: packs in temporary folders, the executable.

use super::replayed::{FORBID, pack, run, two_rule_sets};
use kinbridge::base::vocabulary::OtherGrantor;
use serde_json::{Value, json};
use std::path::Path;

const PERMIT: &str = r#"@id("county-open")
@row("COUNTY")
@rank("permission")
@citation("policy:county-open")
@obligation("")
@mark("K")
@effective("2020-01-01")
@sunset("")
@owner("county counsel")
@counsel("Ada Testament")
@counsel_date("2026-02-03")
@reason("a memorandum of the board")
@plain_en("Contacts go with a report")
@plain_es("Los contactos van con el reporte")
permit (
    principal == Recipient::"cws",
    action == Action::"PURPOSE",
    resource == DataClass::"engagement_contact"
);
"#;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn no_county_opens_what_is_not_a_countys_to_open() {
    // Goal: privilege, what is sealed, who reported, Part 2 and what is a tribe's stay closed to a
    // signed permit of a county. Method: one permit for each of the classes, and for one that a
    // county may open.
    let report = |class: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let permit = PERMIT.replace("PURPOSE", "care_coordination");
        pack(folder.path(), &permit.replace("engagement_contact", class));
        let checked = run(&["check", "--catalog", folder.path().to_str().expect("text")]);
        let told = text(&checked.stdout) + &text(&checked.stderr);
        (checked.status.code(), told)
    };
    for class in [
        "reporter_identity",
        "abuse_report",
        "sealed_record",
        "dv_counselor_comm",
        "sa_counselor_comm",
        "attorney_client",
        "adoption_record",
        "safe_at_home_address",
        "immigration_status",
        "sud_part2",
        "sud_counseling_notes",
        "psychotherapy_notes",
        "tribal_confidential",
        "sogi",
    ] {
        let (code, told) = report(class);
        assert_eq!(code, Some(1), "{class}: {told}");
        assert!(
            told.contains(class) && told.contains("policy-county"),
            "{told}"
        );
    }
    let (code, told) = report("engagement_contact");
    assert_eq!(code, Some(0), "{told}");
}

/// Whether a question about a child of a clinic goes by under a pack, with these members.
fn goes_by(folder: &Path, (role, class): (&str, &str), more: &Value) -> bool {
    let mut question = json!({"id": "q", "source_role": "mhp", "recipient_role": role,
        "purpose": "placement", "data_classes": [class], "consents": [],
        "subject": {"id": "s", "role": "child", "age": 14},
        "context": {"requester": "parent_of_subject", "min_cell": 20}});
    for (name, value) in more.as_object().expect("members") {
        let of = match name.as_str() {
            "source_role" => &mut question,
            "minor_consented" | "removed" => &mut question["subject"],
            _ => &mut question["context"],
        };
        of[name.as_str()] = value.clone();
    }
    let file = folder.join("asked.jsonl");
    std::fs::write(&file, question.to_string()).expect("written");
    let paths = [folder, &file].map(|path| path.to_str().expect("text").to_owned());
    let out = run(&["decide", "--catalog", &paths[0], &paths[1]]);
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert!(out.status.success(), "{told}");
    told["decision"] == "permit"
}

#[test]
fn a_countys_permit_stands_behind_the_gates_of_every_permission() {
    // Goal: no signature of a county's counsel lifts what every shipped permission stands behind.
    // Method: permits toward the county agency, a parent and a health plan; one question each goes
    // by, and the same with one gate shut.
    let folder = tempfile::tempdir().expect("a folder");
    let signed = |id: &str, role: &str, class: &str| {
        let permit = PERMIT.replace("PURPOSE", "placement");
        let permit = permit.replace("county-open", id);
        let permit = permit.replace("Recipient::\"cws\"", &format!("Recipient::\"{role}\""));
        permit.replace("engagement_contact", class)
    };
    let permits = [
        signed("open-agency", "cws", "dv_information"),
        signed("open-parent", "parent", "mental_health"),
        signed("open-carer", "caregiver", "mental_health"),
        signed("open-plan", "health_plan", "hiv_test"),
        signed("open-counts", "public", "aggregate_deidentified"),
    ];
    pack(folder.path(), &permits.concat());
    let asked = |role: &str, class: &str, more: Value| goes_by(folder.path(), (role, class), &more);
    for (role, class, shut) in [
        (
            "cws",
            "dv_information",
            json!({"source_role": "dv_program"}),
        ),
        ("cws", "dv_information", json!({"via_county": false})),
        ("cws", "dv_information", json!({"restriction_agreed": true})),
        (
            "parent",
            "mental_health",
            json!({"parental_rights": "terminated"}),
        ),
        ("parent", "mental_health", json!({"suspected_abuser": true})),
        (
            "parent",
            "mental_health",
            json!({"minor_consented": ["mental_health"]}),
        ),
        (
            "parent",
            "mental_health",
            json!({"provider_detriment_finding": true}),
        ),
        ("parent", "mental_health", json!({"removed": true})),
        (
            "caregiver",
            "mental_health",
            json!({"minor_consented": ["mental_health"]}),
        ),
        ("public", "aggregate_deidentified", json!({"min_cell": 3})),
    ] {
        assert!(asked(role, class, json!({})), "{role} {class} goes by");
        assert!(!asked(role, class, shut.clone()), "{role} {class}: {shut}");
    }
    assert!(!asked("health_plan", "hiv_test", json!({})), "never a plan");
}

#[test]
fn a_pack_that_changes_a_mandate_case_is_a_defect() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text");
    pack(
        folder.path(),
        &PERMIT.replace("PURPOSE", "child_abuse_report"),
    );
    let checked = run(&["check", "--catalog", path]);
    let told = text(&checked.stdout) + &text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(
        told.contains("policy-mandate-changed") && told.contains("E11"),
        "{told}"
    );
    assert!(
        told.contains("policies/county.cedar") && told.contains("narrow"),
        "{told}"
    );
    // The same permit for a purpose no duty has is a county's to give.
    pack(folder.path(), &PERMIT.replace("PURPOSE", "placement"));
    let checked = run(&["check", "--catalog", path]);
    assert!(checked.status.success(), "{checked:?}");
    let told = text(&run(&["policy", "diff", "--catalog", path]).stdout);
    let counsel = "loosened by counsel Ada Testament on 2026-02-03: a memorandum of the board";
    assert!(told.contains("county-open: loosens"), "{told}");
    assert!(told.contains(counsel), "{told}");
}

#[tokio::test]
async fn a_diff_tells_which_recorded_decisions_would_change() {
    let (road, folder) = two_rule_sets().await;
    let (database, key) = road.files();
    let (database, key) = (
        database.to_str().expect("text"),
        key.to_str().expect("text"),
    );
    let store = ["--database", database, "--master-key", key];
    let path = folder.path().to_str().expect("text");
    let diff = |more: &[&str]| {
        let asked = [&["policy", "diff", "--catalog", path], &store[..], more].concat();
        run(&asked)
    };
    let out = diff(&["--output", "json"]);
    assert!(out.status.success(), "{out:?}");
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let recorded = &told["recorded"];
    let groups = recorded["groups"].as_array().expect("groups");
    let quiet: Vec<&Value> = groups
        .iter()
        .filter(|g| g["policy"] == "county-quiet")
        .collect();
    assert_eq!(quiet.len(), 1, "{told}");
    assert_eq!(quiet[0]["change"], "permit -> withhold");
    assert_eq!(quiet[0]["data_class"], "demographics");
    assert_eq!(quiet[0]["deliveries"], 1, "the one under the shipped rules");
    let named = recorded["named"].as_array().expect("ids");
    assert_eq!(named.len(), 1);
    assert!(
        named[0].as_str().is_some_and(|id| id.starts_with("dlv_")),
        "{told}"
    );
    assert!(!told.to_string().contains("Quill"));
    assert_eq!(diff(&["--exit-code"]).status.code(), Some(1));
}

#[test]
fn a_cases_file_is_run_or_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.jsonl");
    let file = path.to_str().expect("text");
    let good = concat!(
        r#"{"id":"own-1","source_role":"mhp","recipient_role":"mhp","purpose":"treatment","#,
        r#""data_classes":["mental_health"],"subject":{"id":"s1","role":"parent","age":34},"#,
        r#""expect":{"decision":"permit","redact":[],"obligations":[],"#,
        r#""citation":["45CFR164.506(c)"]},"confidence":"high"}"#
    );
    let tested = |lines: &str| {
        std::fs::write(&path, lines).expect("written");
        let out = run(&["policy", "test", file]);
        (out.status.code(), text(&out.stdout) + &text(&out.stderr))
    };
    let (_, told) = tested(good);
    assert!(told.contains("of 1 exact"), "{told}");
    let (code, told) = tested(&format!("{good}\n\n{{\"id\": 3}}\nno case\n"));
    assert_eq!(code, Some(1));
    assert!(
        told.contains("own.jsonl:3:") && told.contains("own.jsonl:4:"),
        "{told}"
    );
    assert!(
        told.contains("2 lines are no cases") && told.contains("`expect`"),
        "{told}"
    );
    let (code, told) = tested("\n");
    assert_eq!(code, Some(1));
    assert!(told.contains("no case in it"), "{told}");
    let (code, told) = tested(&good.replace("\"permit\"", "\"deny\""));
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("own-1") && told.contains("1 false permits"),
        "{told}"
    );
}

#[test]
fn the_list_is_a_table_and_tells_what_nobody_has_confirmed() {
    let out = text(&run(&["policy", "list"]).stdout);
    let mut lines = out.lines();
    assert!(
        lines.next().is_some_and(|head| head.starts_with("POLICY")),
        "{out}"
    );
    assert!(out.contains("(borrador automático)"), "{out}");
    assert!(
        out.lines()
            .last()
            .is_some_and(|end| end.contains("for counsel to confirm"))
    );
    let open = text(&run(&["policy", "list", "--unconfirmed", "--output", "json"]).stdout);
    let open: Value = serde_json::from_str(&open).expect("JSON");
    let rows = open.as_array().expect("rows");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["mark"] == "K"));
    // Grantors the rules give no say: that they have none is a reading.
    let grantors = rows.iter().filter(|row| row["row"] == "GRANTOR");
    let grantors: Vec<&str> = grantors.filter_map(|row| row["id"].as_str()).collect();
    let others = OtherGrantor::ALL.iter().map(|one| one.as_str());
    assert_eq!(grantors, others.collect::<Vec<_>>());
    // Every table of the law that marks its rows: what is K in its file is in the list.
    let files = ["facts", "operator", "consents", "calendar", "fhir-consent"];
    for file in files {
        let path = format!("{}/policies/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let table = std::fs::read_to_string(path).expect("a table");
        let table: toml::Table = toml::from_str(&table).expect("TOML");
        let all = table.values().filter_map(toml::Value::as_array).flatten();
        for row in all.filter(|row| row.get("mark").and_then(toml::Value::as_str) == Some("K")) {
            let names = ["id", "name", "code"].into_iter();
            let mut names = names.filter_map(|key| row.get(key)?.as_str());
            let id = names.next().expect("a name");
            assert!(rows.iter().any(|row| row["id"] == id), "{file}: {id}");
        }
    }
    assert!(FORBID.contains("county-quiet"));
}

/// What `check` says of a pack.
fn checked(policies: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    pack(folder.path(), policies);
    let run = run(&["check", "--catalog", folder.path().to_str().expect("text")]);
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    text(&run.stdout) + &text(&run.stderr)
}

/// One thing wrong with a policy: what stands for what, what is said of it, and at which word.
const WRONG: [[&str; 4]; 12] = [
    [
        "\"cws\"",
        "\"school\"",
        "`school` is no recipient role",
        "Recipient",
    ],
    [
        "\"cws\"",
        "\"cws_other_conty\"",
        "is `cws_other_county` meant?",
        "Recipient",
    ],
    [
        "care_coordination",
        "care_cordination",
        "is `care_coordination` meant?",
        "Action",
    ],
    [
        "\"engagement_contact\"",
        "\"contacts\"",
        "`contacts` is no data class",
        "DataClass",
    ],
    ["@mark(\"K\")", "@mark(\"X\")", "@mark is V or K", "@mark"],
    [
        "@rank(\"permission\")",
        "@rank(\"permision\")",
        "`permission` meant",
        "@rank",
    ],
    [
        "@obligation(\"\")",
        "@obligation(\"acounting\")",
        "`accounting` meant",
        "@obligation",
    ],
    [
        "2020-01-01",
        "01/01/2020",
        "@effective is not a date",
        "@effective",
    ],
    [
        "2026-02-03",
        "2999-02-03",
        "is in the future",
        "@counsel_date",
    ],
    [
        "county-second",
        "county-open",
        "another policy has the id",
        "@id",
    ],
    [");", ") when { context.minr };", "is `minor` meant?", ");"],
    [");", ") what;", "policy-syntax", ");"],
];

#[test]
fn a_defect_of_a_pack_says_where_and_what_may_be_meant() {
    // Goal: counsel finds the place and the word. Method: a file whose second policy has one thing
    // wrong; the line is that of the word, never the beginning of the file.
    let good = PERMIT.replace("PURPOSE", "care_coordination");
    let second = good.replace("county-open", "county-second");
    let lines = good.lines().count() as u32;
    let at = |near: &str| {
        let line = second.lines().position(|line| line.contains(near));
        lines + 1 + u32::try_from(line.expect("the word")).expect("a line")
    };
    for [from, to, says, near] in WRONG {
        let told = checked(&format!("{good}{}", second.replacen(from, to, 1)));
        let place = format!("policies/county.cedar:{}:", at(near));
        assert!(told.contains(&place), "{place} in {told}");
        assert!(told.contains(says), "{says} in {told}");
        assert!(!told.contains(":0:0:"), "{told}");
    }
}

#[test]
fn what_a_county_replaces_is_one_defect() {
    // Goal: the one thing to mend is not hidden by what follows from it. Method: a shipped table,
    // the shipped facts and a shipped topic replaced by nothing.
    for name in [
        "consents.toml",
        "facts.toml",
        "operator.toml",
        "stops.cedar",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("policies")).expect("a folder");
        std::fs::write(folder.path().join("policies").join(name), "").expect("written");
        let run = run(&["check", "--catalog", folder.path().to_str().expect("text")]);
        let told = text(&run.stdout) + &text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{told}");
        assert_eq!(told.matches("overlay-replaces-policy").count(), 1, "{told}");
        assert_eq!(told.matches("policies/").count(), 1, "{name}: {told}");
    }
}

const CLOSE: &str = r#"@id("county-close")
@row("COUNTY")
@rank("county")
@citation("policy:county-close")
@obligation("")
@mark("K")
@effective("2020-01-01")
@sunset("")
@owner("county counsel")
@plain_en("It stays")
@plain_es("No sale")
forbid (principal, action == Action::"PURPOSE", resource == DataClass::"CLASS");
"#;

#[test]
fn a_diff_says_what_a_policy_can_do_today() {
    // Goal: nobody takes for in force what has ended, or what a mandate stands above. Method: one
    // forbid, ended, yet to begin, beneath a mandate alone, beside one, and of what nothing opens.
    let report = CLOSE.replace("PURPOSE", "child_abuse_report");
    let care = CLOSE.replace("PURPOSE", "care_coordination");
    let told = [
        (
            care.replace("CLASS", "demographics")
                .replace("@sunset(\"\")", "@sunset(\"2021-01-01\")"),
            "county-close: has ended on 2021-01-01 and changes nothing:",
        ),
        (
            care.replace("CLASS", "demographics")
                .replace("2020-01-01", "2999-01-01"),
            "county-close: tightens from 2999-01-01 on:",
        ),
        (
            report.replace("CLASS", "abuse_report"),
            "county-close: has no effect: a mandate stands above it (",
        ),
        (
            report.replace("CLASS", "reporter_identity"),
            "county-close: tightens, without effect on what a mandate opens (",
        ),
        (
            care.replace("CLASS", "immigration_status"),
            "county-close: has no effect: nothing opens what it closes:",
        ),
        (care.replace("CLASS", "cans"), "county-close: tightens:"),
    ];
    for (policy, says) in told {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("text");
        pack(folder.path(), &policy);
        let diff = text(&run(&["policy", "diff", "--catalog", path]).stdout);
        assert!(diff.contains(says), "{says} in {diff}");
        let list = text(&run(&["policy", "list", "--catalog", path]).stdout);
        let ended = says.contains("has ended");
        assert_eq!(
            list.contains("until 2021-01-01 (has ended)"),
            ended,
            "{list}"
        );
    }
}
