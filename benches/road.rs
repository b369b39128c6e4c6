//! Benchmarks of the road, piece by piece and whole; printed, never asserted against the clock.
//!
//! `cargo bench --bench road` runs the kernels (divan), then the whole road with three recipients
//! in this process and a streamed batch of 100,000 records with the peak of the memory taken.
//! `cargo bench --bench road -- FILTER` runs the kernels of that name alone; `whole-road` and
//! `batch` are names too.

use arc_swap::ArcSwap;
use divan::{Bencher, black_box};
use kinbridge::base::clock::{Clock, SystemClock, Timestamp};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::catalog::{self, Partner, Sources};
use kinbridge::deliver::Courier;
use kinbridge::deliver::transport::{Parcel, Reply, Replying, Transport};
use kinbridge::disclosure::{Ask, Context, Policy, Subject};
use kinbridge::format::{Node, json};
use kinbridge::intake::batch::{Batch, Opening};
use kinbridge::intake::{self, Inbound};
use kinbridge::record::Record;
use kinbridge::record::labels::{Labels, Origin};
use kinbridge::record::whereabouts::Stated;
use kinbridge::release::{Protections, Release, ReleaseInput, release};
use kinbridge::rules::Rules;
use kinbridge::store::{Action, Earlier, MasterKey, NewPerson, NewRecord, NewSubmission, Store};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONTACT: &str = include_str!("../fixtures/bench/engagement-contact.json");
const REFERRAL: &str = include_str!("../fixtures/bench/service-referral.json");
/// What makes a record one of its own in each fixture.
const CONTACT_ID: &str = "c-2026-0917-04";
const REFERRAL_ID: &str = "r-88";
const FORMATS: [&str; 4] = [
    "kinbridge-json/1.0",
    "provider-csv/1.0",
    "fhir-r4/4.0",
    "county-niem/1.0",
];
const WHOLE_ROAD_RECORDS: usize = 3_000;
const BATCH_RECORDS: usize = 100_000;
const IN_FLIGHT: usize = 64;
/// A road on which something is withheld or held would never end.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    divan::main();
    if std::env::args().any(|word| word == "--list" || word == "--test") {
        return;
    }
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for _ in 0..3 {
        if wanted("whole-road") {
            runtime.block_on(whole_road());
        }
    }
    for _ in 0..3 {
        if wanted("batch") {
            runtime.block_on(batch_ingest());
        }
    }
}

const SENDER: &str = r#"
id = "bench-sender"
name = "Bench sender"
role = "ppp"
county_fips = "06067"
mode = "live"
agreement = [{ id = "1", kind = "baa" }, { id = "2", kind = "contract_10850" },
  { id = "3", kind = "qsoa" },
  { id = "4", kind = "county_contract", with = "bench-kinbridge-json" },
  { id = "5", kind = "county_contract", with = "bench-fhir-r4" },
  { id = "6", kind = "county_contract", with = "bench-county-niem" }]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
"#;

/// Whom the referral asks to serve; it has no channel and is sent nothing.
const ADDRESSEE: &str = r#"
id = "bench-housing"
name = "Bench housing"
role = "service_org"
county_fips = "06067"
mode = "live"
identifier = [{ system = "urn:kinbridge:partner", value = "harbor-housing-aid" }]
"#;

/// A county that is told everything it may see, in one of three formats.
fn recipient(format: &str) -> (String, String) {
    let id = format!("bench-{}", format.split('/').next().unwrap_or_default());
    let text = format!(
        "id = \"{id}\"\nname = \"A recipient\"\nrole = \"cws\"\ncounty_fips = \"06067\"\n\
         mode = \"live\"\nagreement = [{{ id = \"1\", kind = \"contract_10850\" }}, \
         {{ id = \"2\", kind = \"baa\" }}, {{ id = \"3\", kind = \"qsoa\" }}]\n\
         [[channel]]\nname = \"out\"\ndirection = \"out\"\nformat = \"{format}\"\n\
         records = [\"engagement-contact\", \"service-referral\"]\n\
         purpose = \"care_coordination\"\nrelated_by = [\"county\"]\n\
         https = {{ url = \"https://{id}.example/in\", in_flight_max = 64 }}\n"
    );
    (id, text)
}

fn sources() -> Sources {
    let (mut sources, defects) = catalog::load(&[]);
    assert!(defects.is_empty(), "the shipped catalog is sound");
    let recipients = [FORMATS[0], FORMATS[2], FORMATS[3]].map(|format| recipient(format).1);
    let others = [SENDER, ADDRESSEE];
    for text in recipients.iter().map(String::as_str).chain(others) {
        let mut partner: Partner = toml::from_str(text).expect("a partner file");
        partner.name_channels();
        sources.partners.insert(partner.id.clone(), partner);
    }
    sources
}

fn rules() -> &'static Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    RULES.get_or_init(|| {
        let (rules, defects) = Rules::from_sources(sources());
        assert!(defects.is_empty(), "{defects:?}");
        Arc::new(rules)
    })
}

fn text(record_type: &str) -> &'static str {
    if record_type == "service-referral" {
        REFERRAL
    } else {
        CONTACT
    }
}

fn record(record_type: &str) -> Record {
    Record {
        record_type: RecordType::new(record_type),
        root: json::parse(text(record_type).as_bytes())
            .tree
            .expect("a document"),
    }
}

fn types() -> Vec<RecordType> {
    ["engagement-contact", "service-referral"]
        .map(RecordType::new)
        .to_vec()
}

fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-09-19T12:00:00-07:00").expect("an instant")
}

fn labels(record: &Record) -> Labels {
    rules().labels.label(record, Origin::default())
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn json_parse(bencher: Bencher, record_type: &str) {
    let text = text(record_type);
    bencher.bench(|| json::parse(black_box(text.as_bytes())));
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn json_write(bencher: Bencher, record_type: &str) {
    let record = record(record_type);
    bencher.bench(|| {
        let mut out = Vec::new();
        json::write(black_box(&record.root), &mut out);
        out
    });
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn schema_check(bencher: Bencher, record_type: &str) {
    let record = record(record_type);
    let path = format!("canonical/{record_type}.schema.json");
    let schema = rules().schemas.get(&path).expect("a schema");
    assert!(schema.is_valid(&record.root));
    bencher.bench(|| schema.is_valid(black_box(&record.root)));
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn read_whole(bencher: Bencher, record_type: &str) {
    let text = text(record_type);
    let format = FormatId::new(FORMATS[0]);
    let types = types();
    bencher.bench(|| intake::read(rules(), &format, &types, black_box(text.as_bytes())));
}

/// The wire tree of the referral in a format, read back from the bytes that are written.
fn wire_tree(format: &FormatId) -> Node {
    let wire = rules().wires.get(format).expect("a format");
    let out = rules()
        .plans
        .outbound(format, &record("service-referral"))
        .expect("a tree");
    let bytes = wire.write(&out.tree);
    let unit = wire.units(&bytes).next().expect("a document");
    let unit = unit.expect("it is whole");
    wire.parse(&unit).tree.expect("a tree")
}

#[divan::bench(args = FORMATS)]
fn map_outbound(bencher: Bencher, format: &str) {
    let (format, record) = (FormatId::new(format), record("service-referral"));
    bencher.bench(|| {
        let out = rules().plans.outbound(&format, black_box(&record));
        assert!(out.is_ok());
        out
    });
}

#[divan::bench(args = FORMATS)]
fn map_inbound(bencher: Bencher, format: &str) {
    let format = FormatId::new(format);
    let (tree, types) = (wire_tree(&format), types());
    bencher.bench(|| {
        let read = rules().plans.inbound(&format, black_box(&tree), &types);
        assert!(!read.records.is_empty());
        read
    });
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn label(bencher: Bencher, record_type: &str) {
    let record = record(record_type);
    bencher.bench(|| labels(black_box(&record)));
}

/// The questions of one record toward one recipient: one per person it speaks of.
struct Question {
    subject: Subject,
    context: Context,
    asked: Vec<kinbridge::base::vocabulary::ClassSet>,
}

impl Question {
    fn of(record_type: &str) -> Question {
        let record = record(record_type);
        let subject = r#"{"id": "p1", "role": "parent", "age": 35}"#;
        let context = r#"{"now": "2026-09-19T12:00:00-07:00"}"#;
        Question {
            subject: serde_json::from_str(subject).expect("a subject"),
            context: serde_json::from_str(context).expect("a context"),
            asked: labels(&record).asked().into_values().collect(),
        }
    }

    fn ask(&self, policy: &Policy) -> usize {
        use kinbridge::base::vocabulary::{Purpose, RecipientRole, SourceRole};
        let rows = self.asked.iter().map(|classes| {
            let answer = policy.ask(&Ask {
                source: SourceRole::Ppp,
                recipient: RecipientRole::Cws,
                purpose: Purpose::CareCoordination,
                classes: *classes,
                subject: &self.subject,
                consents: &[],
                context: &self.context,
            });
            answer.rows.len()
        });
        rows.sum()
    }
}

#[divan::bench(args = ["engagement-contact", "service-referral"])]
fn decide_warm(bencher: Bencher, record_type: &str) {
    let question = Question::of(record_type);
    bencher.bench(|| question.ask(black_box(&rules().policy)));
}

/// A policy compiled for the one question: nothing is remembered.
#[divan::bench(args = ["engagement-contact", "service-referral"], sample_count = 12, sample_size = 1)]
fn decide_cold(bencher: Bencher, record_type: &str) {
    let (question, sources) = (Question::of(record_type), sources());
    bencher
        .with_inputs(|| Policy::compile(&sources).0)
        .bench_refs(|policy| question.ask(policy));
}

#[divan::bench(args = [FORMATS[0], FORMATS[2], FORMATS[3]])]
fn release_one(bencher: Bencher, format: &str) {
    let record = record("service-referral");
    let partner = |id: &str| &rules().partners[&PartnerId::new(id)];
    let to = partner(&recipient(format).0);
    let keys = record.persons().iter().filter_map(|p| p.text("key"));
    let persons: Vec<(String, PersonId)> = keys
        .enumerate()
        .map(|(at, key)| (key.to_owned(), PersonId([at as u8 + 1; 16])))
        .collect();
    let input = ReleaseInput {
        record: &record,
        record_id: RecordId([7; 16]),
        persons: &persons,
        source: partner("bench-sender"),
        recipient: to,
        channel: to.channel.first().expect("a channel"),
        test: false,
        consents: &[],
        facts: &[],
        housemates: &[],
        protections: &Protections::default(),
        received: &[],
        now: now(),
        reviewed: false,
        done: kinbridge::release::ObligationSet::default(),
        emergency: None,
    };
    let goes = matches!(release(rules(), &input), Release::Go(_));
    assert!(goes, "what is withheld measures nothing");
    bencher.bench(|| release(rules(), black_box(&input)));
}

async fn open_store(folder: &std::path::Path) -> Store {
    let key = MasterKey::load_or_create(&folder.join("master.key")).expect("a key");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(&folder.join("kinbridge.db"), key, clock).await;
    store.expect("a store")
}

fn submission(number: usize, payload: &[u8]) -> NewSubmission {
    let id = format!("bench-{number}");
    NewSubmission {
        submission_id: SubmissionId::mint(now()),
        partner: PartnerId::new("bench-sender"),
        channel: ChannelId::new("in"),
        test: false,
        idempotency_key: Some(id.clone()),
        body_digest: Digest::of(id.as_bytes()),
        rule_set: RuleSetId::new("bench"),
        correlation_id: CorrelationId::new("bench"),
        received_at: now(),
        records: vec![NewRecord {
            index: 0,
            record_type: RecordType::new("service-referral"),
            source_record_id: id.clone(),
            version: Digest::of(id.as_bytes()),
            payload: Sensitive::new(payload.to_vec()),
            persons: ["p1", "p2"]
                .map(|key| NewPerson {
                    key: key.into(),
                    identifiers: vec![format!("urn:bench|{key}").as_str().into()],
                    focus: key == "p2",
                    whereabouts: Stated::default(),
                })
                .to_vec(),
            protected_lines: Vec::new(),
            sources: Vec::new(),
            case_ref: None,
            county_fips: None,
            action: Action::Upsert,
            service_source: None,
            findings: Vec::new(),
            earlier: Earlier::default(),
            hold: None,
        }],
        rejected: Vec::new(),
    }
}

/// Sixty-four submissions handed over at once; per submission divide by as many.
#[divan::bench(sample_count = 40, sample_size = 1)]
fn store_accept_64(bencher: Bencher) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = runtime.block_on(open_store(folder.path()));
    bencher
        .with_inputs(|| {
            let numbers = NUMBER.fetch_add(IN_FLIGHT, Ordering::Relaxed)..;
            let group = numbers.take(IN_FLIGHT);
            group
                .map(|number| submission(number, REFERRAL.as_bytes()))
                .collect::<Vec<_>>()
        })
        .bench_values(|group| {
            runtime.block_on(async {
                let all = group.into_iter().map(|one| store.accept(one));
                for done in futures_util::future::join_all(all).await {
                    done.expect("accepted");
                }
            });
        });
}

/// A recipient in this process that takes everything at once.
#[derive(Default)]
struct Inbox(AtomicUsize);

impl Transport for Inbox {
    fn send(&self, parcel: Parcel) -> Replying {
        self.0.fetch_add(1, Ordering::Relaxed);
        drop(parcel);
        Box::pin(async { Reply::of_status(200, None) })
    }
}

fn inbound(number: usize) -> Inbound {
    let id = format!("BENCH-{number}");
    Inbound {
        partner: PartnerId::new("bench-sender"),
        channel: ChannelId::new("in"),
        key: Some(id.clone()),
        body: Sensitive::new(REFERRAL.replace(REFERRAL_ID, &id).into_bytes()),
        correlation: CorrelationId::new("bench"),
        received_at: SystemClock.now(),
    }
}

/// Hands in all records, so many at a time.
async fn accept_all(store: &Store) {
    let numbers = Arc::new(AtomicUsize::new(0));
    let senders = (0..IN_FLIGHT).map(|_| {
        let (store, numbers) = (store.clone(), Arc::clone(&numbers));
        tokio::spawn(async move {
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= WHOLE_ROAD_RECORDS {
                    return;
                }
                let taken = intake::accept(&store, rules(), inbound(number)).await;
                taken.expect("accepted");
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    for sender in senders {
        sender.await.expect("a sender ends");
    }
}

/// Accepted, routed, decided, rendered, authorised, sent and completed for three recipients: all
/// that is waiting is delivered by the courier as it runs in `serve`.
async fn whole_road() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path()).await;
    let swap = Arc::new(ArcSwap::new(Arc::clone(rules())));
    let inbox = Arc::new(Inbox::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let courier = Courier::new(store.clone(), swap, clock, inbox.clone());
    let (began, busy) = (Instant::now(), cpu());
    accept_all(&store).await;
    let (accepted, accepting) = (began.elapsed().as_secs_f64(), cpu());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let courier = tokio::spawn(kinbridge::deliver::run(courier, stopped));
    while inbox.0.load(Ordering::Relaxed) < 3 * WHOLE_ROAD_RECORDS {
        assert!(began.elapsed() < PATIENCE, "not everything is delivered");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Ends when every outcome is kept.
    stop.send(true).expect("the courier listens");
    courier.await.expect("the courier ends");
    let (whole, delivered) = (began.elapsed().as_secs_f64(), cpu());
    let records = WHOLE_ROAD_RECORDS as f64;
    println!(
        "whole road: {WHOLE_ROAD_RECORDS} records, {} deliveries to 3 recipients: accept {:.0}/s \
         ({:.0} us of CPU each), route to confirmed {:.0} records/s ({:.0} us of CPU each), \
         both {:.0} records/s",
        inbox.0.load(Ordering::Relaxed),
        records / accepted,
        (accepting - busy) / records,
        records / (whole - accepted),
        (delivered - accepting) / records,
        records / whole,
    );
}

/// Microseconds of processor time this process has used, in steps of 10 ms; 0 where the system
/// does not say.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th after it.
    let after = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after.split(' ').skip(11).take(2);
    ticks.filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}

/// One streamed batch of lines; the peak counts from before the batch begins.
async fn batch_ingest() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path()).await;
    let mut line = Vec::new();
    json::write(&record("engagement-contact").root, &mut line);
    let line = String::from_utf8(line).expect("UTF-8");
    let opening = Opening {
        partner: PartnerId::new("bench-sender"),
        channel: ChannelId::new("in"),
        key: Some("bench".into()),
        correlation: CorrelationId::new("bench"),
        received_at: SystemClock.now(),
    };
    // Where the system lets us, the peak starts anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (before, began, busy) = (memory("VmRSS"), Instant::now(), cpu());
    let mut batch = Batch::begin(store, Arc::clone(rules()), opening)
        .await
        .expect("a batch");
    let mut chunk = String::new();
    for number in 0..BATCH_RECORDS {
        chunk.push_str(&line.replace(CONTACT_ID, &format!("B-{number}")));
        chunk.push('\n');
        if chunk.len() > 64 << 10 {
            batch.push(chunk.as_bytes()).await.expect("taken");
            chunk.clear();
        }
    }
    batch.push(chunk.as_bytes()).await.expect("taken");
    let receipt = batch.finish().await.expect("a receipt");
    println!(
        "batch: {} of {BATCH_RECORDS} records of {} bytes accepted, {:.0}/s ({:.0} us of CPU \
         each), memory before {} MiB, peak {} MiB",
        receipt.counts.accepted,
        line.len(),
        BATCH_RECORDS as f64 / began.elapsed().as_secs_f64(),
        (cpu() - busy) / BATCH_RECORDS as f64,
        before >> 10,
        memory("VmHWM") >> 10,
    );
}

/// A line of `/proc/self/status`, in KiB.
fn memory(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}
