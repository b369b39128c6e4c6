//! Which labels and refusals are asked of an object: those whose path begins with a member it has.
//!
//! Every object of every document is asked, and hardly any has such a member: what is asked must
//! cost next to nothing where there is nothing to find, and must never be left out for that.

use super::marks::{LabelPlace, Refused};
use super::walk::{Step, Test};
use crate::base::Text;
use crate::format::tree::Node;

/// One question, by its place in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Of what must not be passed over.
    Refused(usize),
    /// Of where labels stand.
    Label(usize),
}

/// All questions, by the member without which the answer is no.
#[derive(Debug, Default)]
pub struct Triggers {
    /// A bit for each name's `bit`.
    mask: u64,
    /// By name, in order.
    by_name: Vec<(Text, Vec<Rule>)>,
    /// Asked of every object.
    always: Vec<Rule>,
}

impl Triggers {
    /// The triggers of a format's labels and refusals.
    pub fn new(labels: &[LabelPlace], refused: &[Refused]) -> Triggers {
        let mut triggers = Triggers::default();
        for (at, refused) in refused.iter().enumerate() {
            triggers.add(trigger(&refused.at), Rule::Refused(at));
        }
        for (at, place) in labels.iter().enumerate() {
            let head = place.lists.first().map(Vec::as_slice);
            triggers.add(trigger(head.unwrap_or_default()), Rule::Label(at));
        }
        triggers.by_name.sort_by(|l, r| l.0.cmp(&r.0));
        triggers
    }

    fn add(&mut self, name: Option<&Text>, rule: Rule) {
        let Some(name) = name else {
            return self.always.push(rule);
        };
        self.mask |= bit(name);
        match self.by_name.iter_mut().find(|(known, _)| known == name) {
            Some((_, rules)) => rules.push(rule),
            None => self.by_name.push((name.clone(), vec![rule])),
        }
    }

    /// Puts into `asked`, which is empty, what is asked of an object with these members; each
    /// question once, refusals first, in the order of the file.
    pub fn of(&self, members: &[(Text, Node)], asked: &mut Vec<Rule>) {
        asked.extend(&self.always);
        for (name, _) in members {
            if self.mask & bit(name) == 0 {
                continue;
            }
            let found = self.by_name.binary_search_by(|(known, _)| known.cmp(name));
            let rules = found.ok().and_then(|at| self.by_name.get(at));
            asked.extend(rules.iter().flat_map(|(_, rules)| rules));
        }
        asked.sort_unstable();
        asked.dedup();
    }
}

/// One of 64, by length and first letter.
fn bit(name: &str) -> u64 {
    let first = name.bytes().next().unwrap_or_default();
    1 << (((name.len() as u64).wrapping_mul(7) ^ u64::from(first)) % 64)
}

/// The member an object must have for a path to lead anywhere in it.
fn trigger(path: &[Step]) -> Option<&Text> {
    match path.first()? {
        Step::Member(name) => Some(name),
        Step::Filter(filter) if !filter.array => filter.conditions.iter().find_map(|it| {
            let there = matches!(it.test, Test::Is(_) | Test::There);
            match it.steps.first().filter(|_| there)? {
                Step::Member(name) => Some(name),
                _ => None,
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! Goal: what is asked of an object is all whose path may lead somewhere in it. Method: paths
    //! of each kind, objects with and without their members.
    use super::*;
    use crate::mapping::walk::{Condition, Filter};

    fn refused(at: Vec<Step>) -> Refused {
        Refused {
            at,
            when: Vec::new(),
            says: None,
        }
    }

    fn filter(test: Test) -> Step {
        Step::Filter(Box::new(Filter {
            array: false,
            conditions: vec![Condition {
                steps: vec![Step::Member("url".into())],
                test,
            }],
        }))
    }

    #[test]
    fn what_may_lead_somewhere_is_asked() {
        let all = [
            refused(vec![Step::Member("meta".into()), Step::Nth(0)]),
            refused(vec![filter(Test::There)]),
            refused(vec![filter(Test::NotThere)]),
            refused(Vec::new()),
            refused(vec![Step::Member("meta".into())]),
        ];
        let triggers = Triggers::new(&[], &all);
        for (members, expected) in [
            (vec!["a", "metb", "atem"], vec![2, 3]),
            (vec!["url", "meta"], vec![0, 1, 2, 3, 4]),
            (vec!["meta", "meta"], vec![0, 2, 3, 4]),
            (vec![], vec![2, 3]),
        ] {
            let members: Vec<(Text, Node)> = members
                .into_iter()
                .map(|name| (name.into(), Node::default()))
                .collect();
            let mut asked = Vec::new();
            triggers.of(&members, &mut asked);
            let expected: Vec<Rule> = expected.into_iter().map(Rule::Refused).collect();
            assert_eq!(asked, expected);
        }
    }
}
