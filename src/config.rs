//! Settings: one struct; the commented defaults in the executable, then a file, the environment.
//!
//! The only module that reads the environment. It knows where things are; it must never hold a
//! secret itself (tokens stand here as digests, keys as file names).

use crate::base::digest::Digest;
use crate::base::id::PartnerId;
use crate::base::limits::RECALL_LOOK_BACK;
use crate::catalog::partner::ClientCertificate;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The defaults, commented: the manual of all settings.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// All settings of one gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database and its keys live.
    pub data_dir: PathBuf,
    /// The master key; left out, `master.key` in `data_dir`.
    #[serde(default)]
    pub master_key_file: Option<PathBuf>,
    /// Catalog folders laid over the shipped one, in order.
    pub catalog: Vec<PathBuf>,
    /// Sockets.
    pub listen: Listen,
    /// TLS of the API; without it only loopback is served.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// People and jobs of the county.
    #[serde(default)]
    pub operator: Vec<Operator>,
    /// What is bounded.
    pub limits: Limits,
    /// How the gateway sends.
    #[serde(default)]
    pub deliver: Deliver,
    /// Logs.
    pub log: Log,
}

/// How the gateway sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// The gateway's own certificate and key, one PEM file, shown to recipients that ask.
    #[serde(default)]
    pub identity_file: Option<PathBuf>,
    /// What was sent longer ago is not recalled, days; left out, a year.
    #[serde(default)]
    pub recall_look_back_days: Option<u32>,
}

impl Deliver {
    /// How far back what was sent is looked at again.
    pub fn recall_look_back(&self) -> Duration {
        let days = self.recall_look_back_days;
        let set = days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
        set.unwrap_or(RECALL_LOOK_BACK)
    }
}

/// Where the gateway listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The API.
    pub address: SocketAddr,
    /// Metrics, loopback.
    pub metrics_address: SocketAddr,
    /// Threads that serve requests; 0 is one for each processor.
    pub workers: usize,
    /// Connections open at once, over all threads.
    pub connections_max: usize,
    /// HL7 v2 over MLLP; left out, nobody listens for it.
    #[serde(default)]
    pub mllp_address: Option<SocketAddr>,
    /// Who speaks there without TLS.
    #[serde(default)]
    pub mllp_partner: Option<PartnerId>,
}

/// TLS material, PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Chain, the server's own certificate first.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Authorities that issue client certificates directly.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Configures partners and mappings, watches traffic.
    Integrator,
    /// Owns the rules and the accounting.
    PrivacyOfficer,
    /// Reads proofs and accounting, changes nothing.
    Auditor,
}

impl Role {
    /// The word used in settings and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Integrator => "integrator",
            Role::PrivacyOfficer => "privacy_officer",
            Role::Auditor => "auditor",
        }
    }
}

/// A person or job of the county.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Shown in the ledger with every action.
    pub id: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// SHA-256 of a bearer token, hexadecimal.
    #[serde(default)]
    pub token_sha256: Option<String>,
    /// A client certificate.
    #[serde(default)]
    pub mtls: Option<ClientCertificate>,
    /// The last day it is accepted.
    #[serde(default)]
    pub expires: Option<toml::value::Datetime>,
    /// A privacy officer who is told first of what goes in an emergency.
    #[serde(default)]
    pub on_call: bool,
}

/// What is bounded and may be set; the rest stands in `base::limits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Submissions between head and answer at once; half of them for one partner.
    pub in_flight_max: usize,
    /// Batches being received at once.
    pub batches_max: usize,
    /// For a request's head, milliseconds.
    pub head_timeout_ms: u64,
    /// Before the minimum rate is asked, milliseconds.
    pub body_grace_ms: u64,
    /// Bytes per second, of senders and of readers.
    pub body_rate_min: u64,
    /// Of one partner.
    pub partner_requests_per_second: u32,
    /// Of one partner at once after a pause.
    pub partner_burst: u32,
    /// Requests an hour one partner may make at the emergency door.
    pub partner_emergencies_per_hour: u32,
    /// What a graceful stop waits, milliseconds.
    pub stop_grace_ms: u64,
    /// What the database may grow to, MiB; left out, what the disk holds.
    #[serde(default)]
    pub database_mib_max: Option<u64>,
}

impl Limits {
    /// Before the minimum rate is asked.
    pub fn body_grace(&self) -> Duration {
        Duration::from_millis(self.body_grace_ms)
    }

    /// What a graceful stop waits for work in flight.
    pub fn stop_grace(&self) -> Duration {
        Duration::from_millis(self.stop_grace_ms)
    }
}

/// Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `info`, `info,kinbridge::web=debug`.
    pub filter: String,
}

/// Settings that cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown or of the wrong type; names the key and where it came from.
    #[error("{0}")]
    Read(String),
    /// A value makes no sense.
    #[error("setting `{key}`: {reason}")]
    Wrong {
        /// Dotted key.
        key: String,
        /// Why, and what to do.
        reason: &'static str,
    },
}

impl Config {
    /// Defaults, then the file, then the environment; checked.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(path) = file {
            if !path.is_file() {
                return Err(ConfigError::Read(format!(
                    "{}: no such file",
                    path.display()
                )));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        Config::extract(&figment.merge(Env::prefixed("KINBRIDGE_").split("__")))
    }

    /// Defaults with a data folder and free ports on loopback: for the demo and for tests.
    pub fn on_loopback(data_dir: &Path) -> Result<Config, ConfigError> {
        let mut config = Config::extract(&Figment::from(Toml::string(DEFAULTS)))?;
        config.data_dir = data_dir.to_path_buf();
        config.listen.address.set_port(0);
        config.listen.metrics_address.set_port(0);
        Ok(config)
    }

    fn extract(figment: &Figment) -> Result<Config, ConfigError> {
        let config: Config = figment
            .extract()
            .map_err(|error| ConfigError::Read(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Where the master key is, set or by default.
    pub fn master_key_file(&self) -> PathBuf {
        self.master_key_file
            .clone()
            .unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// The embedded database's file.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("kinbridge.db")
    }

    /// Whether key and database lie in one folder.
    pub fn key_beside_database(&self) -> bool {
        self.master_key_file().parent() == self.database_file().parent()
    }

    /// Whoever speaks over MLLP shows a certificate, or is on this machine and named here.
    fn check_mllp(&self) -> Result<(), ConfigError> {
        let Some(address) = self.listen.mllp_address else {
            return match self.listen.mllp_partner {
                None => Ok(()),
                Some(_) => wrong("listen.mllp_partner", "means nothing without mllp_address"),
            };
        };
        match (&self.tls, &self.listen.mllp_partner) {
            (Some(tls), _) if tls.client_ca_file.is_none() => wrong(
                "listen.mllp_address",
                "senders are known by client certificates; add client_ca_file to [tls]",
            ),
            (Some(_), Some(_)) => wrong(
                "listen.mllp_partner",
                "with [tls] a client certificate says who speaks; leave it out",
            ),
            (None, _) if !address.ip().is_loopback() => wrong(
                "listen.mllp_address",
                "only loopback is served without [tls]; add it",
            ),
            (None, None) => wrong(
                "listen.mllp_partner",
                "without [tls] nobody shows who they are; name the partner that speaks there",
            ),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.tls.is_none() && !self.listen.address.ip().is_loopback() {
            return wrong(
                "listen.address",
                "only loopback is served without [tls]; add it",
            );
        }
        self.check_mllp()?;
        if !self.listen.metrics_address.ip().is_loopback() {
            return wrong("listen.metrics_address", "must be a loopback address");
        }
        if self.limits.in_flight_max == 0 || self.limits.body_rate_min == 0 {
            return wrong(
                "limits",
                "in_flight_max and body_rate_min must be above zero",
            );
        }
        if self.limits.partner_requests_per_second == 0 || self.limits.partner_burst == 0 {
            return wrong(
                "limits",
                "partner_requests_per_second and partner_burst: above zero",
            );
        }
        self.operator.iter().try_for_each(check_operator)
    }
}

fn check_operator(operator: &Operator) -> Result<(), ConfigError> {
    let key = format!("operator {}", operator.id);
    if operator.roles.is_empty() {
        return wrong(&key, "give it at least one role");
    }
    if operator.on_call && !operator.roles.contains(&Role::PrivacyOfficer) {
        return wrong(
            &key,
            "who is on call is a privacy officer: give it that role",
        );
    }
    if operator.token_sha256.is_none() && operator.mtls.is_none() {
        return wrong(
            &key,
            "give it token_sha256 or mtls, or it can never sign in",
        );
    }
    let digests = operator
        .token_sha256
        .iter()
        .chain(operator.mtls.iter().map(|mtls| &mtls.issuer_sha256));
    for text in digests {
        if Digest::from_hex(text).is_none() {
            return wrong(&key, "a SHA-256 is 64 hexadecimal characters");
        }
    }
    Ok(())
}

fn wrong(key: &str, reason: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError::Wrong {
        key: key.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Config, ConfigError> {
        Config::extract(&Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml)))
    }

    #[test]
    fn the_defaults_file_is_complete_and_serves() {
        // Goal: the manual is the default. Method: read it alone.
        let config = read("").expect("defaults");
        assert!(config.listen.address.ip().is_loopback());
        assert!(config.key_beside_database());
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        // Goal: a typing error never passes silently. Method: one unknown key at each level.
        for toml in ["data_dri = \"x\"", "[listen]\naddres = \"127.0.0.1:1\""] {
            let error = read(toml).expect_err("unknown key").to_string();
            assert!(error.contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn plain_http_is_refused_beyond_loopback() {
        // Goal: records never travel in clear. Method: a public address without [tls].
        let error = read("[listen]\naddress = \"0.0.0.0:8443\"").expect_err("public");
        assert!(error.to_string().contains("listen.address"));
    }

    #[test]
    fn an_operator_needs_a_role_and_a_way_in() {
        // Goal: no operator that can never sign in, none without a role. Method: one of each.
        for toml in [
            "[[operator]]\nid = \"a\"\nroles = []\ntoken_sha256 = \"00\"",
            "[[operator]]\nid = \"a\"\nroles = [\"auditor\"]",
            "[[operator]]\nid = \"a\"\nroles = [\"auditor\"]\ntoken_sha256 = \"00\"",
        ] {
            assert!(
                matches!(read(toml), Err(ConfigError::Wrong { .. })),
                "{toml}"
            );
        }
    }
}
