//! Confirmations: a partner's word that it stands behind a revision another one lodged, and that it
//! no longer does.
//!
//! A row is written once and never changed. Whether it opens anything, release judges.

use super::read::unseen;
use super::{audience, raise_epoch, reevaluate};
use crate::base::digest::{Digest, hex};
use crate::base::id::*;
use crate::base::sensitive::Reason;
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use crate::store::Store;
use crate::store::model::{Confirmed, NewConfirmation, PersonTies, Reader, StoreError};
use crate::store::recall::{Happened, look_again};
use crate::store::sealed::{self, Sealed};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::{Tx, failed};

const TABLE: &str = "consent_confirmation";

struct Entered {
    confirmation: NewConfirmation,
    confirms: bool,
    sealed: Sealed,
}

impl Store {
    /// Enters a partner's confirmation of a revision, raises the person's epoch and has what is
    /// withheld decided again. Once entered, it is entered.
    ///
    /// # Errors
    /// When the database fails; nothing is confirmed then.
    pub async fn confirm_consent(
        &self,
        confirmation: NewConfirmation,
    ) -> Result<Confirmed, StoreError> {
        self.enter("confirm_consent", confirmation, true).await
    }

    /// Enters that a partner no longer stands behind a revision it confirmed: what waits is decided
    /// again, and what was sent is looked at again, as when a consent ends.
    ///
    /// # Errors
    /// When the database fails; the confirmation then still counts.
    pub async fn unconfirm_consent(
        &self,
        confirmation: NewConfirmation,
    ) -> Result<Confirmed, StoreError> {
        self.enter("unconfirm_consent", confirmation, false).await
    }

    async fn enter(
        &self,
        name: &'static str,
        confirmation: NewConfirmation,
        confirms: bool,
    ) -> Result<Confirmed, StoreError> {
        let key = self.partner_key(&confirmation.by).await?;
        let plain = confirmation.body.expose(Reason::Seal);
        let sealed = sealed::seal(TABLE, &key, confirmation.at, plain);
        let entered = Entered {
            sealed: sealed.map_err(|fault| failed(name, &fault))?,
            confirms,
            confirmation,
        };
        self.write(name, entered, |tx, entered| Box::pin(enter(tx, entered)))
            .await
    }

    /// What ties a partner, and records of a county, to a person; another consent than this one. A
    /// county's tie is never a record behind the prevention wall, nor one of the unseen sources:
    /// that they hold anything of the person is not the county's to learn.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ties_to(
        &self,
        (person, but): (PersonId, RegistryId),
        reader: &Reader,
    ) -> Result<PersonTies, StoreError> {
        const NAME: &str = "ties_to";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT \
             EXISTS (SELECT 1 FROM newest_of_person n WHERE n.person = ?1 AND n.partner = ?2), \
             EXISTS (SELECT 1 FROM consent c WHERE c.subject = ?1 AND c.lodger = ?2 \
             AND c.registry_id <> ?3), \
             EXISTS (SELECT 1 FROM county_of_person k WHERE k.person = ?1 AND k.county_fips = ?4 \
             AND k.partner NOT IN (SELECT j.value FROM json_each(?5) j))";
        let found = async {
            let (partner, county) = (reader.partner.as_str(), reader.county_fips.as_deref());
            let cells = row![person.0, partner, but.0, county, unseen(reader)?];
            let row = first(&mut conn, sql, cells).await?;
            let row = row.ok_or(Fault::Damaged("no answer"))?;
            Ok(PersonTies {
                source: row.int(0)? == 1,
                lodger: row.int(1)? == 1,
                county: row.int(2)? == 1,
            })
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

async fn enter(tx: &mut Tx, entered: &Entered) -> Result<Confirmed, Fault> {
    let Entered {
        confirmation,
        confirms,
        sealed,
    } = entered;
    let sql = "SELECT c.consent_key, c.subject FROM consent c JOIN consent_revision r \
               ON r.consent_key = c.consent_key AND r.revision = c.revision \
               WHERE c.registry_id = ? AND c.revision = ? AND r.revoked_at IS NULL \
               AND r.ended_on IS NULL";
    let asked = row![confirmation.registry_id.0, confirmation.revision];
    let Some(found) = first(&mut tx.conn, sql, asked).await? else {
        return Ok(Confirmed::Changed);
    };
    let (key, subject) = (found.id(0)?, PersonId(found.id(1)?));
    let (revision, by) = (confirmation.revision, confirmation.by.as_str());
    let sql = "SELECT coalesce(max(number), 0) FROM consent_confirmation \
               WHERE consent_key = ? AND revision = ? AND confirmed_by = ?";
    let said = first(&mut tx.conn, sql, row![key, revision, by]).await?;
    let said = said.ok_or(Fault::Damaged("a count"))?.int(0)?;
    match (said % 2 == 1, *confirms) {
        (true, true) => return Ok(Confirmed::Done),
        (false, false) => return Ok(Confirmed::Never),
        _ => {}
    }
    let sql = "INSERT INTO consent_confirmation (row_id, consent_key, revision, confirmed_by, \
               confirmed_at, number, key_id, wrapped, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let cells = row![
        sealed.row_id,
        key,
        revision,
        by,
        confirmation.at,
        said + 1,
        sealed.key_id,
        sealed.wrapped.as_slice(),
        sealed.body.as_slice(),
    ];
    run(&mut tx.conn, sql, cells).await?;
    audience::of_confirmers(tx, (confirmation.registry_id, subject)).await?;
    let epoch = raise_epoch(tx, subject).await?;
    reevaluate(tx, subject).await?;
    if !confirms {
        let happened = Happened {
            reason: RecallReason::ConsentEnded,
            at: confirmation.at,
            since: None,
        };
        look_again(tx, subject, &happened).await?;
    }
    let change = if *confirms {
        "confirmed"
    } else {
        "unconfirmed"
    };
    let fields = Fields::new()
        .text("change", change)
        .text("consent", &confirmation.registry_id.to_string())
        .text("by", confirmation.by.as_str())
        .text("subject", &subject.to_string())
        .int("revision", i64::from(revision))
        .int("number", said + 1)
        .int("epoch", epoch)
        .text("confirmation", &hex(&sealed.row_id))
        .digest("sealed", &Digest::of(&sealed.body))
        .text("correlation", confirmation.correlation_id.as_str());
    tx.append(EntryKind::Consent, confirmation.at, &fields);
    Ok(Confirmed::Done)
}
