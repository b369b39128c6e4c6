//! A record that was read, made ready for the store.
//!
//! Values are only moved here: identifiers get the scope they hold in, and the version is the
//! digest of all the sender says. Nothing is invented but what the partner file states.

use super::read::ReadRecord;
use crate::base::finding::Finding;
use crate::base::finding_codes::{CELLS_SMALL, SERVICE_SOURCE_UNKNOWN};
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::ServiceSource;
use crate::catalog::Partner;
use crate::catalog::partner::Channel;
use crate::catalog::statewide::Statewide;
use crate::disclosure::CELL_MIN;
use crate::format::{Node, json};
use crate::record::sources::sources;
use crate::record::{Record, cells, version, whereabouts};
use crate::store::{Action, Earlier, NewIdentifier, NewPerson, NewRecord, Reach};
use crate::validate::rules::waits_for_service_source;

/// What an envelope's action says of a record that is taken back.
const VOID: &str = "void";
/// The status that says the same of a record that has one.
const MISTAKEN: &str = "entered-in-error";

fn is_mistaken(record: &Record) -> bool {
    let status = record.body().and_then(|body| body.text("status"));
    status == Some(MISTAKEN)
}

/// Whether a record takes back the one sent before under its id.
pub(super) fn takes_back(record: &Record) -> bool {
    let action = record.envelope().and_then(|it| it.text("action"));
    action == Some(VOID) || is_mistaken(record)
}

/// The record as the store takes it; `None` when it has an error.
pub fn new_record(
    read: &mut ReadRecord,
    partner: &Partner,
    statewide: &Statewide,
) -> Option<NewRecord> {
    let mut record = read.record.take()?;
    let mistaken = is_mistaken(&record);
    if let Some(envelope) = record.root.get_mut("envelope") {
        // The gateway's own id is set at the commit; a sender's idea of it is not kept.
        envelope.remove("record_id");
        if mistaken {
            // What was entered in error takes back what went out before it.
            envelope.set("action", Node::string(VOID));
        }
    }
    let text = |name: &str| record.envelope().and_then(|e| e.text(name));
    let void = text("action") == Some(VOID);
    let mut payload = Vec::new();
    json::write(&record.root, &mut payload);
    Some(NewRecord {
        index: read.index,
        record_type: record.record_type.clone(),
        source_record_id: text("source_record_id")?.to_owned(),
        version: version(&record.root),
        payload: Sensitive::new(payload),
        persons: persons(&record, partner, statewide),
        protected_lines: whereabouts::protected_lines(&record).into_iter().collect(),
        sources: sources(&record, text("source_record_id")?),
        case_ref: text("case_ref")
            .or_else(|| record.body().and_then(|body| body.text("case_number")))
            .map(str::to_owned),
        county_fips: text("county_fips").map(str::to_owned),
        action: if void { Action::Void } else { Action::Upsert },
        service_source: text("service_source").map(str::to_owned),
        findings: read.findings.clone(),
        earlier: Earlier {
            supersedes: text("supersedes").map(str::to_owned),
            findings: std::mem::take(&mut read.earlier),
        },
        hold: read.hold,
    })
}

/// Fills from the partner file what the sender's format left out: the county of jurisdiction, and
/// where the work with the family comes from if the channel declares it.
pub fn complete(record: &mut Record, partner: &Partner, channel: &Channel) {
    let Some(envelope) = record.root.get_mut("envelope") else {
        return;
    };
    let county = partner.county_fips.as_deref();
    let source = channel.service_source.map(ServiceSource::as_str);
    for (name, stated) in [("county_fips", county), ("service_source", source)] {
        if let Some(stated) = stated.filter(|_| envelope.get(name).is_none()) {
            envelope.set(name, Node::string(stated));
        }
    }
}

/// What is told of a record that need not say where the work comes from and does not: it goes on,
/// behind the prevention wall.
pub fn walled_for_silence(record: &Record) -> Option<Finding> {
    let said = record.envelope().and_then(|e| e.get("service_source"));
    let waits = waits_for_service_source(&record.record_type, &record.root);
    (said.is_none() && !waits).then(|| {
        Finding::new(&SERVICE_SOURCE_UNKNOWN)
            .at("/envelope/service_source")
            .saying(
                "the record does not say where the work with the family comes from, and is kept \
                 from child welfare, probation, police and courts"
                    .to_owned(),
            )
    })
}

/// What is told of totals that go to nobody as they stand, because of whom they would tell.
pub fn small_cells(record: &Record) -> Option<Finding> {
    let small = cells::smallest(record).is_some_and(|cell| cell < u64::from(CELL_MIN));
    small.then(|| Finding::new(&CELLS_SMALL).at("/body"))
}

fn persons(record: &Record, partner: &Partner, statewide: &Statewide) -> Vec<NewPerson> {
    let named = |list: &str, key: &str| {
        let refs = record.envelope().and_then(|e| e.get(list));
        let refs = refs.map(Node::items).unwrap_or_default();
        refs.iter().any(|named| named.as_str() == Some(key))
    };
    let persons = record.persons().iter().filter_map(|person| {
        let key = person.text("key")?;
        Some(NewPerson {
            key: key.to_owned(),
            identifiers: identifiers(person, partner, statewide),
            focus: named("subject_refs", key) || named("focus_refs", key),
            whereabouts: whereabouts::stated(person),
        })
    });
    persons.collect()
}

/// How the system of a sender's own identifiers begins.
const OWN: &str = "partner:";

/// An identifier as the registry keeps it: statewide ones and those of a URI system hold
/// everywhere, those of a local name only within the sender's own records.
pub fn scoped_identifier(
    statewide: &Statewide,
    partner: &Partner,
    system: &str,
    value: &str,
) -> NewIdentifier {
    let system = system.trim();
    let value = statewide.compared(system, value);
    // What looks like another sender's own, or where the system ends is unclear, is this one's.
    let everywhere =
        statewide.contains(system) || (system.contains(':') && !system.starts_with(OWN));
    if !everywhere || system.contains('|') {
        return NewIdentifier {
            text: format!("{OWN}{}:{system}|{value}", partner.id),
            reach: Reach::Own,
        };
    }
    let vouched = partner.identifier_authority.iter().any(|own| own == system);
    NewIdentifier {
        text: format!("{system}|{value}"),
        reach: if vouched {
            Reach::Vouched
        } else {
            Reach::Shared
        },
    }
}

/// All identifiers of a person, scoped.
pub(super) fn identifiers(
    person: &Node,
    partner: &Partner,
    statewide: &Statewide,
) -> Vec<NewIdentifier> {
    let scoped = |system: &str, value: &str| scoped_identifier(statewide, partner, system, value);
    let own = statewide.names();
    let own = own.filter_map(|name| Some(scoped(name, person.text(name)?)));
    let listed = person.get("identifiers").map(Node::items);
    let others = listed.unwrap_or_default().iter().filter_map(|identifier| {
        let (system, value) = (identifier.text("system")?, identifier.text("value")?);
        Some(scoped(system, value))
    });
    own.chain(others).collect()
}
