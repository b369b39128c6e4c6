//! Several papers of one document, lodged, shown and ended together.
//!
//! They stand in the registry under ids made from the document's: its own for the first, `#1`,
//! `#2` and so on behind it for the others. While a set is being replaced nothing is ever open that
//! neither the old nor the new set opens: new refusals come first, then permits that are gone end,
//! then new permits come, and refusals that are gone end last.

use super::answer::{Call, store_failed};
use super::capture::Capture;
use super::consent_state::paper;
use super::consents::{Lodged, lodge, person_of};
use super::forms::errors;
use super::lodging::{self, Identifier, LODGING, Lodging, Paper};
use super::problem::{Problem, STATE_CONFLICT};
use crate::base::finding::Finding;
use crate::base::id::{ConsentId, PartnerId};
use crate::disclosure::request::Direction;
use crate::store::StoredConsent;
use serde_json::{Map, Value, json};

/// The most papers ever kept under one document's id.
const SLOTS_MAX: usize = 64;

/// One paper of a document on its way in.
pub struct Member {
    /// Whether it is an exception inside the first paper's refusal.
    pub except: bool,
    /// The members of `consent` in the registry's form.
    pub paper: Map<String, Value>,
}

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
    /// Whether it has not been revoked.
    pub fn live(&self) -> bool {
        self.stored.revoked_at.is_none()
    }

    /// Whether a new revision of it would be taken.
    fn stands(&self) -> bool {
        self.live() && self.stored.ended_on.is_none()
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
/// error level instead when one would not be taken.
pub fn checked(
    call: &Call,
    (system, value): &(String, String),
    members: Vec<Member>,
) -> Result<Vec<Sheet>, Vec<Finding>> {
    let now = call.site.clock.now();
    let mut sheets = Vec::with_capacity(members.len());
    for member in members {
        let document = json!({
            "subject": {"system": system, "value": value},
            "consent": member.paper,
        });
        let bytes = document.to_string().into_bytes();
        let (tree, mut findings) = LODGING.read(&bytes);
        if let Some(tree) = &tree {
            lodging::check(tree, now, &mut findings);
        }
        if let Some(findings) = errors(&bytes, findings) {
            return Err(findings);
        }
        let Ok(Lodging { consent, .. }) = serde_json::from_slice(&bytes) else {
            return Err(Vec::new());
        };
        sheets.push(Sheet {
            except: member.except,
            paper: consent,
            capture: None,
        });
    }
    Ok(sheets)
}

/// Lodges a document's papers in place of those it had; what it no longer has ends. In the order
/// of their ids.
pub async fn replace(
    call: &Call,
    id: &str,
    subject: &Identifier,
    sheets: Vec<Sheet>,
) -> Result<Vec<Lodged>, Problem> {
    let held = slots(call, id).await?;
    if held.first().is_some_and(|first| !first.stands()) {
        let detail = "this consent was revoked or has ended: lodge a newly signed one under an id \
                      of its own";
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
    end(
        call,
        id,
        gone(&held, &numbers).filter(|slot| slot.permits()),
    )
    .await?;
    take(call, (id, subject), opening, &mut lodged).await?;
    end(
        call,
        id,
        gone(&held, &numbers).filter(|slot| !slot.permits()),
    )
    .await?;
    lodged.sort_by_key(|(number, _)| *number);
    Ok(lodged.into_iter().map(|(_, lodged)| lodged).collect())
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

/// What still stands and is not among the kept numbers.
fn gone<'a>(held: &'a [Slot], keep: &'a [usize]) -> impl Iterator<Item = &'a Slot> {
    held.iter()
        .filter(|slot| slot.live() && !keep.contains(&slot.number))
}

/// Revokes these.
async fn end<'a>(
    call: &Call,
    id: &str,
    these: impl Iterator<Item = &'a Slot>,
) -> Result<(), Problem> {
    let partner = call.partner()?.id.clone();
    let now = call.site.clock.now();
    for slot in these {
        let id = slot_id(id, slot.number);
        let change = call
            .site
            .store
            .revoke_consent(&partner, &id, now, &call.correlation);
        change.await.map_err(|error| store_failed(&error))?;
    }
    Ok(())
}

/// Ends all papers of a document; permits before the refusals around them.
pub async fn end_all(call: &Call, id: &str) -> Result<(), Problem> {
    let held = slots(call, id).await?;
    if held.is_empty() {
        return Err(Problem::not_found());
    }
    end(call, id, gone(&held, &[]).filter(|slot| slot.permits())).await?;
    end(call, id, gone(&held, &[]).filter(|slot| !slot.permits())).await
}
