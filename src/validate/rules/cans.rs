//! Rules of a CANS assessment: which items there are, and on which form.
//!
//! A rating is never added up: a total would tell of ratings its reader may not see. Items are
//! known by their code, never by the number printed beside them.

use super::{Check, time};
use crate::base::finding_codes::{
    ASSESSMENT_BEFORE_BIRTH, ASSESSMENT_CAREGIVER_CONTRADICTED, ASSESSMENT_CAREGIVER_MIXED,
    ASSESSMENT_DELETED, ASSESSMENT_INCOMPLETE, ASSESSMENT_ITEM_FOREIGN, ASSESSMENT_ITEM_REPEATED,
    CONFIDENTIAL_UNLABELLED,
};
use crate::format::tree::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Items of the child on both age forms.
const BOTH_FORMS: &[&str] = &[
    "IMPULSIVITY_HYPERACTIVITY",
    "DEPRESSION",
    "ANXIETY",
    "OPPOSITIONAL",
    "ADJUSTMENT_TO_TRAUMA",
    "FAMILY_FUNCTIONING",
    "DEVELOPMENTAL_INTELLECTUAL",
    "MEDICAL_PHYSICAL",
    "LANGUAGE",
    "TRADITIONS_RITUALS",
    "CULTURAL_STRESS",
    "FAMILY_STRENGTHS",
    "INTERPERSONAL",
    "NATURAL_SUPPORTS",
    "RESILIENCY",
];

/// Items of the child for ages 6 to 21 alone.
const ONLY_6_21: &[&str] = &[
    "PSYCHOSIS",
    "CONDUCT",
    "ANGER_CONTROL",
    "SUBSTANCE_USE",
    "LIVING_SITUATION",
    "SOCIAL_FUNCTIONING",
    "DECISION_MAKING",
    "SCHOOL_BEHAVIOR",
    "SCHOOL_ACHIEVEMENT",
    "SCHOOL_ATTENDANCE",
    "SEXUAL_DEVELOPMENT",
    "SLEEP",
    "SUICIDE_RISK",
    "SELF_INJURIOUS_BEHVIOR",
    "OTHER_SELF_HARM",
    "DANGERS_TO_OTHERS",
    "RUNAWAY",
    "SEXUAL_AGGRESSION",
    "DELINQUENT_BEHAVIOR",
    "INTENTIONAL_MISBEHAVIOR",
    "EDUCATIONAL_SETTING",
    "TALENTS_INTERESTS",
    "SPIRITUAL_RELIGIOUS",
    "CULTURAL_IDENTITY",
    "COMMUNITY_LIFE",
];

/// Items of the child for ages 0 to 5 alone, misspelled where the published codes are.
const ONLY_0_5: &[&str] = &[
    "ATTACHMENT_DIFFICULTIES",
    "REGULATORY",
    "ATYPICAL_BEHAVIORS",
    "SLEEP_CHILD",
    "EARLY_EDUCATION",
    "SOCIAL_EMOTIONAL_FUNCTIONING",
    "SELF_HARM",
    "EXPLOITED",
    "PRENATAL_CARE",
    "EXPOSURE",
    "LABOR_DELIVERY",
    "BIRTH_WEIGHT",
    "FAILURE_TO_THRIVE",
    "RELATIONSHIP_PERMANENCE",
    "PLAYFULLNESS",
    "FAMILY_SPRITUAL_RELIGIOUS",
    "CAREGIVER_EMOTIONAL_RESPONSIVENESS",
    "CAREGIVER_ADJ_TRAUMA_EXP",
];

/// Items of a caregiver on both age forms.
const CAREGIVER: &[&str] = &[
    "SUPERVISION",
    "INVOLVEMENT_WITH_CARE",
    "KNOWLEDGE",
    "SOCIAL_RESOURCES",
    "RESIDENT_STABILITY",
    "MEDICAL_PHYSICAL_CAREGIVER",
    "MENTAL_HEALTH",
    "SUBSTANCE_USE_CAREGIVER",
    "DEVELOPMENTAL",
    "SAFETY",
];

/// Items of a caregiver for ages 0 to 5 alone.
const CAREGIVER_0_5: &[&str] = &[
    "FAMILY_RELATIONSHIP_TO_SYSTEM",
    "LEGAL_INVOLVEMENT",
    "ORGANIZATION",
];

/// Experiences, all ages.
const TRAUMA: &[&str] = &[
    "SEXUAL_ABUSE",
    "PHYSICAL_ABUSE",
    "EMOTIONAL_ABUSE",
    "NEGLECT",
    "MEDICAL_TRAUMA",
    "WITNESS_FAMILY_VIOLENCE",
    "WITNESS_COMMUNITY_SCHOOL_VIOLENCE",
    "NATURAL_MANMADE_DISASTER",
    "WAR_TERRORISM_AFFECTED",
    "VICTIM_WITNESS_CRIMINAL_ACTIVITY",
    "DISRUPTIONS_CG_ATTACHMENT_LOSSES",
    "CG_CRIMINAL_BEHAVIOR",
];

/// Items whose class is stricter than the assessment's, so that a mark adds nothing.
const STRICT: &[&str] = &[
    "SUBSTANCE_USE",
    "SUBSTANCE_USE_CAREGIVER",
    "EXPOSURE",
    "SEXUAL_DEVELOPMENT",
    "SEXUAL_AGGRESSION",
    "SEXUAL_ABUSE",
    "WITNESS_FAMILY_VIOLENCE",
    "SAFETY",
];

/// Statuses in which everything shown is rated.
const DONE: &[&str] = &["COMPLETED", "APPROVED"];

const ITEMS: &str = "/body/items";

pub(super) fn check(check: &mut Check<'_>) {
    let void = check.text("/envelope/action") == Some("void");
    if check.text("/body/status") == Some("DELETED") && !void {
        check.tell(&ASSESSMENT_DELETED, "/body/status");
    }
    before_birth(check);
    items(check);
    marks(check);
    if check
        .text("/body/status")
        .is_some_and(|it| DONE.contains(&it))
        && incomplete(check)
    {
        check.tell(&ASSESSMENT_INCOMPLETE, ITEMS);
    }
}

fn before_birth(check: &mut Check<'_>) {
    let Some(date) = check.text("/body/event_date") else {
        return;
    };
    let refs = check.items("/envelope/subject_refs");
    let early = check.items("/persons").iter().any(|person| {
        let key = person.text("key");
        let subject = refs.iter().any(|named| named.as_str() == key);
        let born = person.text("birth_date");
        subject && born.is_some_and(|born| time::reversed(born, date))
    });
    if early {
        check.tell(&ASSESSMENT_BEFORE_BIRTH, "/body/event_date");
    }
}

/// Codes of items that are never on the age form of the record.
fn other_form(check: &Check<'_>) -> [&'static [&'static str]; 2] {
    match check.text("/body/age_form") {
        Some("age_0_5") => [ONLY_6_21, &[]],
        Some("age_6_21") => [ONLY_0_5, CAREGIVER_0_5],
        _ => [&[], &[]],
    }
}

fn items(check: &mut Check<'_>) {
    let foreign = other_form(check);
    let none = check.at("/body/has_caregiver").and_then(Node::as_bool) == Some(false);
    let (mut seen, mut blocks) = (BTreeSet::new(), BTreeMap::new());
    for (at, item) in check.items(ITEMS).iter().enumerate() {
        let code = item.text("code").unwrap_or_default();
        let index = item.text("caregiver_index");
        if !seen.insert((code, index)) {
            check.tell(&ASSESSMENT_ITEM_REPEATED, &format!("{ITEMS}/{at}/code"));
        }
        if foreign.iter().any(|codes| codes.contains(&code)) {
            check.tell(&ASSESSMENT_ITEM_FOREIGN, &format!("{ITEMS}/{at}/code"));
        }
        if index.is_some() && none {
            let pointer = format!("{ITEMS}/{at}/caregiver_index");
            check.tell(&ASSESSMENT_CAREGIVER_CONTRADICTED, &pointer);
        }
        if let Some((index, person)) = index.zip(item.text("caregiver"))
            && *blocks.entry(index).or_insert(person) != person
        {
            let pointer = format!("{ITEMS}/{at}/caregiver");
            check.tell(&ASSESSMENT_CAREGIVER_MIXED, &pointer);
        }
    }
}

/// Classes that say no more of a rating than that it is one.
const SAYS_NOTHING: [&str; 5] = [
    "cans",
    "demographics",
    "engagement_contact",
    "workforce_record",
    "aggregate_deidentified",
];

/// An item the assessor marked and the schema does not hold back needs the sender's word on what
/// it is: which class is nobody else's to guess.
fn marks(check: &mut Check<'_>) {
    let release = check.at("/body/can_release_confidential_info");
    if release.and_then(Node::as_bool) == Some(true) {
        return;
    }
    let labels = check.items("/envelope/labels");
    let labelled = |pointer: &str| {
        let classes = |row: &Node| {
            row.get("classes")
                .map(Node::items)
                .unwrap_or_default()
                .to_vec()
        };
        let says = |row: &&Node| {
            let mut own = classes(row).into_iter();
            own.any(|class| {
                class
                    .as_str()
                    .is_some_and(|class| !SAYS_NOTHING.contains(&class))
            })
        };
        let mut paths = labels
            .iter()
            .filter(says)
            .filter_map(|row| row.text("path"));
        paths.any(|path| {
            let rest = pointer.strip_prefix(path);
            let above = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            above || path.strip_suffix("/rating") == Some(pointer)
        })
    };
    for (at, item) in check.items(ITEMS).iter().enumerate() {
        let marked = item.get("confidential").and_then(Node::as_bool) == Some(true);
        let strict = item.text("code").is_some_and(|code| STRICT.contains(&code));
        if marked && !strict && !labelled(&format!("{ITEMS}/{at}")) {
            let pointer = format!("{ITEMS}/{at}/confidential");
            check.tell(&CONFIDENTIAL_UNLABELLED, &pointer);
        }
    }
}

/// Whether an item of the form has no rating, or a caregiver block nobody's name.
fn incomplete(check: &Check<'_>) -> bool {
    let rows = check.items(ITEMS);
    let rated: BTreeSet<(&str, Option<&str>)> = rows
        .iter()
        .filter(|item| item.get("rating").is_some())
        .filter_map(|item| Some((item.text("code")?, item.text("caregiver_index"))))
        .collect();
    let blocks: BTreeSet<&str> = rows
        .iter()
        .filter_map(|item| item.text("caregiver_index"))
        .collect();
    let small = check.text("/body/age_form") == Some("age_0_5");
    let (own, more): (_, &[&str]) = match small {
        true => (ONLY_0_5, CAREGIVER_0_5),
        false => (ONLY_6_21, &[]),
    };
    let child = [BOTH_FORMS, own, TRAUMA].concat();
    let caregiver = [CAREGIVER, more].concat();
    let unnamed = blocks.iter().any(|index| {
        let mut block = rows
            .iter()
            .filter(|item| item.text("caregiver_index") == Some(index));
        !block.any(|item| item.text("caregiver").is_some())
    });
    let has = check.at("/body/has_caregiver").and_then(Node::as_bool);
    unnamed
        || (has == Some(true) && blocks.is_empty())
        || child.iter().any(|code| !rated.contains(&(*code, None)))
        || blocks.iter().any(|index| {
            let mut codes = caregiver.iter();
            codes.any(|code| !rated.contains(&(*code, Some(*index))))
        })
}
