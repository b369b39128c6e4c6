//! Label plans: what the canonical schemas say about classes and persons, compiled for walking.
//!
//! A plan knows shapes only, never a value. Where a schema says nothing, the plan says "all
//! classes", so that what nobody described never leaves.

use crate::base::Text;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::catalog::schema::{About, Kind, Shape};

/// Every class at once: nothing permits all of them, so such a value stays.
pub fn all_classes() -> ClassSet {
    DataClass::ALL.iter().copied().collect()
}

/// The number of the set of all classes in every plan.
pub const ALL_CLASSES: u16 = 0;

/// What is known of one place in a record type.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Classes of every value here.
    pub classes: ClassSet,
    /// Which of the record type's few distinct class sets that is.
    pub number: u16,
    /// Whom the value is about.
    pub about: AboutPlan,
    /// Free text that may repeat anything in the record.
    pub narrative: bool,
    /// The value is a word of a closed list, so it never is the key of a person.
    pub closed_list: bool,
    /// What is below.
    pub kind: PlanKind,
}

/// What is below one place.
#[derive(Clone, Debug)]
pub enum PlanKind {
    /// A value.
    Leaf,
    /// Members by name.
    Object(Vec<(Text, Plan)>),
    /// Items of one plan.
    Array(Box<Plan>),
    /// One of several objects, by the text of a member.
    OneOf {
        /// The member.
        discriminator: Text,
        /// Its texts.
        variants: Vec<(Text, Plan)>,
    },
}

/// Whom a value is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AboutPlan {
    /// The persons of `envelope.subject_refs`.
    Subject,
    /// Those of them marked as focus children.
    Case,
    /// The person whose key stands in that member of an enclosing object, `up` objects out.
    Key {
        /// Zero is the innermost enclosing object.
        up: usize,
        /// The member.
        member: Text,
    },
    /// Nobody said: everyone in the record.
    Everyone,
    /// Nobody: it is a total.
    Nobody,
}

impl Plan {
    /// The plan of a member or item; `None` when the shape has none there.
    pub fn below(&self, token: &str) -> Option<&Plan> {
        match &self.kind {
            PlanKind::Object(members) => find(members, token),
            PlanKind::Array(item) => Some(item),
            PlanKind::Leaf | PlanKind::OneOf { .. } => None,
        }
    }

    /// The same for the members of one object in turn: documents mostly follow their schema, so
    /// the search goes on at `next`, behind the member found last.
    pub fn below_in_turn(&self, token: &str, next: &mut usize) -> Option<&Plan> {
        let PlanKind::Object(members) = &self.kind else {
            return self.below(token);
        };
        let (before, after) = members.split_at_checked(*next)?;
        let is = |(name, _): &&(Text, Plan)| name == token;
        let found = match after.iter().position(|it| is(&it)) {
            Some(at) => *next + at,
            None => before.iter().position(|it| is(&it))?,
        };
        *next = found + 1;
        members.get(found).map(|(_, plan)| plan)
    }

    /// The plan that holds for a node here: the variant its discriminator names, or itself.
    pub fn settle<'n>(&self, discriminated_by: impl Fn(&str) -> Option<&'n str>) -> Option<&Plan> {
        match &self.kind {
            PlanKind::OneOf {
                discriminator,
                variants,
            } => find(variants, discriminated_by(discriminator)?),
            _ => Some(self),
        }
    }

    /// All classes anywhere at or below this place.
    pub fn classes_below(&self) -> ClassSet {
        match &self.kind {
            PlanKind::Leaf => self.classes,
            PlanKind::Object(plans)
            | PlanKind::OneOf {
                variants: plans, ..
            } => plans.iter().fold(self.classes, |set, (_, plan)| {
                set.union(plan.classes_below())
            }),
            PlanKind::Array(item) => self.classes.union(item.classes_below()),
        }
    }
}

fn find<'a>(plans: &'a [(Text, Plan)], name: &str) -> Option<&'a Plan> {
    plans
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, plan)| plan)
}

impl Plan {
    /// The plan of one canonical record type.
    pub fn of(shape: &Shape) -> Plan {
        compile(shape, &mut Vec::new(), &mut vec![all_classes()])
    }
}

/// `enclosing` holds the objects around a place, outermost first; `sets` the distinct class sets.
fn compile<'a>(shape: &'a Shape, enclosing: &mut Vec<&'a Shape>, sets: &mut Vec<ClassSet>) -> Plan {
    let kind = match &shape.kind {
        Kind::Object { members, .. } => {
            enclosing.push(shape);
            let plans = members
                .iter()
                .map(|(name, member)| (name.clone(), compile(member, enclosing, sets)))
                .collect();
            enclosing.pop();
            PlanKind::Object(plans)
        }
        Kind::Array { item, .. } => PlanKind::Array(Box::new(compile(item, enclosing, sets))),
        Kind::OneOf {
            discriminator,
            variants,
        } => PlanKind::OneOf {
            discriminator: discriminator.clone(),
            variants: variants
                .iter()
                .map(|(word, variant)| (word.clone(), compile(variant, enclosing, sets)))
                .collect(),
        },
        Kind::Text(_) | Kind::Number { .. } | Kind::Integer { .. } | Kind::Boolean => {
            PlanKind::Leaf
        }
    };
    let number = sets.iter().position(|set| *set == shape.classes);
    let number = number.unwrap_or_else(|| {
        sets.push(shape.classes);
        sets.len() - 1
    });
    Plan {
        classes: shape.classes,
        number: u16::try_from(number).unwrap_or(u16::MAX),
        about: about(shape, enclosing),
        narrative: shape.narrative,
        closed_list: matches!(&shape.kind, Kind::Text(rule) if !rule.codes.is_empty()),
        kind,
    }
}

/// The innermost object around a place that has the member is the one that is meant.
fn about(shape: &Shape, enclosing: &[&Shape]) -> AboutPlan {
    let member = match &shape.about {
        Some(About::Subject) => return AboutPlan::Subject,
        Some(About::Case) => return AboutPlan::Case,
        Some(About::Nobody) => return AboutPlan::Nobody,
        Some(About::Person(pointer)) => pointer.strip_prefix("./"),
        None => None,
    };
    let found = member.and_then(|member| {
        let up = enclosing
            .iter()
            .rev()
            .position(|object| object.members().iter().any(|(name, _)| name == member))?;
        Some((up, member))
    });
    match found {
        Some((up, member)) => AboutPlan::Key {
            up,
            member: member.into(),
        },
        None => AboutPlan::Everyone,
    }
}
