//! Forms of others handed in as consents: one document of answers, several papers lodged together.
//!
//! What an answer means stands in `policies/imports/`; the papers go the registry's one way in.

use super::answer::{Call, Outcome};
use super::consent_state::{is_own_id, minted_id, no_path};
use super::consents::told;
use super::json as body;
use super::lodging::Identifier;
use super::problem::{BODY_INVALID, PARAMETER_INVALID, Problem};
use super::sets;
use crate::base::finding::{Finding, LineIndex};
use crate::disclosure::import::{self, Imported};
use crate::format::json;
use actix_web::HttpResponse;
use serde_json::{Value, json};

/// Longest id of a document, bytes; its papers' ids are longer by their numbers.
const ID_BYTES_MAX: usize = 120;

/// Lodges, replaces or ends what one form says.
pub async fn lodge(mut call: Call) -> Outcome {
    call.partner()?;
    let form = form_id(&call)?;
    let bytes = body::document(&mut call).await?;
    let (read, findings) = read(&call, &form, &bytes)?;
    let id = read.id.clone().unwrap_or_else(|| minted_id(&call));
    if id.len() > ID_BYTES_MAX || !is_own_id(&id) {
        let detail = "the document's id is up to 120 visible characters without a number sign, \
                      and not of the form of the registry's";
        return Err(Problem::new(&BODY_INVALID, detail));
    }
    if read.revoked {
        if !sets::end_all(&call, &id).await? {
            return Err(Problem::not_found());
        }
        return Ok(HttpResponse::Ok().json(json!({
            "consent_id": id,
            "papers": [],
            "findings": findings,
        })));
    }
    no_path(&id)?;
    let papers = read.papers.into_iter().map(|(_, paper)| (false, paper));
    let sheets = sets::checked(&call, &read.subject, papers);
    let sheets = sheets.map_err(|wrong| body::misfit(&wrong))?;
    let (system, value) = read.subject;
    let done = sets::replace(&call, &id, &Identifier { system, value }, sheets).await?;
    let papers: Vec<Value> = done.lodged.iter().map(told).collect();
    Ok(HttpResponse::Ok().json(json!({
        "consent_id": id,
        "papers": papers,
        "findings": findings,
    })))
}

fn read(call: &Call, form: &str, bytes: &[u8]) -> Result<(Imported, Vec<Finding>), Problem> {
    let rules = call.site.rules.load();
    let Some(form) = rules.imports.get(form) else {
        let known: Vec<&str> = rules.imports.ids().collect();
        let detail = format!("the forms taken are: {}", known.join(", "));
        return Err(Problem::new(&PARAMETER_INVALID, detail));
    };
    let parsed = json::parse(bytes);
    let mut findings = parsed.findings;
    let roles = |id: &str| rules.recipient_roles(id);
    let tree = parsed.tree.as_ref();
    let read = tree.and_then(|tree| import::read(form, tree, &roles, &mut findings));
    LineIndex::new(bytes, 1).fill(&mut findings);
    match read.filter(|_| !findings.iter().any(Finding::is_error)) {
        Some(read) => Ok((read, findings)),
        None => Err(body::misfit(&findings)),
    }
}

/// The one parameter: which form.
fn form_id(call: &Call) -> Result<String, Problem> {
    let word = call.request.query_string().strip_prefix("form=");
    let word = word.filter(|word| !word.is_empty() && !word.contains('&'));
    let wrong = || Problem::new(&PARAMETER_INVALID, "the query says form= and which, once");
    word.map(str::to_owned).ok_or_else(wrong)
}
