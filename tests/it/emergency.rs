//! Goal: at the emergency door goes what the law opens in an emergency, of the one person it is
//! declared for, and nothing of what nothing opens. Method: one release for each, on the shipped
//! law pack.

use crate::labels::record;
use crate::release::asking;
use crate::release::persons;
use crate::release::{Paper, paper, rules_with, text};
use kinbridge::base::id::{PartnerId, PersonId};
use kinbridge::catalog::partner::Channel;
use kinbridge::record::Record;
use kinbridge::release::{Emergency, Release, ReleaseInput, release};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;

const CHILD: PersonId = PersonId([1; 16]);
const MOTHER: PersonId = PersonId([2; 16]);

/// A partner of that role and what it takes in an emergency.
fn partner(id: &str, role: &str) -> String {
    format!(
        r#"
id = "{id}"
name = "{id}"
role = "{role}"
county_fips = "06067"
mode = "live"
agreement = [{{ id = "4", kind = "county_contract", with = "county" }}]
[[channel]]
name = "emergency"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "medical_emergency"
[[channel]]
name = "glass"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "break_glass"
"#
    )
}

const ROLES: &[(&str, &str)] = &[
    ("clinic", "mhp"),
    ("program", "sud_program"),
    ("shelter", "dv_program"),
    ("county", "cws"),
    ("peers", "ppp"),
    ("hospital", "health_provider"),
    ("police", "law_enforcement"),
    ("border", "federal_immigration"),
];

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let files: Vec<String> = ROLES.iter().map(|(id, role)| partner(id, role)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        rules_with(&files)
    })
}

/// A contact about mother and child: a diagnosis, what was disclosed, and more than an emergency
/// opens.
const CONTACT: &str = r#"{
  "envelope": {"record_type": "engagement-contact", "schema_version": "1.0",
    "source_record_id": "c-1", "county_fips": "06067", "service_source": "case",
    "subject_refs": ["mother"], "focus_refs": ["child"]},
  "persons": [
    {"key": "child", "role": "child", "birth_date": "2015-02-02",
     "names": [{"use": "legal", "last": "Quill", "first": "Fern"}]},
    {"key": "mother", "role": "parent", "birth_date": "1990-05-05",
     "names": [{"use": "legal", "last": "Quill", "first": "Rhea"}]}
  ],
  "body": {
    "contact_id": "c-1", "start": "2026-09-01T10:00:00-07:00", "mode": "in_person",
    "disclosures": [{"topic": "sud", "person": "mother"}, {"topic": "dv", "person": "mother"}],
    "billable": {"hcpcs": "H0038", "dx": ["F11.20"]},
    "narrative": "free words"
  }
}"#;

/// What that channel of the recipient is answered.
fn asked(
    record: &Record,
    (from, to, channel): (&str, &str, &str),
    emergency: Option<Emergency>,
    papers: &[Paper],
) -> Release {
    let partner = |id: &str| &rules().partners[&PartnerId::new(id)];
    let recipient = partner(to);
    let named = |one: &&Channel| one.name.as_ref().is_some_and(|n| n.as_str() == channel);
    let held: Vec<_> = papers.iter().map(Paper::held).collect();
    release(
        rules(),
        &ReleaseInput {
            emergency,
            consents: &held,
            ..asking(
                (record, &persons(record)),
                partner(from),
                (
                    recipient,
                    recipient.channel.iter().find(named).expect("a channel"),
                ),
            )
        },
    )
}

fn declared(subject: PersonId) -> Option<Emergency> {
    Some(Emergency {
        subject,
        consent_obtainable: false,
    })
}

fn given(release: &Release) -> String {
    match release {
        Release::Go(outgoing) => text(outgoing),
        other => panic!("nothing goes: {other:?}"),
    }
}

fn nothing(release: &Release) -> bool {
    matches!(release, Release::Withheld(_) | Release::Untied(_))
}

const DOOR: (&str, &str, &str) = ("program", "hospital", "emergency");

#[test]
fn a_treater_is_told_what_care_needs() {
    // Goal: EMER opens health, substance use and what the form can carry of it. Method: from a
    // substance-use program, whose whole record is of that class, and from a clinic, of whose
    // record only a part goes.
    let contact = record("engagement-contact", CONTACT);
    let whole = asked(&contact, DOOR, declared(MOTHER), &[]);
    let Release::Go(outgoing) = &whole else {
        panic!("{whole:?}");
    };
    assert!(!outgoing.is_excerpt() && outgoing.review_after());
    let owed = &outgoing.taken().obligations;
    assert!(owed.contains(&"document_emergency"), "{owed:?}");
    let told = given(&whole);
    assert!(told.contains("F11.20") && told.contains("Rhea"), "{told}");
    let way = ("clinic", "hospital", "emergency");
    let part = asked(&contact, way, declared(MOTHER), &[]);
    let Release::Go(outgoing) = &part else {
        panic!("{part:?}");
    };
    assert!(outgoing.is_excerpt() && outgoing.review_after());
    let told = given(&part);
    assert!(told.contains("F11.20"), "{told}");
    for trace in ["Rhea", "in_person", "2026-09-01", "c-1", "06067"] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    for told in [given(&whole), told] {
        for trace in ["free words", "\"dv\"", "Fern"] {
            assert!(!told.contains(trace), "{trace} in {told}");
        }
    }
}

#[test]
fn an_emergency_is_one_persons() {
    // Goal: nobody else of the record is opened. Method: declared for the child of the record.
    let contact = record("engagement-contact", CONTACT);
    match asked(&contact, DOOR, declared(CHILD), &[]) {
        Release::Go(outgoing) => {
            let told = text(&outgoing);
            for trace in ["F11.20", "Rhea", "sud"] {
                assert!(!told.contains(trace), "{trace} in {told}");
            }
        }
        release => assert!(nothing(&release), "{release:?}"),
    }
}

#[test]
fn nothing_goes_but_what_a_row_opens() {
    // Goal: the door opens no row. Method: consent that can be had, no declaration, sources and
    // recipients the emergency rows do not name, and breaking the glass.
    let contact = record("engagement-contact", CONTACT);
    let obtainable = Some(Emergency {
        subject: MOTHER,
        consent_obtainable: true,
    });
    assert!(nothing(&asked(&contact, DOOR, obtainable, &[])));
    assert!(nothing(&asked(&contact, DOOR, None, &[])));
    for from in ["county", "peers", "shelter"] {
        let way = (from, "hospital", "emergency");
        let release = asked(&contact, way, declared(MOTHER), &[]);
        assert!(nothing(&release), "{from}: {release:?}");
    }
    for to in ["police", "border", "county", "peers"] {
        let way = ("program", to, "emergency");
        let release = asked(&contact, way, declared(MOTHER), &[]);
        assert!(nothing(&release), "{to}: {release:?}");
    }
    let glass = ("clinic", "hospital", "glass");
    assert!(nothing(&asked(&contact, glass, declared(MOTHER), &[])));
}

#[test]
fn breaking_the_glass_follows_a_consent_that_names_it() {
    let permission = paper(
        2,
        r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
        "classes": ["engagement_contact", "demographics"], "recipients": ["health_provider"],
        "purposes": ["break_glass"], "signed": "2026-03-01", "end": "2027-02-28",
        "elements_shown": ["description", "recipient", "purpose", "expiration", "signature",
        "date"]}"#,
    );
    let mut permission = permission;
    permission.lodger = PartnerId::new("clinic");
    let contact = record("engagement-contact", CONTACT);
    let way = ("clinic", "hospital", "glass");
    let release = asked(&contact, way, declared(MOTHER), &[permission]);
    let Release::Go(outgoing) = &release else {
        panic!("{release:?}");
    };
    assert!(outgoing.review_after());
    let told = text(outgoing);
    assert!(told.contains("Rhea") && !told.contains("F11.20"), "{told}");
}

#[test]
fn hard_stops_stand_at_the_emergency_door() {
    // Goal: no class a stop closes, and none an emergency row does not name. Method: the class set
    // on the diagnosis, which goes otherwise.
    for class in [
        "immigration_status",
        "adoption_record",
        "attorney_client",
        "safe_at_home_address",
        "partner_lived_experience",
        "reporter_identity",
        "sealed_record",
        "dv_counselor_comm",
        "sa_counselor_comm",
        "tribal_confidential",
        "sogi",
        "psychotherapy_notes",
        "sud_counseling_notes",
    ] {
        let labels = format!(
            "\"labels\": [{{\"path\": \"/body/billable/dx\", \"classes\": [\"{class}\"]}}], \
             \"subject_refs\""
        );
        let labelled = CONTACT.replacen("\"subject_refs\"", &labels, 1);
        let contact = record("engagement-contact", &labelled);
        for from in ["program", "clinic"] {
            let way = (from, "hospital", "emergency");
            let release = asked(&contact, way, declared(MOTHER), &[]);
            if let Release::Go(outgoing) = &release {
                let told = text(outgoing);
                assert!(!told.contains("F11.20"), "{class} from {from}: {told}");
                assert!(!told.contains(class), "{class} from {from}: {told}");
            }
        }
    }
    let sealed = CONTACT.replacen(
        "\"subject_refs\"",
        "\"access_level\": \"R\", \"subject_refs\"",
        1,
    );
    let release = asked(
        &record("engagement-contact", &sealed),
        DOOR,
        declared(MOTHER),
        &[],
    );
    assert!(nothing(&release), "{release:?}");
}

#[test]
fn the_prevention_wall_stands_at_the_emergency_door() {
    // Goal: who stands behind the wall is not even asked about. Method: the same record of a case
    // and of prevention, toward child welfare.
    let way = ("clinic", "county", "emergency");
    let case = record("engagement-contact", CONTACT);
    let decided = asked(&case, way, declared(MOTHER), &[]);
    assert!(matches!(decided, Release::Withheld(_)), "{decided:?}");
    let prevention = CONTACT.replacen("\"case\"", "\"prevention\"", 1);
    let walled = asked(
        &record("engagement-contact", &prevention),
        way,
        declared(MOTHER),
        &[],
    );
    assert!(matches!(walled, Release::Untied(_)), "{walled:?}");
}

#[test]
fn what_an_emergency_does_not_open_care_does_and_the_page_says_so() {
    // Goal: docs/emergency.md tells a clinician rightly what comes at the door and what comes
    // without it. Method: its classes, asked for both purposes, in an emergency; and by a consent.
    let page = std::fs::read_to_string("docs/emergency.md").expect("the page");
    let policy = crate::cases::policy();
    let permits = |source: &str, purpose: &str, consents: Value| {
        let question = json!({
            "id": "q", "source_role": source, "recipient_role": "health_provider",
            "purpose": purpose,
            "data_classes": ["cans", "demographics", "engagement_contact", "general_health",
                "hiv_test", "mental_health", "referral", "sud_part2", "psychotherapy_notes"],
            "subject": { "id": "s", "age": 30 }, "consents": consents,
            "context": { "now": "2026-09-15T12:00:00-07:00",
                "emergency": { "bona_fide": true, "consent_obtainable": false } },
        });
        let request = serde_json::from_value(question).expect("a question");
        let permit = policy.decide(&request).permit;
        permit
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<String>>()
    };
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let door: BTreeSet<String> = set(&["general_health", "hiv_test", "mental_health", "sud_part2"]);
    assert_eq!(permits("mhp", "medical_emergency", json!([])), door);
    let told =
        "`general_health`, `mental_health`, `hiv_test`, `sud_part2` from a treating provider";
    assert!(page.contains(told));
    let care = permits("mhp", "treatment", json!([]));
    let told = [
        "referral",
        "demographics",
        "general_health",
        "mental_health",
        "cans",
    ];
    assert!(set(&told).is_subset(&care), "{care:?}");
    assert!(!care.contains("sud_part2"), "{care:?}");
    assert!(
        page.contains(
            "`referral`, `demographics`, `general_health`, `mental_health` and `cans` go"
        )
    );
    let paper = json!([{
        "id": "c", "kind": "hipaa_auth", "type": "permit", "grantor": "self",
        "classes": ["referral", "demographics"], "recipients": ["health_provider"],
        "purposes": ["medical_emergency"], "signed": "2026-03-01",
        "start": "2026-03-01", "end": "2027-02-28", "revoked": null,
    }]);
    let named = permits("mhp", "medical_emergency", paper);
    assert!(
        set(&["referral", "demographics"]).is_subset(&named),
        "{named:?}"
    );
}
