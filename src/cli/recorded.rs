//! `kinbridge policy diff` against recorded decisions: what a pack would decide otherwise of what a
//! store has decided. It changes nothing, and shows no person and no value: deliveries by id.

use super::ledger::Place;
use crate::base::clock::Timestamp;
use crate::base::vocabulary::Verdict;
use crate::disclosure::Policy;
use crate::kept::recorded_question;
use crate::store::MasterKey;
use crate::store::archive::Archive;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Deliveries named at most; more are only counted.
const NAMED_MAX: usize = 100;
/// Where no policy of the pack opens it any more.
const NOTHING: &str = "nothing opens it";

/// Which store.
#[derive(Debug, clap::Args)]
pub(super) struct Recorded {
    #[command(flatten)]
    place: Place,
    /// Master key file; left out, the one of the settings
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
}

/// Rows that would come out otherwise for one reason.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// `permit -> withhold` or `withhold -> permit`.
    change: &'static str,
    /// The policy that would say so.
    policy: String,
    /// The class.
    data_class: String,
    /// How many rows: one class of one person each.
    rows: u64,
    /// Of how many deliveries and pulled records.
    deliveries: u64,
}

/// What would become of recorded decisions.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes {
    /// Decisions read.
    pub(super) decisions: u64,
    /// Their rows.
    pub(super) rows: u64,
    /// Rows that cannot be asked again: a word of them is not this engine's.
    pub(super) unread: u64,
    /// By direction, policy and class.
    pub(super) groups: Vec<Group>,
    /// Deliveries and disclosures of pulls concerned; the first of them.
    pub(super) named: Vec<String>,
}

impl Recorded {
    /// Whether a store was named.
    pub(super) fn is_asked(&self) -> bool {
        self.place.is_named()
    }

    /// Asks the pack, as it stands at `now`, about every recorded row.
    pub(super) async fn compare(&self, laid: &Policy, now: Timestamp) -> anyhow::Result<Changes> {
        let key_file = match &self.master_key {
            Some(file) => file.clone(),
            None => self.place.config()?.master_key_file(),
        };
        let key = MasterKey::load(&key_file)?;
        let mut archive = Archive::open(&self.place.database()?).await?;
        let mut changes = Changes::default();
        let mut found = Found::new();
        let mut after = None;
        loop {
            let page = archive.decisions(key.clone(), after).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (place, decision) in &page {
                changes.decisions += 1;
                for row in &decision.rows {
                    changes.rows += 1;
                    let Some((facts, class)) = recorded_question(decision, row) else {
                        changes.unread += 1;
                        continue;
                    };
                    let again = laid.replay(now, &facts, class);
                    if again.verdict != row.verdict {
                        let by = again.policies.first().map(ToString::to_string);
                        let key = (direction(again.verdict), by, row.data_class.clone());
                        let group = found.entry(key).or_default();
                        group.0 += 1;
                        group.1.insert(place.source);
                    }
                }
            }
        }
        let all: BTreeSet<[u8; 16]> = found.values().flat_map(|(_, ids)| ids).copied().collect();
        for id in all.into_iter().take(NAMED_MAX) {
            changes.named.push(archive.decided_name(id).await?);
        }
        let groups = found.into_iter();
        let groups = groups.map(|((change, policy, data_class), (rows, ids))| Group {
            change,
            policy: policy.unwrap_or_else(|| NOTHING.to_owned()),
            data_class,
            rows,
            deliveries: ids.len() as u64,
        });
        changes.groups = groups.collect();
        Ok(changes)
    }
}

/// Rows and what they are about, by direction, policy and class.
type Found = BTreeMap<(&'static str, Option<String>, String), (u64, BTreeSet<[u8; 16]>)>;

const fn direction(after: Verdict) -> &'static str {
    match after {
        Verdict::Permit => "withhold -> permit",
        Verdict::Withhold => "permit -> withhold",
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for group in &self.groups {
            let Group { change, policy, .. } = group;
            let (class, rows, of) = (&group.data_class, group.rows, group.deliveries);
            writeln!(
                f,
                "{change}: {class}, by {policy}: {rows} rows of {of} deliveries"
            )?;
        }
        if !self.named.is_empty() {
            writeln!(f, "deliveries: {}", self.named.join(" "))?;
        }
        if self.unread > 0 {
            writeln!(
                f,
                "{} rows cannot be asked again by this engine",
                self.unread
            )?;
        }
        let changed: u64 = self.groups.iter().map(|group| group.rows).sum();
        let Changes {
            decisions, rows, ..
        } = self;
        writeln!(
            f,
            "{changed} of {rows} recorded rows of {decisions} decisions change"
        )
    }
}
