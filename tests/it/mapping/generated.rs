//! Goal: the law holds for records nobody thought of. Method: for every format that is read and
//! written and every record type it maps, records are made of the canonical schema and of changed
//! fixtures by the numbers of a seed, and held to the law; what a format says it cannot write is
//! counted by its reason, and may not be much.
//!
//! `KINBRIDGE_RECORDS` (records of a format) and `KINBRIDGE_SEED` make it long and other;
//! `KINBRIDGE_ONLY` is part of the names of the record types that are looked at.

use super::law::{Bench, Broken};
use super::making::{Dice, Maker};
use super::shipped::{FORMATS, empty_within, records, with_id};
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::catalog::FormatSource;
use kinbridge::format::{Node, Value, json};
use kinbridge::record::Record;
use kinbridge::validate::rules::cross_field;
use std::collections::{BTreeMap, BTreeSet};

const SEED: u64 = 20_261_123;

/// Records of a format where nothing else is said: few, as every change waits for them.
const RECORDS: u64 = 600;

/// Of a hundred valid records of a type, how many at least every format writes.
const HELD_PERCENT_MIN: usize = 60;

/// Failures that are shown before a run is given up.
const SHOWN: usize = 6;

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |value| value.parse().expect("a number"))
}

/// What came of the records of one type.
#[derive(Debug, Default)]
struct Tally {
    made: usize,
    held: usize,
    /// Not valid, by what was found: no record at all.
    invalid: BTreeMap<String, usize>,
    /// Refused by the format, by the reason it gives.
    refused: BTreeMap<String, usize>,
    failed: Vec<String>,
}

impl Tally {
    fn refuse(&mut self, why: String) {
        *self.refused.entry(why).or_default() += 1;
    }

    fn line(&self) -> String {
        let refused: usize = self.refused.values().sum();
        let invalid: usize = self.invalid.values().sum();
        format!(
            "made {}, no record {invalid}, held {}, refused {refused}, failed {}",
            self.made,
            self.held,
            self.failed.len()
        )
    }

    fn add(&mut self, other: Tally) {
        self.made += other.made;
        self.held += other.held;
        for (why, count) in other.invalid {
            *self.invalid.entry(why).or_default() += count;
        }
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.failed.extend(other.failed);
    }
}

/// Why a record is none; nothing where it is one.
fn wrong_with(bench: &Bench, record: &Record) -> Option<String> {
    let path = format!("canonical/{}.schema.json", record.record_type);
    if !bench
        .schemas
        .get(&path)
        .expect("a schema")
        .is_valid(&record.root)
    {
        return Some(String::from("its schema"));
    }
    if empty_within(&record.root) {
        return Some(String::from("something empty"));
    }
    let found = cross_field(&record.record_type, &record.root);
    let error = found.iter().find(|finding| finding.is_error());
    error.map(|finding| finding.code.to_string())
}

/// The next record: made of nothing, or one of the fixtures changed.
fn next(maker: &mut Maker<'_>, dice: &mut Dice, good: &[Record], of: &RecordType) -> Record {
    let root = match good.len() {
        0 => maker.make(dice, of.as_str()),
        _ if dice.chance(50) => maker.make(dice, of.as_str()),
        count => {
            let at = dice.below(count);
            maker.change(dice, &good[at].root, of.as_str())
        }
    };
    with_id(Record {
        record_type: of.clone(),
        root,
    })
}

fn held(bench: &Bench, format: &str, record_type: &RecordType, wanted: usize) -> Tally {
    let schema = format!("canonical/{record_type}.schema.json");
    let mut maker = Maker::new(&bench.sources.schemas[&schema]);
    let of_type = records(bench).into_iter().map(|(_, record)| record);
    let good: Vec<Record> = of_type
        .filter(|it| it.record_type == *record_type)
        .collect();
    let seed = setting("KINBRIDGE_SEED", SEED);
    let mut tally = Tally::default();
    let mut told = BTreeSet::new();
    let mut valid = 0;
    while valid < wanted && tally.made < wanted * 100 && tally.failed.len() < SHOWN {
        let mut dice = Dice::new(seed, tally.made as u64);
        tally.made += 1;
        let record = next(&mut maker, &mut dice, &good, record_type);
        if let Some(code) = wrong_with(bench, &record) {
            *tally.invalid.entry(code).or_default() += 1;
            continue;
        }
        valid += 1;
        match bench.outcome(format, &record) {
            Ok(()) => tally.held += 1,
            Err(Broken::Refused(why)) => tally.refuse(why.to_string()),
            Err(Broken::Held(code)) => tally.refuse(format!("{code} by the format's own schema")),
            Err(Broken::Law(wrong)) => {
                let told = told
                    .insert(kind(&wrong))
                    .then(|| shown(bench, format, record));
                let case = tally.made - 1;
                tally
                    .failed
                    .extend(told.map(|it| format!("seed {seed}, case {case}: {it}")));
            }
        }
    }
    tally
}

/// What failures of one cause begin with alike.
fn kind(wrong: &str) -> String {
    let letters = wrong.chars().filter(char::is_ascii_alphabetic);
    letters.take(50).collect()
}

/// A failure as it is told: what is wrong with the least record that fails so, and that record.
fn shown(bench: &Bench, format: &str, record: Record) -> String {
    let small = shrunk(bench, format, record);
    let mut text = Vec::new();
    json::write(&small.root, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    format!("{:?}\n{text}", bench.outcome(format, &small))
}

/// The same failure with as little as possible around it.
fn shrunk(bench: &Bench, format: &str, record: Record) -> Record {
    let fails = |record: &Record| {
        wrong_with(bench, record).is_none()
            && matches!(bench.outcome(format, record), Err(Broken::Law(_)))
    };
    let mut small = record;
    loop {
        let mut places = Vec::new();
        pointers(&small.root, &mut Vec::new(), &mut places);
        let less = places.iter().find_map(|place| {
            let mut less = small.clone();
            take_out(&mut less.root, place);
            fails(&less).then_some(less)
        });
        match less {
            Some(less) => small = less,
            None => return small,
        }
    }
}

/// Every place below a node, as the numbers of its steps.
fn pointers(node: &Node, above: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    let children = node.members().iter().map(|(_, child)| child);
    for (at, child) in children.chain(node.items()).enumerate() {
        above.push(at);
        out.push(above.clone());
        pointers(child, above, out);
        above.pop();
    }
}

fn take_out(node: &mut Node, place: &[usize]) {
    let Some((first, rest)) = place.split_first() else {
        return;
    };
    match &mut node.value {
        Value::Object(members) if rest.is_empty() => drop(members.remove(*first)),
        Value::Array(items) if rest.is_empty() => drop(items.remove(*first)),
        Value::Object(members) => take_out(&mut members[*first].1, rest),
        Value::Array(items) => take_out(&mut items[*first], rest),
        _ => {}
    }
}

/// Holds all record types of a format to the law.
fn law_of(format: &str) {
    let bench = Bench::new(&[]);
    let types = bench.types(&FormatId::new(format));
    let all = setting("KINBRIDGE_RECORDS", RECORDS) as usize;
    let wanted = all.div_ceil(types.len());
    let only = std::env::var("KINBRIDGE_ONLY").unwrap_or_default();
    let mut wrong = Vec::new();
    let mut whole = Tally::default();
    for record_type in types.iter().filter(|it| it.as_str().contains(&only)) {
        let tally = held(&bench, format, record_type, wanted);
        println!("{format} {record_type}: {}", tally.line());
        wrong.extend(tally.failed.iter().map(|it| format!("{record_type}: {it}")));
        // A format that refuses whatever is hard, or records that are none, would show nothing.
        if tally.failed.is_empty() && tally.held * 100 < wanted * HELD_PERCENT_MIN {
            wrong.push(format!(
                "{record_type}: too few of {wanted} are written: {tally:?}"
            ));
        }
        whole.add(tally);
    }
    println!(
        "{format}: seed {}: {}",
        setting("KINBRIDGE_SEED", SEED),
        whole.line()
    );
    whole
        .refused
        .iter()
        .for_each(|(why, count)| println!("    refused {count}: {why}"));
    whole
        .invalid
        .iter()
        .for_each(|(why, count)| println!("    no record {count}: {why}"));
    assert!(wrong.is_empty(), "{format}:\n{}", wrong.join("\n\n"));
}

#[test]
fn every_format_that_is_read_and_written_is_held() {
    // What is only read, as a workbook is, has no way out to hold.
    let bench = Bench::new(&[]);
    let both = |it: &&FormatSource| it.is_written() && it.is_read();
    let formats = bench.sources.formats.values().filter(both);
    let formats: BTreeSet<&str> = formats.map(|it| it.id.as_str()).collect();
    let held: BTreeSet<&str> = FORMATS
        .iter()
        .copied()
        .chain(["kinbridge-json/1.0"])
        .collect();
    assert_eq!(formats, held, "a format without its test below");
}

#[test]
fn a_loss_report_says_of_every_path_whether_it_is_kept_once() {
    let bench = Bench::new(&[]);
    for report in bench.plans.losses() {
        let schema = format!("canonical/{}.schema.json", report.record);
        let mut leaves = BTreeSet::new();
        bench.sources.schemas[&schema].leaves(&mut |path, _| {
            leaves.insert(path.to_owned());
        });
        let losses = report.changed.iter().chain(&report.lost);
        let told = report.kept.iter().chain(losses.map(|loss| &loss.path));
        let told: Vec<String> = told.cloned().collect();
        let once: BTreeSet<String> = told.iter().cloned().collect();
        assert_eq!(
            once.len(),
            told.len(),
            "{} {}: twice",
            report.format,
            report.record
        );
        assert_eq!(once, leaves, "{} {}", report.format, report.record);
    }
}

#[test]
fn generated_records_keep_the_law_of_kinbridge_json() {
    law_of("kinbridge-json/1.0");
}

#[test]
fn generated_records_keep_the_law_of_fhir_r4() {
    law_of("fhir-r4/4.0");
}

#[test]
fn generated_records_keep_the_law_of_county_niem() {
    law_of("county-niem/1.0");
}

#[test]
fn generated_records_keep_the_law_of_provider_csv() {
    law_of("provider-csv/1.0");
}

#[test]
fn generated_records_keep_the_law_of_hl7v2() {
    law_of("hl7v2/2.5.1");
}
