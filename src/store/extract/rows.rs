//! What a job sees, and what it decided about each record: recorded before it can be fetched.
//!
//! A version that cannot be opened ends nothing: it is told as a gap and raises a work item. Rows
//! decided on consents that changed since the job was made must never be recorded.

use super::super::authorise::{decision_insert, decision_row};
use super::super::decision::{self, SealedDecision};
use super::super::epochs::look_counts;
use super::super::keys::{Domain, Keys};
use super::super::model::{
    Extract, ExtractOutcome, ExtractPage, ExtractRow, ExtractRows, ExtractState, ExtractTaken,
    HoldCause, NewWorkItem, RowRef, StoreError, Unreadable,
};
use super::super::open::Opened;
use super::super::route::{WorkOf, work_insert, work_row};
use super::super::sql::{Cell, Columns as _, Fault, Insert, all, first, for_keys, row, run};
use super::super::stage::cause_word;
use super::super::work_items::obligations;
use super::super::writer::{Tx, failed};
use super::super::{Store, open};
use super::{chain, read};
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use sqlx::sqlite::SqliteConnection;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Of which record's decision in which job; the accounting knows a disclosure by it.
pub(super) fn disclosure_id(id: ExtractId, record_id: RecordId) -> DisclosureId {
    let parts: [&[u8]; 2] = [&id.0, &record_id.0];
    DisclosureId(Digest::of_parts(&parts).half())
}

/// The bytes of a row as kept: nobody without the store's key can test a guess.
pub(super) fn output(keys: &Keys, id: DisclosureId, digest: &Digest) -> Digest {
    keys.blind_bytes(Domain::Output, &[&id.0, &digest.0])
}

/// What an item says a pull raised.
const PULL: &str = "pull";

/// A page of a file that was decided.
struct Page {
    extract_id: ExtractId,
    file: u32,
    taken: Vec<Sealed>,
    unreadable: Vec<Unreadable>,
}

/// One decided row, sealed.
struct Sealed {
    record_id: RecordId,
    row: RowRef,
    disclosure_id: DisclosureId,
    decision: SealedDecision,
    outcome: ExtractOutcome,
    /// Owed and not discharged.
    open: Vec<String>,
    /// Of what it adds to the file.
    output: Option<Digest>,
}

impl Store {
    /// Records of one type as of a position, in order of their ids: the newest version of each,
    /// not withdrawn, not held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract_page(&self, page: &ExtractPage) -> Result<ExtractRows, StoreError> {
        const NAME: &str = "extract_page";
        let mut conn = self.reader(NAME).await?;
        let found = page_rows(&mut conn, &self.inner.keys, page).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// Records what a page of a file was decided to be, before the file can be fetched. `false`
    /// when a consent of somebody in it changed after the job was made: nothing is recorded then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_extract_rows(
        &self,
        (extract_id, file): (ExtractId, u32),
        taken: Vec<ExtractTaken>,
        unreadable: Vec<Unreadable>,
    ) -> Result<bool, StoreError> {
        const NAME: &str = "record_extract_rows";
        let taken = taken.into_iter().map(|taken| self.seal(extract_id, taken));
        let taken = taken.collect::<Result<Vec<_>, Fault>>();
        let page = Page {
            extract_id,
            file,
            taken: taken.map_err(|fault| failed(NAME, &fault))?,
            unreadable,
        };
        let inbox = (&self.inner.chunks, NAME);
        self.hand_over(inbox, page, |tx, page| Box::pin(record(tx, page)))
            .await
    }

    fn seal(&self, extract_id: ExtractId, taken: ExtractTaken) -> Result<Sealed, Fault> {
        let keys = &self.inner.keys;
        let disclosure_id = disclosure_id(extract_id, taken.record_id);
        let output = match &taken.outcome {
            ExtractOutcome::Given(given) => Some(output(keys, disclosure_id, &given.digest)),
            ExtractOutcome::Withheld | ExtractOutcome::Held(_) => None,
        };
        Ok(Sealed {
            record_id: taken.record_id,
            row: taken.row,
            disclosure_id,
            decision: decision::seal(keys, &disclosure_id.0, &taken.decision)?,
            outcome: taken.outcome,
            open: taken.decision.open,
            output,
        })
    }
}

async fn page_rows(
    conn: &mut SqliteConnection,
    keys: &Keys,
    page: &ExtractPage,
) -> Result<ExtractRows, Fault> {
    let limit = page.limit.clamp(1, PAGE_ROWS_MAX);
    let selected = select(conn, page, limit).await?;
    let ids: Vec<[u8; 16]> = selected.iter().map(|one| one.row.0).collect();
    let opened = open::records(conn, keys, &ids).await?;
    let handled = handled(conn, (&page.requester, &page.channel), &opened).await?;
    let seen: HashSet<[u8; 16]> = opened.iter().map(|opened| opened.row_id).collect();
    let mut rows: Vec<ExtractRow> = opened
        .into_iter()
        .map(|opened| {
            let handled = handled.get(&opened.row_id).copied().unwrap_or_default();
            ExtractRow {
                row: RowRef(opened.row_id),
                record: opened.record,
                reviewed: handled.reviewed,
                done: handled.done,
            }
        })
        .collect();
    rows.sort_by_key(|row| row.record.record_id);
    // The page ends by what was selected, not by what could be opened.
    let last = selected.last().map(|one| one.record_id);
    let next = last.filter(|_| selected.len() == limit);
    let unopened = selected
        .into_iter()
        .filter(|one| !seen.contains(&one.row.0));
    Ok(ExtractRows {
        rows,
        unreadable: unopened.collect(),
        next,
    })
}

async fn select(
    conn: &mut SqliteConnection,
    page: &ExtractPage,
    limit: usize,
) -> Result<Vec<Unreadable>, Fault> {
    let sql = "SELECT v.row_id, v.record_id FROM record_version v \
               JOIN submission s ON s.submission_id = v.submission_id \
               WHERE v.record_type = ?1 AND v.record_id > ?2 AND s.state = 1 \
               AND s.position < ?3 AND v.test = ?4 AND v.void = 0 AND v.held_until <= ?3 \
               AND NOT EXISTS (SELECT 1 FROM record_version n \
               JOIN submission t ON t.submission_id = n.submission_id \
               WHERE n.record_type = ?1 AND n.record_id = v.record_id AND t.state = 1 \
               AND t.position < ?3 AND (t.position, n.revision) > (s.position, v.revision)) \
               ORDER BY v.record_id LIMIT ?5";
    let after = page.after.map_or([0; 16], |id| id.0);
    let kind = page.record_type.as_str();
    let rows = all(
        conn,
        sql,
        row![kind, after, page.position, page.test, limit],
    )
    .await?;
    let read = rows.iter().map(|row| {
        Ok(Unreadable {
            row: RowRef(row.id(0)?),
            record_id: RecordId(row.id(1)?),
        })
    });
    read.collect()
}

/// What persons have done about a version for a requester.
#[derive(Clone, Copy, Default)]
pub(super) struct Handled {
    /// Looked at it and let it go on.
    pub(super) reviewed: bool,
    /// Obligations they say are done.
    pub(super) done: u32,
}

/// What persons have done about these versions for this requester over this channel: a look while
/// nothing changed since about anybody in it.
pub(super) async fn handled(
    conn: &mut SqliteConnection,
    (requester, channel): (&PartnerId, &ChannelId),
    opened: &[Opened],
) -> Result<HashMap<[u8; 16], Handled>, Fault> {
    let head = "SELECT x.row_id, x.cause = ?, w.detail, w.looked FROM extract_work x \
                JOIN work_item w ON w.work_item_id = x.work_item_id \
                WHERE x.requester = ? AND x.channel = ? AND x.cause IN (?, ?) AND +w.state = 1 \
                AND w.resolution = 'released' AND x.row_id IN";
    let [look, owed] = [HoldCause::HumanReview, HoldCause::ObligationOpen].map(cause_word);
    let (requester, channel) = (requester.as_str(), channel.as_str());
    let fixed = row![look.as_str(), requester, channel, look.as_str(), owed];
    let keys: Vec<Cell> = opened.iter().map(|row| Cell::from(row.row_id)).collect();
    let opened: HashMap<[u8; 16], &Opened> = opened.iter().map(|row| (row.row_id, row)).collect();
    let mut out: HashMap<[u8; 16], Handled> = HashMap::new();
    for row in for_keys(conn, head, "", &fixed, &keys).await? {
        let row_id = row.id(0)?;
        let handled = out.entry(row_id).or_default();
        if row.int(1)? == 1 {
            let looked = row.int(3)?;
            let seen = opened
                .get(&row_id)
                .is_some_and(|one| one.changed.leaves(looked));
            handled.reviewed |= seen;
        } else {
            handled.done |= obligations(&row.text_or_null(2)?.unwrap_or_default());
        }
    }
    Ok(out)
}

async fn record(tx: &mut Tx, page: &Page) -> Result<bool, Fault> {
    let extract = read(&mut tx.conn, page.extract_id).await?;
    let Some(extract) = extract.filter(|e| e.state == ExtractState::Writing) else {
        return Ok(false);
    };
    let persons = persons(page);
    let fixed = [Cell::from(extract.position)];
    let head = "SELECT person FROM person WHERE consents_changed > ? AND person IN";
    let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
    if !for_keys(&mut tx.conn, head, "", &fixed, &keys)
        .await?
        .is_empty()
    {
        return Ok(false);
    }
    let mut hash = chain(tx, page.extract_id).await?;
    let mut inserts = Inserts::new();
    for taken in &page.taken {
        inserts.push(&extract, page.file, taken);
        let commitment = taken.decision.commitment.0;
        hash = Digest::of_parts(&[&hash.0, &taken.disclosure_id.0, &commitment]);
        if let Some(output) = &taken.output {
            hash = Digest::of_parts(&[&hash.0, &output.0]);
        }
    }
    for person in persons {
        inserts.persons.push(row![page.extract_id.0, person.0]);
    }
    inserts.save(tx).await?;
    raise_work(tx, &extract, page).await?;
    let sql = "UPDATE extract SET disclosures_hash = ?, updated_at = ? WHERE extract_id = ?";
    let cells = row![hash, tx.now(), page.extract_id.0];
    run(&mut tx.conn, sql, cells).await?;
    Ok(true)
}

/// Persons of what is given.
fn persons(page: &Page) -> HashSet<PersonId> {
    let given = page.taken.iter().filter_map(|taken| match &taken.outcome {
        ExtractOutcome::Given(given) => Some(&given.persons),
        ExtractOutcome::Withheld | ExtractOutcome::Held(_) => None,
    });
    given.flatten().copied().collect()
}

struct Inserts {
    records: Insert,
    decisions: Insert,
    persons: Insert,
}

impl Inserts {
    fn new() -> Inserts {
        Inserts {
            records: Insert::new(
                "INSERT INTO extract_record (requester, record_id, extract_id, row_id, \
                 disclosure_id, file, outcome, output, starts_at, ends_at) VALUES",
                "",
            ),
            decisions: decision_insert(),
            persons: Insert::new(
                "INSERT INTO extract_person (extract_id, person) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
        }
    }

    fn push(&mut self, extract: &Extract, file: u32, taken: &Sealed) {
        let (outcome, starts_at, ends_at) = match &taken.outcome {
            ExtractOutcome::Given(given) => (0_i64, given.starts_at, given.ends_at),
            ExtractOutcome::Withheld => (1, 0, 0),
            ExtractOutcome::Held(_) => (2, 0, 0),
        };
        self.records.push(row![
            extract.requester.as_str(),
            taken.record_id.0,
            extract.extract_id.0,
            taken.row.0,
            taken.disclosure_id.0,
            file,
            outcome,
            taken.output,
            starts_at,
            ends_at,
        ]);
        let id = taken.disclosure_id.0;
        let decision = decision_row((&id, 0), &taken.decision, outcome == 0);
        self.decisions.push(decision);
    }

    async fn save(self, tx: &mut Tx) -> Result<(), Fault> {
        self.records.run(&mut tx.conn).await?;
        self.decisions.run(&mut tx.conn).await?;
        self.persons.run(&mut tx.conn).await
    }
}

/// One open work item for each version, requester, channel and cause, whatever jobs come by.
async fn raise_work(tx: &mut Tx, extract: &Extract, page: &Page) -> Result<(), Fault> {
    let raised = page.taken.iter().filter_map(|taken| {
        let (cause, due_at) = match &taken.outcome {
            ExtractOutcome::Held(cause) => (*cause, None),
            ExtractOutcome::Given(given) => (HoldCause::ReviewAfter, Some(given.review_due?)),
            ExtractOutcome::Withheld => return None,
        };
        let detail = match cause {
            HoldCause::ObligationOpen => taken.open.join(","),
            _ => String::from(PULL),
        };
        let item = NewWorkItem {
            cause,
            detail,
            due_at,
        };
        Some((taken.row, taken.record_id, item))
    });
    let gaps = page.unreadable.iter();
    let gaps = gaps.map(|gap| {
        let item = NewWorkItem {
            cause: HoldCause::Unreadable,
            detail: String::from(PULL),
            due_at: None,
        };
        (gap.row, gap.record_id, item)
    });
    let channel = channel(tx, extract).await?;
    let mut work = work_insert();
    for (version, record_id, item) in raised.chain(gaps) {
        let now = tx.now();
        let sql = "SELECT partner, test FROM record_version WHERE row_id = ?";
        let found = first(&mut tx.conn, sql, row![version.0]).await?;
        let found = found.ok_or(Fault::Damaged("a version is missing"))?;
        let sender = PartnerId::new(&found.text(0)?);
        let of = WorkOf::version((&sender, found.int(1)? == 1), (record_id, version.0));
        let requester = extract.requester.as_str();
        if settled(tx, (requester, channel.as_str(), version), item.cause).await? {
            continue;
        }
        let cells = work_row(&item, &of, now);
        let sql = "INSERT INTO extract_work (work_item_id, requester, row_id, cause, channel) \
                   VALUES (?, ?, ?, ?, ?)";
        let [id, ..] = cells.clone();
        let mut key = Vec::from(row![
            requester,
            version.0,
            cause_word(item.cause),
            channel.as_str()
        ]);
        key.insert(0, id);
        run(&mut tx.conn, sql, key).await?;
        work.push(cells);
    }
    work.run(&mut tx.conn).await
}

/// The channel a job goes over, as it was asked for.
async fn channel(tx: &mut Tx, extract: &Extract) -> Result<ChannelId, Fault> {
    let sql = "SELECT json_extract(params, '$.channel') FROM extract WHERE extract_id = ?";
    let found = first(&mut tx.conn, sql, row![extract.extract_id.0]).await?;
    let found = found.ok_or(Fault::Damaged("an extract is missing"))?;
    Ok(ChannelId::new(&found.text(0)?))
}

/// Whether nobody has to be asked: an item is open, or one was resolved for good. A look and a
/// refusal are for good while nothing changes about anybody in it; a review of what was given is
/// once for a version, however often it is given.
async fn settled(
    tx: &mut Tx,
    (requester, channel, version): (&str, &str, RowRef),
    cause: HoldCause,
) -> Result<bool, Fault> {
    let once = cause == HoldCause::ReviewAfter;
    let look = cause == HoldCause::HumanReview;
    let cells = row![version.0, requester, cause_word(cause), once, look, channel];
    Ok(first(&mut tx.conn, &SETTLED, cells).await?.is_some())
}

static SETTLED: LazyLock<String> = LazyLock::new(|| {
    let counts = look_counts("w.looked", "?1");
    format!(
        "SELECT 1 FROM extract_work x JOIN work_item w ON w.work_item_id = x.work_item_id \
         WHERE x.row_id = ?1 AND x.requester = ?2 AND x.channel = ?6 AND x.cause = ?3 \
         AND (w.state = 0 OR ?4 OR (?5 OR w.resolution = 'discarded') AND {counts}) LIMIT 1"
    )
});
