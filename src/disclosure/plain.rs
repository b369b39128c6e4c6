//! What is told beside a decision: reasons and facts in plain words, English and Spanish, how each
//! paper was judged, and what would open what stays closed.

use super::answer::{Decision, Judged, Key, PaperRow};
use super::decide::{Ask, Policy};
use super::facts::{Facts, Flag, Flags};
use super::moment::Now;
use super::person::Person;
use super::request::Clock;
use super::rule::Rule;
use super::unlock;
use super::words::{Phrase, Words};
use crate::base::Text;
use crate::base::clock::Timestamp;
use crate::base::vocabulary::{DataClass, Verdict};
use serde::Serialize;
use std::sync::Arc;

/// What the papers say that bears on what may be offered.
const UNLOCK_NOTES: Flags = Flags::of(Flag::Coerced);

/// A reason in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plain {
    /// In English.
    pub reason: Arc<str>,
    /// In Spanish.
    pub reason_es: Arc<str>,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
}

/// One class of a question, looked at closely.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The class.
    pub class: DataClass,
    /// Whether it may go.
    pub verdict: Verdict,
    /// The facts it was judged by.
    pub flags: Flags,
    /// The smallest set of facts that would open it, where it stays.
    pub unlock: Option<Vec<Key>>,
}

/// One class asked about under recorded facts.
#[derive(Clone, Debug)]
pub struct Again {
    /// Whether it may go.
    pub verdict: Verdict,
    /// What is cited for it first.
    pub citation: Arc<str>,
    /// The policies that opened or closed it.
    pub policies: Arc<[Arc<str>]>,
}

impl Plain {
    /// What a policy says.
    pub(super) fn of_rule(rule: &Rule) -> Plain {
        Plain {
            reason: Arc::clone(&rule.plain_en),
            reason_es: Arc::clone(&rule.plain_es),
            es_machine_draft: rule.es_reviewer.is_none(),
        }
    }
}

impl Words {
    /// One of the table's own phrases.
    pub(super) fn plain(&self, phrase: &Phrase) -> Plain {
        Plain {
            reason: Arc::clone(&phrase.en),
            reason_es: Arc::clone(&phrase.es),
            es_machine_draft: self.es_machine_draft,
        }
    }
}

impl Policy {
    /// The answer to what is no question: deny, and somebody looks at it.
    pub fn unread(&self, id: Option<Text>) -> Decision {
        Decision::unread(id, Arc::clone(&self.rule_set))
    }

    /// Why a class goes or stays, in plain words: what the first policy of its row says.
    pub fn plain(&self, policies: &[Arc<str>]) -> Plain {
        let first = policies.first();
        let rule = first.and_then(|id| self.pack().rules.iter().find(|rule| rule.id == *id));
        let words = &self.pack().tables.words;
        match rule {
            Some(rule) => Plain::of_rule(rule),
            None => words.plain(&words.nothing_opens),
        }
    }

    /// A fact in plain words.
    pub fn fact(&self, flag: Flag) -> Phrase {
        self.pack().tables.words.fact(flag)
    }

    /// What is said of a paper whose lodger may not open anything here.
    pub fn not_effective(&self) -> Phrase {
        self.pack().tables.words.not_effective.clone()
    }

    /// What is said of a paper a fact takes out, because of who signed it.
    pub fn signer_out(&self) -> Phrase {
        self.pack().tables.words.signer_out.clone()
    }

    /// What is said of a paper that may be what the sender was given something under.
    pub fn handed_on(&self) -> Phrase {
        self.pack().tables.words.handed_on.clone()
    }

    /// What the policies of that day say of one class under recorded facts: an earlier decision
    /// taken again.
    pub fn replay(&self, at: Timestamp, facts: &Facts, class: DataClass) -> Again {
        let era = self.pack().era_at(Now::at(at).day);
        let one = Judged {
            class,
            outcome: self.outcome(era, facts, class),
            flags: facts.flags,
        };
        let row = self.row(&one);
        Again {
            verdict: row.verdict,
            citation: row.citation,
            policies: row.policies,
        }
    }

    /// A typed question looked at closely: each class, and each paper in the order given. Nothing
    /// where the instant is not known.
    pub fn look(&self, ask: &Ask<'_>) -> (Vec<Seen>, Vec<PaperRow>) {
        let Clock::At(now) = ask.context.now else {
            return (Vec::new(), Vec::new());
        };
        let person = Person::on(ask.subject, ask.context, now, &self.pack().tables);
        let judged = self.judge(ask, Some(now), Flags::NONE);
        let each = judged.classes.iter().map(|one| Seen {
            class: one.class,
            verdict: one.outcome.verdict(),
            flags: one.flags,
            unlock: (!one.outcome.permit)
                .then(|| self.keys(ask, now, (one, judged.flags), &person)),
        });
        (each.collect(), self.papers(ask, now, &person))
    }

    /// What would open a class that stays.
    pub(super) fn keys(
        &self,
        ask: &Ask<'_>,
        now: Now,
        (one, all): (&Judged, Flags),
        person: &Person,
    ) -> Vec<Key> {
        let facts = Facts {
            source: ask.source,
            recipient: ask.recipient,
            purpose: ask.purpose,
            flags: one.flags.union(all.both(UNLOCK_NOTES)),
        };
        let era = self.pack().era_at(now.day);
        unlock::smallest(self.pack(), era, &facts, one, person)
    }

    /// How each paper was judged.
    pub(super) fn papers(&self, ask: &Ask<'_>, now: Now, person: &Person) -> Vec<PaperRow> {
        let desk = self.desk(ask, person, now);
        let rows = ask.consents.iter().enumerate().map(|(index, consent)| {
            let why = desk.why(index, consent);
            let Phrase { en, es } = self.pack().tables.words.paper(why);
            PaperRow {
                id: consent.id.clone(),
                counts: why.counts(),
                en,
                es,
            }
        });
        rows.collect()
    }
}
