//! Lists of the wire of which only some items are read, by their places: what stands beyond is told
//! at run time and stands in the loss report.
//!
//! A list that some row reads whole has nothing unread; items a filter chooses are read.

use super::Builder;
use crate::base::Text;
use crate::format::tree::Value;
use crate::mapping::loss::Loss;
use crate::mapping::plan::{EachOp, Fallback, Link, Op, Part, Place, Unread};
use crate::mapping::walk::{Condition, Step, Test};

/// What the rows of one context read of lists.
#[derive(Default)]
struct Reading {
    whole: Vec<Vec<Step>>,
    lists: Vec<Unread>,
    chosen: Vec<(Vec<Step>, Vec<Condition>)>,
}

impl Builder<'_> {
    /// Adds to every context what it leaves unread, and notes it in the loss report.
    pub(super) fn unread(&mut self, parts: &mut [Part]) {
        let separator = super::layout::separator(self.format);
        let mut told = Vec::new();
        let links = links(parts);
        for (at, part) in parts.iter_mut().enumerate() {
            let place = match part.node_type.as_str() {
                "" => part.name.clone(),
                node_type => Text::from(node_type),
            };
            let mut teller = Teller {
                separator,
                told: &mut told,
            };
            let fallbacks = self.fallbacks.iter().filter(|row| row.part == at);
            let others = fallbacks.map(|row: &Fallback| &row.op);
            let others: Vec<&Op> = others.chain(part.picks.iter().map(|(_, op)| op)).collect();
            let links = links.iter().filter(|(from, _)| *from == at);
            let mut reading = Reading::default();
            others.iter().for_each(|op| reading.note(op));
            links.for_each(|(_, path)| reading.place(path));
            teller.context(&mut part.ops, reading, &place);
            for each in &mut part.each {
                teller.each(each, &place);
            }
        }
        for (path, read) in told {
            let loss = Loss {
                path: format!("{path}[{read}..]"),
                reason: match read {
                    1 => "only the first is read; one more is told to the sender".to_owned(),
                    n => format!("only the first {n} are read; one more is told to the sender"),
                },
            };
            if !self.built.loss.ignored.contains(&loss) {
                self.built.loss.ignored.push(loss);
            }
        }
    }
}

/// The places by which parts find each other, with the part that holds them.
fn links(parts: &[Part]) -> Vec<(usize, Place)> {
    let mut out = Vec::new();
    for part in parts {
        if let Link::Forward { from, path } = &part.link {
            out.push((*from, path.clone()));
        }
        let also = part.also.iter();
        out.extend(also.map(|(from, reference)| (*from, reference.wire.clone())));
    }
    out
}

struct Teller<'t> {
    separator: char,
    /// Path of a list for people, and how many of its items are read.
    told: &'t mut Vec<(String, usize)>,
}

impl Teller<'_> {
    /// One context, `reading` what others read of it already.
    fn context(&mut self, ops: &mut Vec<Op>, mut reading: Reading, place: &str) {
        for op in ops.iter_mut() {
            if let Op::Each(each) = op {
                let inner = format!("{place}{}", self.path(&each.wire.get));
                self.each(each, &format!("{inner}[]"));
            }
        }
        for op in ops.iter() {
            reading.note(op);
        }
        let unread = reading.unread();
        for unread in &unread {
            let path = format!("{place}{}", self.path(&unread.list));
            self.told.push((path, unread.read));
        }
        ops.extend(unread.into_iter().map(Op::Unread));
    }

    fn each(&mut self, each: &mut EachOp, place: &str) {
        if each.gate.inward && !each.columns {
            for ops in &mut each.ops {
                self.context(ops, Reading::default(), place);
            }
        }
    }

    fn path(&self, steps: &[Step]) -> String {
        let mut out = String::new();
        for step in steps {
            match step {
                Step::Member(name) => {
                    out.push(self.separator);
                    out.push_str(name);
                }
                Step::Nth(place) => out.push_str(&format!("[{place}]")),
                Step::Filter(filter) => {
                    let all: Vec<String> = filter.conditions.iter().filter_map(shown).collect();
                    out.push_str(&format!("[{}]", all.join(", ")));
                }
            }
        }
        out
    }
}

/// A condition as an author would write it; only those that choose by a value.
fn shown(condition: &Condition) -> Option<String> {
    let Test::Is(Value::String(value)) = &condition.test else {
        return None;
    };
    let members = condition.steps.iter().filter_map(|step| match step {
        Step::Member(name) => Some(name.as_str()),
        Step::Nth(_) | Step::Filter(_) => None,
    });
    let members: Vec<&str> = members.collect();
    Some(format!("{}='{value}'", members.join(".")))
}

impl Reading {
    fn note(&mut self, op: &Op) {
        match op {
            Op::Value(value) if value.gate.inward => self.place(&value.wire),
            Op::Ref(reference) if reference.gate.inward => self.place(&reference.wire),
            Op::WireConst(gate, place, _, true) if gate.inward => self.place(place),
            Op::Each(each) if each.gate.inward && !each.columns => {
                self.whole.push(each.wire.get.clone());
                self.steps(&each.wire.get);
            }
            _ => {}
        }
    }

    fn place(&mut self, place: &Place) {
        if place.tail.is_some() {
            self.whole.push(place.get.clone());
        }
        self.steps(&place.get);
    }

    fn steps(&mut self, steps: &[Step]) {
        for (at, step) in steps.iter().enumerate() {
            let list = steps.get(..at).unwrap_or_default();
            match step {
                // The rows of a unit are no list of one context.
                _ if list.is_empty() => {}
                Step::Nth(place) => self.nth(list, *place),
                Step::Filter(filter) if filter.array => {
                    self.chosen.push((list.to_vec(), filter.conditions.clone()));
                }
                Step::Filter(_) | Step::Member(_) => {}
            }
        }
    }

    fn nth(&mut self, list: &[Step], place: usize) {
        match self.lists.iter_mut().find(|known| known.list == list) {
            Some(known) => known.read = known.read.max(place + 1),
            None => self.lists.push(Unread {
                list: list.to_vec(),
                read: place + 1,
                chosen: Vec::new(),
            }),
        }
    }

    fn unread(self) -> Vec<Unread> {
        let (whole, chosen) = (self.whole, self.chosen);
        let mut out = self.lists;
        out.retain(|it| !whole.contains(&it.list));
        for it in &mut out {
            let own = chosen
                .iter()
                .filter(|(list, _)| *list == it.list.as_slice());
            it.chosen = own.map(|(_, conditions)| conditions.to_vec()).collect();
        }
        out
    }
}
