//! The go-live list itself, by what the partner's channels are for. In: each record type, a bad
//! file, a correction, a repeat, a revocation, an outage. Out: what would be sent is valid in the
//! partner's format. Pull: a batch is asked for and comes. Driven over HTTP against a gateway in a
//! temporary folder; a line that did not hold says what was answered and what to do.

use super::samples::{Sending, Variant, identifiers, sample};
use crate::app::{self, Running};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, RecordType};
use crate::base::vocabulary::ConsentElement;
use crate::catalog::partner::{Channel, Credential, Direction, Mode, Partner};
use crate::config::Config;
use crate::intake::admission::OPERATOR_ID;
use crate::rules::Rules;
use anyhow::Context;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The token of the tryout's own gateway; it opens nothing else.
const TOKEN: &str = "go-live-list";

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// In words.
    pub what: String,
    /// Whether it held.
    pub passed: bool,
    /// What was answered instead and what to do; empty when it held. Never a value.
    pub why: String,
}

/// An answer of the tryout's gateway.
struct Told {
    status: StatusCode,
    body: Value,
}

/// Between two looks at a batch under way, and how many looks.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 200;

/// Findings told of one line.
const FINDINGS_TOLD_MAX: usize = 5;

/// A gateway to try the list on.
pub struct Tryout {
    folder: tempfile::TempDir,
    rules: Arc<Rules>,
    partner: Partner,
    client: reqwest::Client,
    papers: Vec<String>,
    list: Vec<Tried>,
}

impl Tryout {
    /// Rules of these catalogs with the partner in test mode and a credential of the tryout.
    pub fn start(catalogs: &[PathBuf], id: &PartnerId) -> anyhow::Result<Tryout> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (mut sources, _) = crate::catalog::load(catalogs);
        let partner = sources.partners.get_mut(id).context("no such partner")?;
        partner.mode = Mode::Test;
        partner.credential = vec![Credential {
            mtls: None,
            token_sha256: Some(Digest::of(TOKEN.as_bytes()).to_hex()),
            expires: None,
        }];
        let partner = partner.clone();
        sources.partners.retain(|other, _| other == id);
        let (rules, defects) = Rules::from_sources(sources);
        anyhow::ensure!(
            defects.is_empty(),
            "the catalog has {} defects",
            defects.len()
        );
        Ok(Tryout {
            folder: tempfile::tempdir()?,
            rules: Arc::new(rules),
            partner,
            client: reqwest::Client::builder().build()?,
            papers: Vec::new(),
            list: Vec::new(),
        })
    }

    /// Tries the whole list.
    ///
    /// # Errors
    /// When the tryout's own gateway does not run.
    pub async fn run(mut self) -> anyhow::Result<Vec<Tried>> {
        let mut running = self.gateway().await?;
        let partner = self.partner.clone();
        if partner.channel.is_empty() {
            let why = "give the partner file a channel".to_owned();
            self.tried("there is a channel to try".to_owned(), Err(why));
        }
        let of = |direction| {
            partner
                .channel
                .iter()
                .filter(move |c| c.direction == direction)
        };
        if of(Direction::In).next().is_some() {
            self.releases(&running).await?;
        }
        for (number, channel) in of(Direction::In).enumerate() {
            for record in &channel.records {
                self.records(&running, channel, (record, number + 1))
                    .await?;
            }
            running = self.outage(running, channel).await?;
        }
        if of(Direction::In).next().is_some() {
            self.consent(&running).await?;
        }
        for channel in of(Direction::Out) {
            self.renders(channel);
        }
        for channel in of(Direction::Pull) {
            self.renders(channel);
            self.pulls(&running, channel).await?;
        }
        running.shutdown().await;
        Ok(self.list)
    }

    async fn gateway(&self) -> anyhow::Result<Running> {
        let file = self.folder.path().join("kinbridge.toml");
        let data = self.folder.path().join("data");
        let text = format!(
            "data_dir = {}\n[listen]\naddress = \"127.0.0.1:0\"\n\
             metrics_address = \"127.0.0.1:0\"\n",
            toml::Value::String(data.display().to_string())
        );
        std::fs::write(&file, text)?;
        let config = Config::load(Some(&file))?;
        Ok(app::start_with(config, self.rules.clone(), Arc::new(SystemClock)).await?)
    }

    fn tried(&mut self, what: String, held: Result<(), String>) {
        let why = held.err();
        self.list.push(Tried {
            what,
            passed: why.is_none(),
            why: why.unwrap_or_default(),
        });
    }

    /// Where law asks a release of everybody a record is about before this partner may hand it in,
    /// the samples' people have signed one that names the operator.
    async fn releases(&mut self, running: &Running) -> anyhow::Result<()> {
        let law = &self.rules.sources.operator;
        let role = self.partner.source_role();
        let asked = role.and_then(|role| law.release_asked(role, SystemClock.now()));
        let Some(kind) = asked else {
            return Ok(());
        };
        let records = self.partner.channel.iter().flat_map(|c| &c.records);
        let mut people: Vec<(String, String)> = Vec::new();
        for record in records {
            people.extend(identifiers(record)?);
        }
        people.sort();
        people.dedup();
        for (number, (system, value)) in people.iter().enumerate() {
            let id = format!("go-live-release-{number}");
            let paper = json!({
                "subject": { "system": system, "value": value },
                "consent": {
                    "kind": kind, "type": "permit", "grantor": "self",
                    "classes": ["demographics"], "recipients": ["cws"],
                    "recipient_ids": [OPERATOR_ID], "purposes": ["care_coordination"],
                    "signed": "2026-01-01", "end": "2040-01-01",
                    "elements": ConsentElement::ALL,
                },
            });
            let told = self
                .put(running, &format!("/v1/consents/{id}"), &paper)
                .await?;
            let held = told.held(told.status.is_success());
            self.tried(format!("a {kind} that names the operator is lodged"), held);
            self.papers.push(id);
        }
        Ok(())
    }

    async fn records(
        &mut self,
        running: &Running,
        channel: &Channel,
        (record, number): (&RecordType, usize),
    ) -> anyhow::Result<()> {
        let of = format!("{record} as {}", channel.format);
        let papers = self.papers.clone();
        let made = |variant| {
            let sending = Sending {
                variant,
                number,
                papers: &papers,
            };
            sample(&self.rules, &channel.format, record, sending)
        };
        let (first, corrected) = match (made(Variant::First), made(Variant::Corrected)) {
            (Ok(first), Ok(corrected)) => (first, corrected),
            (Err(error), _) | (_, Err(error)) => {
                self.tried(format!("{of}: there is a sample"), Err(error.to_string()));
                return Ok(());
            }
        };
        let half = corrected.get(..corrected.len() / 2).unwrap_or_default();
        let half = half.to_vec();
        for (key, body, what, word) in [
            (1, first.clone(), "a sample is accepted", "accepted"),
            (2, first, "the same again is a duplicate", "duplicate"),
            (3, corrected, "a changed record is a correction", "accepted"),
        ] {
            let key = format!("{record}-{key}");
            let told = self.submit(running, channel, &key, body).await?;
            let held = told.held(told.status == StatusCode::ACCEPTED && told.count(word) == 1);
            self.tried(format!("{of}: {what}"), held);
        }
        let told = self
            .submit(running, channel, &format!("{record}-4"), half)
            .await?;
        let refused = told.status == StatusCode::UNPROCESSABLE_ENTITY && told.tells_findings();
        let held = told.held(refused);
        self.tried(
            format!("{of}: a broken file is refused with findings"),
            held,
        );
        Ok(())
    }

    /// What would be sent or given is valid in the partner's format.
    fn renders(&mut self, channel: &Channel) {
        for record in &channel.records {
            let made = sample(&self.rules, &channel.format, record, Sending::PLAIN);
            let what = format!("{record} as {}: what goes out is valid", channel.format);
            self.tried(what, made.map(|_| ()).map_err(|error| error.to_string()));
        }
    }

    /// A batch is asked for, gets ready and shows its manifest.
    async fn pulls(&mut self, running: &Running, channel: &Channel) -> anyhow::Result<()> {
        let asked = json!({ "records": channel.records, "format": channel.format });
        let ask = self
            .request(running, Method::POST, "/v1/extracts")
            .json(&asked);
        let mut told = Told::of(ask.send().await?).await;
        let id = told.body.get("extract_id").and_then(Value::as_str);
        if let Some(path) = id.map(|id| format!("/v1/extracts/{id}")) {
            for _ in 0..LOOKS_MAX {
                let ask = self.request(running, Method::GET, &path);
                told = Told::of(ask.send().await?).await;
                if told.body.get("status").and_then(Value::as_str) != Some("running") {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        let ready = told.body.get("manifest").is_some_and(Value::is_object);
        let what = format!("a batch of {} is asked for and comes", channel.format);
        let held = told.held(ready);
        self.tried(what, held);
        Ok(())
    }

    /// The receipt is lost and the gateway restarts: the same key gives the same submission.
    async fn outage(&mut self, running: Running, channel: &Channel) -> anyhow::Result<Running> {
        let Some(record) = channel.records.first() else {
            return Ok(running);
        };
        let sending = Sending {
            papers: &self.papers,
            ..Sending::PLAIN
        };
        let Ok(body) = sample(&self.rules, &channel.format, record, sending) else {
            // Told where the record type was tried.
            return Ok(running);
        };
        let before = self
            .submit(&running, channel, "outage", body.clone())
            .await?;
        running.shutdown().await;
        let running = self.gateway().await?;
        let after = self.submit(&running, channel, "outage", body).await?;
        let id = |told: &Told| told.body.get("submission_id").cloned();
        let same = id(&before).is_some() && id(&before) == id(&after);
        let what = format!(
            "{}: after an outage the same key gives the same receipt",
            channel.format
        );
        let held = after.held(same);
        self.tried(what, held);
        Ok(running)
    }

    async fn consent(&mut self, running: &Running) -> anyhow::Result<()> {
        let paper = json!({
            "subject": { "system": "urn:example:sample", "value": "SAMPLE-P1" },
            "consent": {
                "kind": "general_roi", "type": "permit", "grantor": "self",
                "classes": ["demographics"], "recipients": ["cws"],
                "purposes": ["care_coordination"], "signed": "2026-01-01", "end": "2040-01-01",
                "elements": ConsentElement::ALL,
            },
        });
        let lodged = self.put(running, "/v1/consents/go-live", &paper).await?;
        let path = "/v1/consents/go-live/revoke";
        let revoked = self.request(running, Method::POST, path).send().await?;
        let revoked = Told::of(revoked).await;
        let held = lodged.held(lodged.status.is_success());
        self.tried("a consent is lodged".to_owned(), held);
        let held = revoked.held(revoked.status.is_success());
        self.tried("its revocation holds at once".to_owned(), held);
        Ok(())
    }

    async fn put(&self, running: &Running, path: &str, body: &Value) -> anyhow::Result<Told> {
        let ask = self.request(running, Method::PUT, path).json(body);
        Ok(Told::of(ask.send().await?).await)
    }

    fn request(&self, running: &Running, verb: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", running.address);
        self.client.request(verb, url).bearer_auth(TOKEN)
    }

    async fn submit(
        &self,
        running: &Running,
        channel: &Channel,
        key: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<Told> {
        let wire = self
            .rules
            .wires
            .get(&channel.format)
            .context("the format is not there")?;
        let name = channel
            .name
            .as_ref()
            .map(|name| name.as_str())
            .unwrap_or_default();
        let request = self
            .request(running, Method::POST, "/v1/submissions")
            .header("content-type", wire.media_type())
            .header("kinbridge-format", channel.format.as_str())
            .header("kinbridge-channel", name)
            .header("idempotency-key", format!("{name}-{key}"));
        Ok(Told::of(request.body(body).send().await?).await)
    }
}

impl Told {
    async fn of(answer: reqwest::Response) -> Told {
        Told {
            status: answer.status(),
            body: answer.json().await.unwrap_or_default(),
        }
    }

    /// How many records had that verdict.
    fn count(&self, word: &str) -> u64 {
        let count = self.body.pointer(&format!("/counts/{word}"));
        count.and_then(Value::as_u64).unwrap_or(0)
    }

    /// Findings of the whole file, then of its records.
    fn findings(&self) -> impl Iterator<Item = &Value> {
        let own = self.body.get("findings").and_then(Value::as_array);
        let records = self.body.get("records").and_then(Value::as_array);
        let of_records = records.into_iter().flatten();
        let of_records = of_records.filter_map(|record| record.get("findings")?.as_array());
        own.into_iter().flatten().chain(of_records.flatten())
    }

    /// Whether at least one finding is told with what to do.
    fn tells_findings(&self) -> bool {
        self.findings().any(|finding| finding.get("fix").is_some())
    }

    /// Nothing when it held; else the status, each finding's code and place, and what to do.
    fn held(&self, held: bool) -> Result<(), String> {
        if held {
            return Ok(());
        }
        let text = |value: &Value, name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let mut why = format!("answered {}", self.status.as_u16());
        for word in ["code", "detail"] {
            let said = text(&self.body, word);
            if !said.is_empty() {
                why.push_str(&format!(" {said}"));
            }
        }
        if let Some(counts) = self.body.get("counts") {
            why.push_str(&format!(" counts {counts}"));
        }
        let errors = self.findings().filter(|f| text(f, "severity") == "error");
        for finding in errors.take(FINDINGS_TOLD_MAX) {
            why.push_str(&format!(
                "\n{} at {}: {}; {}",
                text(finding, "code"),
                text(finding, "path"),
                text(finding, "message"),
                text(finding, "fix")
            ));
        }
        Err(why)
    }
}
