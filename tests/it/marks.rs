//! Goal: what no named source says is marked K, so that `policy list --unconfirmed` hides nothing
//! of it from counsel. Method: the marks of the rules' sections, law by law, written by hand; every
//! row of the pack that cites a law held on background knowledge alone, or one not named there,
//! must be K; and every shipped case of such law rests on a row that says so.

use crate::cases::policy;
use kinbridge::catalog;
use kinbridge::disclosure::PolicyInfo;

/// Laws seen in a named source, and what within them was not. The longest that fits decides.
const LAWS: [(&str, char); 80] = [
    // Substance use
    ("42CFR2.11", 'V'),
    ("42CFR2.12(c)(6)", 'V'),
    ("42CFR2.12(c)(4)", 'K'),
    ("42CFR2.12(d)", 'K'),
    ("42CFR2.14", 'V'),
    ("42CFR2.15(b)", 'K'),
    ("42CFR2.31", 'V'),
    ("42CFR2.31(a)(5)", 'K'),
    ("42CFR2.31(a)(6)", 'K'),
    ("42CFR2.31(a)(7)", 'K'),
    ("42CFR2.31(a)(8)", 'K'),
    ("42CFR2.31(b)", 'V'),
    // the ban is seen, how a consent or an order lifts it is not
    ("42CFR2.31(d)", 'K'),
    ("42CFR2.32", 'V'),
    ("42CFR2.33", 'V'),
    ("42CFR2.33(b)(3)", 'K'),
    ("42CFR2.51", 'V'),
    ("42CFR2.52", 'K'),
    ("42CFR2.53", 'V'),
    ("42CFR2.61", 'K'),
    ("42CFR2.64", 'K'),
    ("42CFR2.65", 'K'),
    ("HSC11845.5", 'V'),
    // Health
    ("45CFR164.506", 'K'),
    ("45CFR164.508", 'K'),
    ("45CFR164.508(a)(2)", 'V'),
    ("45CFR164.510", 'K'),
    ("45CFR164.512", 'K'),
    ("45CFR164.502(g)(2)", 'V'),
    ("45CFR164.502(g)(3)", 'V'),
    ("45CFR164.502(g)(5)", 'K'),
    ("45CFR164.514", 'K'),
    ("45CFR164.522", 'K'),
    ("45CFR164.524", 'K'),
    ("CIV56.10", 'K'),
    ("CIV56.103", 'V'),
    ("CIV56.104", 'V'),
    ("CIV56.106", 'V'),
    ("CIV56.11", 'K'),
    ("CIV56.108", 'K'),
    ("WIC5328", 'K'),
    ("WIC5328.03", 'V'),
    ("WIC5328.04", 'V'),
    ("HSC120980", 'V'),
    ("HSC120980(g)", 'K'),
    ("HSC120985", 'V'),
    ("HSC123110", 'V'),
    ("HSC123115", 'V'),
    ("HSC123116", 'V'),
    // Minors
    ("FAM6924", 'V'),
    ("HSC124260", 'V'),
    ("FAM6929", 'V'),
    ("FAM6922", 'V'),
    ("FAM7050", 'K'),
    // Child welfare; the letters of the list of 827 have moved
    ("WIC827", 'V'),
    ("WIC827(a)(1)(", 'K'),
    ("WIC828", 'V'),
    ("WIC786", 'V'),
    ("AB1945", 'V'),
    ("WIC18961.7", 'V'),
    ("AB477", 'V'),
    ("WIC832", 'V'),
    ("WIC18986.46", 'V'),
    ("WIC10850", 'V'),
    ("WIC10850.4", 'K'),
    ("WIC16010", 'K'),
    ("WIC16001.9", 'V'),
    ("WIC831", 'V'),
    ("PC11167(d)", 'V'),
    ("PC11167.5", 'V'),
    ("42USC5106a", 'V'),
    ("WIC241.1", 'K'),
    // Schools, tribes, victims
    ("20USC1232g", 'V'),
    ("25USC1912(a)", 'V'),
    ("25CFR23.11", 'V'),
    ("WIC224.3", 'V'),
    ("34USC12291(b)(2)", 'V'),
    ("42USC10406(c)(5)", 'V'),
    ("EVID103", 'V'),
    ("GOV62", 'V'),
];

/// Standards of exchange whose texts were read.
const STANDARDS: [&str; 2] = ["IHE-PCF", "LEAP"];

/// Rows that rest on more than they cite: the peer partners' place has no statute of its own.
const ROWS: [&str; 4] = ["CONTRACT-IN", "CONTRACT-WF", "DENY", "RES-CW"];

/// The mark of a law, or none for a default of the product, which marks nothing either way.
fn mark(token: &str) -> Option<char> {
    if token.starts_with("policy:") {
        return None;
    }
    if STANDARDS.contains(&token) {
        return Some('V');
    }
    let fits = LAWS.iter().filter(|(law, _)| {
        let rest = token.strip_prefix(law);
        // 25CFR23.11 and 25CFR23.111 are sections of their own; a section is no prefix of another.
        let ends = law.ends_with('(') || law.starts_with("EVID") || law.starts_with("GOV");
        rest.is_some_and(|rest| ends || rest.is_empty() || rest.starts_with('('))
            || token == "25CFR23.111" && *law == "25CFR23.11"
    });
    let longest = fits.max_by_key(|(law, _)| law.len());
    Some(longest.map_or('K', |(_, mark)| *mark))
}

/// K as soon as one law is; K where only defaults of the product are cited.
fn of_all<'a>(tokens: impl Iterator<Item = &'a str>) -> char {
    let marks: Vec<char> = tokens.filter_map(mark).collect();
    match marks.is_empty() || marks.contains(&'K') {
        true => 'K',
        false => 'V',
    }
}

#[test]
fn every_policy_is_marked_as_the_law_it_cites() {
    for row in policy().list() {
        let wanted = match ROWS.contains(&row.row.as_ref()) {
            true => 'K',
            false => of_all(row.citations.iter().map(AsRef::as_ref)),
        };
        if wanted == 'K' {
            assert_eq!(row.mark.as_ref(), "K", "{} {:?}", row.id, row.citations);
        }
    }
}

#[test]
fn every_fact_and_every_row_of_the_door_is_marked_as_the_law_it_cites() {
    let facts = catalog::load(&[]).0.facts;
    for kind in &facts.kinds {
        if of_all(kind.citations.iter().map(String::as_str)) == 'K' {
            assert_eq!(&*kind.mark, "K", "{}", kind.id);
        }
    }
    let operator: toml::Value =
        toml::from_str(include_str!("../../policies/operator.toml")).expect("TOML");
    let mut rows = 0;
    for table in ["agreement", "refuse", "take_out", "source"] {
        for row in operator[table].as_array().expect("rows") {
            let text = |key: &str| row[key].as_str().expect("text");
            if of_all(text("citation").split(' ')) == 'K' {
                assert_eq!(text("mark"), "K", "{}", text("id"));
            }
            rows += 1;
        }
    }
    assert_eq!(rows, 10, "all rows of the door were looked at");
}

#[test]
fn codes_of_exchange_are_seen_where_a_standard_lists_them() {
    // Method: the sensitivity codes the profile of the exchange names; all else is K.
    let codes: toml::Value =
        toml::from_str(include_str!("../../policies/fhir-consent.toml")).expect("TOML");
    let seen = [
        "ETH",
        "ETHUD",
        "OPIOIDUD",
        "PSY",
        "SDV",
        "HIV",
        "42CFRPart2",
    ];
    let mut rows = 0;
    for (_, table) in codes.as_table().expect("a table") {
        for row in table.as_array().into_iter().flatten() {
            let Some(mark) = row.get("mark") else {
                continue;
            };
            rows += 1;
            let code = row["code"].as_str().expect("a code");
            if !seen.contains(&code) {
                assert_eq!(mark.as_str(), Some("K"), "{code}");
            }
        }
    }
    assert!(rows > 20, "{rows}");
}

#[test]
fn a_case_of_unconfirmed_law_rests_on_a_row_that_says_so() {
    // Method: of the laws such a case cites where something goes, one is a default of the product,
    // no law of the pack's own rows, or cited by a row marked K.
    let list = policy().list();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/policies/cases/disclosure-cases.jsonl"
    );
    let section = |token: &str| token.split('(').next().unwrap_or_default().to_owned();
    let hidden = |token: &str| {
        let cites = |row: &&PolicyInfo| {
            row.citations
                .iter()
                .any(|own| section(own) == section(token))
        };
        let mut rows = list.iter().filter(cites).peekable();
        rows.peek().is_some() && rows.all(|row| row.mark.as_ref() == "V")
    };
    let mut tried = 0;
    for line in std::fs::read_to_string(path).expect("the cases").lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        if case["law_mark"] != "K" || case["expect"]["decision"] == "deny" {
            continue;
        }
        tried += 1;
        let tokens = crate::reference::words(&case["expect"]["citation"]);
        assert!(!tokens.iter().all(|token| hidden(token)), "{}", case["id"]);
    }
    assert!(tried > 15, "{tried}");
}
