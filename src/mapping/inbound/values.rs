//! Wire to record: one value through its chain and code table, or the reason why there is none.

use super::{Here, Run};
use crate::base::finding::{Finding, Severity};
use crate::base::finding_codes as codes;
use crate::format::tree::{Node, Value};
use crate::mapping::plan::{Absent, Target, ValueOp};
use crate::mapping::table::Table;
use crate::mapping::transform::Fault;
use crate::mapping::walk::{Step, another, assign_absent, get, hold};
use crate::mapping::where_in::Trail;

impl<'a> Run<'a> {
    /// One value.
    pub(super) fn value(
        &mut self,
        op: &'a ValueOp,
        here: Here<'a, '_>,
        context: &mut Node,
        trail: &Trail<'_>,
    ) {
        if !op.gate.inward || !hold(here.node, &op.gate.when) {
            return;
        }
        if op.guard_in && self.is_set(op, context) {
            if op.agrees {
                self.compare(op, here, context);
            }
            return;
        }
        if let Some(second) = another(here.node, &op.wire.get) {
            self.find(Finding::new(&codes::ELEMENT_REPEATED), second.span);
        }
        let found = here.get(&op.wire);
        if let Some(tail) = &op.wire.tail {
            let items = found.map(Node::items).unwrap_or_default();
            for item in items.iter().filter_map(|item| get(item, tail)) {
                self.one_value(op, item, context);
            }
            return;
        }
        if let Some((second, by)) = &op.join {
            self.joined(op, (found, here.get(second)), by, context);
            return;
        }
        let absent = op.absent.as_ref();
        match found {
            Some(node) => {
                if let Some(absent) = absent.filter(|it| it.sentinel)
                    && self.reason(op, absent, node, trail)
                {
                    return;
                }
                self.one_value(op, node, context);
            }
            None => {
                if let Some(absent) = absent
                    && let Some(node) = here.get(&absent.wire)
                {
                    self.reason(op, absent, node, trail);
                } else if let (Some(value), [target]) = (&op.default, op.record.as_slice()) {
                    self.set(target, context, value.clone());
                }
            }
        }
    }

    /// A value in two places: both, or nothing is read and that is told.
    fn joined(
        &mut self,
        op: &'a ValueOp,
        halves: (Option<&Node>, Option<&Node>),
        by: &str,
        context: &mut Node,
    ) {
        let text = |node: Option<&Node>| node.and_then(Node::lexeme).map(str::to_owned);
        match (text(halves.0), text(halves.1), halves.0.or(halves.1)) {
            (Some(first), Some(second), Some(node)) => {
                let mut whole = Node::string(format!("{first}{by}{second}"));
                whole.span = node.span;
                let before = self.findings.len();
                self.one_value(op, &whole, context);
                self.name_both(op, before);
            }
            (_, _, Some(node)) => {
                let mut told = Finding::new(&codes::VALUE_INCOMPLETE);
                // It stands in place of what else would be told of a value that is not there.
                if op.record.iter().any(|target| target.required) {
                    told.severity = Severity::Error;
                }
                self.find(told, node.span);
            }
            (_, _, None) => {}
        }
    }

    /// What is found of a value that stands in two places is told at the first of them: it names
    /// the second too.
    fn name_both(&mut self, op: &ValueOp, before: usize) {
        let second = op.join.as_ref().and_then(|(place, _)| place.get.last());
        let Some(Step::Member(second)) = second else {
            return;
        };
        for told in self.findings.iter_mut().skip(before) {
            told.message = format!("{}; it is read together with `{second}`", told.message);
        }
    }

    fn is_set(&self, op: &ValueOp, context: &Node) -> bool {
        let set = |target: &Target| {
            let base = if target.absolute { &self.root } else { context };
            // The item itself is only ever set by its own row.
            !target.steps.is_empty() && get(base, &target.steps).is_some()
        };
        op.record.iter().any(set)
    }

    /// Two places for one value, both of them filled: what is read of the first must be what the
    /// second says, or what it becomes there.
    fn compare(&mut self, op: &ValueOp, here: Here<'a, '_>, context: &Node) {
        let ([target], Some(node)) = (op.record.as_slice(), here.get(&op.wire)) else {
            return;
        };
        let base = if target.absolute { &self.root } else { context };
        let own = get(base, &target.steps).and_then(Node::lexeme);
        let (Some(own), Some(told)) = (own, node.lexeme()) else {
            return;
        };
        let agrees = match &op.table {
            None => op
                .convert(node)
                .is_ok_and(|made| made.lexeme() == Some(own)),
            Some(table) => {
                let becomes = table.outward(own).and_then(|out| out.code.as_deref());
                let means = table.inward(told).map(|code| code.as_str());
                becomes == Some(told) || means == Some(own) || table.skips(told)
            }
        };
        if !agrees {
            self.find(Finding::new(&codes::ELEMENT_REPEATED), node.span);
        }
    }

    /// Notes why a value is missing; false when the node is no such reason.
    fn reason(&mut self, op: &ValueOp, absent: &Absent, node: &Node, trail: &Trail<'_>) -> bool {
        let code = node.lexeme().and_then(|code| absent.table.inward(code));
        let (Some(code), [target]) = (code, op.record.as_slice()) else {
            return false;
        };
        let mut row = Node::object();
        let pointer = trail.below(&target.pointer, target.absolute);
        row.set("path", Node::string(pointer));
        row.set("reason", Node::string(code.clone()));
        row.span = node.span;
        self.missing.push(row);
        true
    }

    fn one_value(&mut self, op: &ValueOp, node: &Node, context: &mut Node) {
        let made = match op.convert(node) {
            Ok(made) => made,
            Err(Refused::Fault(fault)) => {
                let code = match fault {
                    Fault::Date => &codes::DATE_IMPOSSIBLE,
                    Fault::Form => &codes::SCHEMA_PATTERN_MISMATCH,
                    Fault::Clock => &codes::CELL_TIME_CLOCK_CHANGE,
                };
                self.find(Finding::new(code), node.span);
                return;
            }
            Err(Refused::Skipped) => return,
            Err(Refused::Unmapped(hold)) => {
                let code = if hold {
                    &codes::CROSSWALK_CODE_HELD
                } else {
                    &codes::CROSSWALK_CODE_UNKNOWN
                };
                let mut told = Finding::new(code);
                if let Some(table) = &op.table {
                    let fix = format!("{}; the code table is `{}`", told.fix, table.name);
                    told = told.fixed_by(fix);
                }
                self.find(told, node.span);
                return;
            }
        };
        self.values += 1;
        let only = &op.gate.only;
        if let [target] = op.record.as_slice() {
            self.set(target, context, made);
        } else {
            self.spread(op, made, node, context);
        }
        if !only.is_empty() {
            let absolute = op.record.first().is_some_and(|target| target.absolute);
            assign_absent(if absolute { &mut self.root } else { context }, only);
        }
    }

    /// The pieces of a `concat` to their targets; another number of pieces is not of its form.
    fn spread(&mut self, op: &ValueOp, made: Node, node: &Node, context: &mut Node) {
        let Value::Array(mut pieces) = made.value else {
            return;
        };
        // More pieces than targets: the last target holds the separator.
        if pieces.len() > op.record.len()
            && let Some(joined) = op.rejoin(&pieces)
        {
            pieces.truncate(op.record.len() - 1);
            pieces.push(joined);
        }
        if pieces.len() != op.record.len() {
            self.find(Finding::new(&codes::SCHEMA_PATTERN_MISMATCH), node.span);
            return;
        }
        for (target, mut piece) in op.record.iter().zip(pieces) {
            piece.span = node.span;
            self.set(target, context, piece);
        }
    }
}

/// Why a value did not go through.
pub(super) enum Refused {
    /// A transform did not take it.
    Fault(Fault),
    /// Its code leaves open what is meant.
    Skipped,
    /// Its code has no row; `true`: the record waits for a person.
    Unmapped(bool),
}

impl ValueOp {
    fn convert(&self, node: &Node) -> Result<Node, Refused> {
        let mut chain = self.chain.iter();
        let Some(first) = chain.next() else {
            return self.look_up(node.clone());
        };
        let mut made = first.inward(node).map_err(Refused::Fault)?;
        for transform in chain {
            made = transform.inward(&made).map_err(Refused::Fault)?;
        }
        // The pieces of a text are told by the text.
        for piece in made.items_mut().into_iter().flatten() {
            piece.span = node.span;
        }
        self.look_up(made)
    }

    fn look_up(&self, node: Node) -> Result<Node, Refused> {
        let Some(table) = &self.table else {
            return Ok(node);
        };
        let span = node.span;
        let value = match node.value {
            Value::Array(items) => {
                let codes = items.iter().map(|item| code(table, item));
                Value::Array(codes.collect::<Result<Vec<Node>, Refused>>()?)
            }
            _ => code(table, &node)?.value,
        };
        Ok(Node { value, span })
    }

    fn rejoin(&self, pieces: &[Node]) -> Option<Node> {
        let crate::mapping::transform::Transform::Concat(by) = self.chain.last()? else {
            return None;
        };
        let rest = pieces.get(self.record.len() - 1..)?;
        let texts: Vec<&str> = rest.iter().filter_map(Node::lexeme).collect();
        Some(Node::string(texts.join(by)))
    }
}

fn code(table: &Table, node: &Node) -> Result<Node, Refused> {
    let found = node.lexeme().and_then(|code| table.inward(code));
    let Some(found) = found else {
        if node.lexeme().is_some_and(|code| table.skips(code)) {
            return Err(Refused::Skipped);
        }
        return Err(Refused::Unmapped(table.hold));
    };
    Ok(Node {
        value: Value::String(found.clone()),
        span: node.span,
    })
}
