//! Goal: who may know of others' papers finds them, whoever stands behind one can take that back or
//! enter what the person told it, and what others hold of a person is not even read for a partner
//! that may not know of it. Method: partners about one person; others' papers damaged on the disk.

use super::acts::paper;
use crate::store::world::{START, World, sender};
use crate::web::harness::{Gateway, SENDER};
use kinbridge::base::id::{ConsentId, CorrelationId, PartnerId, PersonId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::{Audience, NewConsent, Reader, Store};
use serde_json::{Value, json};
use sqlx::Connection as _;

fn plain(disclosers: Option<&[&str]>) -> Value {
    let mut paper = paper();
    let members = paper["consent"].as_object_mut().expect("an object");
    members.remove("discloser_ids");
    if let Some(disclosers) = disclosers {
        paper["consent"]["discloser_ids"] = json!(disclosers);
    }
    paper
}

/// Alpha's paper, with beta, gamma and delta sources about the person and sigma a stranger.
async fn world(paper: Value) -> (Gateway, String) {
    let partners = ["alpha", "beta", "gamma", "delta", "sigma"].map(|id| (id, SENDER));
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let (status, told) = gateway.ask("alpha", "PUT", "/v1/consents/c1", paper).await;
    assert_eq!(status, 200, "{told}");
    for who in ["beta", "gamma", "delta"] {
        let (status, _) = gateway
            .ask(who, "PUT", "/v1/consents/own", plain(None))
            .await;
        assert_eq!(status, 200);
    }
    let id = told["registry_id"].as_str().expect("an id").to_owned();
    (gateway, id)
}

fn entered() -> Value {
    json!({ "entered_by": "w-17", "subject": paper()["subject"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_takes_its_word_back_and_gives_it_again() {
    let (gateway, id) = world(plain(None)).await;
    let [one, confirm, unconfirm] =
        ["", "/confirm", "/unconfirm"].map(|act| format!("/v1/consents/{id}{act}"));
    let post = async |who: &str, path: &str| gateway.ask(who, "POST", path, entered()).await.0;
    let read = async |who: &str| gateway.ask(who, "GET", &one, Value::Null).await.0;
    assert_eq!(read("beta").await, 404, "it answers for nothing of it yet");
    assert_eq!(
        post("beta", &unconfirm).await,
        409,
        "there is nothing to take back"
    );
    assert_eq!(post("beta", &confirm).await, 200);
    assert_eq!(read("beta").await, 200, "it sees what it stands behind");
    assert_eq!(
        post("gamma", &unconfirm).await,
        409,
        "another's word is another's"
    );
    assert_eq!(post("sigma", &unconfirm).await, 404);
    assert_eq!(post("alpha", &unconfirm).await, 409, "its lodger revokes");
    let mut other = entered();
    other["subject"]["value"] = json!("F-2002");
    assert_eq!(gateway.ask("beta", "POST", &unconfirm, other).await.0, 404);
    let confirmed = async || {
        let (_, own) = gateway
            .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
            .await;
        own["confirmed"].as_array().map(Vec::len)
    };
    assert_eq!(confirmed().await, Some(1));
    assert_eq!(post("beta", &unconfirm).await, 200);
    assert_eq!((confirmed().await, read("beta").await), (Some(0), 404));
    assert_eq!(post("beta", &unconfirm).await, 409);
    assert_eq!(post("beta", &confirm).await, 200);
    assert_eq!(confirmed().await, Some(1));
    let history = "/v1/consents/c1/history";
    let (_, told) = gateway.ask("alpha", "GET", history, Value::Null).await;
    let said = told["revisions"][0]["confirmed"].as_array().expect("words");
    let said: Vec<&Value> = said.iter().map(|word| &word["confirms"]).collect();
    assert_eq!(said, [&json!(true), &json!(false), &json!(true)], "{told}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_for_what_a_paper_opens_enters_its_revocation() {
    // A person may tell any of them that she revokes: the one that was named, the one that stands
    // behind a paper that names nobody. To any other source there is no such consent.
    for (disclosers, confirms) in [(Some(&["beta"][..]), false), (None, true)] {
        let (gateway, id) = world(plain(disclosers)).await;
        let path = |act: &str| format!("/v1/consents/{id}/{act}");
        if confirms {
            let done = gateway
                .ask("beta", "POST", &path("confirm"), entered())
                .await;
            assert_eq!(done.0, 200, "{}", done.1);
        }
        let told = || json!({ "means": "oral", "told_at": "2026-03-02", "told_to": "w-3" });
        let revoke = path("revoke");
        for who in ["gamma", "sigma"] {
            assert_eq!(
                gateway.ask(who, "POST", &revoke, told()).await.0,
                404,
                "{who}"
            );
        }
        let (status, answer) = gateway.ask("beta", "POST", &revoke, told()).await;
        assert_eq!(
            (status, &answer["consent_id"]),
            (200, &Value::Null),
            "{answer}"
        );
        let (_, own) = gateway
            .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
            .await;
        assert_eq!(own["state"], "revoked", "{own}");
        gateway.running.shutdown().await;
    }
    // A paper that names others is not taken away by who merely confirmed it.
    let (gateway, id) = world(plain(Some(&["delta"]))).await;
    let confirm = format!("/v1/consents/{id}/confirm");
    assert_eq!(
        gateway.ask("beta", "POST", &confirm, entered()).await.0,
        200
    );
    let revoke = format!("/v1/consents/{id}/revoke");
    assert_eq!(
        gateway.ask("beta", "POST", &revoke, Value::Null).await.0,
        404
    );
    gateway.running.shutdown().await;
}

async fn known_person(store: &Store) -> PersonId {
    let (who, id) = (sender(), "s|1".into());
    let person = store.ensure_person(&who, &id, false).await;
    person.expect("a person")
}

/// Lodges another partner's paper about a person.
async fn lodge(store: &Store, (lodger, id): (&str, &str), of: PersonId, audience: Audience) {
    let consent = NewConsent {
        consent_id: ConsentId::new(id),
        partner: PartnerId::new(lodger),
        subject: of,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store
        .lodge_consent(consent, None, audience)
        .await
        .expect("lodged");
}

fn reader(partner: &str) -> Reader {
    Reader {
        partner: PartnerId::new(partner),
        county_fips: None,
        unseen: Vec::new(),
    }
}

#[tokio::test]
async fn what_one_may_not_know_of_is_not_read() {
    // Goal: no clock tells how many papers others hold of a person. Method: the content of others'
    // papers is damaged, so that whoever opened one would fail; who is named in one does.
    let world = World::new();
    let store = world.open().await;
    let person = known_person(&store).await;
    let named = Audience {
        named: vec![PartnerId::new("named")],
        counties: true,
    };
    lodge(&store, ("own", "c-1"), person, Audience::default()).await;
    lodge(&store, ("other", "c-2"), person, Audience::default()).await;
    lodge(&store, ("other", "c-3"), person, named).await;
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    let sql = "UPDATE consent_revision SET body = x'00' WHERE consent_key IN \
               (SELECT c.consent_key FROM consent c WHERE c.lodger = 'other')";
    let damaged = sqlx::query(sql).execute(&mut conn).await.expect("done");
    assert_eq!(damaged.rows_affected(), 2);
    conn.close().await.expect("closed");
    assert!(
        store.consents_of(&[person]).await.is_err(),
        "it was damaged"
    );
    let own = PartnerId::new("own");
    let found = store.consents_by(&own, &[person]).await.expect("its own");
    assert_eq!(found.len(), 1);
    let found = store.consents_known_to(&reader("own"), person).await;
    assert_eq!(found.expect("its own").len(), 1);
    let found = store.consents_known_to(&reader("stranger"), person).await;
    assert!(found.expect("nothing").is_empty());
    let found = store.consents_known_to(&reader("named"), person).await;
    assert!(found.is_err(), "it is told of one");
}

#[tokio::test]
async fn who_may_know_follows_the_paper_and_the_person() {
    // Goal: the audience is that of the newest revision, of the person it counts to. Method: the
    // paper lodged anew with another; the same by a turn of the calendar.
    let world = World::new();
    let store = world.open().await;
    let person = known_person(&store).await;
    let to = |partner: &str| Audience {
        named: vec![PartnerId::new(partner)],
        counties: false,
    };
    let known = async |partner: &str| {
        let found = store.consents_known_to(&reader(partner), person).await;
        found.expect("an answer").len()
    };
    lodge(&store, ("other", "c-1"), person, to("first")).await;
    assert_eq!((known("first").await, known("second").await), (1, 0));
    lodge(&store, ("other", "c-1"), person, to("second")).await;
    assert_eq!((known("first").await, known("second").await), (0, 1));
    let page = store.turns_due(START).await.expect("what is due");
    let turn = kinbridge::store::Turn {
        audience: Some(to("third")),
        ..Default::default()
    };
    store
        .turned(page, (Vec::new(), vec![turn]), START)
        .await
        .expect("noted");
    assert_eq!((known("second").await, known("third").await), (0, 1));
}
