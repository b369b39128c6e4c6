//! The only wiring: settings, clock and rooms become one running gateway.
//!
//! Used by `serve`, the demo and tests alike, so that all of them run the same thing.

use crate::base::clock::{Clock, SystemClock};
use crate::base::defect::Defect;
use crate::config::Config;
use crate::rules::Rules;
use crate::store::keys::KeyError;
use crate::store::{MasterKey, Store, StoreError};
use crate::telemetry::{Event, emit, metrics};
use crate::web::principal::Directory;
use crate::web::server::{Server, ServerError};
use crate::web::site::Site;
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the store may take to close after everything else has ended.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Sockets or TLS.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// One credential stands in two files.
    #[error("credentials held by more than one principal: {0}")]
    CredentialClash(String),
    /// The data folder cannot be made.
    #[error("data folder: {0}")]
    Folder(std::io::Error),
    /// The master key.
    #[error("master key: {0}")]
    Key(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog has defects; each is told with its file and place.
    #[error("the catalog has {} defects; `kinbridge check` prints them", .0.len())]
    Catalog(Vec<Defect>),
}

/// What one gateway is made of; clones share it.
#[derive(Clone)]
pub struct Gateway {
    /// Settings.
    pub config: Arc<Config>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Everything kept.
    pub store: Store,
    /// The rules in force; a reload swaps them whole.
    pub rules: Arc<ArcSwap<Rules>>,
}

/// A running gateway.
pub struct Running {
    /// What it is made of.
    pub gateway: Gateway,
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
    let overlays = config.catalog.clone();
    let rules = tokio::task::spawn_blocking(move || Rules::load(&overlays)).await;
    let rules = rules.map_err(|_| StartError::Catalog(Vec::new()))?;
    let rules = rules.map_err(StartError::Catalog)?;
    start_with(config, rules, Arc::new(SystemClock)).await
}

/// Starts a gateway with rules already compiled, on a given clock.
pub async fn start_with(
    config: Config,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    // The recorder must be there before the first event, or its numbers are lost.
    let _ = metrics();
    let partners = rules.partners.values();
    let directory = Directory::build(partners, &config.operator, &config.limits);
    if !directory.clashes().is_empty() {
        return Err(StartError::CredentialClash(directory.clashes().join(", ")));
    }
    let store = open_store(&config, clock.clone()).await?;
    let gateway = Gateway {
        config: Arc::new(config),
        clock,
        store,
        rules: Arc::new(ArcSwap::new(rules)),
    };
    let site = Arc::new(Site::new(&gateway, directory));
    let server = Server::start(&site)?;
    emit(&Event::Started {
        address: server.address,
        rule_set: gateway.rules.load().digest.as_str(),
    });
    Ok(Running {
        gateway,
        address: server.address,
        metrics_address: server.metrics_address,
        site,
        server,
    })
}

async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartError> {
    make_private_folder(&config.data_dir).map_err(StartError::Folder)?;
    if config.key_beside_database() {
        emit(&Event::KeyBesideDatabase);
    }
    let key = MasterKey::load_or_create(&config.master_key_file())?;
    Ok(Store::open(&config.database_file(), key, clock).await?)
}

/// Readable by the gateway's own account alone.
fn make_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

impl Running {
    /// Reads the catalog again; swaps the rules and the credentials when there is no defect.
    ///
    /// # Errors
    /// All defects; the old rules stay in force.
    pub async fn reload(&self) -> Result<(), Vec<Defect>> {
        self.site.reload().await.map(|_| ())
    }

    /// Stops: no new connections, what is in flight is finished, workers end, the store closes.
    pub async fn shutdown(self) {
        emit(&Event::Stopping);
        self.site.stop();
        self.server.stop().await;
        let store = self.gateway.store.clone();
        // The store closes when the last handle is gone: all others go first.
        drop((self.site, self.server, self.gateway));
        if timeout(CLOSE_GRACE, store.close()).await.is_err() {
            emit(&Event::Failed {
                operation: "close",
                cause: "something still holds the store; what was promised is committed",
            });
        }
        emit(&Event::Stopped);
    }
}
