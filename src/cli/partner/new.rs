//! `kinbridge partner new`: writes a partner file, samples and a letter, and shows a token once.
//!
//! It never writes the token itself anywhere: the file holds its SHA-256.

use super::answers::{self, Answers};
use super::letter::{Terms, letter};
use super::samples::{Sending, ending, sample};
use crate::base::digest::{Digest, hex};
use crate::base::id::{FormatId, RecordType};
use crate::base::language::Language;
use crate::base::vocabulary::SourceRole;
use crate::catalog::paper;
use crate::rules::Rules;
use anyhow::Context;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Answers as flags; what is left out is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id, also the file's name
    #[arg(long)]
    pub id: Option<String>,
    /// Name of the organisation
    #[arg(long)]
    pub name: Option<String>,
    /// Role, a word of the role vocabulary
    #[arg(long)]
    pub role: Option<String>,
    /// County FIPS code
    #[arg(long)]
    pub county: Option<String>,
    /// Where all its work with families comes from, for records that do not say: case, referral
    /// or prevention; left out, such records wait for a person
    #[arg(long)]
    pub service_source: Option<String>,
    /// Kinds of facts it asserts of persons, with commas; left out, it asserts none
    #[arg(long)]
    pub asserts: Option<String>,
    /// Format it sends
    #[arg(long)]
    pub format: Option<String>,
    /// Record types it sends, with commas
    #[arg(long)]
    pub records: Option<String>,
    /// Where it takes records: an https URL; left out, none are sent to it
    #[arg(long)]
    pub out_url: Option<String>,
    /// Record types it is sent, with commas
    #[arg(long)]
    pub out_records: Option<String>,
    /// What ties a record to it, with commas: addressee, requester, target, assignment, team,
    /// county
    #[arg(long)]
    pub related_by: Option<String>,
    /// Record types it fetches in batches, with commas; left out, it fetches none
    #[arg(long)]
    pub pull_records: Option<String>,
    /// Why it receives, a word of the purpose vocabulary
    #[arg(long)]
    pub purpose: Option<String>,
    /// Where the gateway answers
    #[arg(long, default_value = "https://gateway.example")]
    pub url: String,
    /// Catalog folder to write into
    #[arg(long, default_value = "catalog")]
    pub catalog: PathBuf,
    /// Folder for what the partner is handed: the letter and samples
    #[arg(long, default_value = "handover")]
    pub handover: PathBuf,
}

/// Asks, writes, prints.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let answers = answers::ask(args)?;
    // The folder written into may hold formats of the county's own.
    let own = args.catalog.is_dir().then(|| args.catalog.clone());
    let rules = Rules::load(own.as_slice()).map_err(|defects| {
        anyhow::anyhow!(
            "the catalog has {} defects; run kinbridge check --catalog {}",
            defects.len(),
            args.catalog.display()
        )
    })?;
    let format = FormatId::new(&answers.format);
    let wire = rules.wires.get(&format);
    let wire = wire.with_context(|| format!("unknown format {format}; see kinbridge check"))?;
    let agreements = agreements(&rules, &answers)?;
    let kinds = may_assert(&rules, &answers)?;
    let folder = args.catalog.join("mappings/partners");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder:?}"))?;
    let file = folder.join(format!("{}.toml", answers.id));
    anyhow::ensure!(
        !file.exists(),
        "{} exists; choose another id",
        file.display()
    );
    let token = token()?;
    std::fs::write(&file, partner_file(&answers, (&agreements, &kinds), &token))
        .with_context(|| format!("cannot write {file:?}"))?;
    // A catalog folder holds nothing but what the gateway reads.
    std::fs::create_dir_all(&args.handover)
        .with_context(|| format!("cannot make {:?}", args.handover))?;
    let page = args.handover.join(format!("letter-{}.md", answers.id));
    let terms = Terms {
        url: &args.url,
        samples: &write_samples(&args.handover, &answers, &rules)?,
        agreements: &agreements,
        media_type: wire.media_type(),
    };
    std::fs::write(&page, letter(&answers, &terms))
        .with_context(|| format!("cannot write {page:?}"))?;
    println!("partner file  {}", file.display());
    println!("letter        {}", page.display());
    for sample in terms.samples {
        println!("sample        {}", args.handover.join(sample).display());
    }
    for paper in write_papers(&args.handover, &answers, &rules)? {
        println!("paper form    {}", args.handover.join(paper).display());
    }
    println!("token         {token}\n              shown once; hand it over by a safe way");
    println!("next          fill in the agreements, then: kinbridge check --catalog <folder>");
    Ok(ExitCode::SUCCESS)
}

/// Agreement kinds the channel needs, for everything its record types can hold.
fn agreements(rules: &Rules, answers: &Answers) -> anyhow::Result<Vec<String>> {
    let mut kinds = BTreeSet::new();
    for record in &answers.records {
        let plan = rules.labels.get(record);
        let plan = plan.with_context(|| format!("unknown record type {record}"))?;
        for class in plan.classes_below().iter() {
            let asked = rules.sources.operator.agreements(class);
            kinds.extend(asked.filter_map(|any_of| any_of.first().cloned()));
        }
    }
    Ok(kinds.into_iter().collect())
}

/// Kinds of facts a partner of its role may assert; what it is to assert must be among them.
fn may_assert<'a>(rules: &'a Rules, answers: &Answers) -> anyhow::Result<Vec<&'a str>> {
    let role = answers.role.parse::<SourceRole>().ok();
    let kinds = rules.sources.facts.kinds.iter();
    let kinds = kinds.filter(|kind| role.is_some_and(|role| kind.asserters.contains(&role)));
    let kinds: Vec<&str> = kinds.map(|kind| kind.id.as_str()).collect();
    for asked in &answers.asserts {
        anyhow::ensure!(
            kinds.contains(&asked.as_str()),
            "its role may not assert `{asked}`; it may: {}",
            kinds.join(", ")
        );
    }
    Ok(kinds)
}

/// Writes one sample per record type beside the letter; gives their names.
fn write_samples(folder: &Path, answers: &Answers, rules: &Rules) -> anyhow::Result<Vec<String>> {
    let format = FormatId::new(&answers.format);
    let mut names = Vec::new();
    for record in &answers.records {
        let bytes = sample(rules, &format, &RecordType::new(record), Sending::PLAIN)?;
        let name = format!("sample-{}-{record}.{}", answers.id, ending(rules, &format));
        std::fs::write(folder.join(&name), bytes)
            .with_context(|| format!("cannot write {name}"))?;
        names.push(name);
    }
    Ok(names)
}

/// Writes the paper form of each record type in both languages, where the format is one of rows;
/// gives their names.
fn write_papers(folder: &Path, answers: &Answers, rules: &Rules) -> anyhow::Result<Vec<String>> {
    let format = FormatId::new(&answers.format);
    let rows = rules.sources.mapped_as(&format).as_str();
    let mut names = Vec::new();
    for (record, language) in answers
        .records
        .iter()
        .flat_map(|record| Language::ALL.iter().map(move |it| (record, *it)))
    {
        if let Some(page) = paper::sheet(&rules.sources, (rows, record), language) {
            let name = format!("paper-{record}.{}.html", language.as_str());
            std::fs::write(folder.join(&name), page)
                .with_context(|| format!("cannot write {name}"))?;
            names.push(name);
        }
    }
    Ok(names)
}

fn token() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("no random numbers"))?;
    Ok(hex(&bytes))
}

fn partner_file(
    answers: &Answers,
    (agreements, kinds): (&[String], &[&str]),
    token: &str,
) -> String {
    let may = match kinds {
        [] => String::from("# its role may assert no facts of persons (docs/facts.md)\n"),
        kinds => format!(
            "# facts it asserts of persons (docs/facts.md); its role may assert:\n# {}\n",
            kinds.join("\n# ")
        ),
    };
    let county = match answers.county_fips.as_str() {
        "" => String::new(),
        fips => format!("county_fips = {}\n", quoted(fips)),
    };
    let source = match answers.service_source.as_str() {
        "" => "# of records that do not say; left out, these wait for a person:\n\
               # service_source = \"case\", \"referral\" or \"prevention\"\n"
            .to_owned(),
        word => format!("service_source = {}\n", quoted(word)),
    };
    let agreements: String = agreements
        .iter()
        .map(|kind| {
            format!(
                "\n[[agreement]]\nid = \"to be filled in\"\nkind = {}\n",
                quoted(kind)
            )
        })
        .collect();
    format!(
        "id = {id}\nname = {name}\nrole = {role}\n{county}mode = \"test\"\n\n\
         {may}asserts = [{asserts}]\n{agreements}\n\
         [[credential]]\ntoken_sha256 = \"{digest}\"\n\n\
         [[channel]]\nname = \"in\"\ndirection = \"in\"\nformat = {format}\n\
         records = [{records}]\n{source}{receiving}",
        id = quoted(&answers.id),
        name = quoted(&answers.name),
        role = quoted(&answers.role),
        asserts = list(&answers.asserts),
        digest = Digest::of(token.as_bytes()),
        format = quoted(&answers.format),
        records = list(&answers.records),
        receiving = receiving(answers),
    )
}

/// Channels over which it receives, in the format it sends.
fn receiving(answers: &Answers) -> String {
    let head = |direction: &str, records: &[String]| {
        format!(
            "\n[[channel]]\nname = \"{direction}\"\ndirection = \"{direction}\"\n\
             format = {}\nrecords = [{}]\npurpose = {}\n",
            quoted(&answers.format),
            list(records),
            quoted(&answers.purpose),
        )
    };
    let mut text = String::new();
    if let Some(out) = &answers.out {
        text.push_str(&head("out", &out.records));
        text.push_str(&format!(
            "related_by = [{}]\nhttps = {{ url = {} }}\n",
            list(&out.related_by),
            quoted(&out.url),
        ));
    }
    if !answers.pull_records.is_empty() {
        text.push_str(&head("pull", &answers.pull_records));
    }
    if !text.is_empty() {
        text.push_str(
            "\n# how records name this organisation, to find it as addressee or requester:\n\
             # [[identifier]]\n# system = \"a URI\"\n# value = \"its value\"\n",
        );
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::answers::OutChannel;
    use super::*;
    use crate::catalog::Partner;
    use crate::catalog::partner::{Direction, Relation};

    // Goal: what is written is a partner file with the channels asked for. Method: read it back.
    #[test]
    fn the_file_has_the_channels_asked_for() {
        let words = |text: &str| vec![text.to_owned()];
        let mut answers = Answers {
            id: "oakleaf".to_owned(),
            name: "Oakleaf \"House\"".to_owned(),
            role: "mhp".to_owned(),
            county_fips: "06113".to_owned(),
            service_source: String::new(),
            asserts: Vec::new(),
            format: "fhir-r4/4.0".to_owned(),
            records: words("service-referral"),
            out: Some(OutChannel {
                url: "https://oakleaf.example/inbox".to_owned(),
                records: words("service-referral"),
                related_by: words("addressee"),
            }),
            pull_records: words("family-case"),
            purpose: "treatment".to_owned(),
        };
        let read = |answers: &Answers| -> Partner {
            let kinds = ["minor_consented"];
            let text = partner_file(answers, (&words("baa"), &kinds), "secret");
            assert!(text.contains("# minor_consented\nasserts = ["), "{text}");
            assert!(!text.contains("secret"), "{text}");
            toml::from_str(&text).expect("a partner file")
        };
        let partner = read(&answers);
        let ways: Vec<Direction> = partner.channel.iter().map(|c| c.direction).collect();
        assert_eq!(ways, [Direction::In, Direction::Out, Direction::Pull]);
        assert_eq!(partner.channel[1].related_by, [Relation::Addressee]);
        let https = partner.channel[1].https.as_ref().expect("where to");
        assert_eq!(https.url, "https://oakleaf.example/inbox");
        assert!(partner.channel[2].purpose.is_some());
        assert!(partner.asserts.is_empty());
        (answers.out, answers.pull_records) = (None, Vec::new());
        assert_eq!(read(&answers).channel.len(), 1);
    }

    #[test]
    fn a_partner_asserts_what_was_answered_and_its_role_may() {
        // Goal: nobody asserts by default, and nobody what its role may not. Method: every kind
        // for a county and for a program, straight from the rules.
        let rules = Rules::load(&[]).expect("rules");
        let mut answers = Answers {
            id: "oakleaf".to_owned(),
            name: "Oakleaf".to_owned(),
            role: "cws".to_owned(),
            county_fips: "06113".to_owned(),
            service_source: String::new(),
            asserts: vec!["restraining_order".to_owned()],
            format: "fhir-r4/4.0".to_owned(),
            records: Vec::new(),
            out: None,
            pull_records: Vec::new(),
            purpose: String::new(),
        };
        let kinds = may_assert(&rules, &answers).expect("a county may");
        assert!(kinds.contains(&"restraining_order"));
        let text = partner_file(&answers, (&[], &kinds), "secret");
        let partner: Partner = toml::from_str(&text).expect("a partner file");
        assert_eq!(partner.asserts, ["restraining_order"]);
        answers.role = "ppp".to_owned();
        assert!(may_assert(&rules, &answers).is_err());
        answers.asserts.clear();
        assert!(may_assert(&rules, &answers).is_ok());
    }
}
