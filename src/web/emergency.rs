//! The emergency door over HTTP: the form of what is declared, how often may be asked, the answer
//! as JSON, and who is shown what was declared.
//!
//! What may go is the door's to decide ([`crate::door`]); nothing is decided here. Who is not known
//! and who nothing may be told about answer alike; what is declared is sealed and never logged.

use super::answer::{Call, Outcome, busy, store_failed};
use super::forms::{Form, object, required, text, truth, word};
use super::json;
use super::lodging::{Identifier, identifier};
use super::problem::{BODY_INVALID, FORBIDDEN, Problem, RATE_LIMITED};
use super::work::REASON_CHARS_MAX;
use crate::base::paperwork::says_something;
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{Obligation, Purpose, SourceRole};
use crate::catalog::partner::Partner;
use crate::door::{self, Answer, Desk, Door};
use crate::intake::scoped_identifier;
use crate::rules::Rules;
use crate::store::EmergencyTold;
use crate::telemetry::{Event, emit};
use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

/// Longest name, title or place, characters.
const NAME_CHARS_MAX: usize = 256;
/// Longest account of something, characters.
const ACCOUNT_CHARS_MAX: usize = 2_000;
/// When to come back after too many requests, in seconds.
const RETRY_SECS: u64 = 60;

/// What is declared.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    requester: Human,
    subject: Identifier,
    purpose: Purpose,
    reason: String,
    emergency: Declared,
}

/// The human who asks.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Human {
    name: Option<String>,
    staff_id: Option<String>,
    title: String,
    affiliation: String,
}

/// What 42 CFR 2.51 asks.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    nature: String,
    consent_obtainable: bool,
    consent_unobtainable_because: Option<String>,
    treating_facility: String,
    discloser: String,
}

static ASKED: LazyLock<Form> = LazyLock::new(|| {
    let name = || text(1, NAME_CHARS_MAX);
    let account = || text(1, ACCOUNT_CHARS_MAX);
    let human = object(vec![
        ("name", name()),
        ("staff_id", name()),
        ("title", required(name())),
        ("affiliation", required(name())),
    ]);
    let emergency = object(vec![
        ("nature", required(account())),
        ("consent_obtainable", required(truth())),
        ("consent_unobtainable_because", account()),
        ("treating_facility", required(name())),
        ("discloser", required(name())),
    ]);
    Form::of(object(vec![
        ("requester", required(human)),
        ("subject", required(identifier())),
        (
            "purpose",
            required(word(Purpose::EMERGENCIES, Purpose::as_str)),
        ),
        ("reason", required(text(1, REASON_CHARS_MAX))),
        ("emergency", required(emergency)),
    ]))
});

/// Answers a request at the door.
pub async fn access(mut call: Call) -> Outcome {
    let pass = call.partner()?;
    if !pass.within_emergency_rate() {
        let detail = "too many emergency requests: call the county's privacy officer on call";
        return Err(Problem::new(&RATE_LIMITED, detail).retry_after(RETRY_SECS));
    }
    let asked: Asked = json::read(&mut call, &ASKED).await?;
    sound(&asked)?;
    let rules = call.site.rules.load_full();
    let partner = rules.partners.get(&pass.id);
    let partner = partner.ok_or_else(Problem::not_found)?.clone();
    let about = about(&call, &asked, scoped(&rules, &partner, &asked));
    let stamp = (asked.purpose, call.site.clock.now());
    let door = Door::toward(rules, &partner, stamp).ok_or_else(|| {
        let detail = "no pull channel of yours has this purpose";
        Problem::new(&FORBIDDEN, detail)
    })?;
    let door = Arc::new(door);
    let desk = Desk {
        store: &call.site.store,
        runtime: &call.site.runtime,
    };
    let answer = door.answer(desk, &about).await;
    let answer = answer.map_err(|error| store_failed(&error))?;
    let answer = answer.ok_or_else(busy)?;
    emit(&Event::EmergencyAccess {
        partner: &partner.id,
        access: &door.emergency_id(),
        given: answer.given().len(),
        test: door.is_test(),
    });
    Ok(HttpResponse::Ok().json(told(&door, &asked, &answer)))
}

/// The identifier of whoever is meant, as the registry keeps it.
fn scoped(rules: &Rules, partner: &Partner, asked: &Asked) -> String {
    let Identifier { system, value } = &asked.subject;
    scoped_identifier(&rules.sources.statewide, partner, system, value).text
}

/// What is asked at the door; all that was declared is sealed with the answer.
fn about(call: &Call, asked: &Asked, subject: String) -> door::Asked {
    door::Asked {
        subject,
        consent_obtainable: asked.emergency.consent_obtainable,
        declaration: Sensitive::new(serde_json::to_vec(asked).unwrap_or_default()),
        correlation_id: call.correlation.clone(),
    }
}

/// What the form cannot say.
fn sound(asked: &Asked) -> Result<(), Problem> {
    let Asked {
        requester,
        emergency,
        reason,
        ..
    } = asked;
    let said = |text: &Option<String>| text.as_deref().is_some_and(says_something);
    let detail = if !said(&requester.name) && !said(&requester.staff_id) {
        "name the human who asks: requester.name or requester.staff_id"
    } else if !emergency.consent_obtainable && !said(&emergency.consent_unobtainable_because) {
        "say why consent cannot be had: emergency.consent_unobtainable_because"
    } else if !says_something(reason) || !says_something(&emergency.nature) {
        "say the reason and the nature of the emergency in words"
    } else {
        return Ok(());
    };
    Err(Problem::new(&BODY_INVALID, detail))
}

fn told(door: &Door, asked: &Asked, answer: &Answer) -> Value {
    let records = answer.given().iter().map(|given| {
        let (record, outgoing) = (given.record(), given.outgoing());
        json!({
            "record_id": record.record_id,
            "record_type": record.record_type,
            "media_type": outgoing.media_type(),
            "excerpt": outgoing.is_excerpt(),
            "obligations": outgoing.told().iter().map(Obligation::as_str).collect::<Vec<_>>(),
            "content": given.content(),
        })
    });
    json!({
        "access_id": door.emergency_id(),
        "answered_at": door.now().to_rfc3339(),
        "purpose": asked.purpose,
        "records": records.collect::<Vec<_>>(),
        "truncated": answer.is_truncated(),
    })
}

/// Who is told what was declared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// A privacy officer or auditor who says why: all of it.
    Officer,
    /// The same before they say why: who asked, and neither whom nor what it was about.
    Desk,
    /// A Part 2 program whose record was given: what 42 CFR 2.51(c) has it document.
    Part2Program,
    /// Any other source: who, when and for what. How somebody else's patient does is not its to
    /// know.
    Source,
}

impl Listener {
    /// What that partner hears as the source of a record that was given.
    pub fn of_source(source: Option<&Partner>) -> Listener {
        match source.and_then(Partner::source_role) {
            Some(SourceRole::SudProgram) => Listener::Part2Program,
            _ => Listener::Source,
        }
    }
}

/// What was declared, for those who look at it.
pub fn shown(told: &EmergencyTold, to: Listener) -> Value {
    let read = serde_json::from_slice(told.declaration.expose(Reason::Send));
    let declared: Option<Asked> = read.ok();
    let declared = declared.as_ref();
    let requester = declared.map(|asked| match to {
        Listener::Source => json!({
            "title": asked.requester.title,
            "affiliation": asked.requester.affiliation,
        }),
        Listener::Officer | Listener::Desk | Listener::Part2Program => json!(asked.requester),
    });
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("access_id", json!(told.emergency_id));
    put("partner", json!(told.requester));
    put("purpose", json!(told.purpose));
    put("at", json!(told.at.to_rfc3339()));
    put("requester", json!(requester));
    if matches!(to, Listener::Officer | Listener::Part2Program) {
        put("emergency", json!(declared.map(|asked| &asked.emergency)));
    }
    if to == Listener::Officer {
        put("reason", json!(declared.map(|asked| &asked.reason)));
        put("subject", json!(declared.map(|asked| &asked.subject)));
    }
    Value::Object(members)
}
