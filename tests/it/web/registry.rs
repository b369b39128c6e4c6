//! The consent registry: what is not lodged and why, and what a revocation does.

use super::harness::{Gateway, client};
use super::holdings::lodging;
use super::submissions::fits;
use serde_json::{Value, json};

/// Sends a body to an address of the registry as alpha.
async fn send(gateway: &Gateway, verb: &str, path: &str, body: String) -> (u16, Value) {
    let verb = verb.parse().expect("method");
    let ask = client()
        .request(verb, gateway.url(path))
        .bearer_auth("token-alpha")
        .header("content-type", "application/json");
    let answer = ask.body(body).send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

/// Whether a problem holds a finding of this code at this place, with these words in it.
fn tells(problem: &Value, code: &str, path: &str, words: &str) -> bool {
    let findings = problem["findings"].as_array().into_iter().flatten();
    let mut hits = findings.filter(|f| f["code"] == code && f["path"] == path);
    hits.any(|finding| finding.to_string().contains(words) && finding["line"].is_u64())
}

/// A member of the lodging (a JSON pointer), what is put there, the finding, where below, and words
/// in it. MARK stands for the name of an invented person.
const WRONG: &str = r#"
/consent/classes; []; schema-value-out-of-range; ; at least 1
/consent/recipients; []; schema-value-out-of-range; ; at least 1
/consent/purposes; []; schema-value-out-of-range; ; at least 1
/consent/kind; MARK; schema-code-unknown; ; vawa_release
/consent/type; MARK; schema-code-unknown; ; permit, deny
/consent/grantor; MARK; schema-code-unknown; ; youth_and_parent
/consent/classes; ["referral", MARK]; schema-code-unknown; /1; tribal_confidential
/consent/recipients; [MARK]; schema-code-unknown; /0; service_org
/consent/purposes; [MARK]; schema-code-unknown; /0; care_coordination
/consent/purposes; MARK; schema-type-mismatch; ; a list
/consent/end; "2026-02-28"; period-reversed; ; before the start
/consent/end; "2027-02-30"; date-impossible; ; YYYY-MM-DD
/consent/end; MARK; schema-pattern-mismatch; ; YYYY-MM-DD
/consent/signed; "2199-01-01"; date-in-future; ; signed
/consent/signed; null; schema-type-mismatch; ; found null
/consent/data_period; ["2026-02-01", "2026-01-01"]; period-reversed; /1; before
/consent/data_period; ["2026-02-01"]; schema-value-out-of-range; ; at least 2
/consent/recipient_ids; []; schema-value-out-of-range; ; at least 1
/consent/coercion_flag; MARK; schema-type-mismatch; ; true or false
/consent/expiry_statement; MARK; schema-value-out-of-range; ; none
/subject/value; ""; schema-value-out-of-range; ; at least 1
/subject; ["urn:x", MARK]; schema-type-mismatch; ; found a list
; []; schema-type-mismatch; ; found a list
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_a_receiver_could_take_for_a_path_is_not_lodged_under() {
    // Goal: ids go to recipients with a paper's copy, and none of them names a path there. Method:
    // such ids in the registry's way, FHIR's and a form's; then ids that only look a little so.
    let gateway = Gateway::start().await;
    for id in [
        "..%2f..%2fetc",
        "a%2Fb",
        "a%5cb",
        "a%5Cb",
        "a%252fb",
        "..",
        "%2e%2e",
    ] {
        let (status, told) = put(&gateway, &format!("/v1/consents/{id}")).await;
        let not_there = matches!(id, ".." | "%2e%2e") && status == 404;
        assert!(status == 422 || not_there, "{id}: {status} {told}");
        if status == 422 {
            let detail = told["detail"].as_str().expect("a detail");
            assert!(detail.contains("letters, digits"), "{detail}");
        }
    }
    for id in ["../x", "a\\b", "a%2fb", "..", "."] {
        let mut form = crate::consent_imports::release();
        form["consent_id"] = json!(id);
        let path = "/v1/consents/imports?form=ascmi";
        let (status, told) = send(&gateway, "POST", path, form.to_string()).await;
        assert_eq!(status, 422, "{id}: {told}");
    }
    for id in ["a..b", "roi-1.2", "2f", "x:y_z"] {
        let (status, told) = put(&gateway, &format!("/v1/consents/{id}")).await;
        assert_eq!(status, 200, "{id}: {told}");
    }
    gateway.running.shutdown().await;
}

async fn put(gateway: &Gateway, path: &str) -> (u16, Value) {
    send(gateway, "PUT", path, lodging().to_string()).await
}

/// The lodging with one thing wrong.
fn spoiled(at: &str, put: Value) -> Value {
    let mut body = lodging();
    match (at.rsplit_once('/'), at) {
        (_, "") => return put,
        (Some((above, member)), _) => {
            let above = body.pointer_mut(above).expect("an object");
            above[member] = put;
        }
        (None, _) => panic!("{at} is no pointer"),
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_would_never_count_is_told_field_by_field() {
    // Goal: what would silently not count is refused, naming the field and the words that may
    // stand there, never what stood there. Method: one good lodging, one thing wrong at a time.
    let gateway = Gateway::start().await;
    for row in WRONG.trim().lines() {
        let cells: Vec<&str> = row.split("; ").map(str::trim).collect();
        let [at, put, code, below, words] = cells[..] else {
            panic!("{row}");
        };
        let put = put.replace("MARK", "\"Zilpha Quintrell\"");
        let body = spoiled(
            at.trim_start_matches(';'),
            serde_json::from_str(&put).expect("JSON"),
        );
        let (status, problem) = send(&gateway, "PUT", "/v1/consents/c1", body.to_string()).await;
        assert_eq!(status, 422, "{at}: {problem}");
        assert_eq!(problem["code"], "body-invalid");
        let path = format!("{at}{below}");
        assert!(
            tells(&problem, code, &path, words),
            "{code} at {path}: {problem}"
        );
        assert!(!problem.to_string().contains("Quintrell"), "{problem}");
        fits(&gateway, "Problem", &problem).await;
    }
    let strange = lodging().to_string();
    let strange = strange.replace("\"kind\"", "\"Zilpha Quintrell\":1,\"kind\"");
    let (status, problem) = send(&gateway, "PUT", "/v1/consents/c1", strange).await;
    assert_eq!(status, 422);
    let found = problem["findings"].as_array().into_iter().flatten();
    let places: Vec<_> = found.map(|finding| finding["path"].as_str()).collect();
    assert!(
        places.iter().flatten().any(|p| p.starts_with("/consent/?")),
        "{problem}"
    );
    assert!(!problem.to_string().contains("Quintrell"), "{problem}");
    // None of them was lodged, and the good one is.
    let (status, _) = send(&gateway, "GET", "/v1/consents/c1", String::new()).await;
    assert_eq!(status, 404);
    let mut good = lodging();
    good["consent"]["start"] = Value::Null;
    good["consent"]["elements_missing"] = Value::Null;
    let (status, told) = send(&gateway, "PUT", "/v1/consents/c1", good.to_string()).await;
    assert_eq!(status, 200, "{told}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_revocation_changes_nothing() {
    // Goal: revoking is idempotent and says nothing beyond its address. Method: a revocation with
    // a body that says something, one without, one more, one with an empty object.
    let gateway = Gateway::start().await;
    let lodged = send(&gateway, "PUT", "/v1/consents/c1", lodging().to_string()).await;
    assert_eq!(lodged.1["revision"], 1);
    for body in ["{\"reason\":\"x\"}", "junk", "[]"] {
        let path = "/v1/consents/c1/revoke";
        let (status, problem) = send(&gateway, "POST", path, body.to_owned()).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("body-invalid")),
            "{body}"
        );
    }
    let state = async || {
        send(&gateway, "GET", "/v1/consents/c1", String::new())
            .await
            .1
    };
    assert_eq!(state().await["revoked_at"], Value::Null);
    let revoke =
        async |body: &str| send(&gateway, "POST", "/v1/consents/c1/revoke", body.to_owned()).await;
    let (status, first) = revoke("").await;
    assert_eq!((status, &first["revision"]), (200, &json!(2)));
    let after = state().await;
    for body in ["", " {} "] {
        let (status, again) = revoke(body).await;
        assert_eq!((status, &again["revision"]), (200, &json!(2)), "{again}");
        assert_eq!(state().await, after);
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_of_the_api_is_told_by_its_fields() {
    // Goal: the bodies of all routes are held to a form alike. Method: for every route that takes
    // JSON and no id, an array, a strange member and a broken text; for the others the same forms
    // hold once the thing is there.
    let gateway = Gateway::start().await;
    for (path, who) in [
        ("/v1/extracts", "alpha"),
        ("/v1/decisions", "alpha"),
        ("/v1/rules/reload", "integrator"),
    ] {
        let unknown = "{\"record_id\":\"x\",\"Zilpha Quintrell\":1}";
        for (body, code) in [
            ("[]", "schema-type-mismatch"),
            ("[\"Zilpha Quintrell\"]", "schema-type-mismatch"),
            (unknown, "schema-unknown-field"),
            ("{\"reason\":\"Zilpha Quintrell", "syntax-invalid"),
            (
                "{\"Zilpha Quintrell\":1,\"Zilpha Quintrell\":2}",
                "duplicate-key",
            ),
        ] {
            let ask = client()
                .post(gateway.url(path))
                .bearer_auth(format!("token-{who}"))
                .header("content-type", "application/json");
            let answer = ask.body(body).send().await.expect("answer");
            assert_eq!(answer.status(), 422, "{path} {body}");
            let text = answer.text().await.expect("text");
            assert!(text.contains(code), "{path} {body}: {text}");
            assert!(!text.contains("Quintrell"), "{text}");
        }
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_consents_is_full_or_the_last() {
    // Goal: what a filter leaves out takes no place, and no cursor leads to nothing. Method: five
    // consents, the second and the last revoked; those listed one by one, then all on one page.
    let gateway = Gateway::start().await;
    for at in 1..=5 {
        let path = format!("/v1/consents/c{at}");
        let (status, told) = send(&gateway, "PUT", &path, lodging().to_string()).await;
        assert_eq!(status, 200, "{told}");
    }
    for at in [2, 5] {
        let path = format!("/v1/consents/c{at}/revoke");
        assert_eq!(send(&gateway, "POST", &path, String::new()).await.0, 200);
    }
    let list = async |query: String| {
        let (status, page) = send(&gateway, "GET", &query, String::new()).await;
        assert_eq!(status, 200, "{page}");
        fits(&gateway, "ConsentPage", &page).await;
        let rows = page["consents"].as_array().expect("rows").iter();
        let ids: Vec<String> = rows
            .map(|row| row["consent_id"].as_str().expect("own").to_owned())
            .collect();
        (ids, page["next_cursor"].as_str().map(str::to_owned))
    };
    let revoked = "/v1/consents?state=revoked&limit=1";
    let (ids, next) = list(revoked.to_owned()).await;
    assert_eq!(ids, ["c2"]);
    let next = next.expect("one more");
    assert_eq!(
        list(format!("{revoked}&cursor={next}")).await,
        (vec![String::from("c5")], None)
    );
    assert_eq!(
        list(String::from("/v1/consents?state=ended&limit=1")).await,
        (Vec::new(), None)
    );
    let (ids, next) = list(String::from("/v1/consents?limit=5")).await;
    assert_eq!((ids.len(), next), (5, None));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_whom_a_paper_is_about_or_against_is_told() {
    // Goal: a paper that would protect nobody is not taken for one that counts. Method: the person
    // under a naming system spelled otherwise, and in a form it has not; then a refusal toward
    // somebody who is no partner.
    let gateway = Gateway::start().await;
    let path = "/v1/consents/slip";
    for (system, value, place) in [
        ("CIN", "90000001A", "/subject/system"),
        ("cws-client-id", "abcdefghij", "/subject/system"),
        ("cin", "9000001A", "/subject/value"),
    ] {
        let mut body = lodging();
        body["subject"] = json!({"system": system, "value": value});
        let (status, told) = send(&gateway, "PUT", path, body.to_string()).await;
        assert_eq!(status, 422, "{system}: {told}");
        assert_eq!(told["findings"][0]["path"], place, "{told}");
    }
    let mut refusal = lodging();
    refusal["subject"] = json!({"system": "cin", "value": " 90000001a"});
    refusal["consent"]["type"] = "deny".into();
    refusal["consent"]["recipient_ids"] = json!(["SVC"]);
    let (status, told) = send(&gateway, "PUT", path, refusal.to_string()).await;
    assert_eq!((status, &told["counts"]), (200, &json!(true)), "{told}");
    assert_eq!(told["findings"][0]["code"], "consent-widened", "{told}");
}
