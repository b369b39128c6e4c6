//! Goal: a delivery over real TLS carries its id and nothing it must not, and every way it can end
//! is told rightly. Method: the simulated recipient on loopback, one parcel at a time.

use crate::release::{PART2, acceptance, paper, text};
use arc_swap::ArcSwap;
use kinbridge::base::id::{CorrelationId, DeliveryId, PartnerId};
use kinbridge::catalog::partner::Https;
use kinbridge::deliver::HttpsTransport;
use kinbridge::deliver::transport::{Parcel, Reply, Transport};
use kinbridge::outbox::Answer;
use kinbridge::release::{Outgoing, Release};
use kinbridge::rules::Rules;
use kinbridge::web::certificates::Authority;
use kinbridge::web::receiver::{Behaviour, Receiver};
use std::sync::Arc;

struct World {
    receiver: Receiver,
    transport: HttpsTransport,
    folder: tempfile::TempDir,
    private_network: bool,
}

/// What a clinic answers about a referral, as release lets it go: with notice, copy and what the
/// recipient owes.
fn released() -> Outgoing {
    let mut consent = paper(1, PART2);
    consent.lodger = PartnerId::new("clinic");
    match acceptance(&[consent]) {
        Release::Go(outgoing) => *outgoing,
        other => panic!("not released: {other:?}"),
    }
}

impl World {
    fn new() -> World {
        let authority = Authority::new("test").expect("an authority");
        let identity = authority.issue(&["localhost"]).expect("a certificate");
        let receiver = Receiver::start(&identity).expect("a recipient");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), authority.certificate_pem()).expect("a file");
        World {
            receiver,
            transport: HttpsTransport::new(None).expect("a transport"),
            folder,
            private_network: true,
        }
    }

    async fn send(&self) -> Reply {
        let ca = self.folder.path().join("ca.pem");
        let destination = Https {
            url: self.receiver.url(),
            in_flight_max: 1,
            retry_secs: vec![1],
            give_up_days: 1,
            ca_file: Some(ca.to_string_lossy().into_owned()),
            private_network: self.private_network,
        };
        let (id, run) = (DeliveryId([5; 16]), CorrelationId::new("corr-1"));
        let parcel = Parcel::new(id, run, released(), destination);
        self.transport.send(parcel).await
    }
}

#[actix_web::test]
async fn a_parcel_arrives_with_its_id_and_headers() {
    let world = World::new();
    let reply = world.send().await;
    assert_eq!(reply.answer, Answer::Confirmed, "{reply:?}");
    let arrived = world.receiver.deliveries();
    assert_eq!(arrived.len(), 1);
    let first = &arrived[0];
    assert_eq!(first.delivery_id, DeliveryId([5; 16]).to_string());
    let outgoing = released();
    assert_eq!(first.media_type, outgoing.media_type());
    assert!(!outgoing.told().is_empty());
    let obligations = &first.headers["kinbridge-obligations"];
    assert_eq!(*obligations, outgoing.told().words());
    assert_eq!(first.headers["kinbridge-correlation"], "corr-1");
    assert_eq!(first.body, text(&outgoing).as_bytes());
    assert_eq!(world.send().await.answer, Answer::Confirmed);
    assert_eq!(world.receiver.deliveries()[0].arrivals, 2);
    world.receiver.stop().await;
}

#[actix_web::test]
async fn each_way_of_failing_is_told_apart() {
    let mut world = World::new();
    for (status, answer) in [
        (503, Answer::NotTaken),
        (429, Answer::NotTaken),
        (500, Answer::Unsure),
        (422, Answer::Refused),
        (301, Answer::Refused),
    ] {
        world.receiver.behave(Behaviour::Refusing(status));
        assert_eq!(world.send().await.answer, answer, "{status}");
    }
    world.receiver.stop().await;
    // A transport of its own: over a connection kept open, whether the parcel was taken is unsure.
    world.transport = HttpsTransport::new(None).expect("a transport");
    assert_eq!(
        world.send().await.answer,
        Answer::NotTaken,
        "nobody listens"
    );
}

#[actix_web::test]
async fn an_inner_address_is_not_dialled_unless_the_partner_file_says_so() {
    let mut world = World::new();
    world.private_network = false;
    let reply = world.send().await;
    assert_eq!(reply.answer, Answer::NotTaken);
    assert!(world.receiver.deliveries().is_empty());
    world.receiver.stop().await;
}

#[actix_web::test]
async fn a_server_the_authority_did_not_sign_gets_nothing() {
    let world = World::new();
    let other = Authority::new("other").expect("an authority");
    std::fs::write(world.folder.path().join("ca.pem"), other.certificate_pem()).expect("a file");
    let reply = world.send().await;
    assert_eq!(reply.answer, Answer::NotTaken, "{reply:?}");
    assert_eq!(reply.detail, "tls-issuer-unknown");
    assert!(reply.is_of_tls());
    assert!(world.receiver.deliveries().is_empty());
    world.receiver.stop().await;
}

#[actix_web::test]
async fn what_keeps_a_connection_from_being_secured_is_said() {
    // Goal: a certificate that does not fit is told as that, and what is no matter of TLS is not.
    // Method: one of another name; a recipient's own as its authority; no file; nobody there.
    let mut world = World::new();
    let authority = Authority::new("test").expect("an authority");
    let other = authority.issue(&["elsewhere.example"]).expect("one");
    let elsewhere = Receiver::start(&other).expect("a recipient");
    let there = std::mem::replace(&mut world.receiver, elsewhere);
    let ca = world.folder.path().join("ca.pem");
    std::fs::write(&ca, authority.certificate_pem()).expect("a file");
    assert_eq!(world.send().await.detail, "tls-certificate-of-another-name");
    std::fs::remove_file(&ca).expect("removed");
    world.transport = HttpsTransport::new(None).expect("a transport");
    let reply = world.send().await;
    assert_eq!(reply.detail, "authority-file-unreadable");
    assert!(reply.is_of_tls());
    std::fs::write(&ca, authority.certificate_pem()).expect("a file");
    world.receiver.stop().await;
    let reply = world.send().await;
    assert_eq!(reply.detail, "not-connected");
    assert!(!reply.is_of_tls());
    there.stop().await;
}

#[actix_web::test]
async fn a_changed_file_of_authorities_counts_once_the_rules_are_loaded_again() {
    // Goal: a recipient's new authority needs no restart. Method: the wrong file, the right one,
    // then the rules swapped for the same ones loaded anew.
    let mut world = World::new();
    let load = || Rules::load(&[]).expect("rules");
    let rules = Arc::new(ArcSwap::new(load()));
    world.transport = HttpsTransport::new(None)
        .expect("a transport")
        .following(Arc::clone(&rules));
    let ca = world.folder.path().join("ca.pem");
    let right = std::fs::read(&ca).expect("the file");
    let other = Authority::new("other").expect("an authority");
    std::fs::write(&ca, other.certificate_pem()).expect("a file");
    assert_eq!(world.send().await.detail, "tls-issuer-unknown");
    std::fs::write(&ca, right).expect("a file");
    assert_eq!(
        world.send().await.detail,
        "tls-issuer-unknown",
        "not read yet"
    );
    rules.store(load());
    assert_eq!(world.send().await.answer, Answer::Confirmed);
    world.receiver.stop().await;
}
