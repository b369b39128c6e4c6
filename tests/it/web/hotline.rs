//! A copy of a child-abuse report: taken only after the call, and told whom to call.

use super::harness::{Gateway, SENDER};
use super::submissions::{Sent, contact, fits, hand_in};
use kinbridge::base::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

const NUMBER: &str = "555-0142";

/// A copy as it may be sent, of a call made an hour ago.
pub fn copy() -> Value {
    let mut called = SystemClock.now();
    called.0 -= 3_600_000_000;
    json!({
        "envelope": {
            "record_type": "child-abuse-report", "schema_version": "1.0",
            "source_record_id": "r-1", "subject_refs": ["c"]
        },
        "persons": [{ "key": "c", "role": "child", "names": [{ "last": "Exemplar" }] }],
        "body": {
            "reported_by_phone_at": called.to_rfc3339(),
            "agency": { "name": "Invented agency", "reference_no": "REF-1" },
            "reporter": { "name": { "last": "Reporta" } },
            "content": "Invented words."
        }
    })
}

async fn gateway(hotline: &str) -> Gateway {
    let sender = SENDER.replace(
        "\"engagement-contact\"",
        "\"engagement-contact\", \"child-abuse-report\"",
    );
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
    let copy = copy();
    let first = send(&gateway, "", &copy).await;
    let again = send(&gateway, "", &copy).await;
    assert_eq!((first.status, again.status), (202, 202), "{}", first.body);
    assert_eq!(first.body["records"][0]["status"], "accepted");
    assert_eq!(again.body["records"][0]["status"], "duplicate");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_not_made_yet_and_a_number_that_is_none_are_refused_too() {
    // Goal: what only looks like a call is none; a call long ago is taken and told. Method: such
    // copies one by one.
    let gateway = gateway(&format!("hotline = \"{NUMBER}\"")).await;
    for (at, value) in [
        ("/body/reported_by_phone_at", "2999-01-02T10:00:00-08:00"),
        ("/body/agency/reference_no", "Pending"),
        ("/body/agency/name", "unknown"),
    ] {
        let mut body = copy();
        *body.pointer_mut(at).expect("a value") = json!(value);
        let refused = send(&gateway, "", &body).await;
        assert_eq!(refused.status, 422, "{at}");
        assert_eq!(refused.body["code"], "report-by-phone-first", "{at}");
        assert_eq!(refused.body["findings"][0]["path"], at, "{}", refused.body);
        assert_eq!(refused.body["hotline"]["number"], NUMBER, "{at}");
    }
    let mut old = copy();
    old["body"]["reported_by_phone_at"] = json!("1999-01-02T10:00:00-08:00");
    let taken = send(&gateway, "", &old).await;
    assert_eq!(taken.status, 202, "{}", taken.body);
    let found = &taken.body["records"][0]["findings"];
    let codes = found.as_array().expect("findings").iter();
    assert!(
        codes
            .clone()
            .any(|finding| finding["code"] == "report-call-long-ago"
                && finding["severity"] == "warning"),
        "{found}"
    );
    assert!(taken.body.get("hotline").is_none(), "{}", taken.body);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_to_call_is_told_wherever_a_report_is_kept_out() {
    // Goal: beside records that are taken, in a batch and in a dry run the sender hears whom to
    // call, in both languages, and the rest of the body is taken. Method: a report nobody phoned in
    // among contacts, each way; the verdict read again later; the same body again.
    let gateway = gateway(&format!("hotline = \"{NUMBER}\"")).await;
    let mut report = copy();
    report["body"]["agency"]["reference_no"] = json!("n/a");
    let few = format!("{report}\n{}", contact("c-1"));
    // More than a small submission may hold, the report behind all a receipt repeats.
    let mut many: Vec<String> = (0..1_200)
        .map(|n| contact(&format!("m-{n}")).to_string())
        .collect();
    many.push(report.to_string());
    let alone = report.to_string();
    for (query, body, status, of) in [
        ("", &few, 202, "Receipt"),
        ("", &few, 202, "Receipt"),
        ("?dry_run=true", &few, 200, "DryRun"),
        ("?dry_run=true", &alone, 200, "DryRun"),
        ("", &many.join("\n"), 202, "Receipt"),
    ] {
        let sent = hand_in(&gateway, query, &[], body.clone()).await;
        assert_eq!(sent.status, status, "{}", sent.body);
        fits(&gateway, of, &sent.body).await;
        let hotline = &sent.body["hotline"];
        assert_eq!(hotline["number"], NUMBER, "{hotline}");
        for (language, call) in [("en", "Call"), ("es", "Llame")] {
            let text = hotline[language].as_str().expect("a text");
            assert!(
                text.contains(NUMBER) && text.contains(call) && text.contains("911"),
                "{text}"
            );
        }
        let rows = sent.body["records"].as_array().expect("records");
        if let Some(row) = rows.iter().find(|row| row["status"] == "rejected") {
            let fix = row["findings"][0]["fix"].as_str().expect("a fix");
            assert!(fix.contains(NUMBER) && fix.contains("Llame ahora"), "{fix}");
        }
        assert!(!sent.body.to_string().contains("Reporta"));
    }
    gateway.running.shutdown().await;
}
