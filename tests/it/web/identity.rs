//! TLS: who a client certificate shows.

use super::harness::{Gateway, install_provider};
use kinbridge::config::Tls;
use kinbridge::web::certificates::{Authority, Identity};

/// A gateway over TLS that accepts certificates of two authorities; alpha's is of the first.
struct Secured {
    gateway: Gateway,
    server_ca: Authority,
    first: Authority,
    second: Authority,
    _files: tempfile::TempDir,
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
            _files: files,
        }
    }

    /// Asks for a submission nobody has: 404 for a known caller, 401 for an unknown one.
    async fn ask(&self, identity: Option<&Identity>, token: Option<&str>) -> Option<u16> {
        let ca = self.server_ca.certificate_pem();
        let ca = reqwest::Certificate::from_pem(ca.as_bytes()).expect("ca");
        let mut builder = reqwest::Client::builder().tls_certs_only([ca]);
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
