//! A compiled mapping: what both directions run. Everything by name is settled here; at run time
//! nothing is parsed or looked up by a pattern.

use super::complete::Coverage;
use super::sheet::{Sheet, Sheets};
use super::table::Table;
use super::transform::Transform;
use super::walk::{Condition, Step};
use crate::base::Text;
use crate::base::id::RecordType;
use crate::format::tree::Node;
use std::sync::Arc;

/// The member that collects rows until the document is finished; no column can be called so.
pub const ROWS: &str = "$rows";

/// One record type in one format.
#[derive(Debug)]
pub struct Plan {
    /// The record type.
    pub record: RecordType,
    /// Version of the canonical schema, written into every envelope made here.
    pub schema_version: Text,
    /// Roots of a higher one are taken first.
    pub precedence: i32,
    /// The node is the record.
    pub identity: bool,
    /// It is never written by.
    pub read_only: bool,
    /// References do not leave the root node.
    pub root_only: bool,
    /// The parts; the first one is the root.
    pub parts: Vec<Part>,
    /// Places of the record that rows name from its root.
    pub whole: Sheet,
    /// Columns that say one thing of the whole record, on whichever of its rows they stand.
    pub single: Vec<Text>,
    /// Columns whose rows may differ, but then wait for a person.
    pub review: Vec<Text>,
    /// Going in, rows that fill what others have left empty, in the order of the file.
    pub fallbacks: Vec<Fallback>,
    /// What is read of lists whose every item must be.
    pub coverage: Coverage,
}

/// A row that fills what others have left empty.
#[derive(Debug)]
pub struct Fallback {
    /// The part it stands in.
    pub part: usize,
    /// On the last of its instances rather than the first.
    pub last: bool,
    /// The row.
    pub op: Op,
}

/// One kind of node a record is made of.
#[derive(Debug)]
pub struct Part {
    /// Its name, which also goes into derived ids.
    pub name: Text,
    /// Node type; empty for embedded parts.
    pub node_type: Text,
    /// How it is found.
    pub link: Link,
    /// Several instances, item by item.
    pub many: bool,
    /// Wire paths instances are sorted by: of each the first that is there.
    pub order_by: Vec<Vec<Step>>,
    /// Becomes an entry of `persons[]`.
    pub person: bool,
    /// The object of the record that is its context; empty: the whole record.
    pub context: Vec<Step>,
    /// The same as a JSON pointer.
    pub context_pointer: String,
    /// The node stands at the path itself.
    pub embedded: bool,
    /// Persons nobody refers to are written by it, and read where the document has one record.
    pub rest: bool,
    /// Wire path of the person's key.
    pub key: Option<Place>,
    /// Conditions on the node.
    pub when: Vec<Condition>,
    /// Conditions on the record context.
    pub only: Vec<Condition>,
    /// Place among the nodes written.
    pub order: i32,
    /// In the context of the part.
    pub ops: Vec<Op>,
    /// What `ops` read.
    pub sheets: Sheets,
    /// Over all instances of a `many` part.
    pub each: Vec<EachOp>,
    /// Going in, further places of the reference, by the part that holds it.
    pub also: Vec<(usize, RefOp)>,
    /// On one instance of a `many` part; `true`: the last.
    pub picks: Vec<(bool, Op)>,
}

/// How a part is found.
#[derive(Debug)]
pub enum Link {
    /// The record starts here.
    Root,
    /// By references of rules.
    Referred,
    /// A list of references in another part, instances of a `many` part.
    Forward {
        /// The part that refers.
        from: usize,
        /// Where.
        path: Place,
    },
    /// Its own reference points to another part.
    Backward {
        /// The part it points to.
        into: usize,
        /// Where.
        path: Vec<Step>,
    },
}

/// A place in a wire node. Reading and writing differ for rows, whose first row stands for all.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Reading, down to the value or the array.
    pub get: Vec<Step>,
    /// Writing, likewise.
    pub set: Vec<Step>,
    /// Behind the items of a list.
    pub tail: Option<Vec<Step>>,
    /// Its number in the sheet of its list of rows.
    pub slot: Option<u16>,
}

impl Place {
    /// Whether it is the rows of a unit themselves, which several lists fill side by side.
    pub fn is_rows(&self) -> bool {
        matches!(self.set.as_slice(), [Step::Member(name)] if name == ROWS)
    }
}

/// A place in the record.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// From the record's root, not from the context.
    pub absolute: bool,
    /// Down to the value or the array.
    pub steps: Vec<Step>,
    /// Behind the items of a list.
    pub tail: Option<Vec<Step>>,
    /// `/member` by member, for `envelope.missing`.
    pub pointer: String,
    /// Whether the canonical schema requires it.
    pub required: bool,
    /// Which values of a list are meant, if not all; for the loss report.
    pub partial: Option<String>,
    /// Its number in the sheet of its list of rows, or of the whole record.
    pub slot: Option<u16>,
}

/// Which ways a row works and when.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Wire to record.
    pub inward: bool,
    /// Record to wire.
    pub outward: bool,
    /// Conditions on the wire context.
    pub when: Vec<Condition>,
    /// Conditions on the record context.
    pub only: Vec<Condition>,
}

/// One row.
#[derive(Debug)]
pub enum Op {
    /// A value.
    Value(ValueOp),
    /// A fixed value of the record.
    RecordConst(Gate, Target, Node),
    /// A fixed value of the wire; `true`: anything else is an error going in.
    WireConst(Gate, Place, Node, bool),
    /// A reference.
    Ref(RefOp),
    /// Items.
    Each(EachOp),
    /// Items nobody reads.
    Unread(Unread),
}

/// A list of the wire of which only the first items are read, by their places: going in, one more
/// is told rather than dropped in silence.
#[derive(Debug)]
pub struct Unread {
    /// Down to the list.
    pub list: Vec<Step>,
    /// How many of its items are read.
    pub read: usize,
    /// Items for which one of these holds are read too, wherever they stand.
    pub chosen: Vec<Vec<Condition>>,
}

/// A value on both sides.
#[derive(Debug)]
pub struct ValueOp {
    /// When.
    pub gate: Gate,
    /// Wire side.
    pub wire: Place,
    /// Record side; several for `concat`.
    pub record: Vec<Target>,
    /// Wire to record.
    pub chain: Vec<Transform>,
    /// Code table, between chain and record.
    pub table: Option<Arc<Table>>,
    /// Going in, when the wire has none.
    pub default: Option<Node>,
    /// How the wire says why there is none.
    pub absent: Option<Absent>,
    /// Where the second half of its text stands, and what stands between the two.
    pub join: Option<(Place, Text)>,
    /// Another row may have set the target going in.
    pub guard_in: bool,
    /// What another row has set must say the same as this one's place.
    pub agrees: bool,
    /// Another row may have set the place going out.
    pub guard_out: bool,
}

/// How the wire says why a value is missing.
#[derive(Debug)]
pub struct Absent {
    /// Where.
    pub wire: Place,
    /// Reasons.
    pub table: Arc<Table>,
    /// The reason stands in place of the value.
    pub sentinel: bool,
}

/// A reference.
#[derive(Debug)]
pub struct RefOp {
    /// When.
    pub gate: Gate,
    /// Wire side.
    pub wire: Place,
    /// Where the person's key stands; `None`: the wire alone refers.
    pub record: Option<Target>,
    /// Parts it may point to.
    pub parts: Vec<usize>,
    /// It is the node itself that is meant, though it is found by reference.
    pub here: bool,
    /// A reference to nothing is only a warning.
    pub optional: bool,
    /// Going in, it must be the very node that is the part already.
    pub same: bool,
}

/// Items on both sides.
#[derive(Debug)]
pub struct EachOp {
    /// When, tested on the items.
    pub gate: Gate,
    /// The array of the wire; of no meaning for columns.
    pub wire: Place,
    /// The array of the record.
    pub record: Target,
    /// Item i of the record is item i of the wire, which others share.
    pub shared: bool,
    /// On each item; for numbered columns one list per number, else one list.
    pub ops: Vec<Vec<Op>>,
    /// What the one list reads.
    pub sheets: Box<Sheets>,
    /// Numbered columns.
    pub columns: bool,
    /// Path in a record item that instances are sorted by.
    pub order_by: Option<Vec<Step>>,
}
