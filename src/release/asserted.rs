//! Facts of the registry as one release may rest on them.
//!
//! A fact that opens counts only while it holds, confirmed where its kind asks for it, asserted by
//! one whose role and file allow it, toward this recipient, and for data the asserter answers for:
//! a county for the records of its jurisdiction, anybody else for what it handed in. A fact that
//! closes counts unless it certainly does not. Where two contradict, the one that opens less holds
//! and a person looks first.

use super::standing::Acquaintance;
use super::{FactSeen, HeldFact, ReleaseInput};
use crate::base::clock::Timestamp;
use crate::base::fact_key::FactKey;
use crate::base::id::{PartnerId, PersonId};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{RecipientRole, SourceRole};
use crate::catalog::Partner;
use crate::catalog::facts::{About, FactKind, Validity};
use crate::disclosure::given::Maybe;
use crate::disclosure::moment::{Day, local_day};
use crate::disclosure::registry::{Assertion, Told, apply, order_type, show_order};
use crate::disclosure::request::{Context, Subject};
use crate::record::Record;
use crate::rules::Rules;
use std::collections::BTreeSet;

const HOUR_MICROS: i64 = 3_600_000_000;

/// What keeps everything from a private recipient while it stands, or may.
const AGAINST_THEM: [FactKey; 2] = [FactKey::RestrainingOrder, FactKey::SuspectedAbuser];

/// Facts that close toward a recipient whichever person of the record they were asserted of.
const OF_THE_HOUSEHOLD: [FactKey; 3] = [
    FactKey::RestrainingOrder,
    FactKey::SuspectedAbuser,
    FactKey::ReporterEmployer,
];

/// For what facts are looked at.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    /// The record.
    pub(super) record: &'a Record,
    /// Who handed it in.
    pub(super) source: &'a PartnerId,
    /// Toward whom; what is asserted toward somebody counts for nobody while that is not known.
    pub(super) recipient: Option<&'a Partner>,
    /// What is asserted of the record's persons.
    pub(super) facts: &'a [HeldFact<'a>],
    /// The instant.
    pub(super) now: Timestamp,
}

impl<'a> Circumstances<'a> {
    /// Those of a release.
    pub(super) fn of(input: &ReleaseInput<'a>) -> Circumstances<'a> {
        Circumstances {
            record: input.record,
            source: &input.source.id,
            recipient: Some(input.recipient),
            facts: input.facts,
            now: input.now,
        }
    }

    fn is_toward(&self, named: &PartnerId) -> bool {
        self.recipient.is_some_and(|partner| partner.id == *named)
    }
}

/// What partners assert of a record's persons and what of it counts here.
pub(super) struct Asserted<'a> {
    /// The rules it is read by.
    pub(super) rules: &'a Rules,
    on: Circumstances<'a>,
    today: Day,
    fresh_days: u32,
    facts: Vec<Known<'a>>,
    /// Persons of whom something stands in the registry that nobody can read any more, its days
    /// or all of it.
    unreadable: BTreeSet<PersonId>,
}

/// A fact that holds today.
struct Known<'a> {
    held: HeldFact<'a>,
    kind: &'a FactKind,
    said: Assertion,
    told: Told,
    /// Whether it counts where it opens.
    opens: bool,
}

/// What the registry gave to the question about one person.
#[derive(Default)]
pub(super) struct Given {
    /// The facts it rests on.
    pub(super) seen: BTreeSet<FactSeen>,
    /// Facts contradict each other, or one cannot be read: a person looks before anything goes.
    pub(super) conflict: bool,
}

/// Recipients for whom a fact nobody told might close everything: it must be known, not absent.
pub const fn must_be_known(role: RecipientRole) -> bool {
    role.is_private()
}

/// A fact as its asserter entered it; `None` when nobody can read it.
pub fn assertion(body: &Sensitive<Vec<u8>>) -> Option<Assertion> {
    serde_json::from_slice(body.expose(Reason::Decide)).ok()
}

/// The same of one that is held beside a record.
pub(super) fn read_assertion(held: &HeldFact<'_>) -> Option<Assertion> {
    assertion(held.body)
}

impl<'a> Asserted<'a> {
    pub(super) fn new(rules: &'a Rules, on: Circumstances<'a>) -> Asserted<'a> {
        let mut out = Asserted {
            rules,
            on,
            today: local_day(on.now),
            fresh_days: rules.sources.facts.standing_max_age_days,
            facts: Vec::new(),
            unreadable: BTreeSet::new(),
        };
        for held in on.facts {
            out.read(rules, held);
        }
        out
    }

    fn read(&mut self, rules: &'a Rules, held: &HeldFact<'a>) {
        if held.ended_at.is_some_and(|at| at <= self.on.now) {
            return;
        }
        let known = read_assertion(held).and_then(|said| {
            let kind = rules.sources.facts.kind(&said.kind)?;
            let told = said.value.told(kind.key)?;
            Some((kind, told, said))
        });
        let Some((kind, told, said)) = known else {
            self.unreadable.insert(held.subject);
            return;
        };
        let of_hours = matches!(kind.validity, Validity::Hours(_));
        let dated = said.is_dated() && (!of_hours || said.entered().is_some());
        let holds = match dated {
            true => said.holds_on(self.today) && !self.outlived(kind, &said),
            false => said.may_hold_on(self.today),
        };
        if !holds {
            return;
        }
        if !dated {
            self.unreadable.insert(held.subject);
            if !(kind.key.restricts() && told.closes()) {
                return;
            }
        }
        let confirmed = !kind.confirm || said.confirmed().is_some();
        let opens = dated && confirmed && self.is_heard(rules, kind, held.asserter, &said);
        self.facts.push(Known {
            held: *held,
            kind,
            said,
            told,
            opens,
        });
    }

    /// Whether it has held as long as its kind can.
    fn outlived(&self, kind: &FactKind, said: &Assertion) -> bool {
        match kind.validity {
            Validity::Open => false,
            Validity::Days(days) => {
                let old = said.days_old(self.today);
                old.and_then(|old| u32::try_from(old).ok())
                    .is_none_or(|old| old >= days)
            }
            Validity::Hours(hours) => said.entered().is_none_or(|at| {
                let until =
                    at.0.saturating_add(i64::from(hours).saturating_mul(HOUR_MICROS));
                self.on.now < at || self.on.now.0 >= until
            }),
        }
    }

    /// Whether the asserter's word opens anything of this record.
    fn is_heard(
        &self,
        rules: &Rules,
        kind: &FactKind,
        asserter: &PartnerId,
        said: &Assertion,
    ) -> bool {
        let Some(partner) = rules.partners.get(asserter) else {
            return false;
        };
        if !kind.is_asserted_by(partner) {
            return false;
        }
        match partner.source_role() {
            Some(SourceRole::Cws | SourceRole::Probation) => {
                let record = self.on.record.envelope();
                let county = record.and_then(|envelope| envelope.text("county_fips"));
                county.is_some() && county == partner.county_fips.as_deref()
            }
            // Whose child it is, a tribe says for itself.
            Some(SourceRole::Tribe) if kind.key == FactKey::TribeOfChild => {
                said.recipient.as_ref() == Some(asserter)
            }
            _ => asserter == self.on.source,
        }
    }

    /// Whether the fact is asserted toward this recipient.
    fn concerns(&self, known: &Known<'_>) -> bool {
        let named = known.said.recipient.as_ref();
        match known.kind.about {
            About::Subject => true,
            About::Recipient => named.is_some_and(|named| self.on.is_toward(named)),
            About::RecipientOrPerson => match named {
                Some(named) => self.on.is_toward(named),
                // What is said of one other person alone clears nobody else.
                None => {
                    let role = self.on.recipient.and_then(Partner::recipient_role);
                    let whomever = known.told.closes() || known.said.other_person.is_none();
                    role.is_some_and(must_be_known) && whomever
                }
            },
        }
    }

    /// The value of a fact about a person, put together from all that counts.
    fn value(&self, key: FactKey, person: PersonId, given: &mut Given) -> Option<Told> {
        let mut value: Option<Told> = None;
        for known in self.counting(key, person) {
            given.seen.insert(seen(known));
            value = Some(match value {
                None => known.told,
                Some(before) => {
                    let (least, conflict) = before.least(known.told, key);
                    given.conflict |= conflict;
                    least
                }
            });
        }
        value
    }

    fn counting(&self, key: FactKey, person: PersonId) -> impl Iterator<Item = &Known<'a>> {
        self.facts.iter().filter(move |known| {
            let closes = key.restricts() && known.told.closes();
            let own = known.held.subject == person || closes && OF_THE_HOUSEHOLD.contains(&key);
            known.kind.key == key && own && self.concerns(known) && (known.opens || closes)
        })
    }

    /// Gives what is known of a person to the question about it.
    pub(super) fn give(
        &self,
        person: PersonId,
        subject: &mut Subject,
        context: &mut Context,
    ) -> Given {
        let mut given = Given {
            conflict: self.unreadable.contains(&person),
            ..Given::default()
        };
        if self.facts.is_empty() {
            return given;
        }
        self.order(person, context, &mut given);
        for key in FactKey::ALL
            .iter()
            .filter(|key| order_type(**key).is_none())
        {
            let value = match key {
                FactKey::TribeOfChild => None,
                key => self.value(*key, person, &mut given),
            };
            if let Some(told) = value {
                apply(*key, told, self.today, context, subject);
            }
        }
        self.tribe(person, subject, context, &mut given);
        self.unconfirmed(person, subject);
        given
    }

    /// The one order toward this recipient. Two of different kinds would reach each other's
    /// classes: then none is shown and a person looks.
    fn order(&self, person: PersonId, context: &mut Context, given: &mut Given) {
        let mut shown = None;
        let orders = FactKey::ALL
            .iter()
            .filter(|key| order_type(**key).is_some());
        // A leave to sign is toward nobody: it gives way to an order that names the recipient.
        let (own, leave): (Vec<FactKey>, Vec<FactKey>) =
            orders.partition(|key| **key != FactKey::OrderParentMaySign);
        for key in own.iter().chain(&leave) {
            let Some(Told::Classes(classes)) = self.value(*key, person, given) else {
                continue;
            };
            if shown.is_some() {
                given.conflict |= *key != FactKey::OrderParentMaySign;
                if *key != FactKey::OrderParentMaySign {
                    return;
                }
            } else {
                shown = order_type(*key).map(|kind| (kind, classes));
            }
        }
        let subpoena = self.value(FactKey::OrderWithSubpoena, person, given);
        if let Some((kind, classes)) = shown {
            show_order(kind, classes, subpoena == Some(Told::Truth(true)), context);
        }
    }

    /// The child's tribe, where the registry knows it, and whether the recipient is it.
    fn tribe(
        &self,
        person: PersonId,
        subject: &mut Subject,
        context: &mut Context,
        given: &mut Given,
    ) {
        let said = self.facts.iter().filter(|known| {
            known.kind.key == FactKey::TribeOfChild && known.opens && known.held.subject == person
        });
        let (mut own, mut by_county, mut other) = (None, false, false);
        for known in said {
            let Some(tribe) = &known.said.recipient else {
                continue;
            };
            given.seen.insert(seen(known));
            let is = known.told == Told::Truth(true);
            if self.on.is_toward(tribe) {
                given.conflict |= own.is_some_and(|own| own != is);
                own = Some(own.unwrap_or(true) && is);
                by_county |= is && known.held.asserter != tribe;
            } else {
                other |= is;
            }
            if is && subject.tribe_id.is_none() {
                subject.tribe_id = Some(format!("partner:{tribe}").into());
            }
        }
        // A tribe's own word does not make another tribe's child its own.
        let itself = self.on.recipient.map(|own| format!("partner:{}", own.id));
        match own {
            Some(true)
                if by_county || (!other && subject.tribe_id.as_deref() == itself.as_deref()) =>
            {
                context.recipient_tribe_id.clone_from(&subject.tribe_id);
            }
            Some(true) => given.conflict = true,
            Some(false) | None => {}
        }
    }

    /// Who is said to be of age in law, and nobody has confirmed it, has no parent with standing
    /// and no voice of their own yet.
    fn unconfirmed(&self, person: PersonId, subject: &mut Subject) {
        for known in self
            .facts
            .iter()
            .filter(|known| known.held.subject == person)
        {
            let slot = match known.kind.key {
                FactKey::Emancipated => &mut subject.emancipated,
                FactKey::NonminorDependent => &mut subject.nonminor_dependent,
                _ => continue,
            };
            if !known.opens && known.told == Told::Truth(true) && *slot != Maybe::True {
                *slot = Maybe::Odd;
            }
        }
    }

    /// The fact by which the tie of a parent (or of a guardian) has ended, whomever it was asserted
    /// toward.
    pub(super) fn ended(&self, key: FactKey, person: PersonId) -> Option<FactSeen> {
        let mut own = self.facts.iter().filter(|known| {
            known.kind.key == key && known.held.subject == person && known.told.closes()
        });
        own.next().map(seen)
    }

    /// A fact that closes as soon as it is entered and would let somebody sign, where those whose
    /// word opens anything have not by themselves said as much as all together.
    pub(super) fn unproved(&self, key: FactKey, person: PersonId) -> Option<FactSeen> {
        let own = || {
            self.facts.iter().filter(|known| {
                known.kind.key == key && known.held.subject == person && known.told.closes()
            })
        };
        let said = |heard: bool| {
            let told = own().filter(|known| known.opens || !heard);
            let told = told.map(|known| known.told);
            told.reduce(|one, two| one.least(two, key).0)
        };
        match said(true) == said(false) {
            true => None,
            false => own().find(|known| !known.opens).map(seen),
        }
    }

    /// Who of the record's persons takes part in the address program, by index into `persons[]`,
    /// whoever has entered it.
    pub(super) fn participants(&self, persons: &[(String, PersonId)]) -> BTreeSet<u16> {
        let entries = self.on.record.persons().iter().enumerate();
        let protected = entries.filter_map(|(at, entry)| {
            let key = entry.text("key")?;
            let (_, id) = persons.iter().find(|(known, _)| known == key)?;
            let closes = |known: &Known<'_>| known.kind.key == FactKey::SafeAtHome;
            let mut own = self.facts.iter().filter(|known| known.held.subject == *id);
            own.any(|known| closes(known) && known.told.closes())
                .then(|| u16::try_from(at).ok())?
        });
        protected.collect()
    }

    /// Whether the recipient's identity is verified, as a member of the team, for these persons.
    pub(super) fn identity_verified(&self, persons: &[PersonId]) -> bool {
        let verified = |person: &PersonId| {
            let mut given = Given::default();
            let value = self.value(FactKey::MdtIdentity, *person, &mut given);
            value == Some(Told::Truth(true))
        };
        !persons.is_empty() && persons.iter().all(verified)
    }

    /// The facts by which it is known who the recipient is to this person; `None` when it is not.
    pub(super) fn standing(&self, person: PersonId, how_well: Acquaintance) -> Option<FactSeen> {
        let own = self.counting(FactKey::RequesterIsSubject, person);
        let mut own = own.filter(|known| known.told == Told::Truth(true));
        let found = own
            .next()
            .or_else(|| self.confirmed(FactKey::Requester, person, how_well));
        found.map(seen)
    }

    /// The fact by which it is known that no protective order stands; `None` when it is not, and
    /// when one does, or may, or the recipient is suspected of having harmed the person: however
    /// old its entry is. Of themselves nobody is kept.
    pub(super) fn protection(&self, person: PersonId, how_well: Acquaintance) -> Option<FactSeen> {
        let own = self.counting(FactKey::RequesterIsSubject, person);
        let mut own = own.filter(|known| known.told == Told::Truth(true));
        if let Some(own) = own.next() {
            return Some(seen(own));
        }
        let against = AGAINST_THEM.into_iter();
        let mut against = against.flat_map(|key| self.counting(key, person));
        if against.any(|known| known.told != Told::Truth(false)) {
            return None;
        }
        let none = self.confirmed(FactKey::RestrainingOrder, person, how_well);
        none.map(seen)
    }

    /// A fact of that kind that counts and was confirmed lately enough, where that is asked.
    fn confirmed(
        &self,
        key: FactKey,
        person: PersonId,
        how_well: Acquaintance,
    ) -> Option<&Known<'a>> {
        let lately = |known: &&Known<'_>| match how_well {
            Acquaintance::Lately => known.said.fresh(self.on.now, self.fresh_days),
            Acquaintance::Ever | Acquaintance::Supposed => known.said.confirmed().is_some(),
        };
        self.counting(key, person)
            .find(|known| known.opens && lately(known))
    }
}

/// Who of the record's persons lives with somebody who takes part in the address program and is
/// not in the record, by index into `persons[]`. What of them nobody can read counts as that.
pub(super) fn housed_with_participants(rules: &Rules, input: &ReleaseInput<'_>) -> BTreeSet<u16> {
    let mut out = BTreeSet::new();
    for (of, held) in input.housemates {
        let own = std::slice::from_ref(held);
        let on = Circumstances {
            facts: own,
            ..Circumstances::of(input)
        };
        let asserted = Asserted::new(rules, on);
        let mut facts = asserted.facts.iter();
        let takes_part =
            facts.any(|known| known.kind.key == FactKey::SafeAtHome && known.told.closes());
        if takes_part || !asserted.unreadable.is_empty() {
            out.extend(places(input, *of));
        }
    }
    out
}

/// Where a person stands in the record's `persons[]`.
fn places(input: &ReleaseInput<'_>, person: PersonId) -> impl Iterator<Item = u16> {
    let entries = input.record.persons().iter().enumerate();
    entries.filter_map(move |(at, entry)| {
        let key = entry.text("key")?;
        let mut named = input.persons.iter();
        let is = named.any(|(known, id)| known == key && *id == person);
        is.then(|| u16::try_from(at).ok())?
    })
}

fn seen(known: &Known<'_>) -> FactSeen {
    FactSeen {
        asserter: known.held.asserter.clone(),
        id: known.held.id.clone(),
        revision: known.held.revision,
    }
}
