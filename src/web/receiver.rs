//! A simulated recipient: an HTTPS inbox that keeps what it was sent, honours delivery ids and can
//! be told to fail. The demo's county and programs, `partner certify` and tests use it.
//!
//! It listens on loopback only and must never be offered to a real partner.

use super::certificates::Identity;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const INBOX_BYTES_MAX: usize = 16 << 20;
const INBOX_DELIVERIES_MAX: usize = 100_000;

/// How the inbox answers next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes deliveries.
    Up,
    /// Answers with this status and keeps nothing.
    Refusing(u16),
    /// Takes the delivery, then breaks the connection before the answer.
    LosingAnswers,
}

/// One delivery as it took effect.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Value of `Idempotency-Key`.
    pub delivery_id: String,
    /// Value of `Content-Type`.
    pub media_type: String,
    /// All other `Kinbridge-` headers.
    pub headers: BTreeMap<String, String>,
    /// The body of the first arrival.
    pub body: Vec<u8>,
    /// How often it arrived; the effect is one.
    pub arrivals: u32,
    /// Whether every arrival carried the same bytes.
    pub same_bytes: bool,
}

#[derive(Default)]
struct Inbox {
    order: Vec<String>,
    deliveries: BTreeMap<String, Delivery>,
}

struct Shared {
    inbox: Mutex<Inbox>,
    behaviour: AtomicU16,
    refusals: AtomicU32,
}

const UP: u16 = 0;
const LOSING: u16 = 1;

/// A running inbox; dropping it does not stop it, [`Receiver::stop`] does.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    handle: actix_web::dev::ServerHandle,
}

impl Receiver {
    /// Starts an inbox on a free loopback port with this server certificate.
    pub fn start(identity: &Identity) -> anyhow::Result<Receiver> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(identity.chain(), identity.key())?;
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            behaviour: AtomicU16::new(UP),
            refusals: AtomicU32::new(0),
        });
        let state = web::Data::from(shared.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(web::PayloadConfig::new(INBOX_BYTES_MAX))
                .route("/inbox", web::post().to(take))
        })
        .workers(1)
        .disable_signals()
        .tcp_nodelay(true)
        .bind_rustls_0_23(("127.0.0.1", 0), tls)?;
        let address = *server
            .addrs()
            .first()
            .ok_or_else(|| anyhow::anyhow!("no address"))?;
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Ok(Receiver {
            address,
            shared,
            handle,
        })
    }

    /// What to write into a partner file.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/inbox", self.address.port())
    }

    /// Changes how it answers from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        let code = match behaviour {
            Behaviour::Up => UP,
            Behaviour::LosingAnswers => LOSING,
            Behaviour::Refusing(status) => status,
        };
        self.shared.behaviour.store(code, Ordering::SeqCst);
    }

    /// Deliveries that took effect, in order of first arrival.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let inbox = self
            .shared
            .inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        inbox
            .order
            .iter()
            .filter_map(|id| inbox.deliveries.get(id))
            .cloned()
            .collect()
    }

    /// How often it refused since it started.
    pub fn refusals(&self) -> u32 {
        self.shared.refusals.load(Ordering::SeqCst)
    }

    /// Stops listening.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

async fn take(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let code = shared.behaviour.load(Ordering::SeqCst);
    if code > LOSING {
        shared.refusals.fetch_add(1, Ordering::SeqCst);
        let status = actix_web::http::StatusCode::from_u16(code)
            .unwrap_or(actix_web::http::StatusCode::SERVICE_UNAVAILABLE);
        return HttpResponse::build(status).finish();
    }
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let delivery_id = header("idempotency-key");
    if delivery_id.is_empty() {
        return HttpResponse::BadRequest().finish();
    }
    if !keep(
        &shared,
        &request,
        delivery_id,
        header("content-type"),
        &body,
    ) {
        return HttpResponse::InsufficientStorage().finish();
    }
    if code == LOSING {
        // A body shorter than announced: the connection breaks before the answer is whole.
        let broken = futures_util::stream::once(async {
            Err::<web::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        });
        return HttpResponse::Ok().no_chunking(2).streaming(broken);
    }
    HttpResponse::NoContent().finish()
}

fn keep(shared: &Shared, request: &HttpRequest, id: String, media: String, body: &[u8]) -> bool {
    let mut inbox = shared.inbox.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = inbox.deliveries.get_mut(&id) {
        known.arrivals += 1;
        known.same_bytes &= known.body == body;
        return true;
    }
    if inbox.order.len() >= INBOX_DELIVERIES_MAX {
        return false;
    }
    let headers = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("kinbridge-"));
    let headers = headers
        .map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let delivery = Delivery {
        delivery_id: id.clone(),
        media_type: media,
        headers,
        body: body.to_vec(),
        arrivals: 1,
        same_bytes: true,
    };
    inbox.order.push(id.clone());
    inbox.deliveries.insert(id, delivery);
    true
}
