//! Columns that are taken out at the door: what a sender's table holds and this gateway must not.
//!
//! It happens as soon as bytes are cells, before any schema, mapping or rule looks at them, so that
//! nothing behind it can keep or repeat what stood there. The sender is told the names of columns,
//! as our own file spells them, and never what was in them.

use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::COLUMN_STRIPPED;
use crate::format::Parsed;
use crate::format::tree::{Node, Value};

/// Columns taken out for one reason.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    /// As the tree calls them.
    pub columns: Vec<Text>,
    /// Why, as the sender is told.
    pub reason: Text,
}

/// Takes them out of the rows of one unit; one finding for each reason.
pub(super) fn take_out(strips: &[Strip], first_row: u32, parsed: &mut Parsed) {
    if strips.is_empty() {
        return;
    }
    let Some(rows) = parsed.tree.as_mut().and_then(Node::items_mut) else {
        return;
    };
    for strip in strips {
        let mut gone: Vec<Text> = Vec::new();
        let mut place = None;
        for (at, row) in rows.iter_mut().enumerate() {
            let Value::Object(members) = &mut row.value else {
                continue;
            };
            members.retain(|(name, cell)| {
                let taken = strip.columns.contains(name);
                if taken {
                    place.get_or_insert((at, cell.span));
                    if !gone.contains(name) {
                        gone.push(name.clone());
                    }
                }
                !taken
            });
        }
        if let Some((at, span)) = place {
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            let row = first_row.saturating_add(offset);
            let said = format!(
                "taken out at the door: {} ({})",
                gone.join(", "),
                strip.reason
            );
            let told = Finding::new(&COLUMN_STRIPPED).at(format!("row {row}"));
            parsed.findings.push(told.saying(said).spanning(span));
        }
    }
}
