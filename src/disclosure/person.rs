//! Who the person is in law on the day of the decision, and who may sign for them.
//!
//! Capacity is judged on the disclosure date, never on the signing date.

use super::aging::OF_AGE_YEARS;
use super::given::{Listed, Maybe, Word};
use super::moment::{Moment, Now};
use super::request::{Context, Requester, Subject};
use super::tables::{Signers, Tables};
use crate::base::vocabulary::{ClassSet, DataClass, Grantor};

/// All classes.
pub const EVERY: ClassSet = ClassSet((1 << DataClass::ALL.len()) - 1);

/// What the law knows of the person on that day.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// In the case as a child, whatever the age.
    pub child_role: bool,
    /// An adult: by role, age, emancipation or as a nonminor dependent.
    pub adult: bool,
    /// Known to be under 18 and no adult.
    pub minor: bool,
    /// What is said of emancipation, of a dependent past 18 or of that birthday cannot be read.
    pub unsure: bool,
    /// No age on record.
    pub age_unknown: bool,
    /// 18 or older by age or date.
    pub of_age: bool,
    /// Has died.
    pub deceased: bool,
    /// What is said of their death cannot be read: nobody's signature counts.
    pub maybe_dead: bool,
    /// Classes whose service the minor alone consented to, at an age at which that counts.
    pub minor_consented: ClassSet,
    /// A flag of such consent below its age.
    pub minor_consent_conflict: bool,
    /// Removed from home, as a minor.
    pub removed: bool,
    /// A dependent of the court.
    pub dependent: bool,
    parent_stands: bool,
    guardian_stands: bool,
    parent_abuses: bool,
    order_lets_parent: ClassSet,
}

fn unreadable(moment: Option<Moment>) -> bool {
    moment == Some(Moment::Unreadable)
}

fn past(moment: Option<Moment>, now: Now) -> bool {
    moment.is_some_and(|moment| moment.begun(now))
}

impl Person {
    /// Reads the person on the day of `now`.
    pub fn on(subject: &Subject, context: &Context, now: Now, tables: &Tables) -> Person {
        let role = subject.role.as_deref();
        let under = subject.age.is_some_and(|age| age < OF_AGE_YEARS);
        let child_role = role == Some("child") || (role.is_none() && under);
        let turned = past(subject.turned_18, now) || past(context.turned_18, now);
        let of_age = subject.age.is_some_and(|age| age >= OF_AGE_YEARS) || turned;
        let other_role = role.is_some_and(|role| role != "child");
        let adult = other_role
            || of_age
            || subject.emancipated.holds()
            || subject.nonminor_dependent.holds();
        let freed = [subject.emancipated, subject.nonminor_dependent];
        let turns = [subject.turned_18, context.turned_18];
        let unsure =
            !adult && (freed.into_iter().any(Maybe::closes) || turns.into_iter().any(unreadable));
        let minor = child_role && !adult && under && !unsure;
        let deaths = [subject.died_on, context.died_on];
        let deceased = subject.deceased.holds() || deaths.into_iter().any(|at| past(at, now));
        let doubtful = subject.deceased.closes() || deaths.into_iter().any(unreadable);
        let order = context
            .court_order
            .as_ref()
            .filter(|order| order.kind.as_deref() == Some("juvenile_parent_may_authorize"));
        let (valid, conflict) = minor_consents(subject.minor_consented, subject.age, tables);
        Person {
            child_role,
            adult,
            minor,
            unsure,
            age_unknown: child_role && subject.age.is_none(),
            of_age,
            deceased,
            maybe_dead: doubtful && !deceased,
            minor_consented: if adult { ClassSet::EMPTY } else { valid },
            minor_consent_conflict: conflict,
            removed: !adult && subject.removed.closes(),
            dependent: subject.dependent.holds(),
            parent_stands: context.parental_rights.stands(),
            guardian_stands: context.guardianship.stands(),
            parent_abuses: context.grantor_parent_is_abuser.closes(),
            order_lets_parent: order.map_or(ClassSet::EMPTY, |order| order.classes.classes()),
        }
    }

    /// The classes a signature opens on a paper of these signers.
    pub fn accepts(&self, signers: Signers, grantor: Grantor, tables: &Tables) -> ClassSet {
        let all_if = |holds: bool| if holds { EVERY } else { ClassSet::EMPTY };
        match signers {
            Signers::Tribe => all_if(grantor == Grantor::Tribe),
            Signers::Reporter => all_if(grantor == Grantor::Reporter),
            Signers::OwnVoice => {
                let own = matches!(grantor, Grantor::Myself | Grantor::Youth);
                all_if(own && self.lives() && (self.adult || self.minor))
            }
            Signers::Survivor
                if self.minor && parental(grantor) && self.survivor_alone(grantor) =>
            {
                ClassSet::EMPTY
            }
            Signers::Student
                if self.minor && self.lives() && grantor == Grantor::YouthAndParent =>
            {
                all_if(self.parent_stands)
            }
            Signers::Survivor | Signers::Student | Signers::Subject => {
                self.by_subject(signers, grantor, tables)
            }
        }
    }

    /// A parent of a minor survivor signs only together with the minor, and never as the abuser.
    fn survivor_alone(&self, grantor: Grantor) -> bool {
        self.parent_abuses || grantor != Grantor::YouthAndParent
    }

    /// The classes the minor opens alone on a paper of these signers.
    fn alone_on(&self, signers: Signers, tables: &Tables) -> ClassSet {
        let counts = |class: &DataClass| {
            let only = tables
                .class(*class)
                .and_then(|row| row.minor_consent_signers);
            only.is_none_or(|only| only == signers)
        };
        self.minor_consented.iter().filter(counts).collect()
    }

    fn by_subject(&self, signers: Signers, grantor: Grantor, tables: &Tables) -> ClassSet {
        if self.deceased {
            return match grantor {
                Grantor::PersonalRepresentative => EVERY,
                _ => ClassSet::EMPTY,
            };
        }
        if self.maybe_dead {
            return ClassSet::EMPTY;
        }
        let own = matches!(grantor, Grantor::Myself | Grantor::Youth);
        if self.adult {
            return if own { EVERY } else { ClassSet::EMPTY };
        }
        if !self.minor {
            return ClassSet::EMPTY;
        }
        if own {
            return self.alone_on(signers, tables);
        }
        let stands = match grantor {
            Grantor::Parent | Grantor::YouthAndParent => self.parent_stands,
            Grantor::Guardian => self.guardian_stands,
            _ => false,
        };
        if !stands {
            return ClassSet::EMPTY;
        }
        let open = EVERY
            .without(self.minor_consented)
            .without(tables.own_voice)
            .without(self.closed_by_removal(tables));
        match grantor {
            Grantor::YouthAndParent => open,
            _ => open.without(tables.part2),
        }
    }

    fn closed_by_removal(&self, tables: &Tables) -> ClassSet {
        if self.removed {
            tables.removed_closed.without(self.order_lets_parent)
        } else {
            ClassSet::EMPTY
        }
    }

    /// The classes for which this signer's refusal counts: whoever could sign the permit, a
    /// co-holder too. In doubt it counts.
    pub fn may_refuse(&self, grantor: Word<Grantor>, tables: &Tables) -> ClassSet {
        let Some(grantor) = grantor.known() else {
            return EVERY;
        };
        let special = match grantor {
            Grantor::Tribe => ClassSet::of(DataClass::TribalConfidential),
            Grantor::Reporter => ClassSet::of(DataClass::ReporterIdentity),
            Grantor::YouthAttorney if self.dependent => EVERY,
            Grantor::Myself | Grantor::Youth if !self.lives() || self.unclear() => EVERY,
            Grantor::PersonalRepresentative if self.maybe_dead => EVERY,
            Grantor::Parent | Grantor::Guardian | Grantor::YouthAndParent
                if self.unclear() || (self.maybe_dead && !self.adult) =>
            {
                EVERY
            }
            Grantor::Myself | Grantor::Youth if self.minor => {
                tables.own_voice.union(tables.part2).union(tables.joint)
            }
            Grantor::Parent if self.minor && self.parent_stands => self.held_with(tables),
            Grantor::Guardian if self.minor && self.guardian_stands => self.held_with(tables),
            _ => ClassSet::EMPTY,
        };
        special.union(self.by_subject(Signers::Survivor, grantor, tables))
    }

    /// Nothing is said of their death, or that they live.
    pub fn lives(&self) -> bool {
        !self.deceased && !self.maybe_dead
    }

    /// Neither known as an adult nor as a minor.
    fn unclear(&self) -> bool {
        !self.adult && !self.minor
    }

    /// Classes a parent holds together with the minor.
    fn held_with(&self, tables: &Tables) -> ClassSet {
        tables
            .part2
            .union(tables.joint)
            .without(self.minor_consented)
    }

    /// Whether the one who asks has standing as a parent or guardian.
    pub fn standing(&self, context: &Context) -> bool {
        let asks = matches!(
            context.requester,
            Word::Known(Requester::Parent | Requester::Guardian)
        );
        asks && self.parent_stands
            && self.guardian_stands
            && self.minor
            && !context.suspected_abuser.closes()
    }
}

/// A signature of a parent or guardian, alone or with the youth.
pub fn parental(grantor: Grantor) -> bool {
    matches!(
        grantor,
        Grantor::Parent | Grantor::Guardian | Grantor::YouthAndParent
    )
}

/// The classes whose flag counts at this age, and whether one stands below its age or for a service
/// no minor consents to alone.
fn minor_consents(
    listed: Listed<DataClass>,
    age: Option<u16>,
    tables: &Tables,
) -> (ClassSet, bool) {
    let mut valid = ClassSet::EMPTY;
    // Which classes are meant nobody can tell: a person looks.
    let mut conflict = listed.all || listed.unknown;
    if listed.is_blank() {
        return (valid, conflict);
    }
    for class in listed.classes().iter() {
        let from = tables.class(class).and_then(|row| row.minor_consent_age);
        match from {
            Some(from) if age.is_none_or(|age| age >= from) => valid.insert(class),
            _ => conflict = true,
        }
    }
    (valid, conflict)
}
