//! Consents read: by their lodger's id, by the registry's, of persons, and their history.

use super::{Body, TABLE};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::base::sensitive::Sensitive;
use crate::store::Store;
use crate::store::model::{
    Confirmation, ConsentRevision, ConsentUse, ConsentsAsked, Reader, StoreError, StoredConsent,
};
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

/// A page of one lodger's, and of others' that name it and are of a person it has a record of, or
/// that it may know of as the county.
const OWN_AND_OTHERS: &str = "SELECT registry_id FROM consent WHERE lodger = ?3 \
     AND registry_id > ?1 \
     UNION SELECT a.registry_id FROM consent_audience a WHERE a.reader = ?3 \
     AND a.registry_id > ?1 AND EXISTS (SELECT 1 FROM newest_of_person n \
     WHERE n.person = a.subject AND n.partner = ?3) \
     UNION SELECT a.registry_id FROM consent_audience a JOIN consent c \
     ON c.registry_id = a.registry_id WHERE ?4 IS NOT NULL AND a.reader = '' \
     AND a.registry_id > ?1 AND c.lodger NOT IN (SELECT j.value FROM json_each(?5) j) \
     AND EXISTS (SELECT 1 FROM county_of_person k WHERE k.person = a.subject \
     AND k.county_fips = ?4 AND k.partner NOT IN (SELECT j.value FROM json_each(?5) j)) \
     ORDER BY registry_id LIMIT ?2";

/// Those of a person a partner lodged or may know of. Nothing of it costs more where others hold
/// more that it may not know of.
const KNOWN_TO: &str = "SELECT registry_id FROM consent WHERE lodger = ?2 AND subject = ?1 \
     UNION SELECT a.registry_id FROM consent_audience a WHERE a.subject = ?1 AND a.reader = ?2 \
     UNION SELECT a.registry_id FROM consent_audience a JOIN consent c \
     ON c.registry_id = a.registry_id WHERE ?3 IS NOT NULL AND a.subject = ?1 AND a.reader = '' \
     AND c.lodger NOT IN (SELECT j.value FROM json_each(?4) j) \
     AND EXISTS (SELECT 1 FROM county_of_person k WHERE k.person = ?1 \
     AND k.county_fips = ?3 AND k.partner NOT IN (SELECT j.value FROM json_each(?4) j))";

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

    /// The consents of these persons one partner lodged, as [`Store::consents_of`]. What others
    /// hold costs it nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consents_by(
        &self,
        lodger: &PartnerId,
        persons: &[PersonId],
    ) -> Result<Vec<StoredConsent>, StoreError> {
        const NAME: &str = "consents_by";
        let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let own = [Cell::from(lodger.as_str())];
        let mut conn = self.reader(NAME).await?;
        let condition = ("c.lodger = ? AND c.subject IN", own.as_slice());
        let found = self.consents_where(&mut conn, condition, &keys);
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    /// The consents of a person a partner lodged or may know of, newest revisions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consents_known_to(
        &self,
        reader: &Reader,
        person: PersonId,
    ) -> Result<Vec<StoredConsent>, StoreError> {
        const NAME: &str = "consents_known_to";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let (partner, county) = (reader.partner.as_str(), reader.county_fips.as_deref());
            let cells = row![person.0, partner, county, unseen(reader)?];
            let ids = all(&mut conn, KNOWN_TO, cells).await?;
            let ids = ids.iter().map(|row| row.id(0).map(Cell::from));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            self.consents(&mut conn, "c.registry_id IN", &ids).await
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
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
            let ids = match (lodger, &asked.others) {
                (None, _) => all(&mut conn, EVERYBODYS, row![after, limit]).await?,
                (Some(own), None) => all(&mut conn, OWN, row![after, limit, own]).await?,
                (Some(own), Some(reader)) => {
                    let county = reader.county_fips.as_deref();
                    let cells = row![after, limit, own, county, unseen(reader)?];
                    all(&mut conn, OWN_AND_OTHERS, cells).await?
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
        self.consents_where(conn, (condition, &[]), keys).await
    }

    async fn consents_where(
        &self,
        conn: &mut SqliteConnection,
        (condition, first): (&str, &[Cell]),
        keys: &[Cell],
    ) -> Result<Vec<StoredConsent>, Fault> {
        let head = format!("SELECT {COLUMNS} AND r.revision = c.revision {USE} WHERE {condition}");
        let rows = for_keys(conn, &head, "", first, keys).await?;
        let confirmed = confirmations(conn, &keys_of(&rows)?).await?;
        let mut out = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut consent = self.open_consent(conn, row).await?;
            let said = confirmed.get(&(row.id(13)?, row.int(2)?));
            consent.confirmed = said.map(|said| standing(said)).unwrap_or_default();
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

/// What confirmations say that were not taken back.
fn standing(said: &[Confirmation]) -> Vec<(PartnerId, Timestamp)> {
    let newest = |one: &&Confirmation| {
        let of_them = said.iter().rfind(|other| other.by == one.by);
        one.confirms && of_them == Some(*one)
    };
    let standing = said.iter().filter(newest);
    standing.map(|one| (one.by.clone(), one.at)).collect()
}

/// Partners, as one parameter.
pub(super) fn unseen(reader: &Reader) -> Result<String, Fault> {
    let ids = serde_json::to_string(&reader.unseen);
    ids.map_err(|_| Fault::Damaged("ids of partners"))
}

/// Confirmations by consent and revision, in the order they were entered.
type ByRevision = HashMap<([u8; 16], i64), Vec<Confirmation>>;

async fn confirmations(conn: &mut SqliteConnection, keys: &[Cell]) -> Result<ByRevision, Fault> {
    let mut out = ByRevision::new();
    if keys.is_empty() {
        return Ok(out);
    }
    let head = "SELECT consent_key, revision, confirmed_by, confirmed_at, number \
                FROM consent_confirmation WHERE consent_key IN";
    let tail = "ORDER BY confirmed_at, confirmed_by, number";
    for row in for_keys(conn, head, tail, &[], keys).await? {
        let own = out.entry((row.id(0)?, row.int(1)?)).or_default();
        own.push(Confirmation {
            by: PartnerId::new(&row.text(2)?),
            at: Timestamp(row.int(3)?),
            confirms: row.int(4)? % 2 == 1,
        });
    }
    Ok(out)
}
