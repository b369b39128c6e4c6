//! What a body is said to be: its media type, once, and its text in UTF-8.

use super::answer::Call;
use super::problem::{FORMAT_UNSUPPORTED, NOTHING_ACCEPTED, Problem};
use crate::base::finding::Finding;
use serde_json::json;

/// The media type without its parameters; empty when none is told.
///
/// # Errors
/// When it is told twice, or names a charset that is not read here.
pub fn media_type(call: &Call) -> Result<&str, Problem> {
    split(call.sole("content-type")?.unwrap_or_default()).ok_or_else(|| {
        Problem::new(
            &FORMAT_UNSUPPORTED,
            "send text in UTF-8 and say so or nothing",
        )
    })
}

/// The refusal of a body that begins otherwise than its media type says.
///
/// # Errors
/// When that was found of it.
pub fn agreed(found: Option<Finding>) -> Result<(), Problem> {
    let Some(finding) = found else {
        return Ok(());
    };
    let detail = "send the body under its own media type";
    Err(Problem::new(&NOTHING_ACCEPTED, detail).with("findings", json!([finding])))
}

fn split(text: &str) -> Option<&str> {
    let mut parts = text.split(';');
    let media = parts.next().unwrap_or_default().trim();
    parts.all(is_read).then_some(media)
}

/// Whether a parameter leaves the text in UTF-8.
fn is_read(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    let utf8 = ["utf-8", "utf8"];
    !name.trim().eq_ignore_ascii_case("charset")
        || utf8.iter().any(|known| known.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn another_charset_is_not_read() {
        // Goal: nothing is read in another charset than it is told. Method: spellings of both.
        let csv = |parameters: &str| split(&format!("text/csv{parameters}")).is_some();
        for good in [
            "",
            "; charset=utf-8",
            ";header=present;Charset=\"UTF-8\"",
            ";",
        ] {
            assert!(csv(good), "{good}");
        }
        for wrong in [
            "; charset=iso-8859-1",
            ";charset=utf-8; charset=utf-16",
            ";charset",
        ] {
            assert!(!csv(wrong), "{wrong}");
        }
    }
}
