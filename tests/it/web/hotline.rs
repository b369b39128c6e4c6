//! A copy of a child-abuse report: taken only after the call, and told whom to call.

use super::harness::{Gateway, SENDER};
use super::submissions::{Sent, fits, hand_in};
use serde_json::{Value, json};

const NUMBER: &str = "555-0142";

/// A copy as it may be sent.
pub fn copy() -> Value {
    json!({
        "envelope": {
            "record_type": "child-abuse-report", "schema_version": "1.0",
            "source_record_id": "r-1", "subject_refs": ["c"]
        },
        "persons": [{ "key": "c", "role": "child", "names": [{ "last": "Exemplar" }] }],
        "body": {
            "reported_by_phone_at": "2026-09-21T09:30:00-07:00",
            "agency": { "name": "Invented agency", "reference_no": "REF-1" },
            "reporter": { "name": { "last": "Reporta" } },
            "content": "Invented words."
        }
    })
}

async fn gateway(hotline: &str) -> Gateway {
    let sender = SENDER.replace("\"engagement-contact\"", "\"child-abuse-report\"");
    let sender = format!("role = \"ppp\"\nmode = \"test\"\ncounty_fips = \"06067\"\n\n{sender}");
    let county = format!(
        "role = \"cws\"\nmode = \"test\"\nsimulated = true\ncounty_fips = \"06067\"\n{hotline}\n\n\
         [[channel]]\nname = \"reports\"\ndirection = \"out\"\n\
         format = \"kinbridge-json/1.0\"\nrecords = [\"child-abuse-report\"]\n\
         purpose = \"child_abuse_report\"\nrelated_by = [\"county\"]\n\
         https = {{ url = \"https://county.example/inbox\" }}\n"
    );
    let partners = [("alpha", sender.as_str()), ("county", county.as_str())];
    Gateway::start_with_partners(&partners, |_| {}).await
}

async fn send(gateway: &Gateway, query: &str, body: &Value) -> Sent {
    hand_in(gateway, query, &[], body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_nobody_phoned_in_is_refused_with_the_number_to_call() {
    // Goal: the gateway is no hotline. Method: copies without what only the call gives, toward a
    // county whose file tells its number and one whose does not.
    for (hotline, number) in [
        (format!("hotline = \"{NUMBER}\""), Some(NUMBER)),
        (String::new(), None),
    ] {
        let gateway = gateway(&hotline).await;
        for missing in [
            "/reported_by_phone_at",
            "/agency",
            "/agency/reference_no",
            "/agency/name",
        ] {
            let mut body = copy();
            let at = format!("/body{missing}");
            let (above, name) = at.rsplit_once('/').expect("a name");
            let above = body.pointer_mut(above).and_then(Value::as_object_mut);
            above.expect("an object").remove(name);
            let refused = send(&gateway, "", &body).await;
            assert_eq!(refused.status, 422, "{missing}");
            assert_eq!(refused.body["code"], "report-by-phone-first", "{missing}");
            fits(&gateway, "Problem", &refused.body).await;
            let detail = refused.body["detail"].as_str().expect("a detail");
            assert_eq!(detail.contains(NUMBER), number.is_some(), "{detail}");
            assert!(detail.contains("Call") && detail.contains("Llame") && detail.contains("911"));
            let told = refused.body.to_string();
            assert!(
                !told.contains("Invented") && !told.contains("Reporta"),
                "{told}"
            );
        }
        gateway.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_to_the_agency_that_takes_reports_and_once() {
    // Goal: a copy of a report goes, the reporter with it, to a channel for such reports and to no
    // other, by its type alone; sent again it is a duplicate. Method: a dry run, then twice.
    let gateway = gateway("").await;
    let dry = send(&gateway, "?dry_run=true", &copy()).await;
    let recipients = dry.body["records"][0]["recipients"].as_array();
    let recipients = recipients.expect("recipients");
    assert_eq!(recipients.len(), 1, "{}", dry.body);
    assert_eq!(recipients[0]["partner"], "county");
    assert_eq!(recipients[0]["outcome"], "released", "{}", dry.body);
    let released = recipients[0]["released"].to_string();
    for there in [
        "/body/content",
        "/body/reporter/name/last",
        "/persons/0/names/0/last",
    ] {
        assert!(released.contains(there), "{there} in {released}");
    }
    let first = send(&gateway, "", &copy()).await;
    let again = send(&gateway, "", &copy()).await;
    assert_eq!((first.status, again.status), (202, 202), "{}", first.body);
    assert_eq!(first.body["records"][0]["status"], "accepted");
    assert_eq!(again.body["records"][0]["status"], "duplicate");
    gateway.running.shutdown().await;
}
