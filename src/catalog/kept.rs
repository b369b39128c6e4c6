//! A whole rule set as the store keeps it, and back: so that a past decision can be taken again.
//!
//! It keeps every text and whose it was; it must never leave out what a decision rested on.

use super::SourceFile;
use super::files::{ENGINE, digest_by};
use crate::base::id::RuleSetId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Version of the engine that compiled it.
    engine: String,
    files: BTreeMap<String, KeptFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFile {
    text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overlay: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shipped: Option<String>,
}

/// Why a kept rule set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// It is not what [`write`] made.
    #[error("the kept rule set cannot be read")]
    Unreadable,
    /// Its content is not that of its id.
    #[error("the kept rule set is not the one its id names")]
    Altered,
}

/// All files of a rule set as bytes.
pub fn write(files: &BTreeMap<String, SourceFile>) -> Vec<u8> {
    let each = files.iter().map(|(path, file)| {
        let kept = KeptFile {
            text: file.text.clone(),
            overlay: file.overlay,
            shipped: file.shipped.clone(),
        };
        (path.clone(), kept)
    });
    let kept = Kept {
        engine: ENGINE.to_owned(),
        files: each.collect(),
    };
    // Texts and their names always serialise.
    serde_json::to_vec(&kept).unwrap_or_default()
}

/// Version of the engine that compiled a kept rule set, and whether it is another than this one.
pub fn engine(bytes: &[u8]) -> Option<(String, bool)> {
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    let other = kept.engine != ENGINE;
    Some((kept.engine, other))
}

/// The files of a kept rule set.
///
/// # Errors
/// When the bytes are not those of `id`.
pub fn read(id: &RuleSetId, bytes: &[u8]) -> Result<BTreeMap<String, SourceFile>, NotKept> {
    let kept: Kept = serde_json::from_slice(bytes).map_err(|_| NotKept::Unreadable)?;
    let each = kept.files.into_iter().map(|(path, file)| {
        let source = SourceFile {
            path: path.clone(),
            text: file.text,
            overlay: file.overlay,
            shipped: file.shipped,
        };
        (path, source)
    });
    let files: BTreeMap<String, SourceFile> = each.collect();
    if digest_by(&kept.engine, &files) != *id {
        return Err(NotKept::Altered);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    //! Goal: a rule set comes back as it was, whose each file is included. Method: one shipped and
    //! one county file, then a changed letter.
    use super::*;

    fn files() -> BTreeMap<String, SourceFile> {
        let file = |path: &str, overlay: bool| SourceFile {
            path: path.to_owned(),
            text: "forbid (principal, action, resource);".to_owned(),
            overlay,
            shipped: None,
        };
        let each = [("policies/a.cedar", false), ("policies/b.cedar", true)];
        each.into_iter()
            .map(|(path, overlay)| (path.to_owned(), file(path, overlay)))
            .collect()
    }

    #[test]
    fn a_rule_set_comes_back_as_it_was() {
        let id = digest_by(ENGINE, &files());
        let back = read(&id, &write(&files())).expect("readable");
        assert!(back["policies/b.cedar"].overlay && !back["policies/a.cedar"].overlay);
        assert_eq!(digest_by(ENGINE, &back), id);
    }

    #[test]
    fn a_changed_rule_set_is_refused() {
        let id = digest_by(ENGINE, &files());
        let mut other = files();
        if let Some(file) = other.get_mut("policies/b.cedar") {
            file.overlay = false;
        }
        assert_eq!(read(&id, &write(&other)).err(), Some(NotKept::Altered));
        assert_eq!(read(&id, b"{}").err(), Some(NotKept::Unreadable));
    }
}
