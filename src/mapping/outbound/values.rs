//! Record to wire: one value backwards through its code table and chain.

use super::{Here, Run};
use crate::base::Text;
use crate::format::tree::{Node, Value};
use crate::mapping::MapError;
use crate::mapping::plan::{Target, ValueOp};
use crate::mapping::table::Table;
use crate::mapping::transform::{Fault, Transform};
use crate::mapping::walk::{assign, get, has_room, hold};
use std::borrow::Cow;

impl<'a> Run<'a> {
    /// One value.
    pub(super) fn value(&mut self, op: &'a ValueOp, here: Here<'a, '_>, node: &mut Node) {
        if !op.gate.outward {
            return;
        }
        let Some(first) = op.record.first() else {
            return;
        };
        let base = if first.absolute {
            self.record
        } else {
            here.context
        };
        if !hold(base, &op.gate.only) {
            return;
        }
        if op.guard_out && get(node, &op.wire.set).is_some() {
            return;
        }
        if op.record.len() > 1 {
            self.compose(op, here, node);
            return;
        }
        let Some(found) = self.read(first, here) else {
            self.reason(op, first, here, node);
            return;
        };
        let Some(tail) = &first.tail else {
            self.one_value(op, found, node);
            return;
        };
        for item in found.items().iter().filter_map(|item| get(item, tail)) {
            self.one_value(op, item, node);
            if op.wire.tail.is_none() {
                break;
            }
        }
    }

    /// Several record values in one wire text; all of them or none.
    fn compose(&mut self, op: &'a ValueOp, here: Here<'a, '_>, node: &mut Node) {
        let value = |target: &Target| self.read(target, here);
        let all: Option<Vec<&Node>> = op.record.iter().map(value).collect();
        if let Some(all) = all {
            all.iter().for_each(|found| self.note(found));
            let span = all.first().map(|found| found.span).unwrap_or_default();
            let all = all.into_iter().cloned().collect();
            let value = Value::Array(all);
            self.one_value(op, &Node { value, span }, node);
        }
    }

    fn one_value(&mut self, op: &'a ValueOp, found: &Node, node: &mut Node) {
        match op.convert_back(found) {
            // The place behind one that is empty does not exist: a declared loss.
            Ok(Some(_)) if !has_room(node, &op.wire.set) => {}
            Ok(Some(mut made)) => {
                if self.traced {
                    made.span = found.span;
                }
                super::set(node, &op.wire, made);
                assign(node, &op.gate.when);
                self.note(found);
                self.values += 1;
            }
            Ok(None) => {}
            Err(stop) => {
                let path = op
                    .record
                    .first()
                    .map(|it| it.pointer.clone())
                    .unwrap_or_default();
                self.refuse(match stop {
                    Stop::Unmapped => MapError::Unmapped { path },
                    Stop::Domain => MapError::NotWritable { path },
                });
            }
        }
    }

    /// Why there is no value, where the wire has a place for it.
    fn reason(&mut self, op: &'a ValueOp, target: &Target, here: Here<'a, '_>, node: &mut Node) {
        let Some(absent) = op.absent.as_ref().filter(|_| !self.missing.is_empty()) else {
            return;
        };
        let path = |row: &&Node| {
            row.text("path")
                .is_some_and(|p| p.ends_with(&target.pointer))
        };
        if !self.missing.iter().any(|row| path(&row)) {
            return;
        }
        let pointer = here.trail.below(&target.pointer, target.absolute);
        let row = self
            .missing
            .iter()
            .find(|row| row.text("path") == Some(&pointer));
        let reason = row.and_then(|row| row.text("reason"));
        let told = row.and_then(|row| row.get("reason"));
        // That something was withheld is itself never told.
        let reason = reason.filter(|reason| *reason != "redacted");
        let code = reason.and_then(|reason| absent.table.outward(reason)?.code.clone());
        if let Some(code) = code {
            super::set(node, &absent.wire, Node::from(Value::String(code)));
            if let Some(told) = told {
                self.note(told);
            }
            self.values += 1;
        }
    }
}

/// Why a value cannot be written.
pub(super) enum Stop {
    /// Its code has no row.
    Unmapped,
    /// A transform does not take it.
    Domain,
}

impl ValueOp {
    /// The wire value; `None` where there is declared to be none.
    fn convert_back(&self, found: &Node) -> Result<Option<Node>, Stop> {
        let (mut made, display) = match (&self.table, self.chain.as_slice()) {
            // Spans belong to the sender's document, not to this one.
            (None, []) => return Ok(Some(Node::from(found.value.clone()))),
            (None, _) => (Cow::Borrowed(found), None),
            (Some(table), _) => match look_back(table, found)? {
                Some((made, display)) => (Cow::Owned(made), display),
                None => return Ok(None),
            },
        };
        for transform in self.chain.iter().rev() {
            let mut next = match transform.outward(&made) {
                Ok(made) => made,
                // A date of less precision than the notation is a declared loss.
                Err(Fault::Date) if matches!(transform, Transform::Date(_)) => return Ok(None),
                Err(_) => return Err(Stop::Domain),
            };
            if let (Transform::Pair(_, _, Some(member)), Some(text)) = (transform, &display) {
                next.set(member, Node::string(text.clone()));
            }
            made = Cow::Owned(next);
        }
        Ok(Some(made.into_owned()))
    }
}

/// The wire code, or codes, with the text that goes along.
fn look_back(table: &Table, found: &Node) -> Result<Option<(Node, Option<Text>)>, Stop> {
    let one = |node: &Node| {
        let code = node.lexeme().ok_or(Stop::Domain)?;
        table.outward(code).ok_or(Stop::Unmapped)
    };
    if let Value::Array(items) = &found.value {
        let mut codes = Vec::with_capacity(items.len());
        for item in items {
            codes.extend(one(item)?.code.clone().map(Node::string));
        }
        return Ok(Some((Node::from(Value::Array(codes)), None)));
    }
    let outward = one(found)?;
    let code = outward.code.clone();
    Ok(code.map(|code| (Node::string(code), outward.display.clone())))
}
