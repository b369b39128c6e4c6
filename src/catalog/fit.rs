//! Whether the partners are fit to be served on this day: passed, with agreements that hold, and
//! nothing in a live partner's file left to be filled in.
//!
//! `check`, the start and every reload ask it with the clock they have. A partner in the test lane
//! may be unfinished; it releases nothing.

use super::partner::{Mode, Partner};
use super::{SourceFile, Sources, certified};
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;

/// Words that stand where something is still to be said, lower case.
const PLACEHOLDERS: &[&str] = &[
    "to be filled in",
    "fill in",
    "todo",
    "tbd",
    "fixme",
    "changeme",
    "change-me",
    "change me",
    "placeholder",
    "xxx",
    "...",
    "<",
];

/// All defects that keep the partners from being served at `now`.
pub fn check(sources: &Sources, now: Timestamp) -> Vec<Defect> {
    let mut defects = certified::missing(sources);
    for partner in sources.partners.values() {
        let file = format!("mappings/partners/{}.toml", partner.id);
        let live = partner.mode == Mode::Live;
        if let Some(file) = sources.files.get(&file).filter(|_| live) {
            expired(partner, file, now, &mut defects);
            unfinished(file, &mut defects);
        }
    }
    defects
}

fn expired(partner: &Partner, file: &SourceFile, now: Timestamp, defects: &mut Vec<Defect>) {
    for agreement in partner.agreement.iter().filter(|it| !it.holds_at(now)) {
        let message = format!("the agreement `{}` has run out", agreement.id);
        let span = quoted(file, &agreement.id);
        let mut defect = file.defect(span, "partner-agreement-expired", message);
        defect.help = "enter the renewed agreement, take it out, or set mode = \"test\"".to_owned();
        defects.push(defect);
    }
}

/// Every text of the file that says nothing yet.
fn unfinished(file: &SourceFile, defects: &mut Vec<Defect>) {
    // A file that is no TOML has been told.
    let Ok(table) = file.text.parse::<toml::Table>() else {
        return;
    };
    let mut found = Vec::new();
    texts(&toml::Value::Table(table), &mut found);
    found.sort();
    found.dedup();
    for text in found {
        let message = if text.trim().is_empty() {
            "a text is empty".to_owned()
        } else {
            format!("`{text}` is still to be filled in")
        };
        let mut defect = file.defect(quoted(file, &text), "partner-unfinished", message);
        defect.help = "a live partner's file says everything; fill it in".to_owned();
        defects.push(defect);
    }
}

fn texts(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) if is_placeholder(text) => found.push(text.clone()),
        toml::Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        toml::Value::Table(table) => table.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

/// Empty, a word that stands for one to come, or a fingerprint of one repeated digit.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let mut characters = text.chars();
    let first = characters.next();
    let repeated = text.len() >= 8 && characters.all(|c| Some(c) == first);
    let word = |word: &&str| {
        text.match_indices(*word).any(|(at, _)| {
            let (before, after) = (text.get(..at), text.get(at + word.len()..));
            let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let start = inner(before.and_then(|b| b.chars().next_back()));
            let end = inner(after.and_then(|a| a.chars().next()));
            // Part of a longer word is no placeholder: "Todos Unidos" is a name.
            !word.starts_with(char::is_alphanumeric) || (!start && !end)
        })
    };
    text.is_empty() || repeated || PLACEHOLDERS.iter().any(word)
}

/// Where the text stands in the file, quotes included.
fn quoted(file: &SourceFile, text: &str) -> Option<std::ops::Range<usize>> {
    ['"', '\''].into_iter().find_map(|quote| {
        let written = format!("{quote}{text}{quote}");
        let at = file.text.find(&written)?;
        Some(at..at + written.len())
    })
}

#[cfg(test)]
mod tests {
    //! Goal: a live partner with an agreement that ran out, or a text not filled in, is not served.
    //! Method: one file of each kind, live and in the test lane.
    use super::*;
    use crate::catalog::{files, from_files};

    const GOOD: &str = "id = \"p\"\nname = \"Todos Unidos\"\nrole = \"ppp\"\nmode = \"live\"\n\
        agreement = { id = \"MOU-7\", kind = \"baa\", expires = 2027-06-30 }\n\
        [[credential]]\ntoken_sha256 = \"TOKEN\"\n[[channel]]\nname = \"c\"\n\
        direction = \"out\"\nformat = \"kinbridge-json/1.0\"\nrecords = [\"person\"]\n\
        purpose = \"treatment\"\nrelated_by = [\"team\"]\n\
        https = { url = \"https://p.county.example/in\" }\n";

    fn told(text: &str, at: &str) -> Vec<(&'static str, u32, u32)> {
        let (mut all, _) = files::read(&[]);
        all.retain(|path, _| path.starts_with("policies/operator"));
        let path = "mappings/partners/p.toml".to_owned();
        let token = crate::base::digest::Digest::of(b"token").to_hex();
        let file = SourceFile {
            path: path.clone(),
            text: text.replace("TOKEN", &token),
            overlay: true,
            shipped: None,
        };
        all.insert(path, file);
        let sources = from_files(all, &mut Vec::new());
        let now = Timestamp::from_rfc3339(at).expect("an instant");
        check(&sources, now)
            .iter()
            .filter(|defect| defect.code != "partner-not-certified")
            .map(|defect| (defect.code, defect.line, defect.column))
            .collect()
    }

    const TODAY: &str = "2026-11-22T12:00:00Z";

    #[test]
    fn an_agreement_that_ran_out_is_a_defect_from_the_next_day_on() {
        assert!(told(GOOD, "2027-06-30T23:59:59-07:00").is_empty());
        let after = "2027-07-01T00:00:00-07:00";
        assert_eq!(told(GOOD, after), [("partner-agreement-expired", 5, 20)]);
        assert!(told(&GOOD.replace("\"live\"", "\"test\""), after).is_empty());
    }

    #[test]
    fn what_is_not_filled_in_is_told_with_its_place() {
        let zeros = "0".repeat(64);
        for (from, to, place) in [
            ("MOU-7", "to be filled in", (5, 20)),
            ("MOU-7", "", (5, 20)),
            ("MOU-7", "  ", (5, 20)),
            ("MOU-7", "MOU-TBD", (5, 20)),
            ("TOKEN", zeros.as_str(), (7, 16)),
            ("TOKEN", "...", (7, 16)),
            ("p.county.example", "changeme.example", (15, 17)),
            ("p.county.example", "<host>", (15, 17)),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_eq!(
                told(&text, TODAY),
                [("partner-unfinished", place.0, place.1)],
                "{to}"
            );
            assert!(
                told(&text.replace("\"live\"", "\"test\""), TODAY).is_empty(),
                "{to}"
            );
        }
    }
}
