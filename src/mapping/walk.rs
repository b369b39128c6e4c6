//! Steps on a tree: reading, testing and building along a compiled path.
//!
//! A path is resolved against its schema when the rules are compiled; here nothing is guessed.

use crate::base::Text;
use crate::base::nearest::letters;
use crate::format::tree::{Node, Value};

/// One step of a compiled path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A member of an object.
    Member(Text),
    /// An item of an array by its place.
    Nth(usize),
    /// The first item (or the object itself) for which the conditions hold.
    Filter(Box<Filter>),
}

/// Conditions on the items of an array or on an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Whether it chooses among items.
    pub array: bool,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// One condition on a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Down to the value.
    pub steps: Vec<Step>,
    /// What is asked of it.
    pub test: Test,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is this.
    Is(Value),
    /// It is something else, or absent.
    IsNot(Value),
    /// Its letters and digits, whatever else stands between them, hold these, which are small.
    Like(Text),
    /// It is there.
    There,
    /// It is not there.
    NotThere,
}

/// The node a path leads to; an explicit null is as absent.
pub fn get<'a>(node: &'a Node, steps: &[Step]) -> Option<&'a Node> {
    let mut at = node;
    for step in steps {
        at = match step {
            Step::Member(name) => at.get(name)?,
            Step::Nth(place) => at.items().get(*place)?,
            Step::Filter(filter) if filter.array => at
                .items()
                .iter()
                .find(|item| hold(item, &filter.conditions))?,
            Step::Filter(filter) => Some(at).filter(|it| hold(it, &filter.conditions))?,
        };
    }
    (at.value != Value::Null).then_some(at)
}

/// A second item where a path chooses one by conditions: which of them is meant is not said.
pub fn another<'a>(node: &'a Node, steps: &[Step]) -> Option<&'a Node> {
    let chooses = |step: &Step| matches!(step, Step::Filter(filter) if filter.array);
    if !steps.iter().any(chooses) {
        return None;
    }
    let mut at = node;
    for (done, step) in steps.iter().enumerate() {
        if let Step::Filter(filter) = step
            && filter.array
        {
            let mut chosen = at
                .items()
                .iter()
                .filter(|item| hold(item, &filter.conditions));
            chosen.next()?;
            if let Some(second) = chosen.next() {
                return Some(second);
            }
        }
        at = get(at, steps.get(done..=done).unwrap_or_default())?;
    }
    None
}

/// Whether all conditions hold for a node.
pub fn hold(node: &Node, conditions: &[Condition]) -> bool {
    conditions.iter().all(|condition| {
        let found = get(node, &condition.steps);
        match &condition.test {
            Test::Is(value) => found.is_some_and(|it| same(it, value)),
            Test::IsNot(value) => found.is_none_or(|it| !same(it, value)),
            Test::Like(wanted) => found.and_then(Node::as_str).is_some_and(|text| {
                let text = letters(text);
                text.contains(wanted.as_str())
            }),
            Test::There => found.is_some(),
            Test::NotThere => found.is_none(),
        }
    })
}

fn same(node: &Node, value: &Value) -> bool {
    match (&node.value, value) {
        (Value::Number(left), Value::String(right)) => left == right,
        (Value::Bool(left), Value::String(right)) => right == if *left { "true" } else { "false" },
        (left, right) => left == right,
    }
}

/// The place a path leads to, made where it is not there yet. `None` never happens for a tree
/// within the limits; the caller then writes nothing.
pub fn reach<'a>(node: &'a mut Node, steps: &[Step]) -> Option<&'a mut Node> {
    let mut at = node;
    for step in steps {
        at = match step {
            Step::Member(name) => member(at, name)?,
            Step::Nth(place) => item(at, *place)?,
            Step::Filter(filter) => chosen(at, filter)?,
        };
    }
    Some(at)
}

/// Whether a path can be made without a hole in a list.
pub fn has_room(node: &Node, steps: &[Step]) -> bool {
    // Only a place behind the first one can leave a hole.
    if !steps.iter().any(|step| matches!(step, Step::Nth(1..))) {
        return true;
    }
    let mut at = Some(node);
    for step in steps {
        at = match step {
            Step::Member(name) => at.and_then(|it| it.get(name)),
            Step::Nth(place) => {
                let items = at.map(Node::items).unwrap_or_default();
                if *place > items.len() {
                    return false;
                }
                items.get(*place)
            }
            Step::Filter(filter) if filter.array => {
                let items = at.map(Node::items).unwrap_or_default();
                items.iter().find(|item| hold(item, &filter.conditions))
            }
            Step::Filter(_) => at,
        };
    }
    true
}

/// Sets the value at a path.
pub fn put(node: &mut Node, steps: &[Step], value: Node) {
    if let Some(slot) = reach(node, steps) {
        *slot = value;
    }
}

/// Makes conditions true that can be made true.
pub fn assign(node: &mut Node, conditions: &[Condition]) {
    for condition in conditions {
        if let Test::Is(value) = &condition.test {
            put(node, &condition.steps, Node::from(value.clone()));
        }
    }
}

/// Makes conditions true where nothing stands yet.
pub fn assign_absent(node: &mut Node, conditions: &[Condition]) {
    for condition in conditions {
        if let Test::Is(value) = &condition.test
            && get(node, &condition.steps).is_none()
        {
            put(node, &condition.steps, Node::from(value.clone()));
        }
    }
}

/// Adds an item to an array, and gives it.
pub fn push(node: &mut Node) -> Option<&mut Node> {
    let end = node.items().len();
    item(node, end)
}

/// The item at that place, made with all before it where the array is shorter.
pub fn item(node: &mut Node, at: usize) -> Option<&mut Node> {
    if !matches!(node.value, Value::Array(_)) {
        node.value = Value::Array(Vec::new());
    }
    let items = node.items_mut()?;
    if at >= items.len() {
        items.resize_with(at + 1, Node::default);
    }
    items.get_mut(at)
}

fn member<'a>(node: &'a mut Node, name: &Text) -> Option<&'a mut Node> {
    if !matches!(node.value, Value::Object(_)) {
        node.value = Value::Object(Vec::new());
    }
    let word = name.as_str();
    let Value::Object(members) = &mut node.value else {
        return None;
    };
    let at = members.iter().position(|(known, _)| known == word);
    let at = at.unwrap_or_else(|| {
        members.push((name.clone(), Node::default()));
        members.len() - 1
    });
    members.get_mut(at).map(|(_, node)| node)
}

fn chosen<'a>(node: &'a mut Node, filter: &Filter) -> Option<&'a mut Node> {
    if !filter.array {
        assign(node, &filter.conditions);
        return Some(node);
    }
    let found = node
        .items()
        .iter()
        .position(|item| hold(item, &filter.conditions));
    let at = found.unwrap_or(node.items().len());
    let slot = item(node, at)?;
    if found.is_none() {
        assign(slot, &filter.conditions);
    }
    Some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member_of(name: &str) -> Step {
        Step::Member(name.into())
    }

    fn slice(name: &str, value: &str) -> Step {
        Step::Filter(Box::new(Filter {
            array: true,
            conditions: vec![Condition {
                steps: vec![member_of(name)],
                test: Test::Is(Value::String(value.into())),
            }],
        }))
    }

    /// Goal: what was put at a path is found there, beside the rest. Method: two slices of one
    /// array and a first item.
    #[test]
    fn what_is_put_is_found() {
        let mut node = Node::object();
        let phone = [
            member_of("telecom"),
            slice("system", "phone"),
            member_of("value"),
        ];
        let mail = [
            member_of("telecom"),
            slice("system", "email"),
            member_of("value"),
        ];
        let code = [member_of("code"), Step::Nth(0), member_of("x")];
        put(&mut node, &phone, Node::string("1"));
        put(&mut node, &mail, Node::string("2"));
        put(&mut node, &code, Node::string("3"));
        for (path, text) in [(&phone, "1"), (&mail, "2"), (&code, "3")] {
            assert_eq!(get(&node, path).and_then(Node::as_str), Some(text));
        }
        assert_eq!(node.get("telecom").map(|t| t.items().len()), Some(2));
    }

    /// Goal: a null is as absent. Method: a null behind a path.
    #[test]
    fn a_null_is_absent() {
        let mut node = Node::object();
        node.set("a", Node::default());
        assert_eq!(get(&node, &[member_of("a")]), None);
    }
}
