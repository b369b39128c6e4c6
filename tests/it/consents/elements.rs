//! Goal: a consent counts only on a form that shows what its kind asks for, and whoever lodges it
//! hears at once what is missing. Method: the rules' own table, each element left out in turn, on
//! the real release path and over the API.

use crate::release::{REFERRAL, ROI, decide, paper};
use crate::web::harness::{Gateway, SENDER, client};
use crate::web::holdings::lodging;
use kinbridge::base::vocabulary::ConsentElement;
use kinbridge::catalog;
use kinbridge::disclosure::Consent;
use kinbridge::disclosure::lodged::Shortcoming;
use kinbridge::disclosure::moment::Now;
use kinbridge::disclosure::tables::EndRule as End;
use kinbridge::release::Release;
use kinbridge::rules::Rules;
use serde_json::{Value, json};

fn with(elements: &[&str]) -> String {
    let mut paper: Value = serde_json::from_str(ROI).expect("JSON");
    paper["elements"] = json!(elements);
    paper.to_string()
}

const ASKED: [&str; 6] = [
    "description",
    "recipient",
    "purpose",
    "expiration",
    "signature",
    "date",
];

#[test]
fn each_element_the_kind_asks_for_is_needed_at_release() {
    let record = crate::labels::record("service-referral", REFERRAL);
    let goes = |elements: &[&str]| {
        let papers = [paper(1, &with(elements))];
        matches!(
            decide(&record, "program", "clinic", &papers),
            Release::Go(_)
        )
    };
    assert!(goes(&ASKED));
    for absent in ASKED {
        let shown: Vec<&str> = ASKED.into_iter().filter(|one| *one != absent).collect();
        assert!(!goes(&shown), "without {absent}");
    }
    assert!(!goes(&[]), "a paper that shows nothing");
    // A list of everything under a word that is no element shows nothing.
    assert!(!goes(&["*"]));
}

/// Every kind of the table, on a form that shows all its kind asks for.
fn whole(rules: &Rules, kind: usize) -> Value {
    let row = &rules.policy.pack().tables.kinds[kind];
    let opens = rules.policy.pack().kind_opens[kind];
    let classes: Vec<&str> = opens.iter().map(|class| class.as_str()).collect();
    let grantor = match row.id.as_str() {
        "tribal_authorization" => "tribe",
        "reporter_waiver" => "reporter",
        _ => "self",
    };
    let purposes: Vec<&str> = match row.id.as_str() {
        "part2_legal" => vec!["legal_proceeding"],
        _ => vec!["treatment"],
    };
    json!({ "id": "k", "kind": row.id, "type": "permit", "grantor": grantor, "classes": classes,
        "recipients": ["mhp"], "purposes": purposes, "signed": "2026-01-01",
        "end": "2027-01-01", "elements": row.elements })
}

fn shortcomings(rules: &Rules, paper: &Value) -> Vec<Shortcoming> {
    let paper: Consent = serde_json::from_value(paper.clone()).expect("a paper");
    let now = Now::read("2026-09-15T12:00:00-07:00").expect("an instant");
    rules.policy.shortcomings(&paper, now)
}

#[test]
fn what_is_missing_is_computed_from_the_table_kind_by_kind() {
    let (sources, _) = catalog::load(&[]);
    let (rules, _) = Rules::from_sources(sources);
    for (kind, row) in rules.policy.pack().tables.kinds.iter().enumerate() {
        let mut form = whole(&rules, kind);
        let fine = shortcomings(&rules, &form);
        let only_exchange = row.exchange_only.then_some(Shortcoming::ExchangeOnly);
        assert_eq!(
            fine,
            only_exchange.into_iter().collect::<Vec<_>>(),
            "{}",
            row.id
        );
        for absent in &row.elements {
            let left: Vec<_> = row.elements.iter().filter(|one| *one != absent).collect();
            form["elements"] = json!(left);
            let told = shortcomings(&rules, &form);
            assert_eq!(
                told.first(),
                Some(&Shortcoming::Lacks(*absent)),
                "{}",
                row.id
            );
        }
        let part2 = row.id.as_str().starts_with("part2_");
        form["elements"] = json!(row.elements);
        form["recipients"] = json!(["hie"]);
        let participants = Shortcoming::Lacks(ConsentElement::IntermediaryParticipants);
        let asked = shortcomings(&rules, &form).contains(&participants);
        assert_eq!(
            asked, part2,
            "{}: an exchange names its participants",
            row.id
        );
    }
}

/// What the rules ask of each kind, read by hand from their table, and how it ends.
const BY_HAND: [(&str, &str, End); 17] = [
    ("general_roi", ROI_SHOWS, End::Stated),
    ("hipaa_auth", AUTHORIZATION, End::Stated),
    ("psych_notes_auth", AUTHORIZATION, End::Stated),
    ("part2_tpo", TPO, End::StatedOrNone),
    ("part2_specific", PART2, End::Stated),
    ("part2_counseling_notes", PART2, End::Stated),
    ("part2_legal", PART2, End::Stated),
    ("cft_roi", "recipient signature", End::Open),
    (
        "icsp_single_auth",
        "description recipient signature",
        End::Open,
    ),
    (
        "ferpa_consent",
        "description recipient purpose signature date",
        End::Open,
    ),
    ("vawa_release", ROI_SHOWS, End::Stated),
    (
        "hiv_auth",
        "description recipient signature date",
        End::Open,
    ),
    ("research_auth", AUTHORIZATION, End::Open),
    ("sogi_permission", "", End::Open),
    ("tribal_authorization", "", End::Open),
    ("reporter_waiver", "", End::Open),
    ("privacy_directive", "", End::Open),
];

const ROI_SHOWS: &str = "description recipient purpose expiration signature date";
/// 45 CFR 164.508(c): the core elements, and the statements on taking it back, on what hangs on
/// signing, and on sharing it again.
const AUTHORIZATION: &str = "description discloser recipient purpose expiration signature date \
     right_to_revoke refusal_consequences redisclosure_statement";
/// 42 CFR 2.31(a).
const PART2: &str = "patient_name discloser description recipient purpose right_to_revoke \
     expiration signature date";
/// The same with what a consent for treatment, payment and operations shows besides.
const TPO: &str = "patient_name discloser description recipient purpose right_to_revoke \
     expiration signature date redisclosure_statement refusal_consequences";

#[test]
fn each_kind_asks_for_what_the_rules_say_read_by_hand() {
    // Goal: no element of the law is left out of the table. Method: a list written from the rules,
    // not from the table, compared with it both ways, its end included.
    let (sources, _) = catalog::load(&[]);
    let (rules, _) = Rules::from_sources(sources);
    let kinds = &rules.policy.pack().tables.kinds;
    assert_eq!(kinds.len(), BY_HAND.len());
    for ((id, elements, end), row) in BY_HAND.into_iter().zip(kinds) {
        let mut asked: Vec<&str> = elements.split_whitespace().collect();
        let mut shown: Vec<&str> = row.elements.iter().map(|one| one.as_str()).collect();
        asked.sort_unstable();
        shown.sort_unstable();
        assert_eq!((row.id.as_str(), shown, row.end), (id, asked, end));
    }
}

async fn put(gateway: &Gateway, id: &str, body: &Value) -> Value {
    let ask = client()
        .put(gateway.url(&format!("/v1/consents/{id}")))
        .bearer_auth("token-alpha")
        .json(body);
    let answer = ask.send().await.expect("answer");
    assert_eq!(answer.status(), 200, "{id}");
    answer.json().await.expect("json")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lodges_hears_whether_it_counts_and_why_not() {
    let gateway = Gateway::start_with_partners(&[("alpha", SENDER)], |_| {}).await;
    let silent = put(&gateway, "c1", &lodging()).await;
    assert_eq!(silent["counts"], json!(false));
    let told = silent["findings"].as_array().expect("findings");
    assert_eq!(told.len(), ASKED.len(), "{silent}");
    for (finding, element) in told.iter().zip(ASKED) {
        assert_eq!(finding["code"], "consent-element-missing");
        assert_eq!(finding["path"], "/consent/elements");
        assert!(finding["fix"].as_str().expect("a fix").contains(element));
    }
    let mut whole = lodging();
    whole["consent"]["elements"] = json!(ASKED);
    let counts = put(&gateway, "c1", &whole).await;
    assert_eq!(
        (&counts["counts"], &counts["revision"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(counts["registry_id"], silent["registry_id"]);
    for (place, value, code) in [
        (
            "elements_missing",
            json!(["signature"]),
            "consent-element-missing",
        ),
        ("end", Value::Null, "consent-end-missing"),
        (
            "ends_on_event",
            json!("program_ends"),
            "consent-event-unfit",
        ),
        ("coercion_flag", json!(true), "consent-coerced"),
        ("grantor", json!("tribe"), "consent-signer-unfit"),
        ("grantor", json!("conservator"), "consent-signer-unfit"),
        ("classes", json!(["hiv_test"]), "consent-opens-nothing"),
    ] {
        let mut body = whole.clone();
        body["consent"][place] = value;
        let told = put(&gateway, "c2", &body).await;
        assert_eq!(told["counts"], json!(false), "{place}");
        assert_eq!(told["findings"][0]["code"], code, "{told}");
        assert_eq!(told["findings"][0]["path"], format!("/consent/{place}"));
    }
    gateway.running.shutdown().await;
}
