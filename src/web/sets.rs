//! Several papers of one document, lodged, shown and ended together.
//!
//! They stand in the registry under ids made from the document's: its own for the first, `#1`,
//! `#2` and so on behind it for the others. While a set is being replaced nothing is ever open that
//! neither the old nor the new set opens: refusals come first, then what is gone ends, then
//! permits.

use super::answer::{Call, store_failed};
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
    /// Permit or deny.
    pub direction: Direction,
    /// Whether it is an exception inside the first paper's refusal.
    pub except: bool,
    /// The members of `consent` in the registry's form.
    pub paper: Map<String, Value>,
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

    fn direction(&self) -> Option<Direction> {
        self.paper.get("type")?.as_str()?.parse().ok()
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
        let paper = paper(&stored);
        slots.push(Slot {
            number,
            stored,
            paper,
        });
    }
    Ok(slots)
}

/// Every paper of the document a stored paper is of, in the order in which they may end: permits
/// before the refusals around them.
pub async fn whole(call: &Call, of: StoredConsent) -> Result<Vec<StoredConsent>, Problem> {
    let id = document(of.consent_id.as_str());
    let mut set = slots_of(call, &of.partner, id).await?;
    set.sort_by_key(|slot| slot.direction() != Some(Direction::Permit));
    let mut set: Vec<StoredConsent> = set.into_iter().map(|slot| slot.stored).collect();
    if !set.iter().any(|one| one.registry_id == of.registry_id) {
        set.push(of);
    }
    Ok(set)
}

/// The id of the document a paper of this id is of.
fn document(id: &str) -> &str {
    match id.rsplit_once('#') {
        Some((document, number)) if number.parse::<usize>().is_ok() => document,
        _ => id,
    }
}

/// The papers in the registry's own type, checked as if each had been sent by itself; findings at
/// error level instead when one would not be taken.
pub fn checked(
    call: &Call,
    subject: &(String, String),
    members: &[Member],
) -> Result<Vec<Paper>, Vec<Finding>> {
    let now = call.site.clock.now();
    let mut papers = Vec::with_capacity(members.len());
    for member in members {
        let document = json!({
            "subject": {"system": subject.0, "value": subject.1},
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
        papers.push(consent);
    }
    Ok(papers)
}

/// Lodges a document's papers in place of those it had; what it no longer has ends.
pub async fn replace(
    call: &Call,
    id: &str,
    (system, value): (String, String),
    members: Vec<Member>,
    papers: Vec<Paper>,
) -> Result<Vec<Lodged>, Problem> {
    let subject = Identifier { system, value };
    let held = slots(call, id).await?;
    if held.first().is_some_and(|first| !first.live()) {
        let detail = "this consent was revoked: lodge a newly signed one under an id of its own";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    if let Some(first) = held.first() {
        // Before anything of it changes.
        belongs(call, first, &subject).await?;
    }
    let numbers = assign(&held, &members);
    if numbers.iter().any(|number| *number >= SLOTS_MAX) {
        let detail = "this consent was replaced too often: lodge it under an id of its own";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    let mut waiting: Vec<(usize, Member, Paper)> = numbers
        .iter()
        .copied()
        .zip(members)
        .zip(papers)
        .map(|((number, member), paper)| (number, member, paper))
        .collect();
    waiting.sort_by_key(|(number, member, _)| (member.direction == Direction::Permit, *number));
    let mut lodged = Vec::with_capacity(waiting.len());
    let mut ended = false;
    for (number, member, mut paper) in waiting {
        if member.direction == Direction::Permit && !ended {
            end(call, id, &held, &numbers).await?;
            ended = true;
        }
        if member.except {
            paper.excepts(id);
        }
        lodged.push(lodge(call, &slot_id(id, number), paper, (&subject, None)).await?);
    }
    if !ended {
        end(call, id, &held, &numbers).await?;
    }
    Ok(lodged)
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
fn assign(held: &[Slot], members: &[Member]) -> Vec<usize> {
    let mut taken = vec![0];
    let mut next = held.len().max(1);
    let mut numbers = Vec::with_capacity(members.len());
    for (at, member) in members.iter().enumerate() {
        if at == 0 {
            numbers.push(0);
            continue;
        }
        let free = held.iter().find(|slot| {
            slot.live()
                && slot.direction() == Some(member.direction)
                && !taken.contains(&slot.number)
        });
        let number = free.map_or(next, |slot| slot.number);
        next += usize::from(free.is_none());
        taken.push(number);
        numbers.push(number);
    }
    numbers
}

/// Revokes what still stands and is not among the kept numbers.
async fn end(call: &Call, id: &str, held: &[Slot], keep: &[usize]) -> Result<(), Problem> {
    let partner = call.partner()?.id.clone();
    let now = call.site.clock.now();
    let gone = held
        .iter()
        .filter(|slot| slot.live() && !keep.contains(&slot.number));
    for slot in gone {
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
    let refusals: Vec<usize> = held
        .iter()
        .filter(|slot| slot.direction() != Some(Direction::Permit))
        .map(|slot| slot.number)
        .collect();
    end(call, id, &held, &refusals).await?;
    end(call, id, &held, &[]).await
}
