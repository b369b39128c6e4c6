//! Whether two records are the same on what a loss report calls kept. Keys of persons may differ,
//! persons have no order, and lists that the report says are sorted are sorted.

use kinbridge::format::{Node, Value, json};
use kinbridge::mapping::LossReport;
use kinbridge::record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Both records, each key of the one with its key of the other.
struct Compared<'r> {
    left: &'r Record,
    right: &'r Record,
    kept: BTreeSet<&'r str>,
    sorted: Vec<&'r str>,
    keys: BTreeMap<String, String>,
}

/// Whether what is kept is the same, structure and all; else where it is not.
pub fn same(report: &LossReport, left: &Record, right: &Record) -> Result<(), String> {
    let orders = report.limits.iter();
    let mut compared = Compared {
        left,
        right,
        kept: report.kept.iter().map(String::as_str).collect(),
        sorted: orders.filter_map(|limit| sorted_list(limit)).collect(),
        keys: BTreeMap::new(),
    };
    for room in ["envelope", "body"] {
        let of = |record: &Record| record.root.get(room).cloned();
        let (l, r) = (of(left), of(right));
        let l = l.and_then(|node| compared.projected(&node, room));
        let r = r.and_then(|node| compared.projected(&node, room));
        compared.pair(l.as_ref(), r.as_ref(), room)?;
    }
    compared.persons(report)
}

/// `` `body.steps[]` comes in the order of ... ``: the list.
fn sorted_list(limit: &str) -> Option<&str> {
    let (list, rest) = limit.strip_prefix('`')?.split_once('`')?;
    rest.starts_with(" comes in the order of")
        .then(|| list.trim_end_matches("[]"))
}

impl Compared<'_> {
    /// A value with what is kept of it; none if that is nothing.
    fn projected(&self, node: &Node, path: &str) -> Option<Node> {
        // Pointers into the record are not compared: places may change.
        if path == "envelope.missing" {
            return None;
        }
        match &node.value {
            Value::Object(members) => {
                let mut out = Node::object();
                for (name, child) in members {
                    if let Some(child) = self.projected(child, &format!("{path}.{name}")) {
                        out.set(name, child);
                    }
                }
                (!out.members().is_empty()).then_some(out)
            }
            Value::Array(items) => {
                let below = format!("{path}[]");
                let items = items.iter().filter_map(|it| self.projected(it, &below));
                let mut items: Vec<Node> = items.collect();
                if self.sorted.contains(&path) {
                    items.sort_by_key(text);
                }
                (!items.is_empty()).then(|| Node::from(Value::Array(items)))
            }
            _ => self.kept.contains(path).then(|| node.clone()),
        }
    }

    fn pair(&mut self, l: Option<&Node>, r: Option<&Node>, path: &str) -> Result<(), String> {
        let (l, r) = match (l, r) {
            (None, None) => return Ok(()),
            (Some(l), Some(r)) => (l, r),
            (l, r) => {
                let shown = |it: Option<&Node>| it.map_or(String::from("nothing"), text);
                return Err(format!("{path}: {} and {}", shown(l), shown(r)));
            }
        };
        match (&l.value, &r.value) {
            (Value::Object(members), Value::Object(others)) => {
                let names = members.iter().chain(others).map(|(name, _)| name.as_str());
                for name in names.collect::<BTreeSet<&str>>() {
                    self.pair(l.get(name), r.get(name), &format!("{path}.{name}"))?;
                }
                Ok(())
            }
            (Value::Array(items), Value::Array(others)) => {
                for at in 0..items.len().max(others.len()) {
                    let place = format!("{path}[{at}]");
                    self.pair(items.get(at), others.get(at), &place)?;
                }
                Ok(())
            }
            _ => self.leaf(l, r, path),
        }
    }

    fn leaf(&mut self, l: &Node, r: &Node, path: &str) -> Result<(), String> {
        let key = |record: &Record, node: &Node| {
            let key = node.as_str()?;
            person(record, key).map(|_| key.to_owned())
        };
        let keys = key(self.left, l).zip(key(self.right, r));
        if let Some((l, r)) = keys {
            let taken = self.keys.iter().find(|(_, known)| **known == r);
            let doubled = taken.is_some_and(|(first, _)| *first != l);
            let known = self.keys.entry(l.clone()).or_insert_with(|| r.clone());
            return match *known == r && !doubled {
                true => Ok(()),
                false => Err(format!("{path}: the person {l} is two, or two are {r}")),
            };
        }
        match text(l) == text(r) {
            true => Ok(()),
            false => Err(format!("{path}: {} and {}", text(l), text(r))),
        }
    }

    /// Persons somebody refers to are those the other record refers to; the rest are the same
    /// together, where the format writes them.
    fn persons(&mut self, report: &LossReport) -> Result<(), String> {
        let mut met = BTreeSet::new();
        while let Some((l, r)) = self.keys.iter().find(|(l, _)| !met.contains(*l)) {
            let (l, r) = (l.clone(), r.clone());
            met.insert(l.clone());
            let entry = |record: &Record, key: &str| {
                let mut entry = person(record, key).cloned();
                entry.iter_mut().for_each(|it| drop(it.remove("key")));
                entry.and_then(|it| self.projected(&it, "persons[]"))
            };
            let (left, right) = (entry(self.left, &l), entry(self.right, &r));
            self.pair(left.as_ref(), right.as_ref(), &format!("persons[{l}]"))?;
        }
        let unmet = |record: &Record, known: &dyn Fn(&str) -> bool| {
            let rest = record.persons().iter().filter(|it| {
                let key = it.text("key").unwrap_or_default();
                !known(key)
            });
            let rest = rest.cloned().map(|mut it| {
                it.remove("key");
                // Whom they work with is told by keys, which differ.
                if let Some(organization) = it
                    .get_mut("worker")
                    .and_then(|worker| worker.get_mut("organization"))
                {
                    organization.remove("worker");
                }
                self.projected(&it, "persons[]")
                    .as_ref()
                    .map_or(String::new(), text)
            });
            let mut rest: Vec<String> = rest.collect();
            rest.sort();
            rest
        };
        let l = unmet(self.left, &|key| self.keys.contains_key(key));
        let r = unmet(self.right, &|key| self.keys.values().any(|it| it == key));
        let all = !report
            .limits
            .iter()
            .any(|limit| limit.starts_with("persons"));
        match !all || l == r {
            true => Ok(()),
            false => Err(format!("persons nobody refers to: {l:#?} and {r:#?}")),
        }
    }
}

fn person<'a>(record: &'a Record, key: &str) -> Option<&'a Node> {
    let mut persons = record.persons().iter();
    persons.find(|person| person.text("key") == Some(key))
}

/// As JSON, members in the order of their names.
fn text(node: &Node) -> String {
    let mut out = Vec::new();
    json::write(&in_order(node), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn in_order(node: &Node) -> Node {
    match &node.value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, child)| (name.clone(), in_order(child)))
                .collect();
            members.sort_by(|l, r| l.0.cmp(&r.0));
            Node::from(Value::Object(members))
        }
        Value::Array(items) => Node::from(Value::Array(items.iter().map(in_order).collect())),
        other => Node::from(other.clone()),
    }
}
