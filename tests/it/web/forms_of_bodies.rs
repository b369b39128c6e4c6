//! A body in each form of its format, under its own media type and under the other's.

use super::harness::{Gateway, client};
use serde_json::Value;

const SENDER: &str = r#"
[[channel]]
name = "in"
direction = "in"
format = "fhir-r4/4.0"
records = ["person"]
service_source = "case"

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

const AS_XML: &str = "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p-1\"/><identifier>\
    <system value=\"urn:example:x\"/><value value=\"1\"/></identifier>\
    <name><family value=\"Exampleton\"/></name></Patient>";
const AS_JSON: &str = r#"{"resourceType": "Patient", "id": "p-2",
    "identifier": [{"system": "urn:example:x", "value": "2"}],
    "name": [{"family": "Exampleton"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_taken_under_its_own_media_type() {
    // Goal: both forms are taken, and a body that is not what its type says is a finding. Method:
    // each body under each type.
    let gateway = Gateway::start_with_partners(&[("alpha", SENDER)], |_| {}).await;
    for (media, body, status) in [
        ("application/fhir+xml", AS_XML, 202),
        ("text/xml; charset=utf-8", AS_XML, 202),
        ("application/fhir+json", AS_JSON, 202),
        ("application/fhir+xml", AS_JSON, 422),
        ("application/fhir+json", AS_XML, 422),
        ("application/cda+xml", AS_XML, 415),
    ] {
        let answer = client()
            .post(gateway.url("/v1/submissions"))
            .bearer_auth("token-alpha")
            .header("content-type", media)
            .header("kinbridge-format", "fhir-r4/4.0")
            .body(body)
            .send()
            .await
            .expect("answer");
        let got = answer.status().as_u16();
        let told: Value = answer.json().await.expect("json");
        assert_eq!(got, status, "{media}: {told}");
        if status == 422 {
            assert_eq!(told["findings"][0]["code"], "media-type-differs", "{media}");
        }
    }
    gateway.running.shutdown().await;
}
