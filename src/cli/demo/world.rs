//! The demo's world: a temporary folder, a private authority, the gateway, the inboxes.

use super::story::{self, Story};
use crate::app::{self, Running};
use crate::base::digest::{Digest, hex};
use crate::base::id::{PartnerId, SubmissionId};
use crate::cli::partner::certify::{certify, write_pass};
use crate::config::Config;
use crate::web::certificates::Authority;
use crate::web::receiver::Receiver;
use anyhow::Context;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::path::Path;

/// Who may list disclosures and see decisions in the demo.
const OFFICER: &str = "demo-privacy-officer";

/// Everything that runs.
pub struct World {
    /// The gateway.
    pub running: Running,
    /// Inboxes by the name of the story.
    pub inboxes: BTreeMap<String, Receiver>,
    /// Bearer tokens by partner; the officer's under [`World::officer`].
    tokens: BTreeMap<String, String>,
    /// Every submission so far, with its sender.
    pub submissions: Vec<(PartnerId, SubmissionId)>,
    client: reqwest::Client,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts inboxes and gateway on free loopback ports.
    pub async fn start(story: &Story) -> anyhow::Result<World> {
        // A second installation in one process is harmless: the provider is the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let authority = Authority::new("Kinbridge demo authority")?;
        let ca_file = folder.path().join("authority.pem");
        std::fs::write(&ca_file, authority.certificate_pem())?;
        let identity = authority.issue(&["localhost", "127.0.0.1"])?;
        let mut inboxes = BTreeMap::new();
        for name in story.inbox.keys() {
            inboxes.insert(name.clone(), Receiver::start(&identity)?);
        }
        let mut tokens = BTreeMap::new();
        tokens.insert(OFFICER.to_owned(), token()?);
        write_catalog(folder.path(), &ca_file, &inboxes, &mut tokens)?;
        let certificate_file = folder.path().join("gateway.pem");
        let key_file = folder.path().join("gateway.key");
        std::fs::write(&certificate_file, &identity.certificate_pem)?;
        std::fs::write(&key_file, &identity.key_pem)?;
        let settings = settings(folder.path(), tokens.get(OFFICER).map(String::as_str));
        let config_file = folder.path().join("kinbridge.toml");
        std::fs::write(&config_file, settings)?;
        certify_all(&folder.path().join("catalog")).await?;
        let running = app::start(Config::load(Some(&config_file))?).await?;
        let root = reqwest::Certificate::from_pem(authority.certificate_pem().as_bytes())?;
        let client = reqwest::Client::builder().tls_certs_only([root]).build()?;
        Ok(World {
            running,
            inboxes,
            tokens,
            submissions: Vec::new(),
            client,
            folder,
        })
    }

    /// Where the gateway answers.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.running.address.port())
    }

    /// The temporary folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request as this partner.
    pub fn request(&self, verb: reqwest::Method, path: &str, who: &str) -> reqwest::RequestBuilder {
        let token = self.tokens.get(who).map(String::as_str).unwrap_or_default();
        self.client
            .request(verb, format!("{}{path}", self.url()))
            .bearer_auth(token)
    }

    /// The name under which the privacy officer asks.
    pub fn officer(&self) -> &'static str {
        OFFICER
    }

    /// Ends everything.
    pub async fn stop(self) {
        self.running.shutdown().await;
        for inbox in self.inboxes.values() {
            inbox.stop().await;
        }
    }
}

fn token() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("no random numbers"))?;
    Ok(hex(&bytes))
}

/// Writes the partner files with the addresses and token digests of this run.
fn write_catalog(
    folder: &Path,
    ca_file: &Path,
    inboxes: &BTreeMap<String, Receiver>,
    tokens: &mut BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let partners = folder.join("catalog/mappings/partners");
    std::fs::create_dir_all(&partners)?;
    for partner in story::partners() {
        let mut text = story::text(&format!("partners/{partner}.toml"))?;
        let token = token()?;
        let digest = Digest::of(token.as_bytes()).to_hex();
        text = text.replace(&format!("{{token:{partner}}}"), &digest);
        text = text.replace("{ca}", &ca_file.display().to_string());
        for (name, inbox) in inboxes {
            text = text.replace(&format!("{{url:{name}}}"), &inbox.url());
        }
        std::fs::write(partners.join(format!("{partner}.toml")), text)?;
        tokens.insert(partner, token);
    }
    Ok(())
}

/// The demo's partners go live the way real ones do: by the go-live list.
async fn certify_all(catalog: &Path) -> anyhow::Result<()> {
    for partner in story::partners() {
        let (pass, list) = certify(&[catalog.to_path_buf()], &partner).await?;
        let failed: Vec<String> = list
            .into_iter()
            .filter(|tried| !tried.passed)
            .map(|tried| tried.what)
            .collect();
        let pass =
            pass.with_context(|| format!("{partner} did not pass: {}", failed.join("; ")))?;
        write_pass(catalog, &pass)?;
    }
    Ok(())
}

fn settings(folder: &Path, officer_token: Option<&str>) -> String {
    let path = |name: &str| toml::Value::String(folder.join(name).display().to_string());
    let digest = Digest::of(officer_token.unwrap_or_default().as_bytes());
    format!(
        "data_dir = {}\nmaster_key_file = {}\ncatalog = [{}]\n\
         [listen]\naddress = \"127.0.0.1:0\"\nmetrics_address = \"127.0.0.1:0\"\n\
         [tls]\ncertificate_file = {}\nkey_file = {}\n\
         [[operator]]\nid = \"{OFFICER}\"\nroles = [\"privacy_officer\"]\n\
         token_sha256 = \"{digest}\"\n",
        path("data"),
        path("keys/master.key"),
        path("catalog"),
        path("gateway.pem"),
        path("gateway.key"),
    )
}
