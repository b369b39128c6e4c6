//! TLS: who a client certificate shows.

use super::harness::{Gateway, install_provider};
use kinbridge::config::Tls;
use kinbridge::web::certificates::Authority;

#[tokio::test(flavor = "multi_thread")]
async fn tls_serves_with_and_without_a_client_certificate() {
    // Goal: a token holder needs no certificate; a foreign certificate does not get in. Method:
    // three clients: none, one of the accepted authority, one of another.
    install_provider();
    let files = tempfile::tempdir().expect("folder");
    let server_ca = Authority::new("Test server authority").expect("authority");
    let client_ca = Authority::new("Test client authority").expect("authority");
    let server = server_ca
        .issue(&["localhost", "127.0.0.1"])
        .expect("server");
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let tls = Tls {
        certificate_file: write("server.pem", &server.certificate_pem),
        key_file: write("server.key", &server.key_pem),
        client_ca_file: Some(write("clients.pem", &client_ca.certificate_pem())),
    };
    let gateway = Gateway::start_with(|config| config.tls = Some(tls)).await;
    let url = format!(
        "https://localhost:{}/healthz",
        gateway.running.address.port()
    );
    let ca = reqwest::Certificate::from_pem(server_ca.certificate_pem().as_bytes()).expect("ca");
    let ask = async |identity: Option<&kinbridge::web::certificates::Identity>| {
        let mut builder = reqwest::Client::builder().tls_certs_only([ca.clone()]);
        if let Some(identity) = identity {
            let pem = format!("{}{}", identity.key_pem, identity.certificate_pem);
            let identity = reqwest::Identity::from_pem(pem.as_bytes()).expect("identity");
            builder = builder.identity(identity);
        }
        builder.build().expect("client").get(&url).send().await
    };
    let ours = client_ca.issue(&["gateway.alpha.example"]).expect("client");
    let theirs = server_ca.issue(&["gateway.alpha.example"]).expect("client");
    assert_eq!(ask(None).await.expect("no certificate").status(), 200);
    assert_eq!(
        ask(Some(&ours)).await.expect("our certificate").status(),
        200
    );
    assert!(ask(Some(&theirs)).await.is_err(), "foreign certificate");
    gateway.running.shutdown().await;
}
