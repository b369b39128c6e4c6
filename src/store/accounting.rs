//! The accounting of disclosures: what about a person went to whom, under which decision.
//!
//! Read from what was committed before and after each send: confirmed, or possibly disclosed. Test
//! traffic never stands here.

use super::claim::state_of;
use super::keys::Keys;
use super::model::{
    Disclosure, DisclosureCursor, DisclosurePage, Exposure, RecallView, StoreError,
};
use super::sql::{Columns as _, Fault, all, row};
use super::writer::failed;
use super::{Store, decision, emergency, identity};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

impl Store {
    /// Disclosures about a person, oldest first, after a cursor.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disclosures(
        &self,
        person: PersonId,
        after: Option<DisclosureCursor>,
        limit: usize,
    ) -> Result<DisclosurePage, StoreError> {
        const NAME: &str = "disclosures";
        let mut conn = self.reader(NAME).await?;
        let found = page(&mut conn, &self.inner.keys, (person, after, limit)).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

/// Attempts go in while none before may have arrived: of one delivery the newest counts.
const COLUMNS: &str = "SELECT p.at, p.disclosure_id, p.source, \
     coalesce(d.partner, x.requester, a.requester), coalesce(d.channel, a.channel, ''), \
     coalesce(d.record_id, e.record_id, g.record_id), r.record_type, r.partner, d.state, \
     coalesce(d.exposure, f.exposure, g.disclosure_id IS NOT NULL), c.body, \
     CASE WHEN h.delivery_id IS NULL OR n.state <> 7 THEN n.delivery_id END, n.state, \
     coalesce(n.recall_reason, h.reason), coalesce(n.queued_at, h.at), \
     a.emergency_id, a.requester, a.purpose, a.at, a.request \
     FROM person_disclosure p \
     LEFT JOIN delivery d ON p.source = 0 AND d.delivery_id = p.disclosure_id \
     LEFT JOIN delivery n ON p.source = 0 AND n.recall_of = p.disclosure_id \
     LEFT JOIN recall_by_hand h ON p.source IN (0, 2) AND h.delivery_id = p.disclosure_id \
     LEFT JOIN extract_record e ON p.source = 1 AND e.disclosure_id = p.disclosure_id \
     LEFT JOIN extract x ON x.extract_id = e.extract_id \
     LEFT JOIN extract_file f ON f.extract_id = e.extract_id AND f.file = e.file \
     LEFT JOIN emergency_disclosure g ON p.source = 2 AND g.disclosure_id = p.disclosure_id \
     LEFT JOIN emergency_access a ON a.emergency_id = g.emergency_id \
     LEFT JOIN record r ON r.record_id = coalesce(d.record_id, e.record_id, g.record_id) \
     LEFT JOIN decision c ON c.source_id = p.disclosure_id AND c.token = p.token \
     WHERE p.person = ? AND (p.at, p.disclosure_id) > (?, ?) AND NOT EXISTS (SELECT 1 \
     FROM person_disclosure n WHERE p.source = 0 AND n.person = p.person AND n.at >= p.at \
     AND n.disclosure_id = p.disclosure_id AND n.token > p.token) \
     ORDER BY p.at, p.disclosure_id LIMIT ?";

/// Pages of rows looked at for one page of the accounting, at most.
const PAGES_LOOKED_MAX: usize = 64;

/// One page; disclosures that certainly did not happen are left out of it, and looked past: a page
/// is full or the last, up to a bound of rows looked at.
pub(super) async fn page(
    conn: &mut SqliteConnection,
    keys: &Keys,
    (person, after, limit): (PersonId, Option<DisclosureCursor>, usize),
) -> Result<DisclosurePage, Fault> {
    let person = identity::counts_to(conn, person).await?;
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let mut page = DisclosurePage {
        disclosures: Vec::with_capacity(limit),
        next: None,
    };
    let mut last = after;
    for _ in 0..PAGES_LOOKED_MAX {
        let (at, id) = last.map_or((i64::MIN, [0; 16]), |c| (c.at.0, c.disclosure_id.0));
        let rows = all(conn, COLUMNS, row![person.0, at, id, limit]).await?;
        for row in &rows {
            let cursor = DisclosureCursor {
                at: Timestamp(row.int(0)?),
                disclosure_id: DisclosureId(row.id(1)?),
            };
            if let Some(exposure) = exposure(row)? {
                if page.disclosures.len() == limit {
                    page.next = last;
                    return Ok(page);
                }
                let read = read(row, keys, (person, cursor, exposure))?;
                page.disclosures.push(read);
            }
            last = Some(cursor);
        }
        if rows.len() < limit {
            return Ok(page);
        }
    }
    page.next = last;
    Ok(page)
}

/// `None` when nothing can have arrived.
fn exposure(row: &SqliteRow) -> Result<Option<Exposure>, Fault> {
    let under_way = matches!(row.int_or_null(8)?, Some(2..=4));
    Ok(match row.int_or_null(9)? {
        Some(2) => Some(Exposure::Confirmed),
        Some(1) => Some(Exposure::Possible),
        _ if under_way => Some(Exposure::Possible),
        _ => None,
    })
}

fn read(
    row: &SqliteRow,
    keys: &Keys,
    (person, cursor, exposure): (PersonId, DisclosureCursor, Exposure),
) -> Result<Disclosure, Fault> {
    Ok(Disclosure {
        disclosure_id: cursor.disclosure_id,
        person,
        at: cursor.at,
        partner: PartnerId::new(&row.text(3)?),
        channel: ChannelId::new(&row.text(4)?),
        record_id: RecordId(row.id(5)?),
        record_type: RecordType::new(&row.text(6)?),
        source: PartnerId::new(&row.text(7)?),
        exposure,
        decision: decision::open(keys, &cursor.disclosure_id.0, &row.blob(10)?)?,
        recall: recall(row)?,
        emergency: match row.id_or_null(15)? {
            Some(_) => Some(emergency::told(keys, row, 15)?),
            None => None,
        },
    })
}

fn recall(row: &SqliteRow) -> Result<Option<RecallView>, Fault> {
    let Some(word) = row.text_or_null(13)? else {
        return Ok(None);
    };
    let notice = row.id_or_null(11)?.zip(row.int_or_null(12)?);
    let notice = notice.map(|(id, state)| Ok::<_, Fault>((DeliveryId(id), state_of(state)?)));
    Ok(Some(RecallView {
        reason: word
            .parse()
            .map_err(|_| Fault::Damaged("a reason of a recall is unknown"))?,
        at: Timestamp(row.int(14)?),
        notice: notice.transpose()?,
    }))
}
