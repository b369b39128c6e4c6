//! Rows of one record held against each other: what only one of them could say is not dropped.

use super::Run;
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
        for name in &plan.review {
            let mut cells = unit.items().iter().filter_map(|row| row.get(name));
            let own = cells.next();
            if let Some(other) = cells.find(|cell| own.is_some_and(|own| own.value != cell.value)) {
                self.find(Finding::new(&codes::ROWS_NEED_REVIEW), other.span);
            }
        }
    }
}
