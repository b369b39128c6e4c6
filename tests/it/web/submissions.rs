//! What a partner sees of its submissions.

use super::harness::{Gateway, client, raw_head};
use super::harness::{LOOKS_MAX, until};
use super::holdings;
use serde_json::{Value, json};

/// A contact of invented people; each id is a record of its own.
pub fn contact(id: &str) -> Value {
    json!({
        "envelope": {
            "record_type": "engagement-contact", "schema_version": "1.0",
            "source_record_id": id, "subject_refs": ["p1"], "service_source": "referral"
        },
        "persons": [
            { "key": "p1", "names": [{ "use": "legal", "last": "Exemplar", "first": "Testa" }] },
            { "key": "w1", "role": "partner_worker",
              "names": [{ "use": "legal", "last": "Mentora", "first": "Paz" }] }
        ],
        "body": {
            "contact_id": id, "start": "2026-09-21T09:30:00-07:00", "mode": "phone",
            "attempt_result": "left_message", "service_level": "direct",
            "participants": [{ "person": "w1", "role": "parent_partner" }]
        }
    })
}

pub struct Sent {
    pub status: u16,
    pub body: Value,
}

/// Hands a body in as alpha, with these further headers.
pub async fn hand_in(
    gateway: &Gateway,
    query: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Sent {
    let mut ask = client()
        .post(gateway.url(&format!("/v1/submissions{query}")))
        .bearer_auth("token-alpha")
        .header("content-type", "application/json")
        .header("kinbridge-format", "kinbridge-json/1.0");
    for (name, value) in headers {
        ask = ask.header(*name, *value);
    }
    let answer = ask.body(body).send().await.expect("answer");
    let status = answer.status().as_u16();
    let body = answer.json().await.expect("json");
    Sent { status, body }
}

/// Holds a body against a schema of the document the gateway serves.
pub async fn fits(gateway: &Gateway, name: &str, body: &Value) {
    let document = client()
        .get(gateway.url("/openapi.json"))
        .send()
        .await
        .expect("answer");
    let document: Value = document.json().await.expect("json");
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"), "components": document["components"],
    });
    let schema = jsonschema::validator_for(&schema).expect("schema");
    let errors: Vec<String> = schema.iter_errors(body).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_accepted_and_its_timeline_shown() {
    // Goal: the receipt, the verdicts and the timeline tell one story in the documented shapes.
    // Method: hand one record in, follow `records_url`, ask for the submission.
    let gateway = Gateway::start().await;
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    assert_eq!(sent.body["counts"]["accepted"], 1);
    fits(&gateway, "Receipt", &sent.body).await;
    let get = async |path: &str| -> Value {
        let ask = client().get(gateway.url(path)).bearer_auth("token-alpha");
        ask.send()
            .await
            .expect("answer")
            .json()
            .await
            .expect("json")
    };
    let page = get(sent.body["records_url"].as_str().expect("url")).await;
    assert_eq!(
        page["records"][0]["record_id"],
        sent.body["records"][0]["record_id"]
    );
    let id = sent.body["submission_id"].as_str().expect("id");
    let view = get(&format!("/v1/submissions/{id}")).await;
    fits(&gateway, "Submission", &view).await;
    assert_eq!(view["digest"], sent.body["digest"]);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_bound_to_one_body() {
    // Goal: the same key and body give the same receipt, another body 409. Method: three posts.
    let gateway = Gateway::start().await;
    let key = [("idempotency-key", "k-1")];
    let first = hand_in(&gateway, "", &key, contact("c-1").to_string()).await;
    let again = hand_in(&gateway, "", &key, contact("c-1").to_string()).await;
    let other = hand_in(&gateway, "", &key, contact("c-2").to_string()).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["submission_id"], again.body["submission_id"]);
    assert_eq!(
        (other.status, &other.body["code"]),
        (409, &json!("idempotency-key-conflict"))
    );
    let long = "k".repeat(256);
    let long = [("idempotency-key", long.as_str())];
    let refused = hand_in(&gateway, "", &long, contact("c-3").to_string()).await;
    assert_eq!(refused.status, 400);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_answered_with_every_finding() {
    // Goal: 422 with findings, 415 for a format nobody declared, never a value. Method: a broken
    // body, a body with a wrong code that carries a mark, unknown format, media type and channel.
    let gateway = Gateway::start().await;
    let broken = hand_in(&gateway, "", &[], String::from("{\"envelope\":")).await;
    assert_eq!(
        (broken.status, &broken.body["code"]),
        (422, &json!("nothing-accepted"))
    );
    fits(&gateway, "Problem", &broken.body).await;
    let mut wrong = contact("c-1");
    wrong["body"]["mode"] = json!("CANARY-7731");
    let wrong = hand_in(&gateway, "", &[], wrong.to_string()).await;
    assert_eq!(wrong.status, 422);
    let findings = wrong.body["findings"].as_array().expect("findings");
    assert!(
        findings.iter().any(|f| f["path"] == "/body/mode"),
        "{findings:?}"
    );
    assert!(!wrong.body.to_string().contains("CANARY"), "{}", wrong.body);
    for header in [
        ("kinbridge-format", "nobody/9.9"),
        ("content-type", "image/png"),
        ("kinbridge-channel", "other"),
    ] {
        let mut ask = client()
            .post(gateway.url("/v1/submissions"))
            .bearer_auth("token-alpha");
        for (name, value) in [
            ("content-type", "application/json"),
            ("kinbridge-format", "kinbridge-json/1.0"),
        ] {
            ask = ask.header(name, if name == header.0 { header.1 } else { value });
        }
        if header.0 == "kinbridge-channel" {
            ask = ask.header(header.0, header.1);
        }
        let answer = ask.body("{}").send().await.expect("answer");
        assert_eq!(answer.status(), 415, "{header:?}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_told_as_that() {
    // Goal: size alone is 413, not 422. Method: one document over the limit of documents, and a
    // stream whose only lines are over the limit of records; one good line makes it a receipt.
    let gateway = Gateway::start().await;
    let long = |bytes: usize| {
        let mut record = contact("c-1");
        record["body"]["narrative"] = json!("x".repeat(bytes));
        record.to_string()
    };
    let lines = format!("{{\"envelope\":{{}}}}\n{}\n", long(1 << 20));
    for (body, status) in [
        (long(17 << 20), 413),
        (
            lines.replace("{\"envelope\":{}}", &contact("c-2").to_string()),
            202,
        ),
    ] {
        let sent = hand_in(&gateway, "", &[], body).await;
        assert_eq!(sent.status, status, "{}", sent.body);
        if status == 413 {
            assert_eq!(sent.body["code"], "body-too-large");
            assert_eq!(sent.body["findings"][0]["code"], "size-exceeded");
        }
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_not_closed_is_told_as_that() {
    // Goal: in a stream of lines the missing quotation mark is told, not the line break after it.
    // Method: two good lines around one whose last text is cut off.
    let gateway = Gateway::start().await;
    let cut = contact("c-2").to_string();
    let cut = &cut[..cut.find("Exemplar").expect("there") + 3];
    let body = format!("{}\n{cut}\n{}\n", contact("c-1"), contact("c-3"));
    let sent = hand_in(&gateway, "", &[], body).await;
    assert_eq!(
        (sent.status, &sent.body["counts"]["accepted"]),
        (202, &json!(2))
    );
    let finding = &sent.body["records"][1]["findings"][0];
    assert_eq!(finding["code"], "syntax-invalid", "{finding}");
    let message = finding["message"].as_str().expect("text");
    assert!(message.contains("not closed"), "{finding}");
    assert_eq!(finding["line"], 2);
    assert_eq!(finding["column"], cut.len() - 3);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_stores_nothing() {
    // Goal: a rehearsal leaves no trace. Method: dry run, then the record for the first time:
    // accepted, not a duplicate.
    let gateway = Gateway::start().await;
    let dry = hand_in(&gateway, "?dry_run=true", &[], contact("c-1").to_string()).await;
    assert_eq!(dry.status, 200, "{}", dry.body);
    fits(&gateway, "DryRun", &dry.body).await;
    assert_eq!(dry.body["records"][0]["status"], "accepted");
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.body["counts"]["accepted"], 1);
    assert_eq!(sent.body["counts"]["duplicate"], 0);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_records_than_fit_a_request_go_the_way_of_a_batch() {
    // Goal: the sender need not know where the limit is. Method: 1,200 records as lines, which is
    // more than one request answers; all accepted, the rest of the verdicts paged.
    let gateway = Gateway::start().await;
    let lines: Vec<String> = (0..1_200)
        .map(|n| contact(&format!("c-{n}")).to_string())
        .collect();
    let ask = client()
        .post(gateway.url("/v1/submissions"))
        .bearer_auth("token-alpha")
        .header("content-type", "application/x-ndjson")
        .header("kinbridge-format", "kinbridge-json/1.0");
    let answer = ask.body(lines.join("\n")).send().await.expect("answer");
    let status = answer.status();
    let receipt: Value = answer.json().await.expect("json");
    assert_eq!(status, 202, "{receipt}");
    assert_eq!(receipt["counts"]["accepted"], 1_200);
    fits(&gateway, "Receipt", &receipt).await;
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_is_cut() {
    // Goal: a sender that stops sending costs a connection for a bounded time. Method: half a
    // body, and the answer the gateway gives by itself.
    let gateway = Gateway::start_with(|config| config.limits.body_grace_ms = 100).await;
    let request = "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                   Authorization: Bearer token-alpha\r\nContent-Type: application/json\r\n\
                   Kinbridge-Format: kinbridge-json/1.0\r\n\r\n{\"envelope\":";
    let head = tokio::task::block_in_place(|| raw_head(&gateway, request));
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_gateway_says_so_before_the_body() {
    // Goal: overload is answered at once. Method: one place, taken by a body that has not come
    // yet; the next submission gets 503 with Retry-After although its body has not come either.
    use std::io::Write as _;
    let gateway = Gateway::start_with(|config| config.limits.in_flight_max = 1).await;
    let request = "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                   Authorization: Bearer token-alpha\r\nContent-Type: application/json\r\n\
                   Expect: 100-continue\r\nKinbridge-Format: kinbridge-json/1.0\r\n\r\n";
    let head = tokio::task::block_in_place(|| {
        let mut first = std::net::TcpStream::connect(gateway.running.address).expect("connect");
        first.write_all(request.as_bytes()).expect("sent");
        // Told to go on, the first one is inside and holds the place until it ends.
        super::harness::read_head(&mut first);
        (0..100)
            .map(|_| raw_head(&gateway, &request.replace("Expect: 100-continue\r\n", "")))
            .find(|head| head.starts_with("HTTP/1.1 503"))
    });
    let head = head.expect("a refusal");
    assert!(head.to_lowercase().contains("retry-after: 1"), "{head}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_partner_does_not_take_every_place() {
    // Goal: slow bodies of one partner do not keep out another. Method: two places; alpha holds
    // one with a body that does not come and is refused a second; beta's record is taken.
    use std::io::Write as _;
    let gateway = Gateway::start_with(|config| config.limits.in_flight_max = 2).await;
    let head = "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                Authorization: Bearer token-alpha\r\nContent-Type: application/json\r\n\
                Expect: 100-continue\r\nKinbridge-Format: kinbridge-json/1.0\r\n\r\n";
    let mut slow = std::net::TcpStream::connect(gateway.running.address).expect("connect");
    let refused = tokio::task::block_in_place(|| {
        slow.write_all(head.as_bytes()).expect("sent");
        // Told to go on, it is inside and holds the place until it ends.
        assert!(super::harness::read_head(&mut slow).starts_with("HTTP/1.1 100"));
        raw_head(&gateway, &head.replace("Expect: 100-continue\r\n", ""))
    });
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let taken = client()
        .post(gateway.url("/v1/submissions"))
        .bearer_auth("token-beta")
        .header("content-type", "application/json")
        .header("kinbridge-format", "kinbridge-json/1.0")
        .body(contact("c-1").to_string());
    assert_eq!(taken.send().await.expect("answer").status(), 202);
    drop(slow);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_stands_twice_is_not_chosen_from() {
    // Goal: format, key and media type are told once, and text is UTF-8. Method: each of them
    // twice, also twice the same; charsets in the media type.
    let gateway = Gateway::start().await;
    let body = || contact("c-1").to_string();
    for twice in [
        &[("kinbridge-format", "fhir-r4/4.0")][..],
        &[("kinbridge-format", "kinbridge-json/1.0")],
        &[("content-type", "application/json")],
        &[("idempotency-key", "ka"), ("idempotency-key", "kb")],
    ] {
        let sent = hand_in(&gateway, "", twice, body()).await;
        let got = (sent.status, &sent.body["code"]);
        assert_eq!(got, (400, &json!("parameter-invalid")), "{twice:?}");
    }
    for (charset, status) in [("iso-8859-1", 415), ("\"UTF-8\"", 202)] {
        let ask = client()
            .post(gateway.url("/v1/submissions"))
            .bearer_auth("token-alpha")
            .header(
                "content-type",
                format!("application/json; charset={charset}"),
            )
            .header("kinbridge-format", "kinbridge-json/1.0");
        let answer = ask.body(body()).send().await.expect("answer");
        assert_eq!(answer.status(), status, "{charset}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_come_page_by_page() {
    // Goal: every verdict once, in order, whatever the page size. Method: five records, pages of
    // two, following the cursor; then a cursor that is not ours.
    let gateway = Gateway::start().await;
    let store = &gateway.running.gateway.store;
    let id = holdings::submission(store, "alpha", 5).await;
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let path = format!("/v1/submissions/{id}/records?limit=2{cursor}");
        let ask = client().get(gateway.url(&path)).bearer_auth("token-alpha");
        let page: Value = ask
            .send()
            .await
            .expect("answer")
            .json()
            .await
            .expect("json");
        let rows = page["records"].as_array().expect("records");
        seen.extend(rows.iter().map(|row| row["index"].as_u64().expect("index")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    let path = format!("/v1/submissions/{id}/records?cursor=x!");
    let ask = client().get(gateway.url(&path)).bearer_auth("token-alpha");
    assert_eq!(ask.send().await.expect("answer").status(), 400);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_over_its_rate_is_told_when_to_come_back() {
    // Goal: one partner cannot take the gateway for itself. Method: a burst of two and a refill
    // that takes a second: the third request at once is refused, another partner's is not.
    let gateway = Gateway::start_with(|config| {
        config.limits.partner_requests_per_second = 1;
        config.limits.partner_burst = 2;
    })
    .await;
    let ask = async |who: &str| {
        let path = gateway.url("/v1/submissions/sub_unknown/records");
        let ask = client().get(path).bearer_auth(format!("token-{who}"));
        ask.send().await.expect("answer")
    };
    assert_eq!(ask("alpha").await.status(), 404);
    assert_eq!(ask("alpha").await.status(), 404);
    let refused = ask("alpha").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(ask("beta").await.status(), 404);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_in_flight() {
    // Goal: nothing in flight is refused by a stop. Method: a submission that is inside with half
    // its body sent; stop; once no new connection is taken, send the rest: it is accepted.
    use std::io::Write as _;
    let gateway = Gateway::start().await;
    let address = gateway.running.address;
    let body = contact("c-1").to_string();
    let (start, rest) = body.split_at(20);
    let head = format!(
        "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\
         Authorization: Bearer token-alpha\r\nContent-Type: application/json\r\n\
         Kinbridge-Format: kinbridge-json/1.0\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut line = std::net::TcpStream::connect(address).expect("connect");
    tokio::task::block_in_place(|| {
        line.write_all(head.as_bytes()).expect("sent");
        assert!(super::harness::read_head(&mut line).starts_with("HTTP/1.1 100"));
        line.write_all(start.as_bytes()).expect("sent");
    });
    let Gateway { running, folder } = gateway;
    let stopping = tokio::spawn(running.shutdown());
    until(
        "no new connection",
        LOOKS_MAX,
        async || match std::net::TcpStream::connect(address) {
            Ok(_) => Err("one is taken"),
            Err(_) => Ok(()),
        },
    )
    .await;
    let answer = tokio::task::block_in_place(|| {
        line.write_all(rest.as_bytes()).expect("sent");
        super::harness::read_head(&mut line)
    });
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    stopping.await.expect("stopped");
    drop(folder);
}
