//! A decision looked at closely, for those who may see why: each class, what would open it, and how
//! each consent on file was judged. It releases nothing and is never for a sender or a recipient.

use super::asserted::{Asserted, Circumstances};
use super::decide::{parties, person};
use super::{HeldConsent, ReleaseInput, facts, papers};
use crate::base::id::{ConsentId, PartnerId, PersonId};
use crate::base::vocabulary::ClassSet;
use crate::disclosure::Seen;
use crate::disclosure::words::Phrase;
use crate::rules::Rules;

/// What was looked at of one person.
#[derive(Clone, Debug)]
pub struct PersonLook {
    /// Who.
    pub person: PersonId,
    /// Class by class.
    pub classes: Vec<Seen>,
    /// The person's consents on file.
    pub papers: Vec<PaperLook>,
}

/// How one consent on file was judged.
#[derive(Clone, Debug)]
pub struct PaperLook {
    /// Who lodged it.
    pub lodger: PartnerId,
    /// The lodger's id of it.
    pub id: ConsentId,
    /// Its revision.
    pub revision: u32,
    /// Whether it counts for what was asked.
    pub counts: bool,
    /// Why, in plain words.
    pub why: Phrase,
}

/// Looks at what was decided of some classes of each of the record's persons. Empty where the
/// parties or the purpose are not in the vocabulary: then nobody is asked about.
pub fn look(
    rules: &Rules,
    input: &ReleaseInput<'_>,
    asked: &[(PersonId, ClassSet)],
) -> Vec<PersonLook> {
    let Some(parties) = parties(input) else {
        return Vec::new();
    };
    let (effective, without) = papers::heard(rules, input);
    let input = &ReleaseInput {
        consents: &effective,
        ..*input
    };
    let asserted = Asserted::new(rules, Circumstances::of(input));
    let persons = (0..input.record.persons().len()).filter_map(|at| u16::try_from(at).ok());
    let entries = persons.filter_map(|at| person(input, at));
    let looks = entries.filter_map(|(entry, id)| {
        let (_, classes) = asked.iter().find(|(person, _)| *person == id)?;
        // As the road asks it: with what the registry of facts gives and takes.
        let of = (entry, id);
        let question = facts::question(&asserted, input, of, input.consents, parties.purpose);
        let (mut seen_classes, mut rows) = (Vec::new(), Vec::new());
        question.put(input, (parties, id, *classes), |ask| {
            let (looked, papers) = rules.policy.look(ask);
            seen_classes.extend(looked);
            // The last are those about what did not come by a law alone: papers open the rest.
            rows = papers;
        });
        let own = effective.iter().filter(|held| held.subject == id);
        // A paper that is taken out of the question was not judged: it stands in none of the rows.
        let mut rows = rows.into_iter().peekable();
        let judged = own.map(|held| {
            let scoped = format!("{}/{}", held.lodger, held.id);
            let row = rows.next_if(|row| row.id.as_ref().is_some_and(|id| **id == *scoped));
            match row {
                Some(row) => seen(
                    held,
                    row.counts,
                    Phrase {
                        en: row.en,
                        es: row.es,
                    },
                ),
                None if question.void.contains(&*scoped) => {
                    seen(held, false, rules.policy.signer_out())
                }
                None => seen(held, false, rules.policy.handed_on()),
            }
        });
        let no_say = without.iter().filter(|held| held.subject == id);
        let no_say = no_say.map(|held| seen(held, false, rules.policy.not_effective()));
        Some(PersonLook {
            person: id,
            classes: seen_classes,
            papers: judged.chain(no_say).collect(),
        })
    });
    looks.collect()
}

fn seen(held: &HeldConsent<'_>, counts: bool, why: Phrase) -> PaperLook {
    PaperLook {
        lodger: held.lodger.clone(),
        id: held.id.clone(),
        revision: held.revision,
        counts,
        why,
    }
}
