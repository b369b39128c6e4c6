//! A gateway for one test, and clients for it.

use kinbridge::app::{self, Running};
use kinbridge::base::clock::SystemClock;
use kinbridge::base::digest::Digest;
use kinbridge::catalog;
use kinbridge::config::{Config, Operator, Role};
use kinbridge::rules::Rules;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A gateway with two test partners and three operators; tokens are `token-<id>`.
pub struct Gateway {
    pub running: Running,
    pub folder: tempfile::TempDir,
}

/// What makes a partner one that may send contacts.
pub const SENDER: &str = r#"
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]

[[channel]]
name = "pull"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
purpose = "care_coordination"

[[agreement]]
id = "1"
kind = "contract_10850"

[[agreement]]
id = "2"
kind = "baa"

[[agreement]]
id = "3"
kind = "qsoa"
"#;

/// The file of a partner: a program in the test lane unless `more` begins with another role and
/// mode.
pub fn partner(id: &str, more: &str) -> String {
    let token = Digest::of(format!("token-{id}").as_bytes());
    let what = match more.starts_with("role") {
        true => "",
        false => "role = \"ppp\"\nmode = \"test\"\nasserts = [\"mandated_report\"]\n",
    };
    let (what, more) = match more.split_once("\n\n") {
        Some((first, rest)) if what.is_empty() => (first, rest),
        _ => (what, more),
    };
    format!(
        "id = \"{id}\"\nname = \"Test partner {id}\"\n{what}\n\
         [[credential]]\ntoken_sha256 = \"{token}\"\n{more}"
    )
}

/// Writes a catalog folder to lay over the shipped one.
pub fn overlay(folder: &Path, partners: &[(&str, &str)]) -> PathBuf {
    let top = folder.join("catalog");
    let files = top.join("mappings/partners");
    std::fs::create_dir_all(&files).expect("folder");
    for (id, more) in partners {
        std::fs::write(files.join(format!("{id}.toml")), partner(id, more)).expect("written");
    }
    top
}

pub fn operator(role: Role) -> Operator {
    Operator {
        id: role.as_str().to_owned(),
        roles: vec![role],
        token_sha256: Some(Digest::of(format!("token-{}", role.as_str()).as_bytes()).to_hex()),
        mtls: None,
        expires: None,
        on_call: false,
    }
}

pub fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = Config::on_loopback(folder.path()).expect("settings");
    config.listen.workers = 1;
    config.operator = [Role::Integrator, Role::PrivacyOfficer, Role::Auditor]
        .map(operator)
        .to_vec();
    config
}

impl Gateway {
    pub async fn start() -> Gateway {
        Gateway::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Gateway {
        Gateway::start_with_partners(&[("alpha", SENDER), ("beta", SENDER)], change).await
    }

    pub async fn start_with_partners(
        partners: &[(&str, &str)],
        change: impl FnOnce(&mut Config),
    ) -> Gateway {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = config(&folder);
        change(&mut config);
        config.catalog.push(overlay(folder.path(), partners));
        let (sources, mut defects) = catalog::load(&config.catalog);
        let (rules, more) = Rules::from_sources(sources);
        defects.extend(more);
        // Live partners of these tests never went through the go-live list; all else must hold.
        defects.retain(|defect| defect.code != "partner-not-certified");
        assert!(defects.is_empty(), "{defects:?}");
        let started = app::start_with(config, Arc::new(rules), Arc::new(SystemClock)).await;
        let running = started.expect("started");
        Gateway { running, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// A question of somebody's, to be filled in and sent.
    pub fn request(&self, who: &str, verb: &str, path: &str) -> reqwest::RequestBuilder {
        let verb = verb.parse().expect("a method");
        let ask = client().request(verb, self.url(path));
        ask.bearer_auth(format!("token-{who}"))
    }

    /// Asks as somebody who says why they look, with a body unless it is null; the answer's body.
    pub async fn ask(&self, who: &str, verb: &str, path: &str, body: Value) -> (u16, Value) {
        let ask = self.request(who, verb, path);
        let ask = ask.header("Kinbridge-Reason", "the family asks");
        let ask = match body.is_null() {
            true => ask,
            false => ask.json(&body),
        };
        let answer = ask.send().await.expect("answer");
        (answer.status().as_u16(), answer.json().await.expect("json"))
    }

    /// What alpha is told of a paper it lodged.
    pub async fn paper(&self, id: &str) -> Value {
        let path = format!("/v1/consents/{}", id.replace('#', "%23"));
        self.ask("alpha", "GET", &path, Value::Null).await.1
    }
}

/// How often something is looked at that is still under way, where a look asks the gateway or its
/// store: minutes of it.
pub const LOOKS_MAX: usize = 200_000;

/// Looks until a check finds what it looks for. What it tells instead is the state it saw: after so
/// many rounds the last one is told, and the test fails.
pub async fn until<T, S: std::fmt::Debug>(
    what: &str,
    rounds: usize,
    mut check: impl AsyncFnMut() -> Result<T, S>,
) -> T {
    let mut last = None;
    for _ in 0..rounds {
        match check().await {
            Ok(found) => return found,
            Err(state) => last = Some(state),
        }
        tokio::task::yield_now().await;
    }
    panic!("{what}: not after {rounds} looks; last seen: {last:?}");
}

pub fn client() -> reqwest::Client {
    install_provider();
    reqwest::Client::new()
}

/// TLS of clients in tests goes through the same provider as the server's.
pub fn install_provider() {
    // A second call finds it installed; either way it is the one wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Sends bytes as they are and reads the head of the answer, leaving the connection open.
pub fn raw_head(gateway: &Gateway, request: &str) -> String {
    let mut line = TcpStream::connect(gateway.running.address).expect("connect");
    line.write_all(request.as_bytes()).expect("sent");
    read_head(&mut line)
}

/// Reads up to the empty line.
pub fn read_head(line: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") && line.read(&mut byte).expect("read") == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}
