//! The outbox state machine: what may become of one delivery, as a pure function.
//!
//! Nothing here sends, stores or asks the time; the worker does what the effects say. It must never
//! allow a send without an authorisation of the same claim, never forget that bytes may have
//! arrived, and never leave a state that is final.

use crate::store::model::{DeliveryState, HoldCause};

/// What is known about one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it stands.
    pub state: DeliveryState,
    /// Bytes were authorised once and are kept for every further attempt.
    pub kept: bool,
    /// An earlier attempt may have arrived.
    pub ambiguous: bool,
    /// From zero; a narrower decision ends one generation and queues the next.
    pub generation: u32,
}

impl Delivery {
    /// A delivery the router has just queued.
    pub fn queued(generation: u32) -> Delivery {
        Delivery {
            state: DeliveryState::Pending,
            kept: false,
            ambiguous: false,
            generation,
        }
    }
}

/// What the release decision of this moment says, next to what was kept from the first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something may go, at least as much as the kept bytes hold.
    Go,
    /// Something may go, but less than the kept bytes hold.
    Narrower,
    /// Nothing may go.
    Withhold,
    /// A person must look first.
    Hold(HoldCause),
}

/// How the recipient, or the way to it, answered an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has the record.
    Confirmed,
    /// It will never take these bytes.
    Refused,
    /// It certainly does not have the record.
    NotTaken,
    /// It may have the record.
    Unsure,
}

/// What happens to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker takes it.
    Claim,
    /// The worker's lease ran out.
    LeaseExpired,
    /// The worker decided.
    Decided(Verdict),
    /// The store committed the authorisation.
    AuthorisationCommitted,
    /// A consent of its persons changed since the decision.
    EpochChanged,
    /// The attempt ended, with attempts left or not.
    Answered(Answer, Chances),
    /// A newer version of the record took its place.
    Supersede,
    /// A consent, link, agreement or relationship changed.
    Reopen,
    /// An operator asks for another try.
    Replay,
}

/// Whether the retry schedule still has an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chances {
    /// It has.
    Left,
    /// The partner's give-up time is over.
    Spent,
}

/// What the worker or the store does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Decide and render, outside any transaction.
    Decide,
    /// Ask the store to commit decision, bytes and disclosure intent.
    Authorise,
    /// Hand the bytes to the transport.
    Send,
    /// Try again by the schedule.
    Schedule,
    /// Account for the disclosure; `true` when it is certain.
    Account {
        /// Confirmed, as against possibly disclosed.
        certain: bool,
    },
    /// Raise a work item.
    RaiseWork(HoldCause),
    /// Queue the next generation.
    QueueNext,
}

/// One step. `None` when the event cannot happen in this state: the caller drops it.
pub fn step(delivery: Delivery, event: Event) -> Option<(Delivery, Vec<Effect>)> {
    use DeliveryState as S;
    let at = |state| Delivery { state, ..delivery };
    match (delivery.state, event) {
        (S::Confirmed | S::Withdrawn | S::Superseded, _) => None,
        (S::Pending | S::Ambiguous, Event::Claim) => Some((at(S::Leased), vec![Effect::Decide])),
        (S::Leased, Event::Decided(verdict)) => Some(decided(delivery, verdict)),
        (S::Leased, Event::LeaseExpired) => Some((at(resting(delivery)), vec![])),
        (S::Leased, Event::AuthorisationCommitted) => {
            let sent = Delivery {
                kept: true,
                ..at(S::Authorised)
            };
            Some((sent, vec![Effect::Send]))
        }
        (S::Leased, Event::EpochChanged) => Some((delivery, vec![Effect::Decide])),
        // The process died between authorisation and answer: the bytes may be there.
        (S::Authorised | S::Sent, Event::LeaseExpired) => {
            let unsure = Delivery {
                ambiguous: true,
                ..at(S::Ambiguous)
            };
            Some((unsure, vec![Effect::Schedule]))
        }
        (S::Authorised | S::Sent, Event::Answered(answer, chances)) => {
            Some(answered(delivery, answer, chances))
        }
        (S::Withheld, Event::Reopen | Event::Replay)
        | (S::Held | S::Dead, Event::Replay)
        | (S::Held, Event::Reopen) => Some((at(resting(delivery)), vec![])),
        (
            S::Pending | S::Leased | S::Ambiguous | S::Withheld | S::Held | S::Dead,
            Event::Supersede,
        ) => {
            let owed = delivery
                .ambiguous
                .then_some(Effect::Account { certain: false });
            Some((at(S::Superseded), owed.into_iter().collect()))
        }
        _ => None,
    }
}

/// Where a delivery waits between claims: what may have arrived stays ambiguous.
fn resting(delivery: Delivery) -> DeliveryState {
    if delivery.ambiguous {
        DeliveryState::Ambiguous
    } else {
        DeliveryState::Pending
    }
}

fn decided(delivery: Delivery, verdict: Verdict) -> (Delivery, Vec<Effect>) {
    let at = |state| Delivery { state, ..delivery };
    match verdict {
        Verdict::Go => (delivery, vec![Effect::Authorise]),
        // Bytes that left, or may have, are never rewritten under the same delivery id: this
        // generation ends and the next one decides for itself.
        Verdict::Narrower | Verdict::Withhold if delivery.kept => {
            let mut effects = Vec::new();
            if delivery.ambiguous {
                effects.push(Effect::Account { certain: false });
            }
            effects.push(Effect::QueueNext);
            (at(DeliveryState::Withdrawn), effects)
        }
        // Narrower than nothing is simply what may go now.
        Verdict::Narrower => (delivery, vec![Effect::Authorise]),
        Verdict::Withhold => (at(DeliveryState::Withheld), vec![]),
        Verdict::Hold(cause) => (at(DeliveryState::Held), vec![Effect::RaiseWork(cause)]),
    }
}

fn answered(delivery: Delivery, answer: Answer, chances: Chances) -> (Delivery, Vec<Effect>) {
    let at = |state| Delivery { state, ..delivery };
    let owed = || {
        delivery
            .ambiguous
            .then_some(Effect::Account { certain: false })
    };
    match (answer, chances) {
        (Answer::Confirmed, _) => (
            at(DeliveryState::Confirmed),
            vec![Effect::Account { certain: true }],
        ),
        (Answer::Refused, _) => {
            let mut effects = vec![Effect::RaiseWork(HoldCause::RecipientRefused)];
            effects.extend(owed());
            (at(DeliveryState::Held), effects)
        }
        (Answer::NotTaken, Chances::Left) => (at(resting(delivery)), vec![Effect::Schedule]),
        (Answer::Unsure, Chances::Left) => {
            let unsure = Delivery {
                ambiguous: true,
                ..at(DeliveryState::Ambiguous)
            };
            (unsure, vec![Effect::Schedule])
        }
        (answer, Chances::Spent) => {
            let ambiguous = delivery.ambiguous || answer == Answer::Unsure;
            let mut effects = vec![Effect::RaiseWork(HoldCause::AttemptsExhausted)];
            if ambiguous {
                effects.push(Effect::Account { certain: false });
            }
            let dead = Delivery {
                ambiguous,
                ..at(DeliveryState::Dead)
            };
            (dead, effects)
        }
    }
}

#[cfg(test)]
mod tests {
    //! Goal: the promises of the outbox hold over any course of events. Method: random events
    //! against a model that only remembers what was promised.
    use super::*;
    use proptest::prelude::*;

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let verdict = prop_oneof![
            3 => Just(Verdict::Go),
            1 => Just(Verdict::Narrower),
            1 => Just(Verdict::Withhold),
            1 => Just(Verdict::Hold(HoldCause::HumanReview)),
        ];
        let answer = prop_oneof![
            Just(Answer::Confirmed),
            Just(Answer::Refused),
            Just(Answer::NotTaken),
            Just(Answer::Unsure),
        ];
        let chances = prop_oneof![4 => Just(Chances::Left), 1 => Just(Chances::Spent)];
        let event = prop_oneof![
            4 => Just(Event::Claim),
            1 => Just(Event::LeaseExpired),
            4 => verdict.prop_map(Event::Decided),
            4 => Just(Event::AuthorisationCommitted),
            1 => Just(Event::EpochChanged),
            4 => (answer, chances).prop_map(|(a, c)| Event::Answered(a, c)),
            1 => Just(Event::Supersede),
            1 => Just(Event::Reopen),
            1 => Just(Event::Replay),
        ];
        proptest::collection::vec(event, 1..60)
    }

    #[derive(Default)]
    struct Model {
        authorised_now: bool,
        decided_go: bool,
        maybe_arrived: bool,
        accounted: bool,
        ended: bool,
    }

    fn watch(model: &mut Model, event: Event, to: &Delivery, effects: &[Effect]) {
        use DeliveryState as S;
        assert!(!model.ended, "a final state was left by {event:?}");
        if event == Event::Claim {
            model.decided_go = false;
            model.authorised_now = false;
        }
        if matches!(event, Event::Decided(Verdict::Withhold | Verdict::Hold(_))) {
            assert!(!effects.contains(&Effect::Authorise));
        }
        if let Event::Answered(Answer::Unsure, _) = event {
            model.maybe_arrived = true;
        }
        if event == Event::LeaseExpired && model.authorised_now {
            model.maybe_arrived = true;
        }
        model.authorised_now =
            effects.contains(&Effect::Send) || (model.authorised_now && to.state == S::Authorised);
        if effects.contains(&Effect::Send) {
            assert_eq!(
                event,
                Event::AuthorisationCommitted,
                "sent without a commit"
            );
        }
        if effects.iter().any(|e| matches!(e, Effect::Account { .. })) {
            model.accounted = true;
        }
        if matches!(to.state, S::Confirmed | S::Withdrawn | S::Superseded) {
            model.ended = true;
            if model.maybe_arrived || to.state == S::Confirmed {
                assert!(model.accounted, "a possible disclosure was not accounted");
            }
        }
        if matches!(to.state, S::Withheld) {
            assert!(
                !model.maybe_arrived,
                "what may have arrived was called withheld"
            );
        }
    }

    proptest! {
        #[test]
        fn no_send_without_commit_and_no_possible_disclosure_is_forgotten(course in events()) {
            let mut delivery = Delivery::queued(0);
            let mut model = Model::default();
            for event in course {
                if let Some((to, effects)) = step(delivery, event) {
                    watch(&mut model, event, &to, &effects);
                    delivery = to;
                }
            }
        }
    }

    #[test]
    fn a_revocation_after_an_unsure_attempt_withdraws_and_queues_the_next_generation() {
        let course = [
            Event::Claim,
            Event::Decided(Verdict::Go),
            Event::AuthorisationCommitted,
            Event::Answered(Answer::Unsure, Chances::Left),
            Event::Claim,
        ];
        let mut delivery = Delivery::queued(0);
        for event in course {
            delivery = step(delivery, event).map(|(to, _)| to).unwrap_or(delivery);
        }
        let (to, effects) = step(delivery, Event::Decided(Verdict::Withhold)).expect("allowed");
        assert_eq!(to.state, DeliveryState::Withdrawn);
        assert_eq!(
            effects,
            [Effect::Account { certain: false }, Effect::QueueNext]
        );
    }

    #[test]
    fn a_crash_after_the_commit_is_ambiguous_never_pending() {
        let leased = step(Delivery::queued(0), Event::Claim).expect("allowed").0;
        let sent = step(leased, Event::AuthorisationCommitted)
            .expect("allowed")
            .0;
        let lost = step(sent, Event::LeaseExpired).expect("allowed").0;
        assert_eq!(lost.state, DeliveryState::Ambiguous);
        assert!(lost.ambiguous && lost.kept);
    }
}
