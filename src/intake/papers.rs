//! The papers a submission's records name: consents of the registry that are in force now.
//!
//! Only what admission asks of a paper is kept of it. A paper is of the person it was lodged for,
//! in the lane it was lodged in: a test consent is of nobody real.

use super::Refusal;
use super::admission::{OPERATOR_ID, Paper, Papers};
use super::prepare::identifiers;
use super::read::Reading;
use crate::base::clock::Timestamp;
use crate::base::id::{ConsentId, PersonId};
use crate::base::vocabulary::ConsentKind;
use crate::catalog::Partner;
use crate::catalog::partner::Mode;
use crate::disclosure::moment::Now;
use crate::disclosure::request::{Clock, Context, Subject};
use crate::format::Node;
use crate::kept::held;
use crate::record::Record;
use crate::release::registry_papers;
use crate::rules::Rules;
use crate::store::{NewIdentifier, Store, StoredConsent};
use std::collections::{BTreeMap, BTreeSet};

/// Papers looked up for one submission or chunk; more are as if they were not there.
const PAPERS_MAX: usize = 500;

/// A consent in force, and whose it is.
struct Found {
    kind: ConsentKind,
    names_operator: bool,
    subject: PersonId,
}

/// Persons that identifiers lead the sender to.
type Led = BTreeMap<String, BTreeSet<PersonId>>;

/// Looks up every consent the records name, as the sender lodged it, and which of the record's
/// persons it is of. Who the persons are is asked only where a paper may let a record in.
pub(super) async fn look_up(
    store: &Store,
    rules: &Rules,
    reading: &Reading,
    (partner, now): (&Partner, Timestamp),
) -> Result<Papers, Refusal> {
    let mut found = BTreeMap::new();
    for id in all_named(reading).into_iter().take(PAPERS_MAX) {
        let consent_id = ConsentId::new(id);
        let stored = store.get_consent(&partner.id, &consent_id).await;
        if let Some(paper) = stored
            .map_err(Refusal::Store)?
            .and_then(|c| in_force(rules, &c, now))
        {
            found.insert(id, paper);
        }
    }
    if found.is_empty() {
        return Ok(Papers::new());
    }
    let whose = |person: &Node| identifiers(person, partner, &rules.sources.statewide);
    let letting_in = records(reading).filter(|(_, record)| {
        let papers = named(record).filter_map(|id| found.get(id));
        papers.into_iter().any(|paper| paper.names_operator)
    });
    let persons = letting_in.flat_map(|(_, record)| record.persons());
    let texts = persons.flat_map(whose).map(|given| given.text).collect();
    let led = led(store, partner, &texts).await?;
    let of_record = |(index, record): (u32, &Record)| {
        let persons = record.persons().iter();
        let persons: Vec<_> = persons.map(|person| who(&whose(person), &led)).collect();
        let papers = named(record).filter_map(|id| found.get(id));
        let papers = papers.map(|paper| paper.of_record(&persons)).collect();
        (index, papers)
    };
    Ok(records(reading).map(of_record).collect())
}

impl Found {
    /// As a paper of a record whose persons are these, by position.
    fn of_record(&self, persons: &[Option<PersonId>]) -> Paper {
        let own = (0..=u16::MAX).zip(persons);
        let own = own.filter(|(_, person)| **person == Some(self.subject));
        Paper {
            kind: self.kind,
            names_operator: self.names_operator,
            of: own.map(|(at, _)| at).collect(),
        }
    }
}

async fn led(store: &Store, partner: &Partner, texts: &BTreeSet<String>) -> Result<Led, Refusal> {
    if texts.is_empty() {
        return Ok(Led::new());
    }
    let test = partner.mode == Mode::Test;
    let led = store.persons_seen_by(&partner.id, texts, test).await;
    led.map_err(Refusal::Store)
}

/// The one person these identifiers lead to; nobody when they lead to several.
fn who(identifiers: &[NewIdentifier], led: &Led) -> Option<PersonId> {
    let all = identifiers.iter().filter_map(|given| led.get(&given.text));
    let all: BTreeSet<PersonId> = all.flatten().copied().collect();
    all.first().copied().filter(|_| all.len() == 1)
}

fn records(reading: &Reading) -> impl Iterator<Item = (u32, &Record)> {
    let records = reading.records.iter();
    records.filter_map(|read| Some((read.index, read.record.as_ref()?)))
}

/// Ids of the consents a record names.
fn named(record: &Record) -> impl Iterator<Item = &str> {
    let list = record.envelope().and_then(|e| e.get("consent_refs"));
    let ids = list.map(Node::items).unwrap_or_default();
    ids.iter().filter_map(Node::as_str)
}

fn all_named(reading: &Reading) -> BTreeSet<&str> {
    records(reading)
        .flat_map(|(_, record)| named(record))
        .collect()
}

/// The paper, if it permits and counts at `now`, by the same judgement as any consent.
fn in_force(rules: &Rules, stored: &StoredConsent, now: Timestamp) -> Option<Found> {
    let held = held(std::slice::from_ref(stored));
    let consents = registry_papers(&held, stored.subject);
    let context = Context {
        now: Clock::At(Now::at(now)),
        ..Context::default()
    };
    let nobody = Subject::default();
    let counts = rules.policy.in_force(&nobody, &context, &consents);
    let mut counting = consents.into_iter().zip(counts);
    let consent = counting.find(|(_, counts)| *counts)?.0;
    let ids = consent.recipient_ids.as_ref();
    Some(Found {
        kind: consent.kind.known()?,
        names_operator: ids.is_some_and(|ids| ids.hold(OPERATOR_ID)),
        subject: stored.subject,
    })
}
