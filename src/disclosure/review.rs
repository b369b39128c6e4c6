//! Who asks that a person looks at a decision, and when (disclosure rules, 2.9).
//!
//! The strictest of all that ask counts; all are told to whoever looks. It must never leave a look
//! unexplained: what asks has an id with words of its own in the pack.

use super::answer::Judgement;
use super::cite::rests_on;
use super::condition::{Rules256, Situation, When};
use super::decide::Policy;
use super::pack::Pack;
use super::plain::Plain;
use crate::base::vocabulary::Obligation;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Facts of the registry about one person contradict each other.
pub const FACTS_CONFLICT: &str = "facts_conflict";

/// The sender marked the record as sensitive.
pub const MARKED_SENSITIVE: &str = "marked_sensitive";

/// What asks beside the rows of the pack.
pub(super) const BESIDE_THE_PACK: [&str; 2] = [FACTS_CONFLICT, MARKED_SENSITIVE];

/// Whether a person looks at a release, the later the milder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Review {
    /// Nobody has to.
    #[default]
    None,
    /// It goes at once, and a person looks within one business day.
    After,
    /// It waits until a person has looked.
    Before,
}

/// Somebody asks for a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReviewAsked {
    /// The row of obligations or the policy that asks, or what asks beside the pack.
    pub by: Arc<str>,
    /// When the person looks.
    pub when: Review,
}

impl ReviewAsked {
    /// What asks beside the rows of the pack.
    pub fn beside_the_pack(by: &str, when: Review) -> ReviewAsked {
        let by = Arc::from(by);
        ReviewAsked { by, when }
    }
}

/// The strictest of all that ask.
pub fn strictest<'a>(asked: impl IntoIterator<Item = &'a ReviewAsked>) -> Review {
    let each = asked.into_iter().map(|one| one.when);
    each.max().unwrap_or_default()
}

/// Who asked for a look, in plain words.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewRow {
    /// Who asks, and when the person looks.
    #[serde(flatten)]
    pub asked: ReviewAsked,
    /// Why; `None` where it was asked by other rules than are in force, and these know no such row.
    #[serde(flatten)]
    pub plain: Option<Plain>,
}

/// A row that has a person look afterwards although no `human_review` is owed.
#[derive(Clone, Debug)]
pub struct ReviewedAfter {
    /// The row.
    pub id: Arc<str>,
    /// When it holds.
    pub when: When,
}

/// All that ask for a look at what goes, or at that nothing does, in the order of the pack.
pub(super) fn asked(pack: &Pack, judged: &Judgement, at: &Situation) -> Vec<ReviewAsked> {
    let mut asked = Vec::new();
    let mut resting = Rules256::default();
    for one in judged.classes.iter().filter(|one| one.outcome.permit) {
        resting.add(&rests_on(pack, &one.outcome.used));
    }
    let rules = resting.iter().filter_map(|index| pack.rules.get(index));
    for rule in rules {
        let mut owed = rule.obligations.iter();
        if owed.any(|owed| owed == Obligation::HumanReview) {
            let by = Arc::clone(&rule.id);
            let when = Review::Before;
            asked.push(ReviewAsked { by, when });
        }
    }
    for row in pack.tables.owed.iter().filter(|row| row.when.holds(at)) {
        if let Some(by) = row.asks.clone() {
            let when = row.review;
            asked.push(ReviewAsked { by, when });
        }
    }
    let at = Situation {
        used: resting,
        ..*at
    };
    let after = pack.tables.reviewed_after.iter();
    for row in after.filter(|row| row.when.holds(&at)) {
        let by = Arc::clone(&row.id);
        let when = Review::After;
        asked.push(ReviewAsked { by, when });
    }
    asked
}

impl Policy {
    /// Why somebody asked for a look, in the words of this pack.
    pub fn asked_in_words(&self, asked: &ReviewAsked) -> ReviewRow {
        let words = &self.pack().tables.words;
        let rule = || self.pack().rules.iter().find(|rule| rule.id == asked.by);
        let own = words.review(&asked.by).map(|phrase| words.plain(phrase));
        let plain = own.or_else(|| rule().map(Plain::of_rule));
        let asked = asked.clone();
        ReviewRow { asked, plain }
    }
}
