//! Consents: immutable revisions, the person's epoch, and withheld deliveries decided again.
//!
//! Every change raises the epoch of the person in the same transaction, so that no decision taken
//! before it can still be authorised.

use super::Store;
use super::identity;
use super::keys::Domain;
use super::model::{ConsentChange, NewConsent, NewIdentifier, StoreError, StoredConsent};
use super::prepare::identifier_domain;
use super::recall::{Happened, look_again};
use super::sealed::{self, Sealed};
use super::sql::{Cell, Columns as _, Fault, first, for_keys, row, run, run_made};
use super::transition::{Moves, moves};
use super::writer::{Tx, failed};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use crate::outbox::{DeliveryState, Event};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

const TABLE: &str = "consent_revision";

/// What is sealed: the lodger's id of the consent and its body.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    id: ConsentId,
    consent: String,
}

/// A revision ready for the writer.
struct Lodged {
    key: [u8; 16],
    /// The registry's id of it, should it be new.
    registry_id: RegistryId,
    lodger: PartnerId,
    subject: PersonId,
    at: Timestamp,
    revoked_at: Option<Timestamp>,
    sealed: Sealed,
    correlation_id: CorrelationId,
    word: &'static str,
}

impl Store {
    /// The person an identifier leads this partner to, made known if it leads to none: a consent
    /// may come before the first record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_person(
        &self,
        partner: &PartnerId,
        identifier: &NewIdentifier,
        test: bool,
    ) -> Result<PersonId, StoreError> {
        let domain = identifier_domain(test);
        let key = self.inner.keys.blind(domain, &[identifier.text.trim()]);
        let data = (partner.clone(), (key, identifier.reach), test);
        self.write("ensure_person", data, |tx, (partner, key, test)| {
            Box::pin(identity::ensure(tx, partner, *key, *test))
        })
        .await
    }

    /// Lodges a consent or a new revision of it.
    ///
    /// # Errors
    /// When the database fails; the consent is not in force then.
    pub async fn put_consent(&self, consent: NewConsent) -> Result<ConsentChange, StoreError> {
        const NAME: &str = "put_consent";
        let sealed = self.seal_consent(&consent, None).await?;
        let sealed = sealed.map_err(|fault| failed(NAME, &fault))?;
        self.write(NAME, sealed, |tx, lodged| Box::pin(lodge(tx, lodged)))
            .await
    }

    /// Revokes a lodger's consent from an instant on.
    ///
    /// # Errors
    /// When the database fails; the consent then still counts.
    pub async fn revoke_consent(
        &self,
        partner: &PartnerId,
        consent_id: &ConsentId,
        at: Timestamp,
        correlation_id: &CorrelationId,
    ) -> Result<ConsentChange, StoreError> {
        const NAME: &str = "revoke_consent";
        let Some(current) = self.get_consent(partner, consent_id).await? else {
            return Ok(ConsentChange::Unknown);
        };
        let again = NewConsent {
            consent_id: consent_id.clone(),
            partner: partner.clone(),
            subject: current.subject,
            body: current.body,
            at: self.inner.clock.now(),
            correlation_id: correlation_id.clone(),
        };
        let sealed = self.seal_consent(&again, Some(at)).await?;
        let sealed = sealed.map_err(|fault| failed(NAME, &fault))?;
        self.write(NAME, sealed, |tx, lodged| Box::pin(lodge(tx, lodged)))
            .await
    }

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

    /// Queues withheld deliveries to a partner and of its records (or all) for a new decision,
    /// while they may still go out, and has those that wait decided anew: an agreement or the
    /// rules have changed. How many were withheld.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reevaluate_partner(&self, partner: Option<&PartnerId>) -> Result<u64, StoreError> {
        let partner = partner.map(|p| p.as_str().to_owned());
        self.write("reevaluate_partner", partner, |tx, partner| {
            Box::pin(async move {
                let which = "(?2 IS NULL OR partner = ?2 OR EXISTS (SELECT 1 FROM record r \
                             WHERE r.record_id = delivery.record_id AND r.partner = ?2))";
                let now = tx.now();
                let cells = row![now, partner.as_deref()];
                run_made(&mut tx.conn, &rejudging(which), cells).await?;
                let sql = reopen(which);
                run_made(&mut tx.conn, &sql, row![now, partner.as_deref()]).await
            })
        })
        .await
    }

    fn consent_key(&self, partner: &PartnerId, consent_id: &ConsentId) -> [u8; 16] {
        let parts = [partner.as_str(), consent_id.as_str()];
        self.inner.keys.blind(Domain::Consent, &parts)
    }

    async fn seal_consent(
        &self,
        consent: &NewConsent,
        revoked_at: Option<Timestamp>,
    ) -> Result<Result<Lodged, Fault>, StoreError> {
        let partner_key = self.partner_key(&consent.partner).await?;
        let seal = || {
            let text = String::from_utf8(consent.body.expose(Reason::Seal).clone())
                .map_err(|_| Fault::Damaged("a consent is not text"))?;
            let plain = serde_json::to_vec(&Body {
                id: consent.consent_id.clone(),
                consent: text,
            });
            let plain = plain.map_err(|_| Fault::Damaged("a consent"))?;
            let sealed = sealed::seal(TABLE, &partner_key, consent.at, &plain)?;
            Ok(Lodged {
                key: self.consent_key(&consent.partner, &consent.consent_id),
                registry_id: RegistryId::mint(consent.at),
                lodger: consent.partner.clone(),
                subject: consent.subject,
                at: consent.at,
                revoked_at,
                sealed,
                correlation_id: consent.correlation_id.clone(),
                word: if revoked_at.is_some() {
                    "revoked"
                } else {
                    "lodged"
                },
            })
        };
        Ok(seal())
    }

    async fn consents(
        &self,
        conn: &mut SqliteConnection,
        condition: &str,
        keys: &[Cell],
    ) -> Result<Vec<StoredConsent>, Fault> {
        let head = format!(
            "SELECT c.lodger, c.subject, c.revision, r.row_id, r.lodged_at, r.revoked_at, \
             r.key_id, r.wrapped, r.body, c.registry_id FROM consent c JOIN consent_revision r \
             ON r.consent_key = c.consent_key AND r.revision = c.revision WHERE {condition}"
        );
        let mut out = Vec::new();
        for row in for_keys(conn, &head, "", &[], keys).await? {
            out.push(self.open_consent(conn, &row).await?);
        }
        out.sort_by_key(|consent| consent.lodged_at);
        Ok(out)
    }

    async fn open_consent(
        &self,
        conn: &mut SqliteConnection,
        row: &SqliteRow,
    ) -> Result<StoredConsent, Fault> {
        let partner = PartnerId::new(&row.text(0)?);
        let revision = Sealed {
            row_id: row.id(3)?,
            key_id: row.int(6)?,
            wrapped: row.blob(7)?,
            body: row.blob(8)?,
        };
        let keys = &self.inner.keys;
        let plain = sealed::open(conn, keys, (TABLE, &partner), &revision).await?;
        let body: Body = serde_json::from_slice(&plain).map_err(|_| Fault::Damaged("a consent"))?;
        Ok(StoredConsent {
            consent_id: body.id,
            registry_id: RegistryId(row.id(9)?),
            partner,
            subject: PersonId(row.id(1)?),
            revision: u32::try_from(row.int(2)?).map_err(|_| Fault::Damaged("a revision"))?,
            lodged_at: Timestamp(row.int(4)?),
            revoked_at: row.int_or_null(5)?.map(Timestamp),
            body: Sensitive::new(body.consent.into_bytes()),
        })
    }
}

async fn lodge(tx: &mut Tx, lodged: &Lodged) -> Result<ConsentChange, Fault> {
    let subject = identity::counts_to(&mut tx.conn, lodged.subject).await?;
    let revision = match next_revision(tx, lodged, subject).await? {
        Ok(revision) => revision,
        Err(settled) => return Ok(settled),
    };
    write_revision(tx, lodged, (revision, subject)).await?;
    let epoch = raise_epoch(tx, subject).await?;
    let reevaluated = reevaluate(tx, subject).await?;
    if revision > 1 {
        let happened = Happened {
            reason: RecallReason::ConsentEnded,
            at: lodged.at,
            since: None,
        };
        look_again(tx, subject, &happened).await?;
    }
    append_change(tx, lodged, (revision, epoch));
    Ok(ConsentChange::Done {
        revision: u32::try_from(revision).map_err(|_| Fault::Damaged("a revision"))?,
        epoch,
        reevaluated,
    })
}

/// The number of the revision to write, or the answer when nothing is to be written.
async fn next_revision(
    tx: &mut Tx,
    lodged: &Lodged,
    subject: PersonId,
) -> Result<Result<i64, ConsentChange>, Fault> {
    let sql = "SELECT c.subject, c.revision, p.test, r.revoked_at IS NOT NULL FROM consent c \
               JOIN person p ON p.person = c.subject \
               JOIN consent_revision r ON r.consent_key = c.consent_key \
               AND r.revision = c.revision WHERE c.consent_key = ?";
    let known = first(&mut tx.conn, sql, row![lodged.key]).await?;
    Ok(match known {
        // Revoked before: it stays revoked as of then.
        Some(row) if row.int(3)? == 1 && lodged.revoked_at.is_some() => {
            let sql = "SELECT consent_epoch FROM person WHERE person = ?";
            let person = first(&mut tx.conn, sql, row![row.id(0)?]).await?;
            let person = person.ok_or(Fault::Damaged("a person is missing"))?;
            Err(ConsentChange::Done {
                revision: u32::try_from(row.int(1)?).map_err(|_| Fault::Damaged("a revision"))?,
                epoch: person.int(0)?,
                reevaluated: 0,
            })
        }
        // What a family took back stays taken back: a repeated PUT must not revive it.
        Some(row) if row.int(3)? == 1 && lodged.revoked_at.is_none() => Err(ConsentChange::Revoked),
        // A lodger that went live lodges its consents again, about real persons now.
        Some(row) if row.id(0)? != subject.0 && row.int(2)? == 0 => {
            Err(ConsentChange::OtherSubject)
        }
        Some(row) => Ok(row.int(1)? + 1),
        None => Ok(1),
    })
}

async fn write_revision(
    tx: &mut Tx,
    lodged: &Lodged,
    (revision, person): (i64, PersonId),
) -> Result<(), Fault> {
    let sql = "INSERT INTO consent (consent_key, lodger, subject, revision, own, registry_id) \
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (consent_key) DO UPDATE SET \
               own = CASE WHEN subject = excluded.subject THEN own ELSE excluded.own END, \
               subject = excluded.subject, revision = excluded.revision";
    let subject = lodged.subject.0;
    let own = (lodged.subject != person).then_some(subject);
    let lodger = lodged.lodger.as_str();
    let registry_id = lodged.registry_id.0;
    let cells = row![lodged.key, lodger, person.0, revision, own, registry_id];
    run(&mut tx.conn, sql, cells).await?;
    let sql = "INSERT INTO consent_revision (consent_key, revision, row_id, subject, lodged_at, \
               revoked_at, key_id, wrapped, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let cells = row![
        lodged.key,
        revision,
        lodged.sealed.row_id,
        subject,
        lodged.at,
        lodged.revoked_at,
        lodged.sealed.key_id,
        lodged.sealed.wrapped.as_slice(),
        lodged.sealed.body.as_slice(),
    ];
    run(&mut tx.conn, sql, cells).await.map(drop)
}

fn append_change(tx: &mut Tx, lodged: &Lodged, (revision, epoch): (i64, i64)) {
    let fields = Fields::new()
        .text("change", lodged.word)
        .text("lodger", lodged.lodger.as_str())
        .text("subject", &lodged.subject.to_string())
        .int("revision", revision)
        .int("epoch", epoch)
        .text("row", &crate::base::digest::hex(&lodged.sealed.row_id))
        .digest("sealed", &Digest::of(&lodged.sealed.body))
        .text("correlation", lodged.correlation_id.as_str());
    let fields = match lodged.revoked_at {
        Some(at) => fields.int("revoked_at", at.0),
        None => fields,
    };
    tx.append(EntryKind::Consent, lodged.at, &fields);
}

/// Raises a person's epoch: decisions taken before can no longer be authorised.
pub(super) async fn raise_epoch(tx: &mut Tx, person: PersonId) -> Result<i64, Fault> {
    tx.consents_touched = true;
    let sql = "UPDATE person SET consent_epoch = consent_epoch + 1 WHERE person = ? \
               RETURNING consent_epoch";
    let row = first(&mut tx.conn, sql, row![person.0]).await?;
    row.ok_or(Fault::Damaged("a person is missing"))?.int(0)
}

/// Queues a person's withheld deliveries for a new decision, while they may still go out, and has
/// those that wait for an attempt decided anew before it is due. How many were withheld.
pub(super) async fn reevaluate(tx: &mut Tx, person: PersonId) -> Result<u64, Fault> {
    let which = "delivery_id IN (SELECT d.delivery_id FROM record_person p \
                 JOIN delivery d ON d.row_id = p.row_id WHERE p.person = ?2)";
    let now = tx.now();
    run_made(&mut tx.conn, &rejudging(which), row![now, person.0]).await?;
    let sql = reopen(which);
    run_made(&mut tx.conn, &sql, row![now, person.0]).await
}

/// Has what waits or is under way decided anew.
fn rejudging(which: &str) -> String {
    format!(
        "INSERT INTO rejudge (delivery_id, at) SELECT delivery_id, ?1 FROM delivery \
         WHERE state IN (0, 1, 2, 4) AND recall_of IS NULL AND {which} ON CONFLICT DO NOTHING"
    )
}

/// Queues what is withheld and may still go out for a new decision.
fn reopen(which: &str) -> String {
    let Moves { set, from } = moves(Event::Reopen, &[DeliveryState::Withheld]);
    format!(
        "UPDATE delivery SET {set}, next_at = ?1, due_since = ?1, updated_at = ?1 \
         WHERE {from} AND late_until > ?1 AND {which}"
    )
}
