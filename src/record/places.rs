//! Places in a record: JSON pointers against a tree, and leaves counted in document order.
//!
//! A leaf is a scalar or an empty container; a container covers a run of leaves. Labels and
//! redaction walk the same order, so a leaf's number is its address.

use crate::format::{Node, Value};
use std::ops::Range;

/// The tokens of a JSON pointer (RFC 6901); the dotted form `body.items[0].x` is read too.
pub fn tokens(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix('/') {
        return rest
            .split('/')
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
    }
    path.replace("[]", ".*")
        .replace('[', ".")
        .replace(']', "")
        .split('.')
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Adds one token to a JSON pointer.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// How many leaves stand at or below a node.
pub fn leaves(node: &Node) -> usize {
    match &node.value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().map(|(_, child)| leaves(child)).sum()
        }
        Value::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// The leaves a path names, as runs in document order; `*` stands for every item.
pub fn runs(root: &Node, path: &[String]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    find(root, path, 0, &mut out);
    out
}

fn find(node: &Node, path: &[String], start: usize, out: &mut Vec<Range<usize>>) {
    let Some((token, rest)) = path.split_first() else {
        out.push(start..start + leaves(node));
        return;
    };
    let mut at = start;
    match &node.value {
        Value::Object(members) => {
            for (name, child) in members {
                if name == token {
                    find(child, rest, at, out);
                    return;
                }
                at += leaves(child);
            }
        }
        Value::Array(items) => {
            let wanted = token.parse::<usize>().ok();
            for (index, child) in items.iter().enumerate() {
                if token == "*" || wanted == Some(index) {
                    find(child, rest, at, out);
                }
                at += leaves(child);
            }
        }
        _ => {}
    }
}

/// Calls `visit` with pointer and number of every leaf, in document order.
pub fn each_leaf(root: &Node, visit: &mut dyn FnMut(&str, usize)) {
    let mut pointer = String::new();
    let mut at = 0;
    walk(root, &mut pointer, &mut at, visit);
}

fn walk(node: &Node, pointer: &mut String, at: &mut usize, visit: &mut dyn FnMut(&str, usize)) {
    let length = pointer.len();
    match &node.value {
        Value::Object(members) if !members.is_empty() => {
            for (name, child) in members {
                push_token(pointer, name);
                walk(child, pointer, at, visit);
                pointer.truncate(length);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, child) in items.iter().enumerate() {
                push_token(pointer, &index.to_string());
                walk(child, pointer, at, visit);
                pointer.truncate(length);
            }
        }
        _ => {
            visit(pointer, *at);
            *at += 1;
        }
    }
}
