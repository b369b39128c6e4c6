//! Rows of one record held against each other: what only one of them could say is not dropped.

use super::Run;
use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes as codes;
use crate::format::tree::Node;

impl Run<'_> {
    /// Tells columns of the whole record in which a later row says something else than the first,
    /// and those a person must look at where rows differ.
    pub(super) fn compare_rows(&mut self, unit: &Node) {
        let plan = self.plan;
        let [first, later @ ..] = unit.items() else {
            return;
        };
        for row in later {
            for name in &plan.single {
                if let Some(cell) = row.get(name)
                    && first.get(name).is_none_or(|own| own.value != cell.value)
                {
                    self.find(Finding::new(&codes::ROWS_DISAGREE), cell.span);
                }
            }
        }
        let named = |row: &&Node| plan.review.iter().any(|name| row.get(name).is_some());
        let mut named = unit.items().iter().filter(named);
        if let Some(own) = named.next()
            && let Some(other) = named.find_map(|row| other_person(&plan.review, own, row))
        {
            self.find(Finding::new(&codes::ROWS_NEED_REVIEW), other.span);
        }
    }
}

/// The cell by which a row names another person than the row before; the first column settles it
/// where both have it.
fn other_person<'a>(columns: &[Text], own: &Node, row: &'a Node) -> Option<&'a Node> {
    for (at, name) in columns.iter().enumerate() {
        let Some(cell) = row.get(name) else { continue };
        match own.get(name) {
            Some(known) if known.value == cell.value && at == 0 => return None,
            Some(known) if known.value == cell.value => {}
            _ => return Some(cell),
        }
    }
    None
}
