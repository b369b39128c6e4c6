//! Printable consent forms over HTTP: empty, so nobody's; whoever is let in may have them.

use super::answer::{Call, Outcome};
use super::problem::{PARAMETER_INVALID, Problem};
use crate::base::vocabulary::ConsentKind;
use crate::disclosure::sheet::Language;
use actix_web::HttpResponse;

/// The form of one kind in one language.
pub fn get(call: &Call) -> Outcome {
    let kind: ConsentKind = call
        .part("kind")
        .parse()
        .map_err(|_| Problem::not_found())?;
    let language = language(call.request.query_string())?;
    let rules = call.site.rules.load();
    let (pack, digest) = (rules.policy.pack(), rules.digest.as_str());
    let page = rules.sheets.page(pack, kind, language, digest);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(page.ok_or_else(Problem::not_found)?))
}

/// The one parameter, at most once.
fn language(query: &str) -> Result<Language, Problem> {
    if query.is_empty() {
        return Ok(Language::English);
    }
    let word = query
        .strip_prefix("lang=")
        .and_then(|word| word.parse().ok());
    word.ok_or_else(|| Problem::new(&PARAMETER_INVALID, "the query may hold lang=en or lang=es"))
}
