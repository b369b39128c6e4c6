//! Routing: which partners a committed record may concern, as of now.
//!
//! It queues candidates and decides nothing. A record is routed once per version; routing it twice
//! changes nothing, because delivery ids are derived.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{ChannelId, DeliveryId, PartnerId, RecordId};
use crate::base::vocabulary::Purpose;
use crate::catalog::partner::Channel;
use crate::kept::{held, persons};
use crate::release::candidates::{
    Candidate, NamedByFamily, Ties, addressee_unknown, behind_the_wall, candidates,
};
use crate::release::{FamilyPapers, family_names, opened};
use crate::rules::Rules;
use crate::store::{
    HoldCause, NewDelivery, NewWorkItem, Routed, Store, StoreError, StoredConsent, StoredRecord,
};

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
    rules: &Rules,
    limit: usize,
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    let work = store.claim_routes(limit).await?;
    let mut found = Vec::with_capacity(work.len());
    for item in &work {
        found.push(route(store, rules, &item.record, now).await?);
    }
    let (records, deliveries) = (found.len(), found.iter().map(|r| r.deliveries.len()).sum());
    if !found.is_empty() {
        store.routed(found).await?;
    }
    Ok((records, deliveries))
}

async fn route(
    store: &Store,
    rules: &Rules,
    stored: &StoredRecord,
    now: Timestamp,
) -> Result<Routed, StoreError> {
    let mut routed = Routed {
        record_id: stored.record_id,
        version: stored.version,
        deliveries: Vec::new(),
        work: Vec::new(),
    };
    let Some(record) = opened(&stored.record_type, &stored.payload) else {
        routed.work.push(item(HoldCause::OutputInvalid, "payload"));
        return Ok(routed);
    };
    // Whom the family names matters only at the prevention wall; the store is asked there alone.
    let named = if behind_the_wall(&record) {
        family_names(
            rules,
            &FamilyPapers {
                record: &record,
                persons: &persons(stored),
                source: &stored.partner,
                consents: &held(&consents(store, stored).await?),
                now,
            },
        )
    } else {
        NamedByFamily::default()
    };
    let ties = Ties {
        record: &record,
        sender: &stored.partner,
        test: stored.test,
        named_by_family: &named,
    };
    let case = record.envelope().and_then(|e| e.text("case_ref"));
    for candidate in candidates(&rules.partners, &ties) {
        routed
            .deliveries
            .extend(delivery(store, rules, stored, case, candidate));
    }
    if addressee_unknown(&rules.partners, &record) {
        routed
            .work
            .push(item(HoldCause::AddresseeUnknown, "recipient"));
    }
    Ok(routed)
}

fn item(cause: HoldCause, detail: &str) -> NewWorkItem {
    NewWorkItem {
        cause,
        detail: detail.to_owned(),
    }
}

async fn consents(store: &Store, stored: &StoredRecord) -> Result<Vec<StoredConsent>, StoreError> {
    let ids: Vec<_> = stored.persons.iter().map(|p| p.person).collect();
    store.consents_of(&ids).await
}

fn delivery(
    store: &Store,
    rules: &Rules,
    stored: &StoredRecord,
    case: Option<&str>,
    candidate: Candidate,
) -> Option<NewDelivery> {
    let channel = channel(rules, &candidate.partner, &candidate.channel)?;
    let leg = Leg {
        record_id: stored.record_id,
        version: stored.version,
        partner: &candidate.partner,
        channel: &candidate.channel,
        purpose: channel.purpose,
        generation: 0,
    };
    let person = stored.persons.iter().find(|p| p.focus).map(|p| p.person);
    let family = match (case, person) {
        (Some(case), _) => format!("{}|{case}", stored.partner),
        (None, Some(person)) => person.to_string(),
        (None, None) => stored.record_id.to_string(),
    };
    Some(NewDelivery {
        delivery_id: leg.delivery_id(),
        record_id: stored.record_id,
        version: stored.version,
        lane: store.lane(&candidate.partner, &candidate.channel, &family),
        late_release_days: channel.late_release_days,
        partner: candidate.partner,
        channel: candidate.channel,
        generation: 0,
        addressee: candidate.addressee,
    })
}

/// The channel of that name, as the rules in force know it.
pub(super) fn channel<'a>(
    rules: &'a Rules,
    partner: &PartnerId,
    channel: &ChannelId,
) -> Option<&'a Channel> {
    rules.partners.get(partner)?.channel(channel)
}
