//! Goal: no row looks open because of a slip of the pen in the column that restricts it, or
//! because its cell says nothing. Method: files of two formats, one whose rows must say it and one
//! whose rows may leave it empty, spoilt one way at a time.

use crate::release::rules_over;
use kinbridge::base::id::{ChannelId, FormatId, PartnerId, RecordType};
use kinbridge::intake::read::{Reading, read, read_of};
use kinbridge::rules::Rules;
use std::sync::{Arc, OnceLock};

const PARTNER: &str = r#"
id = "county-sender"
name = "County Sender"
role = "cws"
county_fips = "06067"
mode = "test"
[[channel]]
name = "words"
direction = "in"
format = "cws-cms-extract/1.0"
records = ["family-case"]
[channel.reads]
empty = ["N", "N/A"]
error_words = true
"#;

fn rules() -> Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    Arc::clone(RULES.get_or_init(|| Arc::new(rules_over(&[], &[PARTNER]))))
}

const CASE: &str = "IDENTIFIER,FKCHLD_CLT,LMT_ACSSCD,SENSTV_IND,SOC158_IND\n\
                    Ca5e0Nr1Xz,Aa1Bb2Cc3D,N,N,N\n";

const PERSON: &str = "person_id,county,created_at,cws_client_id,last,first,dob";
const ROW: &str = "TF-1,06067,2026-03-14T14:30:00-07:00,0012345678,Exemplar,Testa,1991-04-09";

/// Codes and places of the errors.
fn errors(reading: &Reading) -> Vec<(String, String)> {
    let own = reading.records.iter().flat_map(|it| &it.findings);
    let all = reading
        .findings
        .iter()
        .chain(own)
        .filter(|it| it.is_error());
    all.map(|it| (it.code.to_string(), it.path.clone()))
        .collect()
}

#[test]
fn a_word_a_sender_declares_for_nothing_is_no_mark() {
    let rules = rules();
    let partner = rules.partners.get(&PartnerId::new("county-sender"));
    let channel = partner.and_then(|it| it.channel(&ChannelId::new("words")));
    let channel = channel.expect("declared");
    for text in [CASE.to_owned(), CASE.replace(",N,N,N", ",#N/A,R,Y")] {
        let reading = read_of(&rules, channel, text.as_bytes());
        assert!(reading.records.iter().all(|it| it.record.is_none()));
        let errors = errors(&reading);
        let empty = (
            "mark-empty".to_owned(),
            "row 2, column LMT_ACSSCD".to_owned(),
        );
        assert!(errors.contains(&empty), "{errors:?}");
    }
}

#[test]
fn a_format_may_say_that_a_row_leaves_its_mark_empty_and_never_that_it_is_misspelt() {
    let rules = rules();
    let types = [RecordType::new("person")];
    let taken = |column: &str, cell: &str| {
        let text = format!("{PERSON},{column}\n{ROW},{cell}\n");
        read(
            &rules,
            &FormatId::new("provider-csv/1.0"),
            &types,
            text.as_bytes(),
        )
    };
    for cell in ["", "N"] {
        let reading = taken("access_level", cell);
        assert!(
            reading.records[0].record.is_some(),
            "{:?}",
            errors(&reading)
        );
    }
    let mut refused = 0;
    for column in [
        "Access Level",
        "acces_level",
        "accesslevel",
        "access_level_1",
        "addr1_knd",
    ] {
        let reading = taken(column, "R");
        assert!(
            reading.records.iter().all(|it| it.record.is_none()),
            "{column}"
        );
        let errors = errors(&reading);
        assert_eq!(errors.len(), 1, "{column}: {errors:?}");
        assert_eq!(errors[0].0, "header-invalid", "{column}");
        refused += 1;
    }
    assert_eq!(refused, 5);
    // A mark that rows of another kind have is not dropped either.
    let reading = taken("confidential", "yes");
    assert_eq!(errors(&reading).len(), 1);
    let told = &reading.records[0].findings[0];
    assert!(told.message.contains("have no place for it"), "{told:?}");
}

#[test]
fn a_name_that_speaks_of_secrecy_refuses_where_nothing_reads_it() {
    let rules = rules();
    let read = |format: &str, kind: &str, text: &str| {
        let types = [RecordType::new(kind)];
        read(&rules, &FormatId::new(format), &types, text.as_bytes())
    };
    let case = |column: &str| {
        let text = CASE.replacen('\n', &format!(",{column}\n"), 1);
        let text = text.replace(",N,N,N\n", ",N,N,N,Y\n");
        errors(&read("cws-cms-extract/1.0", "family-case", &text))
    };
    for column in [
        "SEALED",
        "SOC158",
        "SENSITIVITY_IND",
        "CONF_IND",
        "Limited Access Code",
    ] {
        assert_eq!(case(column).len(), 1, "{column}");
    }
    assert!(case("READING_LEVEL").is_empty());
    let person = |column: &str| {
        let text = format!("{PERSON},{column}\n{ROW},Y\n");
        errors(&read("provider-csv/1.0", "person", &text))
    };
    for column in ["sealed_placement", "labels", "restricted", "sensitivity"] {
        assert_eq!(person(column).len(), 1, "{column}");
    }
    assert!(person("accessibility").is_empty());
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/county-niem/person/minimal/input.xml"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    assert!(errors(&read("county-niem/1.0", "person", &text)).is_empty());
    let close = "</nc:Person>";
    for name in [
        "AcessLevelCode",
        "accesslevel",
        "SealedPlacement",
        "AccessLevelCode",
    ] {
        let more = format!("<kb:{name}>R</kb:{name}>{close}");
        let spoilt = text.replacen(close, &more, 1);
        assert_ne!(spoilt, text);
        assert!(
            !errors(&read("county-niem/1.0", "person", &spoilt)).is_empty(),
            "{name}"
        );
    }
    let harmless = text.replacen(close, &format!("<kb:Fax>1</kb:Fax>{close}"), 1);
    assert!(errors(&read("county-niem/1.0", "person", &harmless)).is_empty());
}
