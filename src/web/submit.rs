//! Handing records in: the small submission answered in the request, the batch streamed.
//!
//! It finds the way in and hands bytes to intake, which alone reads them. Nothing of a body is
//! looked at here. A receipt is given only for what intake has committed.

use super::answer::{Call, Outcome, busy, store_failed};
use super::body::too_large;
use super::media::{agreed, media_type};
use super::problem::{
    BODY_TOO_LARGE, FORMAT_UNSUPPORTED, KEY_CONFLICT, NOTHING_ACCEPTED, PARAMETER_INVALID, Problem,
    REPORT_BY_PHONE_FIRST,
};
use crate::base::finding::Finding;
use crate::base::finding_codes::SIZE_EXCEEDED;
use crate::base::id::PartnerId;
use crate::base::limits::{IDEMPOTENCY_KEY_BYTES_MAX, SMALL_BODY_BYTES_MAX};
use crate::base::sensitive::Sensitive;
use crate::intake::batch::Opening;
use crate::intake::ways::{NoWay, Ways};
use crate::intake::{self, Batch, Hotline, Inbound, Receipt, Refusal, hotline};
use crate::rules::Rules;
use crate::store::{Store, StoreError};
use crate::telemetry::{Event, emit};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bodies above this are read on a thread of their own, so that they hold up no other request.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// A smaller body cannot hold more records than are answered in the request.
const MANY_RECORDS_BYTES_MIN: usize = 8 << 10;

/// What says nothing of what a body is.
const ANY_TYPE: &str = "application/octet-stream";

/// Chunks of a batch between the socket and its reader.
const CHUNKS_WAITING_MAX: usize = 4;

/// Takes a submission.
pub async fn submit(mut call: Call) -> Outcome {
    let trial = call.asks_for("dry_run")?;
    let partner = call.partner()?.id.clone();
    let rules = call.site.rules.load_full();
    let ways = ways_in(&call, &rules, &partner)?;
    let key = idempotency_key(&call)?;
    let received_at = call.site.clock.now();
    let body = small_body(&mut call).await?;
    let opening = Opening {
        channel: ways.told_by(body.head()).map_err(no_way)?,
        partner: partner.clone(),
        key,
        correlation: call.correlation.clone(),
        received_at,
    };
    let sender = rules.partners.get(&partner);
    let channel = sender.and_then(|sender| sender.channel(&opening.channel));
    let wire = channel.and_then(|channel| rules.wires.of_channel(channel));
    let media = media_type(&call)?;
    agreed(wire.and_then(|wire| wire.differs(media, body.head())))?;
    let body = match body {
        Small::Whole(body) => body,
        Small::Larger(_) if trial => {
            return Err(too_large(SMALL_BODY_BYTES_MAX as u64));
        }
        Small::Larger(head) => {
            let taken = batch(&mut call, rules, opening, head).await?;
            return answered(&call, &partner, taken);
        }
    };
    if trial {
        return dry_run(&call, rules, inbound(&opening, body)).await;
    }
    let again = (body.len() > MANY_RECORDS_BYTES_MIN).then(|| body.clone());
    let taken = match accept(&call, &rules, inbound(&opening, body)).await {
        // More records than are answered in the request: the same bytes go the way of a batch.
        Err(Refusal::TooLarge) => match again {
            Some(body) => batch(&mut call, rules, opening, body).await?,
            None => Err(Refusal::TooLarge),
        },
        taken => taken,
    };
    answered(&call, &partner, taken)
}

fn inbound(opening: &Opening, body: Vec<u8>) -> Inbound {
    Inbound {
        partner: opening.partner.clone(),
        channel: opening.channel.clone(),
        key: opening.key.clone(),
        body: Sensitive::new(body),
        correlation: opening.correlation.clone(),
        received_at: opening.received_at,
    }
}

async fn accept(call: &Call, rules: &Arc<Rules>, inbound: Inbound) -> Result<Receipt, Refusal> {
    let store = call.site.store.clone();
    if call.body.received() <= INLINE_BYTES_MAX as u64 {
        return intake::accept(&store, rules, inbound).await;
    }
    let rules = Arc::clone(rules);
    let inside = call.site.runtime.clone();
    let work = move || inside.block_on(intake::accept(&store, &rules, inbound));
    let done = call.site.runtime.spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ended_badly()))
}

/// What would be accepted, and what each recipient would be given. Nothing is stored.
async fn dry_run(call: &Call, rules: Arc<Rules>, inbound: Inbound) -> Outcome {
    let store = call.site.store.clone();
    let inside = call.site.runtime.clone();
    let sender = inbound.partner.clone();
    let work = move || inside.block_on(intake::dry_run(&store, &rules, inbound));
    let done = call.site.runtime.spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err(ended_badly()));
    Ok(HttpResponse::Ok().json(done.map_err(|refusal| refused(call, &sender, refusal))?))
}

/// Streams a body into a batch on the gateway's own threads; `head` is what has come already.
async fn batch(
    call: &mut Call,
    rules: Arc<Rules>,
    opening: Opening,
    head: Vec<u8>,
) -> Result<Result<Receipt, Refusal>, Problem> {
    let _place = call.site.enter_batch().ok_or_else(busy)?;
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING_MAX);
    let store = call.site.store.clone();
    let reading = call
        .site
        .runtime
        .spawn(read_batch(store, rules, opening, waiting));
    let mut next = Some(Bytes::from(head));
    while let Some(chunk) = next {
        // The reader has gone: it refused, and its answer tells why.
        if chunks.send(Piece::Bytes(chunk)).await.is_err() {
            break;
        }
        // A body that breaks off drops the sender without an end: the batch is given up.
        next = call.body.next().await?;
    }
    let _ = chunks.send(Piece::End).await;
    Ok(reading.await.unwrap_or_else(|_| Err(ended_badly())))
}

enum Piece {
    Bytes(Bytes),
    End,
}

async fn read_batch(
    store: Store,
    rules: Arc<Rules>,
    opening: Opening,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Receipt, Refusal> {
    let mut batch = Batch::begin(store, rules, opening).await?;
    loop {
        let pushed = match pieces.recv().await {
            Some(Piece::Bytes(chunk)) => batch.push(&chunk).await,
            Some(Piece::End) => return batch.finish().await,
            None => Err(Refusal::Busy),
        };
        if let Err(refusal) = pushed {
            batch.abandon().await?;
            return Err(refusal);
        }
    }
}

fn ended_badly() -> Refusal {
    Refusal::Store(StoreError::inside("accept", "a task ended badly"))
}

/// The partner's in-channels for what the head says of the body.
fn ways_in<'r>(call: &Call, rules: &'r Rules, partner: &PartnerId) -> Result<Ways<'r>, Problem> {
    let format = call.sole("kinbridge-format")?;
    let channel = call.sole("kinbridge-channel")?;
    let media = media_type(call)?;
    let unsaid = format.is_none() && (media.is_empty() || media == ANY_TYPE);
    Ways::of(rules, partner, (format, channel))
        .and_then(|ways| ways.taking((!unsaid).then_some(media)))
        .map_err(no_way)
}

fn no_way(why: NoWay) -> Problem {
    let detail = match why {
        NoWay::ChannelUnknown => "no in-channel of yours takes this format",
        NoWay::MediaUnknown => "Content-Type is not one of the format's media types",
        NoWay::Unlike => {
            "the body begins like nothing your channels take; name its format in Kinbridge-Format \
             and you are told what is wrong with it"
        }
        NoWay::Ambiguous => {
            "the body may be meant for several of your channels; name its format in \
             Kinbridge-Format, or the channel in Kinbridge-Channel"
        }
    };
    Problem::new(&FORMAT_UNSUPPORTED, detail)
}

fn idempotency_key(call: &Call) -> Result<Option<String>, Problem> {
    if !call.request.headers().contains_key("idempotency-key") {
        return Ok(None);
    }
    let key = call.sole("idempotency-key")?.unwrap_or_default();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        let detail = "Idempotency-Key: 1 to 255 visible ASCII characters";
        return Err(Problem::new(&PARAMETER_INVALID, detail));
    }
    Ok(Some(key.to_owned()))
}

enum Small {
    Whole(Vec<u8>),
    Larger(Vec<u8>),
}

impl Small {
    /// How the body begins.
    fn head(&self) -> &[u8] {
        let (Small::Whole(bytes) | Small::Larger(bytes)) = self;
        bytes
    }
}

/// The body when it is small, else what has come so far.
async fn small_body(call: &mut Call) -> Result<Small, Problem> {
    let announced = usize::try_from(call.announced()).unwrap_or(usize::MAX);
    // The announced length is a hint of the caller's: memory is taken for what has come.
    let mut body = Vec::with_capacity(announced.min(INLINE_BYTES_MAX));
    while let Some(chunk) = call.body.next().await? {
        body.extend_from_slice(&chunk);
        if body.len() > SMALL_BODY_BYTES_MAX {
            return Ok(Small::Larger(body));
        }
    }
    Ok(Small::Whole(body))
}

fn answered(call: &Call, partner: &PartnerId, taken: Result<Receipt, Refusal>) -> Outcome {
    match taken {
        Ok(receipt) => {
            emit(&Event::Accepted {
                partner,
                accepted: receipt.counts.accepted,
                duplicate: receipt.counts.duplicate,
                rejected: receipt.counts.rejected,
                held: receipt.counts.held,
                correlation: &call.correlation,
            });
            Ok(HttpResponse::Accepted().json(&receipt))
        }
        Err(refusal) => {
            let problem = refused(call, partner, refusal);
            emit(&Event::Refused {
                partner,
                code: problem.kind.code,
                correlation: &call.correlation,
            });
            Err(problem)
        }
    }
}

/// Whether size alone kept everything out.
fn all_too_large(findings: &[Finding]) -> bool {
    let mut errors = findings
        .iter()
        .filter(|finding| finding.is_error())
        .peekable();
    errors.peek().is_some() && errors.all(|finding| finding.code == SIZE_EXCEEDED.code)
}

fn refused(call: &Call, partner: &PartnerId, refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Nothing(findings) if hotline::is_due(&findings) => {
            let whom = Hotline::of(&call.site.rules.load(), partner);
            Problem::new(&REPORT_BY_PHONE_FIRST, whom.text())
                .with("hotline", json!(whom))
                .with("findings", json!(findings))
        }
        Refusal::ChannelUnknown | Refusal::FormatUnknown => Problem::new(
            &FORMAT_UNSUPPORTED,
            "no in-channel of yours takes this format",
        ),
        Refusal::TooLarge => too_large(SMALL_BODY_BYTES_MAX as u64),
        Refusal::Nothing(findings) if all_too_large(&findings) => {
            let detail = "send records of at most 1 MiB and documents of at most 16 MiB";
            Problem::new(&BODY_TOO_LARGE, detail).with("findings", json!(findings))
        }
        Refusal::Nothing(findings) => {
            let detail = "mend what the findings say and send again";
            Problem::new(&NOTHING_ACCEPTED, detail).with("findings", json!(findings))
        }
        Refusal::KeyConflict => {
            let detail = "use a new key for a new body; the first body's receipt stands";
            Problem::new(&KEY_CONFLICT, detail)
        }
        Refusal::Busy => busy(),
        Refusal::Store(error) => store_failed(&error),
    }
}
