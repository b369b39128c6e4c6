//! The outbox: what may become of one delivery, as a pure function both the store and the courier
//! read. The store writes what a step says and nothing else, singly or as a statement made of it.
//!
//! Nothing here sends, stores or asks the time. It must never allow a send without an authorisation
//! of the same claim, never forget that bytes may have arrived, never leave a state that is final,
//! and never try an older version of a record once there is a newer one.

/// States of a delivery (DESIGN section 5).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for an attempt; nothing has arrived.
    Pending,
    /// A worker decides.
    Leased,
    /// A worker may send; how that ended is not known yet.
    Authorised,
    /// Waits for a further attempt; an earlier one may have arrived.
    Ambiguous,
    /// The recipient has it.
    Confirmed,
    /// Law or consent keeps it back.
    Withheld,
    /// A person must look.
    Held,
    /// Less may go than was sent: the next generation goes on.
    Withdrawn,
    /// A newer version of the record took its place.
    Superseded,
    /// All attempts were used up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [DeliveryState; 10] = [
        DeliveryState::Pending,
        DeliveryState::Leased,
        DeliveryState::Authorised,
        DeliveryState::Ambiguous,
        DeliveryState::Confirmed,
        DeliveryState::Withheld,
        DeliveryState::Held,
        DeliveryState::Withdrawn,
        DeliveryState::Superseded,
        DeliveryState::Dead,
    ];
}

/// What is known of the bytes' arrival. It never grows less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// Nothing can have arrived.
    No,
    /// Something may have: it is accounted as possibly disclosed.
    Perhaps,
    /// The recipient said so.
    Yes,
}

impl Arrival {
    /// All of them.
    pub const ALL: [Arrival; 3] = [Arrival::No, Arrival::Perhaps, Arrival::Yes];
}

/// What is known about one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it stands.
    pub state: DeliveryState,
    /// Bytes were authorised once and are kept for every further attempt.
    pub kept: bool,
    /// Whether any attempt has arrived.
    pub arrival: Arrival,
    /// The record has a newer version, or is void.
    pub outdated: bool,
}

impl Delivery {
    /// A delivery the router has just queued.
    pub fn queued() -> Delivery {
        Delivery {
            state: DeliveryState::Pending,
            kept: false,
            arrival: Arrival::No,
            outdated: false,
        }
    }
}

/// What the release decision of this moment clears for sending, next to what was kept from the
/// first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearance {
    /// Something may go, at least as much as the kept bytes hold.
    Go,
    /// Something may go, but not the kept bytes as they are.
    Narrower,
    /// Nothing may go.
    Withhold,
    /// A person must look first.
    Hold,
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
    /// Its record cannot be opened any more.
    Unreadable,
    /// The worker's lease ran out.
    LeaseExpired,
    /// The worker decided.
    Decided(Clearance),
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
    /// Ask a person to look.
    RaiseWork,
    /// Queue the next generation.
    QueueNext,
}

/// A step's end.
pub type Step = (Delivery, Vec<Effect>);

/// One step. `None` when the event cannot happen in this state: the caller drops it.
pub fn step(delivery: Delivery, event: Event) -> Option<Step> {
    let (to, effects) = match event {
        Event::Supersede => return superseded(delivery),
        _ => forward(delivery, event)?,
    };
    // An older version may end well. Everything else it could come to is over.
    if delivery.outdated && to.state != DeliveryState::Confirmed {
        return Some((at(to, DeliveryState::Superseded), Vec::new()));
    }
    Some((to, effects))
}

fn at(delivery: Delivery, state: DeliveryState) -> Delivery {
    Delivery { state, ..delivery }
}

/// What is authorised may be on its way and is left to end; all else ends here. What may have
/// arrived stays so.
fn superseded(delivery: Delivery) -> Option<Step> {
    use DeliveryState as S;
    let outdated = Delivery {
        outdated: true,
        ..delivery
    };
    match delivery.state {
        S::Confirmed | S::Withdrawn | S::Superseded => None,
        S::Authorised => Some((outdated, Vec::new())),
        _ => Some((at(outdated, S::Superseded), Vec::new())),
    }
}

/// A step of the newest version.
fn forward(delivery: Delivery, event: Event) -> Option<Step> {
    use DeliveryState as S;
    match (delivery.state, event) {
        (S::Pending | S::Ambiguous, Event::Claim) => {
            Some((at(delivery, S::Leased), vec![Effect::Decide]))
        }
        (S::Leased, Event::Decided(clearance)) => Some(decided(delivery, clearance)),
        (S::Leased, Event::LeaseExpired | Event::EpochChanged) => {
            Some((rested(delivery), Vec::new()))
        }
        (S::Leased, Event::Unreadable) => Some((at(delivery, S::Dead), vec![Effect::RaiseWork])),
        (S::Leased, Event::AuthorisationCommitted) => {
            let sent = Delivery {
                kept: true,
                ..at(delivery, S::Authorised)
            };
            Some((sent, vec![Effect::Send]))
        }
        // The process died between authorisation and answer: the bytes may be there.
        (S::Authorised, Event::LeaseExpired) => {
            Some((rested(perhaps(delivery)), vec![Effect::Schedule]))
        }
        (S::Authorised, Event::Answered(answer, chances)) => {
            Some(answered(delivery, answer, chances))
        }
        // What a person has to look at moves by a person alone.
        (S::Withheld, Event::Reopen | Event::Replay) | (S::Held | S::Dead, Event::Replay) => {
            Some((rested(delivery), Vec::new()))
        }
        _ => None,
    }
}

/// Where a delivery waits between claims: what may have arrived stays ambiguous.
fn rested(delivery: Delivery) -> Delivery {
    match delivery.arrival {
        Arrival::No => at(delivery, DeliveryState::Pending),
        _ => at(delivery, DeliveryState::Ambiguous),
    }
}

fn perhaps(delivery: Delivery) -> Delivery {
    Delivery {
        arrival: delivery.arrival.max(Arrival::Perhaps),
        ..delivery
    }
}

fn decided(delivery: Delivery, clearance: Clearance) -> Step {
    use DeliveryState as S;
    match clearance {
        // Bytes that left, or may have, are never rewritten under the same delivery id: this
        // generation ends and the next one decides for itself.
        Clearance::Narrower | Clearance::Withhold if delivery.kept => {
            (at(delivery, S::Withdrawn), vec![Effect::QueueNext])
        }
        // Narrower than nothing is simply what may go now.
        Clearance::Go | Clearance::Narrower => (delivery, vec![Effect::Authorise]),
        Clearance::Withhold => (at(delivery, S::Withheld), Vec::new()),
        Clearance::Hold => (at(delivery, S::Held), vec![Effect::RaiseWork]),
    }
}

fn answered(delivery: Delivery, answer: Answer, chances: Chances) -> Step {
    use DeliveryState as S;
    let known = match answer {
        Answer::Confirmed => Delivery {
            arrival: Arrival::Yes,
            ..delivery
        },
        // Whoever refuses has read.
        Answer::Refused | Answer::Unsure => perhaps(delivery),
        Answer::NotTaken => delivery,
    };
    match (answer, chances) {
        (Answer::Confirmed, _) => (at(known, S::Confirmed), Vec::new()),
        (Answer::Refused, _) => (at(known, S::Held), vec![Effect::RaiseWork]),
        (Answer::NotTaken | Answer::Unsure, Chances::Left) => {
            (rested(known), vec![Effect::Schedule])
        }
        (Answer::NotTaken | Answer::Unsure, Chances::Spent) => {
            (at(known, S::Dead), vec![Effect::RaiseWork])
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
        let clearance = prop_oneof![
            3 => Just(Clearance::Go),
            1 => Just(Clearance::Narrower),
            1 => Just(Clearance::Withhold),
            1 => Just(Clearance::Hold),
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
            1 => Just(Event::Unreadable),
            4 => clearance.prop_map(Event::Decided),
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
        sending: bool,
        maybe_arrived: bool,
        outdated: bool,
        ended: bool,
    }

    fn watch(model: &mut Model, event: Event, to: &Delivery, effects: &[Effect]) {
        use DeliveryState as S;
        assert!(!model.ended, "a final state was left by {event:?}");
        let unsure = matches!(event, Event::Answered(Answer::Unsure | Answer::Refused, _));
        model.maybe_arrived |= unsure || (model.sending && event == Event::LeaseExpired);
        model.outdated |= event == Event::Supersede;
        let sends = effects.contains(&Effect::Send);
        if sends {
            assert_eq!(
                event,
                Event::AuthorisationCommitted,
                "sent without a commit"
            );
            assert!(
                !model.outdated,
                "an older version was sent after a newer one"
            );
        }
        model.sending = to.state == S::Authorised;
        if model.maybe_arrived {
            assert!(to.arrival >= Arrival::Perhaps, "a disclosure was forgotten");
            assert_ne!(
                to.state,
                S::Withheld,
                "what may have arrived was called withheld"
            );
            assert_ne!(
                to.state,
                S::Pending,
                "what may have arrived was called pending"
            );
        }
        assert_eq!(to.state == S::Confirmed, to.arrival == Arrival::Yes);
        if model.outdated {
            assert!(matches!(
                to.state,
                S::Authorised | S::Confirmed | S::Superseded
            ));
        }
        model.ended = matches!(to.state, S::Confirmed | S::Withdrawn | S::Superseded);
    }

    proptest! {
        #[test]
        fn no_send_without_commit_and_no_possible_disclosure_is_forgotten(course in events()) {
            let mut delivery = Delivery::queued();
            let mut model = Model::default();
            for event in course {
                if let Some((to, effects)) = step(delivery, event) {
                    watch(&mut model, event, &to, &effects);
                    delivery = to;
                }
            }
        }
    }

    fn after(course: &[Event]) -> Delivery {
        course.iter().fold(Delivery::queued(), |delivery, event| {
            step(delivery, *event).map_or(delivery, |(to, _)| to)
        })
    }

    const AUTHORISED: [Event; 3] = [
        Event::Claim,
        Event::Decided(Clearance::Go),
        Event::AuthorisationCommitted,
    ];

    #[test]
    fn a_revocation_after_an_unsure_attempt_withdraws_and_queues_the_next_generation() {
        let mut course = AUTHORISED.to_vec();
        course.push(Event::Answered(Answer::Unsure, Chances::Left));
        course.push(Event::Claim);
        let end = step(after(&course), Event::Decided(Clearance::Withhold));
        let (to, effects) = end.expect("allowed");
        assert_eq!(
            (to.state, to.arrival),
            (DeliveryState::Withdrawn, Arrival::Perhaps)
        );
        assert_eq!(effects, [Effect::QueueNext]);
    }

    #[test]
    fn a_crash_after_the_commit_is_ambiguous_never_pending() {
        let lost = step(after(&AUTHORISED), Event::LeaseExpired)
            .expect("allowed")
            .0;
        assert_eq!(lost.state, DeliveryState::Ambiguous);
        assert!(lost.arrival == Arrival::Perhaps && lost.kept);
        let again = step(lost, Event::Claim).expect("allowed").0;
        let rested = step(again, Event::LeaseExpired).expect("allowed").0;
        assert_eq!(rested.state, DeliveryState::Ambiguous);
    }

    #[test]
    fn an_unsure_last_attempt_is_remembered_by_the_dead_and_the_replayed() {
        let mut course = AUTHORISED.to_vec();
        course.push(Event::Answered(Answer::Unsure, Chances::Spent));
        let dead = after(&course);
        assert_eq!(
            (dead.state, dead.arrival),
            (DeliveryState::Dead, Arrival::Perhaps)
        );
        let replayed = step(dead, Event::Replay).expect("allowed").0;
        assert_eq!(replayed.state, DeliveryState::Ambiguous);
        assert_eq!(step(dead, Event::Reopen), None);
    }

    #[test]
    fn an_older_version_under_way_ends_and_is_never_tried_again() {
        let sent = step(after(&AUTHORISED), Event::Supersede)
            .expect("allowed")
            .0;
        assert_eq!(sent.state, DeliveryState::Authorised);
        for (answer, state) in [
            (Answer::Confirmed, DeliveryState::Confirmed),
            (Answer::Unsure, DeliveryState::Superseded),
            (Answer::NotTaken, DeliveryState::Superseded),
            (Answer::Refused, DeliveryState::Superseded),
        ] {
            let end = step(sent, Event::Answered(answer, Chances::Left)).expect("allowed");
            assert_eq!(end.0.state, state, "{answer:?}");
            assert!(end.1.is_empty());
        }
    }
}
