//! What the gateway's operator may hold, and from whom: the rows of `policies/operator*.toml`.
//!
//! The operator is a party of its own. All rows hold at once, so that a county's file can only ask
//! for more. A row with an unknown word is a defect, never a guess.

use super::SourceFile;
use super::agreement::{BETWEEN_PARTNERS, KINDS, local_date};
use super::files::is_table;
use super::partner::{Channel, Direction, Partner};
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass, SourceRole};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use toml::Spanned;

const SHIPPED: &str = "policies/operator.toml";

/// Files of this kind: `policies/operator.toml` and `policies/operator-<name>.toml`.
pub fn is_file(path: &str) -> bool {
    is_table("operator", path)
}

/// All rows, checked.
#[derive(Clone, Debug, Default)]
pub struct OperatorLaw {
    /// In the order of the files.
    pub rows: Vec<LawRow>,
}

/// One row of the operator's law.
#[derive(Clone, Debug)]
pub struct LawRow {
    /// Unique among all rows.
    pub id: String,
    /// What it asks.
    pub demand: Demand,
    /// The classes it speaks of.
    pub classes: ClassSet,
    /// What it cites.
    pub citations: Vec<String>,
    /// V: seen in a named source; K: background knowledge, not confirmed.
    pub mark: String,
    /// From which day on, `YYYY-MM-DD`.
    pub effective: String,
    /// Who answers for it.
    pub owner: String,
    /// What it says, in English.
    pub plain_en: String,
    /// What it says, in Spanish.
    pub plain_es: String,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
    from: (i32, u8, u8),
}

/// What a row asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The sender shows an agreement of one of these kinds; none named, none needed.
    Agreement(Vec<String>),
    /// The classes are refused, unless under a consent of that kind that names the operator.
    Refuse(Option<ConsentKind>),
    /// The classes are removed before anything is kept.
    TakeOut,
    /// Senders of these roles hand in only the classes, unless under such a consent.
    Source(Vec<SourceRole>, Option<ConsentKind>),
}

impl Demand {
    /// One word for lists.
    pub const fn word(&self) -> &'static str {
        match self {
            Demand::Agreement(_) => "agreement",
            Demand::Refuse(_) => "refuse",
            Demand::TakeOut => "take_out",
            Demand::Source(..) => "source",
        }
    }
}

impl LawRow {
    /// Whether it holds on the local day of `now`; a day that cannot be told counts as held.
    pub fn in_force(&self, now: Timestamp) -> bool {
        local_date(now).is_none_or(|today| self.from <= today)
    }
}

impl OperatorLaw {
    /// Reads the rows of all files; each row that cannot be understood is told and left out.
    pub fn read(files: &BTreeMap<String, SourceFile>) -> (OperatorLaw, Vec<Defect>) {
        let mut reader = Reader::default();
        let own = files.iter().filter(|(path, _)| is_file(path));
        let mut own: Vec<&SourceFile> = own.map(|(_, file)| file).collect();
        // The shipped rows first: whoever repeats one of their ids is the one at fault.
        own.sort_by_key(|file| file.path != SHIPPED);
        for file in own {
            reader.file(file);
        }
        reader.coverage(files);
        (reader.law, reader.defects)
    }

    /// Rows in force.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &LawRow> {
        self.rows.iter().filter(move |row| row.in_force(now))
    }

    /// The kind of consent without which a sender of that role may hand in no record of a person.
    pub fn release_asked(&self, role: SourceRole, now: Timestamp) -> Option<ConsentKind> {
        self.in_force(now).find_map(|row| match &row.demand {
            Demand::Source(roles, unless) if roles.contains(&role) => *unless,
            _ => None,
        })
    }

    /// For each row that asks an agreement for the class: the kinds of which one must be shown.
    pub fn agreements(&self, class: DataClass) -> impl Iterator<Item = &[String]> {
        let of = self.rows.iter().filter(move |r| r.classes.contains(class));
        of.filter_map(|row| match &row.demand {
            Demand::Agreement(kinds) if !kinds.is_empty() => Some(kinds.as_slice()),
            _ => None,
        })
    }

    /// Classes of `asked` for which the partner shows no agreement that holds at `now`.
    pub fn missing(&self, partner: &Partner, asked: ClassSet, now: Timestamp) -> ClassSet {
        let rows = self.rows.iter().filter(|row| row.in_force(now));
        lacking(rows, asked, |kind| {
            partner.agreed_with_operator(kind, now).is_some()
        })
    }

    /// Classes an in-channel says it may carry and the partner has no agreement for. `can_hold`
    /// gives what a record type can hold, where the channel lists no classes. Rows not yet in
    /// force count too, and agreements that have run out do: those are told by the clock.
    pub fn uncovered(&self, partner: &Partner, channel: &Channel, can_hold: ClassSet) -> ClassSet {
        if channel.direction != Direction::In {
            return ClassSet::EMPTY;
        }
        let listed = channel.classes.as_ref();
        let listed = listed.map(|classes| classes.iter().copied().collect());
        let asked = listed
            .unwrap_or(can_hold)
            .union(partner.declared_services());
        lacking(self.rows.iter(), asked, |kind| {
            let mut shown = partner.agreement.iter();
            shown.any(|shown| shown.kind == kind && shown.with.is_none())
        })
    }
}

/// Classes of `asked` a row asks an agreement for that is not shown.
fn lacking<'a>(
    rows: impl Iterator<Item = &'a LawRow>,
    asked: ClassSet,
    shown: impl Fn(&str) -> bool,
) -> ClassSet {
    let mut out = ClassSet::EMPTY;
    for row in rows {
        let concerned = asked.without(asked.without(row.classes));
        let met = match &row.demand {
            Demand::Agreement(kinds) => {
                kinds.is_empty() || concerned.is_empty() || kinds.iter().any(|kind| shown(kind))
            }
            _ => true,
        };
        if !met {
            out = out.union(concerned);
        }
    }
    out
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LawFile {
    #[serde(default)]
    agreement: Vec<Spanned<RowText>>,
    #[serde(default)]
    refuse: Vec<Spanned<RowText>>,
    #[serde(default)]
    take_out: Vec<Spanned<RowText>>,
    #[serde(default)]
    source: Vec<Spanned<RowText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowText {
    id: Spanned<String>,
    classes: Vec<Spanned<String>>,
    any_of: Option<Vec<Spanned<String>>>,
    unless: Option<Spanned<String>>,
    roles: Option<Vec<Spanned<String>>>,
    citation: Spanned<String>,
    mark: Spanned<String>,
    effective: Spanned<toml::value::Datetime>,
    owner: String,
    plain_en: String,
    plain_es: String,
    #[serde(default)]
    es_reviewer: String,
}

#[derive(Default)]
struct Reader {
    law: OperatorLaw,
    ids: BTreeSet<String>,
    defects: Vec<Defect>,
}

/// Which table of the file a row stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Agreement,
    Refuse,
    TakeOut,
    Source,
}

impl Reader {
    fn file(&mut self, file: &SourceFile) {
        let Some(read) = super::read_toml::<LawFile>(file, &mut self.defects) else {
            return;
        };
        for (table, rows) in [
            (Table::Agreement, read.agreement),
            (Table::Refuse, read.refuse),
            (Table::TakeOut, read.take_out),
            (Table::Source, read.source),
        ] {
            for row in rows {
                let span = row.span();
                let before = self.defects.len();
                let row = self.row(file, table, span, row.into_inner());
                if self.defects.len() == before {
                    self.law.rows.extend(row);
                }
            }
        }
    }

    fn wrong(&mut self, file: &SourceFile, span: std::ops::Range<usize>, message: String) {
        let defect = file.defect(Some(span), "operator-law-invalid", message);
        self.defects.push(defect);
    }

    /// The words of a closed list; each that is not in it is told at its place.
    fn words<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        file: &SourceFile,
        words: &[Spanned<String>],
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(words.len());
        for word in words {
            match word.as_ref().parse() {
                Ok(known) => out.push(known),
                Err(error) => self.wrong(file, word.span(), format!("{error}")),
            }
        }
        out
    }

    fn row(
        &mut self,
        file: &SourceFile,
        table: Table,
        span: std::ops::Range<usize>,
        text: RowText,
    ) -> Option<LawRow> {
        let classes: Vec<DataClass> = self.words(file, &text.classes);
        let demand = self.demand(file, table, &span, &text);
        if classes.is_empty() {
            self.wrong(file, span, "the row names no data class".to_owned());
        }
        let id = text.id.as_ref().clone();
        if !self.ids.insert(id.clone()) {
            self.wrong(file, text.id.span(), format!("two rows are called `{id}`"));
        }
        let mark = text.mark.as_ref().clone();
        if !matches!(mark.as_str(), "V" | "K") {
            self.wrong(file, text.mark.span(), "a mark is V or K".to_owned());
        }
        let citations: Vec<String> = text
            .citation
            .as_ref()
            .split(' ')
            .map(str::to_owned)
            .collect();
        if citations.iter().any(String::is_empty) {
            let message = "give citations, one space between them".to_owned();
            self.wrong(file, text.citation.span(), message);
        }
        let date = text.effective.as_ref();
        let Some(from) = date.date.filter(|_| date.time.is_none()) else {
            let message = "`effective` is a day, YYYY-MM-DD".to_owned();
            self.wrong(file, text.effective.span(), message);
            return None;
        };
        Some(LawRow {
            id,
            demand: demand?,
            classes: classes.into_iter().collect(),
            citations,
            mark,
            effective: from.to_string(),
            owner: text.owner,
            plain_en: text.plain_en,
            plain_es: text.plain_es,
            es_machine_draft: text.es_reviewer.is_empty(),
            from: (i32::from(from.year), from.month, from.day),
        })
    }

    /// What the row asks; members its table does not have are told.
    fn demand(
        &mut self,
        file: &SourceFile,
        table: Table,
        span: &std::ops::Range<usize>,
        text: &RowText,
    ) -> Option<Demand> {
        for (member, given, fits) in [
            ("any_of", text.any_of.is_some(), table == Table::Agreement),
            ("roles", text.roles.is_some(), table == Table::Source),
        ] {
            if given != fits {
                let message = if fits {
                    format!("`{member}` is missing")
                } else {
                    format!("`{member}` means nothing here")
                };
                self.wrong(file, span.clone(), message);
                return None;
            }
        }
        if let Some(unless) = &text.unless
            && matches!(table, Table::Agreement | Table::TakeOut)
        {
            self.wrong(
                file,
                unless.span(),
                "`unless` means nothing here".to_owned(),
            );
            return None;
        }
        let unless = text.unless.as_ref().map(std::slice::from_ref);
        let unless: Option<ConsentKind> = self.words(file, unless.unwrap_or_default()).pop();
        Some(match table {
            Table::Agreement => {
                let kinds = text.any_of.as_deref().unwrap_or_default();
                for kind in kinds {
                    let message = match kind.as_ref().as_str() {
                        word if !KINDS.contains(&word) => "is no kind of agreement",
                        word if BETWEEN_PARTNERS.contains(&word) => {
                            "is between two partners: with the operator nobody can have one"
                        }
                        _ => continue,
                    };
                    let message = format!("`{}` {message}", kind.as_ref());
                    self.wrong(file, kind.span(), message);
                }
                Demand::Agreement(kinds.iter().map(|kind| kind.as_ref().clone()).collect())
            }
            Table::Refuse => Demand::Refuse(unless),
            Table::TakeOut => Demand::TakeOut,
            Table::Source => {
                let roles = self.words(file, text.roles.as_deref().unwrap_or_default());
                Demand::Source(roles, unless)
            }
        })
    }

    /// The shipped file says of every class once which agreement it needs.
    fn coverage(&mut self, files: &BTreeMap<String, SourceFile>) {
        let Some(file) = files.get(SHIPPED) else {
            let defect = super::whole(SHIPPED, "operator-law-missing", "the file is missing");
            self.defects.push(defect);
            return;
        };
        // What cannot be read has been told.
        let Ok(read) = toml::from_str::<LawFile>(&file.text) else {
            return;
        };
        let mut seen = BTreeSet::new();
        for row in &read.agreement {
            for class in &row.as_ref().classes {
                if !seen.insert(class.as_ref().clone()) {
                    let message = format!("`{}` stands in two rows", class.as_ref());
                    self.wrong(file, class.span(), message);
                }
            }
        }
        for class in DataClass::ALL.iter().filter(|c| !seen.contains(c.as_str())) {
            let message = format!("no `[[agreement]]` row speaks of `{class}`");
            self.defects
                .push(file.defect(None, "operator-law-invalid", message));
        }
    }
}

#[cfg(test)]
#[path = "operator_tests.rs"]
mod tests;
