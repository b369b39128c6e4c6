//! The one way every request goes: who, may it, is there room, how large, then the handler.
//!
//! Everything here happens before a byte of the body is read. Handlers get a [`Call`] and give an
//! answer or a problem; they never authenticate, count or log requests themselves.

use super::body::{Body, Pace, too_large};
use super::correlation::correlation;
use super::fhir_consents;
use super::fhir_search;
use super::imports;
use super::places::Place;
use super::principal::{OperatorPass, PartnerPass, Principal};
use super::problem::{
    BUSY, FORBIDDEN, FORMAT_UNSUPPORTED, PARAMETER_INVALID, Problem, RATE_LIMITED, STOPPING,
    STORAGE_FAILING, STORAGE_FULL, STORE_UNAVAILABLE, UNAUTHENTICATED,
};
use super::routes::{Access, BodyRule, Handler, Route, Verb};
use super::scans;
use super::sheets;
use super::site::Site;
use super::tls::Peer;
use super::{
    consent_acts, consents, decisions, disclosures, emergency, explain, extracts, facts, health,
    operations, persons, submissions, submit, work,
};
use crate::base::id::CorrelationId;
use crate::store::{StorageTrouble, StoreError};
use crate::telemetry::{Event, emit};
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;
use std::time::Instant;

/// After how many seconds a sender may try again while the storage takes nothing.
const STORAGE_RETRY_SECS: u64 = 30;

/// Bytes read of a body where none is needed, to say what is wrong with it.
const NEEDLESS_BYTES_MAX: u64 = 4 << 10;

/// Longest id that whoever lodges or asserts chooses, bytes.
const TOLD_ID_BYTES_MAX: usize = 128;

/// What a handler gives.
pub type Outcome = Result<HttpResponse, Problem>;

static CORRELATION: HeaderName = HeaderName::from_static("kinbridge-correlation-id");

/// A request that was let in.
pub struct Call {
    /// What all requests share.
    pub site: Arc<Site>,
    /// Its row of the table.
    pub route: &'static Route,
    /// Head.
    pub request: HttpRequest,
    /// Who calls; `None` on public routes.
    pub principal: Option<Principal>,
    /// The exchange.
    pub correlation: CorrelationId,
    /// Not yet read.
    pub body: Body,
    place: Option<Place>,
}

impl Call {
    /// The calling partner; on a route partners may not call this is a 403.
    pub fn partner(&self) -> Result<Arc<PartnerPass>, Problem> {
        match &self.principal {
            Some(Principal::Partner(pass)) => Ok(pass.clone()),
            _ => Err(forbidden()),
        }
    }

    /// The calling operator.
    pub fn operator(&self) -> Result<Arc<OperatorPass>, Problem> {
        match &self.principal {
            Some(Principal::Operator(pass)) => Ok(pass.clone()),
            _ => Err(forbidden()),
        }
    }

    /// The id in the address, where whoever lodges or asserts chooses it: up to 128 visible
    /// characters. All else answers as what is not there.
    pub fn told_id(&self) -> Result<&str, Problem> {
        let text = self.part("id");
        let sound = (1..=TOLD_ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic());
        sound.then_some(text).ok_or_else(Problem::not_found)
    }

    /// A header's text, when it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// As [`Call::header`], of one that may stand once: which of two is meant is nobody's to guess.
    pub fn sole(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut all = self.request.headers().get_all(name);
        let first = all.next();
        if all.next().is_some() {
            let detail = format!("send {name} once");
            return Err(Problem::new(&PARAMETER_INVALID, detail));
        }
        Ok(first.and_then(|value| value.to_str().ok()))
    }

    /// A part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// Whether the query says `name=true`. Any other word, or the name twice, is a problem: what
    /// was meant as a trial must never be taken in earnest.
    pub fn asks_for(&self, name: &str) -> Result<bool, Problem> {
        let mut pairs = self
            .request
            .query_string()
            .split('&')
            .filter(|pair| !pair.is_empty());
        let mut asked = None;
        for pair in pairs.by_ref() {
            let (key, word) = pair.split_once('=').unwrap_or((pair, ""));
            let fits = key == name && asked.is_none() && matches!(word, "true" | "false");
            if !fits {
                let detail = format!("the query may hold {name}=true or {name}=false, once");
                return Err(Problem::new(&PARAMETER_INVALID, detail));
            }
            asked = Some(word == "true");
        }
        Ok(asked.unwrap_or(false))
    }

    /// The announced length of the body; 0 when there is none.
    pub fn announced(&self) -> u64 {
        announced(&self.request)
    }

    /// Whether it holds a place among the submissions in flight.
    pub fn in_flight(&self) -> bool {
        self.place.is_some()
    }
}

/// Answers one request of one route.
pub async fn answer(
    route: &'static Route,
    site: web::Data<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let started = Instant::now();
    let site = site.into_inner();
    let correlation = correlation_of(request.headers(), &site);
    let outcome = match admit(route, site, request, payload, &correlation) {
        Ok(call) => run(call).await,
        Err(problem) => Err(problem),
    };
    let form = match route.is_fhir() {
        true => Form::Fhir,
        false => Form::Plain,
    };
    finish((route.name, form), outcome, &correlation, started)
}

/// Answers what no route takes: an unknown address, or an address with another method.
pub fn unrouted(problem: Problem, site: &Site, request: &HttpRequest) -> HttpResponse {
    let correlation = correlation_of(request.headers(), site);
    finish(
        ("unrouted", Form::Plain),
        Err(problem),
        &correlation,
        Instant::now(),
    )
}

/// The exchange's id, from its head.
pub fn correlation_of(headers: &HeaderMap, site: &Site) -> CorrelationId {
    let trace = headers.get("traceparent");
    correlation(
        trace.and_then(|value| value.to_str().ok()),
        site.clock.now(),
    )
}

/// How an error is told.
enum Form {
    Plain,
    Fhir,
}

fn finish(
    (route, form): (&'static str, Form),
    outcome: Outcome,
    correlation: &CorrelationId,
    started: Instant,
) -> HttpResponse {
    let problem = outcome.as_ref().err().map(|problem| problem.kind.code);
    let mut response = outcome.unwrap_or_else(|problem| match form {
        Form::Plain => problem.into_response(correlation),
        Form::Fhir => problem.into_outcome(correlation),
    });
    if let Ok(value) = HeaderValue::from_str(correlation.as_str()) {
        response.headers_mut().insert(CORRELATION.clone(), value);
    }
    emit(&Event::Answered {
        route,
        status: response.status().as_u16(),
        took: started.elapsed(),
        correlation,
        problem,
    });
    response
}

fn admit(
    route: &'static Route,
    site: Arc<Site>,
    request: HttpRequest,
    payload: web::Payload,
    correlation: &CorrelationId,
) -> Result<Call, Problem> {
    let principal = match route.access {
        Access::Public => None,
        Access::Known { .. } => Some(authenticate(&site, &request)?),
    };
    permit(route, principal.as_ref())?;
    let place = room(route, &site, &request, principal.as_ref())?;
    let pace = Pace::of(&site.config.limits);
    let bytes_max = match route.body {
        BodyRule::None => NEEDLESS_BYTES_MAX,
        taken => taken.bytes_max(),
    };
    Ok(Call {
        body: Body::new(payload, pace, bytes_max),
        site,
        route,
        request,
        principal,
        correlation: correlation.clone(),
        place,
    })
}

fn authenticate(site: &Site, request: &HttpRequest) -> Result<Principal, Problem> {
    let known = known_caller(site, request.headers(), request.conn_data::<Peer>());
    known.ok_or_else(unauthenticated)
}

/// Who shows one `Authorization` header on a connection with this client certificate.
pub fn known_caller(site: &Site, headers: &HeaderMap, peer: Option<&Peer>) -> Option<Principal> {
    let mut all = headers.get_all(AUTHORIZATION);
    let shown = all.next();
    if all.next().is_some() {
        // Which of two is meant is nobody's to guess.
        return None;
    }
    let now = site.clock.now();
    let directory = site.directory.load();
    match shown {
        // A token that is shown decides alone: a wrong one is not rescued by a certificate.
        Some(value) => bearer(value).and_then(|token| directory.by_token(token, now)),
        None => peer.and_then(|peer| directory.by_certificate(peer, now)),
    }
}

/// Nobody we know.
pub fn unauthenticated() -> Problem {
    Problem::new(
        &UNAUTHENTICATED,
        "show a client certificate or a bearer token this gateway knows",
    )
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

fn permit(route: &Route, principal: Option<&Principal>) -> Result<(), Problem> {
    let Access::Known { partners, roles } = route.access else {
        return Ok(());
    };
    match principal {
        Some(Principal::Partner(pass)) if partners => {
            if pass.within_rate() {
                return Ok(());
            }
            let detail = "wait, then send again under the same idempotency key";
            Err(Problem::new(&RATE_LIMITED, detail).retry_after(1))
        }
        Some(Principal::Operator(pass)) if pass.roles.iter().any(|role| roles.contains(role)) => {
            Ok(())
        }
        _ => Err(forbidden()),
    }
}

fn room(
    route: &Route,
    site: &Site,
    request: &HttpRequest,
    principal: Option<&Principal>,
) -> Result<Option<Place>, Problem> {
    if route.verb != Verb::Get && is_encoded(request) {
        let detail = "send the body as it is, without Content-Encoding";
        return Err(Problem::new(&FORMAT_UNSUPPORTED, detail));
    }
    let announced = announced(request);
    if route.body != BodyRule::None && announced > route.body.bytes_max() {
        return Err(too_large(route.body.bytes_max()));
    }
    if !matches!(route.body, BodyRule::Submission { .. }) {
        return Ok(None);
    }
    if site.stopping() {
        return Err(Problem::new(&STOPPING, "send again in a moment").retry_after(5));
    }
    let Some(Principal::Partner(pass)) = principal else {
        return Err(forbidden());
    };
    site.enter(&pass.id).map(Some).ok_or_else(busy)
}

/// Whether the body is said to come in a coding of its own: none is undone here, because a small
/// body could become any number of bytes.
fn is_encoded(request: &HttpRequest) -> bool {
    let all = request.headers().get_all(CONTENT_ENCODING);
    all.into_iter().any(|value| {
        let plain = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"identity");
        !value.as_bytes().split(|byte| *byte == b',').all(plain)
    })
}

fn announced(request: &HttpRequest) -> u64 {
    let header = request.headers().get(CONTENT_LENGTH);
    let text = header.and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The caller is known and may not.
pub fn forbidden() -> Problem {
    Problem::new(&FORBIDDEN, "ask the county for the role this needs")
}

/// The store failed; the cause is logged here, once, and not shown.
pub fn store_failed(error: &StoreError) -> Problem {
    let operation = error.operation;
    emit(&Event::Failed {
        operation,
        cause: &error.cause,
    });
    match error.storage() {
        Some(trouble) => storage_takes_nothing(trouble),
        None => Problem::new(&STORE_UNAVAILABLE, "send again in a moment").retry_after(5),
    }
}

/// The storage takes nothing until the county has seen to it.
pub fn storage_takes_nothing(trouble: StorageTrouble) -> Problem {
    let kind = match trouble {
        StorageTrouble::Full => &STORAGE_FULL,
        StorageTrouble::Failing | StorageTrouble::ReadOnly => &STORAGE_FAILING,
    };
    let detail = "keep what you send and send it again later under the same idempotency key; \
                  the county has been told";
    Problem::new(kind, detail).retry_after(STORAGE_RETRY_SECS)
}

/// Too much is under way.
pub fn busy() -> Problem {
    Problem::new(&BUSY, "send again under the same idempotency key").retry_after(1)
}

async fn run(call: Call) -> Outcome {
    match call.route.handler {
        Handler::Healthz => health::healthz(),
        Handler::Readyz => health::readyz(&call).await,
        Handler::Openapi => health::openapi(&call),
        Handler::Submit => submit::submit(call).await,
        Handler::Disclosures => disclosures::list(&call).await,
        Handler::SubmissionGet => submissions::get(&call).await,
        Handler::SubmissionRecords => submissions::records(&call).await,
        Handler::ConsentPut => consents::put(call).await,
        Handler::ConsentGet => consents::get(&call).await,
        Handler::ConsentRevoke => consent_acts::revoke(call).await,
        Handler::ConsentConfirm => consent_acts::confirm(call).await,
        Handler::ConsentUnconfirm => consent_acts::unconfirm(call).await,
        Handler::ConsentEnded => consent_acts::ended(call).await,
        Handler::ConsentHistory => consent_acts::history(&call).await,
        Handler::ConsentScanPut => scans::put(call).await,
        Handler::ConsentScanGet => scans::get(&call).await,
        Handler::ConsentList => consents::list(&call).await,
        Handler::FactPut => facts::put(call).await,
        Handler::FactGet => facts::get(&call).await,
        Handler::FactConfirm => facts::confirm(call).await,
        Handler::FactEnd => facts::end(call).await,
        Handler::ConsentForm => sheets::get(&call),
        Handler::ConsentImport => imports::lodge(call).await,
        Handler::FhirMetadata => fhir_consents::metadata(),
        Handler::FhirConsentPut => fhir_consents::put(call).await,
        Handler::FhirConsentGet => fhir_consents::get(&call).await,
        Handler::FhirConsentPost => fhir_consents::post(call).await,
        Handler::FhirConsentSearch => fhir_search::get(&call).await,
        Handler::FhirConsentSearchForm => fhir_search::post(call).await,
        Handler::Decide => decisions::decide(call).await,
        Handler::WorkItems => work::items(&call).await,
        Handler::WorkItemResolve => work::resolve(call).await,
        Handler::DeliveryReplay => work::replay(call).await,
        Handler::DeliveryReplayConfirm => work::confirm_replay(call).await,
        Handler::DeliveryDecision => explain::past(&call).await,
        Handler::PersonGet => persons::get(&call).await,
        Handler::PersonJoin => persons::join(call).await,
        Handler::PersonPart => persons::part(call).await,
        Handler::WorkItemAcknowledge => work::acknowledge(call).await,
        Handler::EmergencyAccess => emergency::access(call).await,
        Handler::ExtractBegin => extracts::begin(call).await,
        Handler::ExtractGet => extracts::get(&call).await,
        Handler::ExtractFile => extracts::file(&call).await,
        Handler::RulesReload => operations::reload(call).await,
    }
}
