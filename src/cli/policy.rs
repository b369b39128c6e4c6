//! `kinbridge policy`: the law pack on the table. Lists it, runs cases, compares packs.

use super::policy_facts;
use crate::base::vocabulary::Effect;
use crate::catalog;
use crate::catalog::operator::{Demand, LawRow};
use crate::disclosure::cases::{self, Case};
use crate::disclosure::{Policy, PolicyInfo};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List every policy with its citations, its mark and who answers for it
    List(ListArgs),
    /// Run worked cases; exit 1 on a false permit or a case that is not exact
    Test(TestArgs),
    /// Show which cases an overlay would decide differently
    Diff(DiffArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only policies from background knowledge (mark K), which counsel has to confirm
    #[arg(long)]
    unconfirmed: bool,
    /// `text` or `json`
    #[arg(long, default_value = "text")]
    output: String,
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
    /// Cases files; left out, those of the catalog
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct DiffArgs {
    /// The catalog folder whose effect is asked for; may be repeated
    #[arg(long, required = true)]
    catalog: Vec<PathBuf>,
    /// Cases files; left out, those of the catalog
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Test(args) => test(args),
        Command::Diff(args) => diff(args),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let policy = super::decide::load(&args.catalog)?;
    let mut rows = policy.list();
    let (sources, _) = catalog::load(&args.catalog);
    let mut operator = sources.operator.rows;
    let mut facts = sources.facts.kinds;
    if args.unconfirmed {
        rows.retain(|row| &*row.mark == "K");
        operator.retain(|row| row.mark == "K");
        facts.retain(|kind| kind.mark == "K");
    }
    if args.output == "json" {
        let mut all = Vec::with_capacity(rows.len() + operator.len() + facts.len());
        for row in &rows {
            all.push(serde_json::to_value(row)?);
        }
        all.extend(operator.iter().map(operator_json));
        all.extend(facts.iter().map(policy_facts::json));
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    for row in &rows {
        println!("{}", line(row));
    }
    for row in &operator {
        println!("{}", operator_line(row));
    }
    for kind in &facts {
        let draft = draft(kind.es_machine_draft);
        println!("{}", policy_facts::line(kind, draft));
    }
    let (policies, rules, facts) = (rows.len(), operator.len(), facts.len());
    println!("{policies} policies; {rules} rules of the operator; {facts} kinds of facts");
    Ok(ExitCode::SUCCESS)
}

/// A row of the operator's law under the same names as a policy's.
fn operator_json(row: &LawRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id,
        "row": "OPERATOR",
        "rank": "operator",
        "effect": row.demand.word(),
        "any_of": match &row.demand {
            Demand::Agreement(kinds) => kinds.as_slice(),
            _ => &[],
        },
        "classes": row.classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "citations": row.citations,
        "mark": row.mark,
        "effective": row.effective,
        "sunset": "",
        "owner": row.owner,
        "plain_en": row.plain_en,
        "plain_es": row.plain_es,
        "es_machine_draft": row.es_machine_draft,
    })
}

fn operator_line(row: &LawRow) -> String {
    let classes: Vec<&str> = row.classes.iter().map(|class| class.as_str()).collect();
    let kinds = match &row.demand {
        Demand::Agreement(kinds) if !kinds.is_empty() => format!(" {}", kinds.join("|")),
        _ => String::new(),
    };
    format!(
        "{} [{}{kinds} OPERATOR {}] {}\n    {}\n    {}{}\n    {}; from {}; {}",
        row.id,
        row.demand.word(),
        row.mark,
        row.citations.join(" "),
        row.plain_en,
        row.plain_es,
        draft(row.es_machine_draft),
        classes.join(" "),
        row.effective,
        row.owner,
    )
}

fn draft(machine: bool) -> &'static str {
    if machine {
        " (borrador automático)"
    } else {
        ""
    }
}

fn line(row: &PolicyInfo) -> String {
    let classes = if row.classes.len() > 12 {
        String::from("(most classes)")
    } else {
        let names: Vec<&str> = row.classes.iter().map(|class| class.as_str()).collect();
        names.join(" ")
    };
    let draft = draft(row.es_machine_draft);
    format!(
        "{} [{} {} {}] {}\n    {}\n    {}{draft}\n    {}; from {}{}; {}",
        row.id,
        row.effect,
        row.row,
        row.mark,
        row.citations.join(" "),
        row.plain_en,
        row.plain_es,
        classes,
        row.effective,
        if row.sunset.is_empty() {
            String::new()
        } else {
            format!(" until {}", row.sunset)
        },
        row.owner,
    )
}

/// The cases of the files named, or of the catalog.
fn read_cases(files: &[PathBuf], overlays: &[PathBuf]) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    if files.is_empty() {
        let (sources, _) = catalog::load(overlays);
        for (path, text) in &sources.policy_data {
            if path.starts_with("policies/cases/") {
                add_cases(Path::new(path), text, &mut cases)?;
            }
        }
    }
    for path in files {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| shown)?;
        add_cases(path, &text, &mut cases)?;
    }
    Ok(cases)
}

fn add_cases(path: &Path, text: &str, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let case = cases::read(line)
            .with_context(|| format!("{}:{}: not a case", path.display(), index + 1))?;
        cases.push(case);
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    cases: usize,
    exact: usize,
    advisory: usize,
    false_permits: usize,
}

fn test(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let policy = super::decide::load(&args.catalog)?;
    let mut board: BTreeMap<String, Tally> = BTreeMap::new();
    for case in read_cases(&args.files, &args.catalog)? {
        let (decision, score) = cases::run(&policy, &case);
        let tally = board.entry(case.confidence.clone()).or_default();
        tally.cases += 1;
        tally.exact += usize::from(score.exact());
        tally.advisory += usize::from(score.advisory);
        tally.false_permits += usize::from(score.false_permit);
        if score.exact() {
            continue;
        }
        println!("{}: {}", case.id, case.why);
        println!(
            "    expected {}",
            told(case.expect.decision, &case.expect.redact)
        );
        println!("    decided  {}", told(decision.decision, &decision.redact));
        println!("    owed     {:?}", words(&decision.obligations));
        println!("    cited    {}", decision.citations.join(" "));
    }
    let mut passed = true;
    for (confidence, tally) in &board {
        passed &= tally.exact == tally.cases && tally.false_permits == 0;
        println!(
            "{confidence}: {} of {} exact, {} false permits, advisory duties as expected in {}",
            tally.exact, tally.cases, tally.false_permits, tally.advisory
        );
    }
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn words(obligations: &[crate::base::vocabulary::Obligation]) -> Vec<&'static str> {
    obligations.iter().map(|one| one.as_str()).collect()
}

fn told<T: AsRef<str>>(effect: Effect, redact: impl IntoIterator<Item = T>) -> String {
    let redact: Vec<String> = redact
        .into_iter()
        .map(|class| class.as_ref().to_owned())
        .collect();
    if redact.is_empty() {
        effect.to_string()
    } else {
        format!("{effect}, without {}", redact.join(" "))
    }
}

fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let shipped: Policy = super::decide::load(&[])?;
    let laid = super::decide::load(&args.catalog)?;
    let cases = read_cases(&args.files, &args.catalog)?;
    let mut changed = 0;
    for case in &cases {
        let (before, after) = (shipped.decide(&case.request), laid.decide(&case.request));
        let same = before.decision == after.decision
            && before.permit == after.permit
            && before.obligations == after.obligations;
        if same {
            continue;
        }
        changed += 1;
        let wider = after
            .permit
            .iter()
            .any(|class| !before.permit.contains(class));
        println!("{}: {}", case.id, if wider { "looser" } else { "tighter" });
        println!("    shipped {}", told(before.decision, &before.redact));
        println!("    overlay {}", told(after.decision, &after.redact));
    }
    println!("{changed} of {} cases change", cases.len());
    Ok(ExitCode::SUCCESS)
}
