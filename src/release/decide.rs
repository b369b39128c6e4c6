//! One release: every person asked about, the record cut to what may go, the rest rendered.

use super::asserted::{Asserted, Circumstances, housed_with_participants, must_be_known};
use super::candidates::{Ties, Untied};
use super::papers::{self, FamilyPapers, read_paper};
use super::standing::Acquaintance;
use super::used::used;
use super::written::{EXCERPT_TYPE, excerpt, written};
use super::{
    ConsentSeen, FactSeen, HeldConsent, Hold, Outgoing, Release, ReleaseInput, Taken, TakenRow,
    Would, candidates, facts, keys, obligations, received, services, standing,
};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::id::{PersonId, RecordType};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{
    ClassSet, DataClass, Effect, Obligation, Purpose, RecipientRole, SourceRole,
};
use crate::catalog::Partner;
use crate::disclosure::redact::{Redaction, redact};
use crate::disclosure::request::Subject;
use crate::disclosure::review::{FACTS_CONFLICT, MARKED_SENSITIVE, ReviewAsked, strictest};
use crate::disclosure::{Answer, Ask, ObligationSet, Review};
use crate::format::{Node, json};
use crate::mapping::Labelled;
use crate::record::Record;
use crate::record::labels::{Labels, Origin, TOTALS};
use crate::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is cited when a referral is addressed to nobody we know.
const ADDRESSEE_UNKNOWN: &str = "policy:addressee-unknown";

/// What is cited where nothing was asked that anything could be cited for.
const DEFAULT_DENY: &str = "policy:unknown-default-deny";

/// Stands where a decision names whom it is about, of totals.
const OF_NOBODY: PersonId = PersonId([0; 16]);

/// Who speaks to whom, and why.
#[derive(Clone, Copy)]
pub(super) struct Parties {
    pub(super) source: SourceRole,
    pub(super) recipient: RecipientRole,
    pub(super) purpose: Purpose,
}

/// What all persons' answers came to.
struct Answers {
    permit: BTreeMap<u16, ClassSet>,
    owed: ObligationSet,
    /// Who asks that a person looks.
    reviews: BTreeSet<ReviewAsked>,
    /// The facts of the registry it rests on.
    rested: BTreeSet<FactSeen>,
    taken: Taken,
}

impl Answers {
    /// What was answered about some classes of a person; where facts contradict each other, a
    /// human looks first.
    fn take(&mut self, (index, id): (u16, PersonId), answer: &Answer, conflict: bool) {
        self.reviews.extend(answer.reviews.iter().cloned());
        if conflict {
            self.ask_for_a_look(FACTS_CONFLICT, Review::Before);
        }
        if answer.effect != Effect::Deny {
            self.owed.0 |= answer.obligations.0;
            if conflict {
                self.owed.insert(Obligation::HumanReview);
            }
            let permit = self.permit.entry(index).or_default();
            *permit = permit.union(answer.permit);
        }
        self.taken
            .rows
            .extend(answer.rows.iter().map(|row| TakenRow {
                person: id,
                data_class: row.class.as_str(),
                verdict: row.verdict,
                facts: row.flags,
                citation: row.citation.to_string(),
                policies: Arc::clone(&row.policies),
            }));
        let cited = answer.citations.iter().map(ToString::to_string);
        self.taken.citations.extend(cited);
    }

    fn ask_for_a_look(&mut self, by: &str, when: Review) {
        self.reviews.insert(ReviewAsked::beside_the_pack(by, when));
    }

    /// When a person looks: the strictest of all that ask.
    fn review(&self) -> Review {
        strictest(&self.reviews)
    }

    fn rest_on(&mut self, seen: BTreeSet<FactSeen>) {
        self.rested.extend(seen);
        self.taken.asserted = self.rested.iter().cloned().collect();
    }
}

/// Decides and renders one record for one recipient.
pub fn release(rules: &Rules, input: &ReleaseInput<'_>) -> Release {
    release_to(rules, input, Acquaintance::Lately)
}

/// What would be decided where a private recipient must be known so well.
pub fn would(rules: &Rules, input: &ReleaseInput<'_>, how_well: Acquaintance) -> Would {
    Would(release_to(rules, input, how_well))
}

fn release_to(rules: &Rules, input: &ReleaseInput<'_>, how_well: Acquaintance) -> Release {
    let (effective, _) = papers::heard(rules, input);
    let input = &ReleaseInput {
        consents: &effective,
        ..*input
    };
    if let Err(untied) = way(rules, input) {
        let mut taken = nothing(rules, input);
        taken.citations.push(untied.citation().to_owned());
        return Release::Untied(Box::new(taken));
    }
    let Some(parties) = parties(input) else {
        let mut taken = nothing(rules, input);
        taken.citations.push(DEFAULT_DENY.to_owned());
        return Release::Held(Hold::VocabularyUnknown, Box::new(taken));
    };
    if third_party_to_unknown(rules, input, parties.recipient) {
        let mut taken = nothing(rules, input);
        taken.citations.push(ADDRESSEE_UNKNOWN.to_owned());
        return Release::Withheld(Box::new(taken));
    }
    let asserted = Asserted::new(rules, Circumstances::of(input));
    let labels = labels((rules, &asserted), input);
    let mut answers = ask_all((rules, parties, &asserted), input, &labels);
    if answers.owed.contains(Obligation::RedactThirdPartyChildren) {
        hide_other_children(input.record, &mut answers.permit);
    }
    let permit = &answers.permit;
    let cut = redact(input.record, &labels, &|class, person| {
        permit.get(&person).is_some_and(|open| open.contains(class))
    });
    let unseen = !input.reviewed;
    if cut.nothing_left {
        return Release::Withheld(Box::new(withheld(answers, unseen)));
    }
    if !input.test && must_be_known(parties.recipient) && how_well != Acquaintance::Supposed {
        let shown = (cut.persons_shown.as_slice(), &answers.permit);
        match standing::known((&asserted, how_well), input, shown) {
            Some(seen) => answers.rest_on(seen),
            None => return Release::Withheld(Box::new(standing::unknown(answers.taken))),
        }
    }
    if unseen && answers.review() == Review::Before {
        return Release::Held(Hold::HumanReview, Box::new(answers.taken));
    }
    let open = not_discharged((parties, &asserted), input, &cut, answers.owed);
    if !open.is_empty() {
        return owing(answers.taken, open);
    }
    render((rules, parties, &asserted), input, cut, answers)
}

/// What is owed and neither done nor known to be done.
fn not_discharged(
    (parties, asserted): (Parties, &Asserted<'_>),
    input: &ReleaseInput<'_>,
    cut: &Redaction,
    owed: ObligationSet,
) -> ObligationSet {
    let mut done = input.done;
    if asserted.identity_verified(&persons_at(input, &cut.persons_shown)) {
        done.insert(Obligation::VerifyIdentity);
    }
    obligations::open(
        owed.without(done),
        obligations::Standing {
            agreed: facts::agreement(input, parties.purpose).is_some(),
            documented: input.emergency.is_some(),
            counted: facts::cells_large(input),
            apart: !shows_other_children(input.record, &cut.persons_shown),
        },
    )
}

/// Whether anything leads from the record to the recipient, over this channel.
fn way(rules: &Rules, input: &ReleaseInput<'_>) -> Result<(), Untied> {
    let named = papers::family_names(
        rules,
        &FamilyPapers {
            record: input.record,
            persons: input.persons,
            source: &input.source.id,
            consents: input.consents,
            facts: input.facts,
            now: input.now,
        },
    );
    let ties = Ties {
        record: input.record,
        sender: &input.source.id,
        test: input.test,
        named_by_family: &named,
    };
    match input.emergency {
        None => candidates::tied(input.recipient, input.channel, &ties).map(|_| ()),
        // Whose emergency it is says the declaration; the wall stands all the same.
        Some(_) => candidates::reachable(input.recipient, input.channel, &ties),
    }
}

/// Whether the record is addressed to nobody we know and this recipient is neither the one that
/// asks nor the subject: what the addressee would give away is then not known.
fn third_party_to_unknown(
    rules: &Rules,
    input: &ReleaseInput<'_>,
    recipient: RecipientRole,
) -> bool {
    recipient != RecipientRole::Myself
        && candidates::addressee_unknown(&rules.partners, input.record)
        && !candidates::is_requester(input.recipient, input.record)
}

/// Whether a record waits because nobody knows whom it is addressed to: a clerk can mend it.
pub fn waits_for_addressee(taken: &Taken) -> bool {
    taken
        .citations
        .iter()
        .any(|cited| cited == ADDRESSEE_UNKNOWN)
}

/// Nothing may go. What is owed with a release is then not owed; only where the rules want a human
/// to look at the refusal itself, and nobody has, the decision says so.
fn withheld(answers: Answers, unseen: bool) -> Taken {
    let looked_at = unseen && answers.review() == Review::Before;
    let mut taken = answers.taken;
    taken.obligations.clear();
    if looked_at {
        taken.obligations.push(Obligation::HumanReview.as_str());
    }
    taken
}

pub(super) fn parties(input: &ReleaseInput<'_>) -> Option<Parties> {
    Some(Parties {
        source: input.source.source_role()?,
        recipient: recipient_role(input)?,
        purpose: input.channel.purpose?,
    })
}

/// What the recipient is to this record: a county's agency is that county's for the records of its
/// own jurisdiction alone, and another county's for all others (WIC 10850(b)).
fn recipient_role(input: &ReleaseInput<'_>) -> Option<RecipientRole> {
    let role = input.recipient.recipient_role()?;
    let of_record = input.record.envelope().and_then(|e| e.text("county_fips"));
    let own = of_record.is_some() && of_record == input.recipient.county_fips.as_deref();
    Some(match role {
        RecipientRole::Cws if !own => RecipientRole::CwsOtherCounty,
        role => role,
    })
}

fn seen(held: &HeldConsent<'_>) -> ConsentSeen {
    ConsentSeen {
        lodger: held.lodger.clone(),
        id: held.id.clone(),
        revision: held.revision,
    }
}

/// What becomes of a record on its way to a channel that is no longer in the catalog.
pub fn no_channel(
    rules: &Rules,
    source: &Partner,
    recipient: Option<&Partner>,
    now: Timestamp,
) -> Release {
    Release::Untied(Box::new(Taken {
        citations: vec![Untied::NoChannel.citation().to_owned()],
        ..Taken::empty(&rules.digest, now, (source, recipient))
    }))
}

/// A decision that withholds before anybody is asked.
fn nothing(rules: &Rules, input: &ReleaseInput<'_>) -> Taken {
    let purpose = input.channel.purpose.map(Purpose::as_str);
    let parties = (input.source, Some(input.recipient));
    Taken {
        purpose: purpose.unwrap_or_default().to_owned(),
        consents: input.consents.iter().map(seen).collect(),
        ..Taken::empty(&rules.digest, input.now, parties)
    }
}

/// The record's labels as they stand toward this recipient.
fn labels((rules, asserted): (&Rules, &Asserted<'_>), input: &ReleaseInput<'_>) -> Labels {
    // What a Part 2 program sent is its data in whoever's hands: also in plain words, which would
    // pass for the sender's own.
    let handed_on = received::part2(input);
    let origin = Origin {
        part2_program: handed_on || input.source.source_role() == Some(SourceRole::SudProgram),
        part2_consent: handed_on || came_under_part2_consent(input),
        dv_program: input.source.source_role() == Some(SourceRole::DvProgram),
    };
    let mut known = input.protections.of(input.record, input.persons);
    known.protected.extend(asserted.participants(input.persons));
    let housed = housed_with_participants(rules, input);
    known.in_household.extend(housed);
    known.told = services::told_by_entries(rules, input);
    let mut labels = rules.labels.label_knowing(input.record, origin, &known);
    // A sealed record stops whole, whatever its own labels say.
    if input.record.is_sealed() {
        labels = labels.adding(ClassSet::of(DataClass::SealedRecord));
    }
    let told = services::told(rules, input);
    if told.is_empty() {
        labels
    } else {
        labels.adding(told)
    }
}

/// Whether a Part 2 consent lodged by the sender is among those the record names, or the one it
/// says it was received under.
fn came_under_part2_consent(input: &ReleaseInput<'_>) -> bool {
    let envelope = input.record.envelope();
    let refs = envelope.and_then(|e| e.get("consent_refs"));
    let refs = refs.map(Node::items).unwrap_or_default();
    let under = envelope.and_then(|e| e.text("received_under"));
    input.consents.iter().any(|held| {
        let mut refs = refs.iter().filter_map(Node::as_str).chain(under);
        let named = refs.any(|id| id == held.id.as_str());
        named && held.lodger == &input.source.id && {
            let kind = read_paper(held.body).and_then(|paper| paper.kind.known());
            kind.is_some_and(obligations::is_part2)
        }
    })
}

/// Asks about every person the record speaks of.
fn ask_all(
    (rules, parties, asserted): (&Rules, Parties, &Asserted<'_>),
    input: &ReleaseInput<'_>,
    labels: &Labels,
) -> Answers {
    let mut answers = Answers {
        permit: BTreeMap::new(),
        owed: ObligationSet::default(),
        reviews: BTreeSet::new(),
        rested: BTreeSet::new(),
        taken: nothing(rules, input),
    };
    for (index, classes) in labels.asked() {
        if index == TOTALS {
            ask_of_totals((rules, parties), input, classes, &mut answers);
            continue;
        }
        let Some((person, id)) = person(input, index) else {
            continue;
        };
        let of = (person, id);
        let question = facts::question(asserted, input, of, input.consents, parties.purpose);
        answers.rested.extend(question.given.seen.iter().cloned());
        question.put(input, (parties, id, classes), |ask| {
            answers.take((index, id), &rules.policy.ask(ask), question.given.conflict);
        });
    }
    if answers.taken.citations.is_empty() {
        answers.taken.citations.push(DEFAULT_DENY.to_owned());
    }
    look_at_sensitive(input, &mut answers);
    answers.taken.citations.sort_unstable();
    answers.taken.citations.dedup();
    answers.taken.asserted = answers.rested.iter().cloned().collect();
    answers.taken.reviews = answers.reviews.iter().cloned().collect();
    answers.taken.obligations = answers.owed.iter().map(Obligation::as_str).collect();
    answers
}

/// Asks about what is about nobody. Nothing but totals is: of any other class nobody is asked, and
/// what nobody was asked about stays.
fn ask_of_totals(
    (rules, parties): (&Rules, Parties),
    input: &ReleaseInput<'_>,
    classes: ClassSet,
    answers: &mut Answers,
) {
    if !classes.contains(DataClass::AggregateDeidentified) {
        return;
    }
    let ask = Ask {
        source: parties.source,
        recipient: parties.recipient,
        purpose: parties.purpose,
        classes: ClassSet::of(DataClass::AggregateDeidentified),
        subject: &Subject::default(),
        consents: &[],
        context: &facts::of_totals(input, parties.purpose),
    };
    answers.take((TOTALS, OF_NOBODY), &rules.policy.ask(&ask), false);
}

/// What its sender calls sensitive a person looks at: afterwards where nothing may wait for one.
fn look_at_sensitive(input: &ReleaseInput<'_>, answers: &mut Answers) {
    if !input.record.is_sensitive() || answers.review() != Review::None {
        return;
    }
    let when = match input.emergency {
        Some(_) => Review::After,
        None => Review::Before,
    };
    answers.ask_for_a_look(MARKED_SENSITIVE, when);
    if answers.permit.values().any(|open| !open.is_empty()) {
        answers.owed.insert(Obligation::HumanReview);
    }
}

/// The entry and identity of one of the record's persons.
pub(super) fn person<'a>(input: &ReleaseInput<'a>, index: u16) -> Option<(&'a Node, PersonId)> {
    let person = input.record.persons().get(usize::from(index))?;
    Some((person, papers::identity(person, input.persons)?))
}

/// Who stands at these places of the record.
fn persons_at(input: &ReleaseInput<'_>, places: &[u16]) -> Vec<PersonId> {
    let found = places.iter().filter_map(|at| person(input, *at));
    found.map(|(_, id)| id).collect()
}

/// Something is owed that is not discharged: nothing goes.
fn owing(taken: Taken, open: ObligationSet) -> Release {
    let open = open.iter().map(Obligation::as_str).collect();
    Release::Held(Hold::ObligationOpen, Box::new(Taken { open, ..taken }))
}

/// Children of whom the record is not: a parent sees nothing of them.
fn hide_other_children(record: &Record, permit: &mut BTreeMap<u16, ClassSet>) {
    for index in other_children(record) {
        permit.remove(&index);
    }
}

/// Whether one of them is in what goes all the same.
fn shows_other_children(record: &Record, shown: &[u16]) -> bool {
    other_children(record).any(|index| shown.contains(&index))
}

fn other_children(record: &Record) -> impl Iterator<Item = u16> + '_ {
    let named = |list: &str, key: Option<&str>| {
        let refs = record.envelope().and_then(|e| e.get(list));
        let refs = refs.map(Node::items).unwrap_or_default();
        refs.iter().any(|named| named.as_str() == key)
    };
    let persons = record.persons().iter().enumerate();
    persons.filter_map(move |(index, person)| {
        let key = person.text("key");
        let own = named("subject_refs", key) || named("focus_refs", key);
        let other = person.text("role") == Some("child") && !own;
        u16::try_from(index).ok().filter(|_| other)
    })
}

/// What is left of a record, in the recipient's own format, with its media type. No decision is
/// made here and nothing can be sent of it: what may leave is an [`Outgoing`].
///
/// # Errors
/// Everything about it that would not be valid there.
pub fn rendered(
    rules: &Rules,
    input: &ReleaseInput<'_>,
    mut left: Record,
    owed: ObligationSet,
) -> Result<(Vec<u8>, String), Vec<Finding>> {
    if let Some(envelope) = left.root.get_mut("envelope") {
        for member in received::WHENCE {
            envelope.remove(member);
        }
        envelope.set("record_id", Node::string(input.record_id.to_string()));
    }
    let leaves = classes_left(rules, input, &left);
    keys::rename(&mut left.root);
    let owed: Vec<Obligation> = owed.iter().collect();
    let labelled = Labelled {
        leaves: &leaves,
        owed: &owed,
    };
    written(rules, input, (&left, labelled))
}

/// The classes of all that is left, where the format says them: read from what is left alone, so
/// that no label tells of anything else.
fn classes_left(rules: &Rules, input: &ReleaseInput<'_>, left: &Record) -> Vec<ClassSet> {
    if !rules.plans.writes_labels(&input.channel.format) {
        return Vec::new();
    }
    let input = &ReleaseInput {
        record: left,
        ..*input
    };
    let asserted = Asserted::new(rules, Circumstances::of(input));
    labels((rules, &asserted), input).classes_of_leaves()
}

/// The cut record in the recipient's own format, valid there, with what has to go along.
fn render(
    (rules, parties, asserted): (&Rules, Parties, &Asserted<'_>),
    input: &ReleaseInput<'_>,
    cut: Redaction,
    answers: Answers,
) -> Release {
    // At the emergency door a part is better than nothing.
    let part = input.emergency.and_then(|_| excerpt(rules, &cut.record));
    let rendered = rendered(rules, input, cut.record, answers.owed);
    let (bytes, media_type, excerpt) = match (rendered, part) {
        (Ok((bytes, media_type)), _) => (bytes, media_type, false),
        (Err(_), Some(bytes)) => (bytes, EXCERPT_TYPE.to_owned(), true),
        (Err(invalid), None) => {
            let taken = answers.taken;
            return Release::Held(Hold::OutputInvalid, Box::new(Taken { invalid, ..taken }));
        }
    };
    let mut along = None;
    let single = |held: &HeldConsent<'_>| papers::is_for_one_use(rules, held);
    let enclosed = obligations::attached(answers.owed.without(input.done));
    let mut spends = Vec::new();
    if !enclosed.is_empty() || input.consents.iter().any(single) {
        let persons = cut.persons_shown.iter();
        let shown: Vec<_> = persons.filter_map(|at| person(input, *at)).collect();
        let own = used((rules, parties, asserted), input, &answers.taken, &shown);
        let spent = own.iter().filter(|held| single(held));
        spends.extend(spent.map(|held| (held.lodger.clone(), held.id.clone())));
        along = obligations::along(&own).filter(|_| !enclosed.is_empty());
        if along.is_none() && !enclosed.is_empty() {
            return owing(answers.taken, enclosed);
        }
    }
    let told = obligations::told(answers.owed);
    let attached = along.as_deref().unwrap_or_default();
    let digest = Digest::of_parts(&[told.words().as_bytes(), attached.as_bytes()]);
    let (bytes, media_type) = match &along {
        Some(along) => obligations::attach(&bytes, &media_type, along),
        None => (bytes, media_type),
    };
    let released = cut.released.into_iter();
    let released = released.filter(|path| !received::says_whence(path));
    Release::Go(Box::new(Outgoing {
        bytes: Sensitive::new(bytes),
        media_type,
        told,
        recall: false,
        along: digest,
        released_paths: released.collect(),
        persons_shown: cut.persons_shown,
        withheld_any: cut.withheld_any,
        attached: enclosed,
        excerpt,
        review_after: answers.review() == Review::After,
        spends,
        taken: answers.taken,
    }))
}

/// A stored payload as the record it is; `None` when it cannot be read.
pub fn opened(record_type: &RecordType, payload: &Sensitive<Vec<u8>>) -> Option<Record> {
    let parsed = json::parse(payload.expose(Reason::Decide));
    Some(Record {
        record_type: record_type.clone(),
        root: parsed.tree.filter(|_| parsed.findings.is_empty())?,
    })
}
