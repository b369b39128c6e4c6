//! One policy of the pack, and what can be read off its text: whom it speaks of, which facts it
//! looks at, what it cites and owes.
//!
//! Everything here is derived from the policy itself, so that slicing by it can never lose a
//! policy that would have spoken.

use super::facts::{Flag, Flags};
use super::spot::Spot;
use crate::base::vocabulary::{
    ClassSet, ConsentKind, DataClass, Obligation, Purpose, RecipientRole, SourceRole,
};
use serde_json::Value;
use std::str::FromStr;
use std::sync::Arc;

/// How strong a policy is (disclosure rules, 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// The law commands it.
    Duty,
    /// An emergency.
    Emergency,
    /// A right of the person, of counsel or of the court.
    Right,
    /// The law permits it.
    Permission,
    /// A consent permits it.
    Consent,
    /// Closes a class for a refusal.
    Refusal,
    /// Closes a class whatever opens it.
    Stop,
    /// A county closes a class.
    County,
}

impl Rank {
    /// Their words.
    pub const WORDS: [&'static str; 8] = [
        "duty",
        "emergency",
        "right",
        "permission",
        "consent",
        "refusal",
        "stop",
        "county",
    ];

    /// Whether it stands above a refusal.
    pub fn is_mandate(self) -> bool {
        matches!(self, Rank::Duty | Rank::Emergency | Rank::Right)
    }
}

impl FromStr for Rank {
    type Err = ();

    fn from_str(word: &str) -> Result<Rank, ()> {
        Ok(match word {
            "duty" => Rank::Duty,
            "emergency" => Rank::Emergency,
            "right" => Rank::Right,
            "permission" => Rank::Permission,
            "consent" => Rank::Consent,
            "refusal" => Rank::Refusal,
            "stop" => Rank::Stop,
            "county" => Rank::County,
            _ => return Err(()),
        })
    }
}

/// Whom a policy speaks of, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Holders.
    pub sources: u64,
    /// Recipients.
    pub recipients: u64,
    /// Purposes.
    pub purposes: u64,
    /// Classes.
    pub classes: ClassSet,
    /// Facts without which it cannot speak.
    pub requires: Flags,
    /// Facts it looks at.
    pub mentions: Flags,
}

/// One policy.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `@id`
    pub id: Arc<str>,
    /// `@row`
    pub row: Arc<str>,
    /// `@rank`
    pub rank: Rank,
    /// `@kind`, of consents
    pub kind: Option<ConsentKind>,
    /// Whether it permits.
    pub permits: bool,
    /// Read off its text.
    pub scope: Scope,
    /// `@citation`
    pub citations: Vec<Arc<str>>,
    /// `@obligation`, one bit each
    pub obligations: ObligationSet,
    /// `@mark`: V seen in a source, K background knowledge
    pub mark: Arc<str>,
    /// `@effective`
    pub effective: Arc<str>,
    /// `@sunset`, empty if none
    pub sunset: Arc<str>,
    /// `@owner`
    pub owner: Arc<str>,
    /// `@plain_en`
    pub plain_en: Arc<str>,
    /// `@plain_es`
    pub plain_es: Arc<str>,
    /// `@es_reviewer`: who confirmed the Spanish; without one it is a machine draft
    pub es_reviewer: Option<Arc<str>>,
    /// `@counsel`, `@counsel_date`, `@reason`: only of a county's own permit
    pub counsel: Option<Counsel>,
    /// Where it stands
    pub spot: Spot,
}

/// Who let a county loosen the law pack, when and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Counsel {
    /// Their name.
    pub name: Arc<str>,
    /// The day.
    pub date: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
}

/// Obligations, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObligationSet(pub u32);

impl ObligationSet {
    /// Adds one.
    pub fn insert(&mut self, obligation: Obligation) {
        self.0 |= 1 << obligation.index();
    }

    /// Takes one out.
    pub fn remove(&mut self, obligation: Obligation) {
        self.0 &= !(1 << obligation.index());
    }

    /// Whether it is in.
    pub const fn contains(self, obligation: Obligation) -> bool {
        self.0 & (1 << obligation.index()) != 0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: ObligationSet) -> ObligationSet {
        ObligationSet(self.0 | other.0)
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub const fn without(self, other: ObligationSet) -> ObligationSet {
        ObligationSet(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their codes, comma separated, in the order of the vocabulary.
    pub fn words(self) -> String {
        let words: Vec<&str> = self.iter().map(Obligation::as_str).collect();
        words.join(",")
    }

    /// Those in it, in the order of the vocabulary.
    pub fn iter(self) -> impl Iterator<Item = Obligation> {
        Obligation::ALL
            .iter()
            .copied()
            .filter(move |obligation| self.contains(*obligation))
    }
}

impl Rule {
    /// Whether it closes its classes to everyone, for every purpose, under all facts.
    pub fn closes_whole_classes(&self) -> bool {
        let scope = &self.scope;
        !self.permits
            && scope.recipients == ALL
            && scope.purposes == ALL
            && scope.mentions == Flags::NONE
    }

    /// Whether both may speak about one thing.
    pub fn meets(&self, other: &Rule) -> bool {
        let (one, two) = (&self.scope, &other.scope);
        one.sources & two.sources != 0
            && one.recipients & two.recipients != 0
            && one.purposes & two.purposes != 0
            && one.classes.0 & two.classes.0 != 0
    }

    /// Whether it may speak about this.
    pub fn speaks_of(
        &self,
        source: SourceRole,
        recipient: RecipientRole,
        purpose: Purpose,
        class: DataClass,
    ) -> bool {
        let scope = &self.scope;
        scope.sources & (1 << source.index()) != 0
            && scope.recipients & (1 << recipient.index()) != 0
            && scope.purposes & (1 << purpose.index()) != 0
            && scope.classes.contains(class)
    }
}

const ALL: u64 = u64::MAX;

impl Scope {
    /// Reads the scope off a policy in Cedar's JSON form. `None`: it has a form that is not
    /// understood, which is a defect.
    pub fn of(policy: &Value) -> Option<Scope> {
        let mut scope = Scope {
            sources: ALL,
            recipients: constraint::<RecipientRole>(policy.get("principal")?, "Recipient")?,
            purposes: constraint::<Purpose>(policy.get("action")?, "Action")?,
            classes: ClassSet(constraint::<DataClass>(
                policy.get("resource")?,
                "DataClass",
            )?),
            requires: Flags::NONE,
            mentions: Flags::NONE,
        };
        for condition in policy.get("conditions")?.as_array()? {
            let body = condition.get("body")?;
            scope.mention(body)?;
            if condition.get("kind")?.as_str()? == "when" {
                scope.narrow(body)?;
            }
        }
        Some(scope)
    }

    /// Narrows by the conjuncts that are understood; the others stay to the engine.
    fn narrow(&mut self, body: &Value) -> Option<()> {
        if let Some(both) = body.get("&&") {
            self.narrow(both.get("left")?)?;
            return self.narrow(both.get("right")?);
        }
        if let Some(name) = fact(body) {
            self.requires.set(Flag::named(name)?);
        }
        let Some(contains) = body.get("contains") else {
            return Some(());
        };
        let (left, right) = (contains.get("left")?, contains.get("right")?);
        let Some(set) = left.get("Set").and_then(Value::as_array) else {
            return Some(());
        };
        let set: Vec<&Value> = set.iter().collect();
        if right.get("Var").and_then(Value::as_str) == Some("principal") {
            self.recipients &= entities::<RecipientRole>(&set, "Recipient")?;
        } else if right.get("Var").and_then(Value::as_str) == Some("resource") {
            self.classes.0 &= entities::<DataClass>(&set, "DataClass")?;
        } else if fact(right) == Some("source") {
            self.sources &= entities::<SourceRole>(&set, "Source")?;
        }
        Some(())
    }

    /// Collects every fact the body looks at.
    fn mention(&mut self, body: &Value) -> Option<()> {
        match fact(body) {
            Some("source") => return Some(()),
            Some(name) => {
                self.mentions.set(Flag::named(name)?);
                return Some(());
            }
            None => {}
        }
        if body.get("Var").and_then(Value::as_str) == Some("context") {
            return None; // the facts as a whole: not to be sliced
        }
        match body {
            Value::Object(members) => members.values().try_for_each(|one| self.mention(one)),
            Value::Array(items) => items.iter().try_for_each(|one| self.mention(one)),
            _ => Some(()),
        }
    }
}

/// The name in `context.name`.
fn fact(body: &Value) -> Option<&str> {
    let access = body.get(".")?;
    let of_context = access.get("left")?.get("Var")?.as_str()? == "context";
    of_context
        .then(|| access.get("attr").and_then(Value::as_str))
        .flatten()
}

trait Indexed: FromStr {
    fn at(self) -> usize;
}

macro_rules! indexed {
    ($($name:ty),*) => {
        $(impl Indexed for $name {
            fn at(self) -> usize {
                self.index()
            }
        })*
    };
}

indexed!(SourceRole, RecipientRole, Purpose, DataClass);

fn entity<T: Indexed>(value: &Value, of: &str) -> Option<u64> {
    let uid = value
        .get("Value")
        .and_then(|inner| inner.get("__entity"))
        .or_else(|| value.get("__entity"))
        .unwrap_or(value);
    if uid.get("type")?.as_str()? != of {
        return None;
    }
    let word: T = uid.get("id")?.as_str()?.parse().ok()?;
    Some(1 << word.at())
}

fn entities<T: Indexed>(values: &[&Value], of: &str) -> Option<u64> {
    values
        .iter()
        .try_fold(0, |set, value| Some(set | entity::<T>(value, of)?))
}

/// The bits of a scope constraint: all, one, or some.
fn constraint<T: Indexed>(value: &Value, of: &str) -> Option<u64> {
    match value.get("op")?.as_str()? {
        "All" => Some(ALL),
        "==" => entity::<T>(value.get("entity")?, of),
        "in" => match value.get("entities").and_then(Value::as_array) {
            Some(list) => entities::<T>(&list.iter().collect::<Vec<_>>(), of),
            None => entity::<T>(value.get("entity")?, of),
        },
        _ => None,
    }
}
