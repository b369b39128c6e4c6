//! Scans of signed papers: whose they are, what they must be, and who sees them.

use super::harness::{Gateway, client};
use super::holdings::lodging;
use super::submissions::fits;
use kinbridge::base::digest::Digest;
use kinbridge::base::limits::SCAN_BYTES_MAX;
use serde_json::{Value, json};
use std::path::Path;

const PDF: &[u8] = b"%PDF-1.7 zanzibar-zebra";

async fn keep(
    gateway: &Gateway,
    who: &str,
    id: &str,
    (media, bytes): (&str, &[u8]),
) -> (u16, Value) {
    let ask = client()
        .put(gateway.url(&format!("/v1/consents/{id}/scan")))
        .bearer_auth(format!("token-{who}"))
        .header("content-type", media)
        .body(bytes.to_vec());
    let answer = ask.send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

async fn look(gateway: &Gateway, who: &str, id: &str, why: Option<&str>) -> reqwest::Response {
    let mut ask = client()
        .get(gateway.url(&format!("/v1/consents/{id}")))
        .bearer_auth(format!("token-{who}"));
    if let Some(why) = why {
        ask = ask.header("kinbridge-reason", why);
    }
    ask.send().await.expect("answer")
}

async fn lodge(gateway: &Gateway, capture: Option<Value>) -> String {
    let mut body = lodging();
    if let Some(capture) = capture {
        body["capture"] = capture;
    }
    let ask = client()
        .put(gateway.url("/v1/consents/c1"))
        .bearer_auth("token-alpha")
        .json(&body);
    let told: Value = ask
        .send()
        .await
        .expect("answer")
        .json()
        .await
        .expect("json");
    told["registry_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_kept_once_for_each_revision_and_given_back_as_it_came() {
    // Goal: what was handed in comes back byte for byte, and no other takes its place. Method:
    // kept, sent again, another one sent; the consent lodged anew and revoked, with a scan of each.
    let gateway = Gateway::start().await;
    let id = lodge(&gateway, None).await;
    let (status, told) = keep(&gateway, "alpha", "c1", ("application/pdf", PDF)).await;
    assert_eq!(status, 200, "{told}");
    fits(&gateway, "ConsentScanned", &told).await;
    assert_eq!(
        (&told["revision"], &told["bytes"]),
        (&json!(1), &json!(PDF.len()))
    );
    assert_eq!(
        keep(&gateway, "alpha", &id, ("application/pdf", PDF))
            .await
            .0,
        200
    );
    let other = ("application/pdf", &b"%PDF-1.7 another"[..]);
    assert_eq!(keep(&gateway, "alpha", "c1", other).await.0, 409);
    lodge(&gateway, Some(json!({ "method": "paper_scan" }))).await;
    let url = gateway.url("/v1/consents/c1/revoke");
    let revoked = client().post(url).bearer_auth("token-alpha").send().await;
    assert_eq!(revoked.expect("answer").status(), 200);
    // The paper is of the revision that was lodged, not of the one that says it was revoked.
    let (_, told) = keep(&gateway, "alpha", "c1", other).await;
    assert_eq!(told["revision"], 2, "{told}");
    for (query, bytes) in [
        ("", other.1),
        ("?revision=1", PDF),
        ("?revision=2", other.1),
    ] {
        let answer = look(&gateway, "alpha", &format!("c1/scan{query}"), None).await;
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        assert_eq!(answer.headers()["content-disposition"], "attachment");
        assert_eq!(answer.bytes().await.expect("bytes"), bytes, "{query}");
    }
    for (query, status) in [("?revision=3", 404), ("?revision=x", 400)] {
        let answer = look(&gateway, "alpha", &format!("c1/scan{query}"), None).await;
        assert_eq!(answer.status(), status, "{query}");
    }
    gateway.running.shutdown().await;
    sealed(gateway.folder.path());
}

/// Nothing of a scan stands in clear where the gateway writes.
fn sealed(folder: &Path) {
    let mut files = vec![folder.to_path_buf()];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .expect("folder")
                    .map(|e| e.expect("entry").path()),
            );
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        read += bytes.len();
        let digest = Digest::of(PDF);
        for token in [
            &b"zanzibar-zebra"[..],
            &digest.0,
            digest.to_hex().as_bytes(),
        ] {
            let found = bytes.windows(token.len()).any(|part| part == token);
            assert!(!found, "{}", path.display());
        }
    }
    assert!(read > 10_000, "the database was looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_what_it_says_and_what_the_capture_names() {
    // Goal: four types, told by their first bytes, within the limit, and the very document the
    // lodger said it keyed in. Method: one thing wrong at a time, then each type.
    let gateway = Gateway::start().await;
    let digest = Digest::of(PDF).to_hex();
    let capture = json!({ "method": "paper_scan", "document_sha256": digest });
    lodge(&gateway, Some(capture)).await;
    let large = [PDF, &vec![0; SCAN_BYTES_MAX as usize]].concat();
    for (media, bytes, status) in [
        ("text/html", PDF, 415),
        ("application/pdf", &b"\x89PNG\r\n\x1a\n"[..], 422),
        ("image/png", PDF, 422),
        ("application/pdf", b"", 422),
        ("application/pdf", &large, 413),
        ("application/pdf", b"%PDF-1.7 another", 422),
        ("application/pdf", PDF, 200),
    ] {
        let (answered, told) = keep(&gateway, "alpha", "c1", (media, bytes)).await;
        assert_eq!(answered, status, "{media}: {told}");
        assert!(!told.to_string().contains(&digest), "{told}");
    }
    for (form, media, bytes) in [
        (1, "image/png", &b"\x89PNG\r\n\x1a\n1"[..]),
        (2, "image/jpeg", b"\xff\xd8\xff1"),
        (3, "image/tiff", b"II*\x001"),
        (4, "image/tiff", b"MM\x00*1"),
    ] {
        let form = json!({ "method": "paper_scan", "form_id": format!("f-{form}") });
        lodge(&gateway, Some(form)).await;
        let (status, told) = keep(&gateway, "alpha", "c1", (media, bytes)).await;
        assert_eq!(status, 200, "{media}: {told}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_its_lodgers_and_an_officers_who_says_why() {
    // Goal: nobody else learns whether there is one, and an officer's look stands in the ledger.
    // Method: partners, operators, with and without a reason.
    let gateway = Gateway::start().await;
    let id = lodge(&gateway, None).await;
    let path = format!("{id}/scan");
    assert_eq!(look(&gateway, "alpha", &path, None).await.status(), 404);
    keep(&gateway, "alpha", "c1", ("application/pdf", PDF)).await;
    // Who has lodged another consent of the person may look at this one, not at its scan.
    let ask = client()
        .put(gateway.url("/v1/consents/own"))
        .bearer_auth("token-beta")
        .json(&lodging());
    assert_eq!(ask.send().await.expect("answer").status(), 200);
    assert_eq!(
        keep(&gateway, "beta", &id, ("application/pdf", PDF))
            .await
            .0,
        404
    );
    for (who, why, status) in [
        ("alpha", None, 200),
        ("beta", None, 404),
        ("beta", Some("curious"), 404),
        ("privacy_officer", None, 400),
        ("privacy_officer", Some("the family asks"), 200),
        ("auditor", Some("the family asks"), 403),
        ("integrator", Some("the family asks"), 403),
    ] {
        let answer = look(&gateway, who, &path, why).await;
        assert_eq!(answer.status(), status, "{who} {why:?}");
    }
    let store = &gateway.running.gateway.store;
    let page = store.ledger_page(0, 500).await.expect("entries");
    let told = |word: &str| {
        let bodies = page
            .iter()
            .map(|entry| String::from_utf8_lossy(&entry.body));
        bodies.filter(|body| body.contains(word)).count()
    };
    assert_eq!((told("\"scanned\""), told("consent_scan_read")), (1, 1));
    gateway.running.shutdown().await;
}
