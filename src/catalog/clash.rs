//! Where a channel declares other notations than the mapping of its format reads.
//!
//! A column with a notation of its own is read by it, whatever the channel says of its sender's
//! spreadsheet: two orders of day and month in one file would be read wrong in silence.

use super::Sources;
use super::mapping::{EachSource, RuleSource};
use super::partner::Channel;
use super::reads::{DayOrder, Reads};
use toml::Spanned;

/// What a channel declares that the mapping contradicts, in sentences for a defect.
pub(super) fn wrong(sources: &Sources, channel: &Channel, reads: &Reads) -> Vec<String> {
    let format = sources.mapped_as(&channel.format);
    let own = sources.mappings.iter().filter(|it| it.format == *format);
    let meant = own.filter(|it| it.is_shared() || channel.records.contains(&it.record));
    let mut out = Vec::new();
    for mapping in meant {
        let body = &mapping.body;
        of_rows(&body.rule, &body.each, reads, &mut out);
        for template in body.template.iter().map(|it| it.as_ref()) {
            of_rows(&template.rule, &template.each, reads, &mut out);
        }
    }
    out.sort();
    out.dedup();
    out
}

fn of_rows(
    rules: &[Spanned<RuleSource>],
    lists: &[Spanned<EachSource>],
    reads: &Reads,
    out: &mut Vec<String>,
) {
    for rule in rules.iter().map(|rule| rule.as_ref()) {
        let wire = rule.wire.as_ref().filter(|_| rule.direction.goes_in());
        let column = wire.map(|wire| wire.as_ref().trim_matches('\''));
        for transform in &rule.transform {
            let told = column.and_then(|column| clash(column, transform.as_ref(), reads));
            out.extend(told);
        }
    }
    for list in lists.iter().map(|list| list.as_ref()) {
        of_rows(&list.rule, &list.each, reads, out);
    }
}

/// What one transform reads otherwise than the channel says.
fn clash(column: &str, transform: &str, reads: &Reads) -> Option<String> {
    let (name, rest) = transform.trim().split_once(' ')?;
    let first = rest.split_whitespace().next()?;
    match name {
        "date" => {
            let own = order(rest).filter(|own| reads.dates.is_some_and(|it| it != *own));
            own.map(|_| {
                format!("`dates` is another order than column `{column}` is read in (`{rest}`)")
            })
        }
        "local-instant" | "compact-instant" => {
            let zone = reads.zone.as_deref().filter(|zone| *zone != first);
            zone.map(|_| format!("`zone` is another than column `{column}` is read in (`{first}`)"))
        }
        _ => None,
    }
}

/// In which order a notation with strokes has day and month in front of the year.
fn order(notation: &str) -> Option<DayOrder> {
    let at = |piece: &str| notation.find(piece);
    let (month, day, year) = (at("MM")?, at("DD")?, at("YYYY")?);
    let strokes = notation.contains('/') && month.max(day) < year;
    strokes.then_some(match month < day {
        true => DayOrder::MonthDay,
        false => DayOrder::DayMonth,
    })
}
