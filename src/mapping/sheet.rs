//! Sheets: every place that the rows of one list read, found in one pass over the node.
//!
//! Row by row the same members would be walked again and again, longest for what is not there.
//! A sheet holds the paths of a list as one tree, so that each member of a node is met once. It
//! must never find anything but what `walk::get` finds by the same path.

use super::plan::{EachOp, Op, Place, Plan, Target};
use super::walk::{Condition, Filter, Step, Test, get, hold};
use crate::base::Text;
use crate::format::tree::{Node, Value};

/// Lists of fewer rows read path by path.
const ROWS_MIN: usize = 3;
/// Words told apart in one pass over the items of a list.
const WORDS_MAX: usize = 64;

/// The paths of one list of rows.
#[derive(Debug, Default)]
pub struct Sheet {
    tree: Branch,
    places: usize,
}

/// The sheets of one list of rows, one per direction.
#[derive(Debug, Default)]
pub struct Sheets {
    /// Going in: places of the wire node.
    pub wire: Sheet,
    /// Going out: places of the record context.
    pub record: Sheet,
}

/// What stands at the places of a sheet, by their numbers.
pub type Filled<'a> = Vec<Option<&'a Node>>;

/// What is read at and below one place.
#[derive(Debug, Default)]
struct Branch {
    /// Number of the place, if a row reads it.
    number: Option<u16>,
    members: Named,
    nth: Vec<(usize, Branch)>,
    told: Vec<Told>,
    filters: Vec<(Filter, Branch)>,
}

/// Items told apart by the text at one path in them.
#[derive(Debug)]
struct Told {
    path: Vec<Step>,
    /// Of each word the first item is meant.
    words: Named,
}

/// Branches by a text, most of which are told apart by their length.
#[derive(Debug, Default)]
struct Named {
    /// Ascending by length.
    branches: Vec<(Text, Branch)>,
    /// By length: where its texts begin; the last one is behind all.
    starts: Vec<usize>,
}

impl Named {
    fn at(&self, text: &str) -> Option<usize> {
        let from = *self.starts.get(text.len())?;
        let to = *self.starts.get(text.len() + 1)?;
        let same = self.branches.get(from..to)?;
        let at = same.iter().position(|(own, _)| own == text)?;
        Some(from + at)
    }

    fn get(&self, text: &str) -> Option<&Branch> {
        self.branches.get(self.at(text)?).map(|(_, branch)| branch)
    }

    fn made(&mut self, text: &Text) -> Option<&mut Branch> {
        let at = self.at(text).unwrap_or_else(|| {
            let behind = |(own, _): &(Text, Branch)| own.len() <= text.len();
            let at = self.branches.partition_point(behind);
            self.branches.insert(at, (text.clone(), Branch::default()));
            let longest = self.branches.last().map_or(0, |(own, _)| own.len());
            let start = |length: usize| self.branches.partition_point(|b| b.0.len() < length);
            self.starts = (0..=longest + 1).map(start).collect();
            at
        });
        self.branches.get_mut(at).map(|(_, branch)| branch)
    }
}

/// Reads a place: from the sheet where it stands in one, else by its path.
pub fn read<'a>(
    filled: &[Option<&'a Node>],
    slot: Option<u16>,
    node: &'a Node,
    steps: &[Step],
) -> Option<&'a Node> {
    match slot.and_then(|at| filled.get(usize::from(at))) {
        Some(found) => *found,
        None => get(node, steps),
    }
}

impl Sheet {
    /// Whether no row reads from it.
    pub fn is_empty(&self) -> bool {
        self.places == 0
    }

    /// Everything its rows read in a node.
    pub fn fill<'a>(&self, node: &'a Node) -> Filled<'a> {
        let mut out = vec![None; self.places];
        self.tree.fill(node, &mut out);
        out
    }

    /// The number of a place; `None` when there are too many.
    fn place(&mut self, steps: &[Step]) -> Option<u16> {
        let next = u16::try_from(self.places).ok()?;
        let branch = steps
            .iter()
            .try_fold(&mut self.tree, |branch, step| branch.below(step))?;
        let number = *branch.number.get_or_insert(next);
        if number == next {
            self.places += 1;
        }
        Some(number)
    }
}

impl Branch {
    fn below(&mut self, step: &Step) -> Option<&mut Branch> {
        match step {
            Step::Member(name) => self.members.made(name),
            Step::Nth(at) => kept(&mut self.nth, at),
            Step::Filter(filter) => {
                let Some((path, word)) = told_by(filter) else {
                    return kept(&mut self.filters, filter);
                };
                let known = self.told.iter().position(|told| told.path == path);
                let at = known.unwrap_or_else(|| {
                    let (path, words) = (path.to_vec(), Named::default());
                    self.told.push(Told { path, words });
                    self.told.len() - 1
                });
                let told = self.told.get_mut(at)?;
                if told.words.branches.len() >= WORDS_MAX {
                    return kept(&mut self.filters, filter);
                }
                told.words.made(word)
            }
        }
    }

    fn fill<'a>(&self, node: &'a Node, out: &mut [Option<&'a Node>]) {
        if let Some(slot) = self.number.and_then(|at| out.get_mut(usize::from(at)))
            && node.value != Value::Null
        {
            *slot = Some(node);
        }
        match &node.value {
            Value::Object(members) if !self.members.branches.is_empty() => {
                for (name, child) in members {
                    if let Some(branch) = self.members.get(name) {
                        branch.fill(child, out);
                    }
                }
            }
            Value::Array(items) => {
                for (at, branch) in &self.nth {
                    if let Some(item) = items.get(*at) {
                        branch.fill(item, out);
                    }
                }
                for told in &self.told {
                    told.fill(items, out);
                }
            }
            _ => {}
        }
        for (filter, branch) in &self.filters {
            let chosen = if filter.array {
                let mut items = node.items().iter();
                items.find(|item| hold(item, &filter.conditions))
            } else {
                Some(node).filter(|node| hold(node, &filter.conditions))
            };
            if let Some(chosen) = chosen {
                branch.fill(chosen, out);
            }
        }
    }
}

impl Told {
    fn fill<'a>(&self, items: &'a [Node], out: &mut [Option<&'a Node>]) {
        let mut seen = 0_u64;
        for item in items {
            let Some(text) = get(item, &self.path).and_then(Node::lexeme) else {
                continue;
            };
            let Some(at) = self.words.at(text) else {
                continue;
            };
            let bit = 1 << at;
            if seen & bit == 0
                && let Some((_, branch)) = self.words.branches.get(at)
            {
                seen |= bit;
                branch.fill(item, out);
            }
        }
    }
}

/// Path and text of a filter that asks for nothing but one text of an item.
fn told_by(filter: &Filter) -> Option<(&[Step], &Text)> {
    match (filter.array, filter.conditions.as_slice()) {
        (
            true,
            [
                Condition {
                    steps,
                    test: Test::Is(Value::String(word)),
                },
            ],
        ) => Some((steps, word)),
        _ => None,
    }
}

fn kept<'b, T: Clone + PartialEq>(
    branches: &'b mut Vec<(T, Branch)>,
    key: &T,
) -> Option<&'b mut Branch> {
    let known = branches.iter().position(|(own, _)| own == key);
    let at = known.unwrap_or_else(|| {
        branches.push((key.clone(), Branch::default()));
        branches.len() - 1
    });
    branches.get_mut(at).map(|(_, branch)| branch)
}

/// Gives the lists of a plan their sheets.
pub fn lay_out(plan: &mut Plan) {
    let mut whole = Sheet::default();
    for part in &mut plan.parts {
        part.sheets = list(&mut part.ops, &mut whole);
        for each in &mut part.each {
            items(each, &mut whole);
        }
    }
    plan.whole = whole;
}

/// The sheets a row under way writes itself into.
struct Laying<'s> {
    wire: Option<&'s mut Sheet>,
    record: Option<&'s mut Sheet>,
    whole: &'s mut Sheet,
}

fn list(ops: &mut [Op], whole: &mut Sheet) -> Sheets {
    let mut sheets = Sheets::default();
    let enough = ops.len() >= ROWS_MIN;
    let mut laying = Laying {
        wire: enough.then_some(&mut sheets.wire),
        record: enough.then_some(&mut sheets.record),
        whole,
    };
    for op in ops {
        laying.op(op);
    }
    sheets
}

fn items(each: &mut EachOp, whole: &mut Sheet) {
    if let Some(ops) = each.ops.first_mut().filter(|_| !each.columns) {
        *each.sheets = list(ops, whole);
    }
}

impl Laying<'_> {
    fn op(&mut self, op: &mut Op) {
        match op {
            Op::Value(value) => {
                if value.gate.inward {
                    self.wire(&mut value.wire);
                    if let Some(absent) = &mut value.absent {
                        self.wire(&mut absent.wire);
                    }
                    if let Some((second, _)) = &mut value.join {
                        self.wire(second);
                    }
                }
                if value.gate.outward {
                    for target in &mut value.record {
                        self.record(target);
                    }
                }
            }
            Op::Ref(reference) => {
                if reference.gate.inward {
                    self.wire(&mut reference.wire);
                }
                if let Some(target) = reference.record.as_mut().filter(|_| reference.gate.outward) {
                    self.record(target);
                }
            }
            Op::WireConst(gate, place, _, true) if gate.inward => self.wire(place),
            Op::WireConst(..) | Op::RecordConst(..) | Op::Unread(_) => {}
            Op::Each(each) => self.each(each),
        }
    }

    fn each(&mut self, each: &mut EachOp) {
        if each.gate.outward {
            self.record(&mut each.record);
        }
        if !each.columns {
            if each.gate.inward {
                self.wire(&mut each.wire);
            }
            items(each, self.whole);
            return;
        }
        // Numbered columns stand in the node itself; each number has a record item of its own.
        let record = self.record.take();
        for op in each.ops.iter_mut().flatten() {
            self.op(op);
        }
        self.record = record;
    }

    fn wire(&mut self, place: &mut Place) {
        place.slot = self.wire.as_mut().and_then(|sheet| sheet.place(&place.get));
    }

    fn record(&mut self, target: &mut Target) {
        target.slot = if target.absolute {
            self.whole.place(&target.steps)
        } else {
            let sheet = self.record.as_mut();
            sheet.and_then(|sheet| sheet.place(&target.steps))
        };
    }
}

#[cfg(test)]
mod tests {
    //! Goal: a sheet finds what a path finds. Method: paths of every kind over one node, those
    //! that lead nowhere among them.
    use super::*;
    use crate::format::json;

    fn member(name: &str) -> Step {
        Step::Member(name.into())
    }

    fn where_is(array: bool, path: &str, word: &str) -> Step {
        Step::Filter(Box::new(Filter {
            array,
            conditions: vec![Condition {
                steps: vec![member(path)],
                test: Test::Is(Value::String(word.into())),
            }],
        }))
    }

    #[test]
    fn a_sheet_finds_what_a_path_finds() {
        let text = br#"{"a": 1, "b": {"c": "x", "d": null}, "e": [{"u": "p", "v": 1},
            {"u": "q", "v": 2}, {"u": "p", "v": 3}, {"u": 7, "v": 4}], "f": [[5], []]}"#;
        let node = json::parse(text).tree.unwrap_or_default();
        let by = |word: &str| vec![member("e"), where_is(true, "u", word), member("v")];
        let paths = [
            vec![],
            vec![member("a")],
            vec![member("b"), member("c")],
            vec![member("b"), member("d")],
            vec![member("b"), where_is(false, "c", "x"), member("c")],
            vec![member("b"), where_is(false, "c", "y"), member("c")],
            vec![member("x"), member("c")],
            by("p"),
            by("q"),
            by("7"),
            by("r"),
            vec![member("f"), Step::Nth(0), Step::Nth(0)],
            vec![member("f"), Step::Nth(1), Step::Nth(0)],
            vec![member("a"), Step::Nth(0)],
        ];
        let mut sheet = Sheet::default();
        let slots: Vec<Option<u16>> = paths.iter().map(|path| sheet.place(path)).collect();
        let filled = sheet.fill(&node);
        for (path, slot) in paths.iter().zip(slots) {
            assert!(slot.is_some(), "{path:?}");
            let by_path = get(&node, path).map(std::ptr::from_ref);
            let by_sheet = read(&filled, slot, &node, &[]).map(std::ptr::from_ref);
            assert_eq!(by_path, by_sheet, "{path:?}");
        }
        assert_eq!(sheet.place(&by("q")), sheet.place(&by("q")), "one place");
    }
}
