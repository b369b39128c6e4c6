//! Where a policy, an annotation or a word of it stands in its file, so that what is wrong with it
//! is told there.
//!
//! It finds places and changes nothing.

use super::tables::defect;
use crate::base::defect::Defect;
use crate::catalog::files::place;
use cedar_policy as cedar;
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong with a policy, and next to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The text it stands at; the whole policy if none.
    pub near: Option<String>,
}

impl Wrong {
    /// Something about the policy as a whole.
    pub fn whole(message: impl Into<String>) -> Wrong {
        Wrong {
            message: message.into(),
            help: String::new(),
            near: None,
        }
    }

    /// Something about one of its annotations.
    pub fn at(key: &str, message: impl Into<String>) -> Wrong {
        Wrong {
            near: Some(format!("@{key}")),
            ..Wrong::whole(message)
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Wrong {
        Wrong {
            help: help.into(),
            ..self
        }
    }
}

/// One policy in its file.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The file.
    pub file: Arc<str>,
    /// Where it begins, in the file's bytes.
    start: usize,
    /// Its own text.
    text: String,
    line: u32,
    column: u32,
}

impl Spot {
    /// Finds a policy in a file, not before `from`; the beginning of the file if it is not found.
    pub fn of(file: &str, text: &str, policy: &cedar::Policy, from: usize) -> Spot {
        let own = policy.to_cedar().unwrap_or_default();
        let found = text.get(from..).and_then(|rest| rest.find(own.as_str()));
        let start = found.map_or(0, |at| from + at);
        let (line, column) = place(text, start);
        Spot {
            file: Arc::from(file),
            start,
            text: own,
            line,
            column,
        }
    }

    /// Where it ends, in the file's bytes.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A defect of the policy.
    pub fn defect(&self, code: &'static str, wrong: Wrong) -> Defect {
        let near = wrong.near.as_deref();
        let (line, column) = self.locate(near.and_then(|near| self.text.find(near)));
        Defect {
            line,
            column,
            help: wrong.help,
            ..defect(&self.file, code, wrong.message)
        }
    }

    /// A defect of type, where the engine says it is if it does: a policy that was set beneath
    /// the mandates has lost its places.
    pub fn defect_of(
        &self,
        files: &BTreeMap<String, String>,
        error: &impl Diagnostic,
        wrong: Wrong,
    ) -> Defect {
        let text = files.get(&*self.file).map_or("", String::as_str);
        let there = told(&self.file, text, "policy-type", error);
        let own = self.defect("policy-type", wrong);
        match there.line {
            0 => own,
            _ => Defect {
                message: own.message,
                ..there
            },
        }
    }

    /// Line and column in the file of a byte of the policy.
    fn locate(&self, at: Option<usize>) -> (u32, u32) {
        let (line, column) = place(&self.text, at.unwrap_or(0));
        match line {
            1 => (self.line, self.column + column - 1),
            _ => (self.line + line - 1, column),
        }
    }
}

/// A defect where the engine's own reader says it is.
pub fn told(file: &str, text: &str, code: &'static str, error: &impl Diagnostic) -> Defect {
    let span = error.labels().and_then(|mut labels| labels.next());
    let (line, column) = span.map_or((0, 0), |span| place(text, span.offset()));
    Defect {
        line,
        column,
        help: error
            .help()
            .map(|help| help.to_string())
            .unwrap_or_default(),
        ..defect(file, code, error.to_string())
    }
}
