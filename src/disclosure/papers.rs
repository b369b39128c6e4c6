//! The papers on file, judged: which count, for which classes, and why the others do not.
//!
//! A permit counts only if everything about it holds; a refusal counts unless something about it
//! certainly does not. What is unreadable never opens and never ends a refusal, and what does not
//! say that it permits is judged as a refusal.

use super::among::Among;
use super::facts::{Flag, Flags};
use super::given::{Listed, Texts, Word, is_odd};
use super::moment::{Day, Moment, Now};
use super::person::{EVERY, Person, parental};
use super::request::{Consent, Context, Direction, Period, Subject};
use super::tables::{Alone, EndRule, KindRow, Tables};
use super::why::Why;
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass, Grantor, Purpose, RecipientRole};

mod retired;

/// What all papers together come to.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// What the counting permits open, by kind.
    pub covers: [ClassSet; ConsentKind::ALL.len()],
    /// What refusals in force close.
    pub refused: ClassSet,
    /// What refusals close unless an exception inside them opens it: the classes and the kinds, one
    /// bit each, one of which must be used.
    pub excepted: Vec<(ClassSet, u32)>,
    /// Kinds with a paper in scope, counting or not.
    pub in_scope: u32,
    /// Facts about the papers that only explain and cite.
    pub notes: Flags,
    /// The holder got the data under a Part 2 consent still in force.
    pub onward: bool,
}

/// Everything a paper is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// All papers on file.
    pub consents: &'a [Consent],
    /// Whom the question is about.
    pub subject: &'a Subject,
    /// The same in law.
    pub person: &'a Person,
    /// The facts of the moment.
    pub context: &'a Context,
    /// The instant.
    pub now: Now,
    /// Who would receive.
    pub recipient: RecipientRole,
    /// Why.
    pub purpose: Purpose,
    /// What is asked for.
    pub requested: ClassSet,
    /// The tables of the pack.
    pub tables: &'a Tables,
    /// What each kind opens.
    pub kind_opens: &'a [ClassSet],
    /// What the papers say of one another.
    pub among: Among,
}

impl Desk<'_> {
    /// Judges all papers.
    pub fn judge(&self) -> Papers {
        let mut papers = Papers::default();
        if self.consents.is_empty() {
            return papers;
        }
        let mut opened = Vec::with_capacity(self.consents.len());
        for (index, consent) in self.consents.iter().enumerate() {
            self.note(index, consent, &mut papers);
            let covers = self.covers(index, consent);
            if let Some(kind) = consent.kind.known()
                && let Some(all) = papers.covers.get_mut(kind.index())
            {
                *all = all.union(covers);
            }
            papers.onward |= self.is_onward(index, consent);
            opened.push(covers);
        }
        let mut closed = Vec::with_capacity(self.consents.len());
        for (index, consent) in self.consents.iter().enumerate() {
            let closes = match consent.may_refuse() {
                true => self.refuses(index, consent),
                false => ClassSet::EMPTY,
            };
            let kept = self.except(consent, closes, &opened, &mut papers.excepted);
            papers.refused = papers.refused.union(kept);
            closed.push(kept);
        }
        self.note_pairs(&opened, &closed, &mut papers);
        papers
    }

    /// What a counting permit opens; nothing for anything else.
    fn covers(&self, index: usize, consent: &Consent) -> ClassSet {
        let permits = consent.direction.known() == Some(Direction::Permit);
        match consent.kind.known() {
            Some(kind) if permits && self.why(index, consent) == Why::Counts => {
                self.opens(consent, kind)
            }
            _ => ClassSet::EMPTY,
        }
    }

    /// Why one paper counts or does not, for this question.
    pub fn why(&self, index: usize, consent: &Consent) -> Why {
        if consent.may_refuse() {
            return self.why_refusal(index, consent);
        }
        let flaw = self.flaw(index, consent);
        if flaw != Why::Counts {
            return flaw;
        }
        let scope = self.out_of_scope(consent);
        if scope != Why::Counts {
            return scope;
        }
        let Some(kind) = consent.kind.known() else {
            return Why::UnknownKind;
        };
        let opens = self.kind_opens.get(kind.index()).copied();
        let named = consent.classes.classes().0 & opens.unwrap_or_default().0 & self.requested.0;
        if named == 0 {
            Why::NoClass
        } else if self.opens(consent, kind).0 & named == 0 {
            Why::SignerNotAccepted
        } else {
            Why::Counts
        }
    }

    /// Whether it is a permit with nothing wrong, whatever it is used for.
    pub fn is_in_force(&self, index: usize, consent: &Consent) -> bool {
        self.flaw(index, consent) == Why::Counts
    }

    /// Whether it is besides signed by somebody who may, for something it names.
    pub fn is_signed_in_force(&self, index: usize, consent: &Consent) -> bool {
        let opens = |kind| !self.opens(consent, kind).is_empty();
        self.is_in_force(index, consent) && consent.kind.known().is_some_and(opens)
    }

    /// What is wrong with a permit whatever it is used for.
    fn flaw(&self, index: usize, consent: &Consent) -> Why {
        let Some(row) = consent.kind.known().and_then(|kind| self.tables.kind(kind)) else {
            return Why::UnknownKind;
        };
        if consent.direction.known() != Some(Direction::Permit) {
            return Why::NoDirection;
        }
        if consent.status == Word::Unknown {
            return Why::NotActive;
        }
        if !self.same_subject(consent, false) {
            return Why::OtherSubject;
        }
        if self.shares_id(index, consent) {
            return Why::SharedId;
        }
        if self.retired_by(index, consent).next().is_some() {
            return Why::Superseded;
        }
        if consent.coercion_flag.restricts() {
            return Why::Coerced;
        }
        // A form that must show a signature and its date shows none without the day of signing.
        let unsigned = consent.signed.is_none() && row.needs_signing();
        if unsigned || !consent.elements_missing.0.is_empty() || lacks_any(consent, row) {
            return Why::ElementMissing;
        }
        if is_combined(consent, row, self.kind_opens) {
            return Why::Combined;
        }
        self.window(consent, row)
    }

    /// What time has done to a permit.
    fn window(&self, consent: &Consent, row: &KindRow) -> Why {
        if is_malformed(consent) {
            return Why::Malformed;
        }
        let stated_none = consent.expiry_statement.as_deref() == Some("none");
        let open_end = match row.end {
            EndRule::Open => true,
            EndRule::StatedOrNone => stated_none,
            EndRule::Stated => false,
        };
        let by_event = row.may_end_with(consent.ends_on_event.known());
        if consent.end.is_none() && !open_end && !by_event {
            return Why::NoEnd;
        }
        if consent.used_on.is_some() {
            return Why::Spent;
        }
        let revoked = consent
            .revoked
            .is_some_and(|at| at == Moment::Unreadable || at.begun(self.now));
        if revoked {
            return Why::Revoked;
        }
        let signed = consent.signed.is_none_or(|at| at.begun(self.now));
        let begun = consent.start.is_none_or(|at| at.begun(self.now));
        if !signed || !begun {
            return Why::NotBegun;
        }
        let happened = |at: Moment| at == Moment::Unreadable || at.begun(self.now);
        if consent.end.is_some_and(|end| end.over(self.now)) || consent.ended.is_some_and(happened)
        {
            return Why::Ended;
        }
        Why::Counts
    }

    /// Whether a permit is about this recipient, purpose and period.
    fn out_of_scope(&self, consent: &Consent) -> Why {
        let row = consent.kind.known().and_then(|kind| self.tables.kind(kind));
        let outside = self.context.implicit_policy.as_deref() != Some("deny");
        if outside && row.is_some_and(|row| row.exchange_only) {
            return Why::OutsideExchange;
        }
        let received_under =
            self.context.received_under.is_some() && self.context.received_under == consent.id;
        if received_under {
            return Why::ReceivedUnder;
        }
        if self.recipient_tie_ended() {
            return Why::RecipientTieEnded;
        }
        let id = self.context.recipient_id.as_deref();
        let listed = consent
            .recipient_ids
            .as_ref()
            .is_none_or(|ids| id.is_some_and(|id| ids.hold(id)));
        if !consent.recipients.names(self.recipient) || !listed {
            return Why::OtherRecipient;
        }
        if !consent.purposes.names(self.purpose) {
            return Why::OtherPurpose;
        }
        let day = self.context.data_date.and_then(Moment::day);
        let within = consent
            .data_period
            .is_none_or(|period| day.is_some_and(|day| holds(period, day, false)));
        if within {
            Why::Counts
        } else {
            Why::OtherPeriod
        }
    }

    fn recipient_tie_ended(&self) -> bool {
        match self.recipient {
            RecipientRole::Parent => !self.context.parental_rights.stands(),
            RecipientRole::Guardian => !self.context.guardianship.stands(),
            _ => false,
        }
    }

    /// The classes a permit opens for its signer.
    fn opens(&self, consent: &Consent, kind: ConsentKind) -> ClassSet {
        let (Some(row), Some(grantor)) = (self.tables.kind(kind), consent.grantor.known()) else {
            return ClassSet::EMPTY;
        };
        let opens = self
            .kind_opens
            .get(kind.index())
            .copied()
            .unwrap_or_default();
        let attorney = row.child_attorney
            && grantor == Grantor::YouthAttorney
            && self.person.dependent
            && self.person.minor
            && self.person.lives();
        let signed = if attorney {
            // What the minor alone consented to, the minor alone opens.
            EVERY.without(self.person.minor_consented)
        } else {
            self.person.accepts(row.signers, grantor, self.tables)
        };
        ClassSet(consent.classes.classes().0 & opens.0 & signed.0)
    }

    /// Whether this is the Part 2 consent the holder got the data under, still in force.
    fn is_onward(&self, index: usize, consent: &Consent) -> bool {
        consent.kind == Word::Known(ConsentKind::Part2Tpo)
            && consent.id.is_some()
            && self.context.received_under == consent.id
            && self.flaw(index, consent) == Why::Counts
            && self
                .opens(consent, ConsentKind::Part2Tpo)
                .contains(DataClass::SudPart2)
    }

    /// The classes a refusal closes here and now.
    fn refuses(&self, index: usize, consent: &Consent) -> ClassSet {
        if !self.stands(consent) || !self.refusal_in_scope(consent) {
            return ClassSet::EMPTY;
        }
        self.unretired(index, consent)
    }

    /// Takes out of a refusal what an exception inside it may open; that is settled with the class.
    fn except(
        &self,
        refusal: &Consent,
        closes: ClassSet,
        opened: &[ClassSet],
        excepted: &mut Vec<(ClassSet, u32)>,
    ) -> ClassSet {
        let mut kept = closes;
        let id = refusal.id.as_deref().unwrap_or_default();
        for (permit, opens) in self.consents.iter().zip(opened) {
            let shared = ClassSet(kept.0 & opens.0);
            let inside = !id.is_empty() && permit.exception_to.hold(id) && !shared.is_empty();
            if let (true, Some(kind)) = (inside, permit.kind.known()) {
                excepted.push((shared, 1 << kind.index()));
                kept = kept.without(shared);
            }
        }
        kept
    }

    /// Whether a refusal is in force at all; in doubt it is.
    fn stands(&self, consent: &Consent) -> bool {
        let open = |moment: Option<Moment>| moment.filter(|at| *at != Moment::Unreadable);
        let impossible = is_malformed(consent);
        consent.status != Word::Unknown
            && self.same_subject(consent, true)
            && !open(consent.revoked).is_some_and(|at| at.begun(self.now))
            && open(consent.start.or(consent.signed)).is_none_or(|at| at.begun(self.now))
            && (impossible || open(consent.end).is_none_or(|end| !end.over(self.now)))
    }

    fn refusal_in_scope(&self, consent: &Consent) -> bool {
        let id = self.context.recipient_id.as_deref();
        let listed = consent
            .recipient_ids
            .as_ref()
            .is_none_or(|ids| ids.name_none() || id.is_none_or(|id| ids.hold(id)));
        let day = self.context.data_date.and_then(Moment::day);
        let within = consent
            .data_period
            .is_none_or(|period| day.is_none_or(|day| holds(period, day, true)));
        let to = consent.recipients;
        let why = consent.purposes;
        listed
            && within
            && (to.limits_nothing() || to.names(self.recipient))
            && (why.limits_nothing() || why.names(self.purpose))
    }

    fn why_refusal(&self, index: usize, consent: &Consent) -> Why {
        if !self.same_subject(consent, true) {
            return Why::OtherSubject;
        }
        if consent.status == Word::Unknown {
            return Why::NotActive;
        }
        if !self.stands(consent) {
            let begun = |at: Option<Moment>| at.is_some_and(|at| at.begun(self.now));
            return if begun(consent.revoked) {
                Why::Revoked
            } else if begun(consent.start.or(consent.signed)) {
                Why::Ended
            } else {
                Why::NotBegun
            };
        }
        if !self.refusal_in_scope(consent) {
            return Why::OtherRecipient;
        }
        if self.refuses(index, consent).0 & self.requested.0 != 0 {
            return match consent.direction {
                Word::Known(_) => Why::Counts,
                Word::Absent | Word::Unknown => Why::NoDirection,
            };
        }
        if self.retired_by(index, consent).next().is_some() {
            return Why::Superseded;
        }
        Why::NoClass
    }

    fn same_subject(&self, consent: &Consent, in_doubt: bool) -> bool {
        match (&consent.subject_id, &self.subject.id) {
            (None, _) => true,
            (Some(_), None) => in_doubt,
            (Some(of), Some(_)) if is_odd(of) => in_doubt,
            (Some(of), Some(id)) => of == id,
        }
    }

    fn shares_id(&self, index: usize, consent: &Consent) -> bool {
        self.among.ids_repeat
            && consent.id.is_some()
            && self
                .consents
                .iter()
                .enumerate()
                .any(|(other, paper)| other != index && paper.id == consent.id && paper != consent)
    }

    fn named_here(&self, consent: &Consent) -> bool {
        consent.classes.classes().0 & self.requested.0 != 0
            && consent.recipients.names(self.recipient)
            && consent.purposes.names(self.purpose)
    }

    fn note(&self, index: usize, consent: &Consent, papers: &mut Papers) {
        let notes = &mut papers.notes;
        notes.set_if(Flag::UnknownKind, consent.kind.known().is_none());
        notes.set_if(Flag::OtherSubject, !self.same_subject(consent, true));
        notes.set_if(Flag::SharedId, self.shares_id(index, consent));
        let odd = is_malformed(consent) || consent.direction.known().is_none();
        notes.set_if(Flag::Malformed, odd);
        let unclear = consent.may_refuse() && is_unclear(consent) && self.stands(consent);
        notes.set_if(Flag::RefusalUnclear, unclear);
        notes.set_if(Flag::Coerced, consent.coercion_flag.restricts());
        notes.set_if(
            Flag::Supersession,
            self.retired_by(index, consent).next().is_some(),
        );
        notes.set_if(
            Flag::ConsentedAddress,
            consent
                .classes
                .classes()
                .contains(DataClass::SafeAtHomeAddress),
        );
        if !self.named_here(consent) {
            return;
        }
        if let Some(kind) = consent.kind.known() {
            papers.in_scope |= 1 << kind.index();
        }
        let last_day = consent.end.and_then(Moment::day) == Some(self.now.day);
        notes.set_if(Flag::LastDay, last_day);
        if let Some(grantor) = consent.grantor.known() {
            self.note_signer(consent, grantor, notes);
        }
    }

    fn note_signer(&self, consent: &Consent, grantor: Grantor, notes: &mut Flags) {
        let own = matches!(grantor, Grantor::Myself | Grantor::Youth);
        notes.set_if(Flag::MinorSigns, own && self.person.minor);
        notes.set_if(Flag::ParentSigns, parental(grantor));
        let signed = consent.signed.and_then(Moment::day);
        let before = |event: Option<Moment>| match (signed, event.and_then(Moment::day)) {
            (Some(signed), Some(event)) => signed < event,
            _ => false,
        };
        if self.person.deceased && grantor != Grantor::PersonalRepresentative {
            notes.set(Flag::SignedByDead);
            let died = self.subject.died_on.or(self.context.died_on);
            notes.set_if(Flag::AuthorityEnded, died.is_none() || before(died));
        }
        if parental(grantor) && self.person.child_role && self.person.of_age {
            notes.set(Flag::AgedOut);
            let turned = self.subject.turned_18.or(self.context.turned_18);
            notes.set_if(Flag::AuthorityEnded, before(turned));
        }
    }

    /// What two papers say to each other.
    fn note_pairs(&self, opened: &[ClassSet], closed: &[ClassSet], papers: &mut Papers) {
        let of = |direction| {
            self.consents
                .iter()
                .any(|paper| paper.direction.known() == Some(direction))
        };
        let both = of(Direction::Deny) && of(Direction::Permit);
        papers.notes.set_if(Flag::BothOnFile, both);
        for (refusal, closes) in self.consents.iter().zip(closed) {
            for (permit, opens) in self.consents.iter().zip(opened) {
                if closes.0 & opens.0 & self.requested.0 == 0 {
                    continue;
                }
                let day = |paper: &Consent| paper.signed.and_then(Moment::day);
                let other_holder = permit.grantor_id.is_some()
                    && refusal.grantor_id.is_some()
                    && permit.grantor_id != refusal.grantor_id;
                let newer = day(permit) > day(refusal);
                papers
                    .notes
                    .set_if(Flag::RefusalUnanswered, newer || other_holder);
            }
        }
    }
}

/// Whether what it refuses is not wholly understood: somebody looks at what goes beside it.
fn is_unclear(consent: &Consent) -> bool {
    let ids = [
        consent.recipient_ids.as_ref(),
        consent.discloser_ids.as_ref(),
    ];
    consent.direction.known().is_none()
        || consent.classes.unknown
        || consent.recipients.unknown
        || consent.purposes.unknown
        || ids.into_iter().flatten().any(Texts::has_odd)
        || consent.subject_id.as_ref().is_some_and(is_odd)
}

/// Whether the form, where it is said what it shows, lacks something its kind asks for.
fn lacks_any(consent: &Consent, row: &KindRow) -> bool {
    let lacks = |shown| row.lacks(shown, consent.recipients).next().is_some();
    consent.elements.is_some_and(lacks)
}

/// Whether a form that must stand alone names something else.
pub(super) fn is_combined(consent: &Consent, row: &KindRow, kind_opens: &[ClassSet]) -> bool {
    if row.alone == Alone::No {
        return false;
    }
    let opens = kind_opens.get(row.id.index()).copied().unwrap_or_default();
    let classes = consent.classes;
    let more = classes.all || classes.unknown || !classes.classes().without(opens).is_empty();
    let legal = 1 << Purpose::LegalProceeding.index();
    let purposes: Listed<Purpose> = consent.purposes;
    let more_purposes = purposes.all || purposes.unknown || purposes.bits & !legal != 0;
    more || (row.alone == Alone::ClassAndPurpose && more_purposes)
}

/// An unreadable date, no date at all, or an end before the start.
fn is_malformed(consent: &Consent) -> bool {
    let dates = [
        consent.signed,
        consent.start,
        consent.end,
        consent.revoked,
        consent.used_on,
    ];
    let unreadable = dates.contains(&Some(Moment::Unreadable));
    let from = consent.start.or(consent.signed).and_then(Moment::day);
    let to = consent.end.and_then(Moment::day);
    let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
    unreadable || backwards || from.is_none()
}

/// Whether a day lies in a period; an unreadable bound is as `in_doubt` says.
fn holds(period: Period, day: Day, in_doubt: bool) -> bool {
    let from = period.from.map(Moment::day);
    let to = period.to.map(Moment::day);
    let after = |bound: Option<Option<Day>>, test: &dyn Fn(Day) -> bool| match bound {
        None => true,
        Some(None) => in_doubt,
        Some(Some(bound)) => test(bound),
    };
    after(from, &|bound| bound <= day) && after(to, &|bound| day <= bound)
}
