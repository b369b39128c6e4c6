//! The full trace of a decision: policies and their words, facts, consents, what would open what
//! stays. For privacy officers and auditors alone, who say why they look; the look stands in the
//! ledger before a line is shown.
//!
//! It must never show a value of a record: persons are told by their keys and ids, facts by name.

use super::answer::{Call, Outcome, store_failed};
use super::disclosures::reason;
use super::problem::Problem;
use super::work::act;
use crate::base::id::{DeliveryId, DisclosureId, PersonId};
use crate::base::vocabulary::{ClassSet, Verdict};
use crate::disclosure::Policy;
use crate::disclosure::facts::Flags;
use crate::disclosure::review::ReviewAsked;
use crate::kept::{recorded_question, recorded_reviews};
use crate::release::{PaperLook, PersonLook, ReleaseInput, Taken, TakenRow, look};
use crate::rules::Rules;
use crate::store::{ConsentUsed, FactUsed, PastDecision, StoredRecord};
use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the ledger calls such a look.
pub const LOOKED: &str = "decision_read";

/// What officers are told of a decision of this moment, beside what a sender is.
pub fn trace_now(rules: &Rules, input: &ReleaseInput<'_>, taken: &Taken) -> Map<String, Value> {
    let mut asked: BTreeMap<PersonId, ClassSet> = BTreeMap::new();
    for row in &taken.rows {
        if let Ok(class) = row.data_class.parse() {
            asked.entry(row.person).or_default().insert(class);
        }
    }
    let asked: Vec<(PersonId, ClassSet)> = asked.into_iter().collect();
    let looks = look(rules, input, &asked);
    let all = taken.rows.iter().map(|row| row.facts);
    let facts = all.fold(Flags::NONE, Flags::union);
    let rows = taken
        .rows
        .iter()
        .map(|row| now_row(rules, input, &looks, row));
    let papers = looks.iter().flat_map(|one| {
        let key = key_of(input.persons, one.person);
        one.papers.iter().map(move |paper| paper_told(key, paper))
    });
    let mut out = Map::new();
    out.insert("trace".to_owned(), rows.collect());
    out.insert("facts".to_owned(), facts_told(&rules.policy, facts));
    out.insert("consents".to_owned(), papers.collect());
    out.insert(
        "reviews".to_owned(),
        looks_told(Some(&rules.policy), &taken.reviews),
    );
    out
}

/// Who asked that a person looks, in the words of these rules.
pub fn looks_told(policy: Option<&Policy>, asked: &[ReviewAsked]) -> Value {
    let each = asked.iter().map(|one| match policy {
        Some(policy) => json!(policy.asked_in_words(one)),
        None => json!(one),
    });
    each.collect()
}

fn now_row(rules: &Rules, input: &ReleaseInput<'_>, looks: &[PersonLook], row: &TakenRow) -> Value {
    let own = looks.iter().filter(|one| one.person == row.person);
    let mut seen = own.flat_map(|one| &one.classes);
    let seen = seen.find(|seen| seen.class.as_str() == row.data_class);
    let mut told = row_told(&rules.policy, (row.data_class, row.verdict), &row.policies);
    if let Some(members) = told.as_object_mut() {
        let key = key_of(input.persons, row.person);
        let unlock = seen.and_then(|seen| seen.unlock.as_ref());
        members.insert("person".to_owned(), json!(key));
        members.insert("citation".to_owned(), json!(row.citation));
        members.insert("facts".to_owned(), names(row.facts));
        members.insert("unlock".to_owned(), json!(unlock));
    }
    told
}

fn key_of(persons: &[(String, PersonId)], person: PersonId) -> Option<&str> {
    let found = persons.iter().find(|(_, known)| *known == person);
    found.map(|(key, _)| key.as_str())
}

fn row_told(policy: &Policy, (class, verdict): (&str, Verdict), by: &[Arc<str>]) -> Value {
    let plain = policy.plain(by);
    json!({
        "data_class": class,
        "effect": verdict,
        "policies": by,
        "reason": plain.reason,
        "reason_es": plain.reason_es,
        "es_machine_draft": plain.es_machine_draft,
    })
}

fn names(facts: Flags) -> Value {
    facts.iter().map(|flag| json!(flag.name())).collect()
}

fn facts_told(policy: &Policy, facts: Flags) -> Value {
    let each = facts.iter().map(|flag| {
        let phrase = policy.fact(flag);
        json!({ "fact": flag.name(), "en": phrase.en, "es": phrase.es })
    });
    each.collect()
}

fn paper_told(key: Option<&str>, paper: &PaperLook) -> Value {
    json!({
        "person": key,
        "lodger": paper.lodger,
        "consent_id": paper.id,
        "revision": paper.revision,
        "counts": paper.counts,
        "en": paper.why.en,
        "es": paper.why.es,
    })
}

/// What was decided last of a delivery, or of a record in a pull, with the rules of then.
pub async fn past(call: &Call) -> Outcome {
    let store = &call.site.store;
    let named = call.part("id");
    let source = DeliveryId::parse(named).map(|id| id.0);
    let source = source.or_else(|| DisclosureId::parse(named).map(|id| id.0));
    let source = source.ok_or_else(Problem::not_found)?;
    let found = store.past_decision(source).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let found = found.ok_or_else(Problem::not_found)?;
    let act = act(call, reason(call)?)?;
    let noted = store.record_operator_action(act, LOOKED, named);
    noted.await.map_err(|error| store_failed(&error))?;
    let kept = store.rule_set(&found.decision.rule_set).await;
    let kept = kept.map_err(|error| store_failed(&error))?;
    let record = store.record(found.record_id).await;
    let record = record.map_err(|error| store_failed(&error))?;
    let rules = call.site.rules.load();
    let other;
    let policy = if found.decision.rule_set == rules.digest {
        Some(&rules.policy)
    } else {
        let bytes = kept.as_deref().unwrap_or_default();
        other = Rules::policy_of_kept(&found.decision.rule_set, bytes).ok();
        other.as_ref()
    };
    Ok(HttpResponse::Ok().json(told(policy, &found, record.as_ref())))
}

/// A recorded decision, its rows asked once more of the rules of then.
fn told(policy: Option<&Policy>, found: &PastDecision, record: Option<&StoredRecord>) -> Value {
    let decision = &found.decision;
    let mut facts = Flags::NONE;
    let mut as_recorded = policy.is_some();
    let mut rows = Vec::with_capacity(decision.rows.len());
    for row in &decision.rows {
        let again = policy.zip(recorded_question(decision, row));
        let again = again.map(|(policy, (asked, class))| {
            facts = facts.union(asked.flags);
            (policy, policy.replay(decision.at, &asked, class))
        });
        as_recorded &= again
            .as_ref()
            .is_some_and(|(_, again)| again.verdict == row.verdict);
        let by = again.as_ref().map(|(_, again)| &*again.policies);
        let key = record.and_then(|record| {
            let mut persons = record.persons.iter();
            let known = persons.find(|known| known.person == row.person);
            known.map(|known| known.key.as_str())
        });
        let mut told = match (policy, by) {
            (Some(policy), Some(by)) => row_told(policy, (&row.data_class, row.verdict), by),
            _ => json!({ "data_class": row.data_class, "effect": row.verdict }),
        };
        if let Some(members) = told.as_object_mut() {
            members.insert("person".to_owned(), json!(key));
            members.insert("person_id".to_owned(), json!(row.person));
            members.insert("citation".to_owned(), json!(row.citation));
            let held = decision.facts.get(row.facts);
            members.insert("facts".to_owned(), json!(held));
        }
        rows.push(told);
    }
    json!({
        "source": found.named,
        "record_id": found.record_id,
        "partner": found.partner,
        "channel": found.channel,
        "state": found.state,
        "at": decision.at.to_rfc3339(),
        "purpose": decision.purpose,
        "source_role": decision.source_role,
        "recipient_role": decision.recipient_role,
        "rule_set": decision.rule_set,
        "as_recorded": as_recorded,
        "trace": rows,
        "facts": policy.map(|policy| facts_told(policy, facts)),
        "consents": decision.consents.iter().map(consent_used).collect::<Vec<_>>(),
        "registry_facts": decision.asserted.iter().map(fact_used).collect::<Vec<_>>(),
        "obligations": decision.obligations,
        "reviews": looks_told(policy, &recorded_reviews(decision)),
        "open": decision.open,
        "citations": decision.citations,
    })
}

fn consent_used(used: &ConsentUsed) -> Value {
    json!({
        "lodger": used.lodger,
        "consent_id": used.consent_id,
        "revision": used.revision,
    })
}

fn fact_used(used: &FactUsed) -> Value {
    json!({
        "asserter": used.asserter,
        "fact_id": used.fact_id,
        "revision": used.revision,
    })
}
