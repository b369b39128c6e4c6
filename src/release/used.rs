//! Which consents a release rests on: copies of these go along with it, and of no others.
//!
//! A consent is needed if without it less could go. Of several that open the same, the one lodged
//! last is kept.

use super::asserted::Asserted;
use super::decide::Parties;
use super::{HeldConsent, ReleaseInput, Taken, facts, read_paper};
use crate::base::id::PersonId;
use crate::base::vocabulary::{ClassSet, DataClass, Verdict};
use crate::format::Node;
use crate::rules::Rules;

/// The permissions what was decided about these persons rests on, in the order of lodging.
pub(super) fn used<'a>(
    by: (&Rules, Parties, &Asserted<'_>),
    input: &ReleaseInput<'a>,
    taken: &Taken,
    shown: &[(&Node, PersonId)],
) -> Vec<HeldConsent<'a>> {
    let mut out = Vec::new();
    for (entry, person) in shown {
        let own = input.consents.iter().filter(|held| held.subject == *person);
        let mut kept: Vec<HeldConsent<'a>> = own.copied().collect();
        let mut at = 0;
        while at < kept.len() {
            let mut without = kept.clone();
            let one = without.remove(at);
            if permits(&one) && still_goes(by, input, taken, (entry, *person, &without)) {
                kept = without;
            } else {
                at += 1;
            }
        }
        kept.retain(permits);
        out.extend(kept);
    }
    out
}

fn permits(held: &HeldConsent<'_>) -> bool {
    let read = read_paper(held.body);
    read.is_some_and(|paper| !paper.may_refuse())
}

/// Whether all that was permitted of a person would be with these consents alone.
fn still_goes(
    (rules, parties, asserted): (&Rules, Parties, &Asserted<'_>),
    input: &ReleaseInput<'_>,
    taken: &Taken,
    (entry, person, consents): (&Node, PersonId, &[HeldConsent<'_>]),
) -> bool {
    let rows = taken.rows.iter().filter(|row| row.person == person);
    let (mut asked, mut permitted) = (ClassSet::EMPTY, ClassSet::EMPTY);
    for row in rows {
        let Ok(class) = row.data_class.parse::<DataClass>() else {
            return false;
        };
        asked.insert(class);
        if row.verdict == Verdict::Permit {
            permitted.insert(class);
        }
    }
    let of = (entry, person);
    let question = facts::question(asserted, input, of, consents, parties.purpose);
    question.put(input, (parties, person, asked), |ask| {
        permitted = permitted.without(rules.policy.ask(ask).permit);
    });
    permitted.is_empty()
}
