//! How a consent was taken: the form, who keyed it in, how the signer was known.
//!
//! It is kept sealed beside the paper and never leaves with it. The signer's own name is never
//! asked for: the paper names the signer by capacity.

use super::forms::{Form, object, required, text, truth, word};
use super::lodging::{Identifier, identifier};
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::finding_codes::{SCHEMA_PATTERN_MISMATCH, SCHEMA_VALUE_OUT_OF_RANGE};
use crate::base::paperwork::{
    CapacityBasis, IdentityCheck, Interpreter, Means, Method, same_human,
};
use crate::catalog::schema::Shape;
use crate::format::Node;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Longest id, version or statement, characters.
const TEXT_CHARS_MAX: usize = 128;
/// Longest statement of how to reach the signer safely, characters.
const SAFE_CHARS_MAX: usize = 256;

/// The capture block of a lodging.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// By what means it was signed.
    pub method: Method,
    /// Which form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_id: Option<String>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_version: Option<String>,
    /// The language it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_language: Option<String>,
    /// Whether it was read aloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_aloud: Option<bool>,
    /// Who interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Interpreter>,
    /// SHA-256 of the document, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_sha256: Option<String>,
    /// Who keyed it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed_by: Option<String>,
    /// Who looked a second time: somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_look_by: Option<String>,
    /// How the signer's identity was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_check: Option<IdentityCheck>,
    /// On what the signer's capacity rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_basis: Option<CapacityBasis>,
    /// Whether the signer was given a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_given: Option<bool>,
    /// How the signer may safely be reached about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_contact: Option<String>,
}

/// The form of the block.
pub fn shape() -> Shape {
    let id = || text(1, TEXT_CHARS_MAX);
    object(vec![
        ("method", required(word(Method::ALL, Method::as_str))),
        ("form_id", id()),
        ("form_version", id()),
        ("form_language", id()),
        ("read_aloud", truth()),
        ("interpreter", word(Interpreter::ALL, Interpreter::as_str)),
        (
            "document_sha256",
            text(Digest::TOLD_CHARS, Digest::TOLD_CHARS),
        ),
        ("keyed_by", id()),
        ("second_look_by", id()),
        (
            "identity_check",
            word(IdentityCheck::ALL, IdentityCheck::as_str),
        ),
        (
            "capacity_basis",
            word(CapacityBasis::ALL, CapacityBasis::as_str),
        ),
        ("copy_given", truth()),
        ("safe_contact", text(1, SAFE_CHARS_MAX)),
    ])
}

/// What the form cannot say: a digest is hexadecimal, and whoever looks a second time is somebody
/// else than who keyed it in.
pub fn check(capture: &Node, findings: &mut Vec<Finding>) {
    if let Some(digest) = capture.get("document_sha256")
        && !digest.as_str().is_some_and(Digest::is_told)
    {
        let finding = Finding::new(&SCHEMA_PATTERN_MISMATCH)
            .at("/capture/document_sha256")
            .spanning(digest.span)
            .fixed_by(Digest::TOLD_FORM);
        findings.push(finding);
    }
    let humans = (capture.text("keyed_by"), capture.text("second_look_by"));
    if let ((Some(keyed), Some(second)), Some(node)) = (humans, capture.get("second_look_by"))
        && same_human(keyed, second)
    {
        let finding = Finding::new(&SCHEMA_VALUE_OUT_OF_RANGE)
            .at("/capture/second_look_by")
            .spanning(node.span)
            .fixed_by("the second look is another person's than who keyed it in");
        findings.push(finding);
    }
}

/// What is told of a confirmation: who entered it, and whose consent they looked at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// Who entered it, by the partner's own id of them.
    pub entered_by: String,
    /// Whose it is, by an identifier the partner knows the person by. Not kept.
    #[serde(skip_serializing)]
    pub subject: Identifier,
}

/// The form of it.
pub static ENTERED: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("entered_by", required(text(1, TEXT_CHARS_MAX))),
        ("subject", required(identifier())),
    ]))
});

/// A revocation as it was told.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// By what means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// When it was told; it counts from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<String>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_to: Option<String>,
    /// Who entered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_by: Option<String>,
}

impl Revocation {
    /// Whether anything is said.
    pub fn is_said(&self) -> bool {
        let texts = [&self.told_at, &self.told_to, &self.entered_by];
        self.means.is_some() || texts.iter().any(|text| text.is_some())
    }
}

/// The form of a revocation. None of it need be there.
pub static REVOCATION: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("means", word(Means::ALL, Means::as_str)),
        ("told_at", text(1, TEXT_CHARS_MAX)),
        ("told_to", text(1, TEXT_CHARS_MAX)),
        ("entered_by", text(1, TEXT_CHARS_MAX)),
    ]))
});
