//! Deciding claims: what is done about each, by the rules and the state machine.
//!
//! Pure but for the clock it is given: no store, no network, no lock. A record is read once for all
//! its recipients, and the records of a claim are shared out over the cores, away from the threads
//! that serve requests.

use super::recall::takes_notices;
use super::router::{Leg, channel};
use super::transport::Parcel;
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::CHILD_ABUSE_REPORT;
use crate::catalog::partner::Https;
use crate::kept::{OnFile, Readied, Toward, decision_record, hold_cause, once_more, output};
use crate::outbox::{self, Arrival, Clearance, Effect, Event};
use crate::release::{Narrower, NoticeInput, ObligationSet, Outgoing, Release, notice};
use crate::rules::Rules;
use crate::store::{
    Authorisation, Claimed, Completion, DeliveryState, HoldCause, NewDelivery, Recall,
};
use crate::telemetry::{self, emit};
use std::sync::Arc;

/// What is done about one claim.
pub(super) enum Plan {
    /// Ask for the authorisation, then send.
    Send(Box<Authorisation>, Box<Parcel>),
    /// Nothing is sent.
    End(Completion),
}

/// What claims are decided with; clones share it.
#[derive(Clone)]
pub(super) struct Grounds {
    pub(super) rules: Arc<Rules>,
    pub(super) clock: Arc<dyn Clock>,
    /// What the registry has on all persons of the claims.
    pub(super) on_file: Arc<OnFile>,
}

/// Decides all claims, on all cores. A part that ended badly is left out: its claims run out.
pub(super) async fn decide_all(grounds: Grounds, claims: Vec<Claimed>) -> Vec<(Claimed, Plan)> {
    let parts = shared_out(
        claims,
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    let deciding = parts.into_iter().map(|part| {
        let grounds = grounds.clone();
        tokio::task::spawn_blocking(move || decide_some(&grounds, part))
    });
    // All are started before the first is waited for.
    let deciding: Vec<_> = deciding.collect();
    let mut out = Vec::new();
    for part in deciding {
        match part.await {
            Ok(decided) => out.extend(decided),
            // What it ended with may hold a value.
            Err(_) => emit(&telemetry::Event::Failed {
                operation: "decide",
                cause: "a task ended badly; its claims run out",
            }),
        }
    }
    out
}

/// Parts of about one size, in order; claims of one record, which stand together, stay so.
fn shared_out(claims: Vec<Claimed>, parts: usize) -> Vec<Vec<Claimed>> {
    let size = claims.len().div_ceil(parts.max(1)).max(1);
    let mut out: Vec<Vec<Claimed>> = Vec::with_capacity(parts);
    for claim in claims {
        match out.last_mut() {
            Some(part) if part.len() < size || part.last().is_some_and(|l| same(l, &claim)) => {
                part.push(claim);
            }
            _ => out.push(vec![claim]),
        }
    }
    out
}

fn same(one: &Claimed, other: &Claimed) -> bool {
    Arc::ptr_eq(&one.record, &other.record)
}

fn decide_some(grounds: &Grounds, claims: Vec<Claimed>) -> Vec<(Claimed, Plan)> {
    let by_person = grounds.on_file.by_person();
    let mut plans = Vec::with_capacity(claims.len());
    for record in claims.chunk_by(same) {
        let readied = record
            .first()
            .and_then(|c| Readied::new(&c.record, &grounds.on_file, &by_person));
        for claim in record {
            plans.push(match &readied {
                Some(readied) => decide(grounds, claim, readied),
                None => unknown_party(),
            });
        }
    }
    claims.into_iter().zip(plans).collect()
}

/// Decides one claim at this instant. Whether anything leads there at all is release's to say.
fn decide(grounds: &Grounds, claim: &Claimed, readied: &Readied<'_>) -> Plan {
    if claim.ambiguous && claim.recall.is_none() && is_report(claim) {
        return by_phone();
    }
    let (rules, delivery, now) = (&*grounds.rules, &claim.delivery, grounds.clock.now());
    let recipient = rules.partners.get(&delivery.partner);
    let channel = channel(rules, &delivery.partner, &delivery.channel);
    let released = match (claim.recall, recipient, channel) {
        (Some(recall), _, _) => match tell(rules, claim, (recall, now)) {
            Some(notice) => Some(notice),
            None => return by_hand(),
        },
        (None, Some(recipient), Some(channel)) => {
            let to = Toward {
                recipient,
                channel,
                reviewed: claim.reviewed,
                done: ObligationSet(claim.done),
                emergency: None,
            };
            readied.release_attempt(rules, (to, delivery.delivery_id), now)
        }
        _ => readied.no_channel(rules, recipient, now),
    };
    let Some(released) = released else {
        return unknown_party();
    };
    let leg = Leg {
        record_id: delivery.record_id,
        version: delivery.version,
        partner: &delivery.partner,
        channel: &delivery.channel,
        purpose: channel.and_then(|channel| channel.purpose),
        generation: delivery.generation.saturating_add(1),
    };
    let https = channel.and_then(|channel| channel.https.as_ref());
    let due = || rules.policy.calendar().due(now);
    settle(claim, released, (https, &due), &leg)
}

/// What a decision means for a claim, by the state machine.
fn settle(
    claim: &Claimed,
    released: Release,
    (https, due): (Option<&Https>, &dyn Fn() -> Timestamp),
    next: &Leg<'_>,
) -> Plan {
    let standing = outbox::Delivery {
        state: DeliveryState::Leased,
        kept: claim.kept.is_some(),
        arrival: if claim.ambiguous {
            Arrival::Perhaps
        } else {
            Arrival::No
        },
        outdated: false,
    };
    let (clearance, outgoing, decided) = match released {
        Release::Go(outgoing) => match again(*outgoing, claim) {
            Ok(outgoing) => (Clearance::Go, Some(outgoing), None),
            Err(Narrower) => (Clearance::Narrower, None, None),
        },
        Release::Withheld(taken) | Release::Untied(taken) => {
            (Clearance::Withhold, None, Some((None, taken)))
        }
        Release::Held(hold, taken) => {
            let cause = Some(hold_cause(hold));
            (Clearance::Hold, None, Some((cause, taken)))
        }
    };
    let Some((to, effects)) = outbox::step(standing, Event::Decided(clearance)) else {
        return unknown_party();
    };
    match (to.state, outgoing.zip(https), decided) {
        (DeliveryState::Leased, Some((outgoing, https)), _)
            if effects.contains(&Effect::Authorise) =>
        {
            authorisation(claim, outgoing, (https, due))
        }
        (DeliveryState::Withheld, _, Some((_, taken))) => Plan::End(Completion::Withheld {
            decision: Box::new(decision_record(&taken)),
        }),
        (DeliveryState::Withdrawn, _, _) => Plan::End(Completion::Withdrawn {
            next: Some(NewDelivery {
                delivery_id: next.delivery_id(),
                generation: next.generation,
                ..claim.delivery.clone()
            }),
        }),
        (_, _, decided) => {
            let (cause, taken) = decided.unzip();
            Plan::End(Completion::Held {
                cause: cause.flatten().unwrap_or(HoldCause::HumanReview),
                decision: taken.map(|taken| Box::new(decision_record(&taken))),
            })
        }
    }
}

/// The notice of a recall, where the channel takes one.
fn tell(rules: &Rules, claim: &Claimed, (recall, now): (Recall, Timestamp)) -> Option<Release> {
    let to = &claim.delivery;
    let notice = notice(&NoticeInput {
        rule_set: &rules.digest,
        notice_id: to.delivery_id,
        record_id: to.record_id,
        delivery_id: recall.of,
        reason: recall.reason,
        at: recall.at,
        source: rules.partners.get(&claim.record.partner)?,
        recipient: rules.partners.get(&to.partner)?,
        channel: takes_notices(rules, to)?,
        now,
    });
    Some(Release::Go(Box::new(notice)))
}

fn is_report(claim: &Claimed) -> bool {
    claim.record.record_type.as_str() == CHILD_ABUSE_REPORT
}

/// A report of child abuse that may have arrived is never sent a second time: a person asks.
fn by_phone() -> Plan {
    Plan::End(Completion::Held {
        cause: HoldCause::ConfirmByPhone,
        decision: None,
    })
}

/// Its channel takes no notices any more.
fn by_hand() -> Plan {
    let cause = HoldCause::RecallByHand;
    Plan::End(Completion::Held {
        cause,
        decision: None,
    })
}

/// What goes: the bytes of the first authorised attempt, when there was one.
fn again(outgoing: Outgoing, claim: &Claimed) -> Result<Outgoing, Narrower> {
    match &claim.kept {
        None => Ok(outgoing),
        Some(kept) => once_more(outgoing, kept),
    }
}

fn authorisation(
    claim: &Claimed,
    outgoing: Outgoing,
    (https, due): (&Https, &dyn Fn() -> Timestamp),
) -> Plan {
    // A notice speaks of nobody.
    let persons = claim.record.persons.iter();
    let persons = persons.filter(|_| claim.recall.is_none());
    let epochs = persons
        .map(|person| (person.person, person.epoch))
        .collect();
    let authorisation = Authorisation {
        delivery_id: claim.delivery.delivery_id,
        token: claim.token,
        epochs,
        spends: outgoing.spends().to_vec(),
        decision: decision_record(outgoing.taken()),
        output: output(&outgoing),
        review_due: outgoing.review_after().then(due),
    };
    let parcel = Parcel::new(
        claim.delivery.delivery_id,
        claim.record.correlation_id.clone(),
        outgoing,
        https.clone(),
    );
    Plan::Send(Box::new(authorisation), Box::new(parcel))
}

/// The sender is gone from the catalog, or the payload cannot be read.
fn unknown_party() -> Plan {
    let cause = HoldCause::VocabularyUnknown;
    Plan::End(Completion::Held {
        cause,
        decision: None,
    })
}
