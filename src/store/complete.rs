//! Ending an attempt: confirmed, refused, again later, perhaps arrived, withheld, held, withdrawn.
//!
//! A stale token changes nothing. What may have arrived stays accounted as possibly disclosed
//! whatever happens afterwards.

use super::authorise::{decision_insert, decision_row};
use super::claim::{ClaimOf, state_code, state_of};
use super::decision::{self, SealedDecision};
use super::epochs::look_counts;
use super::model::{
    Completion, DecisionRecord, DeliveryState, DeliveryView, HoldCause, NewDelivery, NewWorkItem,
    StoreError,
};
use super::route::{Queued, WorkOf, delivery_insert, delivery_row, work_insert, work_row};
use super::script::Script;
use super::sql::{Cell, Columns as _, Fault, Insert, first, row};
use super::stage::cause_word;
use super::transition::{Moves, arrival_code, arrival_of, moves};
use super::writer::{Tx, failed};
use super::{Store, outlived, recall};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::vocabulary::Obligation;
use crate::ledger::entry::{EntryKind, Fields};
use crate::outbox::{self, Answer, Arrival, Chances, Clearance, Effect, Event};
use sqlx::sqlite::SqliteRow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use tokio::sync::oneshot;

/// Ends that wait for the writer. Workers end attempts one by one; the writer takes all that
/// wait in the same statements.
pub(super) struct CompleteJob {
    ended: Vec<Ended>,
    result: Vec<bool>,
    reply: oneshot::Sender<Result<Vec<bool>, StoreError>>,
}

impl CompleteJob {
    /// Answers, after the commit or the failure.
    pub(super) fn answer(self, fault: Option<&Fault>) {
        let result = match fault {
            None => Ok(self.result),
            Some(fault) => Err(failed("complete", fault)),
        };
        // The worker may have gone; what is committed stands.
        drop(self.reply.send(result));
    }
}

/// One attempt's end, ready for the writer.
struct Ended {
    delivery_id: DeliveryId,
    token: i64,
    completion: Completion,
    decision: Option<SealedDecision>,
    /// What is claimed, when this process holds the claim.
    of: Option<ClaimOf>,
}

impl Ended {
    /// What is claimed, when nothing else of the delivery has to be known to end it.
    fn plainly(&self) -> Option<&ClaimOf> {
        let of = self.of.as_ref();
        of.filter(|_| self.completion == Completion::Confirmed)
    }
}

impl Store {
    /// Ends claims. For each, in order: whether the token was still the claim's.
    ///
    /// # Errors
    /// When the database fails; the claims then run out by themselves.
    pub async fn complete(
        &self,
        ended: Vec<(DeliveryId, i64, Completion)>,
    ) -> Result<Vec<bool>, StoreError> {
        const NAME: &str = "complete";
        let of = |id: &DeliveryId, token: i64| {
            let claims = super::lock(&self.inner.claims);
            let claim = claims.get(id).filter(|claim| claim.token == token);
            claim.map(|claim| claim.of.clone())
        };
        let seal = |(delivery_id, token, completion): (DeliveryId, i64, Completion)| {
            let decision = match &completion {
                Completion::Withheld { decision }
                | Completion::Held {
                    decision: Some(decision),
                    ..
                } => Some(decision::seal(&self.inner.keys, &delivery_id.0, decision)?),
                _ => None,
            };
            Ok(Ended {
                delivery_id,
                token,
                completion,
                decision,
                of: of(&delivery_id, token),
            })
        };
        let ended = ended.into_iter().map(seal).collect::<Result<Vec<_>, _>>();
        let ended = ended.map_err(|fault: Fault| failed(NAME, &fault))?;
        let claims: Vec<(DeliveryId, i64)> =
            ended.iter().map(|e| (e.delivery_id, e.token)).collect();
        let (reply, answer) = oneshot::channel();
        let job = CompleteJob {
            ended,
            result: Vec::new(),
            reply,
        };
        let sent = self.inner.completes.send(job).await;
        sent.map_err(|_| super::stopped(NAME))?;
        let done = answer.await.unwrap_or_else(|_| Err(super::stopped(NAME)))?;
        let mut held = super::lock(&self.inner.claims);
        for (delivery_id, token) in claims {
            if held.get(&delivery_id).is_some_and(|c| c.token == token) {
                held.remove(&delivery_id);
            }
        }
        Ok(done)
    }

    /// One delivery as a view shows it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        const NAME: &str = "delivery";
        let mut conn = self.reader(NAME).await?;
        let found = super::views::deliveries(&mut conn, "delivery_id", &[Cell::from(id.0)]).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        Ok(found.into_iter().next())
    }
}

/// A delivery under a claim.
struct Standing {
    outbox: outbox::Delivery,
    row_id: [u8; 16],
    revision: i64,
    of: ClaimOf,
    addressee: bool,
    sender: PartnerId,
    /// A notice about an earlier delivery.
    notice: bool,
}

const STANDINGS: (&str, &str) = (
    "SELECT d.delivery_id, d.row_id, d.revision, d.record_id, d.partner, d.channel, d.test, \
     d.attempts, d.addressee, r.partner, d.state, d.exposure, \
     coalesce(d.recall_of IS NULL AND d.row_id <> r.current_row, 0), d.recall_of \
     FROM delivery d JOIN record r ON r.record_id = d.record_id WHERE d.delivery_id IN",
    "",
);

fn standings(rows: &[SqliteRow]) -> Result<HashMap<DeliveryId, Standing>, Fault> {
    let one = |row: &SqliteRow| {
        let attempts = u32::try_from(row.int(7)?).map_err(|_| Fault::Damaged("a count"))?;
        let outbox = outbox::Delivery {
            state: state_of(row.int(10)?)?,
            kept: attempts > 0,
            arrival: arrival_of(row.int(11)?)?,
            outdated: row.int(12)? == 1,
        };
        let standing = Standing {
            outbox,
            row_id: row.id(1)?,
            revision: row.int(2)?,
            of: ClaimOf {
                record_id: RecordId(row.id(3)?),
                partner: PartnerId::new(&row.text(4)?),
                channel: ChannelId::new(&row.text(5)?),
                test: row.int(6)? == 1,
                attempts,
                exposed: outbox.arrival > Arrival::No,
            },
            addressee: row.int(8)? == 1,
            sender: PartnerId::new(&row.text(9)?),
            notice: row.id_or_null(13)?.is_some(),
        };
        Ok((DeliveryId(row.id(0)?), standing))
    };
    rows.iter().map(one).collect()
}

/// Tokens of claims that still stand, and whether they are authorised.
fn tokens(rows: &[SqliteRow]) -> Result<HashMap<DeliveryId, (i64, DeliveryState)>, Fault> {
    let one = |row: &SqliteRow| {
        Ok((
            DeliveryId(row.id(0)?),
            (row.int(1)?, state_of(row.int(2)?)?),
        ))
    };
    rows.iter().map(one).collect()
}

struct Rows {
    confirmed: Vec<Cell>,
    /// Deliveries that may have ended what somebody was asked to look at.
    settled: Vec<Cell>,
    changes: Insert,
    decisions: Insert,
    work: Insert,
    next: Insert,
    again: Insert,
    /// Versions and recipients of whose withholding this group has asked for a look.
    looks: HashSet<([u8; 16], String)>,
}

impl Rows {
    fn new() -> Rows {
        Rows {
            confirmed: Vec::new(),
            settled: Vec::new(),
            // As one statement: as many as there are rows would be a text of its own each time.
            changes: Insert::new(
                "UPDATE delivery SET state = v.column2, \
                 next_at = coalesce(v.column3, delivery.next_at), \
                 exposure = max(delivery.exposure, v.column4), \
                 detail = CASE v.column7 WHEN 1 THEN delivery.detail ELSE v.column5 END, \
                 updated_at = v.column6 FROM (VALUES",
                ") AS v WHERE delivery.delivery_id = v.column1",
            ),
            decisions: decision_insert(),
            work: work_insert(),
            next: delivery_insert(),
            again: Insert::new(
                "INSERT INTO rejudge (delivery_id, at) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            looks: HashSet::new(),
        }
    }

    async fn save(self, tx: &mut Tx) -> Result<(), Fault> {
        let at = tx.now();
        let now = Cell::from(at);
        let mut script = Script::default();
        self.changes.add_to(&mut script);
        let settled = [self.confirmed.as_slice(), &self.settled].concat();
        script.keys((CONFIRMED.as_str(), ""), &[now], self.confirmed);
        outlived::close(&mut script, settled, at);
        self.decisions.add_to(&mut script);
        self.next.add_to(&mut script);
        self.again.add_to(&mut script);
        self.work.add_to(&mut script);
        script.run(&mut tx.conn).await.map(drop)
    }
}

/// What the outbox makes of what is confirmed, many at once.
static CONFIRMED: LazyLock<String> = LazyLock::new(|| {
    let Moves { set, from } = moves(event(&Completion::Confirmed), &[DeliveryState::Authorised]);
    format!(
        "UPDATE delivery SET {set}, detail = NULL, updated_at = ? \
         WHERE {from} AND delivery_id IN"
    )
});

/// Writes the ends of a group; results are set on the jobs.
pub(super) async fn run_group(tx: &mut Tx, jobs: &mut [CompleteJob]) -> Result<(), Fault> {
    let ended: Vec<&Ended> = jobs.iter().flat_map(|job| &job.ended).collect();
    let mut done = complete(tx, &ended).await?.into_iter();
    for job in jobs {
        job.result = done.by_ref().take(job.ended.len()).collect();
    }
    Ok(())
}

async fn complete(tx: &mut Tx, ended: &[&Ended]) -> Result<Vec<bool>, Fault> {
    let key = |ended: &&&Ended| Cell::from(ended.delivery_id.0);
    let mut asks = Script::default();
    let head = "SELECT delivery_id, token, state FROM delivery WHERE state IN (1, 2) \
                AND delivery_id IN";
    let claimed = asks.keys((head, ""), &[], ended.iter().map(|e| key(&e)));
    let others = ended.iter().filter(|ended| ended.plainly().is_none());
    let standing = asks.keys(STANDINGS, &[], others.map(|e| key(&e)));
    let mut answers = asks.run(&mut tx.conn).await?;
    let mut claimed = tokens(&answers.take(&claimed))?;
    let standing = standings(&answers.take(&standing))?;
    let mut rows = Rows::new();
    let mut out = Vec::with_capacity(ended.len());
    for ended in ended {
        let state = claimed.get(&ended.delivery_id);
        let Some((_, state)) = state.filter(|(token, _)| *token == ended.token) else {
            out.push(false);
            continue;
        };
        let known = match (ended.plainly(), standing.get(&ended.delivery_id)) {
            // Nobody confirms what was not sent.
            (Some(_), _) if *state != DeliveryState::Authorised => false,
            (Some(of), _) => {
                rows.confirmed.push(Cell::from(ended.delivery_id.0));
                append(tx, ended, of, "confirmed");
                true
            }
            (None, Some(current)) => end_one(tx, &mut rows, ended, current).await?,
            (None, None) => false,
        };
        // Ended twice in one group: the second finds no claim.
        claimed.remove(&ended.delivery_id);
        out.push(known);
    }
    rows.save(tx).await?;
    Ok(out)
}

/// How a completion changes the delivery.
struct Change<'a> {
    word: &'static str,
    to: outbox::Delivery,
    next_at: Option<Timestamp>,
    detail: Option<&'a str>,
    work: Option<HoldCause>,
}

/// What a completion is to the outbox.
fn event(completion: &Completion) -> Event {
    let left = |answer| Event::Answered(answer, Chances::Left);
    match completion {
        Completion::Confirmed => left(Answer::Confirmed),
        Completion::Refused { .. } => left(Answer::Refused),
        Completion::Retry { .. } => left(Answer::NotTaken),
        Completion::Ambiguous { .. } => left(Answer::Unsure),
        Completion::Dead { answer, .. } => Event::Answered(*answer, Chances::Spent),
        Completion::Unreadable => Event::Unreadable,
        Completion::DecideAgain { .. } => Event::EpochChanged,
        Completion::Withheld { .. } => Event::Decided(Clearance::Withhold),
        Completion::Held { .. } => Event::Decided(Clearance::Hold),
        Completion::Withdrawn { .. } => Event::Decided(Clearance::Narrower),
    }
}

/// `None` when this cannot be how it ended.
fn change<'a>(completion: &'a Completion, current: &Standing) -> Option<Change<'a>> {
    let (to, effects) = outbox::step(current.outbox, event(completion))?;
    let plain = |word| Change {
        word,
        to,
        next_at: None,
        detail: None,
        work: None,
    };
    let change = match completion {
        Completion::Confirmed => plain("confirmed"),
        Completion::Refused { detail } => Change {
            detail: Some(detail),
            work: Some(HoldCause::RecipientRefused),
            ..plain("refused")
        },
        Completion::Retry { next_at, detail } => Change {
            next_at: Some(*next_at),
            detail: Some(detail),
            ..plain("retry")
        },
        Completion::Ambiguous { next_at, detail } => Change {
            next_at: Some(*next_at),
            detail: Some(detail),
            ..plain("ambiguous")
        },
        Completion::DecideAgain { next_at } => Change {
            next_at: Some(*next_at),
            ..plain("decide-again")
        },
        Completion::Dead { detail, .. } => Change {
            detail: Some(detail),
            work: Some(HoldCause::AttemptsExhausted),
            ..plain("dead")
        },
        Completion::Unreadable => Change {
            detail: Some("record-unreadable"),
            work: Some(HoldCause::AttemptsExhausted),
            ..plain("dead")
        },
        Completion::Withheld { decision } => Change {
            // Nobody is told of a withholding but the one who named the recipient, and whoever
            // the rules want to look at a refusal.
            work: look(decision).or(current.addressee.then_some(HoldCause::Withheld)),
            ..plain("withheld")
        },
        Completion::Held { cause, .. } => Change {
            work: Some(*cause),
            ..plain("held")
        },
        Completion::Withdrawn { .. } => plain("withdrawn"),
    };
    // A decision only ends a claim when nothing is sent.
    let ends = to.state != DeliveryState::Leased;
    // What goes on as a next generation needs a withdrawal, which says which one.
    let next_unsaid =
        effects.contains(&Effect::QueueNext) && !matches!(completion, Completion::Withdrawn { .. });
    (ends && !next_unsaid).then_some(change)
}

/// What a person has to do before it goes: the item says it, and takes it as done when released.
fn still_owed(completion: &Completion) -> Option<String> {
    match completion {
        Completion::Held {
            cause: HoldCause::ObligationOpen,
            decision: Some(decision),
        } => Some(decision.open.join(",")),
        _ => None,
    }
}

/// Why a withholding is shown to officers, whoever named the recipient.
fn look(decision: &DecisionRecord) -> Option<HoldCause> {
    let look = Obligation::HumanReview.as_str();
    if decision.standing_unknown {
        return Some(HoldCause::StandingUnknown);
    }
    let asked = decision.obligations.iter().any(|owed| owed == look);
    asked.then_some(HoldCause::HumanReview)
}

/// Whether somebody was asked already to look at why this version is withheld from this recipient:
/// one item is enough, however many channels it has and however often the decision is taken again.
async fn looked_at(
    tx: &mut Tx,
    rows: &mut Rows,
    (current, cause): (&Standing, HoldCause),
) -> Result<bool, Fault> {
    if !rows
        .looks
        .insert((current.row_id, current.of.partner.as_str().to_owned()))
    {
        return Ok(true);
    }
    // A look that was had is had while nothing changes about anybody in it; what is unknown is
    // asked for again once somebody has answered.
    let lasts = cause == HoldCause::HumanReview;
    let partner = current.of.partner.as_str();
    let cells = row![current.row_id, cause_word(cause), partner, lasts];
    Ok(first(&mut tx.conn, &LOOKED_AT, cells).await?.is_some())
}

static LOOKED_AT: LazyLock<String> = LazyLock::new(|| {
    let counts = look_counts("w.looked", "?1");
    format!(
        "SELECT 1 FROM work_item w JOIN delivery d ON d.delivery_id = w.delivery_id \
         WHERE w.row_id = ?1 AND w.cause = ?2 AND d.partner = ?3 \
         AND (w.state = 0 OR ?4 AND {counts}) LIMIT 1"
    )
});

/// Whether somebody was told already that this delivery is withheld: once is enough, however often
/// it is decided again. What ended by itself was put away by nobody.
async fn told_before(tx: &mut Tx, id: DeliveryId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM work_item WHERE delivery_id = ? AND cause = ? \
               AND (state = 0 OR looked > 0) LIMIT 1";
    let cells = row![id.0, cause_word(HoldCause::Withheld)];
    Ok(first(&mut tx.conn, sql, cells).await?.is_some())
}

/// Whether it could end so.
async fn end_one(
    tx: &mut Tx,
    rows: &mut Rows,
    ended: &Ended,
    current: &Standing,
) -> Result<bool, Fault> {
    let now = tx.now();
    let Some(change) = change(&ended.completion, current) else {
        return Ok(false);
    };
    let id = ended.delivery_id.0;
    rows.changes.push(row![
        id,
        state_code(change.to.state),
        change.next_at,
        arrival_code(change.to.arrival),
        change.detail,
        now,
        // What is only decided anew says what its last attempt said.
        matches!(ended.completion, Completion::DecideAgain { .. }),
    ]);
    if outlived::ends(change.to.state) {
        rows.settled.push(Cell::from(id));
    }
    if let Some(decision) = &ended.decision {
        rows.decisions
            .push(decision_row((&id, ended.token), decision, false));
    }
    // What has a newer version goes on nowhere, and nobody has to look at it.
    if change.to.state != DeliveryState::Superseded {
        let told = match (change.to.state, change.work) {
            (
                DeliveryState::Withheld,
                Some(cause @ (HoldCause::HumanReview | HoldCause::StandingUnknown)),
            ) => looked_at(tx, rows, (current, cause)).await?,
            (DeliveryState::Withheld, Some(HoldCause::Withheld)) => {
                told_before(tx, ended.delivery_id).await?
            }
            _ => false,
        };
        if change.work == Some(HoldCause::RecallByHand) {
            // The recipient has to be told, and no sender of anything.
            recall::instead(tx, ended.delivery_id).await?;
        } else if let Some(cause) = change.work.filter(|_| !told) {
            let item = NewWorkItem {
                cause,
                detail: match still_owed(&ended.completion) {
                    Some(owed) => owed,
                    None => change.detail.unwrap_or_default().to_owned(),
                },
                due_at: None,
            };
            push_work(rows, &item, ended, current, now);
        }
        if let Completion::Withdrawn { next: Some(next) } = &ended.completion {
            push_next(rows, next, current, now);
        }
    }
    append(tx, ended, &current.of, change.word);
    Ok(true)
}

fn push_work(
    rows: &mut Rows,
    item: &NewWorkItem,
    ended: &Ended,
    current: &Standing,
    now: Timestamp,
) {
    let of = WorkOf {
        record_id: Some(current.of.record_id),
        row_id: (!current.notice).then_some(current.row_id),
        delivery_id: Some(ended.delivery_id.0),
        ..WorkOf::partner(&current.sender, current.of.test)
    };
    rows.work.push(work_row(item, &of, now));
}

fn push_next(rows: &mut Rows, next: &NewDelivery, current: &Standing, now: Timestamp) {
    let queued = Queued {
        row_id: current.row_id,
        revision: current.revision,
        test: current.of.test,
        at: now,
        due: now,
    };
    rows.next.push(delivery_row(next, &queued));
    // What narrowed the one before is decided about at once, whether its channel has room or not.
    rows.again.push(row![next.delivery_id.0, now]);
}

fn append(tx: &mut Tx, ended: &Ended, of: &ClaimOf, word: &str) {
    let now = tx.now();
    let fields = Fields::new()
        .text("delivery", &ended.delivery_id.to_string())
        .int("token", ended.token)
        .text("outcome", word)
        .text("record", &of.record_id.to_string())
        .text("partner", of.partner.as_str())
        .text("channel", of.channel.as_str())
        .int("test", i64::from(of.test));
    let fields = match &ended.completion {
        Completion::Held { cause, .. } => fields.text("cause", &cause_word(*cause)),
        _ => fields,
    };
    let fields = match &ended.decision {
        Some(decision) => fields
            .text("rule_set", decision.rule_set.as_str())
            .digest("decision", &decision.commitment)
            .digest("sealed", &decision.sealed),
        None => fields,
    };
    let kind = match ended.completion {
        Completion::Withheld { .. } => EntryKind::Withheld,
        _ => EntryKind::Completed,
    };
    tx.append(kind, now, &fields);
}
