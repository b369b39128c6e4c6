//! Labels: for every value of a record, which data classes it is of and whom it is about.
//!
//! Labels come from the canonical schema, from what the sender adds, and from three rules of the
//! data dictionary (protected addresses, narrative, what a substance-use program sends). They only
//! ever grow: no rule here may take a class away that another one set, and a value nobody
//! described is of every class.

use super::Record;
use super::places::{self, each_leaf};
use super::plan::{Plan, all_classes};
use super::shield;
use super::walk::{Walked, Walker};
use super::whereabouts::Known;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::catalog::Sources;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Stands for a person in a record that names none: nothing is ever permitted about them.
pub const NOBODY: u16 = u16::MAX;

/// Stands for nobody in particular: a total is of many and about no person. What is asked of it is
/// whether its counts are large enough, and of no other class than `aggregate_deidentified`.
pub const TOTALS: u16 = u16::MAX - 1;

/// What is known of the holder when a record is labelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The sender is a substance-use program under 42 CFR Part 2.
    pub part2_program: bool,
    /// The record came under a Part 2 consent.
    pub part2_consent: bool,
    /// The sender is a domestic-violence program.
    pub dv_program: bool,
}

/// All (person, class) pairs of one value; it goes only if every one of them may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSet {
    /// Persons by index into `persons[]`, ascending, each with its classes.
    pub pairs: Vec<(u16, ClassSet)>,
}

/// One label as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// JSON pointer of the value.
    pub pointer: String,
    /// Its classes.
    pub classes: ClassSet,
    /// Whom it is about.
    pub persons: Vec<u16>,
}

/// The labels of one record: few distinct sets, and for every leaf which of them it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    sets: Vec<LabelSet>,
    leaves: Vec<u16>,
    references: Vec<(usize, u16)>,
    keys: Vec<(usize, u16)>,
}

impl LabelSet {
    /// Adds everything `other` has.
    pub fn add(&mut self, other: &LabelSet) {
        for (person, classes) in &other.pairs {
            match self.pairs.binary_search_by_key(person, |(p, _)| *p) {
                Ok(at) => {
                    if let Some((_, own)) = self.pairs.get_mut(at) {
                        *own = own.union(*classes);
                    }
                }
                Err(at) => self.pairs.insert(at, (*person, *classes)),
            }
        }
    }

    /// The set with `classes` added for each of its persons.
    #[must_use]
    pub fn with(&self, classes: ClassSet) -> LabelSet {
        let pairs = self.pairs.iter().map(|(p, own)| (*p, own.union(classes)));
        LabelSet {
            pairs: pairs.collect(),
        }
    }
}

impl Labels {
    /// The distinct label sets.
    pub fn sets(&self) -> &[LabelSet] {
        &self.sets
    }

    /// For every leaf in document order, the index of its set.
    pub fn leaves(&self) -> &[u16] {
        &self.leaves
    }

    /// For every leaf in document order, its classes whoever they are about.
    pub fn classes_of_leaves(&self) -> Vec<ClassSet> {
        let own = |set: &LabelSet| {
            let classes = set.pairs.iter().map(|(_, classes)| *classes);
            classes.fold(ClassSet::EMPTY, ClassSet::union)
        };
        let sets: Vec<ClassSet> = self.sets.iter().map(own).collect();
        let leaves = self.leaves.iter();
        leaves
            .map(|set| sets.get(usize::from(*set)).copied())
            .map(|found| found.unwrap_or_else(all_classes))
            .collect()
    }

    /// Leaves that name a person of the record elsewhere in it, ascending, with the person.
    pub fn references(&self) -> &[(usize, u16)] {
        &self.references
    }

    /// The leaves where each person's own key stands, ascending.
    pub fn keys(&self) -> &[(usize, u16)] {
        &self.keys
    }

    /// Whether any value is of that class.
    pub fn has(&self, class: DataClass) -> bool {
        let mut pairs = self.sets.iter().flat_map(|set| &set.pairs);
        pairs.any(|(_, classes)| classes.contains(class))
    }

    /// What has to be asked: every class said of each person.
    pub fn asked(&self) -> BTreeMap<u16, ClassSet> {
        let mut out = BTreeMap::new();
        for (person, classes) in self.sets.iter().flat_map(|set| &set.pairs) {
            let own: &mut ClassSet = out.entry(*person).or_default();
            *own = own.union(*classes);
        }
        out
    }

    /// The labels with `classes` added to every value: what a third party would learn.
    #[must_use]
    pub fn adding(&self, classes: ClassSet) -> Labels {
        Labels {
            sets: self.sets.iter().map(|set| set.with(classes)).collect(),
            ..self.clone()
        }
    }

    /// Every label with its pointer, for explanations.
    pub fn list(&self, record: &Record) -> Vec<Label> {
        let mut out = Vec::new();
        each_leaf(&record.root, &mut |pointer, at| {
            let set = self.leaves.get(at).and_then(|s| self.sets.get(*s as usize));
            for (person, classes) in set.map(|s| s.pairs.as_slice()).unwrap_or_default() {
                out.push(Label {
                    pointer: pointer.to_owned(),
                    classes: *classes,
                    persons: vec![*person],
                });
            }
        });
        out
    }
}

/// The plans of all record types.
#[derive(Clone, Debug, Default)]
pub struct LabelPlan {
    pub(super) plans: BTreeMap<String, Plan>,
}

impl LabelPlan {
    /// A plan of given record types.
    pub fn of(plans: impl IntoIterator<Item = (String, Plan)>) -> LabelPlan {
        LabelPlan {
            plans: plans.into_iter().collect(),
        }
    }

    /// Compiles the plans of all canonical record types of a catalog. What is wrong with a label
    /// is told where the schema is compiled.
    pub fn compile(sources: &Sources) -> LabelPlan {
        LabelPlan::of(sources.schemas.iter().filter_map(|(path, shape)| {
            let name = path.strip_prefix("canonical/")?;
            let name = name.strip_suffix(".schema.json")?;
            (!name.contains('/')).then(|| (name.to_owned(), Plan::of(shape)))
        }))
    }

    /// The plan of one record type.
    pub fn get(&self, record_type: &str) -> Option<&Plan> {
        self.plans.get(record_type)
    }

    /// Labels every value of a record by what it says itself.
    pub fn label(&self, record: &Record, origin: Origin) -> Labels {
        self.label_knowing(record, origin, &Known::default())
    }

    /// Labels every value of a record, knowing what other records say of where its persons live. A
    /// type without a plan gets all classes everywhere.
    pub fn label_knowing(&self, record: &Record, origin: Origin, known: &Known) -> Labels {
        let plan = self.plans.get(record.record_type.as_str());
        let mut walker = Walker::new(record, origin);
        walker.walk(&record.root, plan);
        let mut sheet = Sheet::new(walker.take());
        let mut rows = sender_rows(record, &mut sheet, |path| walker.absent(plan, path));
        // Behind what the sender adds: what it calls an address is one.
        let shield = shield::protect(record, known, &mut sheet);
        for row in &mut rows {
            row.absent = shield.locating(&row.absent);
        }
        label_entries(record, known, &mut sheet);
        // Rows first, so that free text carries their labels; and again, for rows on free text.
        label_rows(&rows, &mut sheet);
        label_narratives(&mut sheet);
        label_rows(&rows, &mut sheet);
        sheet.finish()
    }
}

/// Up to so many sets a new one is looked for by comparing it with each.
const FEW_SETS: usize = 64;

/// Labels under way: sets are shared, so a change to a leaf interns a new set.
pub(super) struct Sheet {
    sets: Vec<LabelSet>,
    /// Where sets are, once there are many; what lies behind `indexed` is not in it yet.
    index: HashMap<LabelSet, u16>,
    indexed: usize,
    leaves: Vec<u16>,
    pub(super) narratives: Vec<usize>,
    references: Vec<(usize, u16)>,
    keys: Vec<(usize, u16)>,
}

impl Sheet {
    fn new(walked: Walked) -> Sheet {
        Sheet {
            sets: walked.sets,
            index: HashMap::new(),
            indexed: 0,
            leaves: walked.leaves,
            narratives: walked.narratives,
            references: walked.references,
            keys: walked.keys,
        }
    }

    fn intern(&mut self, set: LabelSet) -> u16 {
        let known = if self.sets.len() <= FEW_SETS {
            self.sets.iter().position(|own| *own == set)
        } else {
            self.index_all();
            self.index.get(&set).map(|at| usize::from(*at))
        };
        let at = known.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn index_all(&mut self) {
        let new = self.sets.iter().enumerate().skip(self.indexed);
        for (at, set) in new {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            self.index.entry(set.clone()).or_insert(at);
        }
        self.indexed = self.sets.len();
    }

    fn set_of(&self, leaf: usize) -> LabelSet {
        let set = self.leaves.get(leaf);
        set.and_then(|at| self.sets.get(*at as usize))
            .cloned()
            .unwrap_or_else(|| never(NOBODY))
    }

    /// How many leaves there are.
    pub(super) fn leaves(&self) -> usize {
        self.leaves.len()
    }

    pub(super) fn change(&mut self, run: Range<usize>, change: &dyn Fn(&LabelSet) -> LabelSet) {
        // Neighbours mostly share a set: what became of the last one.
        let mut last: Option<(u16, u16)> = None;
        for leaf in run {
            let Some(old) = self.leaves.get(leaf).copied() else {
                continue;
            };
            let new = match last.filter(|(from, _)| *from == old) {
                Some((_, to)) => to,
                None => self.intern(change(&self.set_of(leaf))),
            };
            last = Some((old, new));
            if let Some(slot) = self.leaves.get_mut(leaf) {
                *slot = new;
            }
        }
    }

    pub(super) fn union(&self, run: Range<usize>) -> LabelSet {
        let mut seen = vec![false; self.sets.len()];
        let mut out = LabelSet::default();
        for leaf in self.leaves.get(run).unwrap_or_default() {
            let at = usize::from(*leaf);
            if let (Some(set), Some(seen)) = (self.sets.get(at), seen.get_mut(at))
                && !std::mem::replace(seen, true)
            {
                out.add(set);
            }
        }
        out
    }

    /// Keeps only the sets that some value still has.
    fn finish(mut self) -> Labels {
        let mut places: Vec<Option<u16>> = vec![None; self.sets.len()];
        let mut sets = Vec::new();
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for leaf in &self.leaves {
            let place = places.get_mut(*leaf as usize);
            let at = match place {
                Some(Some(at)) => *at,
                Some(slot) => {
                    let at = u16::try_from(sets.len()).unwrap_or(u16::MAX);
                    sets.extend(self.sets.get_mut(*leaf as usize).map(std::mem::take));
                    *slot = Some(at);
                    at
                }
                None => u16::MAX,
            };
            leaves.push(at);
        }
        Labels {
            sets,
            leaves,
            references: self.references,
            keys: self.keys,
        }
    }
}

fn never(person: u16) -> LabelSet {
    LabelSet {
        pairs: vec![(person, all_classes())],
    }
}

/// One of `envelope.labels` or `envelope.missing`: where the row stands and what it speaks of.
struct Row {
    run: Range<usize>,
    target: Vec<Range<usize>>,
    /// What the place would be labelled if there were anything.
    absent: LabelSet,
}

/// Applies what the sender adds; gives all rows that speak of another place.
fn sender_rows(
    record: &Record,
    sheet: &mut Sheet,
    mut absent: impl FnMut(&[String]) -> LabelSet,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (list, name) in [(true, "labels"), (false, "missing")] {
        let items = record.envelope().and_then(|e| e.get(name));
        let items = items.map(|list| list.items()).unwrap_or_default();
        for (at, item) in items.iter().enumerate() {
            let here = ["envelope".to_owned(), name.to_owned(), at.to_string()];
            let target = places::tokens(item.text("path").unwrap_or_default());
            let runs = places::runs(&record.root, &target);
            if list {
                let whole = entry_told_by(&target, &runs, sheet);
                let whole = whole.map(|entry| places::runs(&record.root, entry));
                add_sender_classes(item, whole.as_ref().unwrap_or(&runs), sheet);
            }
            let absent = match runs.is_empty() {
                true => absent(&target),
                false => never(NOBODY),
            };
            for run in places::runs(&record.root, &here) {
                rows.push(Row {
                    run,
                    target: runs.clone(),
                    absent: absent.clone(),
                });
            }
        }
    }
    rows
}

/// The entry of a list whose person stands at `target`. What a sender adds there holds for all of
/// the entry: without the person it would be about nobody, and tell that somebody was left out.
fn entry_told_by<'t>(
    target: &'t [String],
    runs: &[Range<usize>],
    sheet: &Sheet,
) -> Option<&'t [String]> {
    let (member, entry) = target.split_last()?;
    let is_item = |token: &String| token == "*" || token.parse::<usize>().is_ok();
    let names = |run: &Range<usize>| {
        let known = &sheet.references;
        run.len() == 1 && known.iter().any(|(leaf, _)| *leaf == run.start)
    };
    let named = !is_item(member) && entry.last().is_some_and(is_item) && runs.iter().any(names);
    named.then_some(entry)
}

fn add_sender_classes(row: &crate::format::Node, target: &[Range<usize>], sheet: &mut Sheet) {
    let words = row.get("classes").map(|c| c.items()).unwrap_or_default();
    let mut added = ClassSet::EMPTY;
    for word in words {
        match word.as_str().and_then(|w| w.parse::<DataClass>().ok()) {
            Some(class) => added.insert(class),
            None => added = all_classes(),
        }
    }
    if target.is_empty() {
        // A label on a place that is not there may be misspelt: it then holds for everything.
        sheet.change(0..sheet.leaves.len(), &|set| set.with(added));
    }
    for run in target {
        sheet.change(run.clone(), &|set| set.with(added));
    }
}

/// Whom a person works for may tell something of those the record is about: their labels, on the
/// person's whole entry.
fn label_entries(record: &Record, known: &Known, sheet: &mut Sheet) {
    if known.told.is_empty() {
        return;
    }
    let refs = record.envelope().and_then(|e| e.get("subject_refs"));
    let refs = refs.map(|list| list.items()).unwrap_or_default();
    let is_subject = |person: &crate::format::Node| {
        let key = person.text("key");
        refs.iter().any(|named| named.as_str() == key)
    };
    let numbered = record.persons().iter().enumerate();
    let subjects = numbered.filter(|(_, person)| is_subject(person));
    let subjects: Vec<u16> = subjects
        .filter_map(|(at, _)| u16::try_from(at).ok())
        .collect();
    for (entry, classes) in &known.told {
        let told = LabelSet {
            pairs: subjects.iter().map(|person| (*person, *classes)).collect(),
        };
        let path = ["persons".to_owned(), entry.to_string()];
        for run in places::runs(&record.root, &path) {
            sheet.change(run, &|set| {
                let mut set = set.clone();
                set.add(&told);
                set
            });
        }
    }
}

fn label_narratives(sheet: &mut Sheet) {
    if sheet.narratives.is_empty() {
        return;
    }
    let everything = sheet.union(0..sheet.leaves.len());
    for leaf in std::mem::take(&mut sheet.narratives) {
        sheet.change(leaf..leaf + 1, &|_| everything.clone());
    }
}

/// A row that speaks of a value goes exactly where that value would go.
fn label_rows(rows: &[Row], sheet: &mut Sheet) {
    for row in rows {
        let mut set = LabelSet::default();
        for run in &row.target {
            set.add(&sheet.union(run.clone()));
        }
        if set.pairs.is_empty() {
            set = row.absent.clone();
        }
        sheet.change(row.run.clone(), &|own| {
            let mut own = own.clone();
            own.add(&set);
            own
        });
    }
}
