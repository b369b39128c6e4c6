//! After the fact: what was sent is decided again when something happened since, and recalled where
//! it could not be sent any more.
//!
//! Never in a request, and page by page. It decides by the same release as every send; it makes no
//! bytes, the notice is made when its delivery is.

use super::router::channel;
use crate::base::clock::Timestamp;
use crate::base::id::{DeliveryId, PersonId};
use crate::base::vocabulary::{RecallReason, Verdict};
use crate::catalog::partner::Channel;
use crate::kept::{ByPerson, OnFile, Readied, Toward, declared_with, facts_before, on_file};
use crate::release::{Acquaintance, ObligationSet, Would, must_be_known};
use crate::rules::Rules;
use crate::store::{
    Delivered, NewDelivery, RecallCause, Recalled, Store, StoreError, StoredRecord,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// Looks at one page of what was sent before something happened; gives how many deliveries it had,
/// or `None` when nothing waits.
pub(super) async fn recall_some(
    store: &Store,
    rules: &Rules,
    (look_back, now): (Duration, Timestamp),
) -> Result<Option<usize>, StoreError> {
    let Some(page) = store.recalls_due(look_back).await? else {
        return Ok(None);
    };
    let records = || page.found.iter().filter_map(|sent| sent.record.as_deref());
    let mut found = on_file(store, records()).await?;
    let (mut facts, mut earlier) = (Vec::new(), Vec::new());
    let by_fact = page.cause.reason == RecallReason::NoLongerPermitted;
    if by_fact {
        facts = facts_before(store, records(), page.cause.at).await?;
    } else {
        found.take_back_throughout();
        earlier = found.consents_before(page.cause.at);
    }
    let look = Look {
        rules,
        now,
        found: &found,
        by_person: found.by_person(),
        before: match by_fact {
            true => ByPerson::new(&found.consents, &facts),
            false => ByPerson::new(&earlier, &found.facts),
        },
    };
    let mut due = Vec::new();
    for sent in &page.found {
        if sent.certain || look.is_against(store, &page.cause, sent).await? {
            due.push(Recalled {
                delivery_id: sent.delivery.delivery_id,
                by_notice: sent.record.is_some()
                    && sent.given.is_none()
                    && takes_notices(rules, &sent.delivery).is_some(),
            });
        }
    }
    let looked_at = page.found.len();
    store.recall(page, due).await?;
    Ok(Some(looked_at))
}

/// The channel a notice may go to. Toward those whose standing must be known a person tells it:
/// that something changed may be the news of a protective order.
pub(super) fn takes_notices<'a>(rules: &'a Rules, to: &NewDelivery) -> Option<&'a Channel> {
    let role = rules.partners.get(&to.partner)?.recipient_role()?;
    let channel = channel(rules, &to.partner, &to.channel)?;
    (channel.recall && !must_be_known(role)).then_some(channel)
}

/// What one page is judged with.
struct Look<'a> {
    rules: &'a Rules,
    now: Timestamp,
    found: &'a OnFile,
    by_person: ByPerson<'a>,
    /// As it stood before the fact or the paper in question.
    before: ByPerson<'a>,
}

impl Look<'_> {
    /// Whether less may go now of what was sent, because of what happened. What has merely run out
    /// since is nobody's change: without what was withdrawn less would also have gone at the
    /// instant of the sending, and without the fact or the refusal in question, or a moment before
    /// its first day, it would go.
    async fn is_against(
        &self,
        store: &Store,
        cause: &RecallCause,
        sent: &Delivered,
    ) -> Result<bool, StoreError> {
        let Some(record) = sent.record.as_deref() else {
            return Ok(true);
        };
        // How long ago a private recipient was confirmed to be who they are is nobody's change;
        // whether they are is a fact's alone.
        let how_well = match cause.reason {
            RecallReason::NoLongerPermitted => Acquaintance::Ever,
            _ => Acquaintance::Supposed,
        };
        let now = self.readied(record, &self.by_person);
        let goes = |at, readied: &Option<Readied<'_>>| {
            self.goes_whole(sent, readied.as_ref(), (at, how_well))
        };
        if goes(self.now, &now) {
            return Ok(false);
        }
        let mut before = self.readied(record, &self.before);
        if cause.reason == RecallReason::NoLongerPermitted {
            // What protects somebody may be what happened: it was sent before that was said.
            before = before.map(Readied::unprotected);
        }
        // A moment earlier: what closes since its first day was on file before that.
        let earlier = Timestamp(cause.at.0.saturating_sub(1));
        let went = goes(self.now, &before) || goes(earlier, &before);
        match cause.reason {
            RecallReason::NoLongerPermitted => return Ok(went),
            RecallReason::ConsentEnded if went => return Ok(true),
            _ => {}
        }
        // On the facts of then: what was said since says nothing of why it went.
        let after = Timestamp(sent.decided_at.0.saturating_add(1));
        let facts = facts_before(store, std::iter::once(record), after).await?;
        let then = ByPerson::new(&self.found.consents, &facts);
        Ok(!goes(sent.decided_at, &self.readied(record, &then)))
    }

    fn readied<'a>(&'a self, record: &'a StoredRecord, on: &ByPerson<'a>) -> Option<Readied<'a>> {
        Readied::new(record, self.found, on)
    }

    fn goes_whole(
        &self,
        sent: &Delivered,
        readied: Option<&Readied<'_>>,
        when: (Timestamp, Acquaintance),
    ) -> bool {
        let (rules, to) = (self.rules, &sent.delivery);
        let recipient = rules.partners.get(&to.partner);
        let channel = channel(rules, &to.partner, &to.channel);
        let (Some(recipient), Some(channel)) = (recipient, channel) else {
            return false;
        };
        let declared = sent.given.as_ref();
        let declared = declared.map(|given| declared_with(&given.decision));
        // By what it has used a consent for one disclosure: the records of an answer went together.
        let by = sent
            .given
            .as_ref()
            .map(|given| DeliveryId(given.access_id.0));
        let by = by.unwrap_or(to.delivery_id);
        let asked = declared.map_or_else(|| vec![None], |all| all.map(Some).collect());
        asked.into_iter().any(|emergency| {
            let toward = Toward {
                recipient,
                channel,
                // Whoever had to look or to do something has, or it would not have been sent.
                reviewed: true,
                done: ObligationSet(u32::MAX),
                emergency,
            };
            let attempt = (toward, by);
            let judged = readied.and_then(|one| one.judge(rules, attempt, when));
            judged.is_some_and(|would| would.goes() && is_whole(sent, &would))
        })
    }
}

/// Whether all that left would go again.
fn is_whole(sent: &Delivered, would: &Would) -> bool {
    let Some(given) = &sent.given else {
        let now: BTreeSet<&String> = would.released_paths().iter().collect();
        return sent.released_paths.iter().all(|path| now.contains(path));
    };
    let now = would.taken().rows.iter();
    let now = now.filter(|row| row.verdict == Verdict::Permit);
    let now: BTreeSet<(PersonId, &str)> = now.map(|row| (row.person, row.data_class)).collect();
    let then = given.decision.rows.iter();
    then.filter(|row| row.verdict == Verdict::Permit)
        .all(|row| now.contains(&(row.person, row.data_class.as_str())))
}
