//! Routing: which partners a committed record may concern, as of now.
//!
//! It queues candidates and decides nothing. A record is routed once per version, and again where
//! it stands behind the prevention wall and its family's papers change; routing it twice changes
//! nothing, because delivery ids are derived.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{ChannelId, DeliveryId, PartnerId, PersonId, RecordId};
use crate::base::vocabulary::Purpose;
use crate::catalog::partner::Channel;
use crate::kept::{ByPerson, persons};
use crate::record::Record;
use crate::release::candidates::{
    Candidate, NamedByFamily, Ties, addressee_unknown, behind_the_wall, candidates,
};
use crate::release::{FamilyPapers, family_names, opened};
use crate::rules::Rules;
use crate::store::{
    HoldCause, NewDelivery, NewWorkItem, RouteWork, Routed, Store, StoreError, StoredConsent,
    StoredFact,
};
use std::sync::Arc;

const DAY_SECS: u64 = 86_400;

/// What a delivery id is derived from; the same six always give the same id.
#[derive(Clone, Copy)]
pub(super) struct Leg<'a> {
    pub record_id: RecordId,
    pub version: Digest,
    pub partner: &'a PartnerId,
    pub channel: &'a ChannelId,
    pub purpose: Option<Purpose>,
    pub generation: u32,
}

impl Leg<'_> {
    /// `digest(record id, version, partner, channel, purpose, generation)`, halved: never of a
    /// decision.
    pub fn delivery_id(&self) -> DeliveryId {
        let purpose = self.purpose.map(Purpose::as_str).unwrap_or_default();
        let digest = Digest::of_parts(&[
            &self.record_id.0,
            &self.version.0,
            self.partner.as_str().as_bytes(),
            self.channel.as_str().as_bytes(),
            purpose.as_bytes(),
            &self.generation.to_be_bytes(),
        ]);
        DeliveryId(digest.half())
    }
}

/// Routes some waiting records; gives how many records and deliveries there were.
pub(super) async fn route_some(
    store: &Store,
    rules: &Arc<Rules>,
    limit: usize,
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    let work = store.claim_routes(limit).await?;
    if work.is_empty() {
        return Ok((0, 0));
    }
    let router = Router {
        rules: Arc::clone(rules),
        now,
    };
    let found = off_the_road(move || router.first(work)).await?;
    let mut routed = found.routed;
    if !found.behind_wall.is_empty() {
        let router = Router {
            rules: Arc::clone(rules),
            now,
        };
        let on_file = on_file(store, &found.behind_wall).await?;
        let records = found.behind_wall;
        routed.extend(off_the_road(move || router.behind_wall(&records, &on_file)).await?);
    }
    let (records, deliveries) = (
        routed.len(),
        routed.iter().map(|r| r.deliveries.len()).sum(),
    );
    store.routed(routed).await?;
    Ok((records, deliveries))
}

/// Runs what only computes away from the threads that serve requests.
async fn off_the_road<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::inside("route", error.to_string()))
}

/// Whom a family names matters only behind the prevention wall; the store is asked there alone.
async fn on_file(
    store: &Store,
    records: &[(RouteWork, Record)],
) -> Result<(Vec<StoredConsent>, Vec<StoredFact>), StoreError> {
    let persons = records.iter().flat_map(|(work, _)| &work.record.persons);
    let mut persons: Vec<PersonId> = persons.map(|p| p.person).collect();
    persons.sort_unstable();
    persons.dedup();
    let consents = store.consents_of(&persons).await?;
    Ok((consents, store.facts_of(&persons).await?))
}

/// What a first look at waiting records gave.
struct Found {
    routed: Vec<Routed>,
    /// For these it matters whom the family names.
    behind_wall: Vec<(RouteWork, Record)>,
}

/// Finds candidates by the rules in force.
struct Router {
    rules: Arc<Rules>,
    now: Timestamp,
}

impl Router {
    fn first(&self, work: Vec<RouteWork>) -> Found {
        let mut found = Found {
            routed: Vec::with_capacity(work.len()),
            behind_wall: Vec::new(),
        };
        for work in work {
            match opened(&work.record.record_type, &work.record.payload) {
                None => {
                    let mut routed = nothing(&work);
                    routed.work.push(item(HoldCause::OutputInvalid, "payload"));
                    found.routed.push(told_once(&work, routed));
                }
                Some(record) if behind_the_wall(&record) => {
                    found.behind_wall.push((work, record));
                }
                Some(record) => {
                    let named = NamedByFamily::default();
                    found.routed.push(self.route(&work, &record, &named));
                }
            }
        }
        found
    }

    fn behind_wall(
        &self,
        records: &[(RouteWork, Record)],
        (consents, facts): &(Vec<StoredConsent>, Vec<StoredFact>),
    ) -> Vec<Routed> {
        let on_file = ByPerson::new(consents, facts);
        let each = records.iter().map(|(work, record)| {
            let stored = &work.record;
            let papers = FamilyPapers {
                record,
                persons: &persons(stored),
                source: &stored.partner,
                consents: &on_file.consents(stored),
                facts: &on_file.facts(stored),
                now: self.now,
            };
            let named = family_names(&self.rules, &papers);
            self.route(work, record, &named)
        });
        each.collect()
    }

    fn route(&self, work: &RouteWork, record: &Record, named: &NamedByFamily) -> Routed {
        let stored = &work.record;
        let mut routed = nothing(work);
        let partners = &self.rules.partners;
        let ties = Ties {
            record,
            sender: &stored.partner,
            test: stored.test,
            named_by_family: named,
        };
        let deliveries = candidates(partners, &ties).into_iter();
        let deliveries = deliveries.filter_map(|found| self.delivery(work, found));
        routed.deliveries.extend(deliveries);
        if addressee_unknown(partners, record) {
            let unknown = item(HoldCause::AddresseeUnknown, "recipient");
            routed.work.push(unknown);
        }
        told_once(work, routed)
    }

    fn delivery(&self, work: &RouteWork, candidate: Candidate) -> Option<NewDelivery> {
        let stored = &work.record;
        let channel = channel(&self.rules, &candidate.partner, &candidate.channel)?;
        // What is routed again goes as late as it might have gone had it been queued at first.
        let gone = match work.again {
            true => self.now.since(stored.received_at).as_secs() / DAY_SECS,
            false => 0,
        };
        let left = u64::from(channel.late_release_days).checked_sub(gone)?;
        let leg = Leg {
            record_id: stored.record_id,
            version: stored.version,
            partner: &candidate.partner,
            channel: &candidate.channel,
            purpose: channel.purpose,
            generation: 0,
        };
        Some(NewDelivery {
            delivery_id: leg.delivery_id(),
            record_id: stored.record_id,
            version: stored.version,
            late_release_days: u32::try_from(left).unwrap_or(u32::MAX),
            partner: candidate.partner,
            channel: candidate.channel,
            generation: 0,
            addressee: candidate.addressee,
        })
    }
}

/// What a person must look at was told when it was routed first.
fn told_once(work: &RouteWork, mut routed: Routed) -> Routed {
    if work.again {
        routed.work.clear();
    }
    routed
}

fn nothing(work: &RouteWork) -> Routed {
    Routed {
        record_id: work.record.record_id,
        version: work.record.version,
        asked: work.asked,
        deliveries: Vec::new(),
        work: Vec::new(),
    }
}

fn item(cause: HoldCause, detail: &str) -> NewWorkItem {
    NewWorkItem {
        cause,
        detail: detail.to_owned(),
        due_at: None,
    }
}

/// The channel of that name, as the rules in force know it.
pub(super) fn channel<'a>(
    rules: &'a Rules,
    partner: &PartnerId,
    channel: &ChannelId,
) -> Option<&'a Channel> {
    rules.partners.get(partner)?.channel(channel)
}
