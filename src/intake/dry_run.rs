//! A dry run: what would be accepted, and what each recipient would be given. Nothing is stored.
//!
//! It decides as the road does, on what the sender itself says: this record, and the consents and
//! facts it lodged for persons the registry already knows. It tells of recipients the sender named
//! alone.
//!
//! It must never tell what others lodged, asserted or protect, by what it says or by what it leaves
//! out: whoever asks twice learns nothing of anybody else's word, so the road may let less go, or
//! more.

use super::admission::Sender;
use super::hotline::{self, Hotline};
use super::prepare::identifiers;
use super::{Admitted, Inbound, Refusal, admitted, told};
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::id::{ChannelId, PartnerId, PersonId, RecordId, RecordType};
use crate::catalog::partner::Mode;
use crate::catalog::statewide::Statewide;
use crate::disclosure::Plain;
use crate::kept::{held, held_facts};
use crate::record::whereabouts::Protections;
use crate::record::{Record, version};
use crate::release::candidates::{Ties, candidates};
use crate::release::{
    FamilyPapers, ObligationSet, ReleaseInput, SenderRow, SenderTold, family_names,
    known_to_sender, rehearsed,
};
use crate::rules::Rules;
use crate::store::Store;

/// What a submission would come to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DryRun {
    /// SHA-256 of the body.
    pub digest: Digest,
    /// Whom to call, when a report among them has to be made by phone first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotline: Option<Hotline>,
    /// Record by record.
    pub records: Vec<DryRecord>,
}

/// What one record would come to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DryRecord {
    /// Position in the submission.
    pub index: u32,
    /// Its type, when it can be read.
    pub record_type: Option<RecordType>,
    /// `accepted`, `held` or `rejected`.
    pub status: &'static str,
    /// Everything found.
    pub findings: Vec<Finding>,
    /// Who would be asked about, and what they would be given; nobody while it is held.
    pub recipients: Vec<DryRecipient>,
}

/// What one recipient would be given.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DryRecipient {
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// `released`, `withheld` or `held`.
    pub outcome: &'static str,
    /// JSON pointers of what would go, in the canonical record.
    pub released: Vec<String>,
    /// Why, person by person and class by class.
    pub trace: Vec<DryRow>,
    /// Everything owed.
    pub obligations: Vec<&'static str>,
    /// Everything cited.
    pub citations: Vec<String>,
}

/// One class of one person.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DryRow {
    /// The person's key in the record.
    pub person: String,
    /// The class.
    pub data_class: &'static str,
    /// `permit`, `withhold` or `not-releasable`.
    pub effect: &'static str,
    /// What is cited first.
    pub citation: String,
    /// Why, in plain words; nothing where that is not the sender's to know.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Plain>,
}

/// Reads, admits and decides a small submission without storing anything.
///
/// # Errors
/// As [`super::accept`], where nothing is stored anyway.
pub async fn dry_run(store: &Store, rules: &Rules, inbound: Inbound) -> Result<DryRun, Refusal> {
    let Admitted {
        partner,
        channel,
        reading,
        papers,
        body_digest,
    } = admitted(store, rules, &inbound).await?;
    let sender = Sender {
        partner,
        channel,
        papers: &papers,
        now: inbound.received_at,
    };
    if reading.records.is_empty() {
        return Err(Refusal::Nothing(told(reading)));
    }
    let broken = reading.findings.iter().any(Finding::is_error);
    let mut records = Vec::with_capacity(reading.records.len());
    for read in &reading.records {
        let record = read.record.as_ref().filter(|_| !broken);
        let recipients = match record.filter(|_| read.hold.is_none()) {
            Some(record) => recipients(store, rules, &sender, record).await?,
            None => Vec::new(),
        };
        records.push(DryRecord {
            index: read.index,
            record_type: record.map(|record| record.record_type.clone()),
            status: match (record, read.hold) {
                (None, _) => "rejected",
                (Some(_), Some(_)) => "held",
                (Some(_), None) => "accepted",
            },
            findings: read.findings.clone(),
            recipients,
        });
    }
    let by_phone = hotline::is_due(records.iter().flat_map(|record| &record.findings));
    Ok(DryRun {
        digest: body_digest,
        hotline: by_phone.then(|| Hotline::of(rules, &partner.id)),
        records,
    })
}

async fn recipients(
    store: &Store,
    rules: &Rules,
    sender: &Sender<'_>,
    record: &Record,
) -> Result<Vec<DryRecipient>, Refusal> {
    let test = sender.partner.mode == Mode::Test;
    let source = &sender.partner.id;
    let persons = persons(store, &rules.sources.statewide, sender, record).await?;
    let known: Vec<PersonId> = persons.iter().map(|(_, person)| *person).collect();
    // What others lodged or said of these persons is not read: it would be heard in the time.
    let consents = store.consents_by(source, &known).await;
    let consents = consents.map_err(Refusal::Store)?;
    let facts = store.facts_by(source, &known).await;
    let facts = facts.map_err(Refusal::Store)?;
    let (held, facts) = (held(&consents), held_facts(&facts));
    let named = family_names(
        rules,
        &FamilyPapers {
            record,
            persons: &persons,
            source,
            consents: &held,
            facts: &facts,
            now: sender.now,
        },
    );
    let ties = Ties {
        record,
        sender: source,
        test,
        named_by_family: &named,
    };
    let mut out = Vec::new();
    for candidate in candidates(&rules.partners, &ties) {
        let Some(recipient) = rules.partners.get(&candidate.partner) else {
            continue;
        };
        let Some(channel) = recipient.channel(&candidate.channel) else {
            continue;
        };
        if !known_to_sender(recipient, source, record) {
            continue;
        }
        let input = ReleaseInput {
            record,
            record_id: RecordId(version(&record.root).half()),
            persons: &persons,
            source: sender.partner,
            recipient,
            channel,
            test,
            reviewed: false,
            done: ObligationSet::default(),
            emergency: None,
            consents: &held,
            facts: &facts,
            housemates: &[],
            protections: &Protections::default(),
            received: &[],
            now: sender.now,
        };
        let way = (candidate.partner, candidate.channel);
        out.push(shown(rules, way, rehearsed(rules, &input), &persons));
    }
    Ok(out)
}

/// The persons the record's identifiers lead to; one nobody knows gets an id of this run.
async fn persons(
    store: &Store,
    statewide: &Statewide,
    sender: &Sender<'_>,
    record: &Record,
) -> Result<Vec<(String, PersonId)>, Refusal> {
    let mut out = Vec::new();
    for person in record.persons() {
        let Some(key) = person.text("key") else {
            continue;
        };
        let mut found = None;
        for identifier in identifiers(person, sender.partner, statewide) {
            if found.is_none() {
                let test = sender.partner.mode == Mode::Test;
                let partner = &sender.partner.id;
                let known = store.person_seen_by(partner, &identifier.text, test).await;
                found = known.map_err(Refusal::Store)?;
            }
        }
        let stranger = PersonId(Digest::of_parts(&[b"dry-run", key.as_bytes()]).half());
        out.push((key.to_owned(), found.unwrap_or(stranger)));
    }
    Ok(out)
}

/// As JSON tells it; persons by their keys in the record.
fn shown(
    rules: &Rules,
    (partner, channel): (PartnerId, ChannelId),
    told: SenderTold,
    persons: &[(String, PersonId)],
) -> DryRecipient {
    DryRecipient {
        partner,
        channel,
        outcome: told.outcome,
        released: told.released,
        trace: dry_rows(rules, told.rows, persons),
        obligations: told.obligations,
        citations: told.citations,
    }
}

/// The rows a sender is told, with their reasons.
pub fn dry_rows(
    rules: &Rules,
    rows: Vec<SenderRow>,
    persons: &[(String, PersonId)],
) -> Vec<DryRow> {
    let key = |person: PersonId| {
        let found = persons.iter().find(|(_, known)| *known == person);
        found.map(|(key, _)| key.clone()).unwrap_or_default()
    };
    let each = rows.into_iter().map(|row| DryRow {
        person: key(row.person),
        data_class: row.data_class,
        effect: row.effect,
        citation: row.citation,
        reason: row.policies.map(|policies| rules.policy.plain(&policies)),
    });
    each.collect()
}
