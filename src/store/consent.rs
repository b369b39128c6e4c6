//! Consents: immutable revisions, the person's epoch, and withheld deliveries decided again.
//!
//! Every change raises the epoch of the person in the same transaction, so that no decision taken
//! before it can still be authorised.

use super::Store;
use super::identity;
use super::keys::Domain;
use super::model::{
    Audience, ConsentChange, ConsentEnd, Ending, NewConsent, NewIdentifier, OperatorAct, StoreError,
};
use super::prepare::identifier_domain;
use super::recall::{Happened, look_again};
use super::route::route_again;
use super::sealed::{self, Sealed};
use super::sql::{Columns as _, Fault, all, first, row, run, run_made};
use super::transition::{Moves, moves};
use super::writer::{Tx, failed};
use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, hex};
use crate::base::id::*;
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use crate::outbox::{DeliveryState, Event};

pub(super) mod audience;
mod confirm;
mod notice;
mod read;
mod scan;
mod spend;

pub(super) use spend::{Spent, User, spend};

const TABLE: &str = "consent_revision";

/// How often a consent that changes meanwhile is read again to be ended.
const ENDING_TRIES_MAX: u8 = 4;

/// Disclosures listed of those between the telling of a revocation and its entering; where there
/// are more, the entry says how many there are.
const BETWEEN_TOLD_MAX: usize = 100;

/// What is sealed: the lodger's id of the consent, its body, how it was captured, and who told of
/// what became of it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    id: ConsentId,
    consent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capture: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<String>,
}

/// How it was captured, and who told of what became of it.
type Extras<'a> = (
    Option<&'a Sensitive<Vec<u8>>>,
    Option<&'a Sensitive<Vec<u8>>>,
);

/// A revision ready for the writer.
struct Lodged {
    key: [u8; 16],
    /// The registry's id of it, should it be new.
    registry_id: RegistryId,
    lodger: PartnerId,
    subject: PersonId,
    at: Timestamp,
    change: Change,
    /// The revision it was made from, where it rests on one.
    after: Option<u32>,
    /// Whether it may close what others opened, however new it is.
    narrows: bool,
    revoked_at: Option<Timestamp>,
    ended_on: Option<i32>,
    act: Option<OperatorAct>,
    by: PartnerId,
    /// Who besides its lodger may know of it; as it was where nothing was lodged.
    audience: Option<Audience>,
    sealed: Sealed,
    correlation_id: CorrelationId,
}

/// What a revision does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Lodged,
    Revoked,
    Ended,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Change::Lodged => "lodged",
            Change::Revoked => "revoked",
            Change::Ended => "ended",
        }
    }
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

    /// Lodges a consent or a new revision of it, with what is known of how it was captured and who
    /// besides its lodger may know of it.
    ///
    /// # Errors
    /// When the database fails; the consent is not in force then.
    pub async fn lodge_consent(
        &self,
        consent: NewConsent,
        capture: Option<Sensitive<Vec<u8>>>,
        audience: Audience,
    ) -> Result<ConsentChange, StoreError> {
        const NAME: &str = "lodge_consent";
        let partner_key = self.partner_key(&consent.partner).await?;
        let key = self.consent_key(&consent.partner, &consent.consent_id);
        let sealed = Body::of(&consent.consent_id, &consent.body, (capture.as_ref(), None))
            .and_then(|plain| sealed::seal(TABLE, &partner_key, consent.at, &plain));
        let lodged = Lodged {
            key,
            registry_id: RegistryId::mint(consent.at),
            by: consent.partner.clone(),
            lodger: consent.partner,
            subject: consent.subject,
            at: consent.at,
            change: Change::Lodged,
            after: None,
            narrows: narrows(&consent.body),
            revoked_at: None,
            ended_on: None,
            act: None,
            audience: Some(audience),
            sealed: sealed.map_err(|fault| failed(NAME, &fault))?,
            correlation_id: consent.correlation_id,
        };
        self.write(NAME, lodged, |tx, lodged| Box::pin(lodge(tx, lodged)))
            .await
    }

    /// As [`Store::lodge_consent`], of which nothing more is known and nobody else may know.
    ///
    /// # Errors
    /// As there.
    pub async fn put_consent(&self, consent: NewConsent) -> Result<ConsentChange, StoreError> {
        let nobody = Audience::default();
        self.lodge_consent(consent, None, nobody).await
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
        let Some(current) = self.get_consent(partner, consent_id).await? else {
            return Ok(ConsentChange::Unknown);
        };
        let end = ConsentEnd {
            how: Ending::Revoked(at),
            told: None,
            by: partner.clone(),
            act: None,
            at: self.inner.clock.now(),
            correlation_id: correlation_id.clone(),
        };
        self.end_consent(current.registry_id, end).await
    }

    /// Ends a consent: it was revoked, or what it was to end with has happened. What was lodged
    /// stays as it is; a revoked one stays revoked as of when it was first.
    ///
    /// # Errors
    /// When the database fails; the consent then still counts.
    pub async fn end_consent(
        &self,
        id: RegistryId,
        end: ConsentEnd,
    ) -> Result<ConsentChange, StoreError> {
        const NAME: &str = "end_consent";
        // A revision lodged in between is read again: what is ended is what stands.
        for _ in 0..ENDING_TRIES_MAX {
            let Some(current) = self.registered_consent(id).await? else {
                return Ok(ConsentChange::Unknown);
            };
            let partner_key = self.partner_key(&current.partner).await?;
            let extras = (current.capture.as_ref(), end.told.as_ref());
            let sealed = Body::of(&current.consent_id, &current.body, extras)
                .and_then(|plain| sealed::seal(TABLE, &partner_key, end.at, &plain));
            let (change, revoked_at, ended_on) = match end.how {
                Ending::Revoked(at) => (Change::Revoked, Some(at), current.ended_on),
                Ending::Ended(day) => (Change::Ended, current.revoked_at, Some(day)),
            };
            let lodged = Lodged {
                key: self.consent_key(&current.partner, &current.consent_id),
                registry_id: id,
                lodger: current.partner,
                subject: current.subject,
                at: end.at,
                change,
                after: Some(current.revision),
                narrows: true,
                revoked_at,
                ended_on,
                act: end.act.clone(),
                by: end.by.clone(),
                audience: None,
                sealed: sealed.map_err(|fault| failed(NAME, &fault))?,
                correlation_id: end.correlation_id.clone(),
            };
            let done = self.write(NAME, lodged, |tx, lodged| Box::pin(lodge(tx, lodged)));
            match done.await? {
                ConsentChange::Newer => {}
                settled => return Ok(settled),
            }
        }
        Ok(ConsentChange::Newer)
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
                if partner.is_none() {
                    super::turn::look_at_all(tx).await?;
                }
                let cells = row![now, partner.as_deref()];
                run_made(&mut tx.conn, &rejudging(which), cells).await?;
                let sql = reopen(which);
                run_made(&mut tx.conn, &sql, row![now, partner.as_deref()]).await
            })
        })
        .await
    }

    pub(super) fn consent_key(&self, partner: &PartnerId, consent_id: &ConsentId) -> [u8; 16] {
        let parts = [partner.as_str(), consent_id.as_str()];
        self.inner.keys.blind(Domain::Consent, &parts)
    }
}

impl Body {
    /// What is sealed of a revision.
    fn of(
        id: &ConsentId,
        consent: &Sensitive<Vec<u8>>,
        (capture, told): Extras<'_>,
    ) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(&Body {
            id: id.clone(),
            consent: text(consent)?,
            capture: capture.map(text).transpose()?,
            told: told.map(text).transpose()?,
        });
        plain.map_err(|_| Fault::Damaged("a consent"))
    }
}

fn text(sensitive: &Sensitive<Vec<u8>>) -> Result<String, Fault> {
    let bytes = sensitive.expose(Reason::Seal).clone();
    String::from_utf8(bytes).map_err(|_| Fault::Damaged("a consent is not text"))
}

/// Whether a paper refuses or retires others; one nobody can read may.
fn narrows(body: &Sensitive<Vec<u8>>) -> bool {
    let read = text(body).ok();
    let read = read.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    read.is_none_or(|paper| {
        let permits = paper.get("type").and_then(|word| word.as_str()) == Some("permit");
        let retires = paper.get("supersedes");
        !permits || retires.is_some_and(|ids| !ids.is_null())
    })
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
    if revision > 1 || lodged.narrows {
        let happened = Happened {
            reason: RecallReason::ConsentEnded,
            at: lodged.at,
            since: None,
        };
        look_again(tx, subject, &happened).await?;
    }
    append_change(tx, lodged, (revision, epoch)).await?;
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
    let sql = "SELECT c.subject, c.revision, p.test, r.revoked_at IS NOT NULL, \
               r.ended_on IS NOT NULL, p.consent_epoch FROM consent c \
               JOIN person p ON p.person = c.subject \
               JOIN consent_revision r ON r.consent_key = c.consent_key \
               AND r.revision = c.revision WHERE c.consent_key = ?";
    let Some(row) = first(&mut tx.conn, sql, row![lodged.key]).await? else {
        return Ok(Ok(1));
    };
    let current = row.int(1)?;
    let (revoked, ended) = (row.int(3)? == 1, row.int(4)? == 1);
    let settled = match lodged.change {
        // What a family took back stays taken back: a repeated PUT must not revive it.
        Change::Lodged if revoked || ended => ConsentChange::Revoked,
        // A lodger that went live lodges its consents again, about real persons now.
        Change::Lodged if row.id(0)? != subject.0 && row.int(2)? == 0 => {
            ConsentChange::OtherSubject
        }
        Change::Lodged => return Ok(Ok(current + 1)),
        // It stays as it was first told.
        _ if revoked || (ended && lodged.change == Change::Ended) => ConsentChange::Done {
            revision: u32::try_from(current).map_err(|_| Fault::Damaged("a revision"))?,
            epoch: row.int(5)?,
            reevaluated: 0,
        },
        _ if lodged.after.map(i64::from) != Some(current) => ConsentChange::Newer,
        _ => return Ok(Ok(current + 1)),
    };
    Ok(Err(settled))
}

async fn write_revision(
    tx: &mut Tx,
    lodged: &Lodged,
    (revision, person): (i64, PersonId),
) -> Result<(), Fault> {
    let sql = "INSERT INTO consent (consent_key, lodger, subject, revision, own, registry_id) \
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (consent_key) DO UPDATE SET \
               own = CASE WHEN subject = excluded.subject THEN own ELSE excluded.own END, \
               subject = excluded.subject, revision = excluded.revision, turns_at = 0, \
               turned_to = 0 RETURNING registry_id";
    let subject = lodged.subject.0;
    let own = (lodged.subject != person).then_some(subject);
    let lodger = lodged.lodger.as_str();
    let registry_id = lodged.registry_id.0;
    let cells = row![lodged.key, lodger, person.0, revision, own, registry_id];
    let kept = first(&mut tx.conn, sql, cells).await?;
    let kept = RegistryId(kept.ok_or(Fault::Damaged("a consent"))?.id(0)?);
    if let Some(audience) = &lodged.audience {
        audience::write(tx, (kept, person), audience).await?;
    }
    let sql = "INSERT INTO consent_revision (consent_key, revision, row_id, subject, lodged_at, \
               revoked_at, ended_on, change, key_id, wrapped, body) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let cells = row![
        lodged.key,
        revision,
        lodged.sealed.row_id,
        subject,
        lodged.at,
        lodged.revoked_at,
        lodged.ended_on.map(i64::from),
        lodged.change.word(),
        lodged.sealed.key_id,
        lodged.sealed.wrapped.as_slice(),
        lodged.sealed.body.as_slice(),
    ];
    run(&mut tx.conn, sql, cells).await.map(drop)
}

/// What was disclosed of the person between the instant a revocation was told and now is listed
/// in the ledger alone: whoever revokes need not learn of it.
async fn append_change(
    tx: &mut Tx,
    lodged: &Lodged,
    (revision, epoch): (i64, i64),
) -> Result<(), Fault> {
    let mut fields = Fields::new()
        .text("change", lodged.change.word())
        .text("lodger", lodged.lodger.as_str())
        .text("by", lodged.by.as_str())
        .text("subject", &lodged.subject.to_string())
        .int("revision", revision)
        .int("epoch", epoch)
        .text("row", &hex(&lodged.sealed.row_id))
        .digest("sealed", &Digest::of(&lodged.sealed.body))
        .text("correlation", lodged.correlation_id.as_str());
    if let Some(at) = lodged.revoked_at {
        fields = fields.int("revoked_at", at.0);
    }
    if let (Change::Revoked, Some(at)) = (lodged.change, lodged.revoked_at) {
        let sql = "SELECT DISTINCT disclosure_id FROM person_disclosure WHERE person = ? \
                   AND at >= ? ORDER BY disclosure_id LIMIT ?";
        let asked = row![lodged.subject.0, at, BETWEEN_TOLD_MAX + 1];
        let rows = all(&mut tx.conn, sql, asked).await?;
        let ids = rows.iter().map(|row| row.id(0).map(DisclosureId));
        let ids = ids.collect::<Result<Vec<_>, Fault>>()?;
        let ids = ids.iter().map(ToString::to_string).take(BETWEEN_TOLD_MAX);
        let ids: Vec<String> = ids.collect();
        fields = fields.list("disclosed_since", ids.iter().map(String::as_str));
        if rows.len() > ids.len() {
            let sql = "SELECT count(DISTINCT disclosure_id) FROM person_disclosure \
                       WHERE person = ? AND at >= ?";
            let all = first(&mut tx.conn, sql, row![lodged.subject.0, at]).await?;
            let all = all.ok_or(Fault::Damaged("a count"))?.int(0)?;
            fields = fields.int("disclosed_since_in_all", all);
        }
    }
    if let Some(act) = &lodged.act {
        let id = lodged.registry_id.to_string();
        super::operator::append(tx, act, (lodged.change.word(), &id));
    }
    tx.append(EntryKind::Consent, lodged.at, &fields);
    Ok(())
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
/// those that wait for an attempt decided anew before it is due; whom the person's papers name may
/// be another too. How many were withheld.
pub(super) async fn reevaluate(tx: &mut Tx, person: PersonId) -> Result<u64, Fault> {
    let which = "delivery_id IN (SELECT d.delivery_id FROM record_person p \
                 JOIN delivery d ON d.row_id = p.row_id WHERE p.person = ?2)";
    let now = tx.now();
    run_made(&mut tx.conn, &rejudging(which), row![now, person.0]).await?;
    route_again(tx, person).await?;
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
