//! The story as data: who sends what, and what must come of it.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The folder of the story inside the executable.
#[derive(rust_embed::RustEmbed)]
#[folder = "fixtures/exchange/family-story"]
struct Folder;

/// `story.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// For people.
    pub title: String,
    /// Simulated inboxes: the name partner files use, and what people read.
    pub inbox: BTreeMap<String, String>,
    /// The steps, in order.
    pub step: Vec<Step>,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// One line.
    pub title: String,
    /// A sentence or two for someone who sees this for the first time.
    pub text: String,
    /// What is done.
    pub act: Vec<Act>,
    /// What arrives where; an inbox that is not named must receive nothing new.
    #[serde(default)]
    pub arrives: Vec<Arrives>,
    /// What is withheld from whom.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
}

/// One thing done in a step.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// A partner submits a file.
    Submit {
        /// Partner.
        from: String,
        /// File of the story's folder.
        file: String,
        /// Format.
        format: String,
        /// Media type.
        media: String,
        /// Idempotency key.
        key: String,
        /// Expected HTTP status.
        status: u16,
        /// Expected counts, in the words of the receipt; those not named must be zero.
        #[serde(default)]
        counts: BTreeMap<String, u64>,
        /// Finding codes that must be told, with their line.
        #[serde(default)]
        findings: BTreeMap<String, u64>,
    },
    /// A partner lodges a consent.
    Consent {
        /// Partner.
        from: String,
        /// Id of the consent.
        id: String,
        /// File of the story's folder.
        file: String,
    },
    /// A partner revokes a consent.
    Revoke {
        /// Partner.
        from: String,
        /// Id of the consent.
        id: String,
    },
    /// An inbox goes down, or comes back.
    Inbox {
        /// Which.
        name: String,
        /// `up`, `down`, `losing-answers`.
        is: String,
    },
    /// A state job fetches a batch.
    Pull {
        /// Partner.
        from: String,
        /// Records that must be in it.
        records: u64,
        /// Text that must be in it.
        #[serde(default)]
        shows: Vec<String>,
        /// Text that must not.
        #[serde(default)]
        hides: Vec<String>,
    },
    /// The privacy officer lists the disclosures of a person.
    Accounting {
        /// `system|value`.
        person: String,
        /// Disclosures that must be listed.
        disclosures: u64,
    },
}

/// New deliveries in an inbox during the step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrives {
    /// Inbox.
    pub at: String,
    /// How many.
    pub count: usize,
    /// Text that must be in them.
    #[serde(default)]
    pub shows: Vec<String>,
    /// Text that must not.
    #[serde(default)]
    pub hides: Vec<String>,
    /// Arrivals of one delivery at least: more than one after a failure.
    #[serde(default)]
    pub arrivals_min: u32,
}

/// A delivery that law or consent withholds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// Partner.
    pub from: String,
    /// A citation that must be among the reasons, cut before the first bracket.
    pub citation: String,
}

impl Story {
    /// The story inside the executable.
    pub fn shipped() -> anyhow::Result<Story> {
        Ok(toml::from_str(&text("story.toml")?)?)
    }
}

/// A file of the story's folder.
pub fn file(name: &str) -> anyhow::Result<Vec<u8>> {
    let found = Folder::get(name);
    let found = found.ok_or_else(|| anyhow::anyhow!("the story has no file {name}"))?;
    Ok(found.data.into_owned())
}

/// A text file of the story's folder.
pub fn text(name: &str) -> anyhow::Result<String> {
    Ok(String::from_utf8(file(name)?)?)
}

/// Partner files of the story, without their folder and ending.
pub fn partners() -> Vec<String> {
    let names = Folder::iter().filter_map(|path| {
        path.strip_prefix("partners/")?
            .strip_suffix(".toml")
            .map(str::to_owned)
    });
    names.collect()
}
