//! The courier: claims what is due, decides at the moment of sending, sends, tells the outcome.
//!
//! Decision and rendering run outside any transaction; nothing is sent before the store has
//! committed the authorisation of that very decision. What one claim brought is a task of its own,
//! so that the next can be claimed meanwhile, and each send in it is one too, so that a recipient
//! that is slow or down delays nobody else.

use super::breaker::Breakers;
use super::plan::{Grounds, Plan, decide_all};
use super::recall::recall_some;
use super::router::route_some;
use super::schedule::{self, Next, Place};
use super::transport::{Parcel, Reply, Transport};
use super::turns::turn_some;
use crate::base::clock::Clock;
use crate::base::id::{ChannelId, DeliveryId, PartnerId};
use crate::base::limits::{
    CLAIMS_MAX, DELIVERIES_UNDER_WAY_MAX, LEASE, RECALL_LOOK_BACK, ROUTES_MAX,
};
use crate::catalog::partner::{Direction, Https};
use crate::kept::on_file;
use crate::outbox::Answer;
use crate::rules::Rules;
use crate::store::{
    Authorisation, Authorised, ClaimRequest, Claimed, Completion, LaneLimit, Store, StoreError,
};
use crate::telemetry::{self, emit};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

/// Deliveries of one channel that is gone from the rules under way at once: they only end.
const UNLISTED_MAX: u32 = 16;

/// What a courier works with; clones share it.
#[derive(Clone)]
pub struct Courier {
    store: Store,
    rules: Arc<ArcSwap<Rules>>,
    clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    breakers: Arc<Mutex<Breakers>>,
    /// Told when something may be due: a delivery is queued, or a lane has room again.
    due: Arc<Notify>,
    /// What was sent longer ago is not recalled.
    recall_look_back: Duration,
}

/// Claims under way, each until its last send has ended.
#[derive(Debug, Default)]
pub struct UnderWay {
    claims: JoinSet<Result<(), StoreError>>,
    deliveries: Arc<AtomicUsize>,
}

impl UnderWay {
    /// How many deliveries there are.
    pub fn len(&self) -> usize {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Drops those that have ended; a failed one is told, its claims run out by themselves.
    pub fn reap(&mut self) {
        while let Some(ended) = self.claims.try_join_next() {
            tell(ended);
        }
    }

    /// Waits until all have ended.
    pub async fn finish(&mut self) {
        while let Some(ended) = self.claims.join_next().await {
            tell(ended);
        }
    }

    /// Counts deliveries until their places are dropped.
    fn place(&self, due: &Arc<Notify>) -> InFlight {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
        InFlight {
            deliveries: Arc::clone(&self.deliveries),
            due: Arc::clone(due),
        }
    }
}

/// One delivery under way; when it ends its lane has room.
struct InFlight {
    deliveries: Arc<AtomicUsize>,
    due: Arc<Notify>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.deliveries.fetch_sub(1, Ordering::Relaxed);
        self.due.notify_one();
    }
}

type Ended = (DeliveryId, i64, Completion);

fn tell(ended: Result<Result<(), StoreError>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => error.tell(),
        // What it ended with may hold a value.
        Err(_) => emit(&telemetry::Event::Failed {
            operation: "deliver",
            cause: "a task ended badly; its claim runs out",
        }),
    }
}

impl Courier {
    /// A courier over these.
    pub fn new(
        store: Store,
        rules: Arc<ArcSwap<Rules>>,
        clock: Arc<dyn Clock>,
        transport: Arc<dyn Transport>,
    ) -> Courier {
        Courier {
            store,
            rules,
            clock,
            transport,
            breakers: Arc::default(),
            due: Arc::default(),
            recall_look_back: RECALL_LOOK_BACK,
        }
    }

    /// The same, looking back so far for what has to be recalled.
    #[must_use]
    pub fn looking_back(self, recall_look_back: Duration) -> Courier {
        Courier {
            recall_look_back,
            ..self
        }
    }

    /// Routes some waiting records; gives how many.
    ///
    /// # Errors
    /// When the store fails; the records stay waiting.
    pub async fn route(&self) -> Result<usize, StoreError> {
        let rules = self.rules.load_full();
        let now = self.clock.now();
        let (records, deliveries) = route_some(&self.store, &rules, ROUTES_MAX, now).await?;
        if records > 0 {
            emit(&telemetry::Event::Routed {
                records,
                deliveries,
            });
            self.due.notify_one();
        }
        Ok(records)
    }

    /// Looks at one page of what was sent before something happened; gives how many deliveries it
    /// had, `None` when nothing waits.
    ///
    /// # Errors
    /// When the store fails; the page is looked at again.
    pub async fn recall(&self) -> Result<Option<usize>, StoreError> {
        let rules = self.rules.load_full();
        let span = (self.recall_look_back, self.clock.now());
        let looked_at = recall_some(&self.store, &rules, span).await?;
        if looked_at.is_some() {
            self.due.notify_one();
        }
        Ok(looked_at)
    }

    /// Has what facts and consents have changed by the calendar alone decided again; gives at how
    /// many of them it looked.
    ///
    /// # Errors
    /// When the store fails; they are looked at again.
    pub async fn turn(&self) -> Result<usize, StoreError> {
        let rules = self.rules.load_full();
        let found = turn_some(&self.store, &rules, self.clock.now()).await?;
        if found > 0 {
            self.due.notify_one();
        }
        Ok(found)
    }

    /// Until a record may wait for routing.
    pub(super) async fn records_waiting(&self) {
        self.store.records_waiting().await;
    }

    /// Until a delivery is queued or a lane has room again.
    pub(super) async fn deliveries_due(&self) {
        self.due.notified().await;
    }

    /// Claims what is due and has it decided and sent; gives how many claims there were.
    ///
    /// # Errors
    /// When the store fails; claims run out by themselves.
    pub async fn send(&self, under_way: &mut UnderWay) -> Result<usize, StoreError> {
        under_way.reap();
        let rules = self.rules.load_full();
        let limit = DELIVERIES_UNDER_WAY_MAX
            .saturating_sub(under_way.len())
            .min(CLAIMS_MAX);
        let lanes = self.lanes(&rules);
        if limit == 0 {
            return Ok(0);
        }
        let claims = self
            .store
            .claim(ClaimRequest {
                limit,
                now: self.clock.now(),
                lease: LEASE,
                lanes,
                unlisted_max: UNLISTED_MAX,
            })
            .await?;
        let count = claims.len();
        if count > 0 {
            let places = claims.iter().map(|_| under_way.place(&self.due)).collect();
            let courier = self.clone();
            let work = async move { courier.work(rules, claims, places).await };
            under_way.claims.spawn(work);
        }
        Ok(count)
    }

    /// One limit per out-channel, as its breaker allows.
    fn lanes(&self, rules: &Rules) -> Vec<LaneLimit> {
        let now = self.clock.now();
        let breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let partners = rules.partners.values();
        let channels =
            partners.flat_map(|partner| partner.channel.iter().map(move |c| (partner, c)));
        channels
            .filter(|(_, channel)| channel.direction == Direction::Out)
            .filter_map(|(partner, channel)| {
                let name = channel.name.clone()?;
                let most = channel.https.as_ref()?.in_flight_max;
                let lane = (partner.id.clone(), name);
                let in_flight_max = breakers.allowance(&lane, most, now);
                Some(LaneLimit {
                    partner: lane.0,
                    channel: lane.1,
                    in_flight_max,
                })
            })
            .collect()
    }

    /// Decides what one claim brought, has it authorised, sends it and waits for the ends.
    async fn work(
        self,
        rules: Arc<Rules>,
        claims: Vec<Claimed>,
        places: Vec<InFlight>,
    ) -> Result<(), StoreError> {
        let grounds = Grounds {
            rules,
            clock: Arc::clone(&self.clock),
            on_file: Arc::new(on_file(&self.store, claims.iter().map(|c| &*c.record)).await?),
        };
        let mut places: HashMap<DeliveryId, InFlight> = claims
            .iter()
            .map(|claim| claim.delivery.delivery_id)
            .zip(places)
            .collect();
        let (mut asked, mut sends, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for (claim, plan) in decide_all(grounds, claims).await {
            match resting(&claim, plan) {
                Plan::Send(authorisation, parcel) => {
                    asked.push(*authorisation);
                    sends.push((claim, *parcel));
                }
                Plan::End(completion) => {
                    note(&claim, state_word(&completion), claim.attempts);
                    ended.push((claim.delivery.delivery_id, claim.token, completion));
                }
            }
        }
        let (told, going) = tokio::join!(self.end(ended), self.authorised(asked, sends));
        let mut attempts = JoinSet::new();
        for (claim, parcel) in going? {
            let place = places.remove(&claim.delivery.delivery_id);
            let courier = self.clone();
            attempts.spawn(async move {
                let ended = courier.attempt(claim, parcel).await;
                drop(place);
                ended
            });
        }
        // What is not sent has ended.
        drop(places);
        while let Some(ended) = attempts.join_next().await {
            tell(ended);
        }
        told
    }

    async fn end(&self, ended: Vec<Ended>) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        self.store.complete(ended).await.map(drop)
    }

    /// Has the store commit the decisions; gives what may be sent, and queues again what was
    /// decided on consents that no longer are.
    async fn authorised(
        &self,
        asked: Vec<Authorisation>,
        sends: Vec<(Claimed, Parcel)>,
    ) -> Result<Vec<(Claimed, Parcel)>, StoreError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.store.authorise(asked).await?;
        let (mut going, mut again) = (Vec::with_capacity(sends.len()), Vec::new());
        for (answer, (claim, parcel)) in answers.into_iter().zip(sends) {
            match answer {
                Authorised::Go => going.push((claim, parcel)),
                Authorised::Stale => {}
                // From the start, at once.
                Authorised::EpochChanged => {
                    let next_at = self.clock.now();
                    let completion = Completion::DecideAgain { next_at };
                    again.push((claim.delivery.delivery_id, claim.token, completion));
                }
            }
        }
        if let Err(error) = self.end(again).await {
            // What is authorised goes all the same; the others' claims run out.
            tell(Ok(Err(error)));
        }
        Ok(going)
    }

    /// Makes one authorised attempt and tells the store how it ended.
    async fn attempt(&self, claim: Claimed, parcel: Parcel) -> Result<(), StoreError> {
        let lane = (
            claim.delivery.partner.clone(),
            claim.delivery.channel.clone(),
        );
        let https = parcel.destination().clone();
        let reply = self.transport.send(parcel).await;
        self.judge(&lane, &reply);
        let completion = self.outcome(&claim, &https, reply);
        note(
            &claim,
            state_word(&completion),
            claim.attempts.saturating_add(1),
        );
        let ended = (claim.delivery.delivery_id, claim.token, completion);
        self.store.complete(vec![ended]).await.map(drop)
    }

    fn judge(&self, lane: &(PartnerId, ChannelId), reply: &Reply) {
        let now = self.clock.now();
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        if reply.healthy {
            breakers.succeeded(lane);
        } else {
            breakers.failed(lane, now);
            if reply.is_of_tls() {
                emit(&telemetry::Event::RecipientUntrusted {
                    partner: &lane.0,
                    channel: &lane.1,
                    detail: &reply.detail,
                });
            }
        }
    }

    /// What an answer means for the delivery, by the schedule.
    fn outcome(&self, claim: &Claimed, https: &Https, reply: Reply) -> Completion {
        let next = schedule::next(
            https,
            &Place {
                delivery_id: claim.delivery.delivery_id,
                attempts: claim.attempts.saturating_add(1),
                due_since: claim.due_since,
                now: self.clock.now(),
                retry_after: reply.retry_after,
            },
        );
        let detail = reply.detail;
        match (reply.answer, next) {
            (Answer::Confirmed, _) => Completion::Confirmed,
            (Answer::Refused, _) => Completion::Refused { detail },
            (answer, Next::GiveUp) => Completion::Dead { answer, detail },
            (Answer::NotTaken, Next::At(next_at)) => Completion::Retry { next_at, detail },
            (Answer::Unsure, Next::At(next_at)) => Completion::Ambiguous { next_at, detail },
        }
    }
}

/// What is only decided anew and may still go waits on for its attempt.
fn resting(claim: &Claimed, plan: Plan) -> Plan {
    match (claim.resume_at, plan) {
        (Some(next_at), Plan::Send(..)) => Plan::End(Completion::DecideAgain { next_at }),
        (_, plan) => plan,
    }
}

fn state_word(completion: &Completion) -> &'static str {
    match completion {
        Completion::Confirmed => "confirmed",
        Completion::Refused { .. } | Completion::Held { .. } => "held",
        Completion::Retry { .. } | Completion::DecideAgain { .. } => "pending",
        Completion::Ambiguous { .. } => "ambiguous",
        Completion::Dead { .. } | Completion::Unreadable => "dead",
        Completion::Withheld { .. } => "withheld",
        Completion::Withdrawn { .. } => "withdrawn",
    }
}

fn note(claim: &Claimed, state: &'static str, attempts: u32) {
    emit(&telemetry::Event::Delivery {
        partner: &claim.delivery.partner,
        channel: &claim.delivery.channel,
        delivery: &claim.delivery.delivery_id,
        state,
        attempts,
    });
}
