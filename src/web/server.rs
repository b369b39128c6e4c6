//! Sockets: the API over TLS (or plain on loopback) and the metrics on loopback.
//!
//! It opens and closes them; what happens on a connection is `connection`'s.

use super::connection::{plain, secured};
use super::site::Site;
use super::tls::TlsError;
use crate::config::Config;
use crate::telemetry::metrics;
use actix_web::dev::{self, ServerHandle};
use actix_web::{App, HttpResponse, HttpServer, web};
use std::net::SocketAddr;
use std::sync::Arc;

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
    let config = &site.config;
    let address = config.listen.address;
    let listen = |cause| ServerError::Listen { address, cause };
    let listener = std::net::TcpListener::bind(address).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let workers = workers(config);
    let builder = dev::Server::build()
        .workers(workers)
        .max_concurrent_connections(config.listen.connections_max.div_ceil(workers))
        .shutdown_timeout(config.limits.stop_grace().as_secs().max(1))
        .disable_signals();
    let signal = builder.graceful_shutdown_signal();
    let site = site.clone();
    let stopping = move || {
        let signal = signal.clone();
        async move { signal.notified().await }
    };
    let builder = match site.tls.clone() {
        Some(tls) => builder.listen("api", listener, move || {
            secured(site.clone(), tls.clone(), stopping.clone())
        }),
        None => builder.listen("api", listener, move || {
            plain(site.clone(), stopping.clone())
        }),
    };
    let running = builder.map_err(listen)?.run();
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
