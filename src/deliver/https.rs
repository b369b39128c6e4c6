//! HTTPS out: one POST per attempt, to public addresses unless the partner file says otherwise.
//!
//! No redirect is followed, no proxy used, nothing retried here, no answer kept. A recipient's
//! name is resolved once per connection and the address checked before it is dialled. Files of
//! authorities are read once for each set of rules: a reload has them read again.

use super::transport::{Parcel, Reply, Replying, Transport};
use crate::base::limits::{ANSWER_BYTES_MAX, ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, DESTINATIONS_MAX};
use crate::base::sensitive::Reason;
use crate::catalog::partner::Https;
use crate::outbox::Answer;
use crate::rules::Rules;
use arc_swap::ArcSwap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Identity, Response, Url, header};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The way out over HTTPS; keeps one client per destination settings.
pub struct HttpsTransport {
    identity: Option<Identity>,
    /// The rules in force, where a reload swaps them.
    rules: Option<Arc<ArcSwap<Rules>>>,
    clients: Mutex<Clients>,
}

/// Clients made under one set of rules, by the authorities they trust and where they may connect.
#[derive(Default)]
struct Clients {
    /// Held, so that no later rules can stand at the same address.
    under: Weak<Rules>,
    made: HashMap<(Option<String>, bool), Client>,
}

impl HttpsTransport {
    /// A transport; `identity_pem` is the gateway's own certificate and key, shown when asked.
    pub fn new(identity_pem: Option<&[u8]>) -> Result<HttpsTransport, reqwest::Error> {
        // Another part of the process may have installed a provider first: either is ours.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(HttpsTransport {
            identity: identity_pem.map(Identity::from_pem).transpose()?,
            rules: None,
            clients: Mutex::default(),
        })
    }

    /// The same, reading files of authorities again whenever the rules are loaded anew.
    #[must_use]
    pub fn following(mut self, rules: Arc<ArcSwap<Rules>>) -> HttpsTransport {
        self.rules = Some(rules);
        self
    }

    fn client(&self, to: &Https) -> Result<Client, &'static str> {
        let key = (to.ca_file.clone(), to.private_network);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = &self.rules {
            let now = rules.load();
            if clients.under.as_ptr() != Arc::as_ptr(&now) {
                clients.under = Arc::downgrade(&now);
                clients.made.clear();
            }
        }
        if let Some(client) = clients.made.get(&key) {
            return Ok(client.clone());
        }
        if clients.made.len() >= DESTINATIONS_MAX {
            clients.made.clear();
        }
        let client = build(to, self.identity.clone())?;
        clients.made.insert(key, client.clone());
        Ok(client)
    }
}

fn build(to: &Https, identity: Option<Identity>) -> Result<Client, &'static str> {
    let mut builder = Client::builder()
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ATTEMPT_TIMEOUT)
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(GuardedResolver {
            private_network: to.private_network,
        }));
    if let Some(path) = &to.ca_file {
        let pem = std::fs::read(path).map_err(|_| "authority-file-unreadable")?;
        let authority = Certificate::from_pem(&pem).map_err(|_| "authority-file-invalid")?;
        builder = builder.tls_certs_only([authority]);
    }
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().map_err(|_| "client-not-built")
}

impl Transport for HttpsTransport {
    fn send(&self, parcel: Parcel) -> Replying {
        let prepared = destination(parcel.destination())
            .and_then(|url| Ok((url, self.client(parcel.destination())?)));
        Box::pin(async move {
            match prepared {
                Ok((url, client)) => attempt(client, url, parcel).await,
                Err(word) => Reply::broken(Answer::NotTaken, word),
            }
        })
    }
}

/// The URL, refused when it names a forbidden address outright.
fn destination(to: &Https) -> Result<Url, &'static str> {
    let url = Url::parse(&to.url).map_err(|_| "url-invalid")?;
    let host = url.host_str().ok_or("url-invalid")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) if !to.private_network && !is_public(address) => Err("address-refused"),
        _ => Ok(url),
    }
}

/// Says that a body is no record.
const EVENT: &str = "Kinbridge-Event";

async fn attempt(client: Client, url: Url, parcel: Parcel) -> Reply {
    let mut request = client
        .post(url)
        .header(header::CONTENT_TYPE, parcel.outgoing().media_type())
        .header("Idempotency-Key", parcel.delivery_id().to_string())
        .header("Kinbridge-Correlation", parcel.correlation_id().as_str())
        .header("Kinbridge-Obligations", parcel.outgoing().told().words())
        .header("traceparent", traceparent(&parcel));
    if parcel.outgoing().is_recall() {
        request = request.header(EVENT, "recall");
    }
    let outgoing = parcel.into_outgoing();
    let request = request.body(outgoing.into_bytes().into_exposed(Reason::Send));
    match request.send().await {
        Ok(response) => settle(response).await,
        Err(error) if error.is_connect() => {
            let word = untrusted(&error).unwrap_or("not-connected");
            Reply::broken(Answer::NotTaken, word)
        }
        Err(error) if error.is_builder() => Reply::broken(Answer::NotTaken, "request-invalid"),
        Err(error) if error.is_timeout() => Reply::broken(Answer::Unsure, "timeout"),
        Err(_) => Reply::broken(Answer::Unsure, "connection-broken"),
    }
}

/// What was wrong in securing the connection, when that is why there is none.
fn untrusted(error: &reqwest::Error) -> Option<&'static str> {
    let mut next = std::error::Error::source(error);
    while let Some(one) = next {
        if let Some(tls) = of_tls(one) {
            return Some(tls_word(tls));
        }
        next = one.source();
    }
    None
}

/// The error of TLS, also inside one of input and output, which does not name it as its cause.
fn of_tls<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    of_tls(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

/// A transport word for it: which authority or name it was is nobody's to read here.
fn tls_word(error: &rustls::Error) -> &'static str {
    use rustls::{CertificateError as Bad, Error};
    match error {
        Error::InvalidCertificate(Bad::UnknownIssuer) => "tls-issuer-unknown",
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "tls-certificate-expired"
        }
        Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "tls-certificate-not-valid-yet"
        }
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "tls-certificate-of-another-name"
        }
        Error::InvalidCertificate(_) => "tls-certificate-refused",
        _ => "tls-failed",
    }
}

/// Reads a bounded part of the body so that the connection can be used again, and drops it.
async fn settle(mut response: Response) -> Reply {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let mut read = 0_usize;
    while let Ok(Some(chunk)) = response.chunk().await {
        read = read.saturating_add(chunk.len());
        if read > ANSWER_BYTES_MAX {
            break;
        }
    }
    Reply::of_status(status, retry_after)
}

/// W3C trace context derived from correlation and delivery, the same on every attempt.
fn traceparent(parcel: &Parcel) -> String {
    use crate::base::digest::{Digest, hex};
    let trace = Digest::of(parcel.correlation_id().as_str().as_bytes()).half();
    let span = Digest::of(&parcel.delivery_id().0).half();
    let span = span.get(..8).unwrap_or_default();
    format!("00-{}-{}-01", hex(&trace), hex(span))
}

/// Resolves by the system and drops addresses a partner has no business naming.
struct GuardedResolver {
    private_network: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_network = self.private_network;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found
                .filter(|address| private_network || is_public(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err("no permitted address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is reachable by anybody: not loopback, private, link-local or reserved.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public(IpAddr::V4(v4));
    }
    let [first, second, ..] = v6.segments();
    // Only global unicast, without documentation, 6to4, Teredo and NAT64 ranges.
    (first & 0xE000) == 0x2000
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0DB8))
        && first != 0x2002
}

#[cfg(test)]
mod tests {
    //! Goal: a partner file cannot make the gateway talk to the inside of its own network.
    use super::*;

    #[test]
    fn inner_addresses_are_not_public() {
        let inner = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ];
        for text in inner {
            let address: IpAddr = text.parse().expect("an address");
            assert!(!is_public(address), "{text}");
        }
        for text in ["8.8.8.8", "2606:4700::1111"] {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn a_literal_inner_address_is_refused_unless_allowed() {
        let mut to = Https {
            url: "https://127.0.0.1:8443/inbox".into(),
            in_flight_max: 1,
            retry_secs: vec![30],
            give_up_days: 1,
            ca_file: None,
            private_network: false,
        };
        assert_eq!(destination(&to).err(), Some("address-refused"));
        to.private_network = true;
        assert!(destination(&to).is_ok());
        to.private_network = false;
        to.url = "https://[::1]/".into();
        assert_eq!(destination(&to).err(), Some("address-refused"));
    }
}
