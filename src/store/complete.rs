//! Ending an attempt: confirmed, refused, again later, perhaps arrived, withheld, held, withdrawn.
//!
//! A stale token changes nothing. What may have arrived stays accounted as possibly disclosed
//! whatever happens afterwards.

use super::authorise::{decision_insert, decision_row};
use super::decision::{self, SealedDecision};
use super::model::{
    Completion, DecisionRecord, DeliveryState, DeliveryView, HoldCause, NewDelivery, NewWorkItem,
    StoreError,
};
use super::route::{Queued, WorkOf, delivery_insert, delivery_row, work_insert, work_row};
use super::sql::{Cell, Columns as _, Fault, Insert, first, for_keys, row, run};
use super::stage::cause_word;
use super::writer::{Tx, failed};
use super::{Store, claim::state_code};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::vocabulary::Obligation;
use crate::ledger::entry::{EntryKind, Fields};
use std::collections::{HashMap, HashSet};
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
        let seal = |(delivery_id, token, completion): (DeliveryId, i64, Completion)| {
            let decision = match &completion {
                Completion::Withheld { decision } => {
                    Some(decision::seal(&self.inner.keys, &delivery_id.0, decision)?)
                }
                _ => None,
            };
            Ok(Ended {
                delivery_id,
                token,
                completion,
                decision,
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
    state: i64,
    token: i64,
    row_id: [u8; 16],
    revision: i64,
    record_id: RecordId,
    partner: String,
    channel: String,
    test: bool,
    addressee: bool,
    sender: PartnerId,
}

async fn standings(tx: &mut Tx, keys: &[Cell]) -> Result<HashMap<DeliveryId, Standing>, Fault> {
    let head = "SELECT d.delivery_id, d.state, d.token, d.row_id, d.revision, d.record_id, \
                d.partner, d.channel, d.test, d.addressee, r.partner FROM delivery d \
                JOIN record r ON r.record_id = d.record_id WHERE d.delivery_id IN";
    let mut out = HashMap::new();
    for row in for_keys(&mut tx.conn, head, "", &[], keys).await? {
        let standing = Standing {
            state: row.int(1)?,
            token: row.int(2)?,
            row_id: row.id(3)?,
            revision: row.int(4)?,
            record_id: RecordId(row.id(5)?),
            partner: row.text(6)?,
            channel: row.text(7)?,
            test: row.int(8)? == 1,
            addressee: row.int(9)? == 1,
            sender: PartnerId::new(&row.text(10)?),
        };
        out.insert(DeliveryId(row.id(0)?), standing);
    }
    Ok(out)
}

struct Rows {
    confirmed: Vec<Cell>,
    decisions: Insert,
    work: Insert,
    next: Insert,
    /// Versions and recipients of whose withholding this group has asked for a look.
    looks: HashSet<([u8; 16], String)>,
}

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
    let mut keys = Vec::with_capacity(ended.len());
    for ended in ended {
        keys.push(Cell::from(ended.delivery_id.0));
    }
    let mut standing = standings(tx, &keys).await?;
    let now = tx.now();
    let mut rows = Rows {
        confirmed: Vec::new(),
        decisions: decision_insert(),
        work: work_insert(),
        next: delivery_insert(),
        looks: HashSet::new(),
    };
    let mut out = Vec::with_capacity(ended.len());
    for ended in ended {
        let claimed = |s: &&mut Standing| matches!(s.state, 1 | 2) && s.token == ended.token;
        let Some(current) = standing.get_mut(&ended.delivery_id).filter(claimed) else {
            out.push(false);
            continue;
        };
        end_one(tx, &mut rows, ended, current).await?;
        current.state = state_code(DeliveryState::Superseded);
        out.push(true);
    }
    let head = "UPDATE delivery SET state = 5, exposure = 2, detail = NULL, updated_at = ? \
                WHERE delivery_id IN";
    for_keys(&mut tx.conn, head, "", &[Cell::from(now)], &rows.confirmed).await?;
    rows.decisions.run(&mut tx.conn).await?;
    rows.next.run(&mut tx.conn).await?;
    rows.work.run(&mut tx.conn).await?;
    Ok(out)
}

/// How a completion changes the delivery.
struct Change<'a> {
    word: &'static str,
    state: DeliveryState,
    next_at: Option<Timestamp>,
    /// Whether the bytes may have arrived.
    exposed: bool,
    detail: Option<&'a str>,
    work: Option<HoldCause>,
}

fn change<'a>(completion: &'a Completion, current: &Standing) -> Change<'a> {
    let plain = |word, state| Change {
        word,
        state,
        next_at: None,
        exposed: false,
        detail: None,
        work: None,
    };
    match completion {
        Completion::Confirmed => plain("confirmed", DeliveryState::Confirmed),
        Completion::Refused { detail } => Change {
            // Whoever refuses has read.
            exposed: true,
            detail: Some(detail),
            work: Some(HoldCause::RecipientRefused),
            ..plain("refused", DeliveryState::Held)
        },
        Completion::Retry { next_at, detail } => Change {
            next_at: Some(*next_at),
            detail: Some(detail),
            ..plain("retry", DeliveryState::Pending)
        },
        Completion::Ambiguous { next_at, detail } => Change {
            next_at: Some(*next_at),
            exposed: true,
            detail: Some(detail),
            ..plain("ambiguous", DeliveryState::Ambiguous)
        },
        Completion::Dead { detail } => Change {
            detail: Some(detail),
            work: Some(HoldCause::AttemptsExhausted),
            ..plain("dead", DeliveryState::Dead)
        },
        Completion::Withheld { decision } => Change {
            // Nobody is told of a withholding but the one who named the recipient, and whoever
            // the rules want to look at a refusal.
            work: match asks_for_a_look(decision) {
                true => Some(HoldCause::HumanReview),
                false => current.addressee.then_some(HoldCause::Withheld),
            },
            ..plain("withheld", DeliveryState::Withheld)
        },
        Completion::Held { cause } => Change {
            work: Some(*cause),
            ..plain("held", DeliveryState::Held)
        },
        Completion::Withdrawn { .. } => plain("withdrawn", DeliveryState::Withdrawn),
    }
}

fn asks_for_a_look(decision: &DecisionRecord) -> bool {
    let look = Obligation::HumanReview.as_str();
    decision.obligations.iter().any(|owed| owed == look)
}

/// Whether somebody was asked already to look at why this version is withheld from this recipient:
/// one item is enough, however many channels it has and however often the decision is taken again.
async fn looked_at(tx: &mut Tx, rows: &mut Rows, current: &Standing) -> Result<bool, Fault> {
    if !rows.looks.insert((current.row_id, current.partner.clone())) {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM work_item w JOIN delivery d ON d.delivery_id = w.delivery_id \
               WHERE w.row_id = ? AND w.cause = ? AND d.partner = ? LIMIT 1";
    let cause = cause_word(HoldCause::HumanReview);
    let cells = row![current.row_id, cause, current.partner.as_str()];
    Ok(first(&mut tx.conn, sql, cells).await?.is_some())
}

async fn end_one(
    tx: &mut Tx,
    rows: &mut Rows,
    ended: &Ended,
    current: &Standing,
) -> Result<(), Fault> {
    let now = tx.now();
    let change = change(&ended.completion, current);
    let id = ended.delivery_id.0;
    if change.state == DeliveryState::Confirmed {
        rows.confirmed.push(Cell::from(id));
    } else {
        let sql = "UPDATE delivery SET state = ?, next_at = coalesce(?, next_at), \
                   exposure = max(exposure, ?), detail = ?, updated_at = ? WHERE delivery_id = ?";
        let cells = row![
            state_code(change.state),
            change.next_at,
            change.exposed,
            change.detail,
            now,
            id
        ];
        run(&mut tx.conn, sql, cells).await?;
    }
    if let Some(decision) = &ended.decision {
        rows.decisions
            .push(decision_row(&id, ended.token, decision));
    }
    let review =
        change.state == DeliveryState::Withheld && change.work == Some(HoldCause::HumanReview);
    let told = review && looked_at(tx, rows, current).await?;
    if let Some(cause) = change.work.filter(|_| !told) {
        let item = NewWorkItem {
            cause,
            detail: change.detail.unwrap_or_default().to_owned(),
        };
        push_work(rows, &item, ended, current, now);
    }
    if let Completion::Withdrawn { next: Some(next) } = &ended.completion {
        push_next(rows, next, current, now);
    }
    append(tx, ended, current, &change);
    Ok(())
}

fn push_work(
    rows: &mut Rows,
    item: &NewWorkItem,
    ended: &Ended,
    current: &Standing,
    now: Timestamp,
) {
    let of = WorkOf {
        partner: &current.sender,
        record_id: current.record_id,
        row_id: current.row_id,
        delivery_id: Some(ended.delivery_id.0),
        test: current.test,
    };
    rows.work.push(work_row(item, &of, now));
}

fn push_next(rows: &mut Rows, next: &NewDelivery, current: &Standing, now: Timestamp) {
    let queued = Queued {
        row_id: current.row_id,
        revision: current.revision,
        test: current.test,
        at: now,
    };
    rows.next.push(delivery_row(next, &queued));
}

fn append(tx: &mut Tx, ended: &Ended, current: &Standing, change: &Change<'_>) {
    let now = tx.now();
    let fields = Fields::new()
        .text("delivery", &ended.delivery_id.to_string())
        .int("token", ended.token)
        .text("outcome", change.word)
        .text("record", &current.record_id.to_string())
        .text("partner", &current.partner)
        .text("channel", &current.channel)
        .int("test", i64::from(current.test));
    let (kind, fields) = match (&ended.decision, &ended.completion) {
        (Some(decision), _) => {
            let fields = fields
                .text("rule_set", decision.rule_set.as_str())
                .digest("decision", &decision.commitment);
            (EntryKind::Withheld, fields)
        }
        (None, Completion::Held { cause }) => (
            EntryKind::Completed,
            fields.text("cause", &cause_word(*cause)),
        ),
        _ => (EntryKind::Completed, fields),
    };
    tx.append(kind, now, &fields);
}
