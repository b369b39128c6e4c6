//! A mapping file, `mappings/<format>/<version>/<record>.toml`: one record type, both directions.
//!
//! The language is specified in `mappings/README.md`. Only parsed here; `mapping` compiles it.

use crate::base::id::{FormatId, RecordType};
use serde::Deserialize;
use toml::Spanned;

/// One mapping file, parsed.
#[derive(Clone, Debug)]
pub struct MappingSource {
    /// The format it is for, by its folder.
    pub format: FormatId,
    /// The record type it is for, by its name; a file whose name begins with `_` has none.
    pub record: RecordType,
    /// A further mapping of the type, which only reads: `<record>.<word>.toml`.
    pub further: bool,
    /// The file, relative to its catalog folder.
    pub file: String,
    /// What stands in it.
    pub body: MappingFile,
}

impl MappingSource {
    /// Whether it only holds templates for other files of its folder.
    pub fn is_shared(&self) -> bool {
        self.record.as_str().starts_with('_')
    }
}

/// The keys of a mapping file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// Repeats the file's name, for readers.
    #[serde(default)]
    pub record: Option<Spanned<String>>,
    /// How far references reach.
    #[serde(default)]
    pub scope: Scope,
    /// Roots of a higher one are taken first.
    #[serde(default)]
    pub precedence: i32,
    /// Template files of the same folder.
    #[serde(default)]
    pub include: Vec<Spanned<String>>,
    /// The node is the record.
    #[serde(default)]
    pub identity: bool,
    /// The nodes a record is made of.
    #[serde(default)]
    pub part: Vec<Spanned<PartSource>>,
    /// Value by value.
    #[serde(default)]
    pub rule: Vec<Spanned<RuleSource>>,
    /// Item by item.
    #[serde(default)]
    pub each: Vec<Spanned<EachSource>>,
    /// Canonical paths left out on purpose.
    #[serde(default)]
    pub drop: Vec<Spanned<LeftOutSource>>,
    /// Wire paths left out on purpose.
    #[serde(default)]
    pub ignore: Vec<Spanned<LeftOutSource>>,
    /// Rules used by several parts.
    #[serde(default)]
    pub template: Vec<Spanned<TemplateSource>>,
}

/// How far references reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The root node.
    Record,
    /// The document.
    #[default]
    Message,
    /// The document, within the limits of a bundle.
    Bundle,
}

/// One kind of node a record is made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSource {
    /// How rules name it.
    pub name: Spanned<String>,
    /// Node type.
    #[serde(default, rename = "type")]
    pub node_type: Option<Spanned<String>>,
    /// The node a record starts from.
    #[serde(default)]
    pub root: bool,
    /// Forward reference: the part that holds it.
    #[serde(default)]
    pub from: Option<Spanned<String>>,
    /// Backward reference: the part it points to.
    #[serde(default)]
    pub into: Option<Spanned<String>>,
    /// Where the reference stands.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// Several instances.
    #[serde(default)]
    pub many: bool,
    /// Wire paths instances are sorted by: of each the first that is there.
    #[serde(default)]
    pub order_by: Option<Spanned<OneOrMany>>,
    /// It becomes an entry of `persons[]`.
    #[serde(default)]
    pub person: bool,
    /// A person's key's place, or the object that is its record context.
    #[serde(default)]
    pub record: Option<Spanned<String>>,
    /// The node stands at the path itself.
    #[serde(default)]
    pub embedded: bool,
    /// Put before every column name of its templates.
    #[serde(default)]
    pub prefix: String,
    /// Wire path that carries the person's key.
    #[serde(default)]
    pub key: Option<Spanned<String>>,
    /// Templates.
    #[serde(default, rename = "use")]
    pub templates: Vec<Spanned<String>>,
    /// Conditions on the node.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// Person: conditions on the entry; going out it takes only persons they hold for.
    #[serde(default)]
    pub only: Option<Spanned<String>>,
    /// Going in, further places of the reference, tried in order when `path` has none.
    #[serde(default)]
    pub also: Vec<Spanned<String>>,
    /// Person: also takes the persons that no reference reaches.
    #[serde(default)]
    pub rest: bool,
    /// A dangling reference is only a warning.
    #[serde(default)]
    pub optional: bool,
    /// Place among the nodes written.
    #[serde(default)]
    pub order: Option<i32>,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
}

/// One value on both sides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSource {
    /// Canonical path, or several for `concat`.
    #[serde(default)]
    pub record: Option<Spanned<OneOrMany>>,
    /// Wire path.
    #[serde(default)]
    pub wire: Option<Spanned<String>>,
    /// Code table.
    #[serde(default)]
    pub crosswalk: Option<Spanned<String>>,
    /// Wire to record, in order.
    #[serde(default)]
    pub transform: Vec<Spanned<String>>,
    /// Conditions on the wire context.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// Conditions on the record context.
    #[serde(default)]
    pub only: Option<Spanned<String>>,
    /// Which way it works.
    #[serde(default)]
    pub direction: Direction,
    /// Why it is accepted that it has no inverse.
    #[serde(default)]
    pub lossy: Option<String>,
    /// A fixed value of one side.
    #[serde(default, rename = "const")]
    pub constant: Option<Spanned<toml::Value>>,
    /// Going in, anything but the constant, or but the node that is the part, is an error.
    #[serde(default)]
    pub expect: bool,
    /// Going in, when the wire has none.
    #[serde(default)]
    pub default: Option<Spanned<toml::Value>>,
    /// Which instance of a `many` part.
    #[serde(default)]
    pub pick: Option<Pick>,
    /// Parts the reference may point to.
    #[serde(default)]
    pub refers: Option<Spanned<OneOrMany>>,
    /// How the wire says why a value is missing.
    #[serde(default)]
    pub absent: Option<Spanned<AbsentSource>>,
    /// Going in, a second place whose text is put behind that of `wire`.
    #[serde(default)]
    pub join: Option<Spanned<JoinSource>>,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn all(&self) -> Vec<&str> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}

/// Which way a row works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// Wire to record.
    In,
    /// Record to wire.
    Out,
}

impl Direction {
    /// Whether it works going in.
    pub fn goes_in(self) -> bool {
        self != Direction::Out
    }

    /// Whether it works going out.
    pub fn goes_out(self) -> bool {
        self != Direction::In
    }
}

/// Which instance of a `many` part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// The first.
    First,
    /// The last.
    Last,
}

/// How the wire says why a value is missing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsentSource {
    /// Where.
    pub wire: Spanned<String>,
    /// Code table of the reasons.
    pub crosswalk: Spanned<String>,
}

/// The second half of a value that stands in two places.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinSource {
    /// Where.
    pub wire: Spanned<String>,
    /// What stands between the two.
    pub by: String,
}

/// Items on both sides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EachSource {
    /// Canonical array, ending in `[]`.
    pub record: Spanned<String>,
    /// Wire array, a `many` part, or rows.
    #[serde(default)]
    pub wire: Option<Spanned<String>>,
    /// First and last number of numbered columns.
    #[serde(default)]
    pub columns: Option<Spanned<(u32, u32)>>,
    /// Conditions on the wire item.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// Conditions on the record item.
    #[serde(default)]
    pub only: Option<Spanned<String>>,
    /// Which way it works.
    #[serde(default)]
    pub direction: Direction,
    /// Why it is accepted that it has no inverse.
    #[serde(default)]
    pub lossy: Option<String>,
    /// Value by value.
    #[serde(default)]
    pub rule: Vec<Spanned<RuleSource>>,
    /// Item by item.
    #[serde(default)]
    pub each: Vec<Spanned<EachSource>>,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
}

/// A path left out on purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutSource {
    /// Canonical path (of `drop`).
    #[serde(default)]
    pub record: Option<Spanned<String>>,
    /// Wire path (of `ignore`).
    #[serde(default)]
    pub wire: Option<Spanned<String>>,
    /// Why.
    pub reason: String,
}

/// Rules used by several parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSource {
    /// How parts name it.
    pub name: Spanned<String>,
    /// Value by value.
    #[serde(default)]
    pub rule: Vec<Spanned<RuleSource>>,
    /// Item by item.
    #[serde(default)]
    pub each: Vec<Spanned<EachSource>>,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
}
