//! Cells as spreadsheets write them, one test a habit.

use super::*;

// Goal: a shortened number is written out only as far as its digits go, and nothing else is taken
// for one. Method: pairs.
#[test]
fn a_shortened_number_tells_what_is_gone() {
    for (text, wanted) in [
        ("1.2E+10", Shortened::Rounded("12000000000".into())),
        ("9E+03", Shortened::Rounded("9000".into())),
        ("1.23456789E+08", Shortened::Exact("123456789".into())),
        ("-1.5E+01", Shortened::Exact("-15".into())),
        ("1.25E+01", Shortened::Fraction),
        ("1.2E-05", Shortened::Fraction),
        ("1E+99", Shortened::Fraction),
    ] {
        assert_eq!(shortened(text), Some(wanted), "{text}");
    }
    for text in [
        "E", "1E5", "1e+10", "12E+10", "1.E+10", "A1E+10", "1.2E+1x", "1.2E", "1.2E+é",
    ] {
        assert_eq!(shortened(text), None, "{text}");
    }
}

// Goal: days are told apart by how they are written, and read only in the order that is said.
// Method: pairs, and a day that exists in one order only.
#[test]
fn a_day_is_read_in_the_order_that_is_said() {
    let date = |text: &str, order| {
        let day = dated(text).expect("a day").day.date(order);
        day.map(|date| date.to_string())
    };
    assert_eq!(
        date("3/14/2026", DayOrder::MonthDay).as_deref(),
        Some("2026-03-14")
    );
    assert_eq!(date("3/14/2026", DayOrder::DayMonth), None);
    assert_eq!(
        date("03/04/2026", DayOrder::DayMonth).as_deref(),
        Some("2026-04-03")
    );
    assert_eq!(
        date("2026-03-14", DayOrder::DayMonth).as_deref(),
        Some("2026-03-14")
    );
    assert_eq!(date("2/30/2026", DayOrder::MonthDay), None);
    assert_eq!(dated("3/14/26").map(|it| it.day), Some(Day::ShortYear));
    assert_eq!(
        dated("3/14/2026  2:30 PM").map(|it| it.rest),
        Some("2:30 PM")
    );
    for text in [
        "2026",
        "2026-03",
        "3/2026",
        "a/b/2026",
        "//",
        "3-14-2026",
        "É/1/2026",
    ] {
        assert_eq!(dated(text), None, "{text}");
    }
}

// Goal: both notations of hours are read, noon and midnight at their places. Method: pairs.
#[test]
fn hours_are_read() {
    for (text, wanted, twelve_hour) in [
        ("2:30 PM", Some("14:30:00"), true),
        ("12:05 am", Some("00:05:00"), true),
        ("12:00 PM", Some("12:00:00"), true),
        ("13:00 PM", None, true),
        ("9:05", Some("09:05:00"), false),
        ("23:59:58", Some("23:59:58"), false),
        ("24:00", None, false),
    ] {
        let read = clock(text).expect("a time");
        assert_eq!(
            read.time.map(|time| time.to_string()).as_deref(),
            wanted,
            "{text}"
        );
        assert_eq!(read.twelve_hour, twelve_hour, "{text}");
    }
    for text in [
        "",
        "PM",
        "14",
        "14:30Z",
        "14:30:00-07:00",
        "1:2",
        "14:30:00:00",
    ] {
        assert_eq!(clock(text), None, "{text}");
    }
}

// Goal: no hour is chosen when the clocks change. Method: both nights in one zone, and a plain day.
#[test]
fn an_hour_that_happens_twice_or_never_is_none() {
    let zone = TimeZone::get("America/Los_Angeles").expect("a zone");
    let at = |month, day| {
        let time = Time::new(2, 30, 0, 0).expect("a time");
        let date = Date::new(2026, month, day).expect("a day");
        instant(date, time, &zone)
    };
    assert_eq!(at(3, 8), None, "skipped");
    assert_eq!(at(3, 9).as_deref(), Some("2026-03-09T02:30:00-07:00"));
    let time = Time::new(1, 30, 0, 0).expect("a time");
    let date = Date::new(2026, 11, 1).expect("a day");
    assert_eq!(instant(date, time, &zone), None, "twice");
}
