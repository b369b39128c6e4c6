//! The emergency door: what may go at once about one person, to a named human who declares why.
//!
//! Every record of the person is decided by the one release path, with what is declared as the
//! facts of this one answer, away from the threads that serve requests; what may go is committed
//! before anybody is given it. Who is not known and who nothing may be told about get the same
//! answer. It must never give what is not committed, and never read what was declared beyond
//! whether consent could be had.

mod room;

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{ChannelId, CorrelationId, EmergencyId};
use crate::base::limits::{EMERGENCY_PAGE_ROWS, EMERGENCY_PAGES_MAX};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::Purpose;
use crate::catalog::partner::{Channel, Direction, Mode, Partner};
use crate::kept::{OnFile, Readied, Toward, decision_record, on_file};
use crate::release::{Emergency, Outgoing, Release, waits_for_addressee};
use crate::rules::Rules;
use crate::store::{
    EmergencyAnswer, EmergencyAsk, EmergencyGiven, EmergencyRow, NewEmergency, Store, StoreError,
    StoredRecord,
};
use room::Room;
use std::sync::Arc;
use tokio::runtime::Handle;

/// How often a decision is taken again because a consent changed meanwhile.
const ROUNDS_MAX: usize = 4;

/// Who stands at the door, and what leads out to them.
pub struct Door {
    rules: Arc<Rules>,
    partner: Partner,
    channel: Channel,
    now: Timestamp,
    emergency_id: EmergencyId,
}

/// What is asked there.
pub struct Asked {
    /// Whom it is about: an identifier, scoped.
    pub subject: String,
    /// Whether consent could be had.
    pub consent_obtainable: bool,
    /// All that was declared, as it is sealed.
    pub declaration: Sensitive<Vec<u8>>,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// Where it is decided.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What is kept.
    pub store: &'a Store,
    /// On whose threads decisions are taken.
    pub runtime: &'a Handle,
}

/// What may be given.
#[derive(Default)]
pub struct Answer {
    given: Vec<Given>,
    held: u64,
    room: Room,
    /// Whether there are older records than were decided.
    unread: bool,
}

impl Answer {
    /// What is given, newest first.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// Whether something that may go found no place in it.
    pub fn is_truncated(&self) -> bool {
        self.room.left_out()
    }
}

/// One record of it.
pub struct Given {
    row: EmergencyRow,
    outgoing: Box<Outgoing>,
    digest: Digest,
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

    /// Of which record it is.
    pub fn record(&self) -> &StoredRecord {
        &self.row.record
    }

    /// What goes, and with which notices.
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The document.
    pub fn content(&self) -> &str {
        &self.content
    }
}

impl Door {
    /// A door for a partner and a purpose; `None` where no pull channel of its has that purpose.
    pub fn toward(
        rules: Arc<Rules>,
        partner: &Partner,
        (purpose, now): (Purpose, Timestamp),
    ) -> Option<Door> {
        let mut channels = partner.channel.iter();
        let leads =
            |one: &&Channel| one.direction == Direction::Pull && one.purpose == Some(purpose);
        let channel = channels.find(leads)?.clone();
        Some(Door {
            rules,
            partner: partner.clone(),
            channel,
            now,
            emergency_id: EmergencyId::mint(now),
        })
    }

    /// The request's id.
    pub fn emergency_id(&self) -> EmergencyId {
        self.emergency_id
    }

    /// The instant it is decided for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether it is test traffic.
    pub fn is_test(&self) -> bool {
        self.partner.mode == Mode::Test
    }

    /// The answer, on record now: it may be given. `None` when what it rests on changed each time
    /// before it could be put on record.
    ///
    /// # Errors
    /// When the store fails; nothing may be given then.
    pub async fn answer(
        self: &Arc<Door>,
        desk: Desk<'_>,
        asked: &Asked,
    ) -> Result<Option<Answer>, StoreError> {
        for _ in 0..ROUNDS_MAX {
            let answer = self.decided(desk, asked).await?;
            if self.committed(desk.store, asked, &answer).await? == EmergencyAnswer::Go {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Decides every record of whoever is meant, newest first, until the answer is full.
    async fn decided(
        self: &Arc<Door>,
        desk: Desk<'_>,
        asked: &Asked,
    ) -> Result<Answer, StoreError> {
        let (store, test) = (desk.store, self.is_test());
        let person = store.person_seen_by(&self.partner.id, &asked.subject, test);
        let Some(person) = person.await? else {
            return Ok(Answer::default());
        };
        let declared = Emergency {
            subject: person,
            consent_obtainable: asked.consent_obtainable,
        };
        let (mut answer, mut after) = (Answer::default(), None);
        for _ in 0..EMERGENCY_PAGES_MAX {
            let page = store.emergency_records(EmergencyAsk {
                person,
                test,
                record_types: &self.channel.records,
                after,
                limit: EMERGENCY_PAGE_ROWS,
            });
            let page = page.await?;
            let found = on_file(store, page.rows.iter().map(|row| &row.record)).await?;
            let door = Arc::clone(self);
            let work = move || door.gather(answer, (page.rows, &found), declared);
            let ended = |_| StoreError::inside("emergency_access", "a task ended badly");
            answer = desk.runtime.spawn_blocking(work).await.map_err(ended)?;
            after = page.next;
            if after.is_none() || answer.room.is_full() {
                return Ok(answer);
            }
        }
        answer.unread = true;
        Ok(answer)
    }

    /// Adds what may go of these, as much as one answer holds: a smaller one may fit behind a
    /// larger.
    fn gather(
        &self,
        mut answer: Answer,
        (rows, found): (Vec<EmergencyRow>, &OnFile),
        declared: Emergency,
    ) -> Answer {
        let toward = Toward {
            emergency: Some(declared),
            ..Toward::plain(&self.partner, &self.channel)
        };
        let by_person = found.by_person();
        for row in rows {
            let readied = Readied::new(&row.record, found, &by_person);
            let release = readied.and_then(|one| one.release(&self.rules, toward, self.now));
            match release {
                Some(Release::Go(outgoing)) => {
                    let given = Given::new(row, outgoing);
                    if answer.room.takes(given.content.len()) {
                        answer.given.push(given);
                    }
                }
                Some(Release::Held(..)) => answer.held += 1,
                Some(Release::Withheld(taken)) if waits_for_addressee(&taken) => answer.held += 1,
                Some(Release::Withheld(_) | Release::Untied(_)) | None => {}
            }
        }
        answer
    }

    /// Whether the answer is on record now and may be given.
    async fn committed(
        &self,
        store: &Store,
        asked: &Asked,
        answer: &Answer,
    ) -> Result<EmergencyAnswer, StoreError> {
        let all = || answer.given.iter();
        let given = all().map(|given| EmergencyGiven {
            record_id: given.row.record.record_id,
            row: given.row.row,
            source: given.row.record.partner.clone(),
            decision: decision_record(given.outgoing.taken()),
            output: given.digest,
        });
        let persons = all().flat_map(|given| &given.row.record.persons);
        let spends = all().flat_map(|given| given.outgoing.spends().to_vec());
        let mut spends: Vec<_> = spends.collect();
        spends.sort();
        spends.dedup();
        let name = self.channel.name.clone();
        let purpose = self.channel.purpose.map(|purpose| purpose.as_str());
        let new = NewEmergency {
            emergency_id: self.emergency_id,
            requester: self.partner.id.clone(),
            channel: name.unwrap_or_else(|| ChannelId::new("")),
            purpose: purpose.unwrap_or_default().to_owned(),
            test: self.is_test(),
            rule_set: self.rules.digest.clone(),
            correlation_id: asked.correlation_id.clone(),
            declaration: asked.declaration.clone(),
            epochs: persons
                .map(|person| (person.person, person.epoch))
                .collect(),
            spends,
            given: given.collect(),
            held: answer.held,
            truncated: answer.is_truncated(),
            unread: answer.unread,
            review_due: self.rules.policy.calendar().due(self.now),
        };
        store.authorise_emergency(new).await
    }
}
