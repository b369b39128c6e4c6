//! How the sender of a record got what is in it: onward use is judged by that.
//!
//! What the gateway itself knows, because it gave the thing to the sender, goes before what the
//! sender says: nobody passes on as their own what they were given here. A consent something came
//! under is no ground to pass it on. Where several may have been, the one that opens least stands
//! for them. It must never open anything by a claim the gateway knows better.

use super::{HeldConsent, ReleaseInput, read_paper};
use crate::base::id::{ConsentId, PartnerId, PersonId, RecordId, RecordType};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass};
use crate::disclosure::given::Word;
use crate::disclosure::request::{Consent, Context, Direction};
use crate::record::sources::{sources, spelled};
use std::borrow::Cow;

/// Laws something can have been received under that say how it goes on.
pub const LAWS: &[&str] = &["WIC5328.04", "CIV56.103", "20USC1232g(b)(1)(L)"];

/// Stands for a ground the rules of onward use do not know: it opens nothing.
const ANOTHER: &str = "another-ground";

/// Members of the envelope that say where a record is from and by which papers; they go to nobody.
pub(super) const WHENCE: &[&str] = &["received_under", "derived_from", "consent_refs"];

/// One ground on which the gateway gave the sender something of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Of whom; of everybody in the record when that cannot be told.
    pub person: Option<PersonId>,
    /// By what.
    pub basis: Basis,
    /// Classes that went by a law alone, each with it.
    pub by_law: Vec<(DataClass, &'static str)>,
    /// Those that went by something else, or besides by something else.
    pub otherwise: ClassSet,
    /// Whether something of 42 CFR Part 2 was in it.
    pub part2: bool,
}

/// By what something was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// One of [`LAWS`].
    Law(&'static str),
    /// One of these consents.
    Consents(Vec<(PartnerId, ConsentId)>),
    /// Something else, or what cannot be told.
    Another,
}

/// What was given under one decision: the classes it let go, and the consents it looked at.
pub struct GivenUnder<'a> {
    /// What the recipient was.
    pub recipient_role: &'a str,
    /// What went, class by class.
    pub rows: Vec<GivenRow<'a>>,
    /// The consents looked at, by lodger: which of them opened something was not kept.
    pub consents: Vec<(&'a PartnerId, &'a ConsentId)>,
}

/// One class of one person that went.
#[derive(Clone, Copy)]
pub struct GivenRow<'a> {
    /// The person.
    pub person: PersonId,
    /// The class.
    pub data_class: &'a str,
    /// What was cited first.
    pub citation: &'a str,
}

impl GivenRow<'_> {
    fn is_part2(&self) -> bool {
        self.data_class == DataClass::SudPart2.as_str()
    }

    fn class(&self) -> Option<DataClass> {
        self.data_class.parse().ok()
    }

    fn law(&self) -> Option<&'static str> {
        let mut laws = LAWS.iter();
        laws.find(|law| self.citation.starts_with(**law)).copied()
    }
}

/// How the sender of a record of these persons got what it hands on, by what it was given of the
/// records it names, each with the decisions it was given under. Which consent opened what is not
/// guessed: every one that may have is taken.
pub fn received(
    given: &[Vec<GivenUnder<'_>>],
    persons: &[PersonId],
    consents: &[HeldConsent<'_>],
) -> Vec<Received> {
    let mut out = Vec::new();
    for decisions in given {
        let mut left = Vec::new();
        for person in persons {
            let before = out.len();
            let of = decisions.iter();
            out.extend(of.filter_map(|under| basis(under, *person, consents)));
            if out.len() == before {
                left.push(*person);
            }
        }
        let rows = decisions.iter().flat_map(|under| &under.rows);
        let mut strays = rows.filter(|row| !persons.contains(&row.person)).peekable();
        let (any, part2) = (strays.peek().is_some(), strays.any(GivenRow::is_part2));
        let another = |person| Received {
            person,
            basis: Basis::Another,
            by_law: Vec::new(),
            otherwise: ClassSet::EMPTY,
            part2,
        };
        if left.len() == persons.len() {
            // Never given, or of nobody the record speaks of: whose it is cannot be told.
            out.push(another(None));
        } else if any {
            // What was given of somebody else may be of whoever nothing is known to be given of.
            out.extend(left.into_iter().map(|person| another(Some(person))));
        }
    }
    out
}

/// By what a decision gave something of a person; `None` when it gave nothing of them.
fn basis(
    under: &GivenUnder<'_>,
    person: PersonId,
    consents: &[HeldConsent<'_>],
) -> Option<Received> {
    let rows = || under.rows.iter().filter(|row| row.person == person);
    rows().next()?;
    let otherwise = rows().filter(|row| row.law().is_none());
    let otherwise: ClassSet = otherwise.filter_map(GivenRow::class).collect();
    let by_law = rows().filter_map(|row| Some((row.class()?, row.law()?)));
    let opened = under.consents.iter().filter(|(lodger, id)| {
        let mut of = consents.iter().filter(|held| held.subject == person);
        of.any(|held| {
            let same = held.lodger == *lodger && held.id == *id;
            same && may_have_opened(held, (otherwise, under.recipient_role))
        })
    });
    let opened = opened.map(|(lodger, id)| ((*lodger).clone(), (*id).clone()));
    let opened: Vec<_> = opened.collect();
    let basis = match rows().find_map(GivenRow::law) {
        _ if !opened.is_empty() => Basis::Consents(opened),
        Some(law) => Basis::Law(law),
        None => Basis::Another,
    };
    Some(Received {
        person: Some(person),
        basis,
        by_law: by_law.collect(),
        otherwise,
        part2: rows().any(GivenRow::is_part2),
    })
}

/// Whether a paper permits one of these classes toward a recipient of that role.
fn may_have_opened(held: &HeldConsent<'_>, (classes, role): (ClassSet, &str)) -> bool {
    let Some(paper) = read_paper(held.body) else {
        return true;
    };
    let toward = role.parse().is_ok_and(|role| paper.recipients.names(role));
    let about = paper.classes.all || paper.classes.classes().0 & classes.0 != 0;
    toward && about && paper.direction.known() == Some(Direction::Permit)
}

/// Whether the gateway gave the sender something by virtue of this consent: whoever lodged it, it
/// is then looked at, though it opens nothing by itself.
pub(super) fn names(input: &ReleaseInput<'_>, held: &HeldConsent<'_>) -> bool {
    input.received.iter().any(|received| match &received.basis {
        Basis::Consents(all) => all.iter().any(|one| is(one, held)),
        _ => false,
    })
}

fn is((lodger, id): &(PartnerId, ConsentId), held: &HeldConsent<'_>) -> bool {
    held.lodger == lodger && held.id == id
}

/// Whether something of 42 CFR Part 2 was given to the sender.
pub(super) fn part2(input: &ReleaseInput<'_>) -> bool {
    input.received.iter().any(|received| received.part2)
}

/// How what is said of one person was received.
pub(super) struct Under {
    /// A word of law, or a scoped consent id.
    word: String,
    /// Scoped ids of consents that may have been the ground as well: none of them counts either.
    others: Vec<String>,
}

impl Under {
    /// Puts it into a question about the person.
    pub(super) fn narrow(&self, context: &mut Context, consents: &mut Vec<Consent>) {
        context.received_under = Some(self.word.as_str().into());
        consents.retain(|paper| {
            let id = paper.id.as_deref();
            !self.others.iter().any(|other| id == Some(other.as_str()))
        });
    }
}

/// What is asked together of a person: classes, and the facts of the question about them. What went
/// to the sender by a law alone goes on by that law, whatever else came with it by other grounds.
pub(super) fn portions<'q>(
    input: &ReleaseInput<'_>,
    person: PersonId,
    (classes, context): (ClassSet, &'q Context),
) -> Vec<(ClassSet, Cow<'q, Context>)> {
    let (mut rest, mut out) = (classes, Vec::new());
    for (law, classes) in by_law(input, person) {
        let own = classes.without(classes.without(rest));
        if own.is_empty() {
            continue;
        }
        rest = rest.without(own);
        let mut context = context.clone();
        context.received_under = Some(law.into());
        out.push((own, Cow::Owned(context)));
    }
    if !rest.is_empty() || out.is_empty() {
        out.push((rest, Cow::Borrowed(context)));
    }
    out
}

/// Classes that whatever was given of a person gave by one law and by nothing else.
fn by_law(input: &ReleaseInput<'_>, person: PersonId) -> Vec<(&'static str, ClassSet)> {
    let all = || input.received.iter();
    let own = || all().filter(|received| received.person == Some(person));
    // What came by nothing that can be told may have been any of it.
    let untold = |one: &Received| one.by_law.is_empty() && one.otherwise.is_empty();
    if all().any(|received| received.person.is_none()) || own().any(untold) {
        return Vec::new();
    }
    let otherwise = own().fold(ClassSet::EMPTY, |set, one| set.union(one.otherwise));
    let of = |law: &str, same: bool| -> ClassSet {
        let each = own().flat_map(|received| &received.by_law);
        let each = each.filter(|(_, by)| (*by == law) == same);
        each.map(|(class, _)| *class).collect()
    };
    let laws = LAWS.iter();
    let sets = laws.map(|law| {
        (
            *law,
            of(law, true).without(of(law, false)).without(otherwise),
        )
    });
    sets.filter(|(_, classes)| !classes.is_empty()).collect()
}

/// Whether a path is of what says where the record is from.
pub(super) fn says_whence(path: &str) -> bool {
    let below = path.strip_prefix("/envelope/");
    let member = below.and_then(|below| below.split('/').next());
    member.is_some_and(|member| WHENCE.contains(&member))
}

/// How what is said of a person was received, where the sender did not have it first.
pub(super) fn under(input: &ReleaseInput<'_>, person: PersonId) -> Option<Under> {
    let alone = |word: String| Under {
        word,
        others: Vec::new(),
    };
    let own = || {
        let all = input.received.iter();
        all.filter(|received| received.person.is_none_or(|of| of == person))
    };
    let consents = own().filter_map(|received| match &received.basis {
        Basis::Consents(all) => Some(all),
        _ => None,
    });
    let mut consents: Vec<&(PartnerId, ConsentId)> = consents.flatten().collect();
    // What opens most comes last.
    consents.sort_by_key(|one| (passes_on(input, one), (*one).clone()));
    consents.dedup();
    if own().next().is_none() {
        return claimed(input).map(alone);
    }
    let mut ids = consents.into_iter().map(|(lodger, id)| scoped(lodger, id));
    if let Some(first) = ids.next() {
        return Some(Under {
            word: first,
            others: ids.collect(),
        });
    }
    let mut laws = own().map(|received| match received.basis {
        Basis::Law(word) => Some(word),
        _ => None,
    });
    let law = laws.next().flatten();
    let alike = laws.all(|other| other == law);
    Some(alone(law.filter(|_| alike).unwrap_or(ANOTHER).to_owned()))
}

/// Whether a consent is of the one kind that lets its recipient pass on.
fn passes_on(input: &ReleaseInput<'_>, one: &(PartnerId, ConsentId)) -> bool {
    let held = input.consents.iter().find(|held| is(one, held));
    let paper = held.and_then(|held| read_paper(held.body));
    paper.is_some_and(|paper| paper.kind == Word::Known(ConsentKind::Part2Tpo))
}

/// What the sender says; a consent by its own id of it.
fn claimed(input: &ReleaseInput<'_>) -> Option<String> {
    let claim = input.record.envelope()?.text("received_under")?;
    Some(match LAWS.contains(&claim) {
        true => claim.to_owned(),
        false => scoped(&input.source.id, &ConsentId::new(claim)),
    })
}

/// As `facts::consents` names them: two lodgers may use the same id.
fn scoped(lodger: &PartnerId, id: &ConsentId) -> String {
    format!("{lodger}/{id}")
}

/// The records a sender says this one was made from, and the one whose id it uses as its own;
/// empty for nearly all.
pub fn derived_from(
    record_type: &RecordType,
    source_record_id: &str,
    payload: &Sensitive<Vec<u8>>,
) -> Vec<RecordId> {
    const MEMBER: &[u8] = b"\"derived_from\"";
    let bytes = payload.expose(Reason::Decide);
    // Looked for before it is read: nearly no record has it.
    if bytes.windows(MEMBER.len()).any(|part| part == MEMBER)
        && let Some(record) = super::opened(record_type, payload)
    {
        return sources(&record, source_record_id);
    }
    spelled(source_record_id).into_iter().collect()
}
