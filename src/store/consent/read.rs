//! Consents read: by their lodger's id, by the registry's, of persons, and their history.

use super::{Body, TABLE};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::base::sensitive::Sensitive;
use crate::store::Store;
use crate::store::model::{ConsentRevision, ConsentUse, ConsentsAsked, StoreError, StoredConsent};
use crate::store::sealed::{self, Sealed};
use crate::store::sql::{Cell, Columns as _, Fault, all, for_keys, row};
use crate::store::writer::failed;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

/// Columns of a consent and one of its revisions.
const COLUMNS: &str = "c.lodger, c.subject, r.revision, r.row_id, r.lodged_at, r.revoked_at, \
     r.key_id, r.wrapped, r.body, c.registry_id, r.ended_on, u.delivery_id, u.used_at, \
     c.consent_key, r.change FROM consent c JOIN consent_revision r \
     ON r.consent_key = c.consent_key";

/// What joins the one use of a consent.
const USE: &str = "LEFT JOIN consent_use u ON u.consent_key = c.consent_key";

/// A page of all there are.
const EVERYBODYS: &str = "SELECT registry_id FROM consent WHERE registry_id > ?1 \
     ORDER BY registry_id LIMIT ?2";

/// A page of one lodger's.
const OWN: &str = "SELECT registry_id FROM consent WHERE lodger = ?3 AND registry_id > ?1 \
     ORDER BY registry_id LIMIT ?2";

/// A page of one lodger's, and of those about whom a partner or its county has a record.
const OWN_AND_TIED: &str = "SELECT registry_id FROM consent WHERE lodger = ?3 \
     AND registry_id > ?1 UNION SELECT c.registry_id FROM consent c WHERE c.registry_id > ?1 \
     AND EXISTS (SELECT 1 FROM newest_of_person n WHERE n.person = c.subject \
     AND (n.partner = ?4 OR n.county_fips = ?5)) ORDER BY registry_id LIMIT ?2";

impl Store {
    /// A lodger's consent, its newest revision. Another lodger's is unknown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_consent(
        &self,
        partner: &PartnerId,
        consent_id: &ConsentId,
    ) -> Result<Option<StoredConsent>, StoreError> {
        const NAME: &str = "get_consent";
        let key = self.consent_key(partner, consent_id);
        let era = match self.inner.recent.get(&key) {
            Ok(known) => return Ok(known),
            Err(era) => era,
        };
        let mut conn = self.reader(NAME).await?;
        let keys = [Cell::from(key)];
        let found = self.consents(&mut conn, "c.consent_key IN", &keys).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        let found = found.into_iter().next();
        self.inner.recent.keep(era, key, found.as_ref());
        Ok(found)
    }

    /// A consent by the registry's id, its newest revision. Whose it is, the caller looks at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registered_consent(
        &self,
        id: RegistryId,
    ) -> Result<Option<StoredConsent>, StoreError> {
        const NAME: &str = "registered_consent";
        let mut conn = self.reader(NAME).await?;
        let keys = [Cell::from(id.0)];
        let found = self.consents(&mut conn, "c.registry_id IN", &keys).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        Ok(found.into_iter().next())
    }

    /// All consents of these persons, revoked ones too, newest revisions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consents_of(
        &self,
        persons: &[PersonId],
    ) -> Result<Vec<StoredConsent>, StoreError> {
        const NAME: &str = "consents_of";
        let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let mut conn = self.reader(NAME).await?;
        let found = self.consents(&mut conn, "c.subject IN", &keys);
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    /// Consents in the order of their registry ids, newest revisions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consents_page(
        &self,
        asked: &ConsentsAsked,
    ) -> Result<Vec<StoredConsent>, StoreError> {
        const NAME: &str = "consents_page";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let after = asked.after.map_or([0; 16], |id| id.0);
            let limit = asked.limit.min(PAGE_ROWS_MAX + 1);
            let lodger = asked.lodger.as_ref().map(PartnerId::as_str);
            let ids = match (lodger, &asked.tied) {
                (None, _) => all(&mut conn, EVERYBODYS, row![after, limit]).await?,
                (Some(own), None) => all(&mut conn, OWN, row![after, limit, own]).await?,
                (Some(own), Some((tied, county))) => {
                    let cells = row![after, limit, own, tied.as_str(), county.as_deref()];
                    all(&mut conn, OWN_AND_TIED, cells).await?
                }
            };
            let ids = ids.iter().map(|row| row.id(0).map(Cell::from));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            let mut found = self.consents(&mut conn, "c.registry_id IN", &ids).await?;
            found.sort_by_key(|consent| consent.registry_id);
            Ok(found)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Every revision of a consent, oldest first; nothing of it was ever overwritten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consent_history(
        &self,
        id: RegistryId,
    ) -> Result<Vec<ConsentRevision>, StoreError> {
        const NAME: &str = "consent_history";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = format!("SELECT {COLUMNS} {USE} WHERE c.registry_id IN");
            let keys = [Cell::from(id.0)];
            let rows = for_keys(&mut conn, &sql, "ORDER BY r.revision", &[], &keys).await?;
            let confirmed = confirmations(&mut conn, &keys_of(&rows)?).await?;
            let mut out = Vec::with_capacity(rows.len());
            for row in &rows {
                let body = self.open_body(&mut conn, row).await?;
                let revision = row.int(2)?;
                let confirmed = confirmed.get(&(row.id(13)?, revision));
                out.push(ConsentRevision {
                    revision: number(revision)?,
                    change: row.text(14)?,
                    at: Timestamp(row.int(4)?),
                    revoked_at: row.int_or_null(5)?.map(Timestamp),
                    ended_on: day(row)?,
                    body: Sensitive::new(body.consent.into_bytes()),
                    capture: body.capture.map(sensitive),
                    told: body.told.map(sensitive),
                    confirmed: confirmed.cloned().unwrap_or_default(),
                });
            }
            Ok(out)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    pub(in crate::store) async fn consents(
        &self,
        conn: &mut SqliteConnection,
        condition: &str,
        keys: &[Cell],
    ) -> Result<Vec<StoredConsent>, Fault> {
        let head = format!("SELECT {COLUMNS} AND r.revision = c.revision {USE} WHERE {condition}");
        let rows = for_keys(conn, &head, "", &[], keys).await?;
        let confirmed = confirmations(conn, &keys_of(&rows)?).await?;
        let mut out = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut consent = self.open_consent(conn, row).await?;
            let own = confirmed.get(&(row.id(13)?, row.int(2)?));
            consent.confirmed = own.cloned().unwrap_or_default();
            out.push(consent);
        }
        out.sort_by_key(|consent| consent.lodged_at);
        Ok(out)
    }

    async fn open_body(&self, conn: &mut SqliteConnection, row: &SqliteRow) -> Result<Body, Fault> {
        let partner = PartnerId::new(&row.text(0)?);
        let revision = Sealed {
            row_id: row.id(3)?,
            key_id: row.int(6)?,
            wrapped: row.blob(7)?,
            body: row.blob(8)?,
        };
        let keys = &self.inner.keys;
        let plain = sealed::open(conn, keys, (TABLE, &partner), &revision).await?;
        serde_json::from_slice(&plain).map_err(|_| Fault::Damaged("a consent"))
    }

    async fn open_consent(
        &self,
        conn: &mut SqliteConnection,
        row: &SqliteRow,
    ) -> Result<StoredConsent, Fault> {
        let body = self.open_body(conn, row).await?;
        let used = match (row.id_or_null(11)?, row.int_or_null(12)?) {
            (Some(delivery), Some(at)) => Some(ConsentUse {
                delivery: DeliveryId(delivery),
                at: Timestamp(at),
            }),
            _ => None,
        };
        Ok(StoredConsent {
            consent_id: body.id,
            registry_id: RegistryId(row.id(9)?),
            partner: PartnerId::new(&row.text(0)?),
            subject: PersonId(row.id(1)?),
            revision: number(row.int(2)?)?,
            lodged_at: Timestamp(row.int(4)?),
            revoked_at: row.int_or_null(5)?.map(Timestamp),
            ended_on: day(row)?,
            confirmed: Vec::new(),
            used,
            body: Sensitive::new(body.consent.into_bytes()),
            capture: body.capture.map(sensitive),
        })
    }
}

fn sensitive(text: String) -> Sensitive<Vec<u8>> {
    Sensitive::new(text.into_bytes())
}

pub(super) fn number(revision: i64) -> Result<u32, Fault> {
    u32::try_from(revision).map_err(|_| Fault::Damaged("a revision"))
}

fn day(row: &SqliteRow) -> Result<Option<i32>, Fault> {
    let day = row.int_or_null(10)?.map(i32::try_from).transpose();
    day.map_err(|_| Fault::Damaged("a day"))
}

fn keys_of(rows: &[SqliteRow]) -> Result<Vec<Cell>, Fault> {
    rows.iter().map(|row| row.id(13).map(Cell::from)).collect()
}

/// Confirmations by consent and revision.
type ByRevision = HashMap<([u8; 16], i64), Vec<(PartnerId, Timestamp)>>;

async fn confirmations(conn: &mut SqliteConnection, keys: &[Cell]) -> Result<ByRevision, Fault> {
    let mut out = ByRevision::new();
    if keys.is_empty() {
        return Ok(out);
    }
    let head = "SELECT consent_key, revision, confirmed_by, confirmed_at \
                FROM consent_confirmation WHERE consent_key IN";
    let tail = "ORDER BY confirmed_at, confirmed_by";
    for row in for_keys(conn, head, tail, &[], keys).await? {
        let own = out.entry((row.id(0)?, row.int(1)?)).or_default();
        own.push((PartnerId::new(&row.text(2)?), Timestamp(row.int(3)?)));
    }
    Ok(out)
}
