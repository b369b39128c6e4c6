//! A fact as it is asserted: its form, which its kind decides, and what its days and humans must be
//! to each other.
//!
//! Everything that would silently not count is told here, field by field. It must never repeat what
//! was sent.

use super::forms::{Form, list, object, opened, required, text, truth, word};
use super::lodging::{Identifier, identifier};
use crate::base::Text;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::fact_key::FactShape;
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CodeEntry, DATE_IMPOSSIBLE, DATE_IN_FUTURE, PERIOD_REVERSED, SCHEMA_CODE_UNKNOWN,
    SCHEMA_PATTERN_MISMATCH, SCHEMA_REQUIRED_MISSING, SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::base::id::PartnerId;
use crate::base::paperwork::{FactSource, same_human};
use crate::base::vocabulary::DataClass;
use crate::catalog::facts::{About, FactKind, FactLaw, Validity};
use crate::catalog::schema::{Kind, Shape, TextFormat, TextRule};
use crate::disclosure::moment::{Day, local_day, parse_day};
use crate::disclosure::registry::{FactValue, OtherPerson};
use crate::format::Node;
use crate::rules::Rules;
use crate::validate::text_form::{Fit, fit};
use serde::Deserialize;
use std::time::Duration;

/// Longest name of a human, characters.
pub const HUMAN_CHARS_MAX: usize = 128;
const ID_CHARS_MAX: usize = 128;
const DAY_CHARS: usize = 10;

/// A fact on its way in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asserting {
    /// Of whom.
    pub subject: Identifier,
    /// What.
    pub fact: Told,
}

/// What is asserted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Which kind.
    pub kind: String,
    /// The value, in the form of the kind.
    pub value: FactValue,
    /// Toward which partner.
    pub recipient: Option<PartnerId>,
    /// Against which other person.
    pub other_person: Option<OtherPerson>,
    /// First day; today if left out.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
    /// What it rests on.
    pub source: FactSource,
    /// SHA-256 of the document, hexadecimal.
    pub document_digest: Option<String>,
    /// Who enters it.
    pub entered_by: String,
    /// The second human.
    pub confirmed_by: Option<String>,
}

/// The form that says which kind it is.
pub fn of_any_kind(law: &FactLaw) -> Form {
    let ids = law.kinds.iter().map(|kind| kind.id.as_str());
    Form::of(opened(vec![(
        "fact",
        required(opened(vec![("kind", required(one_of(ids)))])),
    )]))
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> Shape {
    Shape::of(Kind::Text(TextRule {
        codes: words.map(Text::new).collect(),
        ..TextRule::default()
    }))
}

/// The form of a fact of that kind.
pub fn of_kind(kind: &FactKind) -> Form {
    let value = match kind.key.shape() {
        FactShape::Truth => truth(),
        FactShape::Classes => {
            let class = word(DataClass::ALL, DataClass::as_str);
            list(class, 1, DataClass::ALL.len())
        }
        FactShape::Word(words) => one_of(words.iter().copied()),
        FactShape::Date => text(DAY_CHARS, DAY_CHARS),
    };
    let human = || text(1, HUMAN_CHARS_MAX);
    let mut members = vec![
        ("kind", required(text(1, ID_CHARS_MAX))),
        ("value", required(value)),
        ("from", text(DAY_CHARS, DAY_CHARS)),
        ("to", text(DAY_CHARS, DAY_CHARS)),
        (
            "source",
            required(word(FactSource::ALL, FactSource::as_str)),
        ),
        (
            "document_digest",
            text(Digest::TOLD_CHARS, Digest::TOLD_CHARS),
        ),
        ("entered_by", required(human())),
        ("confirmed_by", human()),
    ];
    match kind.about {
        About::Subject => {}
        About::Recipient => members.push(("recipient", required(text(1, ID_CHARS_MAX)))),
        About::RecipientOrPerson => {
            members.push(("recipient", text(1, ID_CHARS_MAX)));
            members.push(("other_person", identifier()));
        }
    }
    Form::of(object(vec![
        ("subject", required(identifier())),
        ("fact", required(object(members))),
    ]))
}

/// What the form cannot say.
pub fn check(
    (rules, kind): (&Rules, &FactKind),
    body: &Node,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) {
    let Some(fact) = body.get("fact") else {
        return;
    };
    let mut told = Findings { fact, findings };
    let from = told.day("from");
    let to = told.day("to");
    let begins = from.unwrap_or(local_day(now));
    if to.is_some_and(|to| to < begins) {
        told.tell(&PERIOD_REVERSED, "to", "");
    }
    if let (Validity::Days(most), Some(to)) = (kind.validity, to)
        && u32::try_from(to.0.saturating_sub(begins.0)).is_ok_and(|days| days >= most)
    {
        let fix = format!("a fact of this kind holds at most {most} days, the first one included");
        told.tell(&SCHEMA_VALUE_OUT_OF_RANGE, "to", &fix);
    }
    if let Validity::Hours(most) = kind.validity {
        // It counts from now: a day behind its end would promise what is not kept.
        let last = local_day(now.after(Duration::from_secs(u64::from(most) * 3_600)));
        let fix = format!("a fact of this kind holds {most} hours from when it is entered");
        for (member, day) in [("from", from), ("to", to)] {
            if day.is_some_and(|day| day > last) {
                told.tell(&SCHEMA_VALUE_OUT_OF_RANGE, member, &fix);
            }
        }
    }
    if kind.key.shape() == FactShape::Date
        && told.day("value").is_some_and(|day| day > local_day(now))
    {
        told.tell(&DATE_IN_FUTURE, "value", "");
    }
    let recipient = fact.text("recipient");
    if recipient.is_some_and(|id| !rules.partners.contains_key(&PartnerId::new(id))) {
        told.tell(
            &SCHEMA_CODE_UNKNOWN,
            "recipient",
            "the id of a partner of this gateway",
        );
    }
    let digest = fact.text("document_digest");
    if digest.is_some_and(|text| !Digest::is_told(text)) {
        told.tell(
            &SCHEMA_PATTERN_MISMATCH,
            "document_digest",
            Digest::TOLD_FORM,
        );
    }
    let humans = (fact.text("entered_by"), fact.text("confirmed_by"));
    if let (Some(one), Some(two)) = humans
        && same_human(one, two)
    {
        told.tell(&SCHEMA_VALUE_OUT_OF_RANGE, "confirmed_by", SECOND_HUMAN);
    }
}

/// What is told of a confirmation by whoever entered it.
pub const SECOND_HUMAN: &str = "a second human: not the one who entered it";

/// A finding that a second human is missing where one is needed.
pub fn needs_second(path: &str) -> Finding {
    Finding::new(&SCHEMA_REQUIRED_MISSING).at(path).fixed_by(
        "what only closes is ended, or changed to what may close less, by two humans: name the \
             second",
    )
}

/// A finding that the second human is the first.
pub fn not_second(path: &str) -> Finding {
    Finding::new(&SCHEMA_VALUE_OUT_OF_RANGE)
        .at(path)
        .fixed_by(SECOND_HUMAN)
}

struct Findings<'a> {
    fact: &'a Node,
    findings: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    /// A whole local day; what is none is told.
    fn day(&mut self, member: &str) -> Option<Day> {
        let told = self.fact.text(member)?;
        let found = parse_day(told);
        if found.is_none() {
            let code = match fit(TextFormat::Date, told) {
                Fit::Impossible => &DATE_IMPOSSIBLE,
                _ => &SCHEMA_PATTERN_MISMATCH,
            };
            self.tell(code, member, "the form is: YYYY-MM-DD");
        }
        found
    }

    fn tell(&mut self, code: &'static CodeEntry, member: &str, fix: &str) {
        let span = self.fact.get(member).unwrap_or(self.fact).span;
        let finding = Finding::new(code)
            .at(format!("/fact/{member}"))
            .spanning(span);
        self.findings.push(match fix {
            "" => finding,
            fix => finding.fixed_by(fix),
        });
    }
}
