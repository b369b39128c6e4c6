//! Whose record it is: whose word joins two identifiers, and for whom.

use super::world::*;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::*;

fn by(partner: &str, source: &str, identifiers: &[NewIdentifier]) -> NewSubmission {
    let mut record = record(0, source, source);
    record.persons[0].identifiers = identifiers.to_vec();
    let mut submission = submission(None, source, vec![record]);
    submission.submission_id = SubmissionId::mint(START);
    submission.partner = PartnerId::new(partner);
    submission
}

fn vouched(text: &str) -> NewIdentifier {
    NewIdentifier {
        text: text.into(),
        reach: Reach::Vouched,
    }
}

fn own(text: &str) -> NewIdentifier {
    NewIdentifier {
        text: text.into(),
        reach: Reach::Own,
    }
}

async fn accept(store: &Store, submission: NewSubmission) -> RecordStatus {
    let done = store.accept(submission).await.expect("accepted");
    done.records()[0].status
}

/// Accepts a submission of one record; its id.
async fn record_of(store: &Store, submission: NewSubmission) -> RecordId {
    let done = store.accept(submission).await.expect("accepted");
    done.records()[0].record_id.expect("an id")
}

/// Whom the records are counted to.
async fn persons(store: &Store, records: &[RecordId]) -> Vec<Option<PersonId>> {
    let mut out = Vec::new();
    for id in records {
        let record = store.record(*id).await.expect("an answer");
        out.push(record.map(|record| record.persons[0].person));
    }
    out
}

async fn seen(store: &Store, partner: &str, identifier: &str) -> Option<PersonId> {
    let partner = PartnerId::new(partner);
    let found = store.person_seen_by(&partner, identifier, false).await;
    found.expect("an answer")
}

async fn subject(store: &Store, lodger: &str, identifier: &str) -> PersonId {
    let (lodger, identifier) = (PartnerId::new(lodger), identifier.into());
    let found = store.ensure_person(&lodger, &identifier, false);
    found.await.expect("a person")
}

#[tokio::test]
async fn one_partners_mistake_carries_no_consent_to_anothers_record() {
    // Goal: what riverbend alone says of two identifiers binds nobody else. Method: the clinic's
    // patient, riverbend's record with that and another identifier, a consent of the county for
    // the other one; in both orders of arrival.
    for clinic_first in [true, false] {
        let world = World::new();
        let store = world.open().await;
        let clinic = by("clinic", "c", &["urn:p|1".into()]);
        let mistaken = by("riverbend", "r", &["urn:r|1".into(), "urn:p|1".into()]);
        let (first, second) = if clinic_first {
            (clinic, mistaken)
        } else {
            (mistaken, clinic)
        };
        assert_eq!(accept(&store, first).await, RecordStatus::Accepted);
        accept(&store, second).await;
        let patient = seen(&store, "clinic", "urn:p|1").await.expect("known");
        let consented = subject(&store, "county", "urn:r|1").await;
        assert_ne!(consented, patient, "clinic first: {clinic_first}");
        // From now on riverbend's word contradicts what others know: a human decides.
        let again = by("riverbend", "r2", &["urn:r|1".into(), "urn:p|1".into()]);
        assert_eq!(accept(&store, again).await, RecordStatus::Held);
        let item = store
            .work_items(None, None, 9)
            .await
            .expect("items")
            .remove(0);
        assert_eq!(item.cause, HoldCause::IdentityAmbiguous);
        let join = store.resolve_work_item(item.work_item_id, Resolution::JoinPersons, act("same"));
        assert_eq!(join.await.expect("joined"), Resolved::Done);
        let known = seen(&store, "clinic", "urn:p|1").await;
        assert_eq!(seen(&store, "county", "urn:r|1").await, known);
    }
}

#[tokio::test]
async fn the_senders_own_records_are_joined_by_its_word() {
    // Goal: a partner's own records are one person's by its own word. Method: two identifiers
    // together, then each alone, for it and for others.
    let world = World::new();
    let store = world.open().await;
    let both = [own("partner:r:n|1"), "urn:a|1".into(), "urn:b|1".into()];
    accept(&store, by("riverbend", "1", &both)).await;
    let person = seen(&store, "riverbend", "urn:a|1").await;
    assert!(person.is_some());
    for identifier in ["urn:b|1", "partner:r:n|1"] {
        assert_eq!(seen(&store, "riverbend", identifier).await, person);
        assert_eq!(seen(&store, "clinic", identifier).await, None);
    }
    assert_eq!(seen(&store, "clinic", "urn:a|1").await, person);
}

#[tokio::test]
async fn an_authority_joins_for_everybody_and_only_what_it_is_the_authority_for() {
    // Goal: two identifiers of its own authority are one person's everywhere, no other with them.
    // Method: the county's record with two of them and a foreign one, known before and not.
    let world = World::new();
    let store = world.open().await;
    accept(
        &store,
        by("clinic", "1", &[own("partner:c:n|1"), "cin|1".into()]),
    )
    .await;
    let ids = [vouched("cws|1"), vouched("cin|1"), "urn:p|1".into()];
    let status = accept(&store, by("county", "2", &ids)).await;
    assert_eq!(status, RecordStatus::Accepted);
    let person = seen(&store, "clinic", "cin|1").await;
    assert_eq!(seen(&store, "clinic", "cws|1").await, person);
    assert_eq!(seen(&store, "county", "urn:p|1").await, person);
    assert_eq!(seen(&store, "clinic", "urn:p|1").await, None);
    // One of the two is another's: the join is the county's own.
    accept(&store, by("clinic", "3", &["urn:q|1".into()])).await;
    let ids = [vouched("cws|2"), "urn:q|1".into()];
    assert_eq!(
        accept(&store, by("county", "4", &ids)).await,
        RecordStatus::Accepted
    );
    assert_eq!(seen(&store, "clinic", "cws|2").await, None);
    assert!(seen(&store, "county", "cws|2").await.is_some());
}

#[tokio::test]
async fn even_an_authority_joins_no_two_persons_that_stand_already() {
    // Goal: what two sources made known apart is joined by a human alone; the authority's record
    // waits and changes nobody. Method: two patients of two clinics, the county's record with both
    // identifiers, its own new one too, before and after the review.
    let world = World::new();
    let store = world.open().await;
    accept(&store, by("clinic", "1", &["cin|1".into()])).await;
    accept(&store, by("riverbend", "2", &["cws|1".into()])).await;
    let apart = (
        seen(&store, "clinic", "cin|1").await,
        seen(&store, "riverbend", "cws|1").await,
    );
    assert_ne!(apart.0, apart.1);
    let ids = || {
        [
            vouched("cws|1"),
            vouched("cin|1"),
            own("partner:county:n|1"),
        ]
    };
    let status = accept(&store, by("county", "3", &ids())).await;
    assert_eq!(status, RecordStatus::Held);
    assert_eq!(seen(&store, "clinic", "cin|1").await, apart.0);
    assert_eq!(seen(&store, "county", "cws|1").await, apart.1);
    assert_eq!(seen(&store, "county", "partner:county:n|1").await, None);
    let items = store.work_items(None, None, 9).await.expect("items");
    let join = Resolution::JoinPersons;
    let done = store.resolve_work_item(items[0].work_item_id, join, act("one mother"));
    assert_eq!(done.await.expect("joined"), Resolved::Done);
    let person = seen(&store, "clinic", "cin|1").await;
    assert_eq!(seen(&store, "riverbend", "cws|1").await, person);
    let status = accept(&store, by("county", "4", &ids())).await;
    assert_eq!(status, RecordStatus::Accepted);
    assert_eq!(seen(&store, "county", "partner:county:n|1").await, person);
}

async fn lodge(store: &Store, id: &str, identifier: &str) {
    let consent = NewConsent {
        consent_id: ConsentId::new(id),
        partner: PartnerId::new("county"),
        subject: subject(store, "county", identifier).await,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("test"),
    };
    let audience = Audience {
        named: vec![PartnerId::new("named")],
        counties: false,
    };
    let lodged = store.lodge_consent(consent, None, audience);
    assert!(matches!(lodged.await, Ok(ConsentChange::Done { .. })));
}

/// Ids of a person's consents, as everybody counts them and as who is named in them finds them.
async fn consents(store: &Store, person: Option<PersonId>) -> Vec<String> {
    let ids = |found: Vec<StoredConsent>| {
        let mut ids: Vec<String> = found.iter().map(|c| c.consent_id.to_string()).collect();
        ids.sort();
        ids
    };
    let persons: Vec<PersonId> = person.into_iter().collect();
    let all = ids(store.consents_of(&persons).await.expect("an answer"));
    let reader = Reader {
        partner: PartnerId::new("named"),
        county_fips: None,
        unseen: Vec::new(),
    };
    for person in persons {
        let known = store.consents_known_to(&reader, person).await;
        assert_eq!(ids(known.expect("an answer")), all);
    }
    all
}

async fn facts(store: &Store, person: Option<PersonId>) -> Vec<String> {
    let persons: Vec<PersonId> = person.into_iter().collect();
    let found = store.facts_of(&persons).await.expect("an answer");
    found.iter().map(|fact| fact.fact_id.to_string()).collect()
}

#[tokio::test]
async fn what_was_joined_can_be_parted_and_each_has_its_own_again() {
    // Goal: a join taken back leaves each person its identifiers, records, consents and facts,
    // those that came in meanwhile too, and stops decisions taken before. Method: two persons with
    // a consent and a fact each, joined over a held record; one more record and consent for each;
    // parted, twice.
    let world = World::new();
    let store = world.open().await;
    for round in 0..2 {
        let named = |name: &str| format!("{name}{round}");
        let (one, two) = (named("urn:p|1-"), named("urn:p|2-"));
        let given = |text: &str| NewIdentifier::from(text);
        let mut records = Vec::new();
        for (partner, source, identifiers) in [
            ("clinic", named("1"), vec![given(&one)]),
            ("riverbend", named("2"), vec![given(&two)]),
        ] {
            records.push(record_of(&store, by(partner, &source, &identifiers)).await);
        }
        let mut known = Vec::new();
        for identifier in [&one, &two] {
            known.push((seen(&store, "clinic", identifier).await, identifier.clone()));
        }
        // The lesser id is kept.
        if known[0] > known[1] {
            known.reverse();
            records.reverse();
        }
        let [(keep, one), (other, two)] = <[_; 2]>::try_from(known).expect("two");
        lodge(&store, &named("k1-"), &one).await;
        lodge(&store, &named("k2-"), &two).await;
        for (name, person) in [("f1-", keep), ("f2-", other)] {
            let fact = fact(&named(name), person.expect("known"), "{}");
            store.put_fact(fact).await.expect("entered");
        }
        let both = [given(&one), given(&two)];
        let status = accept(&store, by("county", &named("3"), &both)).await;
        assert_eq!(status, RecordStatus::Held);
        let items = store.work_items(None, None, 9).await.expect("items");
        let join = Resolution::JoinPersons;
        let done = store.resolve_work_item(items[0].work_item_id, join, act("one"));
        assert_eq!(done.await.expect("joined"), Resolved::Done);
        let new = [given(&two), given(&named("urn:p|3-"))];
        records.push(record_of(&store, by("riverbend", &named("4"), &new)).await);
        lodge(&store, &named("k3-"), &two).await;
        for identifier in [&one, &two, &named("urn:p|3-")] {
            assert_eq!(seen(&store, "riverbend", identifier).await, keep);
        }
        assert_eq!(consents(&store, keep).await.len(), 3);
        assert_eq!(facts(&store, keep).await, [named("f1-"), named("f2-")]);
        assert_eq!(persons(&store, &records).await, [keep, keep, keep]);
        let parted = store.part_persons(other.expect("known"), act("two after all"));
        assert_eq!(parted.await.expect("parted"), Resolved::Done);
        assert_eq!(seen(&store, "riverbend", &one).await, keep);
        for identifier in [&two, &named("urn:p|3-")] {
            assert_eq!(seen(&store, "riverbend", identifier).await, other);
        }
        assert_eq!(consents(&store, keep).await, [named("k1-")]);
        assert_eq!(facts(&store, keep).await, [named("f1-")]);
        assert_eq!(facts(&store, other).await, [named("f2-")]);
        assert_eq!(consents(&store, other).await, [named("k2-"), named("k3-")]);
        assert_eq!(persons(&store, &records).await, [keep, other, other]);
        let again = store.part_persons(other.expect("known"), act("again"));
        assert_eq!(again.await.expect("an answer"), Resolved::Unknown);
    }
}

#[tokio::test]
async fn what_an_unsealed_batch_says_is_nobodys_and_goes_with_it() {
    // Goal: links of a batch are invisible until it is sealed and vanish when it is given up.
    // Method: look while it is open, give it up; open another one, learn the same elsewhere
    // meanwhile, seal, and find one person.
    let world = World::new();
    let store = world.open().await;
    let open = |source: &str| by("riverbend", source, &["urn:p|1".into()]);
    for sealed in [false, true] {
        let mut head = open(if sealed { "b" } else { "a" });
        let records = std::mem::take(&mut head.records);
        let body = head.body_digest;
        let id = store.begin_batch(head).await.expect("begun");
        store
            .append_chunk(id, records, Vec::new())
            .await
            .expect("stored");
        assert_eq!(seen(&store, "riverbend", "urn:p|1").await, None);
        if !sealed {
            store.abandon_batch(id).await.expect("given up");
            assert_eq!(seen(&store, "riverbend", "urn:p|1").await, None);
            continue;
        }
        let patient = subject(&store, "clinic", "urn:p|1").await;
        store.seal_batch(id, body).await.expect("sealed");
        assert_eq!(seen(&store, "riverbend", "urn:p|1").await, Some(patient));
        let routes = store.claim_routes(9).await.expect("routes");
        assert_eq!(routes[0].record.persons[0].person, patient);
    }
}
