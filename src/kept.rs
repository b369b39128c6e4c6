//! What the store keeps as release reads it, and what release decides as the store keeps it.
//!
//! Sends, retries and pulls all go through here, so that none of them has a reading of its own.
//! It decides nothing.

pub mod aging;
mod audience;
mod by_person;
mod declared;
mod readied;
mod received;

pub use audience::audience;
pub use by_person::ByPerson;
pub use declared::declared_with;
pub use readied::{Readied, Toward, release_stored};

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, PersonId, RecordId};
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::{ClassSet, DataClass, SourceRole};
use crate::catalog::partner::Partner;
use crate::disclosure::facts::{Facts, Flag, Flags};
use crate::disclosure::review::{Review, ReviewAsked};
use crate::record::Record;
use crate::record::labels::Origin;
use crate::record::whereabouts::{Protections, lines};
use crate::release::{
    HeldConsent, HeldFact, Hold, Kept, Narrower, Outgoing, Received, SinceLodged, Taken,
    derived_from, opened, read_paper,
};
use crate::rules::Rules;
use crate::store::{
    ConsentUsed, DecisionRecord, DecisionRow, FactUsed, HoldCause, HouseholdFact, KeptOutput,
    LookAsked, ProtectionAsk, Store, StoreError, StoredConsent, StoredFact, StoredRecord,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Consents of the store as release reads them.
pub fn held(consents: &[StoredConsent]) -> Vec<HeldConsent<'_>> {
    consents.iter().map(held_one).collect()
}

/// Facts of the store as release reads them.
pub fn held_facts(facts: &[StoredFact]) -> Vec<HeldFact<'_>> {
    facts.iter().map(fact_one).collect()
}

fn fact_one(fact: &StoredFact) -> HeldFact<'_> {
    HeldFact {
        id: &fact.fact_id,
        asserter: &fact.partner,
        subject: fact.subject,
        ended_at: fact.ended_at,
        revision: fact.revision,
        body: &fact.body,
    }
}

fn held_one(consent: &StoredConsent) -> HeldConsent<'_> {
    HeldConsent {
        id: &consent.consent_id,
        lodger: &consent.partner,
        subject: consent.subject,
        revoked_at: consent.revoked_at,
        revision: consent.revision,
        since: SinceLodged {
            confirmed: &consent.confirmed,
            ended_on: consent.ended_on,
            used: consent.used.map(|used| (used.delivery, used.at)),
        },
        body: &consent.body,
    }
}

/// Keys of a stored record's persons and who they are.
pub fn persons(stored: &StoredRecord) -> Vec<(String, PersonId)> {
    let each = stored.persons.iter();
    each.map(|person| (person.key.clone(), person.person))
        .collect()
}

/// The newest record the lodger of a consent has itself handed in about the person, and the
/// person's place in it.
///
/// # Errors
/// When the store fails.
pub async fn lodgers_record(
    store: &Store,
    consent: &StoredConsent,
) -> Result<Option<(Record, usize)>, StoreError> {
    own_record(store, consent.subject, &consent.partner).await
}

/// The newest record a partner has itself handed in about a person, and the person's place in it.
///
/// # Errors
/// When the store fails.
pub async fn own_record(
    store: &Store,
    subject: PersonId,
    partner: &PartnerId,
) -> Result<Option<(Record, usize)>, StoreError> {
    let found = store.newest_about(subject, partner).await?;
    Ok(found.and_then(|stored| {
        let mut persons = stored.persons.iter();
        let key = &persons.find(|person| person.person == subject)?.key;
        let record = opened(&stored.record_type, &stored.payload)?;
        let mut entries = record.persons().iter();
        let at = entries.position(|entry| entry.text("key") == Some(key))?;
        Some((record, at))
    }))
}

/// What the registry has on the persons of some records.
#[derive(Default)]
pub struct OnFile {
    /// Their consents.
    pub consents: Vec<StoredConsent>,
    /// What partners assert of them.
    pub facts: Vec<StoredFact>,
    /// What partners assert of others of their households, and of whom it bears on.
    household: Vec<HouseholdFact>,
    /// What records say of where they live, in live traffic and in test traffic.
    live: Protections,
    test: Protections,
    /// How senders of records got what they hand on, where they were given it here.
    received: HashMap<(RecordId, Digest), Vec<Received>>,
    /// Records that had to be read to find it.
    read: HashMap<(RecordId, Digest), Record>,
}

impl OnFile {
    /// It, found by person.
    pub fn by_person(&self) -> ByPerson<'_> {
        ByPerson::new(&self.consents, &self.facts)
    }

    /// How the sender of a record got what it hands on, where it was given it here.
    pub fn received(&self, stored: &StoredRecord) -> &[Received] {
        let found = self.received.get(&(stored.record_id, stored.version));
        found.map_or(&[], Vec::as_slice)
    }

    /// What is asserted of others of the households of a record's persons, and of whom it bears on.
    fn housemates(&self, stored: &StoredRecord) -> Vec<(PersonId, HeldFact<'_>)> {
        let bears = |of: &PersonId| stored.persons.iter().any(|own| own.person == *of);
        let each = self.household.iter().flat_map(|fact| {
            let of = fact.of.iter().filter(|of| bears(of));
            of.map(|of| (*of, fact_one(&fact.fact)))
        });
        each.collect()
    }

    /// Its consents but for the revisions lodged from an instant on.
    pub fn consents_before(&self, at: Timestamp) -> Vec<StoredConsent> {
        let earlier = self.consents.iter().filter(|one| one.lodged_at < at);
        earlier.cloned().collect()
    }

    /// Consents that were taken back count as never given, at whatever instant is asked about.
    pub fn take_back_throughout(&mut self) {
        for consent in &mut self.consents {
            if consent.revoked_at.is_some() || revoked_by_its_words(&consent.body) {
                consent.revoked_at = Some(Timestamp(0));
            }
        }
    }
}

/// Whether the paper itself says that it was revoked.
fn revoked_by_its_words(body: &Sensitive<Vec<u8>>) -> bool {
    read_paper(body).is_some_and(|consent| consent.revoked.is_some())
}

/// The persons of some records, each once.
fn persons_of<'a>(records: impl Iterator<Item = &'a StoredRecord>) -> Vec<PersonId> {
    let persons = records.flat_map(|record| &record.persons);
    let mut persons: Vec<PersonId> = persons.map(|person| person.person).collect();
    persons.sort_unstable();
    persons.dedup();
    persons
}

/// What partners asserted of the persons of these records as it stood before an instant.
///
/// # Errors
/// When the store fails.
pub async fn facts_before<'a>(
    store: &Store,
    records: impl Iterator<Item = &'a StoredRecord>,
    at: Timestamp,
) -> Result<Vec<StoredFact>, StoreError> {
    store.facts_before(&persons_of(records), at).await
}

/// Reads what the registry has on the persons of these records.
///
/// # Errors
/// When the store fails.
pub async fn on_file<'a>(
    store: &Store,
    records: impl Iterator<Item = &'a StoredRecord> + Clone,
) -> Result<OnFile, StoreError> {
    let persons = persons_of(records.clone());
    let mut found = OnFile {
        consents: store.consents_of(&persons).await?,
        facts: store.facts_of(&persons).await?,
        household: store.household_facts(&persons).await?,
        ..OnFile::default()
    };
    let ids: Vec<RecordId> = records.clone().map(|stored| stored.record_id).collect();
    let known = store.sources_of(&ids).await?;
    for stored in records.clone() {
        let mut ids = derived_from(
            &stored.record_type,
            &stored.source_record_id,
            &stored.payload,
        );
        // Also what an earlier version of it named: a correction does not make it another thing.
        ids.extend(known.get(&stored.record_id).into_iter().flatten());
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            continue;
        }
        let given = store.given_to(&stored.partner, &ids).await?;
        let received = received::of(&given, stored, &found.consents);
        let key = (stored.record_id, stored.version);
        found.received.insert(key, received);
    }
    if !store.protects_anybody().await? {
        return Ok(found);
    }
    for (test, out) in [(false, &mut found.live), (true, &mut found.test)] {
        let lane: Vec<&StoredRecord> = records.clone().filter(|r| r.test == test).collect();
        if lane.is_empty() {
            continue;
        }
        let mut asked = ProtectionAsk {
            test,
            persons: persons.clone(),
            lines: Vec::new(),
        };
        for stored in lane {
            if let Some(record) = opened(&stored.record_type, &stored.payload) {
                asked.lines.extend(lines(&record));
                found
                    .read
                    .insert((stored.record_id, stored.version), record);
            }
        }
        *out = store.protections(asked).await?;
    }
    Ok(found)
}

/// The classes a stored record holds by itself, before anybody is asked: for those who look at why
/// it waits. Empty when its payload cannot be read.
pub fn classes_held(rules: &Rules, stored: &StoredRecord) -> ClassSet {
    let source = rules.partners.get(&stored.partner);
    let source = source.and_then(Partner::source_role);
    let origin = Origin {
        part2_program: source == Some(SourceRole::SudProgram),
        part2_consent: false,
        dv_program: source == Some(SourceRole::DvProgram),
    };
    let Some(record) = opened(&stored.record_type, &stored.payload) else {
        return ClassSet::EMPTY;
    };
    let asked = rules.labels.label(&record, origin).asked();
    let each = asked.into_values();
    each.fold(ClassSet::EMPTY, ClassSet::union)
}

/// Why a record waits for a person, as the store keeps it.
pub fn hold_cause(hold: Hold) -> HoldCause {
    match hold {
        Hold::OutputInvalid => HoldCause::OutputInvalid,
        Hold::HumanReview => HoldCause::HumanReview,
        Hold::ObligationOpen => HoldCause::ObligationOpen,
        Hold::VocabularyUnknown => HoldCause::VocabularyUnknown,
    }
}

/// What is released, as the store keeps it with the authorisation of the attempt.
pub fn output(outgoing: &Outgoing) -> KeptOutput {
    KeptOutput {
        bytes: outgoing.bytes().clone(),
        media_type: outgoing.media_type().to_owned(),
        released_paths: outgoing.released_paths().to_vec(),
        along: outgoing.along(),
    }
}

/// What is released now as it went the first time: the kept bytes, if all that is in them may
/// still go.
///
/// # Errors
/// When the decision releases less, or with other notices, copies or obligations.
pub fn once_more(outgoing: Outgoing, kept: &KeptOutput) -> Result<Outgoing, Narrower> {
    let KeptOutput {
        bytes,
        media_type,
        released_paths,
        along,
    } = kept.clone();
    outgoing.again(Kept::of_store(bytes, media_type, released_paths, along))
}

/// A decision as ledger and accounting keep it: what was decided, and everything the policies
/// looked at, so that it can be taken again.
pub fn decision_record(taken: &Taken) -> DecisionRecord {
    let mut sets: Vec<Flags> = Vec::new();
    let rows = taken.rows.iter().map(|row| {
        let known = sets.iter().position(|set| *set == row.facts);
        let facts = known.unwrap_or_else(|| {
            sets.push(row.facts);
            sets.len() - 1
        });
        DecisionRow {
            person: row.person,
            data_class: row.data_class.to_owned(),
            verdict: row.verdict,
            citation: row.citation.clone(),
            facts,
        }
    });
    let rows = rows.collect();
    let consents = taken.consents.iter().map(|seen| ConsentUsed {
        lodger: seen.lodger.clone(),
        consent_id: seen.id.clone(),
        revision: seen.revision,
    });
    let asserted = taken.asserted.iter().map(|seen| FactUsed {
        asserter: seen.asserter.clone(),
        fact_id: seen.id.clone(),
        revision: seen.revision,
    });
    let names = |set: &Flags| set.iter().map(|flag| flag.name().to_owned()).collect();
    DecisionRecord {
        rule_set: taken.rule_set.clone(),
        at: taken.at,
        purpose: taken.purpose.clone(),
        recipient_role: taken.recipient_role.clone(),
        source_role: taken.source_role.clone(),
        rows,
        facts: sets.iter().map(names).collect(),
        consents: consents.collect(),
        asserted: asserted.collect(),
        standing_unknown: taken.standing_unknown,
        obligations: taken.obligations.iter().map(|o| (*o).to_owned()).collect(),
        reviews: taken.reviews.iter().map(asked_to_look).collect(),
        citations: taken.citations.clone(),
        open: taken.open.iter().map(|o| (*o).to_owned()).collect(),
    }
}

fn asked_to_look(asked: &ReviewAsked) -> LookAsked {
    LookAsked {
        by: asked.by.to_string(),
        before: asked.when == Review::Before,
    }
}

/// Who asked that a person looks at what was decided, by the rules of then.
pub fn recorded_reviews(decision: &DecisionRecord) -> Vec<ReviewAsked> {
    let asked = decision.reviews.iter().map(|asked| ReviewAsked {
        by: Arc::from(asked.by.as_str()),
        when: match asked.before {
            true => Review::Before,
            false => Review::After,
        },
    });
    asked.collect()
}

/// What was asked when a recorded row was decided: the closed facts and the class. `None` when a
/// word of it is not this engine's.
pub fn recorded_question(
    decision: &DecisionRecord,
    row: &DecisionRow,
) -> Option<(Facts, DataClass)> {
    let names = decision.facts.get(row.facts)?;
    let flags = names.iter().map(|name| Flag::named(name));
    let facts = Facts {
        source: decision.source_role.parse().ok()?,
        recipient: decision.recipient_role.parse().ok()?,
        purpose: decision.purpose.parse().ok()?,
        flags: flags.collect::<Option<Flags>>()?,
    };
    Some((facts, row.data_class.parse().ok()?))
}
