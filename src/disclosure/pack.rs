//! The law pack compiled: parsed, typed against its schema, sliced by class, remembered.
//!
//! Cedar decides; default deny and forbid-overrides are its semantics. A policy that fails to
//! evaluate closes the class. Slices hold every policy that could speak of a class; of those the
//! engine is asked only about the ones whose scope and plain conditions are met, for the others can
//! only be silent.

use super::condition::{Places, Rules256};
use super::facts::{Facts, Flag, Flags};
use super::moment::{Day, parse_day};
use super::odd_word;
use super::rule::{Counsel, ObligationSet, Rank, Rule, Scope};
use super::spot::{self, Spot, Wrong};
use super::tables::{Tables, defect};
use crate::base::defect::Defect;
use crate::base::vocabulary::{
    ClassSet, ConsentKind, DataClass, Obligation, Purpose, RecipientRole, SourceRole, Verdict,
};
use cedar_policy as cedar;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

/// Where the types of the pack stand.
pub const SCHEMA: &str = "policies/schema.cedarschema";
const RULES_MAX: usize = 256;

/// The policies of one class that are in force on a day.
#[derive(Debug, Default)]
pub struct Slice {
    /// Their places.
    pub rules: Vec<usize>,
    /// The facts they look at.
    pub mentions: Flags,
}

/// The pack over a stretch of days in which no policy begins or ends.
#[derive(Debug)]
pub struct Era {
    from: Day,
    /// By class.
    pub slices: Vec<Slice>,
}

/// The whole pack.
#[derive(Debug)]
pub struct Pack {
    /// All policies, in the order of files and lines.
    pub rules: Vec<Rule>,
    /// The tables.
    pub tables: Tables,
    /// Eras, ascending.
    pub eras: Vec<Era>,
    /// What each kind of consent opens, by kind.
    pub kind_opens: Vec<ClassSet>,
    /// As the engine reads them, at the places of their rules.
    policies: Vec<cedar::Policy>,
    authorizer: cedar::Authorizer,
    principals: Vec<cedar::EntityUid>,
    actions: Vec<cedar::EntityUid>,
    resources: Vec<cedar::EntityUid>,
    sources: Vec<cedar::EntityUid>,
}

/// What the policies say about one class under given facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it may go.
    pub permit: bool,
    /// The policies that open it.
    pub used: Rules256,
    /// The policies that close it.
    pub stops: Rules256,
    /// Statutory rows that speak of this and whose conditions fail.
    pub missed: Rules256,
    /// Whether a policy failed to evaluate: closed for that.
    pub failed: bool,
}

impl Outcome {
    /// The same as the word a decision tells.
    pub const fn verdict(&self) -> Verdict {
        if self.permit {
            Verdict::Permit
        } else {
            Verdict::Withhold
        }
    }

    fn closed() -> Outcome {
        Outcome {
            permit: false,
            used: Rules256::default(),
            stops: Rules256::default(),
            missed: Rules256::default(),
            failed: false,
        }
    }
}

struct Parsed {
    rule: Rule,
    policy: cedar::Policy,
    county: bool,
}

/// The files of `policies/` by path, and which of them a county laid over the shipped ones.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Text by path.
    pub texts: &'a BTreeMap<String, String>,
    /// Paths of a county's own files.
    pub county: &'a BTreeSet<String>,
}

fn annotation(policy: &cedar::Policy, key: &str) -> Option<Arc<str>> {
    policy.annotation(key).map(Arc::from)
}

/// What must stand in annotations that are only told.
fn check_words(
    text: &impl Fn(&str) -> Result<Arc<str>, Wrong>,
    named: &impl Fn(&str) -> String,
) -> Result<(), Wrong> {
    for (key, empty) in [("effective", false), ("sunset", true)] {
        let date = text(key)?;
        if !(empty && date.is_empty()) && parse_day(&date).is_none() {
            let what = named(&format!("@{key} is not a date"));
            return Err(Wrong::at(key, what).help("a date is written YYYY-MM-DD"));
        }
    }
    if !matches!(&*text("mark")?, "V" | "K") {
        return Err(Wrong::at("mark", named("@mark is V or K")));
    }
    if text("citation")?.trim().is_empty() {
        return Err(Wrong::at("citation", named("it needs a @citation")));
    }
    Ok(())
}

/// Reads one policy with its annotations; the error says what is wrong with it, and where.
fn read_policy(policy: &cedar::Policy, spot: Spot) -> Result<Rule, Wrong> {
    let missing = |key: &str| format!("@{key} is missing");
    let need = |key: &str| annotation(policy, key).ok_or_else(|| Wrong::whole(missing(key)));
    let id = need("id")?;
    let named = |what: &str| format!("policy `{id}`: {what}");
    let text = |key: &str| {
        let text = annotation(policy, key);
        text.ok_or_else(|| Wrong::whole(named(&missing(key))))
    };
    let words = |key: &str| -> Result<Vec<Arc<str>>, Wrong> {
        Ok(text(key)?.split_whitespace().map(Arc::from).collect())
    };
    let unknown = |key: &str, word: &str, what: &str, all: &[&'static str]| {
        let meant = odd_word::meant(word, all.iter().copied()).unwrap_or_default();
        let help = format!("{meant}it is one of {}", all.join(", "));
        Wrong::at(key, named(&format!("`{word}` is no {what}"))).help(help)
    };
    let mut obligations = ObligationSet::default();
    for word in words("obligation")? {
        let all: Vec<_> = Obligation::ALL.iter().map(|one| one.as_str()).collect();
        let one = word.parse();
        obligations.insert(one.map_err(|_| unknown("obligation", &word, "obligation", &all))?);
    }
    let kind = match policy.annotation("kind") {
        None => None,
        Some(word) => {
            let all: Vec<_> = ConsentKind::ALL.iter().map(|one| one.as_str()).collect();
            let kind = word.parse();
            Some(kind.map_err(|_| unknown("kind", word, "kind of consent", &all))?)
        }
    };
    let json = policy.to_json();
    let json = json.map_err(|_| Wrong::whole(named("has no JSON form")))?;
    let scope = Scope::of(&json).ok_or_else(|| odd_word::explain(&id, &json))?;
    let rank = text("rank")?;
    let rank = Rank::from_str(&rank).map_err(|()| unknown("rank", &rank, "rank", &Rank::WORDS))?;
    let permits = policy.effect() == cedar::Effect::Permit;
    let closes = matches!(rank, Rank::Refusal | Rank::Stop | Rank::County);
    if permits == closes {
        return Err(Wrong::at("rank", named("its effect contradicts its @rank")));
    }
    if (rank == Rank::Consent) != kind.is_some() {
        let what = named("a consent needs a @kind, and nothing else has one");
        return Err(Wrong::at("rank", what));
    }
    check_words(&text, &named)?;
    Ok(Rule {
        row: text("row")?,
        rank,
        kind,
        permits,
        scope,
        citations: words("citation")?,
        obligations,
        mark: text("mark")?,
        effective: text("effective")?,
        sunset: text("sunset")?,
        owner: text("owner")?,
        plain_en: text("plain_en")?,
        plain_es: text("plain_es")?,
        es_reviewer: annotation(policy, "es_reviewer"),
        counsel: counsel(policy),
        spot,
        id,
    })
}

/// Who stands for a county's permit, where all three are said.
fn counsel(policy: &cedar::Policy) -> Option<Counsel> {
    Some(Counsel {
        name: annotation(policy, "counsel")?,
        date: annotation(policy, "counsel_date")?,
        reason: annotation(policy, "reason")?,
    })
}

fn parse_file(path: &str, text: &str, county: bool, defects: &mut Vec<Defect>) -> Vec<Parsed> {
    let set = match cedar::PolicySet::from_str(text) {
        Ok(set) => set,
        Err(error) => {
            defects.push(spot::told(path, text, "policy-syntax", &error));
            return Vec::new();
        }
    };
    let mut policies: Vec<&cedar::Policy> = set.policies().collect();
    // `policy12` by number: the order in the file
    policies.sort_by_key(|policy| {
        let id: &str = policy.id().as_ref();
        id.trim_start_matches("policy")
            .parse::<usize>()
            .unwrap_or(0)
    });
    let mut parsed = Vec::new();
    let mut read_to = 0;
    for policy in policies {
        let spot = Spot::of(path, text, policy, read_to);
        read_to = spot.end();
        match read_one(policy, spot.clone(), county) {
            Ok(one) => parsed.push(one),
            Err(wrong) => defects.push(spot.defect("policy-annotation", wrong)),
        }
    }
    parsed
}

fn read_one(policy: &cedar::Policy, spot: Spot, county: bool) -> Result<Parsed, Wrong> {
    let mut rule = read_policy(policy, spot)?;
    let mut policy = policy.new_id(cedar::PolicyId::new(&rule.id));
    if county {
        policy = super::county::admit(&policy, &rule)?;
        // What was added looks at facts as well.
        let json = policy.to_json().ok();
        let scope = json.as_ref().and_then(Scope::of);
        let odd = || Wrong::whole(format!("policy `{}`: has no JSON form", rule.id));
        rule.scope = scope.ok_or_else(odd)?;
        rule.scope.mentions.set(Flag::Mandate);
    }
    Ok(Parsed {
        rule,
        policy,
        county,
    })
}

/// Types every policy against the schema.
fn validate(
    files: &BTreeMap<String, String>,
    (all, parsed): (&cedar::PolicySet, &[Parsed]),
    defects: &mut Vec<Defect>,
) {
    let Some(text) = files.get(SCHEMA) else {
        defects.push(defect(SCHEMA, "policy-schema", "the file is missing"));
        return;
    };
    let schema = match cedar::Schema::from_cedarschema_str(text) {
        Ok((schema, _)) => schema,
        Err(error) => {
            defects.push(spot::told(SCHEMA, text, "policy-schema", &error));
            return;
        }
    };
    let result = cedar::Validator::new(schema).validate(all, cedar::ValidationMode::Strict);
    for error in result.validation_errors() {
        let id: &str = error.policy_id().as_ref();
        let rule = parsed.iter().find(|one| &*one.rule.id == id);
        let wrong = Wrong::whole(format!("policy `{id}`: {error}"));
        defects.push(match rule.map(|one| &one.rule.spot) {
            Some(spot) => spot.defect_of(files, error, wrong),
            None => defect(SCHEMA, "policy-type", wrong.message),
        });
    }
}

/// Policies under an id another one has.
fn repeated(parsed: &[Parsed]) -> Vec<Defect> {
    let mut seen = BTreeSet::new();
    let again = parsed.iter().filter(|one| !seen.insert(&one.rule.id));
    let told = again.map(|one| {
        let what = format!("another policy has the id `{}`", one.rule.id);
        one.rule.spot.defect("policy-id", Wrong::at("id", what))
    });
    told.collect()
}

fn uids<'a>(of: &str, words: impl Iterator<Item = &'a str>) -> Vec<cedar::EntityUid> {
    words
        .filter_map(|word| {
            let name = cedar::EntityTypeName::from_str(of).ok()?;
            Some(cedar::EntityUid::from_type_name_and_id(
                name,
                cedar::EntityId::new(word),
            ))
        })
        .collect()
}

impl Pack {
    /// Compiles the files of `policies/`; with any defect the pack must not be served.
    pub fn compile(files: Files<'_>) -> (Pack, Vec<Defect>) {
        let mut defects = Vec::new();
        let mut parsed = Vec::new();
        for (path, text) in files.texts {
            if path.starts_with("policies/") && path.ends_with(".cedar") {
                let county = files.county.contains(path);
                parsed.extend(parse_file(path, text, county, &mut defects));
            }
        }
        let files = files.texts;
        if parsed.len() > RULES_MAX {
            defects.push(defect(SCHEMA, "policy-many", "more than 256 policies"));
            parsed.truncate(RULES_MAX);
        }
        let policies = parsed.iter().map(|one| one.policy.clone());
        match cedar::PolicySet::from_policies(policies) {
            Ok(all) => validate(files, (&all, &parsed), &mut defects),
            Err(error) => match repeated(&parsed) {
                none if none.is_empty() => {
                    defects.push(defect(SCHEMA, "policy-id", error.to_string()));
                }
                again => defects.extend(again),
            },
        }
        let county: Vec<bool> = parsed.iter().map(|one| one.county).collect();
        let (rules, policies): (Vec<Rule>, Vec<cedar::Policy>) =
            parsed.into_iter().map(|one| (one.rule, one.policy)).unzip();
        let mut tables = Tables::read(files, &mut defects);
        let reach = super::county::reach_hard_stops(&rules, &county, &tables.classes);
        defects.extend(reach);
        let (rows, by_id) = places(&rules);
        let places = Places {
            rows: &rows,
            policies: &by_id,
        };
        tables.read_situations(files, &places, &mut defects);
        tables.read_unlocks(files, &mut defects);
        let eras = eras(&rules);
        let kind_opens = kind_opens(&rules);
        let pack = Pack {
            rules,
            tables,
            eras,
            kind_opens,
            policies,
            authorizer: cedar::Authorizer::new(),
            principals: uids(
                "Recipient",
                RecipientRole::ALL.iter().map(|word| word.as_str()),
            ),
            actions: uids("Action", Purpose::ALL.iter().map(|word| word.as_str())),
            resources: uids("DataClass", DataClass::ALL.iter().map(|word| word.as_str())),
            sources: uids("Source", SourceRole::ALL.iter().map(|word| word.as_str())),
        };
        (pack, defects)
    }

    /// The era a day lies in.
    pub fn era_at(&self, day: Day) -> usize {
        self.eras
            .iter()
            .rposition(|era| era.from <= day)
            .unwrap_or(0)
    }

    /// Asks the engine about one class. A constant of its arguments.
    pub fn evaluate(&self, era: usize, facts: &Facts, class: DataClass) -> Outcome {
        let mut outcome = Outcome::closed();
        let slice = self
            .eras
            .get(era)
            .and_then(|era| era.slices.get(class.index()));
        let Some(slice) = slice else {
            outcome.failed = true;
            return outcome;
        };
        let mut able = Vec::with_capacity(slice.rules.len());
        let mut mandates = Vec::new();
        for index in slice.rules.iter().copied() {
            let Some(rule) = self
                .rules
                .get(index)
                .filter(|rule| rule.speaks_of(facts.source, facts.recipient, facts.purpose, class))
            else {
                continue;
            };
            if facts.flags.covers(requires(rule)) {
                able.push(index);
                if rule.rank.is_mandate() {
                    mandates.push(index);
                }
            }
            if rule.permits && rule.rank != Rank::Consent {
                outcome.missed.insert(index);
            }
        }
        if able.is_empty() {
            return outcome;
        }
        let mut facts = *facts;
        if !mandates.is_empty() && self.asks(&mandates, &facts, class, &mut outcome) {
            facts.flags.set(Flag::Mandate);
        }
        outcome.used = Rules256::default();
        outcome.permit = self.asks(&able, &facts, class, &mut outcome);
        self.keep_what_stands(&facts, &mut outcome);
        outcome
    }

    /// Under a refusal only what stands above it counts as used; used rows are not missed.
    fn keep_what_stands(&self, facts: &Facts, outcome: &mut Outcome) {
        let mut used = Rules256::default();
        for index in outcome.used.iter() {
            let above = self
                .rules
                .get(index)
                .is_some_and(|rule| rule.rank.is_mandate());
            if above || !facts.flags.has(Flag::Refused) {
                used.insert(index);
            }
        }
        for (missed, gone) in outcome.missed.0.iter_mut().zip(used.0) {
            *missed &= !gone;
        }
        outcome.used = used;
        outcome.permit &= !outcome.failed;
        if !outcome.permit {
            outcome.missed.add(&outcome.used);
            outcome.used = Rules256::default();
        }
    }

    /// One question to the engine about the rules at these places; notes what spoke.
    fn asks(
        &self,
        rules: &[usize],
        facts: &Facts,
        class: DataClass,
        outcome: &mut Outcome,
    ) -> bool {
        let (Some(policies), Some(request)) = (self.set(rules), self.request(rules, facts, class))
        else {
            outcome.failed = true;
            return false;
        };
        let entities = cedar::Entities::empty();
        let response = self
            .authorizer
            .is_authorized(&request, &policies, &entities);
        if response.diagnostics().errors().next().is_some() {
            outcome.failed = true;
            return false;
        }
        let allow = response.decision() == cedar::Decision::Allow;
        for id in response.diagnostics().reason() {
            let id: &str = id.as_ref();
            let place = rules
                .iter()
                .find(|index| self.rules.get(**index).is_some_and(|rule| &*rule.id == id));
            match place {
                Some(index) if allow => outcome.used.insert(*index),
                Some(index) => outcome.stops.insert(*index),
                None => outcome.failed = true,
            }
        }
        allow
    }

    fn set(&self, rules: &[usize]) -> Option<cedar::PolicySet> {
        let mut set = cedar::PolicySet::new();
        for index in rules {
            set.add(self.policies.get(*index)?.clone()).ok()?;
        }
        Some(set)
    }

    fn request(&self, rules: &[usize], facts: &Facts, class: DataClass) -> Option<cedar::Request> {
        let looked_at = rules.iter().filter_map(|index| self.rules.get(*index));
        let mentions = looked_at.fold(Flags::NONE, |all, rule| all.union(rule.scope.mentions));
        let source = self.sources.get(facts.source.index())?.clone();
        let mut pairs = Vec::with_capacity(24);
        pairs.push((
            String::from("source"),
            cedar::RestrictedExpression::new_entity_uid(source),
        ));
        for flag in mentions.iter() {
            pairs.push((
                flag.name().to_owned(),
                cedar::RestrictedExpression::new_bool(facts.flags.has(flag)),
            ));
        }
        let context = cedar::Context::from_pairs(pairs).ok()?;
        cedar::Request::new(
            self.principals.get(facts.recipient.index())?.clone(),
            self.actions.get(facts.purpose.index())?.clone(),
            self.resources.get(class.index())?.clone(),
            context,
            None,
        )
        .ok()
    }

    /// The facts a class looks at in an era: two questions that agree on them have one answer.
    pub fn mentions(&self, era: usize, class: DataClass) -> Flags {
        self.eras
            .get(era)
            .and_then(|era| era.slices.get(class.index()))
            .map_or(Flags(u128::MAX), |slice| slice.mentions)
    }
}

/// The facts a rule needs before it can speak; the mandate is found out later.
fn requires(rule: &Rule) -> Flags {
    let needs = rule.scope.requires;
    if needs.has(Flag::Mandate) {
        needs.flipped(Flag::Mandate)
    } else {
        needs
    }
}

type Named = (BTreeMap<Arc<str>, Rules256>, BTreeMap<Arc<str>, usize>);

fn places(rules: &[Rule]) -> Named {
    let mut rows: BTreeMap<Arc<str>, Rules256> = BTreeMap::new();
    let mut by_id = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        rows.entry(Arc::clone(&rule.row)).or_default().insert(index);
        by_id.insert(Arc::clone(&rule.id), index);
    }
    (rows, by_id)
}

fn kind_opens(rules: &[Rule]) -> Vec<ClassSet> {
    let mut opens = vec![ClassSet::EMPTY; ConsentKind::ALL.len()];
    for rule in rules {
        let slot = rule.kind.and_then(|kind| opens.get_mut(kind.index()));
        if let Some(classes) = slot {
            *classes = classes.union(rule.scope.classes);
        }
    }
    opens
}

fn in_force(rule: &Rule, day: Day) -> bool {
    parse_day(&rule.effective).is_some_and(|from| from <= day)
        && parse_day(&rule.sunset).is_none_or(|last| day <= last)
}

fn eras(rules: &[Rule]) -> Vec<Era> {
    let mut starts = std::collections::BTreeSet::from([Day(i32::MIN)]);
    for rule in rules {
        starts.extend(parse_day(&rule.effective));
        starts.extend(parse_day(&rule.sunset).map(|last| Day(last.0.saturating_add(1))));
    }
    let era = |from: Day| {
        let classes = DataClass::ALL.iter();
        let slices = classes.map(|class| slice(rules, *class, from)).collect();
        Era { from, slices }
    };
    starts.into_iter().map(era).collect()
}

fn slice(rules: &[Rule], class: DataClass, day: Day) -> Slice {
    let mut slice = Slice::default();
    for (index, rule) in rules.iter().enumerate() {
        if rule.scope.classes.contains(class) && in_force(rule, day) {
            slice.rules.push(index);
            slice.mentions = slice.mentions.union(rule.scope.mentions);
        }
    }
    slice
}
