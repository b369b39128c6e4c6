//! What is between the two a record goes from and to: their agreement, and whose county it is.

use super::*;

/// What becomes of a contact the program sends toward the county, both changed.
fn toward_county(change: impl FnOnce(&mut Partner, &mut Partner)) -> Release {
    let record = record("engagement-contact", CONTACT);
    let rules = rules();
    let mut source = partner(rules, "program").clone();
    let mut recipient = partner(rules, "county").clone();
    change(&mut source, &mut recipient);
    let channel = recipient.channel[1].clone();
    let between = (&recipient, &channel);
    release(
        rules,
        &asking((&record, &persons(&record)), &source, between),
    )
}

#[test]
fn an_agreement_is_between_the_two_it_names() {
    // Goal: what somebody signed with the operator or with another one opens nothing here, and
    // whose file shows it does not matter. Method: the program's contract with each of them.
    let contract = |source: &mut Partner| {
        let own = source.agreement.iter_mut();
        own.filter(|one| one.kind == "county_contract")
            .for_each(|one| one.with = None);
    };
    assert!(matches!(toward_county(|_, _| ()), Release::Go(_)));
    let operators = toward_county(|source, _| contract(source));
    assert!(matches!(operators, Release::Withheld(_)), "{operators:?}");
    let anothers = toward_county(|source, _| {
        let other = PartnerId::new("clinic");
        let all = source.agreement.iter_mut();
        all.for_each(|one| one.with = Some(other.clone()));
    });
    assert!(matches!(anothers, Release::Withheld(_)), "{anothers:?}");
    let told_by_county = toward_county(|source, county| {
        county.agreement = source.agreement.clone();
        let all = county.agreement.iter_mut();
        all.for_each(|one| one.with = Some(source.id.clone()));
        source.agreement.clear();
    });
    assert!(
        matches!(told_by_county, Release::Go(_)),
        "{told_by_county:?}"
    );
}

#[test]
fn a_countys_agency_is_that_countys_for_its_own_records_alone() {
    // Goal: a contract or a law about the child's own county opens nothing to another one's
    // agency. Method: the county is another one, or says none.
    for fips in [Some("06113"), None] {
        let other = toward_county(|_, county| county.county_fips = fips.map(Into::into));
        let gone = matches!(other, Release::Go(_) | Release::Held(..));
        assert!(!gone, "{fips:?}: {other:?}");
    }
}

#[test]
fn a_refusal_toward_nobody_known_closes_for_all_it_may_mean() {
    // Goal: a slip of the pen in a refusal opens nothing. Method: a refusal beside a permission,
    // that names nobody, a partner that is not here, another partner, and the recipient.
    let refused = |whom: &str| {
        let mut paper: serde_json::Value = serde_json::from_str(ROI).expect("JSON");
        paper["id"] = "k2".into();
        paper["type"] = "deny".into();
        paper["recipient_ids"] = serde_json::json!([whom]);
        let mut refusal = super::paper(1, &paper.to_string());
        refusal.id = ConsentId::new("k2");
        let record = record("service-referral", REFERRAL);
        let papers = [super::paper(1, ROI), refusal];
        decide(&record, "program", "clinic", &papers)
    };
    for slip in ["Clinic", "somebody", "clinic"] {
        let closed = refused(slip);
        assert!(matches!(closed, Release::Withheld(_)), "{slip}: {closed:?}");
    }
    for known in ["county", "gateway-operator"] {
        let others = refused(known);
        assert!(matches!(others, Release::Go(_)), "{known}: {others:?}");
    }
}
