//! Several papers of one document, lodged, shown and ended together.
//!
//! They stand in the registry under ids made from the document's: its own for the first, `#1`,
//! `#2` and so on behind it for the others. While a set is being replaced nothing is ever open that
//! neither the old nor the new set opens: new refusals come first, then permits that are gone end,
//! then new permits come, and refusals that are gone end last.

use super::answer::{Call, store_failed};
use super::capture::Capture;
use super::consent_state::paper;
use super::consents::{Lodged, changed, lodge, person_of};
use super::forms::errors;
use super::lodging::{self, Identifier, LODGING, Lodging, Paper};
use super::problem::{Problem, STATE_CONFLICT};
use crate::base::finding::Finding;
use crate::base::finding_codes::SCHEMA_TYPE_MISMATCH;
use crate::base::id::{ConsentId, PartnerId, RegistryId};
use crate::disclosure::request::Direction;
use crate::store::{ConsentEnd, Ending, StoredConsent};
use serde_json::{Map, Value, json};

/// The most papers ever kept under one document's id.
const SLOTS_MAX: usize = 64;

/// One paper of a document, checked.
pub struct Sheet {
    /// Whether it is an exception inside the first paper's refusal.
    pub except: bool,
    /// The paper itself.
    pub paper: Paper,
    /// How it was taken, where that is told.
    pub capture: Option<Capture>,
}

/// One paper of a document as it is kept.
pub struct Slot {
    /// 0 for the document's first paper.
    pub number: usize,
    /// As the store has it.
    pub stored: StoredConsent,
    /// The paper itself.
    pub paper: Value,
}

impl Slot {
    /// Whether it stands: not revoked, not ended, not used up.
    pub fn stands(&self) -> bool {
        !self.stored.is_over()
    }

    /// Whether something may still go on it: attempts of the one delivery that used it do.
    fn may_count(&self) -> bool {
        !self.stored.is_ended()
    }

    fn direction(&self) -> Option<Direction> {
        self.paper.get("type")?.as_str()?.parse().ok()
    }

    fn permits(&self) -> bool {
        self.direction() == Some(Direction::Permit)
    }
}

/// The id of a paper of a document.
fn slot_id(id: &str, number: usize) -> ConsentId {
    match number {
        0 => ConsentId::new(id),
        more => ConsentId::new(&format!("{id}#{more}")),
    }
}

/// All papers of the calling partner's document, the first one first; none when there is no such
/// document.
pub async fn slots(call: &Call, id: &str) -> Result<Vec<Slot>, Problem> {
    let partner = call.partner()?.id.clone();
    slots_of(call, &partner, id).await
}

/// As [`slots`], of a lodger.
async fn slots_of(call: &Call, lodger: &PartnerId, id: &str) -> Result<Vec<Slot>, Problem> {
    let mut slots = Vec::new();
    for number in 0..SLOTS_MAX {
        let slot = slot_id(id, number);
        let found = call.site.store.get_consent(lodger, &slot).await;
        let Some(stored) = found.map_err(|error| store_failed(&error))? else {
            break;
        };
        slots.push(numbered(stored));
    }
    Ok(slots)
}

/// Every paper of the document a stored paper is of, in the order in which they may end: permits
/// before the refusals around them.
pub async fn whole(call: &Call, of: StoredConsent) -> Result<Vec<StoredConsent>, Problem> {
    let id = document(of.consent_id.as_str());
    let mut set = slots_of(call, &of.partner, id).await?;
    set.sort_by_key(|slot| !slot.permits());
    let mut set: Vec<StoredConsent> = set.into_iter().map(|slot| slot.stored).collect();
    if !set.iter().any(|one| one.registry_id == of.registry_id) {
        set.push(of);
    }
    Ok(set)
}

/// The id of the document a paper of this id is of.
pub fn document(id: &str) -> &str {
    place(id).0
}

/// The same, and which of its papers it is.
fn place(id: &str) -> (&str, usize) {
    let split = id.rsplit_once('#');
    let split = split.and_then(|(document, number)| Some((document, number.parse().ok()?)));
    split.unwrap_or((id, 0))
}

/// A stored paper in its place.
pub fn numbered(stored: StoredConsent) -> Slot {
    Slot {
        number: place(stored.consent_id.as_str()).1,
        paper: paper(&stored),
        stored,
    }
}

/// The papers in the registry's own type, checked as if each had been sent by itself; findings at
/// error level instead when one would not be taken. Of each is said whether it is an exception
/// inside the first paper's refusal, and the members of `consent` in the registry's form.
pub fn checked(
    call: &Call,
    (system, value): &(String, String),
    members: impl Iterator<Item = (bool, Map<String, Value>)>,
) -> Result<Vec<Sheet>, Vec<Finding>> {
    let now = call.site.clock.now();
    let mut sheets = Vec::new();
    for (at, (except, paper)) in members.enumerate() {
        let document = json!({
            "subject": {"system": system, "value": value},
            "consent": paper,
        });
        let bytes = document.to_string().into_bytes();
        let (tree, mut findings) = LODGING.read(&bytes);
        if let Some(tree) = &tree {
            lodging::check(tree, now, &mut findings);
        }
        if let Some(findings) = errors(&bytes, findings) {
            let here = findings.into_iter().map(|finding| of_paper(at, finding));
            return Err(here.collect());
        }
        let Ok(Lodging { consent, .. }) = serde_json::from_slice(&bytes) else {
            return Err(vec![of_paper(at, Finding::new(&SCHEMA_TYPE_MISMATCH))]);
        };
        sheets.push(Sheet {
            except,
            paper: consent,
            capture: None,
        });
    }
    Ok(sheets)
}

/// What is told of one of a document's papers: which one it is, from 0, and what of it. Where it
/// stood is nothing the sender has seen.
pub fn of_paper(at: usize, finding: Finding) -> Finding {
    Finding {
        path: format!("/papers/{at}{}", finding.path),
        line: None,
        column: None,
        ..finding
    }
}

/// A document's papers as they were lodged.
pub struct Replaced {
    /// In the order of their ids, the document's first paper first.
    pub lodged: Vec<Lodged>,
    /// Whether there was no document of that id before.
    pub new: bool,
}

/// Lodges a document's papers in place of those it had; what it no longer has ends.
pub async fn replace(
    call: &Call,
    id: &str,
    subject: &Identifier,
    sheets: Vec<Sheet>,
) -> Result<Replaced, Problem> {
    let held = slots(call, id).await?;
    if held.first().is_some_and(|first| !first.stands()) {
        let detail = "this consent was revoked, has ended or is used up: lodge a newly signed one \
                      under an id of its own";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    // Before anything of several changes; of one the store says it.
    if let Some(first) = held.first().filter(|_| held.len() > 1 || sheets.len() > 1) {
        belongs(call, first, subject).await?;
    }
    let numbers = assign(&held, &sheets);
    if numbers.iter().any(|number| *number >= SLOTS_MAX) {
        let detail = "this consent was replaced too often: lodge it under an id of its own";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    let mut waiting: Vec<(usize, Sheet)> = numbers.iter().copied().zip(sheets).collect();
    // Where the first paper was a refusal, what it kept closed goes before it.
    let permits = |sheet: &Sheet| sheet.paper.direction() == Direction::Permit;
    waiting.sort_by_key(|(number, sheet)| (permits(sheet), *number == 0, *number));
    let refusals = waiting.iter().filter(|(_, sheet)| !permits(sheet)).count();
    let opening = waiting.split_off(refusals);
    let mut lodged = Vec::with_capacity(numbers.len());
    take(call, (id, subject), waiting, &mut lodged).await?;
    end(call, gone(&held, &numbers).filter(|slot| slot.permits())).await?;
    take(call, (id, subject), opening, &mut lodged).await?;
    end(call, gone(&held, &numbers).filter(|slot| !slot.permits())).await?;
    lodged.sort_by_key(|(number, _)| *number);
    Ok(Replaced {
        lodged: lodged.into_iter().map(|(_, lodged)| lodged).collect(),
        new: held.is_empty(),
    })
}

/// Lodges papers, each at its place.
async fn take(
    call: &Call,
    (id, subject): (&str, &Identifier),
    sheets: Vec<(usize, Sheet)>,
    lodged: &mut Vec<(usize, Lodged)>,
) -> Result<(), Problem> {
    for (number, sheet) in sheets {
        let mut paper = sheet.paper;
        if sheet.except {
            paper.excepts(id);
        }
        let taken = (subject, sheet.capture);
        lodged.push((
            number,
            lodge(call, &slot_id(id, number), paper, taken).await?,
        ));
    }
    Ok(())
}

/// Whether a document that is kept is that person's.
async fn belongs(call: &Call, first: &Slot, subject: &Identifier) -> Result<(), Problem> {
    let person = person_of(call, subject).await?;
    if person == first.stored.subject {
        return Ok(());
    }
    let detail = "this consent is another person's: lodge it under an id of its own";
    Err(Problem::new(&STATE_CONFLICT, detail))
}

/// Where each paper goes: the first to the first place, the others to places of papers of the same
/// direction that still stand, or behind all.
fn assign(held: &[Slot], sheets: &[Sheet]) -> Vec<usize> {
    let mut taken = vec![0];
    let mut next = held.len().max(1);
    let mut numbers = Vec::with_capacity(sheets.len());
    for (at, sheet) in sheets.iter().enumerate() {
        if at == 0 {
            numbers.push(0);
            continue;
        }
        let free = held.iter().find(|slot| {
            slot.stands()
                && slot.direction() == Some(sheet.paper.direction())
                && !taken.contains(&slot.number)
        });
        let number = free.map_or(next, |slot| slot.number);
        next += usize::from(free.is_none());
        taken.push(number);
        numbers.push(number);
    }
    numbers
}

/// What may still count and is not among the kept numbers.
fn gone<'a>(held: &'a [Slot], keep: &'a [usize]) -> impl Iterator<Item = &'a Slot> {
    held.iter()
        .filter(|slot| slot.may_count() && !keep.contains(&slot.number))
}

/// Revokes these.
async fn end<'a>(call: &Call, these: impl Iterator<Item = &'a Slot>) -> Result<(), Problem> {
    let now = call.site.clock.now();
    let end = ConsentEnd {
        how: Ending::Revoked(now),
        told: None,
        by: call.partner()?.id.clone(),
        act: None,
        at: now,
        correlation_id: call.correlation.clone(),
    };
    let ids = these.map(|slot| slot.stored.registry_id);
    end_each(call, ids, &end).await.map(drop)
}

/// Ends these one by one, and gives the revision each is at. The first that could not be ended is a
/// problem: nobody goes on as if it were.
pub async fn end_each(
    call: &Call,
    these: impl Iterator<Item = RegistryId>,
    end: &ConsentEnd,
) -> Result<Vec<(RegistryId, u32)>, Problem> {
    let mut ended = Vec::new();
    for id in these {
        let change = call.site.store.end_consent(id, end.clone()).await;
        ended.push((id, changed(change.map_err(|error| store_failed(&error))?)?));
    }
    Ok(ended)
}

/// Ends all papers of a document, permits before the refusals around them; whether there is such a
/// document.
pub async fn end_all(call: &Call, id: &str) -> Result<bool, Problem> {
    let held = slots(call, id).await?;
    end(call, gone(&held, &[]).filter(|slot| slot.permits())).await?;
    end(call, gone(&held, &[]).filter(|slot| !slot.permits())).await?;
    Ok(!held.is_empty())
}
