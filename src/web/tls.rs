//! TLS of the API: the server's certificate, and who a client certificate shows.
//!
//! The files are read at the start and at every reload; connections keep what they began with.
//! A client is known by (issuing certificate, subject alternative name). The issuer is the
//! authority whose key signed the client's certificate *directly*; each authority is tried alone,
//! so that one can never speak for another of the same name. It must never read a name from a
//! certificate TLS has not verified.

use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::base::digest::Digest;
use crate::config::Tls;
use actix_tls::accept::rustls_0_23::Acceptor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// What a verified client certificate says.
#[derive(Clone, Debug)]
pub struct Peer {
    /// SHA-256 of the issuing certificate.
    pub issuer: Digest,
    /// DNS and URI names, lower case.
    pub names: Vec<String>,
    /// The end of its validity.
    pub not_after: Timestamp,
}

/// TLS files that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or not PEM.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// Key and certificate do not fit, or an authority is not one.
    #[error("TLS settings: {0}")]
    Settings(String),
}

struct Anchor {
    sha256: Digest,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// The authorities that issue client certificates.
#[derive(Clone, Default)]
pub struct Authorities(Arc<Vec<Anchor>>);

/// TLS as new connections begin it.
pub struct Secured {
    /// Takes connections in.
    pub acceptor: Acceptor,
    /// The same for what listens beside HTTP.
    pub beside_http: TlsAcceptor,
    /// Whose client certificates show somebody.
    pub authorities: Authorities,
}

impl Secured {
    /// From the files the settings name, as they are now.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn load(tls: &Tls) -> Result<Secured, TlsError> {
        let (config, authorities) = server_side(tls)?;
        Ok(Secured {
            beside_http: TlsAcceptor::from(Arc::new(config.clone())),
            acceptor: Acceptor::new(config),
            authorities,
        })
    }
}

impl TlsError {
    /// As what a reload that leaves the old files in force tells.
    pub fn into_defect(self) -> Defect {
        let (file, message) = match self {
            TlsError::File { file, reason } => (file, reason),
            TlsError::Settings(reason) => (String::from("[tls] of the settings"), reason),
        };
        Defect {
            file,
            line: 0,
            column: 0,
            code: "tls-unusable",
            message: format!("{message}; the certificate loaded before stays in use"),
            help: String::from("put certificate and key in place, then reload again"),
        }
    }
}

/// The server side of TLS and the authorities it asks client certificates of.
pub fn server_side(tls: &Tls) -> Result<(ServerConfig, Authorities), TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = certificates(&tls.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file)
        .map_err(|error| file(&tls.key_file, error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(settings)?;
    let (builder, authorities) = match &tls.client_ca_file {
        None => (builder.with_no_client_auth(), Authorities::default()),
        Some(path) => {
            let roots = certificates(path)?;
            let verifier = verifier(&roots, &provider)?;
            let anchors = roots.iter().map(|root| {
                Ok(Anchor {
                    sha256: Digest::of(root),
                    verifier: self::verifier(std::slice::from_ref(root), &provider)?,
                })
            });
            let anchors = anchors.collect::<Result<Vec<_>, TlsError>>()?;
            let builder = builder.with_client_cert_verifier(verifier);
            (builder, Authorities(Arc::new(anchors)))
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(settings)?;
    Ok((config, authorities))
}

/// The certificates of a PEM file; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(path, error.to_string()))?;
    if read.is_empty() {
        return Err(file(path, String::from("holds no certificate")));
    }
    Ok(read)
}

/// The end of a certificate's validity.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let secs = certificate.validity().not_after.timestamp();
    Some(Timestamp(secs.saturating_mul(1_000_000)))
}

impl Authorities {
    /// Who the certificate of a finished handshake shows; `None` for names or issuers not ours.
    pub fn identify(&self, leaf: &CertificateDer<'_>, now: Timestamp) -> Option<Peer> {
        let secs = u64::try_from(now.0 / 1_000_000).ok()?;
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
        let issuer = self
            .0
            .iter()
            .find(|anchor| anchor.verifier.verify_client_cert(leaf, &[], at).is_ok())?;
        Some(Peer {
            issuer: issuer.sha256,
            names: names(leaf)?,
            not_after: not_after(leaf)?,
        })
    }
}

fn names(der: &[u8]) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let extension = certificate.subject_alternative_name().ok()??;
    let names = extension.value.general_names.iter();
    Some(
        names
            .filter_map(|name| match name {
                GeneralName::DNSName(text) | GeneralName::URI(text) => Some(text.to_lowercase()),
                _ => None,
            })
            .collect(),
    )
}

fn verifier(
    roots: &[CertificateDer<'static>],
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(settings)?;
    }
    // A partner without a certificate may still hold a bearer token.
    WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsError::Settings(error.to_string()))
}

fn settings(error: rustls::Error) -> TlsError {
    TlsError::Settings(error.to_string())
}

fn file(path: &Path, reason: String) -> TlsError {
    TlsError::File {
        file: path.display().to_string(),
        reason,
    }
}
