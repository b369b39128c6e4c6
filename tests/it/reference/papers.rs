//! Section 2.8 of the disclosure rules: who may sign, which papers count, what they open.

use super::vocabulary::{CLASSES, PURPOSES, RECIPIENTS};
use super::{text, words};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeSet;

/// The instant of the question in microseconds, and its local date.
fn now(q: &Value) -> (i64, String) {
    let told = q["context"]["now"]
        .as_str()
        .unwrap_or("2026-09-15T12:00:00-07:00");
    let at: jiff::Timestamp = told.parse().expect("the generator writes instants");
    let zone = TimeZone::get("America/Los_Angeles").expect("the zone");
    (at.as_microsecond(), at.to_zoned(zone).date().to_string())
}

/// Whether a fact that only restricts holds: it is there and not false.
pub fn closes(facts: &Value, key: &str) -> bool {
    facts.get(key).is_some_and(|said| *said != false)
}

/// What is said of a day of the person's, wherever it stands.
fn days<'a>(q: &'a Value, key: &str) -> Vec<&'a Value> {
    let said = [&q["subject"][key], &q["context"][key]].into_iter();
    said.filter(|day| !day.is_null()).collect()
}

/// Whether a day of the person's has come.
fn came(q: &Value, key: &str) -> bool {
    let read = days(q, key).into_iter().filter_map(Value::as_str);
    read.filter(|day| is_day(day)).any(|day| has_come(q, day))
}

fn is_unreadable(q: &Value, key: &str) -> bool {
    let said = days(q, key).into_iter();
    let read = |day: &&Value| day.as_str().is_some_and(is_day);
    said.filter(|day| !read(day)).count() > 0
}

fn is_day(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok()
}

/// A date has come once its local day began, an instant once it is there.
fn has_come(q: &Value, when: &str) -> bool {
    let (at, today) = now(q);
    if when.len() == 10 {
        return when <= today.as_str();
    }
    let instant: jiff::Timestamp = when.parse().expect("the generator writes instants");
    instant.as_microsecond() <= at
}

fn is_over(q: &Value, end: &str) -> bool {
    end < now(q).1.as_str()
}

fn age(q: &Value) -> Option<i64> {
    q["subject"]["age"].as_i64()
}

fn child_role(q: &Value) -> bool {
    q["subject"]["role"] == "child"
}

fn is_adult(q: &Value) -> bool {
    let s = &q["subject"];
    !child_role(q)
        || age(q).is_some_and(|age| age >= 18)
        || came(q, "turned_18")
        || s["emancipated"] == true
        || s["nonminor_dependent"] == true
}

pub fn is_child(q: &Value) -> bool {
    child_role(q) && !is_adult(q)
}

/// Whether somebody may be of age in law, as nobody can read.
pub fn may_be_adult(q: &Value) -> bool {
    let s = &q["subject"];
    closes(s, "emancipated") || closes(s, "nonminor_dependent") || is_unreadable(q, "turned_18")
}

pub fn is_minor(q: &Value) -> bool {
    is_child(q) && age(q).is_some() && !may_be_adult(q)
}

pub fn deceased(q: &Value) -> bool {
    q["subject"]["deceased"] == true || came(q, "died_on")
}

fn may_be_dead(q: &Value) -> bool {
    closes(&q["subject"], "deceased") || is_unreadable(q, "died_on")
}

fn lives(q: &Value) -> bool {
    !deceased(q) && !may_be_dead(q)
}

/// Whether the minor alone consented to the service, at an age at which that counts.
pub fn minor_consented(q: &Value, class: &str) -> bool {
    let from = match class {
        "general_health" | "reproductive_health" | "dv_information" => 0,
        "mental_health" | "sud_part2" | "hiv_test" => 12,
        _ => return false,
    };
    let listed = words(&q["subject"]["minor_consented"]).contains(&class);
    is_child(q) && listed && age(q).is_none_or(|age| age >= from)
}

fn intact(q: &Value, tie: &str) -> bool {
    let tie = &q["context"][tie];
    tie.is_null() || tie == "intact"
}

pub fn standing(q: &Value) -> bool {
    let c = &q["context"];
    let asks = ["parent_of_subject", "guardian_of_subject"];
    asks.contains(&text(c, "requester"))
        && intact(q, "parental_rights")
        && intact(q, "guardianship")
        && is_minor(q)
        && !closes(c, "suspected_abuser")
}

/// Section 2.8, grantors by subject, for papers of the general kinds.
fn may_sign(q: &Value, class: &str, grantor: &str) -> bool {
    if deceased(q) {
        return grantor == "personal_representative";
    }
    if may_be_dead(q) {
        return false;
    }
    if is_adult(q) {
        return grantor == "self" || grantor == "youth";
    }
    if !is_minor(q) {
        return false;
    }
    if minor_consented(q, class) {
        return grantor == "self" || grantor == "youth";
    }
    let parental = match grantor {
        "parent" | "youth_and_parent" => intact(q, "parental_rights"),
        "guardian" => intact(q, "guardianship"),
        _ => false,
    };
    let order = &q["context"]["court_order"];
    let allowed = order["type"] == "juvenile_parent_may_authorize"
        && words(&order["classes"]).contains(&class);
    let therapy = ["mental_health", "psychotherapy_notes"].contains(&class);
    if !parental || (therapy && closes(&q["subject"], "removed") && !allowed) {
        return false;
    }
    match class {
        "sogi" => false,
        "sud_part2" | "sud_counseling_notes" => grantor == "youth_and_parent",
        _ => true,
    }
}

/// The same with what each kind adds or takes away.
fn signer_is_accepted(q: &Value, kind: &str, class: &str, grantor: &str) -> bool {
    let own = grantor == "self" || grantor == "youth";
    match kind {
        "tribal_authorization" => grantor == "tribe",
        "reporter_waiver" => grantor == "reporter",
        "sogi_permission" => own && lives(q) && (is_adult(q) || is_minor(q)),
        "cft_roi" if grantor == "youth_attorney" => {
            let tied = q["subject"]["dependent"] == true && is_minor(q) && lives(q);
            tied && !minor_consented(q, class)
        }
        "vawa_release" if is_minor(q) && !minor_consented(q, class) && lives(q) => {
            grantor == "youth_and_parent"
                && intact(q, "parental_rights")
                && !closes(&q["context"], "grantor_parent_is_abuser")
        }
        "ferpa_consent" if is_minor(q) && lives(q) && grantor == "youth_and_parent" => {
            intact(q, "parental_rights")
        }
        // Alone a minor opens this class on a survivor's release only.
        "privacy_directive" if own && is_minor(q) && class == "dv_information" => false,
        _ => may_sign(q, class, grantor),
    }
}

const GENERAL: [&str; 7] = [
    "general_health",
    "mental_health",
    "referral",
    "demographics",
    "contact_address",
    "engagement_contact",
    "cans",
];

const HEALTH: [&str; 7] = [
    "general_health",
    "mental_health",
    "cans",
    "referral",
    "demographics",
    "reproductive_health",
    "gender_affirming_care",
];

const PROGRAM: [&str; 8] = [
    "mental_health",
    "general_health",
    "education_record",
    "case_plan",
    "cans",
    "engagement_contact",
    "demographics",
    "referral",
];

/// Whether a kind opens a class here, its own limits included.
fn kind_opens(q: &Value, kind: &str, class: &str) -> bool {
    let c = &q["context"];
    let (to, purpose) = (text(q, "recipient_role"), text(q, "purpose"));
    let dv = text(q, "source_role") == "dv_program";
    let is = |list: &[&str]| list.contains(&class);
    let member = c["cft"]["member"] == true && c["cft"]["active"] == true;
    let proceeding = !c["proceeding"].is_null();
    if dv && kind != "vawa_release" {
        return false;
    }
    match kind {
        "general_roi" => is(&GENERAL) || (class == "case_plan" && is_adult(q)),
        "hipaa_auth" => is(&HEALTH),
        "psych_notes_auth" => class == "psychotherapy_notes",
        "part2_tpo" => {
            let care = ["treatment", "payment", "operations"].contains(&purpose);
            class == "sud_part2" && care && !proceeding
        }
        "part2_specific" => {
            let to_court = purpose == "legal_proceeding"
                && (proceeding || ["court", "law_enforcement"].contains(&to));
            class == "sud_part2" && !proceeding && !to_court
        }
        "part2_counseling_notes" => class == "sud_counseling_notes" && !proceeding,
        "part2_legal" => class == "sud_part2" && purpose == "legal_proceeding",
        "cft_roi" => member && (is(&GENERAL) || is(&["case_plan", "sdm", "cft_plan"])),
        "icsp_single_auth" => c["program_member"] == true && is(&PROGRAM),
        "ferpa_consent" => class == "education_record",
        "vawa_release" => class == "dv_information",
        "hiv_auth" => class == "hiv_test",
        "research_auth" => {
            let study = [
                "general_health",
                "mental_health",
                "demographics",
                "case_plan",
                "cans",
            ];
            purpose == "research" && is(&study)
        }
        "sogi_permission" => class == "sogi",
        "tribal_authorization" => class == "tribal_confidential",
        "reporter_waiver" => class == "reporter_identity",
        "privacy_directive" => {
            c["implicit_policy"] == "deny"
                && (is(&GENERAL)
                    || is(&[
                        "dv_information",
                        "reproductive_health",
                        "gender_affirming_care",
                    ]))
        }
        _ => false,
    }
}

/// What makes a permit void whatever it is used for.
fn is_sound(q: &Value, paper: &Value) -> bool {
    let kind = text(paper, "kind");
    let others = || {
        papers(q)
            .iter()
            .filter(|other| !std::ptr::eq(*other, paper))
    };
    let id = text(paper, "id");
    let about = &paper["subject_id"];
    let date = |key: &str| paper[key].as_str();
    let from = date("start").or(date("signed")).unwrap_or_default();
    let dated = match date("end") {
        Some(end) => from <= end && !is_over(q, end),
        None => match kind {
            "part2_tpo" => text(paper, "expiry_statement") == "none",
            "cft_roi"
            | "icsp_single_auth"
            | "ferpa_consent"
            | "hiv_auth"
            | "research_auth"
            | "sogi_permission"
            | "tribal_authorization"
            | "reporter_waiver"
            | "privacy_directive" => true,
            _ => false,
        },
    };
    text(paper, "type") == "permit"
        && KINDS.contains(&kind)
        && (paper["status"].is_null() || paper["status"] == "active")
        && (about.is_null() || *about == q["subject"]["id"])
        && !others().any(|other| text(other, "id") == id && other != paper)
        && !others().any(|other| words(&other["supersedes"]).contains(&id))
        && paper["coercion_flag"] != true
        && words(&paper["elements_missing"]).is_empty()
        && paper["used_on"].is_null()
        && !date("revoked").is_some_and(|when| has_come(q, when))
        && match date("signed") {
            Some(when) => has_come(q, when),
            // What a person may say without a form.
            None => SPOKEN.contains(&kind),
        }
        && date("start").or(date("signed")).is_some()
        && has_come(q, from)
        && dated
        && stands_alone_if_it_must(paper)
}

fn stands_alone_if_it_must(paper: &Value) -> bool {
    let only = |key: &str, word: &str| words(&paper[key]).iter().all(|one| *one == word);
    match text(paper, "kind") {
        "psych_notes_auth" => only("classes", "psychotherapy_notes"),
        "part2_counseling_notes" => only("classes", "sud_counseling_notes"),
        "part2_legal" => only("classes", "sud_part2") && only("purposes", "legal_proceeding"),
        _ => true,
    }
}

/// Kinds whose form need not show a signature.
const SPOKEN: [&str; 4] = [
    "sogi_permission",
    "tribal_authorization",
    "reporter_waiver",
    "privacy_directive",
];

pub const KINDS: [&str; 17] = [
    "general_roi",
    "hipaa_auth",
    "psych_notes_auth",
    "part2_tpo",
    "part2_specific",
    "part2_counseling_notes",
    "part2_legal",
    "cft_roi",
    "icsp_single_auth",
    "ferpa_consent",
    "vawa_release",
    "hiv_auth",
    "research_auth",
    "sogi_permission",
    "tribal_authorization",
    "reporter_waiver",
    "privacy_directive",
];

fn papers(q: &Value) -> &[Value] {
    q["consents"].as_array().map_or(&[], Vec::as_slice)
}

fn names(paper: &Value, key: &str, word: &str) -> bool {
    let list = words(&paper[key]);
    list.contains(&word) || list.contains(&"*")
}

/// Whether recipient, purpose, organisation and period match; `unknown` says what a limit means
/// that cannot be compared.
fn matches(q: &Value, paper: &Value, unknown: bool) -> bool {
    let c = &q["context"];
    let organisation = match (&paper["recipient_ids"], c["recipient_id"].as_str()) {
        (Value::Null, _) => true,
        (_, None) => unknown,
        (ids, Some(id)) => words(ids).contains(&id),
    };
    let period = words(&paper["data_period"]);
    let within = match (period.as_slice(), c["data_date"].as_str()) {
        ([from, to], Some(date)) => *from <= date && date <= *to,
        ([_, _], None) => unknown,
        _ => true,
    };
    // a refusal of which no recipient or no purpose is understood is not limited by them
    let covers = |key: &str, word: &str, all: &[&str]| {
        names(paper, key, word) || (unknown && says_nothing(&paper[key], all))
    };
    covers("recipients", text(q, "recipient_role"), &RECIPIENTS)
        && covers("purposes", text(q, "purpose"), &PURPOSES)
        && organisation
        && within
}

/// Whether no word of a list is one of these, nor all of them.
fn says_nothing(list: &Value, all: &[&str]) -> bool {
    !words(list)
        .iter()
        .any(|word| *word == "*" || all.contains(word))
}

/// Whether this paper permits the class here.
fn permits_by(q: &Value, paper: &Value, class: &str) -> bool {
    let c = &q["context"];
    let kind = text(paper, "kind");
    let tie_ended = match text(q, "recipient_role") {
        "parent" => !intact(q, "parental_rights"),
        "guardian" => !intact(q, "guardianship"),
        _ => false,
    };
    let under_it = c["received_under"].is_string() && c["received_under"] == paper["id"];
    is_sound(q, paper)
        && !tie_ended
        && !under_it
        && matches(q, paper, false)
        && words(&paper["classes"]).contains(&class)
        && signer_is_accepted(q, kind, class, text(paper, "grantor"))
        && kind_opens(q, kind, class)
}

/// The kinds of the papers that permit the class.
pub fn permits(q: &Value, class: &str) -> BTreeSet<&'static str> {
    let counting = papers(q).iter().filter(|paper| permits_by(q, paper, class));
    counting
        .filter_map(|paper| KINDS.iter().find(|kind| **kind == text(paper, "kind")))
        .copied()
        .collect()
}

/// Whether the holder got the data under a TPO consent that is still in force.
pub fn received_under_tpo_in_force(q: &Value) -> bool {
    let under = text(&q["context"], "received_under");
    papers(q).iter().any(|paper| {
        !under.is_empty()
            && text(paper, "id") == under
            && text(paper, "kind") == "part2_tpo"
            && is_sound(q, paper)
            && words(&paper["classes"]).contains(&"sud_part2")
            && signer_is_accepted(q, "part2_tpo", "sud_part2", text(paper, "grantor"))
    })
}

/// A refusal counts from anyone who could sign the permit, and from a co-holder.
fn may_refuse(q: &Value, class: &str, grantor: &str) -> bool {
    let own = grantor == "self" || grantor == "youth";
    let parental = ["parent", "guardian", "youth_and_parent"].contains(&grantor);
    let shared = ["sud_part2", "sud_counseling_notes", "dv_information"].contains(&class);
    let tie = match grantor {
        "parent" => intact(q, "parental_rights"),
        "guardian" => intact(q, "guardianship"),
        _ => false,
    };
    let doubtful = may_be_dead(q) && !deceased(q);
    let unclear = !is_adult(q) && !is_minor(q);
    may_sign(q, class, grantor)
        || (grantor == "tribe" && class == "tribal_confidential")
        || (grantor == "reporter" && class == "reporter_identity")
        || (grantor == "youth_attorney" && q["subject"]["dependent"] == true)
        || (own && !lives(q))
        || (doubtful && grantor == "personal_representative")
        || (unclear && (own || parental))
        || (doubtful && parental && !is_adult(q))
        || (own && is_minor(q) && (shared || class == "sogi"))
        || (tie && is_minor(q) && shared && !minor_consented(q, class))
}

fn refusal_stands(q: &Value, paper: &Value) -> bool {
    let about = &paper["subject_id"];
    let date = |key: &str| paper[key].as_str();
    // Without any date it stands and never ends.
    let from = date("start").or(date("signed"));
    let ended = from
        .zip(date("end"))
        .is_some_and(|(from, end)| from <= end && is_over(q, end));
    // Whoever does not say that they permit may mean to refuse.
    text(paper, "type") != "permit"
        && (paper["status"].is_null() || paper["status"] == "active")
        && (about.is_null() || *about == q["subject"]["id"])
        && !date("revoked").is_some_and(|when| has_come(q, when))
        && from.is_none_or(|from| has_come(q, from))
        && !ended
}

/// Whether a later paper that stands itself retires this refusal for the class.
fn is_retired(q: &Value, refusal: &Value, class: &str) -> bool {
    let id = text(refusal, "id");
    let later = |paper: &&Value| {
        words(&paper["supersedes"]).contains(&id)
            && !std::ptr::eq(*paper, refusal)
            && paper["signed"].is_string()
            && refusal["signed"].is_string()
            && text(paper, "signed") >= text(refusal, "signed")
    };
    papers(q).iter().filter(later).any(|paper| {
        let (kind, grantor) = (text(paper, "kind"), text(paper, "grantor"));
        let retired = || {
            papers(q).iter().any(|other| {
                !std::ptr::eq(other, paper)
                    && words(&other["supersedes"]).contains(&text(paper, "id"))
            })
        };
        let attorney = kind == "cft_roi" && grantor == "youth_attorney";
        (is_sound(q, paper) && !attorney && signer_is_accepted(q, kind, class, grantor))
            || (text(paper, "type") == "deny"
                && refusal_stands(q, paper)
                && !retired()
                && may_refuse(q, class, grantor))
    })
}

/// Whether a refusal in force names the class.
pub fn refused(q: &Value, class: &str) -> bool {
    papers(q).iter().any(|paper| {
        let excepted = || {
            papers(q).iter().any(|permit| {
                text(permit, "exception_to") == text(paper, "id")
                    && words(&permit["classes"]).contains(&class)
                    && permits_by_its_kind(q, permit, class)
            })
        };
        refusal_stands(q, paper)
            && matches(q, paper, true)
            && (names(paper, "classes", class) || says_nothing(&paper["classes"], &CLASSES))
            && may_refuse(q, class, text(paper, "grantor"))
            && !is_retired(q, paper, class)
            && !excepted()
    })
}

/// An exception inside a refusal is judged as the permit it is.
fn permits_by_its_kind(q: &Value, permit: &Value, class: &str) -> bool {
    permits_by(q, permit, class)
}
