//! Writing records: which are new, which duplicates, which corrections, who they are about.
//!
//! Used by the small submission (visible at once) and by the chunks of a batch (visible when the
//! batch is sealed). Everything goes in multi-row statements.

use super::heads::{Heads, NewVersion, Novelty};
use super::identity::{Origin, People};
use super::model::{Action, DeliveryState, HoldCause, NewSubmission, NewWorkItem, RecordStatus};
use super::prepare::PreparedRecord;
use super::recall;
use super::route::{WorkOf, work_insert, work_row};
use super::script::{Answers, At, Script};
use super::sql::{Cell, Fault, Insert, row};
use super::transition::{Moves, moves};
use super::whereabouts::Statements;
use super::writer::Tx;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::finding_codes::{RECORD_REPEATED, SUPERSEDED_UNKNOWN};
use crate::base::id::RecordId;
use crate::outbox::Event;
use std::sync::LazyLock;

/// Records of one submission.
pub(super) struct Part<'a> {
    pub(super) head: &'a NewSubmission,
    pub(super) records: &'a [PreparedRecord],
    /// Sealed findings of the head's rejected ones, in order.
    pub(super) rejected: &'a [Option<Vec<u8>>],
    /// Whether they may be seen once this transaction commits.
    pub(super) visible: bool,
}

/// What became of one record.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    pub(super) status: RecordStatus,
    pub(super) record_id: RecordId,
    pub(super) row_id: [u8; 16],
    pub(super) commitment: Digest,
    pub(super) hold: Option<HoldCause>,
    /// It takes back what never came: nothing of it goes out.
    baseless: bool,
    /// What is told of it.
    pub(super) findings: Vec<Finding>,
}

/// All inserts of one staging.
struct Rows {
    /// When it happens.
    now: Timestamp,
    versions: Insert,
    keys: Insert,
    verdicts: Insert,
    persons: Insert,
    routes: Insert,
    work: Insert,
    sources: Insert,
    whereabouts: Statements,
    superseded: Vec<[u8; 16]>,
    corrected: Vec<RecordId>,
}

impl Rows {
    fn new(now: Timestamp) -> Rows {
        Rows {
            now,
            versions: Insert::new(
                "INSERT INTO record_version (row_id, record_id, revision, version, content, \
                 record_type, partner, channel, submission_id, correlation_id, test, void, \
                 held_until, received_at, received_month, county_fips, service_source, case_key, \
                 commitment, meta, payload) VALUES",
                "",
            ),
            keys: Insert::new(
                "INSERT INTO record_key (row_id, partner, key_id, wrapped) VALUES",
                "",
            ),
            verdicts: Insert::new(
                "INSERT INTO submission_record (submission_id, record_index, status, correction, \
                 hold, record_id, row_id, findings) VALUES",
                "",
            ),
            persons: Insert::new(
                "INSERT INTO record_person (row_id, ordinal, person, focus, own) VALUES",
                "",
            ),
            routes: Insert::new("INSERT INTO route_work (row_id, queued_at) VALUES", ""),
            work: work_insert(),
            sources: Insert::new(
                "INSERT INTO record_source (record_id, source) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            whereabouts: Statements::new(now),
            superseded: Vec::new(),
            corrected: Vec::new(),
        }
    }

    fn save(self, tx: &mut Tx) {
        let inserts = [
            self.versions,
            self.keys,
            self.verdicts,
            self.persons,
            self.routes,
            self.work,
            self.sources,
        ];
        for insert in inserts {
            insert.add_to(&mut tx.writes);
        }
        self.whereabouts.save(&mut tx.writes, &self.superseded);
        supersede(tx, &self.corrected, &self.superseded);
    }
}

/// The number a status is stored as.
pub(super) const fn status_code(status: RecordStatus) -> i64 {
    match status {
        RecordStatus::Accepted => 0,
        RecordStatus::Duplicate => 1,
        RecordStatus::Rejected => 2,
        RecordStatus::Held => 3,
    }
}

/// The status of a stored number.
pub(super) fn status_of(code: i64) -> Result<RecordStatus, Fault> {
    match code {
        0 => Ok(RecordStatus::Accepted),
        1 => Ok(RecordStatus::Duplicate),
        2 => Ok(RecordStatus::Rejected),
        3 => Ok(RecordStatus::Held),
        _ => Err(Fault::Damaged("a record status is unknown")),
    }
}

/// The word a cause is stored as.
pub(super) fn cause_word(cause: HoldCause) -> String {
    match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The cause of a stored word.
pub(super) fn cause_of(word: &str) -> Result<HoldCause, Fault> {
    serde_json::from_value(serde_json::Value::from(word))
        .map_err(|_| Fault::Damaged("a hold cause is unknown"))
}

/// What must be known before records are written, asked in one trip with other questions.
pub(super) struct Asked {
    heads: At,
    people: At,
}

/// Asks what must be known to write the records of these parts.
pub(super) fn ask(asks: &mut Script, parts: &[Part<'_>]) -> Asked {
    let records = parts.iter().flat_map(|part| part.records);
    let identifiers = records
        .flat_map(|record| &record.persons)
        .flat_map(|person| person.identifiers.iter().map(|(id, _)| *id))
        .collect();
    Asked {
        heads: Heads::ask(asks, parts),
        people: People::ask(asks, identifiers),
    }
}

/// Reads what is known and puts the records of all parts, in order, to what is to be written.
pub(super) async fn stage(tx: &mut Tx, parts: &[Part<'_>]) -> Result<Vec<Vec<Staged>>, Fault> {
    let mut asks = Script::default();
    let asked = ask(&mut asks, parts);
    let mut answers = tx.ask(asks).await?;
    write(tx, parts, (&asked, &mut answers))
}

/// Puts the records of all parts, in order, to what is to be written.
pub(super) fn write(
    tx: &mut Tx,
    parts: &[Part<'_>],
    (asked, answers): (&Asked, &mut Answers),
) -> Result<Vec<Vec<Staged>>, Fault> {
    let mut heads = Heads::learn(&answers.take(&asked.heads))?;
    let mut people = People::learn(&answers.take(&asked.people))?;
    let judged: Vec<Vec<Novelty>> = parts.iter().map(|part| heads.judge(part)).collect();
    heads.save(&mut tx.writes);
    let mut rows = Rows::new(tx.now());
    let mut out = Vec::with_capacity(parts.len());
    for (part, judged) in parts.iter().zip(judged) {
        let staged = part
            .records
            .iter()
            .zip(judged)
            .map(|(record, new)| stage_one(&mut rows, &mut people, part, record, new))
            .collect::<Result<_, Fault>>()?;
        stage_rejected(&mut rows, part);
        out.push(staged);
    }
    people.save(&mut tx.writes);
    rows.save(tx);
    Ok(out)
}

fn stage_one(
    rows: &mut Rows,
    people: &mut People,
    part: &Part<'_>,
    record: &PreparedRecord,
    novelty: Novelty,
) -> Result<Staged, Fault> {
    let (staged, corrects) = match novelty {
        Novelty::Duplicate(known) => {
            let staged = Staged {
                status: RecordStatus::Duplicate,
                record_id: known.record_id,
                row_id: known.row_id,
                commitment: known.commitment,
                hold: None,
                baseless: false,
                findings: record.findings.clone(),
            };
            (staged, false)
        }
        Novelty::New(new) => {
            // A small submission is compared whole before it comes here; of a long batch what came
            // too far before is found only now.
            let contradicted = new.contradicts && !part.visible;
            let contradicted = contradicted.then_some(HoldCause::RecordContradicted);
            let hold = stage_persons(rows, people, part, record)
                .or(record.hold)
                .or(contradicted);
            push_version(rows, part, record, (&new, hold.is_some()));
            if part.visible && !new.replaces.is_empty() {
                rows.superseded.extend(&new.replaces);
                rows.corrected.push(new.record_id);
            }
            let status = match hold {
                Some(_) => RecordStatus::Held,
                None => RecordStatus::Accepted,
            };
            let staged = Staged {
                status,
                record_id: new.record_id,
                row_id: record.row_id,
                commitment: record.commitment,
                hold,
                baseless: record.action == Action::Void && !new.corrects,
                findings: findings(record, &new),
            };
            (staged, new.corrects)
        }
    };
    rows.verdicts.push(row![
        part.head.submission_id.0,
        record.index,
        status_code(staged.status),
        corrects,
        staged.hold.map(cause_word),
        staged.record_id.0,
        staged.row_id,
        sealed_findings(record, &staged)?,
    ]);
    if part.visible {
        push_queue(rows, part.head, &staged);
    }
    Ok(staged)
}

/// The findings as stored: sealed beforehand, unless more is told than was known then.
fn sealed_findings(record: &PreparedRecord, staged: &Staged) -> Result<Option<Vec<u8>>, Fault> {
    if staged.status == RecordStatus::Duplicate {
        return Ok(record.findings_repeated.clone());
    }
    if staged.findings.len() == record.findings.len() {
        return Ok(record.findings_sealed.clone());
    }
    super::findings::seal_own(&record.data_key, &record.row_id, &staged.findings)
}

/// What is told of a record, the earlier one it speaks of looked up.
fn findings(record: &PreparedRecord, new: &NewVersion) -> Vec<Finding> {
    let unknown = |finding: &&Finding| match finding.code.as_ref() {
        code if code == SUPERSEDED_UNKNOWN.code => new.superseded_unknown,
        _ => new.replaces.is_empty(),
    };
    let earlier = record.earlier.iter().filter(unknown);
    let mut out: Vec<Finding> = record.findings.iter().chain(earlier).cloned().collect();
    if new.repeated && record.action != Action::Void {
        let mut told = Finding::new(&RECORD_REPEATED);
        told.record_index = Some(record.index);
        out.push(told);
    }
    out
}

/// Joins the record's persons; a cause to hold it when one of them is ambiguous.
fn stage_persons(
    rows: &mut Rows,
    people: &mut People,
    part: &Part<'_>,
    record: &PreparedRecord,
) -> Option<HoldCause> {
    let origin = Origin {
        partner: &part.head.partner,
        visible: part.visible,
        submission: part.head.submission_id,
        test: part.head.test,
        now: rows.now,
    };
    let mut hold = None;
    for (ordinal, person) in record.persons.iter().enumerate() {
        let joined = people.join(person, &origin);
        if joined.ambiguous {
            hold = Some(HoldCause::IdentityAmbiguous);
        }
        let own = joined.own.map(|own| own.0);
        let row = row![record.row_id, ordinal, joined.person.0, person.focus, own];
        rows.persons.push(row);
        rows.whereabouts.person(record, ordinal, joined.person);
    }
    rows.whereabouts.lines(record);
    hold
}

fn push_version(
    rows: &mut Rows,
    part: &Part<'_>,
    record: &PreparedRecord,
    (new, held): (&NewVersion, bool),
) {
    let head = part.head;
    for source in &record.sources {
        rows.sources.push(row![new.record_id.0, source.0]);
    }
    rows.versions.push(row![
        record.row_id,
        new.record_id.0,
        new.revision,
        new.version,
        record.content,
        record.record_type.as_str(),
        head.partner.as_str(),
        head.channel.as_str(),
        head.submission_id.0,
        head.correlation_id.as_str(),
        head.test,
        record.action == Action::Void,
        if held { i64::MAX } else { 0 },
        head.received_at,
        head.received_at.month(),
        record.county_fips.as_deref(),
        record.service_source.as_deref(),
        record.case_key,
        record.commitment,
        record.meta.as_slice(),
        record.payload.as_slice(),
    ]);
    rows.keys.push(row![
        record.row_id,
        head.partner.as_str(),
        record.key_id,
        record.wrapped.as_slice(),
    ]);
}

/// Work for the router, or for a person.
fn push_queue(rows: &mut Rows, head: &NewSubmission, staged: &Staged) {
    match (staged.status, staged.hold) {
        (RecordStatus::Accepted, _) if staged.baseless => {}
        (RecordStatus::Accepted, _) => {
            rows.routes.push(row![staged.row_id, head.received_at]);
        }
        (RecordStatus::Held, Some(cause)) => {
            let whose = (&head.partner, head.test);
            let of = WorkOf::version(whose, (staged.record_id, staged.row_id));
            let item = NewWorkItem::plain(cause);
            rows.work.push(work_row(&item, &of, head.received_at));
        }
        _ => {}
    }
}

fn stage_rejected(rows: &mut Rows, part: &Part<'_>) {
    for (rejected, findings) in part.head.rejected.iter().zip(part.rejected) {
        rows.verdicts.push(row![
            part.head.submission_id.0,
            rejected.index,
            status_code(RecordStatus::Rejected),
            false,
            None::<String>,
            None::<[u8; 16]>,
            None::<[u8; 16]>,
            findings.clone(),
        ]);
    }
}

/// Older deliveries of corrected records, by the outbox.
pub(super) fn superseding() -> String {
    let Moves { set, from } = moves(Event::Supersede, &DeliveryState::ALL);
    format!(
        "UPDATE delivery SET {set}, updated_at = ? \
         WHERE {from} AND recall_of IS NULL AND record_id IN"
    )
}

static SUPERSEDING: LazyLock<String> = LazyLock::new(superseding);

/// Older versions that were replaced are neither routed, nor delivered, nor looked at any more.
/// Only what is authorised may be under way and is left to end.
fn supersede(tx: &mut Tx, records: &[RecordId], older: &[[u8; 16]]) {
    if older.is_empty() {
        return;
    }
    let now = [Cell::from(tx.now())];
    let older = || older.iter().map(|row| Cell::from(*row));
    let records = || records.iter().map(|id| Cell::from(id.0));
    let writes = &mut tx.writes;
    writes.keys(("DELETE FROM route_work WHERE row_id IN", ""), &[], older());
    // The old rows are all rows of these records but those this transaction brought.
    writes.keys((SUPERSEDING.as_str(), ""), &now, records());
    writes.keys((recall::VOIDED, recall::VOIDED_TAIL), &now, records());
    // What has gone is looked at whatever came after it.
    let close = "UPDATE work_item SET state = 1, resolution = 'superseded', resolved_at = ? \
                 WHERE +state = 0 AND due_at IS NULL AND emergency_id IS NULL AND row_id IN";
    writes.keys((close, ""), &now, older());
}
