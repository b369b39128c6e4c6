//! What cannot have happened yet, seen from the instant somebody looks: births, and services told
//! of as done.
//!
//! The one rule besides that of calls which needs a clock, and it is given one. Days are looked at
//! where it is latest on earth, so that no zone makes a day of today one of tomorrow. What is
//! planned (a due date, a next meeting, an end) may lie ahead and is not looked at.

use super::Check;
use super::persons::expand;
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{BIRTH_DATE_IMPOSSIBLE, CodeEntry, EVENT_FAR_AHEAD};
use crate::format::tree::Node;
use jiff::civil::Date;
use jiff::{ToSpan, tz::Offset};

/// Where births stand; `*` is every item of a list.
const BIRTHS: &[&str] = &["/persons/*/birth_date"];

/// Where it stands that something was done.
const DONE: &[&str] = &[
    "/envelope/created_at",
    "/envelope/updated_at",
    "/envelope/event_at",
    "/body/start",
    "/body/held",
    "/body/date",
    "/body/event_date",
    "/body/requested_at",
    "/body/accepted_at",
    "/body/first_contact_at",
    "/body/removal_date",
    "/body/exit_date",
    "/body/loop_closed_at",
    "/body/status_history/*/at",
];

/// The zone where a day begins first.
const LATEST_HOURS: i8 = 14;
/// Nobody a record speaks of, a forebear included, was born longer ago.
const BORN_YEARS_MAX: i16 = 200;
/// What is told as done is not further ahead than a mistaken clock or a plan written as a start.
const AHEAD_YEARS_MAX: i16 = 1;

/// Births and services that lie where they cannot, as of an instant.
pub fn ahead(record: &Node, now: Timestamp) -> Vec<Finding> {
    let Some(today) = latest_day(now) else {
        return Vec::new();
    };
    let mut check = Check {
        record,
        findings: Vec::new(),
    };
    let oldest = today.checked_sub(BORN_YEARS_MAX.years());
    let furthest = today.checked_add(AHEAD_YEARS_MAX.years());
    let (Ok(oldest), Ok(furthest)) = (oldest, furthest) else {
        return Vec::new();
    };
    let born = |day: Date| day <= today && day >= oldest;
    tell_unless(&mut check, BIRTHS, &BIRTH_DATE_IMPOSSIBLE, &born);
    tell_unless(&mut check, DONE, &EVENT_FAR_AHEAD, &|day| day <= furthest);
    check.findings
}

/// The day it is where it is latest.
fn latest_day(now: Timestamp) -> Option<Date> {
    let instant = jiff::Timestamp::from_microsecond(now.0).ok()?;
    Some(Offset::constant(LATEST_HOURS).to_datetime(instant).date())
}

/// The first day a date or instant may mean.
fn first_day(text: &str) -> Option<Date> {
    let day = text.get(..text.len().min(10))?;
    let rest = "0000-01-01".get(day.len()..)?;
    format!("{day}{rest}").parse().ok()
}

fn tell_unless(
    check: &mut Check<'_>,
    patterns: &[&str],
    code: &'static CodeEntry,
    may_be: &dyn Fn(Date) -> bool,
) {
    let mut found = Vec::new();
    for pattern in patterns {
        let at = (&mut String::new(), *pattern);
        expand(check.record, at, &mut |pointer, node| {
            let day = node.as_str().and_then(first_day);
            if day.is_some_and(|day| !may_be(day)) {
                found.push(pointer.to_owned());
            }
        });
    }
    for pointer in found {
        check.tell(code, &pointer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::json;

    const NOW: &str = "2026-11-23T23:00:00Z";

    fn told(record: &str) -> Vec<(String, String)> {
        let node = json::parse(record.as_bytes()).tree.expect("a record");
        let now = Timestamp::from_rfc3339(NOW).expect("an instant");
        let all = ahead(&node, now).into_iter();
        all.map(|it| (it.code.into_owned(), it.path)).collect()
    }

    // Goal: a birth lies between 200 years ago and today. Method: days around both ends, of every
    // precision.
    #[test]
    fn nobody_is_born_tomorrow() {
        for (born, good) in [
            ("2991", false),
            ("2991-04-02", false),
            ("2027", false),
            ("2026-12", false),
            ("2026-11-25", false),
            ("2026-11-24", true),
            ("2026-11", true),
            ("2026", true),
            ("1826-11-25", true),
            ("1826-11-23", false),
            ("0991-04-02", false),
        ] {
            let record = format!(r#"{{"persons":[{{"key":"a"}},{{"birth_date":"{born}"}}]}}"#);
            let expected = [("birth-date-impossible", "/persons/1/birth_date")];
            let expected = expected.map(|(code, at)| (code.to_owned(), at.to_owned()));
            let expected = if good { Vec::new() } else { expected.to_vec() };
            assert_eq!(told(&record), expected, "{born}");
        }
    }

    // Goal: what was done was not done years ahead; what is planned may be. Method: one of each.
    #[test]
    fn a_service_is_not_years_ahead() {
        let record = |year: u32| {
            format!(
                r#"{{"envelope":{{"event_at":"{year}-03-01T10:00:00-08:00"}},"body":{{
                "start":"{year}-03-01T10:00:00-08:00","end":"2999-01-01","next_date":"2999-01-01",
                "status_history":[{{"at":"2026-01-01T10:00:00Z"}},
                {{"at":"{year}-01-01T10:00:00Z"}}]}}}}"#
            )
        };
        assert_eq!(told(&record(2027)), []);
        let places: Vec<String> = told(&record(2062)).into_iter().map(|it| it.1).collect();
        assert_eq!(
            places,
            [
                "/envelope/event_at",
                "/body/start",
                "/body/status_history/1/at"
            ]
        );
    }
}
