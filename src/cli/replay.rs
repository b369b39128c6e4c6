//! `kinbridge ledger replay`: every recorded decision taken again by the rules it was taken by.
//!
//! It reads what was recorded (rule set, facts, words) and asks the policies once more. It changes
//! nothing and shows no person: a difference names the delivery, the class and the rule set.

use super::ledger::Place;
use crate::base::digest::hex;
use crate::base::id::RuleSetId;
use crate::base::vocabulary::Verdict;
use crate::disclosure::Policy;
use crate::kept::recorded_question;
use crate::rules::Rules;
use crate::store::archive::{Archive, DecisionPlace};
use crate::store::{DecisionRecord, DecisionRow, MasterKey};
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

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
    let mut replay = Replay::default();
    let mut after = None;
    loop {
        let page = archive.decisions(key.clone(), after).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (place, decision) in &page {
            replay.load(&mut archive, &decision.rule_set).await?;
            replay.take(*place, decision);
        }
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

fn text(report: &Report) -> String {
    let mut out = format!(
        "{} decisions ({} rows) by {} rule sets\n",
        report.decisions, report.rows, report.rule_sets
    );
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
    policies: HashMap<String, Result<Policy, String>>,
    report: Report,
}

impl Replay {
    async fn load(&mut self, archive: &mut Archive, id: &RuleSetId) -> anyhow::Result<()> {
        if self.policies.contains_key(id.as_str()) {
            return Ok(());
        }
        let policy = match archive.rule_set(id).await? {
            Some(bytes) => Rules::policy_of_kept(id, &bytes),
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
