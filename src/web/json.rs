//! JSON bodies of the API's own (records are read by intake, never here).
//!
//! A body that does not fit is told by line and column alone: the reader's own message may repeat
//! what the caller wrote.

use super::answer::Call;
use super::problem::{BODY_INVALID, FORMAT_UNSUPPORTED, Problem};
use serde::de::DeserializeOwned;

/// The whole body as one JSON document of this shape.
pub async fn read<T: DeserializeOwned>(call: &mut Call) -> Result<T, Problem> {
    let media = call.header("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let detail = "send this as application/json";
        return Err(Problem::new(&FORMAT_UNSUPPORTED, detail));
    }
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    let bytes = call.body.whole(announced).await?;
    serde_json::from_slice(&bytes).map_err(|error| misfit(&error))
}

fn misfit(error: &serde_json::Error) -> Problem {
    let what = match error.classify() {
        serde_json::error::Category::Data => "not what belongs there (see /openapi.json)",
        _ => "not JSON",
    };
    let detail = format!("line {}, column {}: {what}", error.line(), error.column());
    Problem::new(&BODY_INVALID, detail)
}
