//! Goal: the emergency door over HTTP: answered at once, told to officers and sources, accounted,
//! reviewed; who is not known answers like who nothing may be told about. Method: a contact handed
//! in by a clinic, asked for by a hospital.

use super::harness::{Gateway, SENDER, client};
use super::submissions::{contact, fits, hand_in};
use serde_json::{Value, json};

const HOSPITAL: &str = r#"role = "health_provider"
mode = "live"

[[channel]]
name = "emergency"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "medical_emergency"
"#;

/// A gateway on which a clinic has handed in a contact with a diagnosis.
async fn opened(change: impl FnOnce(&mut kinbridge::config::Config)) -> Gateway {
    opened_by("mhp", change).await
}

/// As [`opened`], by a source of that role.
async fn opened_by(role: &str, change: impl FnOnce(&mut kinbridge::config::Config)) -> Gateway {
    let sends = SENDER.replace("contact\"]", "contact\", \"service-referral\"]");
    let source = format!("role = \"{role}\"\nmode = \"live\"\n{sends}");
    let partners = [
        ("alpha", source.as_str()),
        ("beta", SENDER),
        ("hospital", HOSPITAL),
    ];
    let gateway = Gateway::start_with_partners(&partners, change).await;
    let mut contact = contact("c-1");
    contact["persons"][0]["role"] = json!("parent");
    contact["persons"][0]["birth_date"] = json!("1990-05-05");
    contact["persons"][0]["identifiers"] =
        json!([{ "system": "urn:example:family-id", "value": "F-1001" }]);
    contact["body"]["billable"] = json!({ "hcpcs": "H0038", "dx": ["F11.20"] });
    let sent = hand_in(&gateway, "", &[], contact.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    gateway
}

fn declaration(value: &str) -> Value {
    json!({
        "requester": {
            "name": "Dr. Ada Testmann", "title": "Emergency physician",
            "affiliation": "Example Hospital"
        },
        "subject": { "system": "urn:example:family-id", "value": value },
        "purpose": "medical_emergency",
        "reason": "zebra-reason",
        "emergency": {
            "nature": "Unconscious", "consent_obtainable": false,
            "consent_unobtainable_because": "Unconscious",
            "treating_facility": "Example Hospital", "discloser": "the gateway"
        }
    })
}

async fn access(gateway: &Gateway, who: &str, body: &Value) -> (u16, Value) {
    gateway
        .ask(who, "POST", "/v1/emergency-access", body.clone())
        .await
}

/// All open work items the caller sees, page after page.
async fn items(gateway: &Gateway, who: &str) -> Vec<Value> {
    items_because(gateway, who, None).await
}

/// The same, read by somebody who says why.
async fn items_because(gateway: &Gateway, who: &str, why: Option<&str>) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/work-items?limit=200{cursor}");
        let mut ask = client().get(gateway.url(&path));
        if let Some(why) = why {
            ask = ask.header("kinbridge-reason", why);
        }
        let answer = ask.bearer_auth(format!("token-{who}")).send().await;
        let page: Value = answer.expect("answer").json().await.expect("json");
        fits(gateway, "WorkItemPage", &page).await;
        items.extend(
            page["work_items"]
                .as_array()
                .expect("items")
                .iter()
                .cloned(),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn of<'a>(items: &'a [Value], cause: &str) -> Vec<&'a Value> {
    items.iter().filter(|item| item["cause"] == cause).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_answered_told_accounted_and_reviewed() {
    let gateway = opened(|config| config.operator[1].on_call = true).await;
    let (status, answer) = access(&gateway, "hospital", &declaration("F-1001")).await;
    assert_eq!(status, 200, "{answer}");
    fits(&gateway, "EmergencyAnswer", &answer).await;
    let records = answer["records"].as_array().expect("records");
    assert_eq!(records.len(), 1, "{answer}");
    assert_eq!(records[0]["excerpt"], true);
    let content = records[0]["content"].as_str().expect("content");
    assert!(
        content.contains("F11.20") && !content.contains("Exemplar"),
        "{content}"
    );

    let list = items(&gateway, "privacy_officer").await;
    let told = of(&list, "emergency-access")[0]["emergency"].clone();
    assert_eq!(told["requester"]["name"], "Dr. Ada Testmann");
    let told = told.to_string();
    for trace in ["zebra-reason", "F-1001", "Unconscious"] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    let officer = items_because(&gateway, "privacy_officer", Some("the review")).await;
    let told = of(&officer, "emergency-access");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["emergency"]["subject"]["value"], "F-1001");
    assert_eq!(told[0]["emergency"]["reason"], "zebra-reason");
    assert_eq!(told[0]["on_call"], json!(["privacy_officer"]));
    assert_eq!(
        told[0]["emergency"]["given"][0]["record_id"],
        records[0]["record_id"]
    );
    let review = of(&officer, "review-after");
    assert_eq!(review.len(), 1);
    assert!(review[0]["due_at"].is_string() && review[0]["overdue"] == false);
    let integrator = items(&gateway, "integrator").await;
    assert_eq!(
        of(&integrator, "emergency-access")[0].get("emergency"),
        None
    );

    let source = items(&gateway, "alpha").await;
    assert_eq!(source.len(), 1, "{source:?}");
    assert_eq!(source[0]["cause"], "emergency-notice");
    assert_eq!(source[0]["record_id"], records[0]["record_id"]);
    assert_eq!(source[0]["emergency"]["partner"], "hospital");
    assert_eq!(
        source[0]["emergency"]["requester"],
        json!({ "title": "Emergency physician", "affiliation": "Example Hospital" })
    );
    let told = json!(source).to_string();
    for trace in ["zebra-reason", "Unconscious", "Ada Testmann"] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    assert!(items(&gateway, "beta").await.is_empty());
    assert!(items(&gateway, "hospital").await.is_empty());

    accounted(&gateway).await;
    resolved(&gateway, review[0], source[0]["work_item_id"].as_str()).await;
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_2_program_is_told_what_it_has_to_document() {
    // Goal: 42 CFR 2.51(c) is met and nothing more is told: neither reason nor subject. Method: the
    // same request, of a record of a substance-use program.
    let gateway = opened_by("sud_program", |_| {}).await;
    let (status, answer) = access(&gateway, "hospital", &declaration("F-1001")).await;
    assert_eq!(status, 200, "{answer}");
    let source = items(&gateway, "alpha").await;
    let notice = of(&source, "emergency-notice");
    assert_eq!(notice.len(), 1, "{source:?}");
    let told = &notice[0]["emergency"];
    assert_eq!(told["requester"]["name"], "Dr. Ada Testmann");
    assert_eq!(told["emergency"]["nature"], "Unconscious");
    for member in ["reason", "subject", "given"] {
        assert_eq!(told.get(member), None, "{member}");
    }
    gateway.running.shutdown().await;
}

async fn accounted(gateway: &Gateway) {
    let ask = client()
        .get(gateway.url("/v1/disclosures?person=urn:example:family-id%7CF-1001"))
        .header("kinbridge-reason", "the family asks")
        .bearer_auth("token-privacy_officer");
    let page: Value = ask
        .send()
        .await
        .expect("answer")
        .json()
        .await
        .expect("json");
    fits(gateway, "DisclosurePage", &page).await;
    let disclosures = page["disclosures"].as_array().expect("listed");
    assert_eq!(disclosures.len(), 1, "{page}");
    assert_eq!(disclosures[0]["partner"], "hospital");
    assert_eq!(disclosures[0]["source"], "alpha");
    assert_eq!(disclosures[0]["purpose"], "medical_emergency");
    let declared = &disclosures[0]["emergency"];
    assert_eq!(declared["requester"]["affiliation"], "Example Hospital");
    assert_eq!(declared["emergency"]["nature"], "Unconscious");
    explained(gateway, &disclosures[0]).await;
}

/// An officer is told why it went, by the id the accounting gives it.
async fn explained(gateway: &Gateway, disclosure: &Value) {
    let id = disclosure["disclosure_id"].as_str().expect("an id");
    let ask = client()
        .get(gateway.url(&format!("/v1/deliveries/{id}/decision")))
        .header("kinbridge-reason", "the family asks")
        .bearer_auth("token-auditor");
    let answer = ask.send().await.expect("answer");
    let status = answer.status().as_u16();
    let told: Value = answer.json().await.expect("json");
    assert_eq!(status, 200, "{told}");
    fits(gateway, "PastDecision", &told).await;
    assert_eq!(told["partner"], "hospital");
    assert_eq!(told["channel"], "emergency");
    assert_eq!(told["record_id"], disclosure["record_id"]);
    assert_eq!(told["as_recorded"], true, "{told}");
}

async fn resolved(gateway: &Gateway, review: &Value, notice: Option<&str>) {
    let id = review["work_item_id"].as_str().expect("an id");
    let path = format!("/v1/work-items/{id}/resolve");
    for (who, word, status) in [
        ("integrator", "justified", 403),
        ("privacy_officer", "discard", 409),
        ("privacy_officer", "not_justified", 200),
        ("privacy_officer", "justified", 404),
    ] {
        let body = json!({ "resolution": word, "reason": "seen by phone" });
        let (answered, told) = gateway.ask(who, "POST", &path, body.clone()).await;
        assert_eq!(answered, status, "{who} {word}: {told}");
    }
    let path = format!("/v1/work-items/{}/acknowledge", notice.expect("an id"));
    let empty = json!({});
    assert_eq!(
        gateway
            .ask("hospital", "POST", &path, empty.clone())
            .await
            .0,
        404
    );
    assert_eq!(
        gateway.ask("alpha", "POST", &path, empty.clone()).await.0,
        200
    );
    assert!(items(gateway, "alpha").await.is_empty());
}

/// Lodges a paper of the same person's for an emergency as the clinic.
async fn lodged(gateway: &Gateway, id: &str, kind: &str, classes: &[&str]) {
    let elements = [
        "description",
        "discloser",
        "recipient",
        "purpose",
        "expiration",
        "signature",
        "date",
        "right_to_revoke",
        "redisclosure_statement",
    ];
    let body = json!({
        "subject": { "system": "urn:example:family-id", "value": "F-1001" },
        "consent": {
            "kind": kind, "type": "permit", "grantor": "self", "classes": classes,
            "recipients": ["health_provider"], "purposes": ["medical_emergency"],
            "signed": "2026-03-01", "end": "2099-12-31", "elements": elements
        }
    });
    let ask = client()
        .put(gateway.url(&format!("/v1/consents/{id}")))
        .bearer_auth("token-alpha")
        .json(&body);
    let told: Value = ask
        .send()
        .await
        .expect("answer")
        .json()
        .await
        .expect("json");
    assert_eq!(told["counts"], true, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_for_one_disclosure_opens_one_answer() {
    // Goal: the door uses up what it rests on, as a delivery does. Method: a person whose consent
    // can be had, a test result a consent for one disclosure opens; asked twice.
    let gateway = opened(|_| {}).await;
    let mut marked = contact("c-1");
    marked["persons"][0]["role"] = json!("parent");
    marked["persons"][0]["birth_date"] = json!("1990-05-05");
    marked["persons"][0]["identifiers"] =
        json!([{ "system": "urn:example:family-id", "value": "F-1001" }]);
    marked["body"]["billable"] = json!({ "hcpcs": "H0038", "dx": ["F11.20"] });
    marked["envelope"]["labels"] = json!([{ "path": "/body/start", "classes": ["hiv_test"] }]);
    let sent = hand_in(&gateway, "", &[], marked.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let others = ["mental_health", "engagement_contact", "demographics"];
    lodged(&gateway, "others", "general_roi", &others).await;
    lodged(&gateway, "once", "hiv_auth", &["hiv_test"]).await;
    let mut asked = declaration("F-1001");
    asked["emergency"]["consent_obtainable"] = json!(true);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (status, answer) = access(&gateway, "hospital", &asked).await;
        assert_eq!(status, 200, "{answer}");
        seen.push(answer["records"].to_string().contains("T09:30"));
    }
    assert_eq!(seen, [true, false]);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_answers_like_who_nothing_may_be_told_about() {
    // Goal: the door is no directory. Method: nobody, and somebody whose consent can be had.
    let gateway = opened(|_| {}).await;
    let (status, mut unknown) = access(&gateway, "hospital", &declaration("F-9999")).await;
    assert_eq!(status, 200);
    let mut closed = declaration("F-1001");
    closed["emergency"]["consent_obtainable"] = json!(true);
    let (status, mut closed) = access(&gateway, "hospital", &closed).await;
    assert_eq!(status, 200);
    for answer in [&mut unknown, &mut closed] {
        fits(&gateway, "EmergencyAnswer", answer).await;
        answer["access_id"] = json!(null);
        answer["answered_at"] = json!(null);
    }
    assert_eq!(unknown, closed);
    assert_eq!(unknown["records"], json!([]));
    // Both are the officers' to know of; nothing was given, so nothing is reviewed.
    let officer = items(&gateway, "privacy_officer").await;
    assert_eq!(of(&officer, "emergency-access").len(), 2);
    assert!(of(&officer, "review-after").is_empty());
    gateway.running.shutdown().await;
}

/// Hands so many further contacts of the same person in, newer than what is there.
async fn contacts(gateway: &Gateway, prefix: &str, dx: &[&str]) {
    let lines = (0..203).map(|at| {
        let mut contact = contact(&format!("{prefix}-{at}"));
        contact["persons"][0]["role"] = json!("parent");
        contact["persons"][0]["birth_date"] = json!("1990-05-05");
        contact["persons"][0]["identifiers"] =
            json!([{ "system": "urn:example:family-id", "value": "F-1001" }]);
        if !dx.is_empty() {
            contact["body"]["billable"] = json!({ "hcpcs": "H0038", "dx": dx });
        }
        contact.to_string() + "\n"
    });
    let ask = client()
        .post(gateway.url("/v1/submissions"))
        .bearer_auth("token-alpha")
        .header("content-type", "application/x-ndjson")
        .header("kinbridge-format", "kinbridge-json/1.0")
        .body(lines.collect::<String>());
    let answer = ask.send().await.expect("answer");
    assert_eq!(answer.status(), 202);
    let receipt: Value = answer.json().await.expect("json");
    assert_eq!(receipt["counts"]["accepted"], 203, "{}", receipt["counts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_whole_or_says_that_it_is_not() {
    // Goal: what may go is found behind whatever is newer and stays; an answer with more than it
    // holds says so, and of what stays nobody hears. Method: one contact behind more than a page of
    // those nothing opens, then as many that go.
    let gateway = opened(|_| {}).await;
    contacts(&gateway, "stays", &[]).await;
    let (status, answer) = access(&gateway, "hospital", &declaration("F-1001")).await;
    assert_eq!(status, 200, "{answer}");
    let records = answer["records"].as_array().expect("records");
    assert_eq!(records.len(), 1);
    assert!(records[0].to_string().contains("F11.20"));
    assert_eq!(answer["truncated"], false);
    contacts(&gateway, "goes", &["F11.20"]).await;
    let (status, answer) = access(&gateway, "hospital", &declaration("F-1001")).await;
    assert_eq!(status, 200);
    fits(&gateway, "EmergencyAnswer", &answer).await;
    assert_eq!(answer["records"].as_array().expect("records").len(), 200);
    assert_eq!(answer["truncated"], true);
    let officer = items(&gateway, "privacy_officer").await;
    let told = of(&officer, "emergency-access");
    let told: Vec<&str> = told.iter().filter_map(|i| i["detail"].as_str()).collect();
    let more = "given 200, held 0, more may go than one answer holds";
    assert!(
        told.contains(&more) && told.contains(&"given 1, held 0"),
        "{told:?}"
    );
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_asks_who_why_and_for_what_and_how_often() {
    // Goal: no anonymous request, none without what 42 CFR 2.51 asks, none from whom no channel
    // leads to, and not too many. Method: one thing missing at a time, then one too many.
    let gateway = opened(|config| config.limits.partner_emergencies_per_hour = 5).await;
    let mut unnamed = declaration("F-1001");
    unnamed["requester"]["name"] = json!(null);
    let mut unexplained = declaration("F-1001");
    unexplained["emergency"]["consent_unobtainable_because"] = json!(null);
    let mut elsewhere = declaration("F-1001");
    elsewhere["purpose"] = json!("treatment");
    let mut glass = declaration("F-1001");
    glass["purpose"] = json!("break_glass");
    for (who, body, wanted) in [
        ("hospital", &unnamed, 422),
        ("hospital", &unexplained, 422),
        ("hospital", &elsewhere, 422),
        ("hospital", &glass, 403),
        ("beta", &declaration("F-1001"), 403),
        ("privacy_officer", &declaration("F-1001"), 403),
        ("hospital", &declaration("F-1001"), 200),
        ("hospital", &declaration("F-1001"), 429),
    ] {
        let (status, answer) = access(&gateway, who, body).await;
        assert_eq!(status, wanted, "{who}: {answer}");
        assert!(!answer.to_string().contains("zebra"), "{answer}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_hear_how_much_waits_for_somebody() {
    // Goal: what a clerk could let go is counted, not lost among what stays. Method: beside the
    // contact that goes a referral of the same person, addressed to nobody anybody knows.
    let gateway = opened(|_| {}).await;
    let mut referral: Value = serde_json::from_str(&crate::deliver::referral()).expect("JSON");
    let own = json!({ "system": "urn:example:family-id", "value": "F-1001" });
    referral["persons"][0]["identifiers"] = json!([own]);
    let nobody = json!([{ "system": "urn:org", "value": "nobody-anybody-knows" }]);
    referral["body"]["recipient"]["identifiers"] = nobody;
    let sent = hand_in(&gateway, "", &[], referral.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let (status, answer) = access(&gateway, "hospital", &declaration("F-1001")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["records"].as_array().map(Vec::len), Some(1));
    let officer = items(&gateway, "privacy_officer").await;
    let told = of(&officer, "emergency-access")[0]["detail"].clone();
    assert_eq!(told, json!("given 1, held 1"));
    gateway.running.shutdown().await;
}
