//! FHIR R4 Consent over HTTP: lodged, shown, replaced and ended together.

use super::harness::{Gateway, client};
use super::holdings::fhir;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn send(gateway: &Gateway, who: &str, verb: &str, path: &str, body: &Value) -> (u16, Value) {
    let verb = verb.parse().expect("method");
    let ask = client()
        .request(verb, gateway.url(path))
        .bearer_auth(format!("token-{who}"))
        .header("content-type", "application/fhir+json");
    let answer = ask.body(body.to_string()).send().await.expect("answer");
    let media = answer.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    let status = answer.status().as_u16();
    assert!(media.contains("json"), "{media}");
    (status, answer.json().await.expect("json"))
}

fn codes(outcome: &Value) -> Vec<&str> {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    let issues = outcome["issue"].as_array().expect("issues").iter();
    issues
        .filter_map(|issue| issue["details"]["coding"][0]["code"].as_str())
        .collect()
}

/// A refusal with exceptions for these purposes.
fn refusal(purposes: &[&str]) -> Value {
    let mut document = fhir();
    let inner: Vec<Value> = purposes
        .iter()
        .map(|code| {
            json!({"type": "permit", "purpose": [{
                "system": crate::consents_fhir::REASON, "code": code}]})
        })
        .collect();
    document["provision"] = json!({"type": "deny", "provision": inner});
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn provisions_are_lodged_replaced_and_ended_together() {
    // Goal: one document is one thing: each provision a paper of its own in the registry, those
    // that are gone end, and the end ends all. Method: two exceptions, then one, then inactive.
    let gateway = Gateway::start().await;
    let put = async |document: &Value| {
        send(&gateway, "alpha", "PUT", "/fhir/Consent/d-1", document).await
    };
    let (status, told) = put(&refusal(&["ETREAT", "HRESCH"])).await;
    assert_eq!(status, 201, "{told}");
    assert!(!codes(&told).contains(&"consent-widened"), "{told}");
    let root = gateway.paper("d-1").await;
    assert_eq!(root["consent"]["type"], "deny");
    for (slot, purpose) in [("d-1#1", "medical_emergency"), ("d-1#2", "research")] {
        let one = gateway.paper(slot).await;
        assert_eq!(one["consent"]["purposes"], json!([purpose]), "{one}");
        assert_eq!(one["consent"]["exception_to"], json!(["d-1"]), "{one}");
    }
    let (status, shown) = send(&gateway, "alpha", "GET", "/fhir/Consent/d-1", &json!(null)).await;
    assert_eq!((status, &shown["status"]), (200, &json!("active")));
    assert_eq!(
        shown["provision"]["provision"].as_array().map(Vec::len),
        Some(2)
    );
    assert!(!shown.to_string().contains("F-1001"), "{shown}");
    // What was shown is taken again as it is, but for its person.
    let mut again = shown.clone();
    again["patient"] = fhir()["patient"].clone();
    let (status, told) = put(&again).await;
    assert_eq!(status, 200, "{told}");
    let (_, after) = send(&gateway, "alpha", "GET", "/fhir/Consent/d-1", &json!(null)).await;
    assert_eq!(after["provision"], shown["provision"]);
    let (status, _) = put(&refusal(&["HRESCH"])).await;
    assert_eq!(status, 200);
    let states = async || {
        let mut states = Vec::new();
        for slot in ["d-1", "d-1#1", "d-1#2"] {
            states.push(gateway.paper(slot).await["revoked_at"].is_null());
        }
        states
    };
    assert_eq!(states().await, [true, true, false]);
    let one = gateway.paper("d-1#1").await;
    assert_eq!(one["consent"]["purposes"], json!(["research"]));
    let mut ended = refusal(&["HRESCH"]);
    ended["status"] = json!("inactive");
    let (status, _) = put(&ended).await;
    assert_eq!(status, 200);
    assert_eq!(states().await, [false, false, false]);
    let (_, shown) = send(&gateway, "alpha", "GET", "/fhir/Consent/d-1", &json!(null)).await;
    assert_eq!(shown["status"], "inactive");
    // What was taken back stays taken back.
    let (status, told) = put(&refusal(&["HRESCH"])).await;
    assert_eq!((status, codes(&told)[0]), (409, "state-conflict"));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lodged_of_a_document_that_is_not_taken() {
    // Goal: an error keeps the whole document out and tells its place; another person's id, a draft
    // and an end of nothing change nothing. Method: each once, then what is kept.
    let gateway = Gateway::start().await;
    let put =
        async |path: &str, document: &Value| send(&gateway, "alpha", "PUT", path, document).await;
    let mut spoiled = refusal(&["ETREAT", "NOSUCH"]);
    let (status, told) = put("/fhir/Consent/d-2", &spoiled).await;
    assert_eq!(
        (status, codes(&told)),
        (422, vec!["body-invalid", "crosswalk-code-unknown"])
    );
    let place = &told["issue"][1]["expression"];
    assert_eq!(place, &json!(["Consent.provision.provision[1].purpose[0]"]));
    for status in [
        "draft",
        "proposed",
        "rejected",
        "inactive",
        "entered-in-error",
    ] {
        spoiled = refusal(&[]);
        spoiled["status"] = json!(status);
        assert_eq!(put("/fhir/Consent/d-2", &spoiled).await.0, 422, "{status}");
    }
    let mut future = refusal(&[]);
    future["dateTime"] = json!("2199-01-01");
    let (status, told) = put("/fhir/Consent/d-2", &future).await;
    assert_eq!(
        (status, codes(&told)),
        (422, vec!["body-invalid", "date-in-future"])
    );
    future = refusal(&[]);
    future["id"] = json!("d-3");
    assert_eq!(put("/fhir/Consent/d-2", &future).await.0, 400);
    let (status, told) = send(&gateway, "alpha", "GET", "/fhir/Consent/d-2", &json!(null)).await;
    assert_eq!((status, codes(&told)), (404, vec!["not-found"]));
    assert_eq!(put("/fhir/Consent/d-2", &refusal(&[])).await.0, 201);
    let mut other = refusal(&["ETREAT"]);
    other["patient"]["identifier"]["value"] = json!("F-2002");
    other["performer"] = json!([other["patient"].clone()]);
    let (status, told) = put("/fhir/Consent/d-2", &other).await;
    assert_eq!((status, codes(&told)), (409, vec!["state-conflict"]));
    assert_eq!(gateway.paper("d-2#1").await["code"], "not-found");
    gateway.running.shutdown().await;
}

/// The extensions of our own that the shipped mappings of FHIR read or write.
fn extensions_of_mappings() -> BTreeSet<String> {
    let (sources, _) = kinbridge::catalog::load(&[]);
    let own = sources.files.iter();
    let own = own.filter(|(path, _)| path.starts_with("mappings/fhir-r4/"));
    let mut all = BTreeSet::new();
    for (_, file) in own {
        let found = file.text.split("url='").skip(1);
        let urls = found.filter_map(|rest| rest.split_once('\'').map(|(url, _)| url.to_owned()));
        all.extend(urls.filter(|url| url.starts_with("urn:kinbridge:fhir:")));
    }
    assert!(all.len() > 100, "only {}", all.len());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_it_takes_and_gives_ids() {
    // Goal: metadata is true and public; a created Consent is found where its answer says. Method:
    // every interaction it names is tried by the other tests; here POST, and what is not taken.
    let gateway = Gateway::start().await;
    let metadata = client()
        .get(gateway.url("/fhir/metadata"))
        .send()
        .await
        .expect("answer");
    let metadata: Value = metadata.json().await.expect("json");
    let offered = metadata["rest"][0]["resource"]
        .as_array()
        .expect("resources");
    assert_eq!(offered.len(), 1);
    let declared = metadata["extension"].as_array().expect("extensions").iter();
    let declared = declared.filter_map(|it| it["valueUri"].as_str().map(str::to_owned));
    assert_eq!(
        declared.collect::<BTreeSet<String>>(),
        extensions_of_mappings()
    );
    let verbs = offered[0]["interaction"]
        .as_array()
        .expect("interactions")
        .iter();
    let verbs: Vec<&str> = verbs.filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(verbs, ["read", "create", "update", "search-type"]);
    let made = client()
        .post(gateway.url("/fhir/Consent"))
        .bearer_auth("token-alpha")
        .json(&fhir())
        .send()
        .await
        .expect("answer");
    assert_eq!(made.status(), 201);
    let place = made.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let (status, shown) = send(&gateway, "alpha", "GET", &place, &json!(null)).await;
    assert_eq!((status, &shown["resourceType"]), (200, &json!("Consent")));
    let (status, _) = send(&gateway, "beta", "GET", &place, &json!(null)).await;
    assert_eq!(status, 404);
    let text = client()
        .post(gateway.url("/fhir/Consent"))
        .bearer_auth("token-alpha");
    let text = text
        .header("content-type", "text/plain")
        .body("x")
        .send()
        .await
        .expect("answer");
    assert_eq!(text.status(), 415);
    gateway.running.shutdown().await;
}

/// A search by a form, and the ids it finds.
async fn search(gateway: &Gateway, who: &str, form: &str) -> (Value, Vec<String>) {
    let ask = client()
        .post(gateway.url("/fhir/Consent/_search"))
        .bearer_auth(format!("token-{who}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    found(ask).await
}

async fn found(ask: reqwest::RequestBuilder) -> (Value, Vec<String>) {
    let answer = ask.send().await.expect("answer");
    let status = answer.status();
    let bundle: Value = answer.json().await.expect("json");
    assert_eq!(status, 200, "{bundle}");
    assert_eq!(
        (&bundle["resourceType"], &bundle["type"]),
        (&json!("Bundle"), &json!("searchset"))
    );
    // What was asked by is in no answer, link or not.
    assert!(!bundle.to_string().contains("F-1001"), "{bundle}");
    let entries = bundle["entry"].as_array().expect("entries").iter();
    let ids = entries.map(|one| one["resource"]["id"].as_str().expect("an id").to_owned());
    let ids = ids.collect();
    (bundle, ids)
}

const FAMILY: &str = "patient.identifier=urn:example:family-id%7CF-1001";

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_the_papers_of_one_person_page_by_page() {
    // Goal: all of the person and none of another, each where its id says, by address and form
    // alike. Method: a document of two papers, two of the registry's own form, another person's.
    let gateway = Gateway::start().await;
    let put =
        async |path: &str, document: &Value| send(&gateway, "alpha", "PUT", path, document).await.0;
    assert_eq!(put("/fhir/Consent/d-1", &refusal(&["ETREAT"])).await, 201);
    let mut other = refusal(&[]);
    other["patient"]["identifier"]["value"] = json!("F-2002");
    other["performer"] = json!([other["patient"].clone()]);
    assert_eq!(put("/fhir/Consent/d-2", &other).await, 201);
    // An id as the registry's papers have would hide one of them.
    let registrys = "/fhir/Consent/con-0198f0c2a4b07c1e8a5d3f6b9c2e1d40";
    assert_eq!(put(registrys, &other).await, 409);
    for id in ["r-1", "r_2"] {
        let ask = client()
            .put(gateway.url(&format!("/v1/consents/{id}")))
            .bearer_auth("token-alpha")
            .json(&super::holdings::lodging());
        assert_eq!(ask.send().await.expect("answer").status(), 200);
    }
    let (bundle, ids) = search(&gateway, "alpha", FAMILY).await;
    assert_eq!((&bundle["total"], ids.len()), (&json!(3), 3), "{bundle}");
    assert_eq!(ids[..2], ["d-1", "r-1"]);
    assert!(
        ids[2].starts_with("con-"),
        "an id FHIR does not allow: {ids:?}"
    );
    let inner = &bundle["entry"][0]["resource"]["provision"]["provision"];
    assert_eq!(inner.as_array().map(Vec::len), Some(1), "{bundle}");
    for (at, id) in ids.iter().enumerate() {
        let path = format!("/fhir/Consent/{id}");
        let (status, one) = send(&gateway, "alpha", "GET", &path, &json!(null)).await;
        assert_eq!(status, 200, "{one}");
        assert_eq!(one, bundle["entry"][at]["resource"]);
        assert_eq!(
            send(&gateway, "beta", "GET", &path, &json!(null)).await.0,
            404
        );
    }
    let mut url = format!("/fhir/Consent?{FAMILY}&_count=2");
    let mut seen = Vec::new();
    loop {
        let ask = client().get(gateway.url(&url)).bearer_auth("token-alpha");
        let (page, ids) = found(ask).await;
        assert!(!ids.is_empty() && ids.len() <= 2, "{page}");
        seen.extend(ids);
        match page["link"]
            .as_array()
            .expect("links")
            .iter()
            .find(|l| l["relation"] == "next")
        {
            Some(next) => url = next["url"].as_str().expect("a link").to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let (bundle, ids) = search(&gateway, "alpha", &FAMILY.replace("1001", "9999")).await;
    assert_eq!((&bundle["total"], ids.len()), (&json!(0), 0));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_shows_no_paper_its_address_would_not() {
    // Goal: another's paper is found by who may read it alone, without what is its lodger's own; a
    // cursor opens nothing. Method: one that names beta as discloser, one that does not, and a
    // stranger.
    let partners = [
        ("alpha", super::harness::SENDER),
        ("beta", super::harness::SENDER),
    ];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let lodge = async |who: &str, id: &str, discloser: Option<&str>| {
        let mut body = super::holdings::lodging();
        body["consent"]["grantor_id"] = json!("mother");
        body["consent"]["supersedes"] = json!(["old-7"]);
        if let Some(named) = discloser {
            body["consent"]["discloser_ids"] = json!([named]);
        }
        let ask = client()
            .put(gateway.url(&format!("/v1/consents/{id}")))
            .bearer_auth(format!("token-{who}"))
            .json(&body);
        let told: Value = ask
            .send()
            .await
            .expect("answer")
            .json()
            .await
            .expect("json");
        let id = told["registry_id"].as_str().expect("an id");
        id.replacen('_', "-", 1)
    };
    let named = lodge("alpha", "a-1", Some("beta")).await;
    let unnamed = lodge("alpha", "a-2", None).await;
    let (_, none) = search(&gateway, "beta", FAMILY).await;
    assert!(none.is_empty(), "a stranger finds nothing: {none:?}");
    lodge("beta", "b-1", None).await;
    let (bundle, ids) = search(&gateway, "beta", FAMILY).await;
    assert_eq!(ids, [named.as_str(), "b-1"], "{bundle}");
    let theirs = bundle["entry"][0].to_string();
    for own in ["a-1", "mother", "old-7"] {
        assert!(!theirs.contains(own), "{own} in {theirs}");
    }
    let path = format!("/fhir/Consent/{named}");
    let (status, one) = send(&gateway, "beta", "GET", &path, &json!(null)).await;
    assert_eq!((status, &one), (200, &bundle["entry"][0]["resource"]));
    for query in [
        format!("_cursor={unnamed}"),
        String::from("patient=Patient/zanzibar"),
        format!("{FAMILY}&zanzibar=1"),
        String::new(),
    ] {
        let path = format!("/fhir/Consent?{query}");
        let (status, told) = send(&gateway, "beta", "GET", &path, &json!(null)).await;
        assert_eq!(
            (status, codes(&told)),
            (400, vec!["parameter-invalid"]),
            "{query}"
        );
        assert!(!told.to_string().contains("zanzibar"), "{told}");
    }
    gateway.running.shutdown().await;
}
