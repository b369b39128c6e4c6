//! Scans of signed papers: one of a lodged revision, written once and never changed.
//!
//! A scan is sealed as the paper is and leaves by [`Store::consent_scan`] alone; the ledger says
//! that it was kept and holds the digest of the sealed bytes, never one of the scan's own.

use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, hex};
use crate::base::id::*;
use crate::base::sensitive::{Reason, Sensitive};
use crate::ledger::entry::{EntryKind, Fields};
use crate::store::Store;
use crate::store::model::{NewScan, ScanKept, StoreError, StoredScan};
use crate::store::sealed::{self, Sealed};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::{Tx, failed};

const TABLE: &str = "consent_scan";

struct Kept {
    scan: NewScan,
    sealed: Sealed,
}

impl Store {
    /// Keeps a scan of the newest lodged revision, unless that one has a scan.
    ///
    /// # Errors
    /// When the database fails; nothing is kept then.
    pub async fn keep_scan(&self, scan: NewScan) -> Result<ScanKept, StoreError> {
        const NAME: &str = "keep_scan";
        let key = self.partner_key(&scan.lodger).await?;
        let plain = scan.body.expose(Reason::Seal);
        let sealed = sealed::seal(TABLE, &key, scan.at, plain);
        let kept = Kept {
            sealed: sealed.map_err(|fault| failed(NAME, &fault))?,
            scan,
        };
        self.write(NAME, kept, |tx, kept| Box::pin(keep(tx, kept)))
            .await
    }

    /// The scan of a revision; without one named, of the newest that has a scan.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consent_scan(
        &self,
        id: RegistryId,
        revision: Option<u32>,
    ) -> Result<Option<StoredScan>, StoreError> {
        const NAME: &str = "consent_scan";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT c.lodger, s.row_id, s.revision, s.media_type, s.stored_at, \
                       s.key_id, s.wrapped, s.body FROM consent c JOIN consent_scan s \
                       ON s.consent_key = c.consent_key WHERE c.registry_id = ?1 \
                       AND (?2 IS NULL OR s.revision = ?2) ORDER BY s.revision DESC LIMIT 1";
            let Some(row) = first(&mut conn, sql, row![id.0, revision.map(i64::from)]).await?
            else {
                return Ok(None);
            };
            let lodger = PartnerId::new(&row.text(0)?);
            let kept = Sealed {
                row_id: row.id(1)?,
                key_id: row.int(5)?,
                wrapped: row.blob(6)?,
                body: row.blob(7)?,
            };
            let keys = &self.inner.keys;
            let plain = sealed::open(&mut conn, keys, (TABLE, &lodger), &kept).await?;
            Ok(Some(StoredScan {
                revision: super::read::number(row.int(2)?)?,
                media_type: row.text(3)?,
                stored_at: Timestamp(row.int(4)?),
                body: Sensitive::new(plain),
            }))
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

async fn keep(tx: &mut Tx, kept: &Kept) -> Result<ScanKept, Fault> {
    let Kept { scan, sealed } = kept;
    // What ends a consent is a revision too, and no paper of its own.
    let sql = "SELECT c.consent_key, max(r.revision) FROM consent c JOIN consent_revision r \
               ON r.consent_key = c.consent_key AND r.change = 'lodged' \
               WHERE c.registry_id = ? AND c.revision = ? GROUP BY c.consent_key";
    let asked = row![scan.registry_id.0, scan.seen];
    let Some(found) = first(&mut tx.conn, sql, asked).await? else {
        return Ok(ScanKept::Changed);
    };
    let revision = super::read::number(found.int(1)?)?;
    let sql = "INSERT INTO consent_scan (row_id, consent_key, revision, media_type, stored_at, \
               key_id, wrapped, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let cells = row![
        sealed.row_id,
        found.id(0)?,
        revision,
        scan.media_type.as_str(),
        scan.at,
        sealed.key_id,
        sealed.wrapped.as_slice(),
        sealed.body.as_slice(),
    ];
    if run(&mut tx.conn, sql, cells).await? == 0 {
        return Ok(ScanKept::Before(revision));
    }
    let fields = Fields::new()
        .text("change", "scanned")
        .text("consent", &scan.registry_id.to_string())
        .text("by", scan.lodger.as_str())
        .int("revision", i64::from(revision))
        .text("scan", &hex(&sealed.row_id))
        .text("media_type", &scan.media_type)
        .digest("sealed", &Digest::of(&sealed.body))
        .text("correlation", scan.correlation_id.as_str());
    tx.append(EntryKind::Consent, scan.at, &fields);
    Ok(ScanKept::Done(revision))
}
