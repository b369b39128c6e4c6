//! The emergency door: a named human asks at once for what may go about one person.
//!
//! Every record of the person is decided by the one release path, with what is declared here as the
//! facts of this one answer. What may go is committed, accounted and told to officers and sources
//! before it is given. Who is not known and who nothing may be told about answer alike; what is
//! declared is sealed and never logged.

use super::answer::{Call, Outcome, busy, store_failed};
use super::forms::{Form, object, required, text, truth, word};
use super::json;
use super::lodging::{Identifier, identifier};
use super::problem::{BODY_INVALID, FORBIDDEN, Problem, RATE_LIMITED};
use super::work::REASON_CHARS_MAX;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{ChannelId, EmergencyId};
use crate::base::limits::{
    EMERGENCY_ANSWER_BYTES_MAX, EMERGENCY_PAGE_ROWS, EMERGENCY_PAGES_MAX, EMERGENCY_RECORDS_MAX,
};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{Obligation, Purpose, SourceRole};
use crate::catalog::partner::{Channel, Direction, Mode, Partner};
use crate::intake::scoped_identifier;
use crate::kept::{OnFile, Readied, Toward, decision_record, on_file};
use crate::release::{Emergency, Outgoing, Release};
use crate::rules::Rules;
use crate::store::{
    EmergencyAnswer, EmergencyAsk, EmergencyGiven, EmergencyRow, EmergencyTold, NewEmergency,
    StoreError,
};
use crate::telemetry::{Event, emit};
use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

/// Longest name, title or place, characters.
const NAME_CHARS_MAX: usize = 256;
/// Longest account of something, characters.
const ACCOUNT_CHARS_MAX: usize = 2_000;
/// How often a decision is taken again because a consent changed meanwhile.
const ROUNDS_MAX: usize = 4;
/// When to come back after too many requests, in seconds.
const RETRY_SECS: u64 = 60;

/// Purposes the door opens for.
const PURPOSES: &[Purpose] = &[Purpose::MedicalEmergency, Purpose::BreakGlass];

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
        ("purpose", required(word(PURPOSES, Purpose::as_str))),
        ("reason", required(text(1, REASON_CHARS_MAX))),
        ("emergency", required(emergency)),
    ]))
});

/// Who stands at the door, and what leads out to them.
struct Door {
    rules: Arc<Rules>,
    partner: Partner,
    channel: Channel,
    test: bool,
    now: Timestamp,
    emergency_id: EmergencyId,
}

/// What may be given.
#[derive(Default)]
struct Answer {
    given: Vec<Given>,
    held: u64,
    room: Room,
    /// Whether there are older records than were decided.
    unread: bool,
}

/// How much an answer still holds. What is left out is told by what may go alone: what stays is
/// not counted, and nobody hears of it.
struct Room {
    records: usize,
    bytes: usize,
    /// Whether something that may go found no place.
    left_out: bool,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            records: EMERGENCY_RECORDS_MAX,
            bytes: EMERGENCY_ANSWER_BYTES_MAX,
            left_out: false,
        }
    }
}

impl Room {
    /// Whether a document of so many bytes still goes in; it takes its place then.
    fn takes(&mut self, bytes: usize) -> bool {
        let left = self
            .records
            .checked_sub(1)
            .zip(self.bytes.checked_sub(bytes));
        match left {
            Some((records, bytes)) => (self.records, self.bytes) = (records, bytes),
            None => self.left_out = true,
        }
        left.is_some()
    }

    /// Whether nothing more can be learned by looking on.
    fn is_full(&self) -> bool {
        self.records == 0 && self.left_out
    }
}

/// One record of it.
struct Given {
    row: EmergencyRow,
    outgoing: Box<Outgoing>,
    digest: Digest,
    /// The document.
    content: String,
}

impl Given {
    fn new(row: EmergencyRow, outgoing: Box<Outgoing>) -> Given {
        let bytes = outgoing.bytes().expose(Reason::Send);
        Given {
            digest: Digest::of(bytes),
            content: String::from_utf8_lossy(bytes).into_owned(),
            row,
            outgoing,
        }
    }
}

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
    let now = call.site.clock.now();
    let channel = channel(&partner, asked.purpose).ok_or_else(|| {
        let detail = "no pull channel of yours has this purpose";
        Problem::new(&FORBIDDEN, detail)
    })?;
    let door = Arc::new(Door {
        channel: channel.clone(),
        test: partner.mode == Mode::Test,
        rules,
        partner,
        now,
        emergency_id: EmergencyId::mint(now),
    });
    for _ in 0..ROUNDS_MAX {
        let answer = decided(&call, &door, &asked).await?;
        if committed(&call, &door, &asked, &answer).await? {
            emit(&Event::EmergencyAccess {
                partner: &door.partner.id,
                access: &door.emergency_id,
                given: answer.given.len(),
                test: door.test,
            });
            return Ok(HttpResponse::Ok().json(told(&door, &asked, &answer)));
        }
    }
    Err(busy())
}

/// What the form cannot say.
fn sound(asked: &Asked) -> Result<(), Problem> {
    let Asked {
        requester,
        emergency,
        reason,
        ..
    } = asked;
    let said = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.trim().is_empty());
    let detail = if !said(&requester.name) && !said(&requester.staff_id) {
        "name the human who asks: requester.name or requester.staff_id"
    } else if !emergency.consent_obtainable && !said(&emergency.consent_unobtainable_because) {
        "say why consent cannot be had: emergency.consent_unobtainable_because"
    } else if reason.trim().is_empty() || emergency.nature.trim().is_empty() {
        "say the reason and the nature of the emergency in words"
    } else {
        return Ok(());
    };
    Err(Problem::new(&BODY_INVALID, detail))
}

/// The channel by which this partner takes records for that purpose.
fn channel(partner: &Partner, purpose: Purpose) -> Option<&Channel> {
    let mut channels = partner.channel.iter();
    channels.find(|one| one.direction == Direction::Pull && one.purpose == Some(purpose))
}

/// Decides every record of whoever is meant, newest first, until the answer is full.
async fn decided(call: &Call, door: &Arc<Door>, asked: &Asked) -> Result<Answer, Problem> {
    let store = &call.site.store;
    let Identifier { system, value } = &asked.subject;
    let statewide = &door.rules.sources.statewide;
    let identifier = scoped_identifier(statewide, &door.partner, system, value);
    let person = store
        .person_seen_by(&door.partner.id, &identifier.text, door.test)
        .await
        .map_err(|error| store_failed(&error))?;
    let Some(person) = person else {
        return Ok(Answer::default());
    };
    let (mut answer, mut after) = (Answer::default(), None);
    for _ in 0..EMERGENCY_PAGES_MAX {
        let page = store.emergency_records(EmergencyAsk {
            person,
            test: door.test,
            record_types: &door.channel.records,
            after,
            limit: EMERGENCY_PAGE_ROWS,
        });
        let page = page.await.map_err(|error| store_failed(&error))?;
        let found = on_file(store, page.rows.iter().map(|row| &row.record)).await;
        let found = found.map_err(|error| store_failed(&error))?;
        let declared = Emergency {
            subject: person,
            consent_obtainable: asked.emergency.consent_obtainable,
        };
        // Away from the threads that serve requests.
        let door = Arc::clone(door);
        let work = move || gather(answer, &door, (page.rows, &found), declared);
        let done = call.site.runtime.spawn_blocking(work).await;
        let ended = |_| StoreError::inside("emergency_access", "a task ended badly");
        answer = done.map_err(|error| store_failed(&ended(error)))?;
        after = page.next;
        if after.is_none() || answer.room.is_full() {
            return Ok(answer);
        }
    }
    answer.unread = true;
    Ok(answer)
}

/// Adds what may go of these, as much as one answer holds: a smaller one may fit behind a larger.
fn gather(
    mut answer: Answer,
    door: &Door,
    (rows, found): (Vec<EmergencyRow>, &OnFile),
    declared: Emergency,
) -> Answer {
    let toward = Toward {
        emergency: Some(declared),
        ..Toward::plain(&door.partner, &door.channel)
    };
    let by_person = found.by_person();
    for row in rows {
        let readied = Readied::new(&row.record, found, &by_person);
        let release = readied.and_then(|one| one.release(&door.rules, toward, door.now));
        match release {
            Some(Release::Go(outgoing)) => {
                let given = Given::new(row, outgoing);
                if answer.room.takes(given.content.len()) {
                    answer.given.push(given);
                }
            }
            Some(Release::Held(..)) => answer.held += 1,
            Some(Release::Withheld(_) | Release::Untied(_)) | None => {}
        }
    }
    answer
}

/// Whether the answer is on record now and may be given.
async fn committed(
    call: &Call,
    door: &Door,
    asked: &Asked,
    answer: &Answer,
) -> Result<bool, Problem> {
    let given = answer.given.iter().map(|given| EmergencyGiven {
        record_id: given.row.record.record_id,
        row: given.row.row,
        source: given.row.record.partner.clone(),
        decision: decision_record(given.outgoing.taken()),
        output: given.digest,
    });
    let name = door.channel.name.clone();
    let name = name.unwrap_or_else(|| ChannelId::new(""));
    let persons = answer.given.iter();
    let persons = persons.flat_map(|given| &given.row.record.persons);
    let spends = answer.given.iter();
    let mut spends: Vec<_> = spends
        .flat_map(|given| given.outgoing.spends().to_vec())
        .collect();
    spends.sort();
    spends.dedup();
    let new = NewEmergency {
        emergency_id: door.emergency_id,
        requester: door.partner.id.clone(),
        channel: name,
        purpose: asked.purpose.as_str().to_owned(),
        test: door.test,
        rule_set: door.rules.digest.clone(),
        correlation_id: call.correlation.clone(),
        declaration: Sensitive::new(serde_json::to_vec(asked).unwrap_or_default()),
        epochs: persons
            .map(|person| (person.person, person.epoch))
            .collect(),
        spends,
        given: given.collect(),
        held: answer.held,
        truncated: answer.room.left_out,
        unread: answer.unread,
        review_due: door.rules.policy.calendar().due(door.now),
    };
    let answered = call.site.store.authorise_emergency(new).await;
    let answered = answered.map_err(|error| store_failed(&error))?;
    Ok(answered == EmergencyAnswer::Go)
}

fn told(door: &Door, asked: &Asked, answer: &Answer) -> Value {
    let records = answer.given.iter().map(|given| {
        let (record, outgoing) = (&given.row.record, &given.outgoing);
        json!({
            "record_id": record.record_id,
            "record_type": record.record_type,
            "media_type": outgoing.media_type(),
            "excerpt": outgoing.is_excerpt(),
            "obligations": outgoing.told().iter().map(Obligation::as_str).collect::<Vec<_>>(),
            "content": given.content,
        })
    });
    json!({
        "access_id": door.emergency_id,
        "answered_at": door.now.to_rfc3339(),
        "purpose": asked.purpose,
        "records": records.collect::<Vec<_>>(),
        "truncated": answer.room.left_out,
    })
}

/// Who is told what was declared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// A privacy officer or auditor: all of it.
    Officer,
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
        Listener::Officer | Listener::Part2Program => json!(asked.requester),
    });
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("access_id", json!(told.emergency_id));
    put("partner", json!(told.requester));
    put("purpose", json!(told.purpose));
    put("at", json!(told.at.to_rfc3339()));
    put("requester", json!(requester));
    if to != Listener::Source {
        put("emergency", json!(declared.map(|asked| &asked.emergency)));
    }
    if to == Listener::Officer {
        put("reason", json!(declared.map(|asked| &asked.reason)));
        put("subject", json!(declared.map(|asked| &asked.subject)));
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_place_is_told_and_does_not_keep_smaller_ones_out() {
        // Goal: an answer is never incomplete without saying so. Method: one too large, one behind
        // it that fits, then more than an answer counts.
        let mut room = Room::default();
        assert!(room.takes(10) && !room.left_out);
        assert!(!room.takes(EMERGENCY_ANSWER_BYTES_MAX) && room.left_out);
        assert!(room.takes(10) && !room.is_full());
        let mut room = Room::default();
        for _ in 0..EMERGENCY_RECORDS_MAX {
            assert!(room.takes(1));
        }
        assert!(
            !room.left_out && !room.is_full(),
            "full, and nothing left out"
        );
        assert!(!room.takes(1) && room.is_full());
    }
}
