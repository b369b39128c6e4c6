//! Extracts: a job is asked for, watched, and its files are fetched, from any byte on.
//!
//! A file is made again for every download and never lies about; it is served only while no
//! consent of a person in it has changed and it is not too old. A requester sees its own jobs
//! alone, and has only so many under way.

use super::answer::{Call, Outcome, store_failed};
use super::forms::{Form, list, object, text};
use super::json;
use super::problem::{
    BUSY, EXTRACT_EXPIRED, EXTRACT_STALE, FORBIDDEN, PARAMETER_INVALID, Problem, RANGE_INVALID,
    RATE_LIMITED,
};
use crate::base::id::{ChannelId, ExtractId, FormatId, RecordType};
use crate::extract::{self, Asked, BeginError, Chunk, FileError, Manifest};
use crate::store::{Extract, ExtractState, Standing, Store};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_RANGE, LOCATION};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// When to come back while too much is under way, in seconds.
const BUSY_RETRY_SECS: u64 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    #[serde(default)]
    records: Option<Vec<RecordType>>,
    #[serde(default)]
    format: Option<FormatId>,
    #[serde(default)]
    channel: Option<ChannelId>,
}

/// Longest name of a record type, format or channel, characters.
const NAME_CHARS_MAX: usize = 64;

/// The form of what is asked for.
static ASKING: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("records", list(text(1, NAME_CHARS_MAX), 0, NAME_CHARS_MAX)),
        ("format", text(1, NAME_CHARS_MAX)),
        ("channel", text(1, NAME_CHARS_MAX)),
    ]))
});

/// Begins a job; it is decided and counted on the gateway's own threads.
pub async fn begin(mut call: Call) -> Outcome {
    let pass = call.partner()?;
    let asking: Asking = json::read(&mut call, &ASKING).await?;
    let asked = Asked {
        records: asking.records.unwrap_or_default(),
        format: asking.format,
        channel: asking.channel,
    };
    let rules = call.site.rules.load_full();
    let partner = rules.partners.get(&pass.id);
    let partner = partner.ok_or_else(Problem::not_found)?;
    let stamp = (call.site.clock.now(), call.correlation.clone());
    let store = call.site.store.clone();
    let begun = extract::begin(&store, &rules, partner, &asked, stamp).await;
    let job = begun.map_err(|error| not_begun(&error))?;
    let id = job.extract_id;
    let writing = rules.clone();
    call.site.runtime.spawn(async move {
        if let Err(error) = extract::write(&store, &writing, &job).await {
            error.tell();
        }
    });
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/v1/extracts/{id}")))
        .json(json!({ "extract_id": id, "status": "running", "manifest": null })))
}

fn not_begun(error: &BeginError) -> Problem {
    match error {
        BeginError::NoChannel => Problem::new(&FORBIDDEN, "no pull channel of yours fits"),
        BeginError::RecordType => {
            let detail = "your pull channel is not open for one of these record types";
            Problem::new(&FORBIDDEN, detail)
        }
        BeginError::RequesterBusy => {
            let detail = "wait until one of your extracts under way has ended";
            Problem::new(&RATE_LIMITED, detail).retry_after(BUSY_RETRY_SECS)
        }
        BeginError::Busy => {
            let detail = "as many extracts are under way as the gateway takes";
            Problem::new(&BUSY, detail).retry_after(BUSY_RETRY_SECS)
        }
        BeginError::Store(error) => store_failed(error),
    }
}

/// Where a job stands, with its manifest when it is ready.
pub async fn get(call: &Call) -> Outcome {
    let (job, manifest) = job(call).await?;
    let status = status(&call.site.store, &job).await?;
    let shown: Value = match (status, manifest) {
        ("ready", Some(manifest)) => json!(manifest),
        _ => Value::Null,
    };
    let body = json!({ "extract_id": job.extract_id, "status": status, "manifest": shown });
    Ok(HttpResponse::Ok().json(body))
}

async fn job(call: &Call) -> Result<(Extract, Option<Manifest>), Problem> {
    let partner = call.partner()?;
    let id = ExtractId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let found = extract::find(&call.site.store, &partner.id, id).await;
    found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)
}

async fn status(store: &Store, job: &Extract) -> Result<&'static str, Problem> {
    Ok(match job.state {
        ExtractState::Writing => "running",
        ExtractState::Abandoned => "given-up",
        ExtractState::Stale => "stale",
        ExtractState::Ready => {
            let standing = store.extract_standing(job.extract_id).await;
            match standing.map_err(|error| store_failed(&error))? {
                Standing::Current => "ready",
                Standing::Stale => "stale",
                Standing::Expired => "expired",
            }
        }
    })
}

/// One file of a ready job, whole or from a byte on.
pub async fn file(call: &Call) -> Outcome {
    let (job, manifest) = job(call).await?;
    let manifest = manifest.ok_or_else(Problem::not_found)?;
    let name = call.part("name").to_owned();
    let file = manifest.files.iter().find(|file| file.name == name);
    let bytes = file.ok_or_else(Problem::not_found)?.bytes;
    let from = range_start(call)?;
    let start = from.unwrap_or(0);
    if start > 0 && start >= bytes {
        return Err(Problem::new(&RANGE_INVALID, "the file is shorter"));
    }
    let place = call.site.enter_file().ok_or_else(|| {
        let detail = "as many files are being served as the gateway takes";
        Problem::new(&BUSY, detail).retry_after(BUSY_RETRY_SECS)
    })?;
    let (store, rules) = (call.site.store.clone(), call.site.rules.clone());
    // On the gateway's own threads: making the file takes longer than a request's thread may.
    let serving = call.site.runtime.spawn(async move {
        let job = (&job, &manifest);
        extract::serve(&store, &rules, job, (&name, start), place).await
    });
    let served = serving.await.unwrap_or(Err(FileError::Stale));
    let (file, pages) = served.map_err(|error| not_served(&error))?;
    let stream = unfold(pages, |mut pages| async move {
        let next = pages.recv().await?;
        Some((next.map(Chunk::into_bytes), pages))
    });
    let mut builder = HttpResponse::build(match from {
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    });
    if from.is_some() {
        let last = file.bytes.saturating_sub(1);
        let range = format!("bytes {start}-{last}/{}", file.bytes);
        builder.insert_header((CONTENT_RANGE, range));
    }
    Ok(builder
        .insert_header((ACCEPT_RANGES, "bytes"))
        .content_type(file.media_type.as_str())
        .no_chunking(file.bytes - start)
        .streaming(stream))
}

/// The byte of `Range: bytes=N-`; other ranges are not served.
fn range_start(call: &Call) -> Result<Option<u64>, Problem> {
    if !call.request.headers().contains_key("range") {
        return Ok(None);
    }
    let start = call
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="))
        .and_then(|range| range.strip_suffix('-'))
        .and_then(|start| start.parse().ok());
    let refused = || Problem::new(&PARAMETER_INVALID, "ask for Range: bytes=N- alone");
    start.map(Some).ok_or_else(refused)
}

fn not_served(error: &FileError) -> Problem {
    match error {
        FileError::Unknown => Problem::not_found(),
        FileError::Stale => {
            let detail = "a consent or the rules changed since: begin a new extract";
            Problem::new(&EXTRACT_STALE, detail)
        }
        FileError::Expired => {
            let detail = "the extract is too old: begin a new one";
            Problem::new(&EXTRACT_EXPIRED, detail)
        }
        FileError::Store(error) => store_failed(error),
    }
}
