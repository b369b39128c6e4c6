//! Taking a whole data class out of a record before it is kept.
//!
//! What the schema or the sender says is of the class goes, with what is then empty. Free text
//! stays: it cannot be told what it repeats.

use super::Record;
use super::labels::{LabelPlan, Origin};
use super::places;
use super::walk::Walker;
use crate::base::vocabulary::DataClass;
use crate::format::{Node, Value};
use std::collections::BTreeSet;

/// Takes out every value of `class`; gives the JSON pointers of what went.
pub fn strip(plan: &LabelPlan, record: &mut Record, class: DataClass) -> Vec<String> {
    let mut doomed = of_schema(plan, record, class);
    doomed.extend(of_sender(record, class));
    if doomed.is_empty() {
        return Vec::new();
    }
    let mut gone = Vec::new();
    places::each_leaf(&record.root, &mut |pointer, at| {
        if doomed.contains(&at) {
            gone.push(pointer.to_owned());
        }
    });
    let mut at = 0;
    cut(&mut record.root, &doomed, &mut at);
    gone
}

fn of_schema(plan: &LabelPlan, record: &Record, class: DataClass) -> BTreeSet<usize> {
    let mut walker = Walker::new(record, Origin::default());
    walker.walk(&record.root, plan.get(record.record_type.as_str()));
    let walked = walker.take();
    let has = |set: &u16| {
        let set = walked.sets.get(*set as usize);
        set.is_some_and(|set| set.pairs.iter().any(|(_, own)| own.contains(class)))
    };
    let leaves = walked.leaves.iter().enumerate();
    leaves
        .filter(|(_, set)| has(set))
        .map(|(at, _)| at)
        .collect()
}

/// Values the sender labelled so, and the rows that say it.
fn of_sender(record: &Record, class: DataClass) -> BTreeSet<usize> {
    let rows = record.envelope().and_then(|e| e.get("labels"));
    let rows = rows.map(Node::items).unwrap_or_default();
    let mut out = BTreeSet::new();
    for (at, row) in rows.iter().enumerate() {
        let words = row.get("classes").map(Node::items).unwrap_or_default();
        if !words
            .iter()
            .any(|word| word.as_str() == Some(class.as_str()))
        {
            continue;
        }
        let here = ["envelope".to_owned(), "labels".to_owned(), at.to_string()];
        let target = places::tokens(row.text("path").unwrap_or_default());
        for run in places::runs(&record.root, &here)
            .into_iter()
            .chain(places::runs(&record.root, &target))
        {
            out.extend(run);
        }
    }
    out
}

/// Whether anything is left of the node.
fn cut(node: &mut Node, doomed: &BTreeSet<usize>, at: &mut usize) -> bool {
    match &mut node.value {
        Value::Object(members) if !members.is_empty() => {
            members.retain_mut(|(_, child)| cut(child, doomed, at));
            !members.is_empty()
        }
        Value::Array(items) if !items.is_empty() => {
            items.retain_mut(|child| cut(child, doomed, at));
            !items.is_empty()
        }
        _ => {
            *at += 1;
            !doomed.contains(&(*at - 1))
        }
    }
}
