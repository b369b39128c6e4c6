//! What a sender says of a whole place: labels that keep it closed, and what must not be passed
//! over. It holds for every record that anything of that place went into.
//!
//! A label that cannot be read is never left out: its record is refused. Nothing here may take a
//! class away.

use super::InRecord;
use super::document::Index;
use super::marks_asked::{Rule, Triggers};
use super::marks_out::MarksOut;
use super::table::Table;
use super::walk::{Condition, Step, get, hold, push};
use crate::base::Text;
use crate::base::finding::{Finding, Span, add_within};
use crate::base::finding_codes as codes;
use crate::base::limits::RECORD_FINDINGS_MAX;
use crate::base::vocabulary::ClassSet;
use crate::format::is_speaking;
use crate::format::tree::{Node, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Members of a record that labels are put on: all that a sender can have labelled.
const LABELLED: [&str; 2] = ["persons", "body"];

/// What a format's own file says of labels and modifiers.
#[derive(Debug, Default)]
pub struct Marks {
    /// Where labels stand.
    pub labels: Vec<LabelPlace>,
    /// Code systems that are known.
    pub sets: Vec<LabelSet>,
    /// What is not read and must not be passed over.
    pub refused: Vec<Refused>,
    /// Labels that are written.
    pub out: Option<MarksOut>,
    /// What a label may hold; empty: anything.
    pub members: Vec<Text>,
    /// Types of nodes that speak of others: what is said on one of them holds for every record.
    pub speaks: Vec<Text>,
    /// Which of all this is asked of which objects.
    pub triggers: Triggers,
}

/// Where labels stand, seen from what they hold for.
#[derive(Debug)]
pub struct LabelPlace {
    /// Down to a list, from its items to the next, and at last to the label; never empty.
    pub lists: Vec<Vec<Step>>,
    /// Path in a label of its code system.
    pub system: Vec<Step>,
    /// Path in a label of its code.
    pub code: Vec<Step>,
    /// The code system of a label that names none.
    pub unsaid: Option<Text>,
}

/// Labels of one code system.
#[derive(Debug)]
pub struct LabelSet {
    /// The code system.
    pub system: Text,
    /// Data class to code.
    pub table: Option<Arc<Table>>,
    /// Codes that restrict nothing.
    pub open: Vec<Text>,
    /// Codes that another label of the same node must explain, with the classes that do.
    pub explained: Vec<(Text, ClassSet)>,
}

/// What must not be passed over.
#[derive(Debug)]
pub struct Refused {
    /// Path of it.
    pub at: Vec<Step>,
    /// Only where this holds.
    pub when: Vec<Condition>,
    /// What the sender is told it is.
    pub says: Option<String>,
}

/// What is said of one node, or of the document around its nodes.
#[derive(Debug, Default)]
struct Said {
    classes: BTreeSet<Text>,
    /// Of the first label.
    span: Span,
    /// Labels that need an explanation.
    unexplained: Vec<(Span, ClassSet)>,
    findings: Vec<Finding>,
}

/// What is said in a document, by where.
#[derive(Debug, Default)]
pub struct Marked {
    everywhere: Said,
    by_node: BTreeMap<usize, Said>,
}

impl Marks {
    /// Names of the crosswalks in use.
    pub fn tables(&self) -> impl Iterator<Item = String> {
        let tables = self.sets.iter().filter_map(|set| set.table.as_ref());
        tables.map(|table| table.name.to_string())
    }

    /// Reads all marks of a document.
    pub fn read<'a>(&self, unit: &'a Node, index: &Index<'a>) -> Marked {
        let mut marked = Marked::default();
        if self.labels.is_empty() && self.refused.is_empty() {
            return marked;
        }
        let address = |node: &Node| std::ptr::from_ref(node).addr();
        let nodes = index.nodes.iter().map(|it| (address(it.node), it.at));
        let nodes: BTreeMap<usize, usize> = nodes.collect();
        let mut open: Vec<(&Node, Option<usize>)> = vec![(unit, None)];
        let mut asked = Vec::new();
        while let Some((node, owner)) = open.pop() {
            let owner = owner.or_else(|| nodes.get(&address(node)).copied());
            match &node.value {
                Value::Object(members) => {
                    if owner.is_none() {
                        // Around the nodes no schema tells what nobody knows.
                        for (_, it) in members.iter().filter(|(name, _)| is_speaking(name)) {
                            let told = Finding::new(&codes::MODIFIER_NOT_READ);
                            marked.everywhere.find(told.spanning(it.span));
                        }
                    }
                    self.triggers.of(members, &mut asked);
                    if !asked.is_empty() {
                        let said = match owner {
                            None => &mut marked.everywhere,
                            Some(at) => marked.by_node.entry(at).or_default(),
                        };
                        asked.drain(..).for_each(|rule| self.ask(rule, node, said));
                    }
                    open.extend(members.iter().map(|(_, child)| (child, owner)));
                }
                Value::Array(items) => open.extend(items.iter().map(|child| (child, owner))),
                _ => {}
            }
        }
        let all = marked.by_node.values_mut();
        all.chain([&mut marked.everywhere]).for_each(Said::explain);
        marked
    }

    /// Asks one question of an object.
    fn ask(&self, rule: Rule, node: &Node, said: &mut Said) {
        match rule {
            Rule::Refused(at) => {
                let Some(refused) = self.refused.get(at) else {
                    return;
                };
                if let Some(it) = get(node, &refused.at)
                    && hold(node, &refused.when)
                {
                    let told = Finding::new(&codes::MODIFIER_NOT_READ);
                    said.find(match &refused.says {
                        Some(says) => told.saying(says.clone()).spanning(it.span),
                        None => told.spanning(it.span),
                    });
                }
            }
            Rule::Label(at) => {
                if let Some(place) = self.labels.get(at) {
                    self.lists(node, place, &place.lists, said);
                }
            }
        }
    }

    /// Labels below a node, through the lists that are left of their path.
    fn lists(&self, node: &Node, place: &LabelPlace, lists: &[Vec<Step>], said: &mut Said) {
        let Some((head, inner)) = lists.split_first() else {
            return;
        };
        let Some(found) = get(node, head) else {
            return;
        };
        if inner.is_empty() {
            return self.label(found, place, said);
        }
        match &found.value {
            Value::Array(items) => {
                let each = items.iter();
                each.for_each(|item| self.lists(item, place, inner, said));
            }
            // One object where a list belongs is one label all the same.
            _ => self.lists(found, place, inner, said),
        }
    }

    fn label(&self, label: &Node, place: &LabelPlace, said: &mut Said) {
        // Another code beside the one that is read may say more.
        let more = |(name, _): &&(Text, Node)| !self.members.contains(name);
        if !self.members.is_empty()
            && let Some((_, node)) = label.members().iter().find(more)
        {
            return said.tell(&codes::SECURITY_LABEL_UNKNOWN, node.span);
        }
        let system = get(label, &place.system).and_then(Node::as_str);
        let system = system.or(place.unsaid.as_deref());
        let code = get(label, &place.code).and_then(Node::as_str);
        let set = self
            .sets
            .iter()
            .find(|set| Some(set.system.as_str()) == system);
        let (Some(set), Some(code)) = (set, code) else {
            return said.tell(&codes::SECURITY_LABEL_UNKNOWN, label.span);
        };
        let class = set.table.as_ref().and_then(|table| table.inward(code));
        if let Some(class) = class {
            if said.classes.insert(class.clone()) && said.classes.len() == 1 {
                said.span = label.span;
            }
        } else if let Some((_, by)) = set.explained.iter().find(|(known, _)| known == code) {
            said.unexplained.push((label.span, *by));
        } else if !set.open.iter().any(|known| known == code) {
            said.tell(&codes::SECURITY_LABEL_UNKNOWN, label.span);
        }
    }
}

impl Said {
    fn tell(&mut self, code: &'static codes::CodeEntry, span: Span) {
        self.find(Finding::new(code).spanning(span));
    }

    fn find(&mut self, finding: Finding) {
        add_within(&mut self.findings, finding, RECORD_FINDINGS_MAX);
    }

    /// A label that asks for care without a reason needs one beside it.
    fn explain(&mut self) {
        let classes = self.classes.iter().filter_map(|name| name.parse().ok());
        let said: ClassSet = classes.collect();
        for (span, by) in std::mem::take(&mut self.unexplained) {
            if !said.iter().any(|class| by.contains(class)) {
                self.tell(&codes::SECURITY_LABEL_UNKNOWN, span);
            }
        }
    }
}

impl Marked {
    /// What is said on a node nothing was made of, which all the same holds for every record: all
    /// of it where the node speaks of others, and where it is a consent, what must not be passed
    /// over. Gives whether anything does.
    pub fn keeps(&mut self, at: usize, consent: bool) -> bool {
        let Some(said) = self.by_node.get_mut(&at) else {
            return false;
        };
        if consent {
            said.classes.clear();
            let code = codes::MODIFIER_NOT_READ.code;
            said.findings.retain(|it| it.code == code);
        }
        !said.classes.is_empty() || !said.findings.is_empty()
    }

    /// Puts on a record what is said of the document and of the nodes that went into it.
    pub fn put_on(&self, record: &mut InRecord, nodes: &[usize]) {
        let nodes: BTreeSet<usize> = nodes.iter().copied().collect();
        let own = nodes.iter().filter_map(|at| self.by_node.get(at));
        let mut classes = BTreeSet::new();
        let mut span = None;
        for said in own.chain([&self.everywhere]) {
            for finding in &said.findings {
                add_within(&mut record.findings, finding.clone(), RECORD_FINDINGS_MAX);
            }
            if !said.classes.is_empty() {
                classes.extend(said.classes.iter().cloned());
                span = span.or(Some(said.span));
            }
        }
        if let Some(span) = span {
            label(&mut record.record.root, &classes, span);
        }
    }
}

/// Adds a row to `envelope.labels` for each labelled member that holds anything.
fn label(root: &mut Node, classes: &BTreeSet<Text>, span: Span) {
    let mut rows = Vec::new();
    for name in LABELLED {
        if root.get(name).is_none_or(Node::is_empty_container) {
            continue;
        }
        let words = classes.iter().map(|class| Node {
            value: Value::String(class.clone()),
            span,
        });
        let words = Value::Array(words.collect());
        let mut row = Node::object();
        row.set("path", Node::string(format!("/{name}").as_str()));
        row.set("classes", Node { value: words, span });
        row.span = span;
        rows.push(row);
    }
    let Some(envelope) = root.get_mut("envelope") else {
        return;
    };
    if envelope.get("labels").is_none() {
        envelope.set("labels", Node::array());
    }
    for row in rows {
        if let Some(slot) = envelope.get_mut("labels").and_then(push) {
            *slot = row;
        }
    }
}
