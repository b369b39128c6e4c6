//! The world of the canaries: senders of every format, recipients of many roles in every format,
//! one inbox, and log lines kept as they are written.

use super::grow::{self, Grown, grow_sized};
use crate::web::harness::{Gateway, LOOKS_MAX, install_provider, until};
use kinbridge::base::id::{DeliveryId, FormatId, PartnerId, RecordId, SubmissionId};
use kinbridge::base::vocabulary::{ClassSet, ConsentElement};
use kinbridge::catalog;
use kinbridge::format::{Node, json as tree};
use kinbridge::store::{DeliveryState, DeliveryView};
use kinbridge::web::certificates::Authority;
use kinbridge::web::receiver::Receiver;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::EnvFilter;

pub const FORMATS: [(&str, &str); 5] = [
    ("kinbridge-json/1.0", "application/json"),
    ("fhir-r4/4.0", "application/fhir+json"),
    ("county-niem/1.0", "application/xml"),
    ("provider-csv/1.0", "text/csv"),
    ("hl7v2/2.5.1", "x-application/hl7-v2+er7"),
];

/// Who hands in, as what, in which of the formats.
pub const SENDERS: [(&str, &str, usize); 8] = [
    ("alpha", "ppp", 0),
    ("recovery", "sud_program", 1),
    ("county", "cws", 2),
    ("brokers", "ppp", 3),
    ("partners", "mhp", 0),
    ("valley", "cws", 0),
    ("haven", "sud_program", 0),
    ("clinic", "mhp", 4),
];

/// Who receives, and why.
pub const RECIPIENTS: [(&str, &str); 14] = [
    ("cws", "care_coordination"),
    ("probation", "case_planning"),
    ("mhp", "treatment"),
    ("sud_program", "treatment"),
    ("health_plan", "payment"),
    ("lea", "education"),
    ("law_enforcement", "investigation"),
    ("court", "legal_proceeding"),
    ("tribe", "icwa_inquiry"),
    ("service_org", "care_coordination"),
    ("ppp", "care_coordination"),
    ("parent", "parent_access"),
    ("federal_immigration", "immigration_enforcement"),
    ("public", "public_request"),
];

/// A running gateway, what was planted, and who was given what of it.
pub struct World {
    pub gateway: Gateway,
    pub inbox: Receiver,
    pub grown: Vec<Grown>,
    /// By the number of what was planted: who handed it in, in which bytes.
    pub sent: Vec<(usize, Vec<u8>)>,
    /// Classes of what was found where it may stand.
    pub seen: Mutex<ClassSet>,
    _keep: tempfile::TempDir,
}

/// All types a format has: the first one has every type of the catalog.
pub fn types_of(format: &str) -> Vec<String> {
    grow::types_of(sources(), format)
}

fn sources() -> &'static catalog::Sources {
    static SOURCES: OnceLock<catalog::Sources> = OnceLock::new();
    SOURCES.get_or_init(|| catalog::load(&[]).0)
}

/// What a state pulls in a format: all of it but the reports, which go to agencies alone; nothing
/// where documents do not stand beside others in one file.
pub fn pulled(format: &str) -> Vec<String> {
    let format = FormatId::new(format);
    if !sources().formats[&format].body.syntax.is_joined() {
        return Vec::new();
    }
    let mut all = types_of(format.as_str());
    all.retain(|kind| kind != "child-abuse-report");
    all
}

fn types(format: &str) -> String {
    serde_json::to_string(&types_of(format)).expect("JSON")
}

const PAPERS: &str = r#"
[[agreement]]
id = "1"
kind = "contract_10850"
[[agreement]]
id = "2"
kind = "baa"
[[agreement]]
id = "3"
kind = "qsoa"
[[agreement]]
id = "4"
kind = "county_contract"
with = "county"
"#;

fn sender(role: &str, format: &str) -> String {
    let asserts = match role {
        "cws" => "asserts = [\"casa_appointed\"]\n",
        _ => "",
    };
    format!(
        "role = \"{role}\"\nmode = \"live\"\ncounty_fips = \"06067\"\n{asserts}\n{PAPERS}\n\
         [[channel]]\nname = \"in\"\ndirection = \"in\"\nformat = \"{format}\"\n\
         records = {}\nservice_source = \"referral\"\n",
        types(format)
    )
}

fn recipient(role: &str, purpose: &str, url: &str, ca: &str) -> String {
    let mut text =
        format!("role = \"{role}\"\nmode = \"live\"\ncounty_fips = \"06067\"\n\n{PAPERS}\n");
    if role == "service_org" {
        text.push_str("[[identifier]]\nsystem = \"urn:org\"\nvalue = \"pantry\"\n");
    }
    // A parent is never sent a notice, and no file may say so.
    let recall = role != "parent";
    for (at, (format, _)) in FORMATS.iter().enumerate() {
        text.push_str(&format!(
            "[[channel]]\nname = \"out-{at}\"\ndirection = \"out\"\nformat = \"{format}\"\n\
             records = {}\npurpose = \"{purpose}\"\nrelated_by = [\"county\", \"addressee\"]\n\
             recall = {recall}\nhttps = {{ url = \"{url}\", ca_file = \"{ca}\", \
             private_network = true, in_flight_max = 4 }}\n",
            types(format)
        ));
    }
    text
}

/// Whom copies of reports of child abuse go to.
fn agency(url: &str, ca: &str) -> String {
    format!(
        "role = \"cws\"\nmode = \"live\"\ncounty_fips = \"06067\"\n\n{PAPERS}\n[[channel]]\n\
         name = \"out-0\"\ndirection = \"out\"\nformat = \"{}\"\n\
         records = [\"child-abuse-report\"]\npurpose = \"child_abuse_report\"\n\
         related_by = [\"county\"]\n\
         https = {{ url = \"{url}\", ca_file = \"{ca}\", private_network = true }}\n",
        FORMATS[0].0
    )
}

fn hospital() -> String {
    format!(
        "role = \"health_provider\"\nmode = \"live\"\n\n[[channel]]\nname = \"emergency\"\n\
         direction = \"pull\"\nformat = \"{}\"\nrecords = {}\npurpose = \"medical_emergency\"\n",
        FORMATS[0].0,
        types(FORMATS[0].0)
    )
}

fn state() -> String {
    let mut text = String::from("role = \"cdss\"\nmode = \"live\"\n\n");
    let pulled_in = |(_, (format, _)): &(usize, &(&str, &str))| !pulled(format).is_empty();
    for (at, (format, _)) in FORMATS.iter().enumerate().filter(pulled_in) {
        text.push_str(&format!(
            "[[channel]]\nname = \"pull-{at}\"\ndirection = \"pull\"\nformat = \"{format}\"\n\
             records = {}\npurpose = \"state_reporting\"\n",
            serde_json::to_string(&pulled(format)).expect("JSON")
        ));
    }
    text
}

impl World {
    /// Starts it all; nothing is handed in yet.
    pub async fn start() -> World {
        install_provider();
        logs();
        let keep = tempfile::tempdir().expect("folder");
        let authority = Authority::new("Test authority").expect("authority");
        let ca = keep.path().join("ca.pem");
        std::fs::write(&ca, authority.certificate_pem()).expect("written");
        let identity = authority.issue(&["localhost"]).expect("identity");
        let inbox = Receiver::start(&identity).expect("inbox");
        let (url, ca) = (inbox.url(), ca.display().to_string());
        let mut partners: Vec<(String, String)> = vec![
            ("state".to_owned(), state()),
            ("hospital".to_owned(), hospital()),
            ("to-agency".to_owned(), agency(&url, &ca)),
        ];
        for (id, role, format) in SENDERS {
            partners.push((id.to_owned(), sender(role, FORMATS[format].0)));
        }
        for (role, purpose) in RECIPIENTS {
            let id = format!("to-{}", role.replace('_', "-"));
            partners.push((id, recipient(role, purpose, &url, &ca)));
        }
        let named: Vec<(&str, &str)> = partners
            .iter()
            .map(|(id, text)| (id.as_str(), text.as_str()))
            .collect();
        let gateway = Gateway::start_with_partners(&named, |config| {
            config.limits.partner_requests_per_second = 100_000;
            config.limits.partner_burst = 100_000;
            config.limits.partner_emergencies_per_hour = u32::MAX;
        })
        .await;
        let (grown, sent) = plant(&gateway);
        World {
            gateway,
            inbox,
            grown,
            sent,
            seen: Mutex::default(),
            _keep: keep,
        }
    }

    /// Asks as somebody; status, head and body of the answer.
    pub async fn ask(&self, who: &str, verb: &str, path: &str, body: Option<Value>) -> Answer {
        let ask = self.gateway.request(who, verb, path);
        let ask = ask.header("Kinbridge-Reason", "canaries");
        let ask = match body {
            Some(body) => ask.json(&body),
            None => ask,
        };
        Answer::of(ask.send().await.expect("answer")).await
    }

    /// Hands something planted in, or a copy of it that is not what it was.
    pub async fn hand_in(&self, sender: usize, query: &str, bytes: Vec<u8>) -> Answer {
        let (id, _, format) = SENDERS[sender];
        let (format, media) = FORMATS[format];
        let path = format!("/v1/submissions{query}");
        let ask = self.gateway.request(id, "POST", &path);
        let ask = ask
            .header("content-type", media)
            .header("kinbridge-format", format)
            .body(bytes);
        Answer::of(ask.send().await.expect("answer")).await
    }

    /// Looks until nothing is on its way any more.
    pub async fn settled(&self, submissions: &[SubmissionId]) {
        let store = &self.gateway.running.gateway.store;
        use DeliveryState as S;
        let ends = [
            S::Confirmed,
            S::Withheld,
            S::Held,
            S::Withdrawn,
            S::Superseded,
            S::Dead,
        ];
        until("the end of every delivery", LOOKS_MAX, async || {
            let mut under_way = store.health().await.expect("health").routes_waiting;
            for (record, id) in submissions.iter().enumerate() {
                let sender = PartnerId::new(SENDERS[self.sent[record].0].0);
                let seen = store
                    .submission(&sender, *id)
                    .await
                    .expect("read")
                    .expect("known");
                let deliveries = seen.records.iter().flat_map(|record| &record.deliveries);
                under_way += deliveries.filter(|one| !ends.contains(&one.state)).count() as u64;
            }
            match under_way {
                0 => Ok(()),
                more => Err(more),
            }
        })
        .await;
    }

    /// The delivery a receiver was told.
    pub async fn delivery(&self, id: &str) -> DeliveryView {
        let id = DeliveryId::parse(id).expect("a delivery id");
        let found = self.gateway.running.gateway.store.delivery(id).await;
        found.expect("read").expect("known")
    }
}

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    async fn of(answer: reqwest::Response) -> Answer {
        let head = format!("{:?}", answer.headers());
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("body").to_vec();
        Answer { status, head, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Head and body, to be searched.
    pub fn all(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\n", &self.body].concat()
    }
}

/// One record of each type for each sender, and its bytes in the sender's format.
fn plant(gateway: &Gateway) -> (Vec<Grown>, Vec<(usize, Vec<u8>)>) {
    let (sources, _) = catalog::load(&[]);
    let rules = gateway.running.gateway.rules.load_full();
    let (mut grown, mut sent) = (Vec::new(), Vec::new());
    let mut numbers = 0;
    for (sender, (id, _, format)) in SENDERS.iter().enumerate() {
        let format = FormatId::new(FORMATS[*format].0);
        for kind in types_of(format.as_str()) {
            // Table 0283 has no word for a referral that is completed: such a message is invalid.
            if format.as_str().starts_with("hl7v2") && kind == "service-referral" {
                continue;
            }
            let slim = sender >= 3;
            let mut one = grow_sized(&sources, (&kind, slim), id, &mut numbers);
            let wire = rules.wires.get(&format).expect("the format is shipped");
            if wire.is_messages() {
                of_one_subject(&mut one);
            }
            let envelope = one.record.root.get_mut("envelope").expect("an envelope");
            envelope.set("record_id", Node::string(RecordId([9; 16]).to_string()));
            let out = rules.plans.outbound(&format, &one.record);
            let out = out.unwrap_or_else(|error| panic!("{kind} in {format}: {error}"));
            let envelope = one.record.root.get_mut("envelope").expect("an envelope");
            envelope.remove("record_id");
            let bytes = match wire.is_identity() {
                true => one.text().into_bytes(),
                false => wire.write(&out.tree),
            };
            grown.push(one);
            sent.push((sender, bytes));
        }
    }
    (grown, sent)
}

/// A message has one patient: what is about its subjects is about that one.
fn of_one_subject(grown: &mut Grown) {
    let envelope = grown.record.root.get_mut("envelope").expect("an envelope");
    let refs = envelope.get_mut("subject_refs").and_then(Node::items_mut);
    let refs = refs.expect("subjects");
    let keys: Vec<String> = refs
        .iter()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect();
    refs.truncate(1);
    for canary in &mut grown.canaries {
        if canary.persons == keys {
            canary.persons.truncate(1);
        }
    }
}

/// What a consent in the registry says of one planted person.
/// Every second role is named, others in every record.
pub fn lodging(
    subject: (&str, &str),
    paper: (&str, &str),
    (record, classes): (usize, &[&str]),
) -> Value {
    let roles = RECIPIENTS
        .iter()
        .enumerate()
        .filter(|(at, _)| (at + record / 2) % 2 == 0);
    let roles: Vec<&str> = roles.map(|(_, (role, _))| *role).collect();
    let purposes: Vec<&str> = RECIPIENTS.iter().map(|(_, purpose)| *purpose).collect();
    json!({
        "subject": { "system": subject.0, "value": subject.1 },
        "consent": {
            "kind": paper.0, "type": "permit", "grantor": paper.1, "classes": classes,
            "recipients": roles, "purposes": purposes,
            "elements": ConsentElement::ALL,
            "signed": "2026-03-01", "start": "2026-03-01", "end": "2099-12-31"
        }
    })
}

/// The canonical record as it was kept, read from what a sender's bytes became.
pub fn opened(payload: &[u8]) -> Node {
    tree::parse(payload).tree.expect("JSON")
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every log line of this process from the first call on.
pub fn logs() -> Vec<u8> {
    static LINES: OnceLock<Lines> = OnceLock::new();
    let lines = LINES.get_or_init(|| {
        let lines = Lines::default();
        let kept = lines.clone();
        let started = tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("debug,kinbridge=trace"))
            .with_writer(move || kept.clone())
            .try_init();
        started.expect("no test before has started logging");
        lines
    });
    lines.0.lock().expect("lock").clone()
}
