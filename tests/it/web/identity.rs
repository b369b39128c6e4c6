//! TLS: who a client certificate shows.

use super::harness::{Gateway, install_provider, overlay};
use kinbridge::config::Tls;
use kinbridge::web::certificates::{Authority, Identity};
use std::io::Read as _;

/// A gateway over TLS that accepts certificates of two authorities; alpha's is of the first.
struct Secured {
    gateway: Gateway,
    server_ca: Authority,
    first: Authority,
    second: Authority,
    files: tempfile::TempDir,
}

impl Secured {
    async fn start() -> Secured {
        install_provider();
        let files = tempfile::tempdir().expect("folder");
        let server_ca = Authority::new("Test server authority").expect("authority");
        // Two authorities of one name: the certificate must tell them apart, not the name.
        let first = Authority::new("Test client authority").expect("authority");
        let second = Authority::new("Test client authority").expect("authority");
        let server = server_ca
            .issue(&["localhost", "127.0.0.1"])
            .expect("server");
        let write = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let clients = format!("{}{}", first.certificate_pem(), second.certificate_pem());
        let tls = Tls {
            certificate_file: write("server.pem", &server.certificate_pem),
            key_file: write("server.key", &server.key_pem),
            client_ca_file: Some(write("clients.pem", &clients)),
        };
        let mtls = format!(
            "mtls = {{ issuer_sha256 = \"{}\", san = \"gateway.alpha.example\" }}\n",
            first.sha256()
        );
        let partners = [("alpha", mtls.as_str()), ("beta", "")];
        let gateway =
            Gateway::start_with_partners(&partners, |config| config.tls = Some(tls)).await;
        Secured {
            gateway,
            server_ca,
            first,
            second,
            files,
        }
    }

    /// A client that knows the server's authority alone.
    fn trusting(&self) -> reqwest::ClientBuilder {
        let ca = self.server_ca.certificate_pem();
        let ca = reqwest::Certificate::from_pem(ca.as_bytes()).expect("ca");
        reqwest::Client::builder()
            .tls_certs_only([ca])
            .tls_info(true)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.files.path().join(name), text).expect("written");
    }

    /// The certificate the server shows this client; over a connection kept open, the first one.
    async fn shown(&self, client: &reqwest::Client) -> Vec<u8> {
        let port = self.gateway.running.address.port();
        let ask = client.get(format!("https://localhost:{port}/healthz"));
        let answer = ask.send().await.expect("answer");
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let shown = info.and_then(|info| info.peer_certificate().map(<[u8]>::to_vec));
        assert!(answer.bytes().await.is_ok());
        shown.expect("a certificate")
    }

    /// What a client that connects now is shown.
    async fn shown_now(&self) -> Vec<u8> {
        let client = self.trusting().build().expect("client");
        self.shown(&client).await
    }

    /// Asks for a submission nobody has: 404 for a known caller, 401 for an unknown one.
    async fn ask(&self, identity: Option<&Identity>, token: Option<&str>) -> Option<u16> {
        let mut builder = self.trusting();
        if let Some(identity) = identity {
            let pem = format!("{}{}", identity.key_pem, identity.certificate_pem);
            let identity = reqwest::Identity::from_pem(pem.as_bytes()).expect("identity");
            builder = builder.identity(identity);
        }
        let port = self.gateway.running.address.port();
        let url = format!("https://localhost:{port}/v1/submissions/sub_x/records");
        let mut request = builder.build().expect("client").get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Some(request.send().await.ok()?.status().as_u16())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_known_by_issuer_and_name_together() {
    // Goal: no certificate speaks for another's holder. Method: the right one, the right name of
    // another accepted authority of the same name, another name, one of an authority not accepted.
    let site = Secured::start().await;
    let name = ["gateway.alpha.example"];
    let right = site.first.issue(&name).expect("issued");
    let other_issuer = site.second.issue(&name).expect("issued");
    let other_name = site.first.issue(&["gateway.beta.example"]).expect("issued");
    let foreign = site.server_ca.issue(&name).expect("issued");
    assert_eq!(site.ask(Some(&right), None).await, Some(404));
    assert_eq!(site.ask(Some(&other_issuer), None).await, Some(401));
    assert_eq!(site.ask(Some(&other_name), None).await, Some(401));
    assert_eq!(site.ask(Some(&foreign), None).await, None, "no handshake");
    site.gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_without_a_certificate_and_decides_alone() {
    // Goal: the two ways in do not mix. Method: tokens right and wrong, with and without a
    // certificate.
    let site = Secured::start().await;
    let right = site
        .first
        .issue(&["gateway.alpha.example"])
        .expect("issued");
    assert_eq!(site.ask(None, None).await, Some(401));
    assert_eq!(site.ask(None, Some("token-beta")).await, Some(404));
    assert_eq!(site.ask(None, Some("wrong")).await, Some(401));
    assert_eq!(site.ask(Some(&right), Some("wrong")).await, Some(401));
    site.gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_are_taken_over_by_a_reload_and_bad_ones_are_not() {
    // Goal: a certificate is renewed without a stop, and never by a broken file. Method: a second
    // certificate in place of the first; a connection kept open goes on, a new one shows the
    // second; then a key of another certificate, half a file and none: told, without effect.
    let site = Secured::start().await;
    let kept = site.trusting().build().expect("client");
    let first = site.shown(&kept).await;
    let second = site.server_ca.issue(&["localhost"]).expect("issued");
    site.put("server.pem", &second.certificate_pem);
    site.put("server.key", &second.key_pem);
    assert_eq!(site.shown_now().await, first, "nothing before the reload");
    site.gateway.running.reload().await.expect("reloaded");
    let renewed = second.chain()[0].to_vec();
    assert_eq!(site.shown_now().await, renewed);
    assert_eq!(site.shown(&kept).await, first, "its connection stands");
    let other = site.server_ca.issue(&["localhost"]).expect("issued");
    let half = &second.certificate_pem[..second.certificate_pem.len() / 2];
    for (name, text) in [
        ("server.key", other.key_pem.as_str()),
        ("server.pem", half),
        ("server.pem", ""),
        ("clients.pem", "no certificate"),
    ] {
        let whole = std::fs::read_to_string(site.files.path().join(name)).expect("read");
        site.put(name, text);
        let defects = site.gateway.running.reload().await.expect_err("refused");
        let codes: Vec<&str> = defects.iter().map(|defect| defect.code).collect();
        assert_eq!(codes, ["tls-unusable"], "{name}");
        let told = defects[0].to_string();
        assert!(
            !told.contains("PRIVATE") && told.contains("stays"),
            "{told}"
        );
        assert_eq!(site.shown_now().await, renewed, "{name}");
        site.put(name, &whole);
    }
    site.gateway.running.reload().await.expect("whole again");
    site.gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_goes_by_what_each_file_is_worth() {
    // Goal: a partner file that is no good keeps no certificate from being renewed, and the other
    // way round. Method: one broken of each kind in turn.
    let site = Secured::start().await;
    let second = site.server_ca.issue(&["localhost"]).expect("issued");
    site.put("server.pem", &second.certificate_pem);
    site.put("server.key", &second.key_pem);
    let gamma = site
        .gateway
        .folder()
        .join("catalog/mappings/partners/gamma.toml");
    std::fs::write(&gamma, "id = 3").expect("written");
    let defects = site.gateway.running.reload().await.expect_err("refused");
    assert!(defects.iter().all(|defect| defect.code != "tls-unusable"));
    assert_eq!(site.shown_now().await, second.chain()[0].to_vec());
    let before = site.gateway.running.gateway.rules.load().digest.clone();
    overlay(site.gateway.folder(), &[("gamma", "")]);
    site.put("server.key", "");
    let defects = site.gateway.running.reload().await.expect_err("refused");
    assert_eq!(defects.len(), 1, "{defects:?}");
    let after = site.gateway.running.gateway.rules.load().digest.clone();
    assert_ne!(before, after, "the partner is there");
    assert_eq!(site.ask(None, Some("token-gamma")).await, Some(404));
    site.gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_never_begin_keep_nobody_waiting() {
    // Goal: connections without a handshake take no place among those that have one. Method: more
    // of them than any one thread takes handshakes at once; a request is answered while all of them
    // are still open.
    let site = Secured::start().await;
    let address = site.gateway.running.address;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let line = std::net::TcpStream::connect(address).expect("open");
        line.set_nonblocking(true).expect("set");
        idle.push(line);
    }
    assert_eq!(site.ask(None, Some("token-beta")).await, Some(404));
    let mut byte = [0_u8; 1];
    for line in &mut idle {
        let open = line.read(&mut byte).expect_err("still open");
        assert_eq!(open.kind(), std::io::ErrorKind::WouldBlock);
    }
    site.gateway.running.shutdown().await;
}
