//! Crosswalks as two look-up tables.

use crate::base::Text;
use crate::catalog::crosswalk::{Crosswalk, Preferred, Relation, Unmapped};
use std::collections::BTreeSet;

/// One code table, both ways.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name of the crosswalk.
    pub name: Text,
    /// A code without a row holds the record instead of being an error.
    pub hold: bool,
    /// Wire codes that do not say which canonical one is meant.
    skipped: Vec<Text>,
    inward: Vec<(Text, Text)>,
    outward: Vec<(Text, Outward)>,
}

/// What a canonical code becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outward {
    /// The wire code; `None` when there is declared to be none.
    pub code: Option<Text>,
    /// Wire display text.
    pub display: Option<Text>,
    /// Whether the wire code leads back to the same canonical code and means the same.
    pub exact: bool,
}

impl Table {
    /// Compiles a crosswalk; the sentences are what is wrong with it, with their lines.
    pub fn compile(source: &Crosswalk) -> (Table, Vec<(u32, String)>) {
        let mut wrong = Vec::new();
        let mut table = Table {
            name: source.name.as_str().into(),
            hold: source.unmapped == Unmapped::Hold,
            skipped: Vec::new(),
            inward: Vec::new(),
            outward: Vec::new(),
        };
        table.read_inward(source, &mut wrong);
        table.read_outward(source, &mut wrong);
        (table, wrong)
    }

    fn read_inward(&mut self, source: &Crosswalk, wrong: &mut Vec<(u32, String)>) {
        let mut seen = BTreeSet::new();
        for row in source.rows.iter().filter(|row| !row.to.is_empty()) {
            if !seen.insert(&row.to) {
                continue;
            }
            let rivals: Vec<_> = source.rows.iter().filter(|r| r.to == row.to).collect();
            let wins = |p: Preferred| matches!(p, Preferred::In | Preferred::Both);
            let winners: Vec<_> = rivals.iter().filter(|r| wins(r.preferred)).collect();
            let winner = match (rivals.as_slice(), winners.as_slice()) {
                ([only], _) => only,
                (_, [one]) => one,
                _ if source.skip_ambiguous => {
                    self.skipped.push(row.to.clone());
                    continue;
                }
                _ => {
                    let message = "this wire code has several canonical ones and not one \
                                   row preferred `in`";
                    wrong.push((row.line, message.to_owned()));
                    continue;
                }
            };
            self.inward.push((winner.to.clone(), winner.from.clone()));
        }
        self.inward.sort();
    }

    fn read_outward(&mut self, source: &Crosswalk, wrong: &mut Vec<(u32, String)>) {
        let mut seen = BTreeSet::new();
        for row in &source.rows {
            if !seen.insert(&row.from) {
                continue;
            }
            let rivals: Vec<_> = source.rows.iter().filter(|r| r.from == row.from).collect();
            let wins = |p: Preferred| matches!(p, Preferred::Out | Preferred::Both);
            let winners: Vec<_> = rivals.iter().filter(|r| wins(r.preferred)).collect();
            let winner = match (rivals.as_slice(), winners.as_slice()) {
                ([only], _) => only,
                (_, [one]) => one,
                _ => {
                    let message = "this canonical code has several wire ones and not one \
                                   row preferred `out`";
                    wrong.push((row.line, message.to_owned()));
                    continue;
                }
            };
            let exact = winner.relation == Relation::Equivalent
                && self
                    .inward(&winner.to)
                    .is_some_and(|back| *back == winner.from);
            let outward = Outward {
                code: (winner.relation != Relation::None).then(|| winner.to.clone()),
                display: winner.display.clone(),
                exact,
            };
            self.outward.push((winner.from.clone(), outward));
        }
        self.outward.sort_by(|left, right| left.0.cmp(&right.0));
    }

    /// The canonical code of a wire code.
    pub fn inward(&self, wire: &str) -> Option<&Text> {
        let at = self
            .inward
            .binary_search_by(|(known, _)| known.as_str().cmp(wire))
            .ok()?;
        self.inward.get(at).map(|(_, code)| code)
    }

    /// Whether a wire code leaves open which canonical one is meant, and is read as absent.
    pub fn skips(&self, wire: &str) -> bool {
        self.skipped.iter().any(|code| code == wire)
    }

    /// What a canonical code becomes.
    pub fn outward(&self, code: &str) -> Option<&Outward> {
        let at = self
            .outward
            .binary_search_by(|(known, _)| known.as_str().cmp(code))
            .ok()?;
        self.outward.get(at).map(|(_, outward)| outward)
    }

    /// All canonical codes it knows.
    pub fn canonical_codes(&self) -> impl Iterator<Item = &Text> {
        let inward = self.inward.iter().map(|(_, code)| code);
        inward.chain(self.outward.iter().map(|(code, _)| code))
    }

    /// All wire codes it knows.
    pub fn wire_codes(&self) -> impl Iterator<Item = &Text> {
        self.inward.iter().map(|(code, _)| code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SourceFile;
    use crate::catalog::crosswalk::parse;

    fn table(rows: &str) -> (Table, Vec<(u32, String)>) {
        let file = SourceFile {
            path: "mappings/crosswalks/a--b.csv".into(),
            text: format!("from,to,relation,preferred\n{rows}"),
            overlay: false,
            shipped: None,
        };
        let mut defects = Vec::new();
        let source = parse(&file, &mut defects);
        assert!(defects.is_empty(), "{defects:?}");
        Table::compile(&source)
    }

    /// Goal: preference settles rivals and only lossless pairs are exact. Method: one table with
    /// all cases.
    #[test]
    fn preference_settles_rivals() {
        let (table, wrong) =
            table("a,1,equivalent,both\na,2,narrower,\nb,1,equivalent,\nc,3,broader,\nd,,none,\n");
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(table.inward("1").map(Text::as_str), Some("a"));
        assert_eq!(table.inward("2").map(Text::as_str), Some("a"));
        assert!(table.outward("a").unwrap().exact);
        assert!(!table.outward("b").unwrap().exact, "leads back to a");
        assert!(!table.outward("c").unwrap().exact, "broader");
        assert_eq!(table.outward("d").unwrap().code, None);
        assert!(table.outward("e").is_none());
    }

    /// Goal: rivals without a preference are told. Method: two wire codes of one canonical one.
    #[test]
    fn rivals_without_preference_are_told() {
        assert_eq!(table("a,1,equivalent,\na,2,equivalent,\n").1.len(), 1);
    }
}
