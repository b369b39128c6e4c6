//! The few questions a new partner answers, from flags or from the terminal.
//!
//! An answer outside its word list is asked again; without a terminal it is an error.

use crate::base::vocabulary::{RecipientRole, ServiceSource, SourceRole};
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
    /// Format of what it sends.
    pub format: String,
    /// Record types it sends.
    pub records: Vec<String>,
}

/// Asks for what the flags left open.
pub fn ask(flags: &super::new::Args) -> anyhow::Result<Answers> {
    let id = answer(flags.id.as_deref(), "Id (letters, digits, hyphens)", is_id)?;
    let name = answer(flags.name.as_deref(), "Name of the organisation", |n| {
        !n.is_empty()
    })?;
    let role = answer(flags.role.as_deref(), &role_question(), is_role)?;
    let county = answer(
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
    Ok(Answers {
        id,
        name,
        role,
        county_fips: county,
        service_source: source,
        format,
        records: records.split(',').map(|r| r.trim().to_owned()).collect(),
    })
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
        std::io::stdout().flush()?;
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
        assert!(is_county("") && is_county("06113") && !is_county("6113"));
    }
}
