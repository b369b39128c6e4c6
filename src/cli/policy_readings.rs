//! The readings beside the policies in the lists of the law: the words of the printed forms, codes
//! of FHIR, grantors the rules give no say and forms of others, each with its mark.
//!
//! It shows the tables and decides nothing.

use crate::base::vocabulary::ConsentKind;
use crate::catalog::Sources;
use crate::disclosure::Policy;
use crate::disclosure::fhir::Codes;
use crate::disclosure::import::ImportForms;
use crate::disclosure::sheet::Sheets;

/// One reading: what it is of, and its mark.
pub(super) struct Reading {
    /// A form, a code or an import.
    pub id: String,
    /// Which table.
    pub row: &'static str,
    /// V: seen in a named source; K: background knowledge, not confirmed.
    pub mark: String,
}

/// All of a catalog.
pub(super) fn all(sources: &Sources, policy: &Policy) -> Vec<Reading> {
    let pack = policy.pack();
    let (sheets, _) = Sheets::compile(sources, pack);
    let (codes, _) = Codes::compile(sources);
    let opens = |kind: ConsentKind, class| {
        let opens = pack.kind_opens.get(kind.index());
        opens.is_some_and(|classes| classes.contains(class))
    };
    let (imports, _) = ImportForms::compile(sources, &pack.tables, &opens);
    let reading = |id: &str, row, mark: &str| Reading {
        id: id.to_owned(),
        row,
        mark: mark.to_owned(),
    };
    let mut readings = vec![reading("consent-forms", "FORM", sheets.mark())];
    readings.extend(codes.marks().map(|(id, mark)| reading(id, "FHIR", mark)));
    let others = pack.tables.others.iter();
    readings.extend(others.map(|row| reading(row.id.as_str(), "GRANTOR", &row.mark)));
    let days = policy.calendar().marks();
    readings.extend(days.map(|(name, mark)| reading(name, "CALENDAR", mark)));
    let forms = imports.ids().filter_map(|id| imports.get(id));
    readings.extend(forms.map(|form| reading(&form.id, "IMPORT", &form.mark)));
    readings
}

/// A reading under the same names as a policy's.
pub(super) fn json(reading: &Reading) -> serde_json::Value {
    serde_json::json!({
        "id": reading.id,
        "row": reading.row,
        "rank": "reading",
        "mark": reading.mark,
        "owner": "county counsel",
    })
}

/// A reading in one line.
pub(super) fn line(reading: &Reading) -> String {
    let Reading { id, row, mark } = reading;
    format!("{id} [reading {row} {mark}] county counsel")
}
