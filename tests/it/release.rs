//! Goal: what leaves is what law and consents allow for that recipient at that instant, valid in
//! its format, and the same bytes for the same input. Method: invented partners and records on the
//! shipped law pack.

mod between;
mod extract_marks;
mod partners;
mod sealed;

use crate::labels::{CONTACT, record};
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::{ConsentId, PartnerId, PersonId, RecordId};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::base::vocabulary::ConsentElement;
use kinbridge::catalog;
use kinbridge::catalog::partner::Channel;
use kinbridge::catalog::partner::Partner;
use kinbridge::record::Record;
use kinbridge::release::candidates::{Named, NamedByFamily, Ties, candidates};
use kinbridge::release::{
    HeldConsent, Hold, Kept, Outgoing, Protections, Release, ReleaseInput, SinceLodged, release,
};
use kinbridge::rules::Rules;
pub use partners::PARTNERS;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The shipped catalog with the partners of these tests.
pub fn rules_with(partners: &[&str]) -> Rules {
    rules_over(&[], partners)
}

/// The shipped catalog with folders laid over it and these partners.
pub fn rules_over(overlays: &[PathBuf], partners: &[&str]) -> Rules {
    let (mut sources, _) = catalog::load(overlays);
    for text in partners {
        let mut partner: Partner = toml::from_str(text).expect("a partner file");
        partner.name_channels();
        sources.partners.insert(partner.id.clone(), partner);
    }
    Rules::from_sources(sources).0
}

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_with(PARTNERS))
}

fn partner(rules: &'static Rules, id: &str) -> &'static Partner {
    &rules.partners[&PartnerId::new(id)]
}

pub fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-09-15T12:00:00-07:00").expect("an instant")
}

pub fn persons(record: &Record) -> Vec<(String, PersonId)> {
    let keys = record.persons().iter().filter_map(|p| p.text("key"));
    keys.enumerate()
        .map(|(at, key)| (key.to_owned(), PersonId([at as u8 + 1; 16])))
        .collect()
}

/// A consent on file.
pub struct Paper {
    pub id: ConsentId,
    pub lodger: PartnerId,
    subject: PersonId,
    pub revoked_at: Option<Timestamp>,
    pub confirmed: Vec<(PartnerId, Timestamp)>,
    pub ended_on: Option<i32>,
    body: Sensitive<Vec<u8>>,
}

impl Paper {
    /// The same once more.
    pub fn again(&self) -> Paper {
        Paper {
            id: self.id.clone(),
            lodger: self.lodger.clone(),
            subject: self.subject,
            revoked_at: self.revoked_at,
            confirmed: self.confirmed.clone(),
            ended_on: self.ended_on,
            body: self.body.clone(),
        }
    }

    /// As release reads it.
    pub fn held(&self) -> HeldConsent<'_> {
        HeldConsent {
            id: &self.id,
            lodger: &self.lodger,
            subject: self.subject,
            revoked_at: self.revoked_at,
            revision: 1,
            since: SinceLodged {
                confirmed: &self.confirmed,
                ended_on: self.ended_on,
                used: None,
            },
            body: &self.body,
        }
    }
}

/// The paper on a form that shows everything a form can show, where it does not say what it shows.
pub fn complete(json: &str) -> String {
    let mut paper: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let shown = paper.as_object_mut().expect("an object");
    shown
        .entry("elements")
        .or_insert_with(|| serde_json::json!(ConsentElement::ALL));
    paper.to_string()
}

/// A record and its persons toward a channel in the middle of September 2026, and nothing on file.
pub fn asking<'a>(
    (record, persons): (&'a Record, &'a [(String, PersonId)]),
    source: &'a Partner,
    (recipient, channel): (&'a Partner, &'a Channel),
) -> ReleaseInput<'a> {
    static NOBODY: Protections = Protections {
        persons: BTreeSet::new(),
        in_household: BTreeSet::new(),
        lines: BTreeSet::new(),
    };
    ReleaseInput {
        record,
        record_id: RecordId([7; 16]),
        persons,
        source,
        recipient,
        channel,
        test: false,
        reviewed: false,
        done: kinbridge::release::ObligationSet::default(),
        emergency: None,
        consents: &[],
        facts: &[],
        housemates: &[],
        protections: &NOBODY,
        received: &[],
        now: now(),
    }
}

/// A consent of the person with that number, lodged by the program, on a complete form.
pub fn paper(subject: u8, json: &str) -> Paper {
    Paper {
        id: ConsentId::new("k1"),
        lodger: PartnerId::new("program"),
        subject: PersonId([subject; 16]),
        revoked_at: None,
        confirmed: Vec::new(),
        ended_on: None,
        body: Sensitive::new(complete(json).into_bytes()),
    }
}

/// Decides in the middle of September 2026.
pub fn decide(record: &Record, from: &str, to: &str, papers: &[Paper]) -> Release {
    decide_at(record, from, to, papers, now())
}

fn decide_at(record: &Record, from: &str, to: &str, papers: &[Paper], at: Timestamp) -> Release {
    decide_with(rules(), record, (from, to), (papers, at))
}

/// As [`decide`], by other rules.
pub fn decide_by(rules: &Rules, record: &Record, way: (&str, &str), papers: &[Paper]) -> Release {
    decide_with(rules, record, way, (papers, now()))
}

fn decide_with(
    rules: &Rules,
    record: &Record,
    way: (&str, &str),
    (papers, at): (&[Paper], Timestamp),
) -> Release {
    decide_seen(rules, record, way, (papers, at, false))
}

fn decide_seen(
    rules: &Rules,
    record: &Record,
    (from, to): (&str, &str),
    (papers, at, reviewed): (&[Paper], Timestamp, bool),
) -> Release {
    let partner = |id: &str| &rules.partners[&PartnerId::new(id)];
    let recipient = partner(to);
    let channel = recipient.channel.iter().find(|c| c.https.is_some());
    let held: Vec<HeldConsent<'_>> = papers.iter().map(Paper::held).collect();
    release(
        rules,
        &ReleaseInput {
            reviewed,
            consents: &held,
            now: at,
            ..asking(
                (record, &persons(record)),
                partner(from),
                (recipient, channel.expect("an out-channel")),
            )
        },
    )
}

/// What goes.
pub fn sent(release: &Release) -> &Outgoing {
    match release {
        Release::Go(outgoing) => outgoing,
        other => panic!("not released: {other:?}"),
    }
}

/// Its bytes as text.
pub fn text(outgoing: &Outgoing) -> String {
    String::from_utf8(outgoing.bytes().expose(Reason::Test).clone()).expect("UTF-8")
}

/// A referral to the clinic.
pub const REFERRAL: &str = r#"{
  "envelope": {"record_type": "service-referral", "schema_version": "1.0",
    "source_record_id": "r-1", "county_fips": "06067", "service_source": "case",
    "subject_refs": ["mother"]},
  "persons": [{"key": "mother", "role": "parent", "birth_date": "1990-05-05",
               "names": [{"use": "legal", "last": "Quill"}]}],
  "body": {"referral_id": "r-1", "status": "requested",
    "requester": {"identifiers": [{"system": "urn:org", "value": "program"}]},
    "recipient": {"identifiers": [{"system": "urn:org", "value": "clinic"}]}}
}"#;

/// The mother's permission toward the clinic.
pub const ROI: &str = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
  "classes": ["referral", "demographics"], "recipients": ["sud_program"],
  "purposes": ["treatment"], "signed": "2026-03-01", "start": "2026-03-01",
  "end": "2027-02-28", "revoked": null}"#;

#[test]
fn the_catalog_of_these_tests_has_no_defect_of_ours() {
    let (mut sources, _) = catalog::load(&[]);
    for text in PARTNERS {
        let mut partner: Partner = toml::from_str(text).expect("a partner file");
        partner.name_channels();
        sources.partners.insert(partner.id.clone(), partner);
    }
    let (_, defects) = Rules::from_sources(sources);
    assert!(defects.is_empty(), "{defects:#?}");
}

#[test]
fn a_contact_goes_to_the_county_without_what_it_may_not_see() {
    let record = record("engagement-contact", CONTACT);
    let release = decide(&record, "program", "county", &[]);
    let outgoing = sent(&release);
    let told = text(outgoing);
    for there in ["c-1", "in_person", "Quill", "PO Box 1", "rec_0707"] {
        assert!(told.contains(there), "{there} is missing in {told}");
    }
    for trace in [
        "Hidden Way",
        "PO 9",
        "Open Road",
        "free words",
        "disclosures",
        "detention",
        "mandated_report_made",
        "K-17",
    ] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    assert!(outgoing.withheld_any());
    assert!(outgoing.taken().citations.iter().any(|c| c == "WIC10850"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let record = record("engagement-contact", CONTACT);
    let first = decide(&record, "program", "county", &[]);
    let second = decide(&record, "program", "county", &[]);
    assert_eq!(text(sent(&first)), text(sent(&second)));
}

#[test]
fn a_referral_needs_a_consent_and_a_revocation_wins() {
    let record = record("service-referral", REFERRAL);
    let nothing = decide(&record, "program", "clinic", &[]);
    assert!(matches!(nothing, Release::Withheld(_)), "{nothing:?}");
    let granted = decide(&record, "program", "clinic", &[paper(1, ROI)]);
    assert!(text(sent(&granted)).contains("requested"));
    let mut revoked = paper(1, ROI);
    revoked.revoked_at = Some(now());
    let after = decide(&record, "program", "clinic", &[revoked]);
    assert!(matches!(after, Release::Withheld(_)), "{after:?}");
}

#[test]
fn an_agreement_that_has_run_out_opens_nothing() {
    let text = CONTACT;
    let record = record("engagement-contact", text);
    let rules = rules();
    let mut source = partner(rules, "program").clone();
    source.agreement.retain(|a| a.kind != "county_contract");
    let recipient = partner(rules, "county");
    let release = release(
        rules,
        &asking(
            (&record, &persons(&record)),
            &source,
            (recipient, &recipient.channel[1]),
        ),
    );
    assert!(matches!(release, Release::Withheld(_)), "{release:?}");
}

#[test]
fn what_would_be_invalid_after_redaction_is_held() {
    // The reference to the worker is required where it stands, and the worker's part is a class
    // the county may not see: what is left would lack a required value.
    let labelled = CONTACT.replacen(
        "\"missing\"",
        r#""labels": [{"path": "/body/start", "classes": ["hiv_test"]}], "missing""#,
        1,
    );
    let record = record("engagement-contact", &labelled);
    let release = decide(&record, "program", "county", &[]);
    let Release::Held(Hold::OutputInvalid, taken) = release else {
        panic!("{release:?}");
    };
    // Who resolves it is told what is missing where.
    let told = taken
        .invalid
        .iter()
        .map(|f| (f.code.as_ref(), f.path.as_str()));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("schema-required-missing", "/body/start")]);
}

/// As the store keeps it.
fn kept(outgoing: &Outgoing) -> Kept {
    Kept::of_store(
        outgoing.bytes().clone(),
        outgoing.media_type().to_owned(),
        outgoing.released_paths().to_vec(),
        outgoing.along(),
    )
}

#[test]
fn kept_bytes_go_again_only_while_all_of_them_may() {
    let record = record("engagement-contact", CONTACT);
    let first = decide(&record, "program", "county", &[]);
    let first = sent(&first);
    let kept = kept(first);
    let Release::Go(again) = decide(&record, "program", "county", &[]) else {
        panic!("not released");
    };
    let resent = again.again(kept.clone()).expect("nothing is narrower");
    assert_eq!(text(&resent), text(first));
    let refusal = r#"{"id": "k2", "kind": "privacy_directive", "type": "deny", "grantor": "self",
      "classes": ["contact_address"], "recipients": ["*"], "purposes": ["care_coordination"],
      "signed": "2026-09-01", "start": "2026-09-01", "end": null, "revoked": null}"#;
    let Release::Go(less) = decide(&record, "program", "county", &[paper(2, refusal)]) else {
        panic!("nothing released");
    };
    assert!(less.released_paths().len() < first.released_paths().len());
    assert!(less.again(kept).is_err());
}

#[test]
fn only_partners_with_a_tie_are_asked_and_prevention_is_walled_off() {
    let rules = rules();
    let ties = |record: &Record, named: &NamedByFamily| {
        let sender = PartnerId::new("program");
        let ties = Ties {
            record,
            sender: &sender,
            test: false,
            named_by_family: named,
        };
        let found = candidates(&rules.partners, &ties);
        let ids = found.iter().map(|c| c.partner.to_string());
        ids.collect::<Vec<_>>()
    };
    let nobody = NamedByFamily::default();
    let referral = record("service-referral", REFERRAL);
    assert_eq!(ties(&referral, &nobody), ["clinic", "county"]);
    let elsewhere = REFERRAL.replace("06067", "06001");
    let elsewhere = record("service-referral", &elsewhere);
    assert_eq!(ties(&elsewhere, &nobody), ["clinic"]);
    let prevention = REFERRAL.replace("\"case\"", "\"prevention\"");
    let prevention = record("service-referral", &prevention);
    assert_eq!(ties(&prevention, &nobody), ["clinic"]);
    let only = |partners: Option<&str>| {
        let partners = partners.map(|id| vec![PartnerId::new(id)]);
        NamedByFamily(vec![Named {
            roles: vec!["cws".parse().expect("a role")],
            partners,
        }])
    };
    assert_eq!(ties(&prevention, &only(None)), ["clinic", "county"]);
    let itself = only(Some("county"));
    assert_eq!(ties(&prevention, &itself), ["clinic", "county"]);
    // One that names another county by its id names this one by no role.
    assert_eq!(ties(&prevention, &only(Some("elsewhere"))), ["clinic"]);
}

#[test]
fn test_traffic_stays_with_its_partner_and_the_simulated() {
    let rules = rules();
    let record = record("service-referral", REFERRAL);
    let sender = PartnerId::new("county");
    let named = NamedByFamily::default();
    let ties = Ties {
        record: &record,
        sender: &sender,
        test: true,
        named_by_family: &named,
    };
    let found = candidates(&rules.partners, &ties);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].partner, sender);
}

/// The mother's permission for what the clinic says of her, toward the program.
pub const PART2: &str = r#"{"id": "k1", "kind": "part2_specific", "type": "permit",
  "grantor": "self", "classes": ["sud_part2"], "recipients": ["ppp"],
  "purposes": ["care_coordination"], "signed": "2026-03-01", "start": "2026-03-01",
  "end": "2027-02-28", "revoked": null}"#;

/// What the clinic sends back about the referral, to the program.
pub fn acceptance(papers: &[Paper]) -> Release {
    let rules = rules();
    let record = record(
        "service-referral",
        &REFERRAL.replace("\"requested\"", "\"accepted\""),
    );
    let recipient: Partner = toml::from_str(
        r#"
id = "program"
name = "A program"
role = "ppp"
mode = "live"
identifier = [{ system = "urn:org", value = "program" }]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "care_coordination"
related_by = ["requester"]
https = { url = "https://program.example/inbox" }
"#,
    )
    .expect("a partner file");
    let held: Vec<HeldConsent<'_>> = papers.iter().map(Paper::held).collect();
    release(
        rules,
        &ReleaseInput {
            consents: &held,
            ..asking(
                (&record, &persons(&record)),
                partner(rules, "clinic"),
                (&recipient, &recipient.channel[0]),
            )
        },
    )
}

#[test]
fn what_a_clinic_sends_back_needs_its_own_consent_and_takes_notice_and_copy_along() {
    let closed = acceptance(&[paper(1, ROI)]);
    assert!(matches!(closed, Release::Withheld(_)), "{closed:?}");
    // A recipient cannot lodge what gives it data.
    let own = acceptance(&[paper(1, PART2)]);
    assert!(matches!(own, Release::Withheld(_)), "{own:?}");
    let of_the_clinic = || Paper {
        lodger: PartnerId::new("clinic"),
        ..paper(1, PART2)
    };
    let open = acceptance(&[of_the_clinic()]);
    let outgoing = sent(&open);
    let body = text(outgoing);
    assert!(
        outgoing
            .media_type()
            .starts_with("multipart/mixed; boundary=")
    );
    assert!(body.contains("\"accepted\"") && body.contains("42 CFR part 2"));
    assert!(
        body.contains("part2_specific"),
        "the consent's copy is missing"
    );
    assert!(outgoing.told().words().contains("attach_part2_notice"));
    let again = acceptance(&[of_the_clinic()]);
    assert_eq!(text(sent(&again)), body);
    // What was kept with the copy of a paper goes again with that paper alone.
    let kept = kept(outgoing);
    let mut renewed = paper(1, &PART2.replacen("k1", "k2", 1));
    renewed.lodger = PartnerId::new("clinic");
    for (release, goes) in [(again, true), (acceptance(&[renewed]), false)] {
        let Release::Go(now) = release else {
            panic!("not released");
        };
        assert_eq!(now.released_paths(), outgoing.released_paths());
        assert_eq!(now.again(kept.clone()).is_ok(), goes);
    }
}

#[test]
fn what_is_left_is_valid_in_every_format() {
    let contact = record("engagement-contact", CONTACT);
    let elsewhere = REFERRAL.replace("\"clinic\"", "\"food-bank\"");
    let referral = record("service-referral", &elsewhere);
    let formats = [
        "county-niem/1.0",
        "fhir-r4/4.0",
        "provider-csv/1.0",
        "hl7v2/2.5.1",
    ];
    for format in formats {
        let mut recipient = partner(rules(), "county").clone();
        let channel = recipient.channel.iter_mut().find(|c| c.https.is_some());
        channel.expect("an out-channel").format = kinbridge::base::id::FormatId::new(format);
        let written = |record: &&&Record| {
            let format = kinbridge::base::id::FormatId::new(format);
            rules().plans.has(&format, &record.record_type)
        };
        for record in [&contact, &referral].iter().filter(written) {
            let release = release(
                rules(),
                &asking(
                    (record, &persons(record)),
                    partner(rules(), "program"),
                    (&recipient, &recipient.channel[1]),
                ),
            );
            let body = text(sent(&release));
            assert!(body.contains("Quill"), "{format}: {body}");
            for trace in ["Hidden Way", "free words", "detention"] {
                assert!(!body.contains(trace), "{format}: {trace}");
            }
        }
    }
}

#[test]
fn a_human_look_opens_the_hold_and_nothing_else() {
    // A seven-year-old cannot have consented alone: facts that contradict the law ask for a look.
    let odd = CONTACT.replacen(
        "\"key\": \"child\",",
        "\"key\": \"child\", \"birth_date\": \"2019-01-01\", \
         \"minor_consented\": [{\"class\": \"mental_health\"}],",
        1,
    );
    let record = record("engagement-contact", &odd);
    let rules = rules();
    let persons = persons(&record);
    let recipient = partner(rules, "county");
    let input = asking(
        (&record, &persons),
        partner(rules, "program"),
        (recipient, &recipient.channel[1]),
    );
    let before = release(rules, &input);
    assert!(
        matches!(before, Release::Held(Hold::HumanReview, _)),
        "{before:?}"
    );
    let asked = before.taken().reviews.iter().map(|one| &*one.by);
    assert_eq!(asked.collect::<Vec<_>>(), ["minor_consent_conflict"]);
    let after = release(
        rules,
        &ReleaseInput {
            reviewed: true,
            done: kinbridge::release::ObligationSet::default(),
            emergency: None,
            ..input
        },
    );
    let told = text(sent(&after));
    assert!(told.contains("in_person") && !told.contains("free words"));
}
