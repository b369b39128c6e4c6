//! The few questions a new partner answers, from flags or from the terminal.
//!
//! An answer outside its word list is asked again; without a terminal it is an error.

use crate::base::vocabulary::{Purpose, RecipientRole, ServiceSource, SourceRole};
use crate::catalog::partner::Relation;
use crate::cli::out::Out;
use std::io::{BufRead, IsTerminal, Write};

/// What is known of the new partner.
#[derive(Debug)]
pub struct Answers {
    /// Also the file's name.
    pub id: String,
    /// For people.
    pub name: String,
    /// A source or recipient role.
    pub role: String,
    /// Five digits, or empty.
    pub county_fips: String,
    /// Where the work behind its records comes from, or empty.
    pub service_source: String,
    /// Kinds of facts it asserts of persons.
    pub asserts: Vec<String>,
    /// Format of what it sends.
    pub format: String,
    /// Record types it sends.
    pub records: Vec<String>,
    /// How records are sent to it, if they are.
    pub out: Option<OutChannel>,
    /// Record types it fetches.
    pub pull_records: Vec<String>,
    /// Why it receives, or empty where it does not.
    pub purpose: String,
}

/// A channel over which records are sent to it.
#[derive(Debug)]
pub struct OutChannel {
    /// Where to.
    pub url: String,
    /// Record types it is sent.
    pub records: Vec<String>,
    /// What ties a record to it.
    pub related_by: Vec<String>,
}

/// Asks for what the flags left open.
pub fn ask(flags: &super::new::Args) -> anyhow::Result<Answers> {
    let id = answer(flags.id.as_deref(), "Id (letters, digits, hyphens)", is_id)?;
    let name = answer(flags.name.as_deref(), "Name of the organisation", |n| {
        !n.is_empty()
    })?;
    let role = answer(flags.role.as_deref(), &role_question(), is_role)?;
    let county = optional(
        flags.county.as_deref(),
        "County FIPS code, or nothing",
        is_county,
    )?;
    let source = optional(
        flags.service_source.as_deref(),
        "Where all its work with families comes from (case, referral, prevention), or nothing if \
         its records say",
        is_service_source,
    )?;
    let asserts = optional(
        flags.asserts.as_deref(),
        "Kinds of facts it asserts of persons, with commas (docs/facts.md), or nothing",
        |_| true,
    )?;
    let format = answer(
        flags.format.as_deref(),
        "Format it sends, as name/version",
        |f| f.contains('/'),
    )?;
    let records = answer(
        flags.records.as_deref(),
        "Record types it sends, with commas",
        |r| !r.is_empty(),
    )?;
    let out = out_channel(flags)?;
    let pull = optional(
        flags.pull_records.as_deref(),
        "Record types it fetches in batches, with commas, or nothing",
        |_| true,
    )?;
    let purpose = match out.is_some() || !pull.is_empty() {
        true => answer(flags.purpose.as_deref(), &purpose_question(), is_purpose)?,
        false => String::new(),
    };
    Ok(Answers {
        id,
        name,
        role,
        county_fips: county,
        service_source: source,
        asserts: words(&asserts),
        format,
        records: words(&records),
        out,
        pull_records: words(&pull),
        purpose,
    })
}

fn out_channel(flags: &super::new::Args) -> anyhow::Result<Option<OutChannel>> {
    let url = optional(
        flags.out_url.as_deref(),
        "Where it takes records, an https URL, or nothing if none are sent to it",
        is_url,
    )?;
    if url.is_empty() {
        return Ok(None);
    }
    let records = answer(
        flags.out_records.as_deref(),
        "Record types it is sent, with commas",
        |r| !r.is_empty(),
    )?;
    let related_by = answer(
        flags.related_by.as_deref(),
        "What ties a record to it, with commas (addressee, requester, target, assignment, team, \
         county)",
        are_relations,
    )?;
    Ok(Some(OutChannel {
        url,
        records: words(&records),
        related_by: words(&related_by),
    }))
}

/// Words between commas.
fn words(text: &str) -> Vec<String> {
    let words = text.split(',').map(|word| word.trim().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// An answer that may be nothing; without a terminal to ask it is.
fn optional(
    flag: Option<&str>,
    question: &str,
    fits: impl Fn(&str) -> bool,
) -> anyhow::Result<String> {
    if flag.is_none() && !std::io::stdin().is_terminal() {
        return Ok(String::new());
    }
    answer(flag, question, fits)
}

fn answer(
    flag: Option<&str>,
    question: &str,
    fits: impl Fn(&str) -> bool,
) -> anyhow::Result<String> {
    if let Some(given) = flag {
        anyhow::ensure!(
            fits(given),
            "the answer to \"{question}\" does not fit: {given}"
        );
        return Ok(given.to_owned());
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "no terminal to ask: \"{question}\"; give the answer as a flag (see --help)"
    );
    loop {
        print!("{question}: ");
        Out::new().flush()?;
        let mut line = String::new();
        anyhow::ensure!(
            std::io::stdin().lock().read_line(&mut line)? > 0,
            "no more answers"
        );
        let line = line.trim();
        if fits(line) {
            return Ok(line.to_owned());
        }
        println!("That does not fit; please try again.");
    }
}

fn role_question() -> String {
    let words: Vec<&str> = SourceRole::ALL.iter().map(|role| role.as_str()).collect();
    format!("Role ({} or a recipient role)", words.join(", "))
}

fn purpose_question() -> String {
    let words: Vec<&str> = Purpose::ALL.iter().map(|word| word.as_str()).collect();
    format!("Why it receives ({})", words.join(", "))
}

fn is_purpose(text: &str) -> bool {
    text.parse::<Purpose>().is_ok()
}

fn is_url(text: &str) -> bool {
    text.is_empty() || (text.starts_with("https://") && text.len() > "https://".len())
}

fn are_relations(text: &str) -> bool {
    let known = |word: String| toml::Value::String(word).try_into::<Relation>().is_ok();
    let words = words(text);
    !words.is_empty() && words.into_iter().all(known)
}

fn is_id(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_role(text: &str) -> bool {
    text.parse::<SourceRole>().is_ok() || text.parse::<RecipientRole>().is_ok()
}

fn is_service_source(text: &str) -> bool {
    text.is_empty() || text.parse::<ServiceSource>().is_ok()
}

fn is_county(text: &str) -> bool {
    text.is_empty() || (text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_roles_and_counties_are_checked() {
        assert!(is_id("harbor-family-center") && !is_id("Harbor") && !is_id("x"));
        assert!(is_role("ppp") && is_role("health_plan") && !is_role("friend"));
        assert!(is_service_source("") && is_service_source("prevention"));
        assert!(!is_service_source("Referral"));
        assert!(is_url("") && is_url("https://a.example/in") && !is_url("http://a.example/in"));
        assert!(are_relations("addressee, team") && !are_relations("friend") && !are_relations(""));
        assert!(is_purpose("treatment") && !is_purpose("curiosity"));
        assert!(is_county("") && is_county("06113") && !is_county("6113"));
    }
}
