//! `kinbridge policy`: the law pack on the table. Lists it, runs cases, compares packs.

use super::recorded::{Changes, Recorded};
use super::{policy_facts, policy_readings};
use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::base::vocabulary::Effect;
use crate::catalog;
use crate::catalog::facts::FactKind;
use crate::catalog::operator::{Demand, LawRow};
use crate::disclosure::cases::{self, Case};
use crate::disclosure::reach::{Reach, State};
use crate::disclosure::rule::Counsel;
use crate::disclosure::{Policy, PolicyInfo};
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Show which cases, and with a store which recorded decisions, an overlay would decide
    /// differently
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

/// Exits 0 when it could be told, whatever changes; with `--exit-code` 1 when anything changes;
/// 1 as well when the pack has defects or the store cannot be read.
#[derive(Debug, clap::Args)]
struct DiffArgs {
    /// Exit 1 when a case or a recorded decision would come out otherwise
    #[arg(long)]
    exit_code: bool,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
    #[command(flatten)]
    recorded: Recorded,
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
    let mut readings = policy_readings::all(&sources, &policy);
    let mut operator = sources.operator.rows;
    let mut facts = sources.facts.kinds;
    if args.unconfirmed {
        rows.retain(|row| &*row.mark == "K");
        operator.retain(|row| row.mark == "K");
        facts.retain(|kind| kind.mark == "K");
        readings.retain(|reading| reading.mark == "K");
    }
    if args.output == "json" {
        let mut all = Vec::with_capacity(rows.len() + operator.len() + facts.len());
        for row in &rows {
            all.push(serde_json::to_value(row)?);
        }
        all.extend(operator.iter().map(operator_json));
        all.extend(facts.iter().map(policy_facts::json));
        all.extend(readings.iter().map(policy_readings::json));
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let table = table((&rows, &policy), &operator, &facts);
    let (told, sum) = table.trim_end().rsplit_once('\n').unwrap_or(("", &table));
    println!("{told}");
    for reading in &readings {
        println!("{}", policy_readings::line(reading));
    }
    println!("{sum}");
    Ok(ExitCode::SUCCESS)
}

/// A table for people: one line of columns for each rule, and below it what it says.
fn table(
    (rows, policy): (&[PolicyInfo], &Policy),
    operator: &[LawRow],
    facts: &[FactKind],
) -> String {
    let now = SystemClock.now();
    let mut lines = vec![Line {
        columns: ["POLICY", "EFFECT", "ROW", "MARK", "CITES"].map(str::to_owned),
        says: Vec::new(),
    }];
    lines.extend(
        rows.iter()
            .map(|row| line(row, &policy.reach(&row.id, now))),
    );
    lines.extend(operator.iter().map(operator_line));
    lines.extend(facts.iter().map(|kind| {
        let (columns, says) = policy_facts::line(kind, draft(kind.es_machine_draft));
        Line { columns, says }
    }));
    let mut widths = [0; 5];
    for line in &lines {
        for (width, column) in widths.iter_mut().zip(&line.columns) {
            *width = column.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for line in &lines {
        let cells = line.columns.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
        for text in &line.says {
            out.push_str(&format!("    {text}\n"));
        }
    }
    let marks = rows.iter().map(|row| &*row.mark);
    let marks = marks.chain(operator.iter().map(|row| &*row.mark));
    let marks = marks.chain(facts.iter().map(|kind| &*kind.mark));
    let open = marks.filter(|mark| *mark == "K").count();
    let drafts = rows.iter().map(|row| row.es_machine_draft);
    let drafts = drafts.chain(operator.iter().map(|row| row.es_machine_draft));
    let drafts = drafts.chain(facts.iter().map(|kind| kind.es_machine_draft));
    let drafts = drafts.filter(|draft| *draft).count();
    let (policies, rules, kinds) = (rows.len(), operator.len(), facts.len());
    out.push_str(&format!(
        "{policies} policies; {rules} rules of the operator; {kinds} kinds of facts; {open} for \
         counsel to confirm (mark K); {drafts} Spanish texts are machine drafts\n"
    ));
    out
}

struct Line {
    columns: [String; 5],
    says: Vec<String>,
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

fn operator_line(row: &LawRow) -> Line {
    let classes: Vec<&str> = row.classes.iter().map(|class| class.as_str()).collect();
    let kinds = match &row.demand {
        Demand::Agreement(kinds) if !kinds.is_empty() => format!(" {}", kinds.join("|")),
        _ => String::new(),
    };
    Line {
        columns: [
            row.id.to_string(),
            format!("{}{kinds}", row.demand.word()),
            "OPERATOR".to_owned(),
            row.mark.to_string(),
            row.citations.join(" "),
        ],
        says: vec![
            row.plain_en.to_string(),
            format!("{}{}", row.plain_es, draft(row.es_machine_draft)),
            format!(
                "{}; from {}; {}",
                classes.join(" "),
                row.effective,
                row.owner
            ),
        ],
    }
}

fn draft(machine: bool) -> &'static str {
    if machine {
        " (borrador automático)"
    } else {
        ""
    }
}

fn line(row: &PolicyInfo, reach: &Reach) -> Line {
    let classes = if row.classes.len() > 12 {
        String::from("(most classes)")
    } else {
        let names: Vec<&str> = row.classes.iter().map(|class| class.as_str()).collect();
        names.join(" ")
    };
    let until = match &*row.sunset {
        "" => String::new(),
        sunset if reach.state == State::Ended => format!(" until {sunset} (has ended)"),
        sunset => format!(" until {sunset}"),
    };
    let mut says = vec![
        row.plain_en.to_string(),
        format!("{}{}", row.plain_es, draft(row.es_machine_draft)),
        format!("{classes}; from {}{until}; {}", row.effective, row.owner),
    ];
    says.extend(row.counsel.as_ref().map(counsel));
    Line {
        columns: [
            row.id.to_string(),
            row.effect.to_owned(),
            row.row.to_string(),
            row.mark.to_string(),
            row.citations.join(" "),
        ],
        says,
    }
}

/// Who stands for a county's permit.
fn counsel(counsel: &Counsel) -> String {
    let Counsel { name, date, reason } = counsel;
    format!("loosened by counsel {name} on {date}: {reason}")
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

/// Adds the cases of one file; every line that is none is told, and a file without any is too.
fn add_cases(path: &Path, text: &str, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    let (before, mut broken) = (cases.len(), 0_usize);
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match cases::read(line) {
            Ok(case) => cases.push(case),
            Err(error) => {
                broken += 1;
                eprintln!(
                    "{}:{}:{}: not a case: {}; a case is one JSON object on one line: the \
                     question's members, `id`, and `expect` with `decision`, `redact`, \
                     `obligations` and `citation`",
                    path.display(),
                    index + 1,
                    error.column,
                    error.what
                );
            }
        }
    }
    let shown = path.display();
    match broken {
        0 if cases.len() == before => {
            bail!("{shown}: no case in it; write one JSON object a line")
        }
        0 => Ok(()),
        _ => bail!("{shown}: {broken} lines are no cases; nothing was run"),
    }
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
    let now = SystemClock.now();
    let added = added(&shipped, &laid, now);
    let cases = changed_cases(&shipped, &laid, &read_cases(&args.files, &args.catalog)?);
    let recorded = match args.recorded.is_asked() {
        true => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            Some(runtime.block_on(args.recorded.compare(&laid, now))?)
        }
        false => None,
    };
    let told = Diff {
        added,
        cases,
        recorded,
    };
    match args.output.as_str() {
        "json" => println!("{}", serde_json::to_string_pretty(&told)?),
        _ => print!("{told}"),
    }
    Ok(match args.exit_code && told.changes() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// What a pack changes.
#[derive(Serialize)]
struct Diff {
    /// Policies it brings.
    added: Vec<Added>,
    cases: ChangedCases,
    /// What it would change of recorded decisions, where a store was named.
    recorded: Option<Changes>,
}

/// A policy a pack brings, and how far it reaches today.
#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    row: PolicyInfo,
    reach: Reach,
}

impl Added {
    /// What it does, in words.
    fn way(&self) -> String {
        let way = match self.row.effect {
            "permit" => "loosens",
            _ => "tightens",
        };
        let above = self.reach.mandates.join(", ");
        match self.reach.state {
            State::Ended => format!("has ended on {} and changes nothing", self.row.sunset),
            State::NotBegun => format!("{way} from {} on", self.row.effective),
            State::NoEffect if above.is_empty() => {
                String::from("has no effect: nothing opens what it closes")
            }
            State::NoEffect => {
                format!("has no effect: a mandate stands above it ({above})")
            }
            State::InForce if above.is_empty() => way.to_owned(),
            State::InForce => {
                format!("{way}, without effect on what a mandate opens ({above})")
            }
        }
    }
}

#[derive(Serialize)]
struct ChangedCases {
    cases: usize,
    changed: Vec<ChangedCase>,
}

#[derive(Serialize)]
struct ChangedCase {
    id: String,
    /// Whether more goes than before.
    looser: bool,
    shipped: String,
    overlay: String,
}

impl Diff {
    fn changes(&self) -> bool {
        let recorded = self.recorded.as_ref();
        !self.cases.changed.is_empty() || recorded.is_some_and(|told| !told.groups.is_empty())
    }
}

impl std::fmt::Display for Diff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for added in &self.added {
            let (row, way) = (&added.row, added.way());
            writeln!(f, "{}: {way}: {}", row.id, row.plain_en)?;
            if let Some(who) = &row.counsel {
                writeln!(f, "    {}", counsel(who))?;
            }
        }
        for case in &self.cases.changed {
            let way = if case.looser { "looser" } else { "tighter" };
            writeln!(f, "{}: {way}", case.id)?;
            writeln!(f, "    shipped {}", case.shipped)?;
            writeln!(f, "    overlay {}", case.overlay)?;
        }
        let (changed, all) = (self.cases.changed.len(), self.cases.cases);
        writeln!(f, "{changed} of {all} cases change")?;
        match &self.recorded {
            Some(recorded) => write!(f, "{recorded}"),
            None => Ok(()),
        }
    }
}

/// Policies that are not among the shipped ones.
fn added(shipped: &Policy, laid: &Policy, now: Timestamp) -> Vec<Added> {
    let known: BTreeSet<_> = shipped.list().into_iter().map(|row| row.id).collect();
    let new = laid.list().into_iter();
    let new = new.filter(|row| !known.contains(&row.id));
    new.map(|row| Added {
        reach: laid.reach(&row.id, now),
        row,
    })
    .collect()
}

fn changed_cases(shipped: &Policy, laid: &Policy, cases: &[Case]) -> ChangedCases {
    let changed = cases.iter().filter_map(|case| {
        let (before, after) = (shipped.decide(&case.request), laid.decide(&case.request));
        let same = before.decision == after.decision
            && before.permit == after.permit
            && before.obligations == after.obligations;
        let looser = || {
            after
                .permit
                .iter()
                .any(|class| !before.permit.contains(class))
        };
        (!same).then(|| ChangedCase {
            id: case.id.clone(),
            looser: looser(),
            shipped: told(before.decision, &before.redact),
            overlay: told(after.decision, &after.redact),
        })
    });
    ChangedCases {
        changed: changed.collect(),
        cases: cases.len(),
    }
}
