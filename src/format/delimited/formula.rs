//! Cells that a spreadsheet would take for formulas, made harmless and back again.
//!
//! An apostrophe before the cell is enough. It also goes before a cell that looks as if it had one,
//! so that taking one off gives back every cell as it was. Plain negative numbers stay bare.

/// What a formula begins with.
const BEGINNINGS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
const GUARD: char = '\'';

/// Whether the cell is written behind an apostrophe.
pub(super) fn needs_guard(cell: &str) -> bool {
    let rest = cell.trim_start_matches(GUARD);
    rest.starts_with(BEGINNINGS) && !(rest.len() == cell.len() && is_number(cell))
}

/// The cell without the apostrophe it was written behind.
pub(super) fn unguarded(cell: &str) -> &str {
    let bare = cell.strip_prefix(GUARD).filter(|_| needs_guard(cell));
    bare.unwrap_or(cell)
}

/// `-1`, `-2.5`.
fn is_number(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = cell.strip_prefix('-').unwrap_or(cell);
    match number.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: what is taken off is what was put on, and no formula stays one. Method: every text of
    // up to four of the characters that matter, written and read.
    #[test]
    fn a_guard_is_taken_off_again() {
        let signs = [
            "'", "=", "+", "-", "@", "\t", "\r", "\n", "1", ".", "a", " ",
        ];
        let mut all = vec![String::new()];
        for _ in 0..4 {
            let longer = all
                .iter()
                .flat_map(|t| signs.map(|sign| format!("{t}{sign}")));
            let longer: Vec<String> = longer.collect();
            all.extend(longer);
        }
        for cell in &all {
            let guard = if needs_guard(cell) { "'" } else { "" };
            let written = format!("{guard}{cell}");
            assert_eq!(unguarded(&written), cell);
            assert!(
                !written.starts_with(BEGINNINGS) || is_number(&written),
                "{written:?}"
            );
        }
        assert_eq!(unguarded("'tis"), "'tis");
        assert!(!needs_guard("-1") && !needs_guard("-2.5") && needs_guard("-1+1"));
    }
}
