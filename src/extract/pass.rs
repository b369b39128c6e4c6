//! One pass over the records of one type: decide, release, a page at a time.
//!
//! Both what is written and what is served is decided here and nowhere else. A stored record goes
//! in and never comes out: what comes out is a decision, with what was released if it may go.

use super::joint::Joint;
use super::manifest::Parameters;
use crate::base::clock::Timestamp;
use crate::base::id::{ChannelId, PersonId, RecordId, RecordType};
use crate::base::limits::EXTRACT_PAGE_ROWS;
use crate::catalog::partner::{Channel, Partner};
use crate::kept::{Readied, Toward, decision_record, hold_cause, on_file};
use crate::release::{ObligationSet, Outgoing, Release};
use crate::rules::Rules;
use crate::store::{
    DecisionRecord, Extract, ExtractPage, HoldCause, RowRef, Store, StoreError, Unreadable,
};
use std::sync::Arc;

/// What was decided about a record.
pub enum Answer {
    /// The requester stands in no relation to it: no decision, no trace.
    NotAsked,
    /// Its payload cannot be read.
    Unreadable,
    /// This may go.
    Go(Box<Outgoing>),
    /// Law and consents withhold it.
    Withheld(DecisionRecord),
    /// A person must look.
    Held(HoldCause, DecisionRecord),
}

/// What persons have done about a record for the requester.
#[derive(Clone, Copy, Debug)]
pub struct Handled {
    /// Looked at it and let it go on.
    pub reviewed: bool,
    /// Obligations they say are done, one bit each by their place in the vocabulary.
    pub done: u32,
}

/// A decided record, named.
pub struct Decided {
    /// Which.
    pub record_id: RecordId,
    /// Which version.
    pub row: RowRef,
    /// Whom it speaks of.
    pub persons: Vec<PersonId>,
    /// When a person has to have looked at it, where one looks only after it has gone.
    pub review_due: Option<Timestamp>,
    /// What was decided.
    pub answer: Answer,
}

/// A decided page.
pub struct Page {
    /// In order of the record ids.
    pub decided: Vec<Decided>,
    /// What could not be opened.
    pub unreadable: Vec<Unreadable>,
}

/// Decides for one requester over one channel.
pub struct Decider {
    rules: Arc<Rules>,
    recipient: Partner,
    channel: Channel,
}

impl Decider {
    /// `None` when the requester or its channel is gone.
    pub fn new(rules: &Arc<Rules>, extract: &Extract, asked: &Parameters) -> Option<Decider> {
        let recipient = rules.partners.get(&extract.requester)?.clone();
        let channel = recipient.channel(&asked.channel)?.clone();
        Some(Decider {
            rules: rules.clone(),
            recipient,
            channel,
        })
    }

    /// How the files of this channel's format are joined.
    pub fn joint(&self) -> Joint {
        let tabular = self
            .rules
            .wires
            .get(&self.channel.format)
            .is_some_and(|w| w.is_tabular());
        if tabular { Joint::Rows } else { Joint::Lines }
    }

    /// Media type of the file.
    pub fn media_type(&self) -> String {
        match self.joint() {
            Joint::Lines => "application/x-ndjson".to_owned(),
            Joint::Rows => self.document_type(),
        }
    }

    /// Media type of one released record.
    fn document_type(&self) -> String {
        let wire = self.rules.wires.of_channel(&self.channel);
        wire.map(|wire| wire.media_type().to_owned())
            .unwrap_or_default()
    }

    fn review_due(&self, answer: &Answer, at: Timestamp) -> Option<Timestamp> {
        match answer {
            Answer::Go(outgoing) if outgoing.review_after() => {
                Some(self.rules.policy.calendar().due(at))
            }
            _ => None,
        }
    }

    /// Decides about one record as of an instant, on all that is on file on its persons. The
    /// prevention wall and the ties stand for pulls as for sends: release looks at them.
    pub fn decide(
        &self,
        (readied, handled): (Option<Readied<'_>>, Handled),
        at: Timestamp,
    ) -> Answer {
        let Some(readied) = readied else {
            return Answer::Unreadable;
        };
        let to = Toward {
            recipient: &self.recipient,
            channel: &self.channel,
            reviewed: handled.reviewed,
            done: ObligationSet(handled.done),
            emergency: None,
        };
        match readied.release(&self.rules, to, at) {
            // Nothing leads there, or its sender is no longer in the catalog.
            None | Some(Release::Untied(_)) => Answer::NotAsked,
            // Somebody has to say who the recipient is to the person.
            Some(Release::Withheld(taken)) if taken.standing_unknown => {
                Answer::Held(HoldCause::StandingUnknown, decision_record(&taken))
            }
            Some(Release::Withheld(taken)) => Answer::Withheld(decision_record(&taken)),
            Some(Release::Held(hold, taken)) => {
                Answer::Held(hold_cause(hold), decision_record(&taken))
            }
            // What has to go along with a record has no place in a file of many.
            Some(Release::Go(outgoing)) if outgoing.media_type() != self.document_type() => {
                let mut decision = decision_record(outgoing.taken());
                let attached = outgoing.attached().iter();
                decision.open = attached.map(|owed| owed.as_str().to_owned()).collect();
                Answer::Held(HoldCause::ObligationOpen, decision)
            }
            Some(Release::Go(outgoing)) => Answer::Go(outgoing),
        }
    }
}

/// The records of one type of one job, decided as of the job's instant.
pub struct Scan {
    store: Store,
    decider: Decider,
    at: Timestamp,
    page: ExtractPage,
    ended: bool,
}

impl Scan {
    /// A scan from the beginning.
    pub fn new(store: &Store, decider: Decider, extract: &Extract, of: &RecordType) -> Scan {
        let channel = decider.channel.name.clone();
        let channel = channel.unwrap_or_else(|| ChannelId::new(""));
        Scan {
            store: store.clone(),
            decider,
            at: extract.decided_at,
            page: ExtractPage {
                requester: extract.requester.clone(),
                channel,
                position: extract.position,
                test: extract.test,
                record_type: of.clone(),
                after: None,
                limit: EXTRACT_PAGE_ROWS,
            },
            ended: false,
        }
    }

    /// The next page decided; `None` after the last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let seen = self.store.extract_page(&self.page).await?;
        self.page.after = seen.next;
        self.ended = seen.next.is_none();
        let records = seen.rows.iter().map(|row| &row.record);
        let found = on_file(&self.store, records).await?;
        let mut unreadable = seen.unreadable;
        let mut decided = Vec::with_capacity(seen.rows.len());
        let by_person = found.by_person();
        for row in &seen.rows {
            let readied = Readied::new(&row.record, &found, &by_person);
            let (record_id, row_ref) = (row.record.record_id, row.row);
            let handled = Handled {
                reviewed: row.reviewed,
                done: row.done,
            };
            match self.decider.decide((readied, handled), self.at) {
                Answer::NotAsked => {}
                Answer::Unreadable => unreadable.push(Unreadable {
                    record_id,
                    row: row_ref,
                }),
                answer => decided.push(Decided {
                    record_id,
                    row: row_ref,
                    persons: row.record.persons.iter().map(|p| p.person).collect(),
                    review_due: self.decider.review_due(&answer, self.at),
                    answer,
                }),
            }
        }
        Ok(Some(Page {
            decided,
            unreadable,
        }))
    }
}
