//! Goal: a delivery over real TLS carries its id and nothing it must not, and every way it can end
//! is told rightly. Method: the simulated recipient on loopback, one parcel at a time.

use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::{CorrelationId, DeliveryId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::catalog::partner::Https;
use kinbridge::deliver::HttpsTransport;
use kinbridge::deliver::transport::{Parcel, Reply, Transport};
use kinbridge::outbox::Answer;
use kinbridge::web::certificates::Authority;
use kinbridge::web::receiver::{Behaviour, Receiver};

struct World {
    receiver: Receiver,
    transport: HttpsTransport,
    folder: tempfile::TempDir,
    private_network: bool,
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
        let parcel = Parcel {
            delivery_id: DeliveryId([5; 16]),
            correlation_id: CorrelationId::new("corr-1"),
            media_type: "application/vnd.kinbridge+json".into(),
            obligations: "no_redisclosure".into(),
            bytes: Sensitive::new(b"{\"a\":1}".to_vec()),
            destination: Https {
                url: self.receiver.url(),
                in_flight_max: 1,
                retry_secs: vec![1],
                give_up_days: 1,
                ca_file: Some(ca.to_string_lossy().into_owned()),
                private_network: self.private_network,
            },
            now: Timestamp(0),
        };
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
    assert_eq!(first.media_type, "application/vnd.kinbridge+json");
    assert_eq!(first.headers["kinbridge-obligations"], "no_redisclosure");
    assert_eq!(first.headers["kinbridge-correlation"], "corr-1");
    assert_eq!(first.body, b"{\"a\":1}");
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
    assert!(world.receiver.deliveries().is_empty());
    world.receiver.stop().await;
}
