//! Goal: the marks of a county's extract travel into the decision: a sealed case, client or
//! placement goes to nobody, a sensitive one waits for a person, no mark opens anything by itself.
//! Method: one row of the extract, read as a county's channel reads it, its marks changed; each
//! record toward a recipient it goes to without a mark, and toward every other.

use super::*;
use crate::fixtures::rules_for;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::disclosure::review::{MARKED_SENSITIVE, Review, ReviewAsked};
use kinbridge::format::Node;
use kinbridge::intake::read::read;

const FORMAT: &str = "cws-cms-extract";

/// Header and row of a contact, with these marks of case, client and placement.
fn row(case: &str, client: &str, placement: &str) -> String {
    format!(
        "IDENTIFIER,STATUS_CD,FKCLIENT_T,CHLD_CLT_B,COM_FST_NM,COM_LST_NM,BIRTH_DT,LMT_ACSSCD,\
         SENSTV_IND,SOC158_IND,SVC_CNTC,CMM_MTHC,START_DT,START_TM\n\
         Dl0Sv1Ct2A,C,Zz9Yy8Xx7W,N,Testa,Exemplar,1990-02-11,{case},{client},{placement},9301,\
         9101,2026-09-14,14:30\n"
    )
}

/// The record of a row, from a county that works with the family in a case.
fn taken(case: &str, client: &str, placement: &str) -> Option<Record> {
    let rules = rules_for(FORMAT);
    let format = FormatId::new("cws-cms-extract/1.0");
    let types = [RecordType::new("engagement-contact")];
    let reading = read(
        &rules,
        &format,
        &types,
        row(case, client, placement).as_bytes(),
    );
    let mut records = reading.records.into_iter().map(|it| it.record);
    let mut record = records.next().flatten()?;
    let envelope = record.root.get_mut("envelope").expect("an envelope");
    // What intake adds of the partner file.
    envelope.set("service_source", Node::string("case"));
    envelope.set("county_fips", Node::string("06067"));
    Some(record)
}

fn marked(case: &str, client: &str, placement: &str) -> Record {
    taken(case, client, placement).expect("the row is accepted")
}

#[test]
fn what_is_sealed_goes_to_nobody() {
    let open = decide(&marked("N", "N", "N"), "program", "county", &[]);
    assert!(matches!(open, Release::Go(_)), "{open:?}");
    for (case, client, placement) in [
        ("R", "N", "N"),
        ("N", "R", "N"),
        ("N", "N", "Y"),
        ("S", "R", "N"),
        ("R", "S", "Y"),
    ] {
        let record = marked(case, client, placement);
        let partners = rules().partners.values();
        let asked = partners.filter(|it| it.channel.iter().any(|c| c.https.is_some()));
        let mut count = 0;
        for partner in asked {
            let release = decide(&record, "program", partner.id.as_str(), &[]);
            assert!(
                matches!(release, Release::Withheld(_) | Release::Untied(_)),
                "{case}{client}{placement} to {}: {release:?}",
                partner.id
            );
            count += 1;
        }
        assert!(count > 2, "{count} recipients");
        let known = decide(&record, "program", "county", &[]);
        assert!(matches!(known, Release::Withheld(_)), "{known:?}");
    }
}

#[test]
fn what_is_sensitive_goes_after_somebody_has_looked() {
    for (case, client) in [("S", "N"), ("N", "S"), ("S", "N/A")] {
        let record = marked(case, client, "N");
        let release = decide(&record, "program", "county", &[]);
        let Release::Held(Hold::HumanReview, kept) = &release else {
            panic!("{case}{client}: {release:?}");
        };
        let asks = [ReviewAsked::beside_the_pack(
            MARKED_SENSITIVE,
            Review::Before,
        )];
        assert_eq!(kept.reviews, asks);
        let looked = decide_seen(rules(), &record, ("program", "county"), (&[], now(), true));
        assert!(matches!(looked, Release::Go(_)), "{looked:?}");
    }
}

#[test]
fn no_mark_opens_nothing_and_an_unknown_one_is_refused() {
    let mut bare = marked("N", "N", "N");
    let envelope = bare.root.get_mut("envelope").expect("an envelope");
    envelope.remove("access_level");
    envelope.remove("sealed_placement");
    for partner in rules().partners.keys() {
        let out = rules().partners[partner].channel.iter();
        if !out.clone().any(|channel| channel.https.is_some()) {
            continue;
        }
        let told = |record: &Record| match decide(record, "program", partner.as_str(), &[]) {
            Release::Go(outgoing) => Some(text(&outgoing)),
            _ => None,
        };
        let level = "\"sealed_placement\":false,\"access_level\":\"N\",";
        let with = told(&marked("N", "N", "N")).map(|it| it.replace(level, ""));
        let same = told(&marked("N/A", "N", "N")).map(|it| it.replace(level, ""));
        assert_eq!(with, told(&bare), "{partner}");
        assert_eq!(with, same, "{partner}");
    }
    for (case, client, placement) in [
        ("X", "N", "N"),
        ("", "N", "N"),
        ("r", "N", "N"),
        ("N", "none", "N"),
        ("N", "", "N"),
        ("N", "N", ""),
        ("N", "N", "1"),
        ("R", "X", "N"),
    ] {
        assert!(
            taken(case, client, placement).is_none(),
            "{case}{client}{placement}"
        );
    }
}
