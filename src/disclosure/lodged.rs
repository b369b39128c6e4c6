//! What keeps a paper from counting, told when it is lodged and not at the first refusal.
//!
//! It looks at the paper alone: who the person is on the day of a disclosure, and what other papers
//! say, is judged then. A paper with a shortcoming never counts as a permit; one without may still
//! not count for a person it does not fit.

use super::decide::Policy;
use super::given::Word;
use super::moment::Now;
use super::papers::is_combined;
use super::request::{Consent, Direction};
use super::tables::{EndRule, KindRow, Signers};
use crate::base::vocabulary::{ClassSet, ConsentElement, Grantor};

/// One thing that keeps a paper from counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcoming {
    /// The form does not show it.
    Lacks(ConsentElement),
    /// The paper itself says that its form lacks something.
    SaidMissing,
    /// Neither an end nor an event it may end with.
    NoEnd,
    /// It names an event its kind does not end with.
    EventUnfit,
    /// It names what it must not be combined with.
    Combined,
    /// It may have been signed under pressure.
    Coerced,
    /// This signer opens nothing with this kind.
    SignerUnfit,
    /// Its kind opens none of its classes.
    OpensNothing,
    /// Its kind permits only inside an opt-in exchange.
    ExchangeOnly,
    /// Not begun, over, or its dates cannot be.
    NotInForce,
}

impl Policy {
    /// Everything that keeps this paper from counting at that instant, whatever it is used for and
    /// whomever it is about. A refusal counts as it is.
    pub fn shortcomings(&self, paper: &Consent, now: Now) -> Vec<Shortcoming> {
        let row = paper
            .kind
            .known()
            .and_then(|kind| self.pack().tables.kind(kind));
        let (Some(row), Some(Direction::Permit)) = (row, paper.direction.known()) else {
            return Vec::new();
        };
        let opens = self.pack().kind_opens.get(row.id.index()).copied();
        let named = paper.classes.classes().0 & opens.unwrap_or_default().0;
        let tests = [
            (
                !paper.elements_missing.0.is_empty(),
                Shortcoming::SaidMissing,
            ),
            (lacks_end(paper, row), Shortcoming::NoEnd),
            (event_unfit(paper, row), Shortcoming::EventUnfit),
            (
                is_combined(paper, row, &self.pack().kind_opens),
                Shortcoming::Combined,
            ),
            (paper.coercion_flag.restricts(), Shortcoming::Coerced),
            (!may_sign(paper.grantor, row), Shortcoming::SignerUnfit),
            (ClassSet(named).is_empty(), Shortcoming::OpensNothing),
            (row.exchange_only, Shortcoming::ExchangeOnly),
            (!in_force(paper, now), Shortcoming::NotInForce),
        ];
        let shown = paper.elements.unwrap_or_default();
        let lacks = row.lacks(shown, paper.recipients).map(Shortcoming::Lacks);
        let others = tests.into_iter().filter(|(fails, _)| *fails);
        lacks.chain(others.map(|(_, what)| what)).collect()
    }
}

fn lacks_end(paper: &Consent, row: &KindRow) -> bool {
    let none = paper.expiry_statement.as_deref() == Some("none");
    let open = row.end == EndRule::Open || (row.end == EndRule::StatedOrNone && none);
    paper.end.is_none() && !open && !row.may_end_with(paper.ends_on_event.known())
}

fn event_unfit(paper: &Consent, row: &KindRow) -> bool {
    paper.ends_on_event != Word::Absent && !row.may_end_with(paper.ends_on_event.known())
}

/// Whether anybody at all may open something by this signature.
fn may_sign(grantor: Word<Grantor>, row: &KindRow) -> bool {
    let Some(grantor) = grantor.known() else {
        return false;
    };
    let own = matches!(grantor, Grantor::Myself | Grantor::Youth);
    match row.signers {
        Signers::Tribe => grantor == Grantor::Tribe,
        Signers::Reporter => grantor == Grantor::Reporter,
        Signers::OwnVoice => own,
        Signers::Subject | Signers::Student | Signers::Survivor => match grantor {
            Grantor::Tribe | Grantor::Reporter => false,
            Grantor::YouthAttorney => row.child_attorney,
            _ => true,
        },
    }
}

fn in_force(paper: &Consent, now: Now) -> bool {
    let begun = |at: Option<super::moment::Moment>| at.is_none_or(|at| at.begun(now));
    let over = paper.end.is_some_and(|end| end.over(now));
    let revoked = paper.revoked.is_some_and(|at| at.begun(now));
    let ended = paper.ended.is_some_and(|at| at.begun(now));
    begun(paper.signed) && begun(paper.start) && !over && !revoked && !ended
}
