//! `kinbridge ledger replay`: every recorded decision taken again by the rules it was taken by.
//!
//! It reads what was recorded (rule set, facts, words) and asks the policies once more. It changes
//! nothing and shows no person: a difference names the delivery, the class and the rule set.

use super::ledger::Place;
use crate::base::digest::hex;
use crate::base::id::{DeliveryId, DisclosureId, RuleSetId};
use crate::base::vocabulary::Verdict;
use crate::disclosure::Policy;
use crate::kept::recorded_question;
use crate::rules::Rules;
use crate::store::archive::{Archive, DecisionPlace};
use crate::store::{DecisionRecord, DecisionRow, MasterKey};
use anyhow::bail;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Differences listed at most; more are only counted.
const LISTED_MAX: usize = 100;

/// Which decisions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Master key file; left out, the one of the settings
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// One delivery alone, `dlv_...`, with its trace
    #[arg(long, value_name = "ID", conflicts_with = "disclosure")]
    delivery: Option<String>,
    /// One disclosure alone, `dis_...` of an accounting, with its trace
    #[arg(long, value_name = "ID")]
    disclosure: Option<String>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

/// What taking the decisions again came to.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Decisions read.
    decisions: u64,
    /// Their rows: one class of one person each.
    rows: u64,
    /// Rule sets they were taken by.
    rule_sets: usize,
    /// Rows that come out otherwise or cannot be taken again.
    differences: u64,
    /// The first of them.
    listed: Vec<Difference>,
    /// Rule sets that another version of the engine compiled: by id, that version. They are asked
    /// by this one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    other_engines: BTreeMap<String, String>,
    /// Row by row; of one delivery or disclosure alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<Traced>,
}

/// One row taken again.
#[derive(Debug, Serialize)]
struct Traced {
    at: String,
    token: i64,
    rule_set: String,
    person: String,
    data_class: String,
    recorded: Verdict,
    again: Option<Verdict>,
    policies: Vec<Arc<str>>,
    citation: String,
    reason: Option<Arc<str>>,
    reason_es: Option<Arc<str>>,
    facts: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Difference {
    /// Delivery or disclosure, hexadecimal.
    source: String,
    /// Claim it was taken under.
    token: i64,
    /// Rule set.
    rule_set: String,
    /// The class.
    data_class: String,
    /// What is wrong.
    problem: String,
}

/// Runs the command.
pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let key_file = match &args.master_key {
        Some(file) => file.clone(),
        None => args.place.config()?.master_key_file(),
    };
    let key = MasterKey::load(&key_file)?;
    let mut archive = Archive::open(&args.place.database()?).await?;
    let only = args.only()?;
    let mut replay = Replay {
        traced: only.is_some(),
        ..Replay::default()
    };
    // Decisions stand in the order of what they are about.
    let mut after = only.map(|source| DecisionPlace {
        source,
        token: i64::MIN,
    });
    loop {
        let page = archive.decisions(key.clone(), after).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        let asked = |place: &DecisionPlace| only.is_none_or(|id| place.source == id);
        for (place, decision) in page.iter().filter(|(place, _)| asked(place)) {
            replay.load(&mut archive, &decision.rule_set).await?;
            replay.take(*place, decision);
        }
        if !asked(last) {
            break;
        }
    }
    if only.is_some() && replay.report.decisions == 0 {
        bail!("nothing was decided under this id");
    }
    let mut report = replay.report;
    report.rule_sets = replay.policies.len();
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text(&report));
    }
    Ok(if report.differences == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Args {
    /// The one delivery or disclosure asked for, if one is.
    fn only(&self) -> anyhow::Result<Option<[u8; 16]>> {
        let delivery = self
            .delivery
            .as_deref()
            .map(|id| DeliveryId::parse(id).map(|id| id.0));
        let disclosure = self.disclosure.as_deref();
        let disclosure = disclosure.map(|id| DisclosureId::parse(id).map(|id| id.0));
        match delivery.or(disclosure) {
            Some(None) => bail!("the id is not one of this gateway's: dlv_... or dis_..."),
            Some(found) => Ok(found),
            None => Ok(None),
        }
    }
}

fn text(report: &Report) -> String {
    let mut out = format!(
        "{} decisions ({} rows) by {} rule sets\n",
        report.decisions, report.rows, report.rule_sets
    );
    for (rule_set, engine) in &report.other_engines {
        out.push_str(&format!(
            "rule set {rule_set} was compiled by engine {engine}, and is asked by this one\n"
        ));
    }
    for row in &report.trace {
        let again = row.again.map_or("cannot be asked again", Verdict::as_str);
        out.push_str(&format!(
            "{} {} {}: recorded {}, again {again}; {}; by {}\n    {}\n    {}\n    facts: {}\n",
            row.at,
            row.person,
            row.data_class,
            row.recorded.as_str(),
            row.citation,
            row.policies.join(" "),
            row.reason.as_deref().unwrap_or_default(),
            row.reason_es.as_deref().unwrap_or_default(),
            row.facts.join(" "),
        ));
    }
    for one in &report.listed {
        out.push_str(&format!(
            "{} claim {}, {}: {} (rule set {})\n",
            one.source, one.token, one.data_class, one.problem, one.rule_set
        ));
    }
    out.push_str(&match report.differences {
        0 => "all come out as recorded\n".to_owned(),
        n => format!("{n} rows do not come out as recorded\n"),
    });
    out
}

#[derive(Default)]
struct Replay {
    /// Whether every row is told.
    traced: bool,
    policies: HashMap<String, Result<Policy, String>>,
    report: Report,
}

impl Replay {
    async fn load(&mut self, archive: &mut Archive, id: &RuleSetId) -> anyhow::Result<()> {
        if self.policies.contains_key(id.as_str()) {
            return Ok(());
        }
        let policy = match archive.rule_set(id).await? {
            Some(bytes) => {
                if let Some(engine) = Rules::other_engine(&bytes) {
                    let engines = &mut self.report.other_engines;
                    engines.insert(id.as_str().to_owned(), engine);
                }
                Rules::policy_of_kept(id, &bytes)
            }
            None => Err("its rule set was not kept".to_owned()),
        };
        self.policies.insert(id.as_str().to_owned(), policy);
        Ok(())
    }

    fn take(&mut self, place: DecisionPlace, decision: &DecisionRecord) {
        self.report.decisions += 1;
        let Some(policy) = self.policies.get(decision.rule_set.as_str()) else {
            return;
        };
        for row in &decision.rows {
            self.report.rows += 1;
            if self.traced {
                let traced = traced(policy.as_ref().ok(), (place, decision), row);
                self.report.trace.push(traced);
            }
            let problem = match policy {
                Ok(policy) => again(policy, decision, row).err(),
                Err(why) => Some(why.clone()),
            };
            let Some(problem) = problem else { continue };
            self.report.differences += 1;
            if self.report.listed.len() < LISTED_MAX {
                self.report.listed.push(Difference {
                    source: hex(&place.source),
                    token: place.token,
                    rule_set: decision.rule_set.as_str().to_owned(),
                    data_class: row.data_class.clone(),
                    problem,
                });
            }
        }
    }
}

fn traced(
    policy: Option<&Policy>,
    (place, decision): (DecisionPlace, &DecisionRecord),
    row: &DecisionRow,
) -> Traced {
    let again = policy.zip(recorded_question(decision, row));
    let again = again.map(|(policy, (facts, class))| {
        let again = policy.replay(decision.at, &facts, class);
        let plain = policy.plain(&again.policies);
        (again, plain)
    });
    let (again, plain) = again.unzip();
    let (reason, reason_es) = plain.map(|plain| (plain.reason, plain.reason_es)).unzip();
    Traced {
        at: decision.at.to_rfc3339(),
        token: place.token,
        rule_set: decision.rule_set.as_str().to_owned(),
        person: row.person.to_string(),
        data_class: row.data_class.clone(),
        recorded: row.verdict,
        again: again.as_ref().map(|again| again.verdict),
        policies: again
            .map(|again| again.policies.to_vec())
            .unwrap_or_default(),
        citation: row.citation.clone(),
        reason,
        reason_es,
        facts: decision.facts.get(row.facts).cloned().unwrap_or_default(),
    }
}

/// One row again; what is wrong when it does not come out as recorded.
fn again(policy: &Policy, decision: &DecisionRecord, row: &DecisionRow) -> Result<(), String> {
    let (facts, class) =
        recorded_question(decision, row).ok_or("its words are not of this engine")?;
    let verdict = policy.replay(decision.at, &facts, class).verdict;
    if verdict == row.verdict {
        return Ok(());
    }
    Err(match row.verdict {
        Verdict::Permit => "recorded as permit, withheld now".to_owned(),
        Verdict::Withhold => "recorded as withheld, permitted now".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    //! Goal: a row that comes out otherwise, or that cannot be asked again, is a difference.
    //! Method: one recorded row of aggregate data, true, turned around, and with a strange word.
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::id::PersonId;

    fn decision(verdict: Verdict, facts: &[&str]) -> DecisionRecord {
        DecisionRecord {
            open: Vec::new(),
            rule_set: RuleSetId::new("shipped"),
            at: Timestamp::from_rfc3339("2026-09-15T12:00:00-07:00").expect("an instant"),
            purpose: "state_reporting".into(),
            recipient_role: "cdss".into(),
            source_role: "cws".into(),
            rows: vec![DecisionRow {
                person: PersonId([1; 16]),
                data_class: "aggregate_deidentified".into(),
                verdict,
                citation: String::new(),
                facts: 0,
            }],
            facts: vec![facts.iter().map(|name| (*name).to_owned()).collect()],
            consents: Vec::new(),
            asserted: Vec::new(),
            standing_unknown: false,
            obligations: Vec::new(),
            reviews: Vec::new(),
            citations: Vec::new(),
        }
    }

    #[test]
    fn only_what_comes_out_as_recorded_is_no_difference() {
        let rules = Rules::load(&[]).expect("the shipped catalog");
        let again = |verdict, facts: &[&str]| {
            let decision = decision(verdict, facts);
            super::again(&rules.policy, &decision, &decision.rows[0]).is_ok()
        };
        let large = ["via_county", "cells_large"];
        assert!(again(Verdict::Permit, &large));
        assert!(!again(Verdict::Withhold, &large));
        assert!(again(Verdict::Withhold, &["via_county"]));
        assert!(!again(Verdict::Permit, &["via_county"]));
        assert!(!again(
            Verdict::Permit,
            &["via_county", "cells_large", "no_such_fact"]
        ));
    }
}
