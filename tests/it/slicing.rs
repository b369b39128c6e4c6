//! Goal: slicing by class, leaving facts out and skipping the engine never change an answer.
//! Method: random facts are put to the compiled pack and to Cedar over the whole pack with every
//! fact, typed against the schema.

use crate::cases::policy;
use crate::reference::asking::Dice;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression,
    Schema,
};
use kinbridge::base::vocabulary::{DataClass, Purpose, RecipientRole, SourceRole};
use kinbridge::disclosure::facts::{Facts, Flag, Flags};
use kinbridge::disclosure::moment::parse_day;
use kinbridge::disclosure::rule::Rule;
use std::str::FromStr;

struct Whole {
    all: PolicySet,
    mandates: PolicySet,
    schema: Schema,
    facts: Vec<Flag>,
}

fn whole() -> Whole {
    let (sources, _) = kinbridge::catalog::load(&[]);
    let mut all = PolicySet::new();
    let mut mandates = PolicySet::new();
    for file in &sources.policies {
        let set = PolicySet::from_str(&file.text).expect("policies");
        for policy in set.policies() {
            let id = policy.annotation("id").expect("an id");
            let rank = policy.annotation("rank").expect("a rank");
            let policy = policy.new_id(id.parse().expect("any text is an id"));
            if ["duty", "emergency", "right"].contains(&rank) {
                mandates.add(policy.clone()).expect("ids are unique");
            }
            all.add(policy).expect("ids are unique");
        }
    }
    let schema = &sources.policy_schema;
    let facts = Flag::ALL.iter().copied();
    let declared = |flag: &Flag| schema.contains(&format!("    {}: Bool", flag.name()));
    Whole {
        all,
        mandates,
        facts: facts.filter(declared).collect(),
        schema: Schema::from_cedarschema_str(schema).expect("a schema").0,
    }
}

impl Whole {
    fn permits(&self, facts: &Facts, class: DataClass) -> bool {
        let mandate = self.asks(&self.mandates, facts, class);
        let mut facts = *facts;
        facts.flags.set_if(Flag::Mandate, mandate);
        self.asks(&self.all, &facts, class)
    }

    fn asks(&self, policies: &PolicySet, facts: &Facts, class: DataClass) -> bool {
        let uid = |of: &str, word: &str| -> EntityUid {
            format!("{of}::\"{word}\"").parse().expect("an entity")
        };
        let source = uid("Source", facts.source.as_str());
        let mut pairs = vec![(
            String::from("source"),
            RestrictedExpression::new_entity_uid(source),
        )];
        for flag in &self.facts {
            let value = RestrictedExpression::new_bool(facts.flags.has(*flag));
            pairs.push((flag.name().to_owned(), value));
        }
        let request = Request::new(
            uid("Recipient", facts.recipient.as_str()),
            uid("Action", facts.purpose.as_str()),
            uid("DataClass", class.as_str()),
            Context::from_pairs(pairs).expect("a context"),
            Some(&self.schema),
        )
        .expect("a request of the schema");
        let response = Authorizer::new().is_authorized(&request, policies, &Entities::empty());
        assert_eq!(response.diagnostics().errors().count(), 0);
        response.decision() == Decision::Allow
    }
}

/// Facts of which many hold, so that policies with several conditions are reached.
fn flags(dice: &mut Dice) -> Flags {
    let percent = [25, 50, 75][dice.below(3)];
    let mut flags = Flags::NONE;
    for flag in Flag::ALL {
        flags.set_if(*flag, *flag != Flag::Mandate && dice.chance(percent));
    }
    flags
}

/// The word at the die's place among those that a rule speaks of, or among all.
fn pick<T: Copy>(dice: &mut Dice, all: &[T], fits: impl Fn(T) -> bool) -> T {
    let near: Vec<T> = all.iter().copied().filter(|word| fits(*word)).collect();
    if near.is_empty() || dice.chance(15) {
        all[dice.below(all.len())]
    } else {
        near[dice.below(near.len())]
    }
}

/// A question near the ground of one rule.
fn near(dice: &mut Dice, rule: &Rule) -> (Facts, DataClass) {
    let scope = &rule.scope;
    let has = |bits: u64, at: usize| bits & (1 << at) != 0;
    let mut flags = flags(dice);
    if rule.permits && dice.chance(70) {
        flags = flags.union(scope.requires);
        flags = Flags(flags.0 & !Flags::of(Flag::Refused).0);
    }
    let facts = Facts {
        source: pick(dice, SourceRole::ALL, |one| has(scope.sources, one.index())),
        recipient: pick(dice, RecipientRole::ALL, |one| {
            has(scope.recipients, one.index())
        }),
        purpose: pick(dice, Purpose::ALL, |one| has(scope.purposes, one.index())),
        flags,
    };
    let class = pick(dice, DataClass::ALL, |one| scope.classes.contains(one));
    (facts, class)
}

#[test]
fn the_sliced_pack_answers_as_the_whole_pack() {
    let (policy, whole) = (policy(), whole());
    let pack = policy.pack();
    assert!(whole.facts.len() > 80, "the schema declares the facts");
    let era = pack.era_at(parse_day("2026-09-15").expect("a day"));
    let (mut permits, rounds) = (0, 1_200);
    for round in 0..rounds {
        let mut dice = Dice::new(round);
        let rule = &pack.rules[dice.below(pack.rules.len())];
        let (facts, class) = near(&mut dice, rule);
        let outcome = pack.evaluate(era, &facts, class);
        assert!(!outcome.failed);
        let expected = whole.permits(&facts, class);
        assert_eq!(outcome.permit, expected, "{facts:?} {class}");
        permits += u64::from(outcome.permit);
    }
    assert!(permits * 8 > rounds, "{permits} of {rounds} permit");
}
