//! JSON bodies of the API's own (records are read by intake, never here).
//!
//! A body that does not fit its form is told by findings, place by place; the reader's own message
//! is never shown, because it may repeat what the caller wrote.

use super::answer::Call;
use super::forms::{Form, errors};
use super::media::media_type;
use super::problem::{BODY_INVALID, FORMAT_UNSUPPORTED, Problem};
use crate::base::finding::Finding;
use crate::base::finding_codes::SCHEMA_TYPE_MISMATCH;
use crate::format::Node;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;

/// The whole body as one JSON document of this form.
pub async fn read<T: DeserializeOwned>(call: &mut Call, form: &Form) -> Result<T, Problem> {
    read_checked(call, form, |_, _| {}).await
}

/// The same, with more to look at than a form can say.
pub async fn read_checked<T: DeserializeOwned>(
    call: &mut Call,
    form: &Form,
    check: impl FnOnce(&Node, &mut Vec<Finding>),
) -> Result<T, Problem> {
    let bytes = document(call).await?;
    let (tree, mut findings) = form.read(&bytes);
    if let Some(tree) = &tree {
        check(tree, &mut findings);
    }
    if let Some(findings) = errors(&bytes, findings) {
        return Err(misfit(&findings));
    }
    parse(&bytes)
}

/// A body that fits its form. The form is at least as strict as the type; where it were not, the
/// place is all that is told.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let mut finding = Finding::new(&SCHEMA_TYPE_MISMATCH);
        finding.line = u32::try_from(error.line()).ok();
        finding.column = u32::try_from(error.column()).ok();
        misfit(&[finding])
    })
}

/// The bytes of a JSON body.
pub async fn document(call: &mut Call) -> Result<Vec<u8>, Problem> {
    if !media_type(call)?.eq_ignore_ascii_case("application/json") {
        let detail = "send this as application/json";
        return Err(Problem::new(&FORMAT_UNSUPPORTED, detail));
    }
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    call.body.whole(announced).await
}

/// As [`read_optional`], where nothing but the form is asked.
pub async fn read_none(call: &mut Call, form: &Form) -> Result<(), Problem> {
    read_optional::<IgnoredAny>(call, form).await.map(drop)
}

/// Reads what need not be there: no body, or one that fits the form, of whatever media type.
pub async fn read_optional<T: DeserializeOwned>(
    call: &mut Call,
    form: &Form,
) -> Result<Option<T>, Problem> {
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    let bytes = call.body.whole(announced).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let (_, findings) = form.read(&bytes);
    if let Some(findings) = errors(&bytes, findings) {
        return Err(misfit(&findings));
    }
    parse(&bytes).map(Some)
}

/// The answer to a body that does not fit.
pub fn misfit(findings: &[Finding]) -> Problem {
    let detail = "mend what the findings say (see also /openapi.json)";
    Problem::new(&BODY_INVALID, detail).with("findings", json!(findings))
}
