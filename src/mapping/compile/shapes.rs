//! Paths against schemas: written steps become compiled ones, or a sentence for a defect.

use crate::base::Text;
use crate::base::nearest::letters;
use crate::catalog::schema::{Kind, Shape};
use crate::format::tree::Value;
use crate::mapping::path::{Bracket, RawCondition, RawStep, RawTest};
use crate::mapping::walk::{Condition, Filter, Step, Test};

/// The text of an XML element in its object.
pub(super) const TEXT: &str = "$";

/// A path that its schema knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved<'s> {
    /// Down to the value or the array.
    pub head: Vec<Step>,
    /// Behind `[]`.
    pub tail: Option<Vec<Step>>,
    /// What stands there; several behind a `oneOf`.
    pub shapes: Vec<&'s Shape>,
    /// Whether every step is required.
    pub required: bool,
    /// Names with a dot between, `[]` where a list is entered.
    pub canonical: String,
    /// The same as a pointer, down to the list.
    pub pointer: String,
    /// Which values of a list are meant, if not all.
    pub partial: Option<String>,
    /// Canonical paths that conditions set when something is made here.
    pub assigned: Vec<String>,
}

/// Resolves steps from the shapes given.
pub(super) fn resolve<'s>(
    steps: &[RawStep],
    from: &[&'s Shape],
    wants_text: bool,
) -> Result<Resolved<'s>, String> {
    let mut out = Resolved {
        shapes: from.to_vec(),
        required: true,
        ..Resolved::default()
    };
    for (at, step) in steps.iter().enumerate() {
        out.enter(step, at + 1 == steps.len())?;
    }
    if wants_text && out.shapes.iter().any(|shape| member(shape, TEXT).is_some()) {
        out.push(Step::Member(TEXT.into()));
        out.shapes = children(&out.shapes, TEXT);
    }
    Ok(out)
}

impl<'s> Resolved<'s> {
    fn push(&mut self, step: Step) {
        match &mut self.tail {
            Some(tail) => tail.push(step),
            None => self.head.push(step),
        }
    }

    fn enter(&mut self, step: &RawStep, last: bool) -> Result<(), String> {
        if !step.name.is_empty() {
            let found = children(&self.shapes, &step.name);
            if found.is_empty() {
                return Err(format!("there is no `{}` here in the schema", step.name));
            }
            self.shapes = found;
            self.push(Step::Member(step.name.as_str().into()));
            self.required &= self.shapes.iter().all(|shape| shape.required);
            if !self.canonical.is_empty() {
                self.canonical.push('.');
            }
            self.canonical.push_str(&step.name);
            if self.tail.is_none() {
                self.pointer.push('/');
                self.pointer.push_str(&step.name);
            }
        }
        let items = items(&self.shapes);
        match &step.bracket {
            Bracket::None if items.is_empty() || last => {}
            Bracket::None => {
                return Err(format!("`{}` is a list; say [], [0] or [k='v']", step.name));
            }
            Bracket::Nth(_) | Bracket::Items if items.is_empty() => {
                return Err(format!("`{}` is not a list", step.name));
            }
            Bracket::Nth(place) => {
                self.push(Step::Nth(*place));
                self.shapes = items;
                self.partial = Some(format!("only the item at place {}", place + 1));
                self.canonical.push_str("[]");
                if self.tail.is_none() {
                    self.pointer.push_str(&format!("/{place}"));
                }
            }
            Bracket::Items => {
                if self.tail.is_some() {
                    return Err("[] may stand once in a path".to_owned());
                }
                self.tail = Some(Vec::new());
                self.shapes = items;
                self.canonical.push_str("[]");
            }
            Bracket::Filter(conditions) => self.choose(conditions, items)?,
        }
        Ok(())
    }

    fn choose(&mut self, written: &[RawCondition], items: Vec<&'s Shape>) -> Result<(), String> {
        let array = !items.is_empty();
        if array {
            self.shapes = items;
            self.canonical.push_str("[]");
        }
        let conditions = conditions(written, &self.shapes)?;
        if array {
            self.partial = Some("only the items of one kind".to_owned());
        }
        for it in written
            .iter()
            .filter(|it| matches!(it.test, RawTest::Is(_)))
        {
            self.assigned
                .push(format!("{}.{}", self.canonical, it.path.join(".")));
        }
        self.push(Step::Filter(Box::new(Filter { array, conditions })));
        Ok(())
    }
}

/// Compiles conditions on a node of these shapes.
pub(super) fn conditions(
    written: &[RawCondition],
    shapes: &[&Shape],
) -> Result<Vec<Condition>, String> {
    written.iter().map(|it| condition(it, shapes)).collect()
}

fn condition(written: &RawCondition, shapes: &[&Shape]) -> Result<Condition, String> {
    let mut steps = Vec::new();
    let mut at: Vec<&Shape> = shapes.to_vec();
    for name in &written.path {
        let inner = items(&at);
        if !inner.is_empty() {
            steps.push(Step::Nth(0));
            at = inner;
        }
        at = children(&at, name);
        if at.is_empty() {
            return Err(format!("there is no `{name}` here in the schema"));
        }
        steps.push(Step::Member(name.as_str().into()));
    }
    let asks_value = matches!(
        written.test,
        RawTest::Is(_) | RawTest::IsNot(_) | RawTest::Like(_)
    );
    if asks_value && at.iter().any(|shape| member(shape, TEXT).is_some()) {
        steps.push(Step::Member(TEXT.into()));
        at = children(&at, TEXT);
    }
    if asks_value
        && at
            .iter()
            .all(|shape| matches!(shape.kind, Kind::Array { .. }))
    {
        steps.push(Step::Nth(0));
        at = items(&at);
    }
    let test = match &written.test {
        RawTest::Is(text) => Test::Is(scalar(text, &at)?),
        RawTest::IsNot(text) => Test::IsNot(scalar(text, &at)?),
        RawTest::Like(text) => Test::Like(letters(text).into()),
        RawTest::There => Test::There,
        RawTest::NotThere => Test::NotThere,
    };
    Ok(Condition { steps, test })
}

/// A constant written as text, as a value these shapes take.
pub(super) fn scalar(text: &str, shapes: &[&Shape]) -> Result<Value, String> {
    let mut refused = "it is not a single value".to_owned();
    for shape in shapes {
        match &shape.kind {
            Kind::Text(rule) if rule.codes.is_empty() || rule.codes.iter().any(|c| c == text) => {
                return Ok(Value::String(text.into()));
            }
            Kind::Text(_) => refused = format!("`{text}` is not in the value set"),
            Kind::Boolean => match text {
                "true" => return Ok(Value::Bool(true)),
                "false" => return Ok(Value::Bool(false)),
                _ => refused = format!("`{text}` is not a boolean"),
            },
            Kind::Integer { .. } | Kind::Number { .. } => {
                if text.parse::<f64>().is_ok_and(f64::is_finite) {
                    return Ok(Value::Number(text.into()));
                }
                refused = format!("`{text}` is not a number");
            }
            _ => {}
        }
    }
    Err(refused)
}

/// The members of that name of all shapes, the ones behind a `oneOf` among them.
pub(super) fn children<'s>(shapes: &[&'s Shape], name: &str) -> Vec<&'s Shape> {
    let mut out: Vec<&'s Shape> = Vec::new();
    for shape in shapes {
        match &shape.kind {
            Kind::OneOf { variants, .. } => {
                let inner: Vec<&'s Shape> = variants.iter().map(|(_, v)| v).collect();
                out.extend(children(&inner, name));
            }
            _ => out.extend(member(shape, name)),
        }
    }
    out
}

fn member<'s>(shape: &'s Shape, name: &str) -> Option<&'s Shape> {
    let found = shape.members().iter().find(|(known, _)| known == name);
    found.map(|(_, shape)| shape)
}

/// The items of all shapes that are lists.
pub(super) fn items<'s>(shapes: &[&'s Shape]) -> Vec<&'s Shape> {
    shapes.iter().filter_map(|shape| shape.item()).collect()
}

/// All codes of shapes that are code sets; `None` when one of them takes any text.
pub(super) fn codes(shapes: &[&Shape]) -> Option<Vec<Text>> {
    let mut out: Vec<Text> = Vec::new();
    for shape in shapes {
        let rule = match &shape.kind {
            Kind::Text(rule) => rule,
            Kind::Array { item, .. } => match &item.kind {
                Kind::Text(rule) => rule,
                _ => return None,
            },
            _ => return None,
        };
        if rule.codes.is_empty() {
            return None;
        }
        out.extend(rule.codes.iter().cloned());
    }
    (!out.is_empty()).then_some(out)
}
