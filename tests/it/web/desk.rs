//! Goal: who may resolve a work item sees what it is about, its sender and others do not. Method: a
//! contact handed in over HTTP, held on its way to a partner; every kind of caller reads the items.

use super::harness::{Gateway, SENDER, client};
use super::replay::claimed;
use super::submissions::{contact, fits, hand_in};
use crate::store::world;
use kinbridge::base::id::RecordId;
use kinbridge::store::{Completion, Hearer, HoldCause, Resolution};
use serde_json::{Value, json};

const COUNTY: &str = r#"role = "cws"
mode = "test"
simulated = true

[[channel]]
name = "pull"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
purpose = "care_coordination"
"#;

async fn items(gateway: &Gateway, who: &str) -> Value {
    let ask = client()
        .get(gateway.url("/v1/work-items"))
        .bearer_auth(format!("token-{who}"));
    let answer = ask.send().await.expect("answer");
    assert_eq!(answer.status(), 200, "{who}");
    let page: Value = answer.json().await.expect("json");
    fits(gateway, "WorkItemPage", &page).await;
    assert!(!page.to_string().contains("Quintrell"), "{who}: a value");
    assert!(!page.to_string().contains("per_"), "{who}: a person");
    page["work_items"].clone()
}

/// A county that is sent contacts of its own.
const NEIGHBOR: &str = r#"role = "cws"
county_fips = "06067"
mode = "test"
simulated = true

[[channel]]
name = "pull"
direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
purpose = "care_coordination"
related_by = ["county"]
https = { url = "https://county.example/inbox" }
"#;

/// A gateway on which a contact of alpha's waits for this cause on its way to a county, with or
/// without a decision on record.
async fn waiting(cause: HoldCause, recorded: bool) -> Gateway {
    waiting_for(COUNTY, contact("c-1"), (cause, recorded)).await
}

/// The same of this contact on its way to this county.
async fn waiting_for(
    county: &str,
    mut contact: Value,
    (cause, recorded): (HoldCause, bool),
) -> Gateway {
    let contracted = format!(
        "{SENDER}\n[[agreement]]\nid = \"4\"\nkind = \"county_contract\"\nwith = \"county\"\n"
    );
    let partners = [
        ("alpha", contracted.as_str()),
        ("beta", SENDER),
        ("county", county),
    ];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    contact["persons"][0]["names"][0]["last"] = json!("Quintrell");
    let sent = hand_in(&gateway, "", &[], contact.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let id = sent.body["records"][0]["record_id"].as_str();
    let id = RecordId::parse(id.expect("an id")).expect("an id");
    let store = gateway.running.gateway.store.clone();
    let claimed = claimed(&store, id, ("county", "pull")).await;
    let decision = recorded.then(|| Box::new(world::decision(&claimed, "withhold")));
    let held = Completion::Held { cause, decision };
    assert!(world::complete_one(&store, &claimed, held).await);
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_resolve_see_recipient_classes_and_law() {
    let gateway = waiting(HoldCause::HumanReview, true).await;
    for who in ["privacy_officer", "auditor"] {
        let item = items(&gateway, who).await[0].clone();
        let about = &item["about"];
        assert_eq!(about["recipient"], "county", "{item}");
        assert_eq!(about["channel"], "pull");
        assert_eq!(about["purpose"], "care_coordination");
        assert_eq!(about["record_type"], "engagement-contact");
        assert_eq!(about["state"], "held");
        assert_eq!(about["decision"]["taken"], "recorded");
        let withheld = json!([{ "data_class": "referral", "citation": "WIC 10850" }]);
        assert_eq!(about["decision"]["withheld"], withheld);
        let asked = &about["decision"]["reviews"][0];
        assert_eq!(asked["by"], "refusal_unclear", "{item}");
        assert!(asked["reason"].is_string() && asked["reason_es"].is_string());
        let classes = about["classes"].as_array().expect("classes");
        assert!(classes.contains(&json!("engagement_contact")), "{item}");
        assert!(item["meaning"].is_string());
    }
    // That a person looks at a delivery is not told the record's sender.
    assert_eq!(items(&gateway, "alpha").await, json!([]));
    let officer = items(&gateway, "privacy_officer").await;
    assert_eq!(officer[0]["resolutions"], json!(["release", "discard"]));
    for who in ["auditor", "integrator"] {
        assert_eq!(items(&gateway, who).await[0]["resolutions"], json!([]));
    }
    let integrator = items(&gateway, "integrator").await;
    let about = integrator[0]["about"].as_object().expect("told");
    assert_eq!(about["recipient"], "county");
    assert!(!about.contains_key("classes") && !about.contains_key("decision"));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integrator_sees_what_an_integrator_may_resolve() {
    let gateway = waiting(HoldCause::OutputInvalid, false).await;
    let item = items(&gateway, "integrator").await[0].clone();
    assert_eq!(item["resolutions"], json!(["release", "discard"]));
    // Nothing was on record: told is what would be decided now, by the rules in force.
    let decision = &item["about"]["decision"];
    assert_eq!(decision["taken"], "now", "{item}");
    assert_eq!(decision["citations"], json!(["policy:no-tie"]), "{item}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_invalid_is_told_to_those_who_resolve_it() {
    // Method: the record's start is of a class the county may not see, and required.
    let mut contact = contact("c-1");
    contact["envelope"]["county_fips"] = json!("06067");
    contact["envelope"]["labels"] = json!([{ "path": "/body/start", "classes": ["hiv_test"] }]);
    for recorded in [false, true] {
        let cause = (HoldCause::OutputInvalid, recorded);
        let gateway = waiting_for(NEIGHBOR, contact.clone(), cause).await;
        for who in ["integrator", "auditor"] {
            let items = items(&gateway, who).await;
            let mut items = items.as_array().expect("items").iter();
            let item = items.find(|item| item["cause"] == "output-invalid");
            let invalid = &item.expect("it waits")["about"]["invalid"];
            assert_eq!(invalid[0]["code"], "schema-required-missing", "{invalid}");
            assert_eq!(invalid[0]["path"], "/body/start", "{invalid}");
        }
        assert_eq!(items(&gateway, "alpha").await[0].get("about"), None);
        gateway.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_hears_of_no_look_at_a_delivery() {
    let gateway = waiting(HoldCause::HumanReview, true).await;
    for who in ["alpha", "beta"] {
        assert_eq!(items(&gateway, who).await, json!([]), "{who}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_names_only_whom_the_sender_knows() {
    // Goal: where a record went is told of recipients the sender wrote on it alone. Method: a
    // contact of another county, one of its own county, each with a delivery to the first.
    let contracted = format!(
        "{SENDER}\n[[agreement]]\nid = \"4\"\nkind = \"county_contract\"\nwith = \"county\"\n"
    );
    let county = COUNTY.replacen('\n', "\ncounty_fips = \"06067\"\n", 1);
    let partners = [("alpha", contracted.as_str()), ("county", county.as_str())];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let store = gateway.running.gateway.store.clone();
    for (key, fips, told) in [
        ("c-1", "06001", json!(null)),
        ("c-2", "06067", json!("county")),
    ] {
        let mut contact = contact(key);
        contact["envelope"]["county_fips"] = json!(fips);
        let sent = hand_in(&gateway, "", &[], contact.to_string()).await;
        assert_eq!(sent.status, 202, "{}", sent.body);
        let id = sent.body["records"][0]["record_id"].as_str();
        let id = RecordId::parse(id.expect("an id")).expect("an id");
        let claimed = claimed(&store, id, ("county", "pull")).await;
        let decision = Some(Box::new(world::decision(&claimed, "withhold")));
        let cause = HoldCause::ObligationOpen;
        let held = Completion::Held { cause, decision };
        assert!(world::complete_one(&store, &claimed, held).await);
        let submission = sent.body["submission_id"].as_str().expect("an id");
        let ask = client().get(gateway.url(&format!("/v1/submissions/{submission}")));
        let answer = ask.bearer_auth("token-alpha").send().await.expect("answer");
        let view: Value = answer.json().await.expect("json");
        let delivery = &view["records"][0]["deliveries"][0];
        assert_eq!(delivery["partner"], told, "{view}");
        let items = items(&gateway, "alpha").await;
        assert_eq!(
            items.as_array().expect("items").len(),
            usize::from(!told.is_null())
        );
    }
    // Nor does a page: what is hidden takes no place in it, and no cursor leads behind it.
    let ask = client().get(gateway.url("/v1/work-items?limit=1"));
    let page = ask.bearer_auth("token-alpha").send().await.expect("answer");
    let page: Value = page.json().await.expect("json");
    let items = page["work_items"].as_array().expect("items");
    assert_eq!((items.len(), &page["next_cursor"]), (1, &json!(null)));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_stand_in_the_document() {
    // Goal: whoever resolves finds the words where the API is described. Method: follow the route's
    // body to its schema.
    let gateway = Gateway::start().await;
    let ask = client().get(gateway.url("/openapi.json"));
    let document: Value = ask
        .send()
        .await
        .expect("answer")
        .json()
        .await
        .expect("json");
    let route = &document["paths"]["/v1/work-items/{id}/resolve"]["post"];
    let schema = &route["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let schema = schema.as_str().expect("a schema").trim_start_matches('#');
    let words = &document.pointer(schema).expect("described")["properties"]["resolution"];
    let all: Vec<&str> = Resolution::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(words["enum"], json!(all));
    gateway.running.shutdown().await;
}

#[test]
fn the_page_says_how_each_cause_is_settled() {
    // Goal: whoever reads the page tries nothing that is refused. Method: the table made from what
    // the gateway goes by.
    let lines = HoldCause::ALL.map(|cause| {
        let settling = cause.settling();
        let words = settling.resolutions.iter();
        let words: Vec<String> = words.map(|one| format!("`{}`", one.as_str())).collect();
        let who = match settling.officers {
            true => "privacy officer",
            false => "integrator, privacy officer",
        };
        let hears = match settling.hearer {
            Hearer::Partner => "yes",
            Hearer::Operators => "no",
        };
        let (cause, words) = (json!(cause), words.join(", "));
        let cause = cause.as_str().expect("a word").to_owned();
        format!("| `{cause}` | {words} | {who} | {hears} |\n")
    });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let page = std::fs::read_to_string(file).expect("docs/operating.md is readable");
    let table = lines.concat();
    assert!(page.contains(&table), "the table should read:\n{table}");
}
