//! Finds what was planted, in any bytes: as it is, in another case, in base64 and as hexadecimal.

use super::grow::{Canary, Grown, KEY_MARK, MARK, NOBODY};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Knows everything that was planted.
pub struct Scanner {
    words: Regex,
    /// Dates, codes and the like, thousands of them: no pattern of so many is searched in one pass.
    others: AhoCorasick,
    hidden: Regex,
    /// By token in lower case: which record, which canary of it.
    known: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Scanner {
    pub fn new(grown: &[Grown]) -> Scanner {
        let mut known: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (record, one) in grown.iter().enumerate() {
            for (at, canary) in one.canaries.iter().enumerate() {
                if let Some(token) = &canary.token {
                    known
                        .entry(token.to_lowercase())
                        .or_default()
                        .push((record, at));
                }
            }
        }
        let mark = MARK.to_lowercase();
        let others = known.keys().filter(|token| !token.starts_with(&mark));
        let others = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(others);
        Scanner {
            words: Regex::new(&format!("(?i){MARK}[0-9]{{5}}w")).expect("a pattern"),
            others: others.expect("tokens"),
            hidden: Regex::new(&disguises().join("|")).expect("a pattern"),
            known,
        }
    }

    /// What of the planted stands in these bytes.
    pub fn planted(&self, bytes: &[u8]) -> BTreeSet<(usize, usize)> {
        let words = self.words.find_iter(bytes).map(|hit| hit.range());
        // Each that stands there, also one within another.
        let others = self.others.find_overlapping_iter(bytes);
        let found = words.chain(others.map(|hit| hit.range())).filter_map(|at| {
            let token = String::from_utf8_lossy(&bytes[at]).to_lowercase();
            self.known.get(&token)
        });
        found.flatten().copied().collect()
    }

    /// Whether anything planted stands there in any way, keys of persons included; what was found.
    pub fn anything(&self, bytes: &[u8]) -> Option<String> {
        let shown = |hit: Range<usize>| {
            let from = hit.start.saturating_sub(60);
            let to = (hit.end + 30).min(bytes.len());
            String::from_utf8_lossy(&bytes[from..to]).into_owned()
        };
        let hit = self.hidden.find(bytes).or_else(|| self.words.find(bytes));
        let hit = hit.map(|hit| hit.range());
        let hit = hit.or_else(|| self.others.find(bytes).map(|hit| hit.range()));
        hit.map(shown)
    }
}

/// The marks in any case, as base64 begins them at each of three places, and as hexadecimal.
fn disguises() -> Vec<String> {
    let mut out = vec![
        // With what always follows: four letters alone stand in sealed bytes by chance.
        format!("(?i:{MARK}[0-9]{{2}})"),
        format!("(?i:{}[-_ ]?[0-9a-z]{{4}})", KEY_MARK.trim_end_matches('-')),
    ];
    for mark in [MARK, KEY_MARK] {
        for before in 0..3 {
            let padded = [vec![0; before], mark.as_bytes().to_vec()].concat();
            for text in [
                STANDARD_NO_PAD.encode(&padded),
                URL_SAFE_NO_PAD.encode(&padded),
            ] {
                // What depends on the bytes before and behind is left out.
                let from = [0, 2, 3][before];
                let whole = (before + mark.len()) * 8 / 6;
                out.push(regex::escape(&text[from..whole.min(text.len())]));
            }
        }
        let hex: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
        out.push(format!("(?i:{hex})"));
    }
    out
}

/// Whether a trace lets a planted value go: every class of everyone it is about. `permits` answers
/// for a person's key and a class.
pub fn entitled(canary: &Canary, part2: bool, permits: &dyn Fn(&str, &str) -> bool) -> bool {
    let alone = canary.classes.iter().count() == 1;
    // All of what a Part 2 program says is Part 2 data; what would be plain is that alone.
    let plain = |class: &str| matches!(class, "demographics" | "referral" | "engagement_contact");
    canary.persons.iter().all(|person| {
        // Totals are of nobody's data, whoever counts.
        let part2 = part2 && person != NOBODY;
        (!part2 || permits(person, "sud_part2"))
            && canary.classes.iter().all(|class| {
                // What a sender outside Part 2 says of substance use is of mental health, if of
                // nothing else.
                let lowered = alone && !part2 && class.as_str() == "sud_part2";
                let class = if lowered {
                    "mental_health"
                } else {
                    class.as_str()
                };
                (part2 && plain(class)) || permits(person, class)
            })
    })
}
