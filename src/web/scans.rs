//! Scans of signed papers: taken from their lodger, shown to it and to officers who say why.
//!
//! Nothing is read of a scan but its first bytes, which must be those of the type it is said to be.
//! Neither its digest nor anything in it is ever told, logged or sent on.

use super::answer::{Call, Outcome, store_failed};
use super::capture::Capture;
use super::consent_state::{Say, found};
use super::consents::{captured, noted};
use super::media::media_type;
use super::problem::{
    BODY_INVALID, FORMAT_UNSUPPORTED, PARAMETER_INVALID, Problem, STATE_CONFLICT,
};
use crate::base::digest::Digest;
use crate::base::sensitive::{Reason, Sensitive};
use crate::store::{NewScan, ScanKept, StoredConsent, StoredScan};
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, ETAG};
use serde_json::json;

/// What scans may be, and how each begins.
const TYPES: [(&str, &[&[u8]]); 4] = [
    ("application/pdf", &[b"%PDF-"]),
    ("image/png", &[b"\x89PNG\r\n\x1a\n"]),
    ("image/jpeg", &[b"\xff\xd8\xff"]),
    ("image/tiff", &[b"II*\0", b"MM\0*"]),
];

/// Keeps the scan of the newest revision its lodger has lodged. Sent again it is kept already;
/// another one is refused: a new scan is of a new revision.
pub async fn put(mut call: Call) -> Outcome {
    let (consent, say) = found(&call).await?;
    if say != Say::Lodger {
        return Err(Problem::not_found());
    }
    let (media, begins) = said_type(&call)?;
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    let bytes = call.body.whole(announced).await?;
    if !begins.iter().any(|first| bytes.starts_with(first)) {
        let detail = "the bytes do not begin as this media type does";
        return Err(Problem::new(&BODY_INVALID, detail));
    }
    let digest = Digest::of(&bytes);
    if document_digest(&consent).is_some_and(|told| Digest::from_hex(&told) != Some(digest)) {
        let detail = "this is not the document whose SHA-256 the consent's capture block names";
        return Err(Problem::new(&BODY_INVALID, detail));
    }
    let store = &call.site.store;
    let size = bytes.len();
    let kept = store.keep_scan(NewScan {
        registry_id: consent.registry_id,
        seen: consent.revision,
        lodger: consent.partner.clone(),
        media_type: media.to_owned(),
        body: Sensitive::new(bytes),
        at: call.site.clock.now(),
        correlation_id: call.correlation.clone(),
    });
    let revision = match kept.await.map_err(|error| store_failed(&error))? {
        ScanKept::Done(revision) => revision,
        ScanKept::Before(revision) => {
            let before = store.consent_scan(consent.registry_id, Some(revision));
            let before = before.await.map_err(|error| store_failed(&error))?;
            let same = |scan: StoredScan| Digest::of(seen(&scan)) == digest;
            if !before.is_some_and(same) {
                let detail = "this revision has another scan: lodge the consent anew, its capture \
                              with this document's SHA-256, then its scan";
                return Err(Problem::new(&STATE_CONFLICT, detail));
            }
            revision
        }
        ScanKept::Changed => {
            let detail = "this consent is changing at this moment: look at it and try again";
            return Err(Problem::new(&STATE_CONFLICT, detail));
        }
    };
    Ok(HttpResponse::Ok().json(json!({
        "registry_id": consent.registry_id,
        "revision": revision,
        "media_type": media,
        "bytes": size,
    })))
}

/// The scan of a revision, byte for byte; of the newest that has one, where none is named.
pub async fn get(call: &Call) -> Outcome {
    let (consent, say) = found(call).await?;
    let revision = revision(call.request.query_string())?;
    match say {
        Say::Lodger => {}
        Say::Officer => noted(call, "consent_scan_read", &consent).await?,
        Say::County | Say::Source => return Err(Problem::not_found()),
    }
    let scan = call.site.store.consent_scan(consent.registry_id, revision);
    let scan = scan.await.map_err(|error| store_failed(&error))?;
    let scan = scan.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(scan.media_type.as_str())
        .insert_header((ETAG, format!("\"{}\"", scan.revision)))
        // It is kept as it came: nobody's browser should run what it may hold.
        .insert_header((CONTENT_DISPOSITION, "attachment"))
        .insert_header(("content-security-policy", "sandbox"))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(seen(&scan).to_vec()))
}

fn seen(scan: &StoredScan) -> &[u8] {
    scan.body.expose(Reason::Send)
}

fn said_type(call: &Call) -> Result<(&'static str, &'static [&'static [u8]]), Problem> {
    let said = media_type(call)?;
    let known = TYPES
        .iter()
        .find(|(name, _)| said.eq_ignore_ascii_case(name));
    known.copied().ok_or_else(|| {
        let detail = "send a scan as application/pdf, image/png, image/jpeg or image/tiff";
        Problem::new(&FORMAT_UNSUPPORTED, detail)
    })
}

/// The digest its capture block names, where it names one.
fn document_digest(consent: &StoredConsent) -> Option<String> {
    let block: Capture = serde_json::from_value(captured(consent)?).ok()?;
    block.document_sha256
}

/// The one parameter, at most once.
fn revision(query: &str) -> Result<Option<u32>, Problem> {
    if query.is_empty() {
        return Ok(None);
    }
    let number = query.strip_prefix("revision=");
    let number = number.and_then(|number| number.parse().ok());
    let wrong = || {
        Problem::new(
            &PARAMETER_INVALID,
            "the query may hold revision= and a number",
        )
    };
    number.map(Some).ok_or_else(wrong)
}
