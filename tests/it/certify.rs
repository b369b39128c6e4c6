//! The go-live list: a partner that is in order can pass, and one that is not hears why.

use kinbridge::cli::partner::certify::certify;
use std::path::Path;

const ALL_RECORDS: &str =
    "\"person\", \"family-case\", \"engagement-contact\", \"service-referral\"";

const AGREEMENTS: &str = "[[agreement]]\nid = \"1\"\nkind = \"contract_10850\"\n\
     [[agreement]]\nid = \"2\"\nkind = \"baa\"\n[[agreement]]\nid = \"3\"\nkind = \"qsoa\"\n";

fn inward(format: &str, records: &str) -> String {
    let name = format.replace(['/', '.'], "-");
    format!(
        "[[channel]]\nname = \"{name}\"\ndirection = \"in\"\nformat = \"{format}\"\n\
         records = [{records}]\n"
    )
}

fn toward(direction: &str, format: &str, more: &str) -> String {
    format!(
        "[[channel]]\nname = \"{direction}\"\ndirection = \"{direction}\"\n\
         format = \"{format}\"\nrecords = [{ALL_RECORDS}]\npurpose = \"care_coordination\"\n{more}"
    )
}

/// The list of a partner of that role with this rest of its file: whether it passed, and each line
/// with why it did not hold.
async fn tried(role: &str, rest: &str) -> (bool, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), role, rest);
    let catalogs = [folder.path().to_path_buf()];
    let (pass, list) = certify(&catalogs, "oakleaf").await.expect("tried");
    let lines = list.into_iter().map(|tried| (tried.what, tried.why));
    (pass.is_some(), lines.collect())
}

fn write(folder: &Path, role: &str, rest: &str) {
    let partners = folder.join("mappings/partners");
    std::fs::create_dir_all(&partners).expect("folder");
    let text =
        format!("id = \"oakleaf\"\nname = \"Oakleaf\"\nrole = \"{role}\"\nmode = \"test\"\n{rest}");
    std::fs::write(partners.join("oakleaf.toml"), text).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_of_several_formats_passes() {
    // Goal: the samples of one channel are no duplicates of another's. Method: every shipped format
    // inward at once, one of them twice.
    let channels: String = [
        inward("kinbridge-json/1.0", ALL_RECORDS),
        inward("fhir-r4/4.0", "\"service-referral\""),
        inward(
            "county-niem/1.0",
            "\"service-referral\", \"engagement-contact\"",
        ),
        inward("provider-csv/1.0", "\"engagement-contact\""),
        inward("provider-xlsx/1.0", "\"person\""),
        inward("kinbridge-json/1.0", "\"person\"").replace("json-1-0", "json-more"),
    ]
    .concat();
    let (passed, list) = tried("cws", &format!("{AGREEMENTS}{channels}")).await;
    assert!(passed, "{list:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_victim_services_program_passes_under_its_clients_release() {
    // Goal: who hands records in under a release alone is tried with one. Method: such a program,
    // in two formats.
    let channels = inward("kinbridge-json/1.0", "\"person\", \"service-referral\"")
        + &inward("fhir-r4/4.0", "\"service-referral\"");
    let (passed, list) = tried("dv_program", &format!("{AGREEMENTS}{channels}")).await;
    assert!(passed, "{list:#?}");
    assert!(list[0].0.contains("vawa_release"), "{list:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_says_what_was_answered_and_what_to_do() {
    // Goal: a FAIL can be acted on. Method: a channel that lists fewer classes than samples hold.
    let channel = inward("kinbridge-json/1.0", "\"engagement-contact\"");
    let channel = format!("{channel}classes = [\"demographics\"]\n");
    let (passed, list) = tried("ppp", &format!("{AGREEMENTS}{channel}")).await;
    assert!(!passed);
    let failed = list
        .iter()
        .find(|(what, _)| what.contains("a sample is accepted"));
    let (_, why) = failed.expect("tried");
    assert!(why.starts_with("answered 422"), "{why}");
    assert!(why.contains("data-class-not-on-channel at "), "{why}");
    assert!(!why.contains("Sampleton"), "a value: {why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_receives_is_tried_by_what_it_receives() {
    // Goal: no check of something the partner never does, and no pass for nothing. Method: a
    // partner that is sent records, one that pulls, one without a channel.
    let to = "related_by = [\"county\"]\nhttps = { url = \"https://oakleaf.example/inbox\" }\n";
    let (passed, list) = tried("cws", &toward("out", "county-niem/1.0", to)).await;
    assert!(passed, "{list:#?}");
    assert_eq!(list.len(), 4);
    assert!(
        list.iter()
            .all(|(what, _)| what.ends_with("what goes out is valid"))
    );
    let (passed, list) = tried("cdss", &toward("pull", "kinbridge-json/1.0", "")).await;
    assert!(passed, "{list:#?}");
    assert!(
        list.iter().any(|(what, _)| what.starts_with("a batch of ")),
        "{list:#?}"
    );
    assert!(
        list.iter().all(|(what, _)| !what.contains("consent")),
        "{list:#?}"
    );
    let (passed, list) = tried("ppp", "").await;
    assert!(!passed);
    assert!(list[0].1.contains("channel"), "{list:#?}");
}

#[test]
fn what_partner_new_writes_leaves_the_catalog_without_defect() {
    // Goal: the first command of the README is followed by a gateway that takes the catalog.
    // Method: run it with all ways there are; load what it wrote.
    let folder = tempfile::tempdir().expect("folder");
    let words = "partner new --id oakleaf --name Oakleaf --role mhp --format kinbridge-json/1.0 \
         --records service-referral --out-url https://oakleaf.example/in \
         --out-records service-referral --related-by addressee,target --purpose treatment \
         --pull-records service-referral";
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .args(words.split_whitespace())
        .current_dir(folder.path())
        .output()
        .expect("run");
    assert!(run.status.success(), "{run:?}");
    let (sources, defects) = kinbridge::catalog::load(&[folder.path().join("catalog")]);
    assert!(defects.is_empty(), "{defects:?}");
    let partner = sources.partners.values().find(|p| p.name == "Oakleaf");
    assert_eq!(partner.expect("written").channel.len(), 3);
    let letter = folder.path().join("handover/letter-oakleaf.md");
    let letter = std::fs::read_to_string(letter).expect("a letter");
    for told in [
        "https://oakleaf.example/in",
        "kinbridge pull",
        "/v1/consents/",
    ] {
        assert!(letter.contains(told), "{told}");
    }
}
