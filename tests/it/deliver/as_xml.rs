//! A recipient that asks for XML in its partner file.

use super::{COUNTY, Road};
use crate::labels::CONTACT;
use crate::release::PARTNERS;
use kinbridge::base::id::RecordType;
use kinbridge::catalog;
use kinbridge::intake::read::read_of;

const AS_JSON: &str = r#"direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]"#;

fn partners_of(media: &str, direction: &str) -> Vec<String> {
    let asked = format!(
        "direction = \"{direction}\"\nformat = \"fhir-r4/4.0\"\nmedia_type = \"{media}\"\n\
         records = [\"engagement-contact\", \"service-referral\"]"
    );
    PARTNERS
        .iter()
        .map(|text| text.replacen(AS_JSON, &asked, usize::from(text.contains("\"cws\""))))
        .collect()
}

// Goal: what a recipient asks for arrives: XML, cut, labelled, the same as JSON. Method: one
// contact on the whole road, read again as the recipient would.
#[tokio::test]
async fn a_recipient_of_xml_gets_xml() {
    let own = partners_of("application/fhir+xml", "out");
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let road = Road::with(&own).await;
    road.hand_in("k", CONTACT).await;
    road.drive().await;
    let arrived = road.arrived(COUNTY);
    let [body] = arrived.as_slice() else {
        panic!("{} arrived", arrived.len());
    };
    assert!(body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Bundle xmlns="));
    assert!(body.contains("<security><system value="), "its labels");
    assert!(body.contains("Quill") && !body.contains("free words") && !body.contains("Hidden"));
    let rules = road.rules();
    let county = rules.partners.values().find(|it| it.role == "cws");
    let channel = county.and_then(|it| it.channel.iter().find(|it| it.https.is_some()));
    let mut channel = channel.expect("its out-channel").clone();
    channel.records = vec![RecordType::new("engagement-contact")];
    // Without what the gateway says of it, it is a record like any other.
    let mut pieces = body.split("<meta>");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (_, rest) = piece.split_once("</meta>").expect("its end");
        plain.push_str(rest);
    }
    let reading = read_of(&rules, &channel, plain.as_bytes());
    let [read] = reading.records.as_slice() else {
        panic!("{reading:?}");
    };
    assert!(read.record.is_some(), "{:?}", read.findings);
}

// Goal: a channel asks for nothing that is not written. Method: a type that is only read, one of
// nobody, one on a channel that is fetched.
#[test]
fn a_channel_asks_for_what_there_is() {
    for (media, direction, good) in [
        ("application/fhir+json", "out", true),
        ("application/fhir+xml", "out", true),
        ("application/fhir+ndjson", "out", false),
        ("text/turtle", "out", false),
        ("application/fhir+xml", "pull", false),
        ("application/fhir+xml", "in", false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let partners = folder.path().join("mappings/partners");
        std::fs::create_dir_all(&partners).expect("a folder");
        let own = partners_of(media, direction);
        let county = own.iter().find(|text| text.contains("\"cws\""));
        let county = county.expect("a county");
        std::fs::write(partners.join("county.toml"), county).expect("a file");
        let (_, defects) = catalog::load(&[folder.path().to_owned()]);
        let told = defects.iter().any(|it| it.message.contains("`media_type`"));
        assert_eq!(told, !good, "{media} {direction}: {defects:?}");
    }
}
