//! Forms of others over HTTP: their papers are lodged, replaced and ended together.

use super::harness::{Gateway, SENDER, client};
use super::submissions::fits;
use crate::consent_imports::release;
use kinbridge::base::clock::{Clock as _, SystemClock};
use kinbridge::disclosure::moment::local_day;
use serde_json::{Value, json};

async fn import(gateway: &Gateway, query: &str, document: &Value) -> (u16, Value) {
    let url = gateway.url(&format!("/v1/consents/imports{query}"));
    let ask = client().post(url).bearer_auth("token-alpha").json(document);
    let answer = ask.send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_lodged_replaced_and_ended_as_one() {
    // Goal: one form, several papers, one life. Method: lodge, send again with a box less, revoke.
    let gateway = Gateway::start().await;
    let (status, told) = import(&gateway, "?form=ascmi", &release()).await;
    assert_eq!(status, 200, "{told}");
    fits(&gateway, "ConsentImported", &told).await;
    let ids = |told: &Value| {
        let papers = told["papers"].as_array().expect("papers").iter();
        let mut ids: Vec<String> = papers
            .map(|one| one["consent_id"].as_str().expect("id").to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&told), ["release-1", "release-1#1", "release-1#2"]);
    let (_, again) = import(&gateway, "?form=ascmi", &release()).await;
    assert_eq!(again["papers"], told["papers"], "the same said again");
    assert_eq!(
        gateway.paper("release-1#1").await["consent"]["kind"],
        "part2_tpo"
    );
    let mut less = release();
    less["information"] = json!(["physical_health"]);
    let (_, told) = import(&gateway, "?form=ascmi", &less).await;
    assert_eq!(ids(&told), ["release-1"]);
    for gone in ["release-1#1", "release-1#2"] {
        assert!(
            gateway.paper(gone).await["revoked_at"].is_string(),
            "{gone}"
        );
    }
    less["revoked"] = json!("2026-06-01");
    let (status, told) = import(&gateway, "?form=ascmi", &less).await;
    assert_eq!((status, &told["papers"]), (200, &json!([])));
    assert!(gateway.paper("release-1").await["revoked_at"].is_string());
    let (status, _) = import(&gateway, "?form=ascmi", &release()).await;
    assert_eq!(status, 409);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_any_paper_of_a_form_revokes_the_form() {
    // Goal: nothing of a form stays open behind the paper that was revoked, and no id of a form's
    // paper can be anybody's own. Method: revoke by the form's id, by that of a later paper, by the
    // registry's; then look at each.
    for by in 0..3 {
        let gateway = Gateway::start().await;
        import(&gateway, "?form=ascmi", &release()).await;
        let last = gateway.paper("release-1#2").await;
        let registered = last["registry_id"].as_str().expect("an id").to_owned();
        let id = ["release-1", "release-1%231", &registered][by];
        let url = gateway.url(&format!("/v1/consents/{id}/revoke"));
        let ask = client().post(url).bearer_auth("token-alpha").send().await;
        assert_eq!(ask.expect("answer").status(), 200, "{id}");
        for gone in ["release-1", "release-1#1", "release-1#2"] {
            let told = gateway.paper(gone).await;
            assert!(told["revoked_at"].is_string(), "{gone} by {id}");
            assert_eq!(told["revision"], 2);
        }
        let url = gateway.url("/v1/consents/release-2%231");
        let put = client().put(url).bearer_auth("token-alpha");
        let put = put.json(&super::holdings::lodging()).send().await;
        assert_eq!(put.expect("answer").status(), 409);
        gateway.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_paper_under_a_forms_id_takes_the_place_of_the_whole_form() {
    // Goal: nothing of a form goes on behind the paper that replaced it; nothing is touched where
    // it cannot. Method: a form of three papers, one paper put under its id: of another person,
    // then of this one.
    let gateway = Gateway::start().await;
    import(&gateway, "?form=ascmi", &release()).await;
    let url = gateway.url("/v1/consents/release-1");
    let put = async |body: &Value| {
        let ask = client().put(&url).bearer_auth("token-alpha").json(body);
        let answer = ask.send().await.expect("answer");
        (answer.status().as_u16(), answer.json().await.expect("json"))
    };
    let mut body = super::holdings::lodging();
    body["subject"]["value"] = json!("F-2002");
    let (status, _): (u16, Value) = put(&body).await;
    assert_eq!(status, 409);
    for standing in ["release-1", "release-1#1", "release-1#2"] {
        let told = gateway.paper(standing).await;
        assert!(told["revoked_at"].is_null(), "{standing}: {told}");
    }
    body["subject"]["value"] = json!("F-1001");
    let (status, told): (u16, Value) = put(&body).await;
    assert_eq!((status, &told["revision"]), (200, &json!(2)), "{told}");
    assert!(gateway.paper("release-1").await["revoked_at"].is_null());
    for gone in ["release-1#1", "release-1#2"] {
        let told = gateway.paper(gone).await;
        assert!(told["revoked_at"].is_string(), "{gone}: {told}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_leaves_nothing() {
    // Goal: another form, an answer without a meaning and an id that could be another paper's lodge
    // nothing. Method: each once, then what is kept.
    let gateway = Gateway::start().await;
    for query in ["", "?form=shoe", "?form=ascmi&form=r11", "?other=ascmi"] {
        assert_eq!(import(&gateway, query, &release()).await.0, 400, "{query}");
    }
    let mut wrong = release();
    wrong["purposes"] = json!(["treatment", "curiosity"]);
    let (status, told) = import(&gateway, "?form=ascmi", &wrong).await;
    assert_eq!(
        (status, &told["findings"][0]["path"]),
        (422, &json!("/purposes/1"))
    );
    wrong = release();
    wrong["consent_id"] = json!("release-1#1");
    assert_eq!(import(&gateway, "?form=ascmi", &wrong).await.0, 422);
    wrong = release();
    wrong["consent_id"] = json!("con_0197a3a0c1f27d2c8a3d5e6f70819203");
    assert_eq!(import(&gateway, "?form=ascmi", &wrong).await.0, 422);
    wrong = release();
    wrong["signature"]["date"] = json!("2199-01-01");
    let (status, told) = import(&gateway, "?form=ascmi", &wrong).await;
    // Of the paper it would have made: no line of what nobody sent.
    let finding = &told["findings"][0];
    assert_eq!(
        (status, &finding["path"], &finding["line"]),
        (422, &json!("/papers/0/consent/signed"), &Value::Null),
        "{told}"
    );
    assert_eq!(gateway.paper("release-1").await["code"], "not-found");
    wrong = release();
    wrong["revoked"] = json!("2026-06-01");
    assert_eq!(import(&gateway, "?form=ascmi", &wrong).await.0, 404);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_made_for_a_form_is_its_lodgers_and_each_paper_says_why_it_does_not_count() {
    // Goal: it is no registry id, and leads to the form; whose finding it is can be told. Method: a
    // form without an id that ends too soon to count.
    let gateway = Gateway::start().await;
    let mut nameless = release();
    nameless
        .as_object_mut()
        .expect("members")
        .remove("consent_id");
    let (status, told) = import(&gateway, "?form=ascmi", &nameless).await;
    assert_eq!(status, 200, "{told}");
    fits(&gateway, "ConsentImported", &told).await;
    let id = told["consent_id"].as_str().expect("an id");
    assert!(id.starts_with("doc-"), "{id}");
    let registered = &told["papers"][0]["registry_id"];
    assert_eq!(gateway.paper(id).await["registry_id"], *registered);
    for one in told["papers"].as_array().expect("papers") {
        let findings = one["findings"].as_array().expect("findings");
        assert_eq!(one["counts"], json!(findings.is_empty()), "{one}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_document_lodges_papers_that_count() {
    // Goal: whoever copies the example has papers that count. Method: send it as the gateway prints
    // it, its days moved to now.
    let partners = [("alpha", SENDER), ("example-provider", SENDER)];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let document = client().get(gateway.url("/openapi.json")).send().await;
    let document: Value = document.expect("answer").json().await.expect("json");
    let at = "/paths/~1v1~1consents~1imports/post/requestBody/content/application~1json/example";
    let mut example = document.pointer(at).expect("an example").clone();
    let now = SystemClock.now();
    example["signature"]["date"] = json!(local_day(now).to_string());
    let later = now.after(std::time::Duration::from_secs(300 * 24 * 3_600));
    example["expires"] = json!(local_day(later).to_string());
    let (status, told) = import(&gateway, "?form=ascmi", &example).await;
    assert_eq!(status, 200, "{told}");
    let papers = told["papers"].as_array().expect("papers");
    assert!(!papers.is_empty());
    for one in papers {
        assert_eq!(one["counts"], true, "{one}");
    }
    gateway.running.shutdown().await;
}
