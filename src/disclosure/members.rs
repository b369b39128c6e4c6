//! The names in a question as it was written: each must be one the question has.
//!
//! A misspelt fact or a paper under another name would be left out without a word, and what it
//! closes would go. So a name that is near one of ours, or is one of ours in another place, makes
//! the question none, and so does an age nobody has. Of a name like no other nothing is known but
//! that somebody wrote it: a person looks before anything goes. A finding never repeats what was
//! written.

use super::fields::fields;
use super::request::{
    Agreement, Consent, Context, CourtOrder, Emergency, FamilyTeam, MultidisciplinaryTeam, Request,
    Subject,
};
use crate::base::finding::{Finding, LineIndex, Severity};
use crate::base::finding_codes::{
    QUESTION_MEMBER_UNKNOWN, SCHEMA_TYPE_MISMATCH, SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::base::nearest::{nearest, same};
use crate::format::json;
use crate::format::tree::{Node, Value};
use std::sync::LazyLock;

/// The names one kind of object may hold.
struct Members {
    /// As they are read.
    read: &'static [&'static str],
    /// Known, and without effect on a decision.
    idle: &'static [&'static str],
}

impl Members {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        self.read.iter().chain(self.idle).copied()
    }

    fn hold(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }
}

/// The kinds of objects in a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Question,
    Subject,
    Consent,
    Context,
    Agreement,
    CourtOrder,
    Emergency,
    Team,
    Family,
}

/// All of them, each with its name in words.
static KINDS: LazyLock<[(Kind, &'static str, Members); 9]> = LazyLock::new(|| {
    let of = |read, idle| Members { read, idle };
    [
        // What a worked case says beside its question.
        (
            Kind::Question,
            "the question",
            of(
                fields::<Request>(),
                &["expect", "why", "confidence", "law_mark", "tags"],
            ),
        ),
        (
            Kind::Subject,
            "`subject`",
            of(
                fields::<Subject>(),
                &["ward", "dependent_child", "indian_child"],
            ),
        ),
        (Kind::Consent, "a consent", of(fields::<Consent>(), &[])),
        (
            Kind::Context,
            "`context`",
            of(
                fields::<Context>(),
                &[
                    "custody",
                    "grant_requires_reporting",
                    "parent_is_party",
                    "report_filed_on",
                ],
            ),
        ),
        (
            Kind::Agreement,
            "`agreement`",
            of(fields::<Agreement>(), &[]),
        ),
        (
            Kind::CourtOrder,
            "`court_order`",
            of(fields::<CourtOrder>(), &[]),
        ),
        (
            Kind::Emergency,
            "`emergency`",
            of(fields::<Emergency>(), &[]),
        ),
        (
            Kind::Team,
            "`mdt`",
            of(fields::<MultidisciplinaryTeam>(), &[]),
        ),
        (
            Kind::Family,
            "`cft`",
            of(fields::<FamilyTeam>(), &["ended"]),
        ),
    ]
});

/// The objects inside an object, by their name in it.
const INSIDE: [(Kind, &str, Kind); 8] = [
    (Kind::Question, "subject", Kind::Subject),
    (Kind::Question, "consents", Kind::Consent),
    (Kind::Question, "context", Kind::Context),
    (Kind::Context, "agreement", Kind::Agreement),
    (Kind::Context, "court_order", Kind::CourtOrder),
    (Kind::Context, "emergency", Kind::Emergency),
    (Kind::Context, "mdt", Kind::Team),
    (Kind::Context, "cft", Kind::Family),
];

/// Years nobody reaches.
const AGE_END: f64 = 200.0;

/// A question as it was read.
#[derive(Debug)]
pub struct Written {
    /// The question; none if it is none.
    pub request: Option<Request>,
    /// What is wrong, with its place; nothing is an error where there is a question.
    pub findings: Vec<Finding>,
}

impl Request {
    /// Reads a question as it was written, one JSON object.
    pub fn read(bytes: &[u8]) -> Written {
        let mut findings = Vec::new();
        // A list would be read as the members in their order: that is no question either.
        let read = match bytes.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice::<Request>(bytes).map_err(Some),
            _ => Err(None),
        };
        let mut request = match read {
            Ok(request) => request,
            Err(error) => {
                let mut finding = Finding::new(&SCHEMA_TYPE_MISMATCH);
                finding.line = error.as_ref().and_then(|at| at.line().try_into().ok());
                finding.column = error.as_ref().and_then(|at| at.column().try_into().ok());
                return Written {
                    request: None,
                    findings: vec![finding],
                };
            }
        };
        if let Some(tree) = json::parse(bytes).tree {
            look(Kind::Question, &tree, "", &mut findings);
        }
        request.has_unknown_member = !findings.is_empty();
        if !findings.is_empty() {
            LineIndex::new(bytes, 1).fill(&mut findings);
        }
        Written {
            request: (!findings.iter().any(Finding::is_error)).then_some(request),
            findings,
        }
    }
}

/// Looks at the names of one object and of those inside it.
fn look(kind: Kind, node: &Node, path: &str, findings: &mut Vec<Finding>) {
    let Some((_, called, known)) = KINDS.iter().find(|(one, ..)| *one == kind) else {
        return;
    };
    for (ordinal, (name, value)) in (1_usize..).zip(node.members()) {
        if !known.hold(name) {
            let mut finding = unknown(kind, called, name);
            finding.path = format!("{path}/?{ordinal}");
            finding.span = Some(value.span);
            findings.push(finding);
            continue;
        }
        let path = format!("{path}/{name}");
        if kind == Kind::Subject && name == "age" && !is_age(value) {
            let mut finding = Finding::new(&SCHEMA_VALUE_OUT_OF_RANGE)
                .fixed_by("give the age in whole years, 0 or more, or leave it out");
            finding.path.clone_from(&path);
            finding.span = Some(value.span);
            findings.push(finding);
        }
        let inside = INSIDE.iter();
        let mut inside = inside.filter(|(of, at, _)| *of == kind && at == name);
        let Some((_, _, kind)) = inside.next() else {
            continue;
        };
        match &value.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    look(*kind, item, &format!("{path}/{index}"), findings);
                }
            }
            _ => look(*kind, value, &path, findings),
        }
    }
}

/// What is said of a name nobody knows there.
fn unknown(kind: Kind, called: &str, name: &str) -> Finding {
    let mut finding = Finding::new(&QUESTION_MEMBER_UNKNOWN);
    finding.message = format!("{called} has a member by a name nobody knows there");
    let here = KINDS.iter().find(|(one, ..)| *one == kind);
    let near = here.and_then(|(_, _, known)| nearest(name, known.all()));
    if let Some(near) = near {
        return finding.fixed_by(format!("the nearest known name is `{near}`"));
    }
    let elsewhere = KINDS.iter().find_map(|(_, called, known)| {
        let meant = known.all().find(|known| same(known, name))?;
        Some((meant, *called))
    });
    match elsewhere {
        Some((meant, called)) => {
            finding.fixed_by(format!("`{meant}` is a member of {called}: write it there"))
        }
        None => {
            finding.severity = Severity::Warning;
            finding
        }
    }
}

/// Whether it is an age, or none is said.
fn is_age(value: &Node) -> bool {
    match &value.value {
        Value::Null => true,
        Value::Number(digits) => digits
            .parse::<f64>()
            .is_ok_and(|age| (0.0..AGE_END).contains(&age)),
        _ => false,
    }
}
