//! Authorising: the last word before anything leaves.
//!
//! The token must still be the claim's and no person's consents may have changed since the
//! decision. The decision, the intent to disclose, the bytes and the ledger entry commit together;
//! only then may the caller send.

use super::Store;
use super::claim::{ClaimOf, ClaimedKey, OUTPUT_TABLE, state_of};
use super::consent::{self, Spent, User};
use super::decision::{self, SealedDecision};
use super::epochs::{self, Epochs};
use super::keys::Place;
use super::model::{Authorisation, Authorised, DeliveryState, HoldCause, StoreError};
use super::route::{DELIVERY_WORK, delivery_work_row};
use super::script::Script;
use super::sql::{Cell, Columns as _, Fault, Insert, first, row, run};
use super::transition::{Moves, OUTDATED, arrival_of, moves};
use super::writer::{Tx, failed};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::Reason;
use crate::ledger::entry::{EntryKind, Fields};
use crate::outbox::{self, Delivery, Event};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// An authorisation with everything sealed.
struct Asked {
    delivery_id: DeliveryId,
    token: i64,
    epochs: Vec<(PersonId, i64)>,
    /// Keys of the consents for one disclosure that it uses up.
    spends: Vec<[u8; 16]>,
    decision: SealedDecision,
    purpose: String,
    row_id: [u8; 16],
    of: ClaimOf,
    media_type: String,
    released: Vec<u8>,
    bytes: Vec<u8>,
    /// What the ledger says of the bytes.
    output: Digest,
    review_due: Option<Timestamp>,
}

impl Store {
    /// Commits decisions and intents; the answers are in the order asked. Whoever gets `Go` may
    /// send, nobody else.
    ///
    /// # Errors
    /// When the database fails; nothing may be sent then.
    pub async fn authorise(
        &self,
        asked: Vec<Authorisation>,
    ) -> Result<Vec<Authorised>, StoreError> {
        const NAME: &str = "authorise";
        let sealed = asked
            .iter()
            .map(|asked| self.seal_authorisation(asked))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|fault| failed(NAME, &fault))?;
        let claims: Vec<_> = asked.iter().map(|a| (a.delivery_id, a.token)).collect();
        let answers = self.write(NAME, sealed, |tx, asked| Box::pin(authorise(tx, asked)));
        let answers = answers.await?;
        let mut held = super::lock(&self.inner.claims);
        for ((id, token), answer) in claims.into_iter().zip(&answers) {
            // Nobody will end what is claimed no more.
            if *answer == Authorised::Stale && held.get(&id).is_some_and(|c| c.token == token) {
                held.remove(&id);
            }
        }
        drop(held);
        Ok(answers)
    }

    /// `None` when this process does not hold the claim, or nothing may be sent by it.
    fn seal_authorisation(&self, asked: &Authorisation) -> Result<Option<Asked>, Fault> {
        let claims = super::lock(&self.inner.claims);
        let claim = claims.get(&asked.delivery_id);
        let may = |claim: &&ClaimedKey| claim.token == asked.token && !claim.only_judged;
        let Some(claim) = claim.filter(may) else {
            return Ok(None);
        };
        let place = |column| Place {
            table: OUTPUT_TABLE,
            row: &asked.delivery_id.0,
            version: &claim.content.0,
            column,
        };
        let plain = asked.output.bytes.expose(Reason::Seal);
        let released = serde_json::to_vec(&(&asked.output.released_paths, asked.output.along))
            .map_err(|_| Fault::Damaged("the released paths of an output"))?;
        let spent = |(lodger, id): &(PartnerId, ConsentId)| self.consent_key(lodger, id);
        Ok(Some(Asked {
            delivery_id: asked.delivery_id,
            token: asked.token,
            epochs: asked.epochs.clone(),
            spends: asked.spends.iter().map(spent).collect(),
            decision: decision::seal(&self.inner.keys, &asked.delivery_id.0, &asked.decision)?,
            purpose: asked.decision.purpose.clone(),
            row_id: claim.row_id,
            of: claim.of.clone(),
            media_type: asked.output.media_type.clone(),
            released: claim.key.seal(&place("released"), &released)?,
            bytes: claim.key.seal(&place("bytes"), plain)?,
            output: claim.key.commit(&Digest::of(plain)),
            review_due: asked.review_due,
        }))
    }
}

/// A delivery and the token of its claim as they stand.
struct Standing {
    outbox: Delivery,
    token: i64,
}

impl Standing {
    /// Whether a claim may send: the outbox makes it authorised, and nothing else of it.
    fn may_go(&self, token: i64) -> bool {
        let to = outbox::step(self.outbox, Event::AuthorisationCommitted);
        self.token == token && to.is_some_and(|(to, _)| to.state == DeliveryState::Authorised)
    }
}

static STANDINGS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT delivery_id, state, token, attempts, exposure, {OUTDATED} FROM delivery \
         WHERE delivery_id IN"
    )
});

fn standings(rows: &[SqliteRow]) -> Result<HashMap<DeliveryId, Standing>, Fault> {
    let one = |row: &SqliteRow| {
        let outbox = Delivery {
            state: state_of(row.int(1)?)?,
            kept: row.int(3)? > 0,
            arrival: arrival_of(row.int(4)?)?,
            outdated: row.int(5)? == 1,
        };
        let token = row.int(2)?;
        Ok((DeliveryId(row.id(0)?), Standing { outbox, token }))
    };
    rows.iter().map(one).collect()
}

/// Deliveries that go: what the outbox makes of them. None of them is outdated.
static GOING: LazyLock<String> = LazyLock::new(|| {
    let Moves { set, from } = moves(Event::AuthorisationCommitted, &[DeliveryState::Leased]);
    format!(
        "UPDATE delivery SET {set}, attempts = attempts + 1, updated_at = ? \
         WHERE {from} AND delivery_id IN"
    )
});

async fn authorise(tx: &mut Tx, asked: &[Option<Asked>]) -> Result<Vec<Authorised>, Fault> {
    let present = || asked.iter().flatten();
    let keys = present().map(|a| Cell::from(a.delivery_id.0));
    let mut persons = Vec::new();
    for asked in present() {
        persons.extend(asked.epochs.iter().map(|(person, _)| *person));
    }
    let mut script = Script::default();
    let epochs = epochs::ask(&mut script, persons);
    let standing = script.keys((STANDINGS.as_str(), ""), &[], keys);
    let mut answers = script.run(&mut tx.conn).await?;
    let epochs = Epochs::read(&answers.take(&epochs))?;
    let mut standing = standings(&answers.take(&standing))?;
    let now = tx.now();
    let mut rows = Rows::new();
    let mut out = Vec::with_capacity(asked.len());
    for asked in asked {
        let Some(asked) = asked else {
            out.push(Authorised::Stale);
            continue;
        };
        let current = standing.get_mut(&asked.delivery_id);
        let Some(current) = current.filter(|s| s.may_go(asked.token)) else {
            out.push(Authorised::Stale);
            continue;
        };
        if !epochs.are(&asked.epochs) {
            out.push(Authorised::EpochChanged);
            continue;
        }
        let seen = !asked.spends.is_empty() && is_seen(tx, asked).await?;
        // Each spends before the next is looked at: of two in one call the second finds it spent.
        let user = User::Delivery(asked.delivery_id);
        if consent::spend(tx, &asked.spends, (user, now)).await? == Spent::ByAnother {
            out.push(Authorised::EpochChanged);
            continue;
        }
        if seen {
            keep_look(tx, asked).await?;
        }
        // Asked twice in one call: the second finds it authorised.
        current.outbox.state = DeliveryState::Authorised;
        rows.push(tx, asked, now);
        out.push(Authorised::Go);
    }
    rows.save(tx, now).await?;
    Ok(out)
}

/// Whether somebody has looked at the delivery and nothing has changed since.
async fn is_seen(tx: &mut Tx, asked: &Asked) -> Result<bool, Fault> {
    let found = first(&mut tx.conn, &SEEN, row![asked.delivery_id.0]).await?;
    Ok(found.is_some())
}

static SEEN: LazyLock<String> = LazyLock::new(|| {
    let counts = epochs::look_counts("d.reviewed", "d.row_id");
    format!("SELECT 1 FROM delivery d WHERE d.delivery_id = ? AND {counts}")
});

/// That a delivery itself used up a consent for one disclosure is no change to what was looked at:
/// its further attempts go on by the same look.
async fn keep_look(tx: &mut Tx, asked: &Asked) -> Result<(), Fault> {
    run(&mut tx.conn, &KEEP_LOOK, row![asked.delivery_id.0]).await?;
    // Behind the entries of that use: whatever changes from here on is newer.
    tx.lay_down().await
}

static KEEP_LOOK: LazyLock<String> = LazyLock::new(|| {
    let changed = epochs::last_change("delivery.row_id");
    format!("UPDATE delivery SET reviewed = {changed} + 1 WHERE delivery_id = ?")
});

struct Rows {
    going: Vec<Cell>,
    reviews: Vec<[Cell; 7]>,
    decisions: Insert,
    outputs: Insert,
    disclosures: Insert,
}

impl Rows {
    fn new() -> Rows {
        Rows {
            going: Vec::new(),
            reviews: Vec::new(),
            decisions: decision_insert(),
            // The first authorised bytes stay.
            outputs: Insert::new(
                "INSERT INTO delivery_output (delivery_id, row_id, media_type, released, bytes) \
                 VALUES",
                "ON CONFLICT (delivery_id) DO NOTHING",
            ),
            disclosures: disclosure_insert(),
        }
    }

    fn push(&mut self, tx: &mut Tx, asked: &Asked, now: Timestamp) {
        let of = &asked.of;
        let id = asked.delivery_id.0;
        self.going.push(Cell::from(id));
        self.decisions
            .push(decision_row((&id, asked.token), &asked.decision, true));
        if let Some(due_at) = asked.review_due {
            // Once, however often it is authorised.
            let review = (HoldCause::ReviewAfter, true);
            let due = (now, Some(due_at));
            let review = delivery_work_row(review, asked.delivery_id, due);
            self.reviews.push(review);
        }
        let mut disclosed = 0;
        if of.attempts == 0 {
            self.outputs.push(row![
                id,
                asked.row_id,
                asked.media_type.as_str(),
                asked.released.as_slice(),
                asked.bytes.as_slice(),
            ]);
        }
        // The accounting is of the first attempt that may have arrived: as long as none has, each
        // takes the place of the one before.
        if !of.test && !of.exposed {
            disclosed = asked.decision.disclosed.len();
            for person in &asked.decision.disclosed {
                self.disclosures
                    .push(row![person.0, now, id, 0_i64, asked.token]);
            }
        }
        let fields = Fields::new()
            .text("delivery", &asked.delivery_id.to_string())
            .int("token", asked.token)
            .text("record", &of.record_id.to_string())
            .text("partner", of.partner.as_str())
            .text("channel", of.channel.as_str())
            .text("purpose", &asked.purpose)
            .text("rule_set", asked.decision.rule_set.as_str())
            .int("test", i64::from(of.test))
            .int("disclosed", i64::try_from(disclosed).unwrap_or(i64::MAX))
            .digest("decision", &asked.decision.commitment)
            .digest("sealed", &asked.decision.sealed)
            .digest("output", &asked.output);
        tx.append(EntryKind::Authorised, now, &fields);
    }

    async fn save(self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        let mut script = Script::default();
        script.keys((GOING.as_str(), ""), &[Cell::from(now)], self.going);
        self.decisions.add_to(&mut script);
        self.outputs.add_to(&mut script);
        self.disclosures.add_to(&mut script);
        for review in self.reviews {
            script.add(DELIVERY_WORK, review);
        }
        script.run(&mut tx.conn).await.map(drop)
    }
}

/// The insert of [`decision_row`]s.
pub(super) fn decision_insert() -> Insert {
    Insert::new(
        "INSERT INTO decision (source_id, token, at, rule_set, body, authorised) VALUES",
        "ON CONFLICT (source_id, token) DO NOTHING",
    )
}

/// A decision about a delivery's claim or an extract's disclosure, and whether something was let go
/// under it.
pub(super) fn decision_row(
    (source, token): (&[u8; 16], i64),
    decision: &SealedDecision,
    authorised: bool,
) -> [Cell; 6] {
    row![
        *source,
        token,
        decision.at,
        decision.rule_set.as_str(),
        decision.body.as_slice(),
        authorised,
    ]
}

/// The insert of (person, at, disclosure, source, token).
pub(super) fn disclosure_insert() -> Insert {
    Insert::new(
        "INSERT INTO person_disclosure (person, at, disclosure_id, source, token) VALUES",
        "ON CONFLICT DO NOTHING",
    )
}
