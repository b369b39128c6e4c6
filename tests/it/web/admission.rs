//! What is refused before a body is read, and how it is said.

use super::harness::{Gateway, client, raw_head};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn health_and_document_are_public() {
    // Goal: operations need no credential. Method: ask without one.
    let gateway = Gateway::start().await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let answer = client()
            .get(gateway.url(path))
            .send()
            .await
            .expect("answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert!(
            answer.headers().contains_key("kinbridge-correlation-id"),
            "{path}"
        );
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_and_methods_are_problems() {
    // Goal: every error is a problem with the caller's trace id. Method: an address and a method
    // that are not in the table, with a traceparent.
    let gateway = Gateway::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let post = client()
        .post(gateway.url("/healthz"))
        .header("traceparent", trace);
    let get = client()
        .get(gateway.url("/nowhere"))
        .header("traceparent", trace);
    for (request, status, code) in [(post, 405, "method-not-allowed"), (get, 404, "not-found")] {
        let answer = request.send().await.expect("answer");
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET");
        }
        let problem: Value = answer.json().await.expect("json");
        assert_eq!(problem["code"], code);
        assert_eq!(
            problem["correlation_id"],
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_their_own_loopback_port() {
    // Goal: numbers are not on the API's port. Method: ask both, after something was written.
    let gateway = Gateway::start().await;
    super::holdings::of_alpha(&gateway).await;
    client()
        .get(gateway.url("/healthz"))
        .send()
        .await
        .expect("answer");
    let metrics = format!("http://{}/metrics", gateway.running.metrics_address);
    let text = client()
        .get(metrics)
        .send()
        .await
        .expect("answer")
        .text()
        .await
        .expect("text");
    assert!(
        text.contains("kinbridge_request_seconds_bucket{route=\"healthz\""),
        "{text}"
    );
    let answer = client()
        .get(gateway.url("/metrics"))
        .send()
        .await
        .expect("answer");
    assert_eq!(answer.status(), 404);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_cut() {
    // Goal: a head that never ends costs a connection for a bounded time. Method: half a head, and
    // wait for the answer the gateway gives by itself.
    let gateway = Gateway::start_with(|config| config.limits.head_timeout_ms = 100).await;
    let head = tokio::task::block_in_place(|| raw_head(&gateway, "GET /healthz HTTP/1.1\r\nHo"));
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_caller_is_never_told_to_send_its_body() {
    // Goal: `Expect: 100-continue` is answered by authentication. Method: ask as nobody on a route
    // nobody may call, and on one that is public.
    let gateway = Gateway::start().await;
    let request = "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\
                   Expect: 100-continue\r\n\r\n";
    let head = tokio::task::block_in_place(|| raw_head(&gateway, request));
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let known = request.replace("Expect", "Authorization: Bearer token-alpha\r\nExpect");
    let head = tokio::task::block_in_place(|| raw_head(&gateway, &known));
    assert!(head.starts_with("HTTP/1.1 100"), "{head}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_cut() {
    // Goal: an answer nobody reads costs a connection for a bounded time. Method: ask for the
    // document many times over one connection, read nothing, and wait until the gateway closes it.
    let gateway = Gateway::start_with(|config| {
        config.limits.body_grace_ms = 100;
        config.limits.body_rate_min = 1 << 40;
    })
    .await;
    let address = gateway.running.address;
    let cut = tokio::task::block_in_place(|| {
        use std::io::Write as _;
        let mut line = std::net::TcpStream::connect(address).expect("connect");
        let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
        // The kernel's buffers are finite: once answers are stuck and the connection is cut,
        // writing fails.
        (0..100_000).any(|_| line.write_all(request.as_bytes()).is_err())
    });
    assert!(cut);
    gateway.running.shutdown().await;
}
