//! The decision: one typed question, or one as it was written.
//!
//! Fails closed: no subject, no clock, no known role or purpose, no answer but deny.

use super::among::Among;
use super::answer::{Answer, Decision, DecisionMode, Judged, Judgement, PolicyInfo, Row, TraceRow};
use super::calendar::Calendar;
use super::cite;
use super::condition::Situation;
use super::facts::{Facts, Flag, Flags};
use super::gather;
use super::memo::Memo;
use super::moment::Now;
use super::pack::{Files, Outcome, Pack, SCHEMA};
use super::papers::{Desk, Papers};
use super::person::Person;
use super::plain::Plain;
use super::request::{Clock, Consent, Context, Request, Subject};
use super::review;
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::limits::CONSENTS_MAX;
use crate::base::vocabulary::{ClassSet, DataClass, Effect, Purpose, RecipientRole, SourceRole};
use crate::catalog::Sources;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One typed question about one person.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who holds.
    pub source: SourceRole,
    /// Who would receive.
    pub recipient: RecipientRole,
    /// Why.
    pub purpose: Purpose,
    /// What.
    pub classes: ClassSet,
    /// About whom.
    pub subject: &'a Subject,
    /// All papers on file.
    pub consents: &'a [Consent],
    /// The facts of the moment; without `now` everything is withheld.
    pub context: &'a Context,
}

/// The law pack, ready to decide.
#[derive(Debug)]
pub struct Policy {
    pack: Pack,
    memo: Memo,
    calendar: Calendar,
    default_now: Option<Now>,
    unknown: Arc<str>,
    /// Digest of the catalog it was compiled from; empty when it was not one.
    pub(super) rule_set: Arc<str>,
}

/// The instant of a case that names none.
const CASES_NOW: &str = "2026-09-15T12:00:00-07:00";

impl Policy {
    /// The classes a need of a referral says by itself.
    pub fn of_need(&self, need: &str) -> ClassSet {
        self.pack.tables.of_need(need)
    }

    /// Compiles the law pack of a catalog. With any defect it must not be served.
    pub fn compile(sources: &Sources) -> (Policy, Vec<Defect>) {
        let mut texts = sources.policy_data.clone();
        for file in &sources.policies {
            texts.insert(file.file.clone(), file.text.clone());
        }
        let mut county = BTreeSet::new();
        for (path, file) in &sources.files {
            // Of a shipped file that is replaced the catalog keeps the text and tells it.
            let own = path.starts_with("policies/") && file.overlay && file.shipped.is_none();
            if own {
                county.insert(path.clone());
            }
        }
        texts.insert(String::from(SCHEMA), sources.policy_schema.clone());
        let files = Files {
            texts: &texts,
            county: &county,
        };
        let (mut policy, mut defects) = Policy::from_files(files);
        policy.rule_set = Arc::from(sources.digest.as_str());
        if defects.is_empty() {
            defects.extend(super::mandates::changed(files, &policy));
        }
        (policy, defects)
    }

    /// Compiles the files of `policies/`, by path. With any defect it must not be served.
    pub fn from_files(files: Files<'_>) -> (Policy, Vec<Defect>) {
        let (pack, mut defects) = Pack::compile(files);
        let policy = Policy {
            calendar: Calendar::read(files.texts, &mut defects),
            pack,
            memo: Memo::default(),
            default_now: Now::read(CASES_NOW),
            unknown: Arc::from("policy:unknown-default-deny"),
            rule_set: Arc::from(""),
        };
        (policy, defects)
    }

    /// The pack behind it.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// How many outcomes came from memory, and how many from the engine, since the start.
    pub fn memo_counts(&self) -> (u64, u64) {
        self.memo.counts()
    }

    /// The business days of the pack.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Every policy of the pack.
    pub fn list(&self) -> Vec<PolicyInfo> {
        self.pack
            .rules
            .iter()
            .map(|rule| PolicyInfo {
                id: Arc::clone(&rule.id),
                row: Arc::clone(&rule.row),
                rank: rule.rank,
                effect: if rule.permits { "permit" } else { "forbid" },
                classes: rule.scope.classes.iter().collect(),
                citations: rule.citations.clone(),
                mark: Arc::clone(&rule.mark),
                effective: Arc::clone(&rule.effective),
                sunset: Arc::clone(&rule.sunset),
                owner: Arc::clone(&rule.owner),
                plain_en: Arc::clone(&rule.plain_en),
                plain_es: Arc::clone(&rule.plain_es),
                es_machine_draft: rule.es_reviewer.is_none(),
                counsel: rule.counsel.clone(),
            })
            .collect()
    }

    /// Answers a typed question.
    pub fn ask(&self, ask: &Ask<'_>) -> Answer {
        let now = match ask.context.now {
            Clock::At(now) => Some(now),
            Clock::Absent | Clock::Unknown => None,
        };
        let judged = self.judge(ask, now, Flags::NONE);
        let at = situation(
            Some(ask.source),
            Some(ask.recipient),
            Some(ask.purpose),
            &judged,
        );
        Answer {
            effect: effect(judged.permit, judged.requested, false),
            permit: judged.permit,
            obligations: cite::obligations(&self.pack, &judged, &at),
            reviews: review::asked(&self.pack, &judged, &at),
            rows: judged.classes.iter().map(|one| self.row(one)).collect(),
            citations: cite::citations(&self.pack, &judged, &at),
        }
    }

    /// For each paper whether it is a permit that counts at the context's instant, whatever it is
    /// used for; none of them where the instant is not known or the papers are too many.
    pub fn in_force(
        &self,
        subject: &Subject,
        context: &Context,
        consents: &[Consent],
    ) -> Vec<bool> {
        self.of_each(subject, context, consents, |desk, index, paper| {
            desk.is_in_force(index, paper)
        })
    }

    /// The same, and whether whoever signed it may, of this person and by these facts.
    pub fn signed_in_force(
        &self,
        subject: &Subject,
        context: &Context,
        consents: &[Consent],
    ) -> Vec<bool> {
        self.of_each(subject, context, consents, |desk, index, paper| {
            desk.is_signed_in_force(index, paper)
        })
    }

    fn of_each(
        &self,
        subject: &Subject,
        context: &Context,
        consents: &[Consent],
        holds: fn(&Desk<'_>, usize, &Consent) -> bool,
    ) -> Vec<bool> {
        let now = match context.now {
            Clock::At(now) if consents.len() <= CONSENTS_MAX => now,
            _ => return vec![false; consents.len()],
        };
        // Who asks and for what plays no part in it.
        let ask = Ask {
            source: SourceRole::Ppp,
            recipient: RecipientRole::Ppp,
            purpose: Purpose::CareCoordination,
            classes: ClassSet::EMPTY,
            subject,
            consents,
            context,
        };
        let person = Person::on(subject, context, now, &self.pack.tables);
        let desk = self.desk(&ask, &person, now);
        let each = consents.iter().enumerate();
        each.map(|(index, consent)| holds(&desk, index, consent))
            .collect()
    }

    /// For each paper whether others have taken its place at the context's instant, whatever it is
    /// used for; none of them where the instant is not known or the papers are too many.
    pub fn superseded(
        &self,
        subject: &Subject,
        context: &Context,
        consents: &[Consent],
    ) -> Vec<bool> {
        self.of_each(subject, context, consents, |desk, index, paper| {
            desk.is_superseded(index, paper)
        })
    }

    /// Decides a question as it was written.
    pub fn decide(&self, request: &Request) -> Decision {
        self.tell(request, false)
    }

    /// The same, with what would open each withheld class and how each paper was judged.
    pub fn explain(&self, request: &Request) -> Decision {
        self.tell(request, true)
    }

    fn tell(&self, request: &Request, explain: bool) -> Decision {
        let (classes, unknown) = read_classes(request);
        let blank = request.data_classes.0.is_empty();
        let mut flags = gather::of_question(classes, unknown, blank);
        flags.set_if(Flag::UnknownMember, request.has_unknown_member);
        let now = match request.context.now {
            Clock::At(now) => Some(now),
            Clock::Absent => self.default_now,
            Clock::Unknown => None,
        };
        let roles = (
            request.source_role.known(),
            request.recipient_role.known(),
            request.purpose.known(),
        );
        let (source, recipient, purpose) = roles;
        let named = request.subject.as_ref();
        let named = named.is_some_and(|one| one.id.is_some() || one.role.is_some());
        flags.set_if(Flag::MissingSubject, !named);
        let nobody = Subject::default();
        let subject = request.subject.as_ref().unwrap_or(&nobody);
        let ask = match roles {
            (Some(source), Some(recipient), Some(purpose)) => Some(Ask {
                source,
                recipient,
                purpose,
                classes,
                subject,
                consents: &request.consents,
                context: &request.context,
            }),
            _ => None,
        };
        let judged = match &ask {
            Some(ask) => self.judge(ask, now, flags),
            None => {
                flags.set(Flag::UnknownWord);
                Judgement {
                    requested: classes,
                    flags,
                    ..Judgement::default()
                }
            }
        };
        let at = situation(source, recipient, purpose, &judged);
        let decision = effect(judged.permit, judged.requested, unknown);
        let mut told = Decision {
            id: request.id.clone(),
            mode: DecisionMode::Case,
            decision,
            permit: Vec::new(),
            redact: Vec::new(),
            obligations: cite::obligations(&self.pack, &judged, &at).iter().collect(),
            citations: cite::citations(&self.pack, &judged, &at),
            rule_set: Arc::clone(&self.rule_set),
            trace: Vec::new(),
            consents: None,
            reviews: None,
        };
        self.trace(request, &judged, &mut told);
        if explain && let (Some(ask), Some(now)) = (&ask, now) {
            self.unlock(ask, now, &judged, &mut told);
        }
        if explain {
            let asked = review::asked(&self.pack, &judged, &at);
            let rows = asked.iter().map(|one| self.asked_in_words(one));
            told.reviews = Some(rows.collect());
        }
        told
    }

    /// The classes as they were asked for, each with its row.
    fn trace(&self, request: &Request, judged: &Judgement, told: &mut Decision) {
        for (index, word) in request.data_classes.0.iter().enumerate() {
            let first = request.data_classes.0.iter().take(index);
            if first.into_iter().any(|earlier| earlier == word) {
                continue;
            }
            let class = word.parse::<DataClass>().ok();
            let goes = class.is_some_and(|class| judged.permit.contains(class));
            if goes {
                told.permit.push(word.clone());
            } else if told.decision != Effect::Deny {
                told.redact.push(word.clone());
            }
            told.trace.push(self.trace_row(word, class, goes, judged));
        }
    }

    fn trace_row(
        &self,
        word: &Text,
        class: Option<DataClass>,
        goes: bool,
        judged: &Judgement,
    ) -> TraceRow {
        let effect = if goes { "permit" } else { "withhold" };
        let one = judged.classes.iter().find(|one| Some(one.class) == class);
        let (row, plain) = match one {
            Some(one) => (Some(self.row(one)), self.reason(&one.outcome)),
            None => (None, self.undecided(class)),
        };
        let policies = row.as_ref().map(|row| row.policies.to_vec());
        TraceRow {
            data_class: word.clone(),
            effect,
            policies: policies.unwrap_or_default(),
            citation: row.map_or_else(|| self.default_citation(class), |row| row.citation),
            reason: plain.reason,
            reason_es: plain.reason_es,
            es_machine_draft: plain.es_machine_draft,
            unlock: None,
        }
    }

    fn default_citation(&self, class: Option<DataClass>) -> Arc<str> {
        class
            .and_then(|class| self.pack.tables.class(class))
            .map_or_else(
                || Arc::clone(&self.unknown),
                |row| Arc::clone(&row.default_citation),
            )
    }

    /// Why, in plain words: the first policy that spoke.
    fn reason(&self, outcome: &Outcome) -> Plain {
        let spoke = if outcome.permit {
            &outcome.used
        } else {
            &outcome.stops
        };
        let first = spoke
            .iter()
            .next()
            .and_then(|index| self.pack.rules.get(index));
        let words = &self.pack.tables.words;
        match first {
            Some(rule) => Plain::of_rule(rule),
            None if outcome.failed => words.plain(&words.not_evaluated),
            None => words.plain(&words.nothing_opens),
        }
    }

    /// Why a class stays that no policy was asked about.
    fn undecided(&self, class: Option<DataClass>) -> Plain {
        let words = &self.pack.tables.words;
        match class {
            Some(_) => words.plain(&words.question_lacks),
            None => words.plain(&words.class_unknown),
        }
    }

    pub(super) fn row(&self, one: &Judged) -> Row {
        let spoke = if one.outcome.permit {
            &one.outcome.used
        } else {
            &one.outcome.stops
        };
        let rules = || spoke.iter().filter_map(|index| self.pack.rules.get(index));
        let citation = rules()
            .next()
            .and_then(|rule| rule.citations.first().map(Arc::clone))
            .unwrap_or_else(|| self.default_citation(Some(one.class)));
        Row {
            class: one.class,
            verdict: one.outcome.verdict(),
            citation,
            policies: rules().map(|rule| Arc::clone(&rule.id)).collect(),
            flags: one.flags,
        }
    }

    /// The whole question, class by class.
    pub(super) fn judge(&self, ask: &Ask<'_>, now: Option<Now>, mut flags: Flags) -> Judgement {
        let mut judged = Judgement {
            requested: ask.classes,
            ..Judgement::default()
        };
        let too_many = ask.consents.len() > CONSENTS_MAX;
        let lacks = flags.has(Flag::MissingSubject) || too_many;
        let Some(now) = now.filter(|_| !lacks) else {
            flags.set_if(Flag::NoClock, now.is_none());
            flags.set_if(Flag::Malformed, too_many);
            judged.flags = flags;
            return judged;
        };
        let person = Person::on(ask.subject, ask.context, now, &self.pack.tables);
        let papers = self.desk(ask, &person, now).judge();
        let mut base = gather::gather(ask.context, ask.subject, &person, now);
        base.set_if(Flag::OnwardConsent, papers.onward);
        let era = self.pack.era_at(now.day);
        judged.flags = flags.union(base).union(papers.notes);
        judged.minor_consented = person.minor_consented;
        judged.kinds_in_scope = papers.in_scope;
        judged.classes.reserve(ask.classes.iter().count());
        for class in ask.classes.iter() {
            let one = self.judge_class(ask, &person, &papers, (era, base), class);
            judged.flags = judged.flags.union(one.flags);
            if one.outcome.permit {
                judged.permit.insert(class);
                judged.used.add(&one.outcome.used);
            }
            judged.classes.push(one);
        }
        judged
    }

    fn judge_class(
        &self,
        ask: &Ask<'_>,
        person: &Person,
        papers: &Papers,
        (era, base): (usize, Flags),
        class: DataClass,
    ) -> Judged {
        let flags = base.union(gather::of_class(class, ask.context, person, papers));
        let facts = Facts {
            source: ask.source,
            recipient: ask.recipient,
            purpose: ask.purpose,
            flags,
        };
        let mut one = Judged {
            class,
            outcome: self.memo.outcome(&self.pack, era, &facts, class),
            flags,
        };
        let unmet = papers
            .excepted
            .iter()
            .filter(|(classes, _)| classes.contains(class))
            .any(|(_, kinds)| !self.is_opened_by(&one.outcome, *kinds));
        if unmet {
            one.flags.set(Flag::Refused);
            let facts = Facts {
                flags: one.flags,
                ..facts
            };
            one.outcome = self.memo.outcome(&self.pack, era, &facts, class);
        }
        one
    }

    /// Whether a consent of one of these kinds is what opens the class.
    fn is_opened_by(&self, outcome: &Outcome, kinds: u32) -> bool {
        let mut used = outcome
            .used
            .iter()
            .filter_map(|index| self.pack.rules.get(index));
        outcome.permit
            && used.any(|rule| {
                rule.kind
                    .is_some_and(|kind| kinds & (1 << kind.index()) != 0)
            })
    }

    pub(super) fn desk<'a>(&'a self, ask: &Ask<'a>, person: &'a Person, now: Now) -> Desk<'a> {
        Desk {
            consents: ask.consents,
            subject: ask.subject,
            person,
            context: ask.context,
            now,
            recipient: ask.recipient,
            purpose: ask.purpose,
            requested: ask.classes,
            tables: &self.pack.tables,
            kind_opens: &self.pack.kind_opens,
            among: Among::of(ask.consents),
        }
    }

    /// Adds what would open each withheld class, and how each paper was judged.
    fn unlock(&self, ask: &Ask<'_>, now: Now, judged: &Judgement, told: &mut Decision) {
        let person = Person::on(ask.subject, ask.context, now, &self.pack.tables);
        for one in judged.classes.iter().filter(|one| !one.outcome.permit) {
            let keys = self.keys(ask, now, (one, judged.flags), &person);
            let name = one.class.as_str();
            for row in told.trace.iter_mut().filter(|row| row.data_class == name) {
                row.unlock = Some(keys.clone());
            }
        }
        told.consents = Some(self.papers(ask, now, &person));
    }

    /// What the policies say of one class, from memory where it was asked before.
    pub(super) fn outcome(&self, era: usize, facts: &Facts, class: DataClass) -> Arc<Outcome> {
        self.memo.outcome(&self.pack, era, facts, class)
    }
}

fn effect(permit: ClassSet, requested: ClassSet, unknown_class: bool) -> Effect {
    if permit.is_empty() {
        Effect::Deny
    } else if permit == requested && !unknown_class {
        Effect::Permit
    } else {
        Effect::PermitWithRedaction
    }
}

fn situation(
    source: Option<SourceRole>,
    recipient: Option<RecipientRole>,
    purpose: Option<Purpose>,
    judged: &Judgement,
) -> Situation {
    Situation {
        source,
        recipient,
        purpose,
        requested: judged.requested,
        released: judged.permit,
        minor_consented: judged.minor_consented,
        flags: judged.flags,
        used: judged.used,
    }
}

/// The known classes asked for, and whether an unknown one is among them.
fn read_classes(request: &Request) -> (ClassSet, bool) {
    let mut classes = ClassSet::EMPTY;
    let mut unknown = false;
    for word in &request.data_classes.0 {
        match word.parse() {
            Ok(class) => classes.insert(class),
            Err(_) => unknown = true,
        }
    }
    (classes, unknown)
}
