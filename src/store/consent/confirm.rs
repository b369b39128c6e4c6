//! Confirmations: a partner's word that it stands behind a revision another one lodged.
//!
//! A row is written once and never changed. Whether it opens anything, release judges.

use super::{raise_epoch, reevaluate};
use crate::base::digest::{Digest, hex};
use crate::base::id::*;
use crate::base::sensitive::Reason;
use crate::base::vocabulary::ServiceSource;
use crate::ledger::entry::{EntryKind, Fields};
use crate::store::Store;
use crate::store::model::{Confirmed, NewConfirmation, PersonTies, StoreError};
use crate::store::sealed::{self, Sealed};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::{Tx, failed};

const TABLE: &str = "consent_confirmation";

struct Entered {
    confirmation: NewConfirmation,
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
        const NAME: &str = "confirm_consent";
        let key = self.partner_key(&confirmation.by).await?;
        let plain = confirmation.body.expose(Reason::Seal);
        let sealed = sealed::seal(TABLE, &key, confirmation.at, plain);
        let entered = Entered {
            sealed: sealed.map_err(|fault| failed(NAME, &fault))?,
            confirmation,
        };
        self.write(NAME, entered, |tx, entered| Box::pin(enter(tx, entered)))
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
        partner: &PartnerId,
        (county_fips, unseen): (Option<&str>, &[PartnerId]),
    ) -> Result<PersonTies, StoreError> {
        const NAME: &str = "ties_to";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT \
             EXISTS (SELECT 1 FROM newest_of_person n WHERE n.person = ?1 AND n.partner = ?2), \
             EXISTS (SELECT 1 FROM consent c WHERE c.subject = ?1 AND c.lodger = ?2 \
             AND c.registry_id <> ?3), \
             EXISTS (SELECT 1 FROM newest_of_person n WHERE n.person = ?1 AND n.county_fips = ?4 \
             AND n.service_source IN (?5, ?6) \
             AND n.partner NOT IN (SELECT j.value FROM json_each(?7) j))";
        let [case, referral] =
            [ServiceSource::Case, ServiceSource::Referral].map(ServiceSource::as_str);
        let unseen = serde_json::to_string(unseen);
        let unseen = unseen.map_err(|_| failed(NAME, &Fault::Damaged("ids of partners")))?;
        let cells = row![
            person.0,
            partner.as_str(),
            but.0,
            county_fips,
            case,
            referral,
            unseen.as_str(),
        ];
        let found = async {
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
    let sql = "INSERT INTO consent_confirmation (row_id, consent_key, revision, confirmed_by, \
               confirmed_at, key_id, wrapped, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT DO NOTHING";
    let cells = row![
        sealed.row_id,
        key,
        confirmation.revision,
        confirmation.by.as_str(),
        confirmation.at,
        sealed.key_id,
        sealed.wrapped.as_slice(),
        sealed.body.as_slice(),
    ];
    if run(&mut tx.conn, sql, cells).await? == 0 {
        return Ok(Confirmed::Done);
    }
    let epoch = raise_epoch(tx, subject).await?;
    reevaluate(tx, subject).await?;
    let fields = Fields::new()
        .text("change", "confirmed")
        .text("consent", &confirmation.registry_id.to_string())
        .text("by", confirmation.by.as_str())
        .text("subject", &subject.to_string())
        .int("revision", i64::from(confirmation.revision))
        .int("epoch", epoch)
        .text("confirmation", &hex(&sealed.row_id))
        .digest("sealed", &Digest::of(&sealed.body))
        .text("correlation", confirmation.correlation_id.as_str());
    tx.append(EntryKind::Consent, confirmation.at, &fields);
    Ok(Confirmed::Done)
}
