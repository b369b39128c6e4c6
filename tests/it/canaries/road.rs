//! Goal: a planted value stands in an output only where that output's own decision lets it, and in
//! nothing else the gateway says or keeps. Method: every type from four senders in four formats,
//! toward fourteen roles in four formats and a state that pulls; then everything is searched.

use super::around::{kept, numbers};
use super::doors::{emergencies, explanations, recalls, registries};
use super::grow::{Canary, Grown, KEY_MARK, NOBODY};
use super::scan::{Scanner, entitled};
use super::spoil::malformed;
use super::world::{Answer, FORMATS, SENDERS, World, lodging, logs, opened, pulled};
use crate::web::harness::{LOOKS_MAX, until};
use kinbridge::base::id::{PartnerId, PersonId, RecordId, SubmissionId};
use kinbridge::base::sensitive::Reason;
use kinbridge::base::vocabulary::{DataClass, Verdict};
use kinbridge::format::{Node, json as tree};
use kinbridge::kept::{Toward, decision_record, on_file, release_stored};
use kinbridge::release::Release;
use kinbridge::store::{DecisionRecord, StoredRecord};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A planted record as the gateway keeps it.
pub struct Held {
    pub stored: StoredRecord,
    /// Keys of the planted persons and who they became.
    pub persons: BTreeMap<String, PersonId>,
    /// The sender's id of the record.
    id: String,
}

/// Panics when an answer says more of what was planted than the sender's own id of a record, which
/// it may, in the one member for it.
pub fn silent(scanner: &Scanner, world: &World, answer: &Answer, what: &str) {
    let mut told = answer.json();
    without_own_ids(&mut told);
    let bytes = match told {
        Value::Null => answer.all(),
        told => [answer.head.clone(), told.to_string()]
            .concat()
            .into_bytes(),
    };
    let found = scanner.planted(&bytes);
    let places = found
        .iter()
        .map(|(record, at)| &world.grown[*record].canaries[*at].place);
    let told: Vec<&String> = places.collect();
    assert!(told.is_empty(), "{what} ({}) tells {told:?}", answer.status);
}

fn without_own_ids(told: &mut Value) {
    match told {
        Value::Object(members) => {
            members.remove("source_record_id");
            members.values_mut().for_each(without_own_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(without_own_ids),
        _ => {}
    }
}

/// As [`silent`], and not even the sender's own ids and keys.
pub fn mute(scanner: &Scanner, bytes: &[u8], what: &str) {
    assert_eq!(scanner.anything(bytes), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planted_comes_out_only_where_its_decision_lets_it() {
    let world = World::start().await;
    let scanner = Scanner::new(&world.grown);
    let papers = lodge(&world, &scanner).await;
    registries(&world, &scanner).await;
    dry_runs(&world, &scanner).await;
    let ids = hand_all_in(&world, &scanner).await;
    let submissions: Vec<SubmissionId> = ids.iter().map(|(_, id)| *id).collect();
    world.settled(&submissions).await;
    let held = read_back(&world, &ids).await;
    let pushed = pushes(&world, &scanner, &held).await;
    let values = pulls(&world, &scanner, &held).await;
    let seen = *world.seen.lock().expect("lock");
    let by_paper = [DataClass::SudPart2, DataClass::MentalHealth];
    let missing = by_paper.iter().find(|class| !seen.contains(**class));
    assert_eq!(missing, None, "nothing of it went, though papers open it");
    for (at, (format, _)) in FORMATS.iter().enumerate() {
        assert!(
            pushed[at] > 100,
            "{format}: {} values were sent",
            pushed[at]
        );
        let (of, values) = (pulled(format), values[at]);
        assert!(
            of.is_empty() || values > 10,
            "{format}: {values} values were pulled"
        );
    }
    answers(&world, &scanner, &ids).await;
    let given = emergencies(&world, &scanner, &held).await;
    assert!(
        given > 10,
        "{given} values were given at the emergency door"
    );
    explanations(&world, &scanner, &held).await;
    recalls(&world, &scanner, &papers).await;
    malformed(&world, &scanner).await;
    numbers(&world, &scanner).await;
    world.inbox.stop().await;
    let World { gateway, grown, .. } = world;
    gateway.running.shutdown().await;
    mute(&scanner, &logs(), "a log line");
    assert!(!grown.is_empty());
    kept(&scanner, gateway.folder.path());
}

/// Papers for some of the planted adults, so that there is something to send.
/// Who lodged each and where it is.
async fn lodge(world: &World, scanner: &Scanner) -> Vec<(&'static str, String)> {
    let mut lodged = Vec::new();
    for (record, (sender, _)) in world.sent.iter().enumerate() {
        if SENDERS[*sender].1 == "cws" {
            // What a county reports to the state rests on no paper, and one more may make it wait.
            continue;
        }
        let root = &world.grown[record].record.root;
        let classes = [
            "contact_address",
            "referral",
            "demographics",
            "engagement_contact",
            "general_health",
            "mental_health",
        ];
        let papers = [
            // Where somebody lives, only for some: a paper about a protected address waits.
            ("general_roi", &classes[usize::from(*sender != 4)..]),
            ("part2_specific", &["sud_part2"][..]),
            ("hiv_auth", &["hiv_test"][..]),
        ];
        let persons = world.grown[record].record.persons().len();
        for at in 0..papers.len() * persons {
            let (person, (kind, classes)) = (at % persons, papers[at / persons]);
            let path = format!("/v1/consents/k-{record}-{at}");
            let who = SENDERS[*sender].0;
            let subject = root.pointer(&format!("/persons/{person}/identifiers/0"));
            let subject = subject.expect("an identifier");
            let subject = (
                subject.text("system").unwrap(),
                subject.text("value").unwrap(),
            );
            let grantor = match (person, kind) {
                (0, "part2_specific") => "youth_and_parent",
                (0, _) => "parent",
                _ => "self",
            };
            let body = lodging(subject, (kind, grantor), (record, classes));
            let answer = world.ask(who, "PUT", &path, Some(body)).await;
            let counts = answer.json()["counts"] == true;
            silent(scanner, world, &answer, "a lodging");
            let answer = world.ask(who, "GET", &path, None).await;
            silent(scanner, world, &answer, "a consent");
            // An identifier in an address comes back in no answer, and into no log.
            let token = format!("{}|{}", subject.0, subject.1);
            let token: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let search = format!("/fhir/Consent?patient.identifier={token}");
            let answer = world.ask(who, "GET", &search, None).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            silent(scanner, world, &answer, "a search");
            if counts {
                lodged.push((who, path));
            }
        }
    }
    assert!(lodged.len() > 20, "{} papers", lodged.len());
    lodged
}

async fn dry_runs(world: &World, scanner: &Scanner) {
    for (record, (sender, bytes)) in world.sent.iter().enumerate() {
        let answer = world.hand_in(*sender, "?dry_run=true", bytes.clone()).await;
        let kind = &world.grown[record].record.record_type;
        assert_eq!(answer.status, 200, "{kind} of {sender}: {}", answer.json());
        silent(scanner, world, &answer, "a dry run");
    }
}

/// Record ids by the number of what was planted, and their submissions.
async fn hand_all_in(world: &World, scanner: &Scanner) -> Vec<(RecordId, SubmissionId)> {
    let mut out = Vec::new();
    for (record, (sender, bytes)) in world.sent.iter().enumerate() {
        let answer = world.hand_in(*sender, "", bytes.clone()).await;
        let told = answer.json();
        let kind = &world.grown[record].record.record_type;
        assert_eq!(answer.status, 202, "{kind} of {sender}: {told}");
        silent(scanner, world, &answer, "a receipt");
        let id = told["records"][0]["record_id"]
            .as_str()
            .and_then(RecordId::parse);
        let submission = told["submission_id"].as_str().and_then(SubmissionId::parse);
        out.push((id.expect("an id"), submission.expect("an id")));
    }
    out
}

/// The records as they are kept. Who is who is told by the names, which every format carries.
async fn read_back(world: &World, ids: &[(RecordId, SubmissionId)]) -> Vec<Held> {
    let store = &world.gateway.running.gateway.store;
    let mut out = Vec::new();
    for (record, (id, _)) in ids.iter().enumerate() {
        let stored = store.record(*id).await.expect("read").expect("kept");
        let root = opened(stored.payload.expose(Reason::Test));
        let last = |person: &Node| {
            let name = person
                .pointer("/names/0/last")
                .and_then(|node| node.as_str());
            name.map(str::to_owned)
        };
        let planted = world.grown[record].record.persons();
        let mut persons = BTreeMap::from([(NOBODY.to_owned(), PersonId([0; 16]))]);
        let there = root.get("persons").map(Node::items).unwrap_or_default();
        for person in there {
            let whose = planted.iter().find(|one| last(one) == last(person));
            let key = whose
                .and_then(|one| one.text("key"))
                .expect("a planted person");
            let own = stored
                .persons
                .iter()
                .find(|known| Some(known.key.as_str()) == person.text("key"));
            persons.insert(key.to_owned(), own.expect("kept").person);
        }
        let id = root
            .pointer("/envelope/source_record_id")
            .and_then(|node| node.as_str());
        let id = id.expect("an id").to_owned();
        out.push(Held {
            stored,
            persons,
            id,
        });
    }
    out
}

/// Holds an output against the decision it left under; how many planted values were in it.
pub fn check(
    world: &World,
    scanner: &Scanner,
    (record, held): (usize, &Held),
    decision: &DecisionRecord,
    output: &[u8],
) -> usize {
    let part2 = SENDERS[world.sent[record].0].1 == "sud_program";
    let permits = |key: &str, class: &str| {
        let person = held.persons.get(key);
        decision.rows.iter().any(|row| {
            Some(&row.person) == person && row.data_class == class && row.verdict == Verdict::Permit
        })
    };
    let grown = &world.grown[record];
    let entitled = |canary: &Canary| entitled(canary, part2, &permits);
    let goes = |canary: &Canary| match canary.narrative {
        true => grown.canaries.iter().all(entitled),
        false => entitled(canary),
    };
    let found = scanner.planted(output);
    for (of, at) in &found {
        let canary = &world.grown[*of].canaries[*at];
        assert_eq!(*of, record, "{} of another record", canary.place);
        let role = (&decision.recipient_role, &decision.purpose);
        let what = (&canary.place, &grown.record.record_type, canary.classes);
        assert!(goes(canary), "{what:?} went to {role:?}");
        let mut seen = world.seen.lock().expect("lock");
        *seen = seen.union(canary.classes);
        if part2 && canary.persons != [NOBODY] {
            seen.insert(DataClass::SudPart2);
        }
    }
    codes(grown, output, &goes);
    topics(grown, output, &goes);
    // Where a format has no other id of a record, its sender's id of the person is the record's.
    let mut text = String::from_utf8_lossy(output).replace(&held.id, "");
    // A row has no other id of a person than its sender's: read as an identifier, it goes as one.
    let (_, _, format) = SENDERS[world.sent[record].0];
    let rows = FORMATS[format].0.contains("csv");
    let ids = held.persons.keys().filter(|_| rows);
    for id in ids.filter(|id| permits(id, "demographics")) {
        text = text.replace(id.as_str(), "");
    }
    let key = text.find(KEY_MARK);
    let key = key.map(|at| &text[at.saturating_sub(200)..at + 40]);
    assert_eq!(key, None, "a sender's key went out");
    found.len()
}

/// A word that one class alone has stands in no format where that class may not go.
fn topics(grown: &Grown, output: &[u8], goes: &dyn Fn(&Canary) -> bool) {
    let text = String::from_utf8_lossy(output).to_lowercase();
    let is_part = |c: char| !c.is_alphanumeric() && c != '_';
    let told: BTreeSet<&str> = text.split(is_part).collect();
    for topic in ["hiv", "repro"] {
        let mut own = grown
            .canaries
            .iter()
            .filter(|one| one.word.as_deref() == Some(topic));
        assert!(
            !told.contains(topic) || own.any(goes),
            "{topic} went where it may not"
        );
    }
}

/// Numbers and truths cannot be told from others at their place, codes not from the same ones:
/// where one stands, one may.
fn codes(grown: &Grown, output: &[u8], goes: &dyn Fn(&Canary) -> bool) {
    let tree = tree::parse(output).tree;
    let Some(tree) = tree.filter(|tree| tree.get("envelope").is_some()) else {
        return;
    };
    let mut places = BTreeSet::new();
    walk(&tree, String::new(), &mut places);
    for (place, word) in places {
        let there: Vec<&Canary> = grown
            .canaries
            .iter()
            .filter(|one| one.place == place)
            .collect();
        let same: Vec<&Canary> = there
            .iter()
            .copied()
            .filter(|one| one.word == word)
            .collect();
        let own = if word.is_none() || same.is_empty() {
            there
        } else {
            same
        };
        let may: Vec<&Canary> = own.iter().copied().filter(|one| goes(one)).collect();
        assert!(
            own.is_empty() || !may.is_empty(),
            "{place} went where none of it may"
        );
    }
}

/// Places of all leaves, without the numbers of lists, and the texts that stand there.
fn walk(node: &Node, at: String, out: &mut BTreeSet<(String, Option<String>)>) {
    for (name, child) in node.members() {
        walk(child, format!("{at}/{name}"), out);
    }
    for item in node.items() {
        walk(item, at.clone(), out);
    }
    if node.members().is_empty() && node.items().is_empty() {
        out.insert((at, node.as_str().map(str::to_owned)));
    }
}

/// What arrived at the inbox; how many planted values of each format.
async fn pushes(world: &World, scanner: &Scanner, held: &[Held]) -> [usize; FORMATS.len()] {
    let store = &world.gateway.running.gateway.store;
    let mut counts = [0; FORMATS.len()];
    let mut arrived = BTreeSet::new();
    for delivery in world.inbox.deliveries() {
        let view = world.delivery(&delivery.delivery_id).await;
        let decision = store
            .decision(view.delivery_id)
            .await
            .expect("read")
            .expect("taken");
        let record = held
            .iter()
            .position(|one| one.stored.record_id == view.record_id);
        let record = record.expect("a planted record");
        arrived.insert(held[record].stored.record_type.to_string());
        let seen = check(
            world,
            scanner,
            (record, &held[record]),
            &decision,
            &delivery.body,
        );
        let head = format!(
            "{:?} {} {}",
            delivery.headers, delivery.media_type, delivery.delivery_id
        );
        mute(scanner, head.as_bytes(), "a header");
        let at: usize = view
            .channel
            .as_str()
            .trim_start_matches("out-")
            .parse()
            .expect("a number");
        counts[at] += seen;
    }
    // What goes to agencies alone is among it.
    assert!(arrived.contains("child-abuse-report"), "{arrived:?}");
    counts
}

/// What a pulling state gets; each file is held against all decisions there are for it now.
async fn pulls(world: &World, scanner: &Scanner, held: &[Held]) -> [usize; FORMATS.len()] {
    let inner = &world.gateway.running.gateway;
    let rules = inner.rules.load_full();
    let state = &rules.partners[&PartnerId::new("state")];
    let mut counts = [0; FORMATS.len()];
    for (at, (format, _)) in FORMATS.iter().enumerate() {
        if pulled(format).is_empty() {
            continue;
        }
        let channel = state
            .channel
            .iter()
            .find(|own| own.format.as_str() == *format)
            .expect("one");
        let asked = json!({ "records": pulled(format), "format": format });
        let begun = world
            .ask("state", "POST", "/v1/extracts", Some(asked))
            .await;
        assert_eq!(begun.status, 202, "{}", begun.json());
        let id = begun.json()["extract_id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let place = format!("/v1/extracts/{id}");
        let job = until("the end of a job", LOOKS_MAX, async || {
            let job = world.ask("state", "GET", &place, None).await;
            match job.json()["status"] == "running" {
                true => Err(job.json()),
                false => Ok(job),
            }
        });
        let job = job.await;
        mute(scanner, &job.all(), "a manifest");
        for file in job.json()["manifest"]["files"].as_array().expect("files") {
            let name = file["name"].as_str().expect("a name");
            mute(scanner, name.as_bytes(), "a file name");
            let file = world
                .ask("state", "GET", &format!("{place}/files/{name}"), None)
                .await;
            assert_eq!(file.status, 200);
            mute(scanner, file.head.as_bytes(), "a header");
            let records: BTreeSet<usize> = scanner
                .planted(&file.body)
                .iter()
                .map(|(record, _)| *record)
                .collect();
            for record in records {
                let one = &held[record];
                let found = on_file(&inner.store, std::iter::once(&one.stored))
                    .await
                    .expect("read");
                let toward = Toward::plain(state, channel);
                let now = inner.clock.now();
                let release = release_stored(&rules, &one.stored, toward, &found, now);
                let Some(Release::Go(outgoing)) = release else {
                    panic!("a record that may not go is in a file");
                };
                let decision = decision_record(outgoing.taken());
                let part = only(scanner, record, &file.body);
                counts[at] += check(world, scanner, (record, one), &decision, &part);
            }
        }
    }
    counts
}

/// The planted words of one record in a file of many, as an output of its own.
fn only(scanner: &Scanner, record: usize, file: &[u8]) -> Vec<u8> {
    let found = scanner.planted(file);
    assert!(found.iter().any(|(of, _)| *of == record));
    let mut out = Vec::new();
    for line in file.split(|byte| *byte == b'\n') {
        if scanner.planted(line).iter().all(|(of, _)| *of == record) {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
    out
}

/// Status, verdicts, decisions in both forms, work items and accounting.
async fn answers(world: &World, scanner: &Scanner, ids: &[(RecordId, SubmissionId)]) {
    for (record, (id, submission)) in ids.iter().enumerate() {
        let who = SENDERS[world.sent[record].0].0;
        let place = format!("/v1/submissions/{submission}");
        for path in [place.clone(), format!("{place}/records")] {
            let answer = world.ask(who, "GET", &path, None).await;
            assert_eq!(answer.status, 200);
            silent(scanner, world, &answer, "a status");
        }
        for (asker, role, purpose) in [
            (who, "cws", "care_coordination"),
            ("privacy_officer", "lea", "education"),
            ("auditor", "parent", "parent_access"),
        ] {
            let asked = json!({
                "record_id": id, "recipient": format!("to-{}", role.replace('_', "-")),
                "purpose": purpose,
            });
            let answer = world.ask(asker, "POST", "/v1/decisions", Some(asked)).await;
            assert!(asker == who || answer.status == 200, "{}", answer.json());
            silent(scanner, world, &answer, "a decision");
        }
    }
    for who in [
        "alpha",
        "recovery",
        "county",
        "brokers",
        "integrator",
        "privacy_officer",
        "auditor",
    ] {
        let mut path = String::from("/v1/work-items");
        loop {
            let answer = world.ask(who, "GET", &path, None).await;
            silent(scanner, world, &answer, "work items");
            match answer.json()["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/work-items?cursor={cursor}"),
                None => break,
            }
        }
    }
    accounting(world, scanner).await;
    // A question that is written out: whatever stands where a word belongs is not told back.
    let token = world.grown[0]
        .canaries
        .iter()
        .find_map(|canary| canary.token.clone());
    for member in [
        "source_role",
        "recipient_role",
        "purpose",
        "classes",
        "subject",
        "consents",
    ] {
        let asked = json!({ "id": "q", member: token });
        let answer = world
            .ask(
                "privacy_officer",
                "POST",
                "/v1/decisions?explain=true",
                Some(asked),
            )
            .await;
        silent(scanner, world, &answer, "a question's answer");
    }
}

async fn accounting(world: &World, scanner: &Scanner) {
    let mut seen = 0;
    for record in &world.grown {
        for person in record.record.persons() {
            // A report has none.
            let id = person.pointer("/cws_client_id");
            let Some(id) = id.and_then(|node| node.as_str()) else {
                continue;
            };
            let path = format!("/v1/disclosures?person=cws_client_id%7C{id}");
            let answer = world.ask("privacy_officer", "GET", &path, None).await;
            seen += answer.json()["disclosures"].as_array().map_or(0, Vec::len);
            silent(scanner, world, &answer, "an accounting");
        }
    }
    assert!(seen > 20, "{seen} disclosures are accounted for");
}
