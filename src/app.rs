//! The only wiring: settings, clock and rooms become one running gateway.
//!
//! Used by `serve`, the demo and tests alike, so that all of them run the same thing.

use crate::base::clock::{Clock, SystemClock};
use crate::base::defect::Defect;
use crate::catalog::{self, Sources};
use crate::config::Config;
use crate::telemetry::{Event, emit, metrics};
use crate::web::principal::Directory;
use crate::web::server::{Server, ServerError};
use crate::web::site::Site;
use std::net::SocketAddr;
use std::sync::Arc;

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Sockets or TLS.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// One credential stands in two files.
    #[error("credentials held by more than one principal: {0}")]
    CredentialClash(String),
    /// The catalog has defects; each is told with its file and place.
    #[error("the catalog has {} defects; `kinbridge check` prints them", .0.len())]
    Catalog(Vec<Defect>),
}

/// A running gateway.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the metrics are.
    pub metrics_address: SocketAddr,
    site: Arc<Site>,
    server: Server,
}

/// Starts a gateway on the system's clock with the catalog the settings name. Must be called
/// inside the runtime.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let (sources, defects) = catalog::load(&config.catalog);
    if !defects.is_empty() {
        return Err(StartError::Catalog(defects));
    }
    start_with(config, &sources, Arc::new(SystemClock)).await
}

/// Starts a gateway with a catalog already read, on a given clock.
pub async fn start_with(
    config: Config,
    sources: &Sources,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    // The recorder must be there before the first event, or its numbers are lost.
    let _ = metrics();
    let partners = sources.partners.values();
    let directory = Directory::build(partners, &config.operator, &config.limits);
    if !directory.clashes().is_empty() {
        return Err(StartError::CredentialClash(directory.clashes().join(", ")));
    }
    let site = Arc::new(Site::new(Arc::new(config), clock, directory));
    let server = Server::start(&site)?;
    emit(&Event::Started {
        address: server.address,
        rule_set: sources.digest.as_str(),
    });
    Ok(Running {
        address: server.address,
        metrics_address: server.metrics_address,
        site,
        server,
    })
}

impl Running {
    /// Stops: no new connections, what is in flight is finished, workers end.
    pub async fn shutdown(self) {
        emit(&Event::Stopping);
        self.site.stop();
        self.server.stop().await;
        emit(&Event::Stopped);
    }
}
