//! A consent as it is lodged: its form, and what its dates must be to each other.
//!
//! Everything the law pack would silently not count is told here, field by field, when the consent
//! is lodged and not at the first refusal.

use super::capture::{self, Capture};
use super::forms::{Form, list, object, required, text, truth, word};
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CodeEntry, DATE_IMPOSSIBLE, DATE_IN_FUTURE, PERIOD_REVERSED, SCHEMA_PATTERN_MISMATCH,
    SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::base::vocabulary::{
    ConsentElement, ConsentKind, DataClass, EndEvent, Grantor, OtherGrantor, Purpose, RecipientRole,
};
use crate::catalog::schema::{Shape, TextFormat};
use crate::disclosure::moment::{Day, Moment, local_day};
use crate::disclosure::request::Direction;
use crate::format::Node;
use crate::validate::text_form::{Fit, fit};
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::LazyLock;

/// Longest id or statement, characters.
const ID_CHARS_MAX: usize = 128;
/// Longest identifier of a person, characters.
const IDENTIFIER_CHARS_MAX: usize = 256;
/// Most items of a list.
const ITEMS_MAX: usize = 64;

/// A consent on its way in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lodging {
    /// Whose it is.
    pub subject: Identifier,
    /// The paper.
    pub consent: Paper,
    /// How it was taken.
    #[serde(default)]
    pub capture: Option<Capture>,
}

/// A person, by one identifier.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The system the value is of.
    pub system: String,
    /// The value.
    pub value: String,
}

/// A paper as the law pack reads it; its id is the one in the address.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// The lodger's id of it.
    #[serde(skip_deserializing)]
    pub id: String,
    kind: ConsentKind,
    #[serde(rename = "type")]
    direction: Direction,
    grantor: Signer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grantor_id: Option<String>,
    classes: Vec<DataClass>,
    recipients: Vec<RecipientRole>,
    purposes: Vec<Purpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient_ids: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_period: Option<(String, String)>,
    signed: String,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry_statement: Option<String>,
    #[serde(
        default,
        deserialize_with = "list_or_null",
        skip_serializing_if = "Vec::is_empty"
    )]
    elements_missing: Vec<String>,
    /// What the form shows; written out even where it shows nothing.
    #[serde(default, deserialize_with = "list_or_null")]
    elements: Vec<ConsentElement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_on_event: Option<EndEvent>,
    #[serde(
        default,
        deserialize_with = "list_or_null",
        skip_serializing_if = "Vec::is_empty"
    )]
    discloser_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coercion_flag: Option<bool>,
    #[serde(
        default,
        deserialize_with = "list_or_null",
        skip_serializing_if = "Vec::is_empty"
    )]
    supersedes: Vec<String>,
    #[serde(
        default,
        deserialize_with = "list_or_null",
        skip_serializing_if = "Vec::is_empty"
    )]
    exception_to: Vec<String>,
}

/// Who signed: a word the rules know, or one they give no say.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Signer {
    /// A word of the rules.
    Ruled(Grantor),
    /// One of the others.
    Other(OtherGrantor),
}

impl Paper {
    /// Permit or deny.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Makes it an exception inside the refusal of that id.
    pub fn excepts(&mut self, refusal: &str) {
        self.exception_to.push(refusal.to_owned());
    }

    /// The signer, where the rules give that signer no say.
    pub fn other_signer(&self) -> Option<OtherGrantor> {
        match self.grantor {
            Signer::Ruled(_) => None,
            Signer::Other(signer) => Some(signer),
        }
    }
}

impl Signer {
    const fn as_str(self) -> &'static str {
        match self {
            Signer::Ruled(grantor) => grantor.as_str(),
            Signer::Other(grantor) => grantor.as_str(),
        }
    }

    fn all() -> Vec<Signer> {
        let ruled = Grantor::ALL.iter().copied().map(Signer::Ruled);
        let others = OtherGrantor::ALL.iter().copied().map(Signer::Other);
        ruled.chain(others).collect()
    }
}

fn list_or_null<'de, D, T>(source: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(source)?.unwrap_or_default())
}

/// The form of a lodging.
pub static LODGING: LazyLock<Form> = LazyLock::new(|| Form::of(shape()));

fn shape() -> Shape {
    let ids = || list(text(1, ID_CHARS_MAX), 0, ITEMS_MAX);
    let date = || text(1, ID_CHARS_MAX);
    let paper = object(vec![
        (
            "kind",
            required(word(ConsentKind::ALL, ConsentKind::as_str)),
        ),
        ("type", required(word(Direction::ALL, Direction::as_str))),
        ("grantor", required(word(&Signer::all(), Signer::as_str))),
        ("grantor_id", text(1, ID_CHARS_MAX)),
        (
            "classes",
            required(words(DataClass::ALL, DataClass::as_str)),
        ),
        (
            "recipients",
            required(words(RecipientRole::ALL, RecipientRole::as_str)),
        ),
        ("purposes", required(words(Purpose::ALL, Purpose::as_str))),
        ("recipient_ids", list(text(1, ID_CHARS_MAX), 1, ITEMS_MAX)),
        ("data_period", list(text(0, ID_CHARS_MAX), 2, 2)),
        ("signed", required(date())),
        ("start", date()),
        ("end", date()),
        ("expiry_statement", text(1, ID_CHARS_MAX)),
        ("elements_missing", ids()),
        (
            "elements",
            list(
                word(ConsentElement::ALL, ConsentElement::as_str),
                0,
                ITEMS_MAX,
            ),
        ),
        ("ends_on_event", word(EndEvent::ALL, EndEvent::as_str)),
        ("discloser_ids", list(text(1, ID_CHARS_MAX), 1, ITEMS_MAX)),
        ("coercion_flag", truth()),
        ("supersedes", ids()),
        ("exception_to", ids()),
    ]);
    object(vec![
        ("subject", required(identifier())),
        ("consent", required(paper)),
        ("capture", capture::shape()),
    ])
}

/// The form of an identifier.
pub fn identifier() -> Shape {
    object(vec![
        ("system", required(text(1, IDENTIFIER_CHARS_MAX))),
        ("value", required(text(1, IDENTIFIER_CHARS_MAX))),
    ])
}

fn words<W: Copy>(all: &[W], as_str: fn(W) -> &'static str) -> Shape {
    list(word(all, as_str), 1, ITEMS_MAX)
}

/// What the form cannot say: every date readable, in order, and none of a signature to come.
pub fn check(lodging: &Node, now: Timestamp, findings: &mut Vec<Finding>) {
    if let Some(block) = lodging.get("capture") {
        capture::check(block, findings);
    }
    let Some(paper) = lodging.get("consent") else {
        return;
    };
    let mut dates = Dates { paper, findings };
    let signed = dates.day("/consent/signed", paper.get("signed"));
    let start = dates.day("/consent/start", paper.get("start"));
    let end = dates.day("/consent/end", paper.get("end"));
    if signed.is_some_and(|signed| signed > local_day(now)) {
        dates.tell(&DATE_IN_FUTURE, "/consent/signed", paper.get("signed"));
    }
    dates.in_order("/consent/end", start.max(signed), end, paper.get("end"));
    let period = paper
        .get("data_period")
        .map(Node::items)
        .unwrap_or_default();
    let bounds = [period.first(), period.get(1)];
    let bound = |at: usize, dates: &mut Dates<'_>| {
        let node = bounds.get(at).copied().flatten();
        let node = node.filter(|node| node.as_str() != Some(""));
        dates.day(&format!("/consent/data_period/{at}"), node)
    };
    let (from, to) = (bound(0, &mut dates), bound(1, &mut dates));
    dates.in_order("/consent/data_period/1", from, to, period.get(1));
    let statement = paper.get("expiry_statement");
    if statement.is_some_and(|text| text.as_str() != Some("none")) {
        let finding = dates.finding(
            &SCHEMA_VALUE_OUT_OF_RANGE,
            "/consent/expiry_statement",
            statement,
        );
        dates
            .findings
            .push(finding.fixed_by("write none, or leave it out and give an end"));
    }
}

struct Dates<'a> {
    paper: &'a Node,
    findings: &'a mut Vec<Finding>,
}

impl Dates<'_> {
    /// The local day of a date or instant; what is neither is told.
    fn day(&mut self, path: &str, node: Option<&Node>) -> Option<Day> {
        let text = node?.as_str()?;
        let forms = [TextFormat::Date, TextFormat::DateTime].map(|form| fit(form, text));
        let found = Moment::read(text)
            .day()
            .filter(|_| forms.contains(&Fit::Right));
        if found.is_none() {
            let code = match forms.contains(&Fit::Impossible) {
                true => &DATE_IMPOSSIBLE,
                false => &SCHEMA_PATTERN_MISMATCH,
            };
            let fix = "the form is: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or an offset";
            let finding = self.finding(code, path, node).fixed_by(fix);
            self.findings.push(finding);
        }
        found
    }

    fn in_order(&mut self, path: &str, from: Option<Day>, to: Option<Day>, node: Option<&Node>) {
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            self.tell(&PERIOD_REVERSED, path, node);
        }
    }

    fn tell(&mut self, code: &'static CodeEntry, path: &str, node: Option<&Node>) {
        let finding = self.finding(code, path, node);
        self.findings.push(finding);
    }

    fn finding(&self, code: &'static CodeEntry, path: &str, node: Option<&Node>) -> Finding {
        let span = node.unwrap_or(self.paper).span;
        Finding::new(code).at(path).spanning(span)
    }
}
