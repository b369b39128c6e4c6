//! Wire to record: parts that are found by how a document hangs together.

use super::{Here, Run, put_in_order};
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes as codes;
use crate::format::tree::Node;
use crate::mapping::document::Found;
use crate::mapping::plan::{Link, Part, Place};
use crate::mapping::walk::{Step, get};

impl<'a> Run<'a> {
    /// Parts that are found by structure: lists of references, and references that point back.
    pub(super) fn structural(&mut self, at: usize, part: &'a Part) {
        let mut found: Vec<Found<'a>> = match &part.link {
            Link::Root | Link::Referred => return,
            Link::Forward { from, path } => self.forward(*from, path, part),
            Link::Backward { into, path } => self.backward(*into, path, part),
        };
        if !part.many && !part.person {
            found.truncate(1);
        }
        if !part.order_by.is_empty() {
            put_in_order(&mut found, |it| {
                part.order_by.iter().find_map(|key| get(it.node, key))
            });
        }
        for it in &found {
            self.add_instance(at, *it, None);
        }
        self.drain();
        if part.many {
            self.run_many(part, &found);
        }
    }

    /// A part that is not where it should be may stand elsewhere.
    pub(super) fn elsewhere(&mut self, at: usize, part: &'a Part) {
        for (from, op) in &part.also {
            if self.instances.iter().any(|it| it.part == at) {
                return;
            }
            let holders = self.instances.iter().filter(|it| it.part == *from);
            let holders: Vec<Found<'a>> = holders.map(|it| it.found).collect();
            for holder in holders {
                let here = Here::of(&holder);
                self.reference(op, here, &mut Node::object());
                self.drain();
            }
        }
    }

    fn forward(&mut self, from: usize, path: &'a Place, part: &'a Part) -> Vec<Found<'a>> {
        let mut out = Vec::new();
        let holders = self.instances.iter().filter(|it| it.part == from);
        let holders: Vec<Found<'a>> = holders.map(|it| it.found).collect();
        for holder in holders {
            let here = Here::of(&holder);
            let Some(list) = get(holder.node, &path.get) else {
                continue;
            };
            let tail = path.tail.as_deref().unwrap_or_default();
            for reference in list.items().iter().filter_map(|item| get(item, tail)) {
                let found = self.resolve(reference, here, false);
                out.extend(found.filter(|found| part.accepts(found)));
            }
        }
        out
    }

    fn backward(&mut self, into: usize, path: &[Step], part: &'a Part) -> Vec<Found<'a>> {
        let mut found: Vec<Found<'a>> = Vec::new();
        let mut unsure: Vec<Span> = Vec::new();
        let holders = self.instances.iter();
        for target in holders.filter(|it| it.part == into && it.found.listed) {
            let back = self.index.pointing_back(path, target.found.at);
            found.extend(back.nodes.iter().filter(|it| part.accepts(it)));
            let accepted = back.unsure.iter().filter(|(it, _)| part.accepts(it));
            unsure.extend(accepted.map(|(_, span)| *span));
        }
        for span in unsure {
            self.find(Finding::new(&codes::REFERENCE_AMBIGUOUS), span);
        }
        found.sort_by_key(|it| it.at);
        found.dedup_by_key(|it| it.at);
        found
    }

    /// Persons nobody refers to.
    pub(super) fn rest(&mut self, at: usize, part: &'a Part) {
        let nodes: Vec<Found<'a>> = self
            .index
            .nodes
            .iter()
            .filter(|it| part.accepts(it))
            .copied()
            .collect();
        for found in nodes {
            self.add_instance(at, found, None);
        }
        self.drain();
    }
}
