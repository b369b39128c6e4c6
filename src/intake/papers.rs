//! The papers a submission's records name: consents of the registry that are in force now.
//!
//! Only what admission asks of a paper is kept of it.

use super::Refusal;
use super::admission::{OPERATOR_ID, Paper, Papers};
use super::read::Reading;
use crate::base::clock::Timestamp;
use crate::base::id::{ConsentId, PartnerId};
use crate::base::sensitive::Reason;
use crate::disclosure::moment::Now;
use crate::disclosure::request::{Consent, Direction};
use crate::format::Node;
use crate::store::{Store, StoredConsent};
use std::collections::BTreeSet;

/// Papers looked up for one submission or chunk; more are as if they were not there.
const PAPERS_MAX: usize = 500;

/// Looks up every consent the records name, as the sender lodged it.
pub(super) async fn look_up(
    store: &Store,
    reading: &Reading,
    partner: &PartnerId,
    now: Timestamp,
) -> Result<Papers, Refusal> {
    let mut papers = Papers::new();
    for id in named(reading).into_iter().take(PAPERS_MAX) {
        let consent_id = ConsentId::new(&id);
        let found = store.get_consent(partner, &consent_id).await;
        if let Some(paper) = found.map_err(Refusal::Store)?.and_then(|c| paper(&c, now)) {
            papers.insert(id, paper);
        }
    }
    Ok(papers)
}

fn named(reading: &Reading) -> BTreeSet<String> {
    let records = reading.records.iter().filter_map(|r| r.record.as_ref());
    let lists = records.filter_map(|record| record.envelope()?.get("consent_refs"));
    lists
        .flat_map(Node::items)
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// The paper, if it permits and is in force at `now`.
fn paper(stored: &StoredConsent, now: Timestamp) -> Option<Paper> {
    let consent: Consent = serde_json::from_slice(stored.body.expose(Reason::Decide)).ok()?;
    let at = Now::at(now);
    let begun = consent
        .start
        .or(consent.signed)
        .is_some_and(|from| from.begun(at));
    let over = consent.end.is_some_and(|end| end.over(at));
    let revoked = consent.revoked.is_some_and(|from| from.begun(at))
        || stored.revoked_at.is_some_and(|from| from <= now);
    let permits = consent.direction.known() == Some(Direction::Permit);
    if !begun || over || revoked || !permits {
        return None;
    }
    let ids = consent.recipient_ids.as_ref();
    Some(Paper {
        kind: consent.kind.known()?,
        names_operator: ids.is_some_and(|ids| ids.hold(OPERATOR_ID)),
    })
}
