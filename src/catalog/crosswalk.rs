//! Crosswalks: code tables between the canonical side and a wire, as CSV files.
//!
//! Overlays add rows and replace rows of the same pair of codes.

use super::files::SourceFile;
use crate::base::Text;
use crate::base::defect::Defect;

/// One code table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crosswalk {
    /// The file's name without its ending: `<canonical>--<wire>`.
    pub name: String,
    /// The file, relative to its catalog folder.
    pub file: String,
    /// What happens to a code without a row.
    pub unmapped: Unmapped,
    /// A wire code that several canonical ones share, none preferred, is read as absent.
    pub skip_ambiguous: bool,
    /// The rows, in order.
    pub rows: Vec<CrosswalkRow>,
}

/// What happens to a code without a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmapped {
    /// An error to the sender.
    #[default]
    Refuse,
    /// The record waits for a person.
    Hold,
}

/// One pair of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrosswalkRow {
    /// Canonical code.
    pub from: Text,
    /// Wire code; empty when there is none.
    pub to: Text,
    /// What `to` is, seen from `from`.
    pub relation: Relation,
    /// In which direction this row wins over others of the same code.
    pub preferred: Preferred,
    /// Wire display text, written where the wire wants one.
    pub display: Option<Text>,
    /// One-based line in the file.
    pub line: u32,
}

/// What the wire code is, seen from the canonical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same.
    Equivalent,
    /// More general.
    Broader,
    /// More specific.
    Narrower,
    /// There is none.
    None,
}

/// In which direction a row wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preferred {
    /// It wins only where it is alone.
    #[default]
    No,
    /// Going in.
    In,
    /// Going out.
    Out,
    /// Both.
    Both,
}

/// Reads one table; an overlay's rows are laid over the shipped ones.
pub fn parse(file: &SourceFile, defects: &mut Vec<Defect>) -> Crosswalk {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let mut table = Crosswalk {
        name: name.trim_end_matches(".csv").to_owned(),
        file: file.path.clone(),
        unmapped: Unmapped::default(),
        skip_ambiguous: false,
        rows: Vec::new(),
    };
    if let Some(shipped) = &file.shipped {
        read_into(&mut table, file, shipped, &mut Vec::new());
    }
    read_into(&mut table, file, &file.text, defects);
    table
}

fn read_into(table: &mut Crosswalk, file: &SourceFile, text: &str, defects: &mut Vec<Defect>) {
    let mut header: Option<Vec<String>> = None;
    for (number, line) in text.lines().enumerate() {
        let place = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let mut wrong = |message: &str| {
            let mut defect = file.defect(None, "crosswalk-invalid", message);
            defect.line = place;
            defects.push(defect);
        };
        if let Some(note) = line.strip_prefix('#') {
            match note.split_once('=').map(|(k, v)| (k.trim(), v.trim())) {
                Some(("unmapped", "refuse")) => table.unmapped = Unmapped::Refuse,
                Some(("unmapped", "hold")) => table.unmapped = Unmapped::Hold,
                Some(("ambiguous", "skip")) => table.skip_ambiguous = true,
                Some(("ambiguous", _)) => wrong("`ambiguous` is skip, or left out"),
                Some(("unmapped", _)) => wrong("`unmapped` is refuse or hold"),
                _ => {}
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let cells = split_line(line);
        let Some(names) = &header else {
            let known = ["from", "to", "relation", "preferred", "display", "note"];
            if cells.iter().any(|cell| !known.contains(&cell.as_str())) {
                wrong("the header has an unknown column");
            }
            for needed in ["from", "to", "relation"] {
                if !cells.iter().any(|cell| cell == needed) {
                    wrong("the header needs from, to and relation");
                    break;
                }
            }
            header = Some(cells);
            continue;
        };
        if cells.len() > names.len() {
            wrong("the row has more cells than the header");
            continue;
        }
        match row(names, &cells, place) {
            Ok(row) => lay(&mut table.rows, row),
            Err(message) => wrong(message),
        }
    }
}

fn lay(rows: &mut Vec<CrosswalkRow>, row: CrosswalkRow) {
    let same = rows
        .iter_mut()
        .find(|old| old.from == row.from && old.to == row.to);
    match same {
        Some(old) => *old = row,
        None => rows.push(row),
    }
}

fn row(names: &[String], cells: &[String], line: u32) -> Result<CrosswalkRow, &'static str> {
    let cell = |name: &str| -> &str {
        names
            .iter()
            .position(|n| n == name)
            .and_then(|at| cells.get(at))
            .map_or("", String::as_str)
    };
    let relation = match cell("relation") {
        "equivalent" => Relation::Equivalent,
        "broader" => Relation::Broader,
        "narrower" => Relation::Narrower,
        "none" => Relation::None,
        _ => return Err("`relation` is equivalent, broader, narrower or none"),
    };
    let preferred = match cell("preferred") {
        "" => Preferred::No,
        "in" => Preferred::In,
        "out" => Preferred::Out,
        "both" => Preferred::Both,
        _ => return Err("`preferred` is in, out, both or empty"),
    };
    if cell("from").is_empty() {
        return Err(
            "`from` is empty: a code table has no row for what is absent; absent stays absent",
        );
    }
    if cell("to").is_empty() != (relation == Relation::None) {
        return Err("`to` is empty exactly where `relation` is none");
    }
    Ok(CrosswalkRow {
        from: cell("from").into(),
        to: cell("to").into(),
        relation,
        preferred,
        display: Some(cell("display"))
            .filter(|d| !d.is_empty())
            .map(Text::from),
        line,
    })
}

/// Cells of one line; quotes double inside quotes, no cell spans lines.
fn split_line(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cell) = cells.last_mut() else { break };
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            ('"', _) => quoted = !quoted,
            (',', false) => cells.push(String::new()),
            _ => cell.push(c),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, shipped: Option<&str>) -> SourceFile {
        SourceFile {
            path: "mappings/crosswalks/a--b.csv".into(),
            text: text.into(),
            overlay: shipped.is_some(),
            shipped: shipped.map(str::to_owned),
        }
    }

    /// Goal: an overlay adds and replaces rows, and keeps the rest. Method: one of each.
    #[test]
    fn overlay_rows_are_laid_over_the_shipped_ones() {
        let mut defects = Vec::new();
        let shipped =
            "# unmapped = hold\nfrom,to,relation,preferred\na,1,equivalent,\nb,2,broader,\n";
        let over = "from,to,relation\nb,2,equivalent\nc,\"3,x\",narrower\n";
        let table = parse(&file(over, Some(shipped)), &mut defects);
        assert!(defects.is_empty(), "{defects:?}");
        assert_eq!(table.unmapped, Unmapped::Hold);
        let pairs: Vec<_> = table
            .rows
            .iter()
            .map(|r| (r.from.as_str(), r.to.as_str()))
            .collect();
        assert_eq!(pairs, [("a", "1"), ("b", "2"), ("c", "3,x")]);
        assert!(
            table
                .rows
                .iter()
                .all(|r| r.from != "b" || r.relation == Relation::Equivalent)
        );
    }

    /// Goal: a bad row is a defect with its line. Method: a relation that is no word.
    #[test]
    fn a_bad_row_is_told_with_its_line() {
        let mut defects = Vec::new();
        parse(&file("from,to,relation\na,1,same\n", None), &mut defects);
        let mut absent = Vec::new();
        parse(
            &file("from,to,relation\n,1,equivalent\n", None),
            &mut absent,
        );
        assert!(
            absent[0].message.contains("absent stays absent"),
            "{absent:?}"
        );
        assert_eq!(defects.len(), 1);
        assert_eq!(defects[0].line, 2);
    }
}
