//! What a format's file says of labels: how senders write them, and how they are written.
//!
//! Read here and checked elsewhere; nothing in it may take a class away.

use crate::base::vocabulary::{DataClass, Obligation};
use serde::Deserialize;
use toml::Spanned;

/// Labels by which a sender says how sensitive the place is they stand at, at any depth.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsSource {
    /// Path in a label of its code system.
    pub system: Spanned<String>,
    /// Path in a label of its code.
    pub code: Spanned<String>,
    /// What a label may hold; left out, anything. One that holds more is not known.
    #[serde(default)]
    pub members: Vec<String>,
    /// Types of nodes that speak of others: what is said on one that no record is made of holds for
    /// every record of its document.
    #[serde(default)]
    pub speaks: Vec<String>,
    /// Where labels stand, seen from what they hold for.
    #[serde(default)]
    pub at: Vec<Spanned<String>>,
    /// Where labels of another form stand.
    #[serde(default)]
    pub place: Vec<Spanned<LabelPlaceSource>>,
    /// Which code systems are known. A label of none of them refuses the record.
    #[serde(default)]
    pub set: Vec<Spanned<LabelSetSource>>,
    /// Labels that are written.
    #[serde(default)]
    pub out: Option<Spanned<LabelsOutSource>>,
}

/// Where labels stand that say system and code in a way of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelPlaceSource {
    /// Path of them, seen from what they hold for; `[]` as often as lists stand in each other.
    pub at: Spanned<String>,
    /// Path in a label of its code system; left out, that of all labels.
    #[serde(default)]
    pub system: Option<Spanned<String>>,
    /// Path in a label of its code; left out, that of all labels.
    #[serde(default)]
    pub code: Option<Spanned<String>>,
    /// The code system of a label that names none.
    #[serde(default)]
    pub unsaid: Option<String>,
}

/// Labels on what goes out: on each node of what is in it, on the document how secret it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsOutSource {
    /// Path in a node, and in the document, of the list they are added to.
    pub at: Spanned<String>,
    /// There is no list but one code of `level`, in nodes that have what it stands in.
    #[serde(default)]
    pub single: bool,
    /// Code system of `level`.
    pub secrecy: String,
    /// How secret, least first: a node has the highest of all classes in it. Every class is in one.
    pub level: Vec<LevelSource>,
    /// Code system of `sensitivity` and `duty`.
    #[serde(default)]
    pub sensitivity_system: String,
    /// What a class is called.
    #[serde(default)]
    pub sensitivity: Vec<SensitivitySource>,
    /// What binds whoever has a node with such a class in it.
    #[serde(default)]
    pub duty: Vec<DutySource>,
}

/// One level of secrecy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelSource {
    /// Its code.
    pub code: String,
    /// Classes of it.
    pub classes: Vec<DataClass>,
}

/// What a class is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivitySource {
    /// The class.
    pub class: DataClass,
    /// Codes.
    pub codes: Vec<String>,
}

/// What binds a recipient.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutySource {
    /// Where the decision owes this.
    pub obligation: Obligation,
    /// And one of these is in the node.
    pub classes: Vec<DataClass>,
    /// Its code.
    pub code: String,
}

/// Labels of one code system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSetSource {
    /// The code system.
    pub system: String,
    /// Data class to code.
    #[serde(default)]
    pub crosswalk: Option<Spanned<String>>,
    /// Codes that restrict nothing.
    #[serde(default)]
    pub open: Vec<String>,
    /// Codes that ask for care without saying why: enough is said where another label of the
    /// same node names a class.
    #[serde(default)]
    pub explained: Vec<String>,
    /// Codes of which only a class of some secrecy says enough.
    #[serde(default)]
    pub reason: Vec<Spanned<ReasonSource>>,
}

/// Codes that ask for so much care that not every class says why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonSource {
    /// The codes.
    pub codes: Vec<String>,
    /// The code of the level of `out` of which, or of a more secret one, the class must be.
    pub level: Spanned<String>,
}
