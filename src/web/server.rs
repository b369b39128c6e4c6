//! Sockets: the API over TLS (or plain on loopback) and the metrics on loopback.
//!
//! TLS needs TCP_NODELAY: without it a handshake waits for delayed acknowledgements.

use super::answer::{answer, unrouted};
use super::problem::{METHOD_NOT_ALLOWED, Problem};
use super::routes::{ROUTES, Route};
use super::site::Site;
use super::tls::{Authorities, TlsError, server_side};
use crate::config::Config;
use crate::telemetry::metrics;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, ServerHandle};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Why the sockets could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// TLS files.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Running sockets.
pub struct Server {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the metrics are.
    pub metrics_address: SocketAddr,
    api: ServerHandle,
    metrics: ServerHandle,
}

impl Server {
    /// Opens both sockets and serves. Must be called inside the runtime.
    pub fn start(site: &Arc<Site>) -> Result<Server, ServerError> {
        let (metrics_address, metrics) = start_metrics(site)?;
        let (address, api) = start_api(site)?;
        Ok(Server {
            address,
            metrics_address,
            api,
            metrics,
        })
    }

    /// Takes no new connections, finishes what is in flight within the grace, ends.
    pub async fn stop(&self) {
        self.api.stop(true).await;
        self.metrics.stop(false).await;
    }
}

fn start_api(site: &Arc<Site>) -> Result<(SocketAddr, ServerHandle), ServerError> {
    let config = site.config.clone();
    let tls = config.tls.as_ref().map(server_side).transpose()?;
    let state = web::Data::from(site.clone());
    let authorities = tls.as_ref().map(|(_, authorities)| authorities.clone());
    let clock = site.clock.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(register)
            .default_service(web::to(nowhere))
    })
    .on_connect(move |io: &dyn Any, data: &mut Extensions| {
        if let Some(authorities) = &authorities {
            show_peer(io, authorities, clock.now(), data);
        }
    })
    .workers(workers(&config))
    .max_connections(config.listen.connections_max.div_ceil(workers(&config)))
    .client_request_timeout(Duration::from_millis(config.limits.head_timeout_ms))
    .shutdown_timeout(config.limits.stop_grace().as_secs().max(1))
    .tcp_nodelay(true)
    .disable_signals();
    let address = config.listen.address;
    let listen = |cause| ServerError::Listen { address, cause };
    let server = match tls {
        Some((tls, _)) => server.bind_rustls_0_23(address, tls).map_err(listen)?,
        None => server.bind(address).map_err(listen)?,
    };
    let bound = server.addrs().first().copied().unwrap_or(address);
    let running = server.run();
    let handle = running.handle();
    tokio::spawn(running);
    Ok((bound, handle))
}

fn workers(config: &Config) -> usize {
    match config.listen.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        set => set,
    }
}

fn show_peer(
    io: &dyn Any,
    authorities: &Authorities,
    now: crate::base::clock::Timestamp,
    data: &mut Extensions,
) {
    let stream = io.downcast_ref::<TlsStream<TcpStream>>();
    let shown = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    let leaf = shown.and_then(|chain| chain.first());
    if let Some(peer) = leaf.and_then(|leaf| authorities.identify(leaf, now)) {
        data.insert(peer);
    }
}

/// Puts every row of the table in its place; another method on a known address is a 405.
fn register(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    for (path, routes) in by_path {
        let mut resource = web::resource(path);
        for &route in &routes {
            let serve = move |site, request, payload| answer(route, site, request, payload);
            resource = resource.route(web::method(route.verb.method()).to(serve));
        }
        let methods: Vec<String> = routes
            .iter()
            .map(|route| route.verb.method().to_string())
            .collect();
        let methods = methods.join(", ");
        config.service(resource.default_service(web::to(
            move |site: web::Data<Site>, request: HttpRequest| {
                let detail = "use one of the methods in Allow";
                let problem = Problem::new(&METHOD_NOT_ALLOWED, detail).allowing(methods.clone());
                let response = unrouted(problem, &site, &request);
                async move { response }
            },
        )));
    }
}

async fn nowhere(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    unrouted(Problem::not_found(), &site, &request)
}

fn start_metrics(site: &Arc<Site>) -> Result<(SocketAddr, ServerHandle), ServerError> {
    let address = site.config.listen.metrics_address;
    let state = web::Data::from(site.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/metrics", web::get().to(show_metrics))
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals()
    .bind(address)
    .map_err(|cause| ServerError::Listen { address, cause })?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    let running = server.run();
    let handle = running.handle();
    tokio::spawn(running);
    Ok((bound, handle))
}

async fn show_metrics(site: web::Data<Site>) -> HttpResponse {
    let text = metrics().map(|metrics| {
        metrics.in_flight(site.in_flight());
        metrics.render()
    });
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text.unwrap_or_default())
}
