//! Goal: what is withheld leaves no trace in what goes: an output is, byte for byte, that of a
//! record in which the withheld values had never been. Method: records with something in every
//! leaf, thinned and labelled at random, cut for 2,000 random sets of permitted (class, person);
//! each cut is compared with the record rebuilt of the released leaves alone, in every format.

use crate::canaries::grow::{NOBODY, grow_sized, types, types_of};
use crate::reference::asking::Dice;
use crate::release::asking;
use crate::release::rules_with;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::{PartnerId, PersonId};
use kinbridge::base::vocabulary::{ClassSet, DataClass};
use kinbridge::catalog;
use kinbridge::disclosure::ObligationSet;
use kinbridge::disclosure::redact::{Redaction, redact};
use kinbridge::format::{Node, Value, json};
use kinbridge::record::Record;
use kinbridge::record::labels::{Labels, Origin, TOTALS};
use kinbridge::release::{ReleaseInput, rendered};
use kinbridge::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const FORMATS: [&str; 5] = [
    "kinbridge-json/1.0",
    "fhir-r4/4.0",
    "county-niem/1.0",
    "provider-csv/1.0",
    "hl7v2/2.5.1",
];
/// What nearly every format has.
const TYPES: [&str; 4] = [
    "person",
    "family-case",
    "engagement-contact",
    "service-referral",
];

pub fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut partner = String::from(
            "id = \"reader\"\nname = \"A reader\"\nrole = \"cws\"\nmode = \"live\"\n\
             county_fips = \"06067\"\n",
        );
        let (sources, _) = catalog::load(&[]);
        for (at, format) in FORMATS.iter().enumerate() {
            let records = types_of(&sources, format);
            partner.push_str(&format!(
                "[[channel]]\nname = \"out-{at}\"\ndirection = \"out\"\nformat = \"{format}\"\n\
                 records = {records:?}\npurpose = \"care_coordination\"\n\
                 related_by = [\"county\"]\n\
                 https = {{ url = \"https://reader.example/inbox\" }}\n"
            ));
        }
        rules_with(&[&partner])
    })
}

fn leaves(node: &Node, at: String, out: &mut Vec<String>) {
    for (name, child) in node.members() {
        leaves(child, format!("{at}/{name}"), out);
    }
    for (index, child) in node.items().iter().enumerate() {
        leaves(child, format!("{at}/{index}"), out);
    }
    if node.members().is_empty() && node.items().is_empty() {
        out.push(at);
    }
}

fn text(node: &Node) -> String {
    let mut out = Vec::new();
    json::write(node, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// Members without which their object is none.
const NEEDED: &[&str] = &[
    "key",
    "kind",
    "person",
    "code",
    "value",
    "system",
    "class",
    "topic",
    "role",
    "type",
    "relationship",
    "related_to",
    "contact_id",
    "start",
    "mode",
    "referral_id",
    "status",
    "case_number",
    "hcpcs",
    "reported_by_phone_at",
    "name",
    "reference_no",
    "inquiry_id",
    "child",
    "relation",
    "form",
    "to",
    "what",
    "by",
    "date",
    "assessment_id",
    "instrument_version",
    "age_form",
    "caregiver_index",
    "screening_id",
    "instrument",
    "number",
    "item_id",
    "author_role",
    "days",
    "from",
    "episode_id",
    "removal_date",
    "fips",
    "entry_set_id",
    "partner",
    "public_role_consent",
    "issued",
    "course",
];

/// Values taken away that a row says are missing, and values a row says are sensitive.
fn varied(record: &Record, dice: &mut Dice) -> Record {
    let mut record = record.clone();
    // Totals have no rows.
    if record.persons().is_empty() {
        return record;
    }
    let mut all = Vec::new();
    leaves(&record.root, String::new(), &mut all);
    all.retain(|at| at.starts_with("/persons/") || at.starts_with("/body/"));
    let plain = |at: &&String| {
        let last = at.rsplit('/').next().expect("a name");
        !NEEDED.contains(&last) && last.parse::<usize>().is_err()
    };
    let (mut missing, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let at = all[dice.below(all.len())].clone();
        let (above, name) = at.rsplit_once('/').expect("a name");
        if plain(&&at) && record.root.pointer(&at).is_some() {
            let above = steps(&mut record.root, above);
            above.remove(name);
            if above.is_empty_container() {
                // A sender says nothing with an empty object; the value stays.
                above.set(name, Node::string("kept"));
                continue;
            }
            missing.push(format!("{{\"path\":\"{at}\",\"reason\":\"not_asked\"}}"));
        }
        let at = &all[dice.below(all.len())];
        let class = DataClass::ALL[dice.below(DataClass::ALL.len())];
        if record.root.pointer(at).is_some() {
            labels.push(format!("{{\"path\":\"{at}\",\"classes\":[\"{class}\"]}}"));
        }
    }
    let envelope = record.root.get_mut("envelope").expect("an envelope");
    for (name, rows) in [("missing", missing), ("labels", labels)] {
        let rows = format!("[{}]", rows.join(","));
        if rows != "[]" {
            envelope.set(name, json::parse(rows.as_bytes()).tree.expect("JSON"));
        }
    }
    record
}

fn steps<'n>(node: &'n mut Node, pointer: &str) -> &'n mut Node {
    pointer
        .split('/')
        .skip(1)
        .fold(node, |node, step| match step.parse::<usize>() {
            Ok(at) if !node.items().is_empty() => &mut node.items_mut().expect("a list")[at],
            _ => node.get_mut(step).expect("a member"),
        })
}

/// The record made of nothing but these leaves, and the new place of each old one.
fn rebuilt(whole: &Record, released: &BTreeSet<&String>) -> Record {
    let mut moved = BTreeMap::new();
    let root = rebuild(
        &whole.root,
        (String::new(), String::new()),
        released,
        &mut moved,
    );
    let mut root = root.expect("something is left");
    if whole.body().is_some_and(Node::is_empty_container) {
        root.set("body", Node::object());
    }
    for list in ["missing", "labels"] {
        let rows = root
            .get_mut("envelope")
            .and_then(|envelope| envelope.get_mut(list));
        for row in rows.and_then(Node::items_mut).into_iter().flatten() {
            let old = row.text("path").expect("a path").to_owned();
            row.set("path", Node::string(new_place(&old, &moved)));
        }
    }
    Record {
        record_type: whole.record_type.clone(),
        root,
    }
}

fn rebuild(
    node: &Node,
    (old, new): (String, String),
    released: &BTreeSet<&String>,
    moved: &mut BTreeMap<String, String>,
) -> Option<Node> {
    let made = match &node.value {
        Value::Object(members) if !members.is_empty() => {
            let mut made = Node::object();
            for (name, child) in members {
                let places = (format!("{old}/{name}"), format!("{new}/{name}"));
                if let Some(child) = rebuild(child, places, released, moved) {
                    made.set(name, child);
                }
            }
            (!made.members().is_empty()).then_some(made)
        }
        Value::Array(items) if !items.is_empty() => {
            let mut made = Vec::new();
            for (at, child) in items.iter().enumerate() {
                let places = (format!("{old}/{at}"), format!("{new}/{}", made.len()));
                made.extend(rebuild(child, places, released, moved));
            }
            (!made.is_empty()).then(|| Node::from(Value::Array(made)))
        }
        _ => released
            .contains(&old)
            .then(|| Node::from(node.value.clone())),
    };
    if made.is_some() {
        moved.insert(old, new);
    }
    made
}

/// Where something that stood there, or was missing there, stands now.
fn new_place(old: &str, moved: &BTreeMap<String, String>) -> String {
    match (moved.get(old), old.rsplit_once('/')) {
        (Some(new), _) => new.clone(),
        (None, Some((above, name))) => format!("{}/{name}", new_place(above, moved)),
        (None, None) => String::new(),
    }
}

type Permits = BTreeSet<(String, DataClass)>;

fn key_of(record: &Record, at: u16) -> Option<&str> {
    let person = record.persons().get(usize::from(at));
    let key = person.and_then(|person| person.text("key"));
    key.or((at == TOTALS).then_some(NOBODY))
}

/// A random set of what may go.
fn permits(record: &Record, labels: &Labels, dice: &mut Dice) -> Permits {
    let share = 30 + dice.below(70);
    let mut out = Permits::new();
    for (person, classes) in labels.asked() {
        let key = key_of(record, person);
        for class in classes.iter() {
            if let Some(key) = key.filter(|_| dice.below(100) < share) {
                out.insert((key.to_owned(), class));
            }
        }
    }
    out
}

fn cut(record: &Record, labels: &Labels, permits: &Permits) -> Redaction {
    redact(record, labels, &|class, person| {
        let key = key_of(record, person);
        key.is_some_and(|key| permits.contains(&(key.to_owned(), class)))
    })
}

/// What is left in each format; a word where it would not be valid.
fn written(whole: &Record, left: &Record, owed: ObligationSet) -> Vec<Result<Vec<u8>, String>> {
    let rules = rules();
    let reader = &rules.partners[&PartnerId::new("reader")];
    let persons: Vec<(String, PersonId)> = whole
        .persons()
        .iter()
        .enumerate()
        .map(|(at, person)| {
            let key = person.text("key").expect("a key").to_owned();
            (key, PersonId([at as u8 + 1; 16]))
        })
        .collect();
    let each = reader.channel.iter().map(|channel| {
        let input = ReleaseInput {
            now: Timestamp(1_790_000_000_000_000),
            ..asking((whole, &persons), reader, (reader, channel))
        };
        let written = rendered(rules, &input, left.clone(), owed);
        written.map(|(bytes, _)| bytes).map_err(|found| {
            let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_ref()).collect();
            codes.join(" ")
        })
    });
    each.collect()
}

/// Classes of the leaves that are left.
fn left_classes(record: &Record) -> ClassSet {
    let labels = rules().labels.label(record, Origin::default());
    let each = labels.asked().into_values();
    each.fold(ClassSet::EMPTY, ClassSet::union)
}

#[test]
fn what_is_withheld_had_never_been_there() {
    let (sources, _) = catalog::load(&[]);
    let mut numbers = 0;
    let all = types(&sources).into_iter();
    let others = all.filter(|kind| !TYPES.contains(&kind.as_str()));
    let types: Vec<String> = TYPES.map(str::to_owned).into_iter().chain(others).collect();
    let grown: Vec<Record> = types
        .iter()
        .flat_map(|kind| [(kind.as_str(), true), (kind.as_str(), false)])
        .map(|sized| grow_sized(&sources, sized, "program", &mut numbers).record)
        .collect();
    let mut valid = [0; FORMATS.len()];
    let (mut cuts, mut rows) = (0, 0);
    let mut written_types = BTreeSet::new();
    // What only one format has is cut 500 times besides.
    let others = types.len() - TYPES.len();
    for seed in 1..=2_000 + 500 * others as u64 {
        let mut dice = Dice::new(seed);
        // Mostly slim ones, which every format has room for.
        let big = usize::from(dice.below(8) == 0);
        let kind = match seed > 2_000 {
            false => dice.below(TYPES.len()),
            true => TYPES.len() + dice.below(others),
        };
        let record = varied(&grown[kind * 2 + big], &mut dice);
        let labels = rules().labels.label(&record, Origin::default());
        let permits = permits(&record, &labels, &mut dice);
        let cut_once = cut(&record, &labels, &permits);
        if cut_once.nothing_left {
            continue;
        }
        cuts += usize::from(cut_once.withheld_any);
        let released: BTreeSet<&String> = cut_once.released.iter().collect();
        let never = rebuilt(&record, &released);
        assert_eq!(
            text(&cut_once.record.root),
            text(&never.root),
            "seed {seed}"
        );
        let one = written(&record, &cut_once.record, ObligationSet::default());
        if one.iter().all(Result::is_err) {
            // Without its envelope it is no record and waits: nothing goes.
            continue;
        }
        let labels = rules().labels.label(&never, Origin::default());
        let again = cut(&never, &labels, &permits);
        assert_eq!(text(&again.record.root), text(&never.root), "seed {seed}");
        let lists = ["missing", "labels"].iter();
        rows += lists
            .filter(|list| never.envelope().is_some_and(|own| own.get(list).is_some()))
            .count();
        let other = written(&never, &again.record, ObligationSet::default());
        for (at, (one, other)) in one.iter().zip(&other).enumerate() {
            assert_eq!(one, other, "seed {seed} in {}", FORMATS[at]);
            valid[at] += usize::from(one.is_ok());
        }
        written_types.insert(record.record_type.to_string());
    }
    let all: BTreeSet<String> = types.into_iter().collect();
    assert_eq!(written_types, all, "types of which something goes");
    assert!(cuts > 1_500 && rows > 200, "{cuts} cuts, {rows} rows");
    assert!(
        valid.iter().all(|count| *count > 100),
        "{valid:?} outputs were valid"
    );
}

/// The classes that make an output restricted, and those that make it very restricted.
const R: [DataClass; 17] = [
    DataClass::MentalHealth,
    DataClass::SudPart2,
    DataClass::EducationRecord,
    DataClass::JuvenileCaseFile,
    DataClass::Delinquency,
    DataClass::ContactAddress,
    DataClass::Demographics,
    DataClass::EngagementContact,
    DataClass::CasePlan,
    DataClass::CftPlan,
    DataClass::Cans,
    DataClass::Sdm,
    DataClass::Referral,
    DataClass::IcwaInquiry,
    DataClass::TribalConfidential,
    DataClass::WorkforceRecord,
    DataClass::PartnerLivedExperience,
];
const V: [DataClass; 16] = [
    DataClass::PsychotherapyNotes,
    DataClass::SudCounselingNotes,
    DataClass::HivTest,
    DataClass::ReproductiveHealth,
    DataClass::GenderAffirmingCare,
    DataClass::DvInformation,
    DataClass::DvCounselorComm,
    DataClass::SaCounselorComm,
    DataClass::SealedRecord,
    DataClass::AbuseReport,
    DataClass::ReporterIdentity,
    DataClass::ImmigrationStatus,
    DataClass::Sogi,
    DataClass::SafeAtHomeAddress,
    DataClass::AdoptionRecord,
    DataClass::AttorneyClient,
];

#[test]
fn labels_of_an_output_tell_of_what_is_in_it_alone() {
    // Goal: no label of an output names a class that nothing in it is of. Method: the same cuts in
    // FHIR, every duty owed; the classes each code of the shipped format stands for, against those
    // of what is left.
    let (sources, _) = catalog::load(&[]);
    let told: [(&str, &[DataClass]); 11] = [
        ("MH", &[DataClass::MentalHealth]),
        ("PSYTHPN", &[DataClass::PsychotherapyNotes]),
        ("ETH", &[DataClass::SudPart2]),
        ("42CFRPart2", &[DataClass::SudPart2]),
        (
            "NORDSCLCD",
            &[
                DataClass::SudPart2,
                DataClass::SudCounselingNotes,
                DataClass::CftPlan,
            ],
        ),
        ("HIV", &[DataClass::HivTest]),
        ("SEX", &[DataClass::ReproductiveHealth]),
        ("SDV", &[DataClass::DvInformation]),
        (
            "N",
            &[DataClass::GeneralHealth, DataClass::AggregateDeidentified],
        ),
        ("R", &R),
        ("V", &V),
    ];
    let mut owed = ObligationSet::default();
    owed.insert(kinbridge::base::vocabulary::Obligation::NoRedisclosure);
    let (mut seen, mut numbers) = (BTreeMap::new(), 0);
    for seed in 1..=300_u64 {
        let mut dice = Dice::new(seed);
        let kind = TYPES[dice.below(TYPES.len())];
        numbers %= 5_000;
        let record = grow_sized(&sources, (kind, true), "program", &mut numbers).record;
        let labels = rules().labels.label(&record, Origin::default());
        let cut = cut(&record, &labels, &permits(&record, &labels, &mut dice));
        if cut.nothing_left {
            continue;
        }
        let classes = left_classes(&cut.record);
        let Ok(bytes) = &written(&record, &cut.record, owed)[1] else {
            continue;
        };
        let tree: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        let of_bundle = codes(&tree["meta"]);
        assert_eq!(of_bundle.len(), 1, "{of_bundle:?}");
        for entry in tree["entry"].as_array().expect("entries") {
            for code in codes(&entry["resource"]["meta"]) {
                let known = told.iter().find(|(known, _)| *known == code);
                let (_, means) = known.unwrap_or_else(|| panic!("{code} is in no list"));
                let there = means.iter().any(|one| classes.contains(*one));
                assert!(there, "seed {seed}: {code} in an output of {classes:?}");
                *seen.entry(code).or_insert(0) += 1;
            }
        }
    }
    for code in ["R", "V", "MH", "ETH", "42CFRPart2", "NORDSCLCD", "SEX"] {
        assert!(
            seen.contains_key(code),
            "{code} was never written: {seen:?}"
        );
    }
}

fn codes(meta: &serde_json::Value) -> Vec<String> {
    let labels = meta["security"].as_array().into_iter().flatten();
    let codes = labels.map(|label| label["code"].as_str().expect("a code").to_owned());
    codes.collect()
}

#[test]
fn a_label_stands_on_the_resource_its_class_is_in_and_on_no_other() {
    // Goal: a resource is labelled by itself. Method: a contact in which a sensitive topic came up,
    // all of it released; only the resource that holds the topic says so, and only how secret it is
    // stands on the whole.
    let record = crate::labels::record("engagement-contact", crate::labels::CONTACT);
    let mut owed = ObligationSet::default();
    owed.insert(kinbridge::base::vocabulary::Obligation::NoRedisclosure);
    let labels = rules().labels.label(&record, Origin::default());
    let all = cut(&record, &labels, &permits_of_all(&record));
    assert!(!all.withheld_any);
    let bytes = written(&record, &all.record, owed)
        .remove(1)
        .expect("valid");
    let tree: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(codes(&tree["meta"]), ["V"]);
    let (mut with, mut without) = (0, 0);
    for entry in tree["entry"].as_array().expect("entries") {
        let resource = &entry["resource"];
        let codes = codes(&resource["meta"]);
        if resource["resourceType"] == "Encounter" {
            assert!(codes.contains(&"MH".to_owned()) && codes.contains(&"SDV".to_owned()));
            with += 1;
        } else {
            assert!(
                !codes.contains(&"SDV".to_owned()),
                "{codes:?} in {resource}"
            );
            assert!(
                codes.iter().any(|code| code == "R" || code == "V"),
                "{resource}"
            );
            without += 1;
        }
    }
    assert!(with == 1 && without > 0, "{tree}");
}

fn permits_of_all(record: &Record) -> Permits {
    let keys = record
        .persons()
        .iter()
        .filter_map(|person| person.text("key"));
    keys.flat_map(|key| {
        DataClass::ALL
            .iter()
            .map(move |class| (key.to_owned(), *class))
    })
    .collect()
}
