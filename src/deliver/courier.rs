//! The courier: claims what is due, decides at the moment of sending, sends, tells the outcome.
//!
//! Decision and rendering run outside any transaction; nothing is sent before the store has
//! committed the authorisation of that very decision. Each send is a task of its own, so that a
//! recipient that is slow or down delays nobody else.

use super::breaker::Breakers;
use super::outbox::{self, Chances, Effect, Event, Verdict};
use super::router::{Leg, channel, route_some};
use super::schedule::{self, Next, Place};
use super::transport::{Parcel, Reply, Transport};
use crate::base::clock::Clock;
use crate::base::id::{ChannelId, PartnerId, PersonId};
use crate::base::limits::LEASE;
use crate::catalog::partner::{Direction, Https};
use crate::kept::{Toward, decision_record, release_stored};
use crate::release::{Hold, Kept, Outgoing, Release};
use crate::rules::Rules;
use crate::store::{
    Authorisation, Authorised, ClaimRequest, Claimed, Completion, DeliveryState, HoldCause,
    KeptOutput, LaneLimit, NewDelivery, Store, StoreError, StoredConsent,
};
use crate::telemetry::{self, emit};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Deliveries one worker has under way at most.
const IN_FLIGHT_MAX: usize = 256;
/// Records routed in one step.
pub(super) const ROUTES_MAX: usize = 200;

/// What a courier works with; clones share it.
#[derive(Clone)]
pub struct Courier {
    store: Store,
    rules: Arc<ArcSwap<Rules>>,
    clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    breakers: Arc<Mutex<Breakers>>,
}

/// Sends under way.
#[derive(Debug, Default)]
pub struct UnderWay(JoinSet<Result<(), StoreError>>);

impl UnderWay {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops those that have ended; a failed one is told, its claim runs out by itself.
    pub fn reap(&mut self) {
        while let Some(ended) = self.0.try_join_next() {
            tell(ended);
        }
    }

    /// Waits until all have ended.
    pub async fn finish(&mut self) {
        while let Some(ended) = self.0.join_next().await {
            tell(ended);
        }
    }
}

fn tell(ended: Result<Result<(), StoreError>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a delivery's outcome was not kept"),
        Err(error) => tracing::error!(%error, "a delivery task ended badly"),
    }
}

/// What is done about one claim.
enum Plan {
    Send(Box<Authorisation>, Box<Parcel>),
    End(Completion),
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
        }
        Ok(records)
    }

    /// Claims what is due, decides, and starts the sends; gives how many claims there were.
    ///
    /// # Errors
    /// When the store fails; claims run out by themselves.
    pub async fn send(&self, under_way: &mut UnderWay) -> Result<usize, StoreError> {
        under_way.reap();
        let rules = self.rules.load_full();
        let limit = IN_FLIGHT_MAX.saturating_sub(under_way.len());
        let lanes = self.lanes(&rules);
        if limit == 0 || lanes.is_empty() {
            return Ok(0);
        }
        let claims = self
            .store
            .claim(ClaimRequest {
                limit,
                now: self.clock.now(),
                lease: LEASE,
                lanes,
            })
            .await?;
        let count = claims.len();
        if count > 0 {
            self.work(&rules, claims, under_way).await?;
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

    async fn work(
        &self,
        rules: &Rules,
        claims: Vec<Claimed>,
        under_way: &mut UnderWay,
    ) -> Result<(), StoreError> {
        let consents = self.consents(&claims).await?;
        let (mut asked, mut sends, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for claim in claims {
            match self.plan(rules, &claim, &consents) {
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
        if !ended.is_empty() {
            self.store.complete(ended).await?;
        }
        if asked.is_empty() {
            return Ok(());
        }
        let answers = self.store.authorise(asked).await?;
        let mut again = Vec::new();
        for (answer, (claim, parcel)) in answers.into_iter().zip(sends) {
            match answer {
                Authorised::Go => {
                    let courier = self.clone();
                    under_way
                        .0
                        .spawn(async move { courier.attempt(claim, parcel).await });
                }
                Authorised::Stale => {}
                // Decided on consents that no longer are: from the start, at once.
                Authorised::EpochChanged => {
                    let next_at = self.clock.now();
                    let detail = "consent-changed".to_owned();
                    let completion = if claim.ambiguous {
                        Completion::Ambiguous { next_at, detail }
                    } else {
                        Completion::Retry { next_at, detail }
                    };
                    again.push((claim.delivery.delivery_id, claim.token, completion));
                }
            }
        }
        if !again.is_empty() {
            self.store.complete(again).await?;
        }
        Ok(())
    }

    async fn consents(&self, claims: &[Claimed]) -> Result<Vec<StoredConsent>, StoreError> {
        let persons = claims.iter().flat_map(|claim| &claim.record.persons);
        let mut persons: Vec<PersonId> = persons.map(|person| person.person).collect();
        persons.sort_unstable();
        persons.dedup();
        self.store.consents_of(&persons).await
    }

    /// Decides one claim at this instant.
    fn plan(&self, rules: &Rules, claim: &Claimed, consents: &[StoredConsent]) -> Plan {
        let delivery = &claim.delivery;
        let now = self.clock.now();
        let recipient = rules.partners.get(&delivery.partner);
        let channel = channel(rules, &delivery.partner, &delivery.channel);
        let https = channel.and_then(|channel| channel.https.as_ref());
        let (Some(recipient), Some(channel), Some(https)) = (recipient, channel, https) else {
            return unknown_party();
        };
        let to = Toward {
            recipient,
            channel,
            reviewed: claim.reviewed,
        };
        let Some(released) = release_stored(rules, &claim.record, to, consents, now) else {
            return unknown_party();
        };
        let leg = Leg {
            record_id: delivery.record_id,
            version: delivery.version,
            partner: &delivery.partner,
            channel: &delivery.channel,
            purpose: channel.purpose,
            generation: delivery.generation.saturating_add(1),
        };
        settle(claim, released, https, &leg)
    }

    /// Makes one authorised attempt and tells the store how it ended.
    async fn attempt(&self, claim: Claimed, parcel: Parcel) -> Result<(), StoreError> {
        let lane = (
            claim.delivery.partner.clone(),
            claim.delivery.channel.clone(),
        );
        let https = parcel.destination.clone();
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
        }
    }

    /// What an answer means for the delivery, by the state machine and the schedule.
    fn outcome(&self, claim: &Claimed, https: &Https, reply: Reply) -> Completion {
        let next = schedule::next(
            https,
            &Place {
                delivery_id: claim.delivery.delivery_id,
                attempts: claim.attempts.saturating_add(1),
                queued_at: claim.queued_at,
                now: self.clock.now(),
                retry_after: reply.retry_after,
            },
        );
        let (chances, next_at) = match next {
            Next::At(at) => (Chances::Left, at),
            Next::GiveUp => (Chances::Spent, self.clock.now()),
        };
        let standing = outbox::Delivery {
            state: DeliveryState::Authorised,
            kept: true,
            ambiguous: claim.ambiguous,
            generation: claim.delivery.generation,
        };
        let detail = reply.detail;
        let event = Event::Answered(reply.answer, chances);
        match outbox::step(standing, event).map(|(to, _)| to.state) {
            Some(DeliveryState::Confirmed) => Completion::Confirmed,
            Some(DeliveryState::Held) => Completion::Refused { detail },
            Some(DeliveryState::Dead) => Completion::Dead { detail },
            Some(DeliveryState::Pending) => Completion::Retry { next_at, detail },
            _ => Completion::Ambiguous { next_at, detail },
        }
    }
}

/// What a decision means for a claim, by the state machine.
fn settle(claim: &Claimed, released: Release, https: &Https, next: &Leg<'_>) -> Plan {
    let standing = outbox::Delivery {
        state: DeliveryState::Leased,
        kept: claim.kept.is_some(),
        ambiguous: claim.ambiguous,
        generation: claim.delivery.generation,
    };
    let (verdict, outgoing, taken) = match released {
        Release::Go(outgoing) => match once_more(*outgoing, claim) {
            Some(outgoing) => (Verdict::Go, Some(outgoing), None),
            None => (Verdict::Narrower, None, None),
        },
        Release::Withheld(taken) => (Verdict::Withhold, None, Some(taken)),
        Release::Held(hold, _) => (Verdict::Hold(cause(hold)), None, None),
    };
    let Some((to, effects)) = outbox::step(standing, Event::Decided(verdict)) else {
        let cause = HoldCause::HumanReview;
        return Plan::End(Completion::Held { cause });
    };
    match (to.state, outgoing, taken) {
        (DeliveryState::Leased, Some(outgoing), _) if effects.contains(&Effect::Authorise) => {
            authorisation(claim, outgoing, https)
        }
        (DeliveryState::Withheld, _, Some(taken)) => Plan::End(Completion::Withheld {
            decision: Box::new(decision_record(&taken)),
        }),
        (DeliveryState::Withdrawn, _, _) => Plan::End(Completion::Withdrawn {
            next: Some(NewDelivery {
                delivery_id: next.delivery_id(),
                generation: next.generation,
                ..claim.delivery.clone()
            }),
        }),
        _ => Plan::End(Completion::Held {
            cause: match verdict {
                Verdict::Hold(cause) => cause,
                _ => HoldCause::HumanReview,
            },
        }),
    }
}

/// The bytes of the first authorised attempt, if all that is in them may still go.
fn once_more(outgoing: Outgoing, claim: &Claimed) -> Option<Outgoing> {
    match &claim.kept {
        None => Some(outgoing),
        Some(kept) => outgoing
            .again(Kept {
                bytes: kept.bytes.clone(),
                media_type: kept.media_type.clone(),
                released_paths: kept.released_paths.clone(),
            })
            .ok(),
    }
}

fn authorisation(claim: &Claimed, outgoing: Outgoing, https: &Https) -> Plan {
    let persons = claim.record.persons.iter();
    let epochs = persons
        .map(|person| (person.person, person.epoch))
        .collect();
    let parcel = Parcel {
        delivery_id: claim.delivery.delivery_id,
        correlation_id: claim.record.correlation_id.clone(),
        media_type: outgoing.media_type().to_owned(),
        obligations: outgoing.obligations().to_owned(),
        bytes: outgoing.bytes().clone(),
        destination: https.clone(),
        now: outgoing.taken().at,
    };
    let authorisation = Authorisation {
        delivery_id: claim.delivery.delivery_id,
        token: claim.token,
        epochs,
        decision: decision_record(outgoing.taken()),
        output: KeptOutput {
            bytes: outgoing.bytes().clone(),
            media_type: outgoing.media_type().to_owned(),
            released_paths: outgoing.released_paths().to_vec(),
        },
    };
    Plan::Send(Box::new(authorisation), Box::new(parcel))
}

/// A party or channel is gone from the catalog, or the payload cannot be read.
fn unknown_party() -> Plan {
    let cause = HoldCause::VocabularyUnknown;
    Plan::End(Completion::Held { cause })
}

fn cause(hold: Hold) -> HoldCause {
    match hold {
        Hold::OutputInvalid => HoldCause::OutputInvalid,
        Hold::HumanReview => HoldCause::HumanReview,
        Hold::ObligationOpen => HoldCause::ObligationOpen,
        Hold::VocabularyUnknown => HoldCause::VocabularyUnknown,
    }
}

fn state_word(completion: &Completion) -> &'static str {
    match completion {
        Completion::Confirmed => "confirmed",
        Completion::Refused { .. } | Completion::Held { .. } => "held",
        Completion::Retry { .. } => "pending",
        Completion::Ambiguous { .. } => "ambiguous",
        Completion::Dead { .. } => "dead",
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
