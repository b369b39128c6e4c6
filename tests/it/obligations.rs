//! Goal: what is owed with a release is discharged, or nothing goes. Method: questions and releases
//! on the shipped law pack, each owing one thing.

use crate::labels::record;
use crate::release::asking;
use crate::release::{PARTNERS, Paper, REFERRAL, paper, rules_with, text};
use kinbridge::base::id::{PartnerId, PersonId};
use kinbridge::base::vocabulary::Obligation;
use kinbridge::base::vocabulary::{ClassSet, DataClass, Purpose, RecipientRole, SourceRole};
use kinbridge::catalog;
use kinbridge::disclosure::{Answer, Ask, Consent, Context, Policy, Review, Subject};
use kinbridge::release::{Emergency, Hold, ObligationSet, Release, ReleaseInput, release};
use serde_json::{Value, json};
use std::sync::OnceLock;

fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| {
        let (policy, defects) = Policy::compile(&catalog::load(&[]).0);
        assert!(defects.is_empty(), "{defects:?}");
        policy
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("readable")
}

/// From a clinic to a clinic, in September 2026.
fn ask(purpose: Purpose, classes: &[DataClass], facts: Value, papers: Value) -> Answer {
    ask_of(
        RecipientRole::HealthProvider,
        purpose,
        classes,
        facts,
        papers,
    )
}

fn ask_of(
    recipient: RecipientRole,
    purpose: Purpose,
    classes: &[DataClass],
    mut facts: Value,
    papers: Value,
) -> Answer {
    facts["now"] = json!("2026-09-15T12:00:00-07:00");
    let (context, consents): (Context, Vec<Consent>) = (read(facts), read(papers));
    let subject: Subject = read(json!({ "id": "p1", "role": "parent", "age": 34 }));
    policy().ask(&Ask {
        source: SourceRole::Mhp,
        recipient,
        purpose,
        classes: classes.iter().copied().collect::<ClassSet>(),
        subject: &subject,
        consents: &consents,
        context: &context,
    })
}

const EMERGENCY: &str = r#"{"emergency": {"bona_fide": true, "consent_obtainable": false}}"#;

fn emergency() -> Value {
    serde_json::from_str(EMERGENCY).expect("json")
}

fn release_for(purpose: &str) -> Value {
    json!([{
        "id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
        "classes": ["general_health", "mental_health"], "recipients": ["health_provider"],
        "purposes": [purpose], "signed": "2026-01-01", "end": "2027-01-01"
    }])
}

#[test]
fn an_emergency_goes_at_once_and_is_looked_at_afterwards() {
    // Goal: the table says when a person looks. Method: one question for each of its rows.
    use DataClass::{GeneralHealth, HivTest};
    let goes = |answer: &Answer| !answer.permit.is_empty();
    let open = ask(
        Purpose::MedicalEmergency,
        &[HivTest],
        emergency(),
        json!([]),
    );
    assert!(goes(&open));
    assert_eq!(open.review(), Review::After);
    let threat = json!({ "imminent_threat": true });
    let told = ask_of(
        RecipientRole::LawEnforcement,
        Purpose::Investigation,
        &[GeneralHealth],
        threat,
        json!([]),
    );
    assert!(goes(&told));
    assert_eq!(told.review(), Review::After);
    let broken = release_for("break_glass");
    let broken = ask(Purpose::BreakGlass, &[GeneralHealth], json!({}), broken);
    assert!(goes(&broken));
    assert_eq!(broken.review(), Review::After);
    let treated = ask(Purpose::Treatment, &[GeneralHealth], json!({}), json!([]));
    assert!(goes(&treated));
    assert_eq!(treated.review(), Review::None);
}

#[test]
fn what_rests_on_a_consent_is_no_emergency() {
    // Goal: a consent that names the emergency is enough. Method: the same question with it.
    let paper = release_for("medical_emergency");
    let classes = [DataClass::GeneralHealth];
    let open = ask(Purpose::MedicalEmergency, &classes, emergency(), paper);
    assert!(!open.permit.is_empty());
    assert_eq!(open.review(), Review::None);
}

#[test]
fn a_look_before_wins_over_one_after() {
    // Goal: facts that contradict the law hold an emergency too. Method: a child's own consent
    // below the age for it.
    let subject: Subject = read(json!({
        "id": "p1", "role": "child", "age": 9, "minor_consented": ["mental_health"]
    }));
    let mut facts = emergency();
    facts["now"] = json!("2026-09-15T12:00:00-07:00");
    let context: Context = read(facts);
    let answer = policy().ask(&Ask {
        source: SourceRole::Mhp,
        recipient: RecipientRole::HealthProvider,
        purpose: Purpose::MedicalEmergency,
        classes: ClassSet::of(DataClass::MentalHealth),
        subject: &subject,
        consents: &[],
        context: &context,
    });
    assert!(!answer.permit.is_empty());
    assert_eq!(answer.review(), Review::Before);
}

const MOTHER: PersonId = PersonId([1; 16]);

/// A recipient of that role for that purpose.
fn taker(role: &str, purpose: &str) -> String {
    format!(
        r#"
id = "taker"
name = "Somebody"
role = "{role}"
mode = "live"
identifier = [{{ system = "urn:org", value = "taker" }}]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "{purpose}"
related_by = ["addressee"]
https = {{ url = "https://taker.example/inbox" }}
"#
    )
}

/// The mother's permission toward that role for that purpose.
fn permission(role: &str, purpose: &str) -> Paper {
    let text = format!(
        r#"{{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
        "classes": ["referral", "demographics"], "recipients": ["{role}"],
        "purposes": ["{purpose}"], "signed": "2026-03-01", "start": "2026-03-01",
        "end": "2027-02-28"}}"#
    );
    paper(1, &text)
}

/// A referral on its way to such a recipient on the mother's permission.
fn refer(
    (role, purpose): (&str, &str),
    done: &[Obligation],
    emergency: Option<Emergency>,
) -> Release {
    let taker = taker(role, purpose);
    let mut partners = PARTNERS.to_vec();
    partners.push(&taker);
    let rules = rules_with(&partners);
    let partner = |id: &str| &rules.partners[&PartnerId::new(id)];
    let referral = record("service-referral", &REFERRAL.replace("clinic", "taker"));
    let mut set = ObligationSet::default();
    done.iter().for_each(|one| set.insert(*one));
    let paper = permission(role, purpose);
    release(
        &rules,
        &ReleaseInput {
            done: set,
            emergency,
            consents: &[paper.held()],
            ..asking(
                (&referral, &[("mother".to_owned(), MOTHER)]),
                partner("program"),
                (partner("taker"), &partner("taker").channel[0]),
            )
        },
    )
}

#[test]
fn what_the_gateway_cannot_do_waits_until_a_person_has_done_it() {
    // Goal: an open obligation names itself, holds, and goes on when done. Method: one release
    // for each that a consent can bring about.
    for (way, owed) in [
        (("tribe", "icwa_notice"), Obligation::RegisteredMail),
        (("mdt_member", "investigation"), Obligation::VerifyIdentity),
        (
            ("health_provider", "break_glass"),
            Obligation::DocumentEmergency,
        ),
    ] {
        match refer(way, &[], None) {
            Release::Held(Hold::ObligationOpen, taken) => {
                assert_eq!(taken.open, [owed.as_str()], "{way:?}");
            }
            other => panic!("{way:?}: {other:?}"),
        }
        let done = refer(way, &[owed], None);
        let Release::Go(outgoing) = &done else {
            panic!("{way:?}: {done:?}");
        };
        assert!(text(outgoing).contains("requested"), "{way:?}");
        assert!(outgoing.taken().obligations.contains(&owed.as_str()));
    }
}

#[test]
fn a_declared_emergency_is_documented_and_looked_at_afterwards() {
    // Goal: breaking the glass goes at once where the declaration holds what has to be written
    // down, and not without. Method: the same release with and without it.
    let declared = Emergency {
        subject: MOTHER,
        consent_obtainable: false,
    };
    let way = ("health_provider", "break_glass");
    let Release::Go(outgoing) = refer(way, &[], Some(declared)) else {
        panic!("it goes");
    };
    assert!(outgoing.review_after());
    assert!(matches!(
        refer(way, &[], None),
        Release::Held(Hold::ObligationOpen, _)
    ));
    let Release::Go(plain) = refer(("health_provider", "treatment"), &[], None) else {
        panic!("it goes");
    };
    assert!(!plain.review_after());
}
