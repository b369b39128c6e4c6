//! Goal: over MLLP a message is answered once it is kept, in whatever pieces it comes, and nobody
//! speaks who is not known. Method: a gateway that listens on loopback, in clear for one named
//! partner and with TLS for those who show a certificate, and raw sockets as senders.

use crate::web::harness::{Gateway, install_provider};
use kinbridge::config::{Config, Tls};
use kinbridge::web::certificates::{Authority, Identity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PAPERS: &str = r#"
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

const CLINIC: &str = r#"
[[channel]]
name = "messages"
direction = "in"
format = "hl7v2/2.5.1"
records = ["person"]
service_source = "referral"
"#;

fn patient(control_id: &str, last: &str, sex: &str) -> Vec<u8> {
    let message = format!(
        "\x0bMSH|^~\\&|EMR|RIVERBEND|||20260302091500-0800||ADT^A04^ADT_A01|{control_id}|P|2.5.1\r\
         PID|1||P-{control_id}^^^RIVERBEND^MR||{last}^Tomi^^^^^L||201908|{sex}\rPV1||O\r\x1c\r"
    );
    message.into_bytes()
}

/// So many answers, without their frames.
async fn answers<S: AsyncRead + Unpin>(stream: &mut S, count: usize) -> Vec<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let ended = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == 0x1c).count();
    while ended(&bytes) < count {
        let read = stream.read(&mut buffer).await.expect("an answer");
        assert!(
            read > 0,
            "ended after {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8(bytes).expect("text");
    let frames = text.split("\x1c\r").filter(|frame| !frame.is_empty());
    let frames: Vec<String> = frames
        .map(|frame| frame.strip_prefix('\x0b').expect("a frame").to_owned())
        .collect();
    assert_eq!(frames.len(), count);
    frames
}

/// The fields of an answer's segments of one name.
fn segments<'a>(answer: &'a str, id: &str) -> Vec<Vec<&'a str>> {
    let all = answer.split('\r').map(|line| line.split('|').collect());
    all.filter(|fields: &Vec<&str>| fields[0] == id).collect()
}

async fn ended<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_))
}

/// How many submissions the ledger has.
async fn submissions(gateway: &Gateway) -> usize {
    let store = &gateway.running.gateway.store;
    let page = store.ledger_page(0, 500).await.expect("entries");
    let kinds = page.iter().map(|entry| {
        let body: serde_json::Value = serde_json::from_slice(&entry.body).expect("JSON");
        body["kind"].as_str().unwrap_or_default().to_owned()
    });
    kinds.filter(|kind| kind == "submission").count()
}

fn speaks(config: &mut Config) {
    config.listen.mllp_address = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.listen.mllp_partner = Some(kinbridge::base::id::PartnerId::new("clinic"));
}

async fn in_clear() -> (Gateway, TcpStream) {
    let clinic = format!("{PAPERS}{CLINIC}");
    let gateway = Gateway::start_with_partners(&[("clinic", &clinic)], speaks).await;
    let address = gateway.running.mllp_address.expect("it listens");
    let stream = TcpStream::connect(address).await.expect("connected");
    (gateway, stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_answered_in_their_order_when_they_are_kept() {
    let (gateway, mut stream) = in_clear().await;
    // Three at once, of which the second says something nobody can read; then one in pieces.
    let three = [
        patient("1", "Exampleton", "M"),
        patient("2", "Quintrell", "Q"),
        patient("3", "Testman", "F"),
    ]
    .concat();
    stream.write_all(&three).await.expect("sent");
    let told = answers(&mut stream, 3).await;
    let codes: Vec<&str> = told.iter().map(|it| segments(it, "MSA")[0][1]).collect();
    let ids: Vec<&str> = told.iter().map(|it| segments(it, "MSA")[0][2]).collect();
    assert_eq!((codes, ids), (vec!["AA", "AE", "AA"], vec!["1", "2", "3"]));
    let errors = segments(&told[1], "ERR");
    assert_eq!(errors[0][2], "PID^1^8^1");
    assert_eq!(errors[0][3], "103^Table value not found^HL70357");
    assert_eq!(errors[0][4], "E");
    assert!(!told[1].contains("Quintrell"), "no value comes back");
    assert_eq!(segments(&told[0], "MSH")[0][4..6], ["EMR", "RIVERBEND"]);
    for chunk in patient("4", "Exampleton", "F").chunks(7) {
        stream.write_all(chunk).await.expect("sent");
    }
    let told = answers(&mut stream, 1).await;
    assert_eq!(segments(&told[0], "MSA")[0][1..], ["AA", "4"]);
    // What was answered is kept: the same again changes nothing.
    stream
        .write_all(&patient("4", "Exampleton", "F"))
        .await
        .expect("sent");
    let told = answers(&mut stream, 1).await;
    assert_eq!(segments(&told[0], "MSA")[0][1], "AA");
    assert_eq!(
        submissions(&gateway).await,
        4,
        "of five the second is kept nowhere"
    );
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_keep_to_frames_is_not_read_on() {
    let (gateway, mut stream) = in_clear().await;
    stream.write_all(b"MSH|^~\\&|").await.expect("sent");
    assert!(ended(&mut stream).await);
    let address = gateway.running.mllp_address.expect("it listens");
    let mut next = TcpStream::connect(address).await.expect("connected");
    next.write_all(b"\x0bnothing of HL7\x1c\r")
        .await
        .expect("sent");
    let told = answers(&mut next, 1).await;
    assert_eq!(segments(&told[0], "MSA")[0][1], "AE");
    // A stop ends what waits; nobody is cut off who was answered.
    gateway.running.shutdown().await;
    assert!(ended(&mut next).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_without_a_channel_for_messages_is_rejected() {
    let contacts = "[[channel]]\nname = \"in\"\ndirection = \"in\"\n\
                    format = \"kinbridge-json/1.0\"\nrecords = [\"person\"]\n\
                    service_source = \"referral\"\n";
    let contacts = format!("{PAPERS}{contacts}");
    let gateway = Gateway::start_with_partners(&[("clinic", &contacts)], speaks).await;
    let address = gateway.running.mllp_address.expect("it listens");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream
        .write_all(&patient("1", "Exampleton", "M"))
        .await
        .expect("sent");
    let told = answers(&mut stream, 1).await;
    assert_eq!(segments(&told[0], "MSA")[0][1], "AR");
    gateway.running.shutdown().await;
}

/// The client's side of TLS: it trusts one authority, and shows a certificate or none.
fn client(ca: &Authority, shown: Option<&Identity>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let pem = ca.certificate_pem();
    let anchor = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    roots.add(anchor).expect("an anchor");
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(identity) => config
            .with_client_auth_cert(identity.chain(), identity.key())
            .expect("an identity"),
    };
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_a_certificate_says_who_speaks() {
    install_provider();
    let files = tempfile::tempdir().expect("folder");
    let [server, clients] = ["Server authority", "Client authority"]
        .map(|name| Authority::new(name).expect("an authority"));
    let identity = server.issue(&["localhost"]).expect("an identity");
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let tls = Tls {
        certificate_file: write("server.pem", &identity.certificate_pem),
        key_file: write("server.key", &identity.key_pem),
        client_ca_file: Some(write("clients.pem", &clients.certificate_pem())),
    };
    let clinic = format!(
        "mtls = {{ issuer_sha256 = \"{}\", san = \"emr.clinic.example\" }}\n{PAPERS}{CLINIC}",
        clients.sha256()
    );
    let partners = [("clinic", clinic.as_str())];
    let gateway = Gateway::start_with_partners(&partners, |config| {
        config.tls = Some(tls);
        config.listen.mllp_address = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    })
    .await;
    let address = gateway.running.mllp_address.expect("it listens");
    let right = clients.issue(&["emr.clinic.example"]).expect("issued");
    let other = clients.issue(&["someone.else.example"]).expect("issued");
    let foreign = server.issue(&["emr.clinic.example"]).expect("issued");
    for (shown, answered) in [
        (Some(&right), true),
        (Some(&other), false),
        (Some(&foreign), false),
        (None, false),
    ] {
        let socket = TcpStream::connect(address).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        // In TLS 1.3 a client hears of its refused certificate only after its handshake.
        let Ok(mut stream) = client(&server, shown).connect(name, socket).await else {
            assert!(!answered);
            continue;
        };
        let sent = stream.write_all(&patient("1", "Exampleton", "M")).await;
        if answered {
            sent.expect("sent");
            let told = answers(&mut stream, 1).await;
            assert_eq!(segments(&told[0], "MSA")[0][1..], ["AA", "1"]);
        } else {
            assert!(ended(&mut stream).await, "not a word to a stranger");
        }
    }
    assert_eq!(submissions(&gateway).await, 1);
    gateway.running.shutdown().await;
}

#[test]
fn nobody_listens_for_whom_no_one_could_name() {
    // Goal: no setting makes a stranger a partner. Method: each setting that would.
    let folder = tempfile::tempdir().expect("folder");
    for (text, told) in [
        ("mllp_address = \"127.0.0.1:0\"", "listen.mllp_partner"),
        ("mllp_partner = \"clinic\"", "listen.mllp_partner"),
        (
            "mllp_address = \"0.0.0.0:0\"\nmllp_partner = \"clinic\"",
            "listen.mllp_address",
        ),
    ] {
        let file = folder.path().join("kinbridge.toml");
        std::fs::write(&file, format!("[listen]\n{text}\n")).expect("written");
        let error = Config::load(Some(&file)).expect_err("refused").to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
