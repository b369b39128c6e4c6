//! The go-live list itself: each record type, a bad file, a correction, a repeat, a revocation, an
//! outage. Driven over HTTP against a gateway in a temporary folder.

use super::samples::{Variant, sample};
use crate::app::{self, Running};
use crate::base::clock::SystemClock;
use crate::base::digest::Digest;
use crate::base::id::PartnerId;
use crate::catalog::partner::{Channel, Credential, Direction, Mode, Partner};
use crate::config::Config;
use crate::rules::Rules;
use anyhow::Context;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The token of the tryout's own gateway; it opens nothing else.
const TOKEN: &str = "go-live-list";

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// In words.
    pub what: String,
    /// Whether it held.
    pub passed: bool,
}

/// A gateway to try the list on.
pub struct Tryout {
    folder: tempfile::TempDir,
    rules: Arc<Rules>,
    partner: Partner,
    client: reqwest::Client,
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
        let inward = partner
            .channel
            .iter()
            .filter(|c| c.direction == Direction::In);
        for channel in inward {
            self.records(&running, channel).await?;
            running = self.outage(running, channel).await?;
        }
        self.consent(&running).await?;
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

    fn tried(&mut self, what: String, passed: bool) {
        self.list.push(Tried { what, passed });
    }

    async fn records(&mut self, running: &Running, channel: &Channel) -> anyhow::Result<()> {
        for record in &channel.records {
            let first = sample(&self.rules, &channel.format, record, Variant::First)?;
            let of = format!("{record} as {}", channel.format);
            let key = format!("{record}-1");
            let (status, receipt) = self.submit(running, channel, &key, first.clone()).await?;
            self.tried(
                format!("{of}: a sample is accepted"),
                status == StatusCode::ACCEPTED && count(&receipt, "accepted") == 1,
            );
            let (_, receipt) = self
                .submit(running, channel, &format!("{record}-2"), first)
                .await?;
            self.tried(
                format!("{of}: the same again is a duplicate"),
                count(&receipt, "duplicate") == 1,
            );
            let corrected = sample(&self.rules, &channel.format, record, Variant::Corrected)?;
            let key = format!("{record}-3");
            let (_, receipt) = self
                .submit(running, channel, &key, corrected.clone())
                .await?;
            self.tried(
                format!("{of}: a changed record is a correction"),
                count(&receipt, "accepted") == 1,
            );
            let half = corrected
                .get(..corrected.len() / 2)
                .unwrap_or_default()
                .to_vec();
            let key = format!("{record}-4");
            let (status, problem) = self.submit(running, channel, &key, half).await?;
            self.tried(
                format!("{of}: a broken file is refused with findings"),
                status == StatusCode::UNPROCESSABLE_ENTITY && told_findings(&problem),
            );
        }
        Ok(())
    }

    /// The receipt is lost and the gateway restarts: the same key gives the same submission.
    async fn outage(&mut self, running: Running, channel: &Channel) -> anyhow::Result<Running> {
        let Some(record) = channel.records.first() else {
            return Ok(running);
        };
        let body = sample(&self.rules, &channel.format, record, Variant::First)?;
        let (_, before) = self
            .submit(&running, channel, "outage", body.clone())
            .await?;
        running.shutdown().await;
        let running = self.gateway().await?;
        let (_, after) = self.submit(&running, channel, "outage", body).await?;
        let id = |receipt: &Value| receipt.get("submission_id").cloned();
        self.tried(
            format!(
                "{}: after an outage the same key gives the same receipt",
                channel.format
            ),
            id(&before).is_some() && id(&before) == id(&after),
        );
        Ok(running)
    }

    async fn consent(&mut self, running: &Running) -> anyhow::Result<()> {
        let paper = json!({
            "subject": { "system": "urn:example:sample", "value": "SAMPLE-P1" },
            "consent": {
                "kind": "general_roi", "type": "permit", "grantor": "self",
                "classes": ["demographics"], "recipients": ["cws"],
                "purposes": ["care_coordination"], "signed": "2026-01-01", "end": "2040-01-01",
            },
        });
        let path = "/v1/consents/go-live";
        let lodged = self
            .request(running, Method::PUT, path)
            .json(&paper)
            .send()
            .await?;
        let path = "/v1/consents/go-live/revoke";
        let revoked = self.request(running, Method::POST, path).send().await?;
        self.tried(
            "a consent is lodged".to_owned(),
            lodged.status().is_success(),
        );
        self.tried(
            "its revocation holds at once".to_owned(),
            revoked.status().is_success(),
        );
        Ok(())
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
    ) -> anyhow::Result<(StatusCode, Value)> {
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
            .header("idempotency-key", format!("{name}-{key}"));
        let answer = request.body(body).send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }
}

fn count(receipt: &Value, word: &str) -> u64 {
    receipt
        .pointer(&format!("/counts/{word}"))
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

/// Whether a problem tells at least one finding with its place and what to do.
fn told_findings(problem: &Value) -> bool {
    let text = problem.to_string();
    text.contains("\"findings\":[{") && text.contains("\"fix\":")
}
