//! The only wiring: settings, clock and rooms become one running gateway.
//!
//! Used by `serve`, the demo and tests alike, so that all of them run the same thing.

mod callers;

use crate::base::clock::{Clock, SystemClock, Timestamp};
use crate::base::defect::Defect;
use crate::base::id::{ChannelId, PartnerId, RegistryId};
use crate::config::Config;
use crate::deliver::{self, Courier, HttpsTransport};
use crate::disclosure::moment::{Day, local_day};
use crate::extract;
use crate::kept::aging;
use crate::listen::{Desk, Mllp};
use crate::rules::Rules;
use crate::store::keys::KeyError;
use crate::store::{Extract, LaneStat, MasterKey, Store, StoreError};
use crate::telemetry::{Event, emit, metrics};
use crate::web::principal::Directory;
use crate::web::server::{Server, ServerError};
use crate::web::site::{Site, look};
use arc_swap::ArcSwap;
use callers::Known;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

/// How long the store may take to close after everything else has ended.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// Between two checkpoints.
const SEQUENCING: Duration = Duration::from_secs(1);

/// Between two looks at the lanes.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Sockets or TLS.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The address for MLLP.
    #[error("listen.mllp_address: {0}")]
    Mllp(std::io::Error),
    /// One credential stands in two files.
    #[error("credentials held by more than one principal: {0}")]
    CredentialClash(String),
    /// The data folder cannot be made.
    #[error("data folder: {0}")]
    Folder(std::io::Error),
    /// The certificate shown to recipients.
    #[error("deliver.identity_file: {0}")]
    Identity(String),
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
    /// Where MLLP is, where anybody listens for it.
    pub mllp_address: Option<SocketAddr>,
    site: Arc<Site>,
    server: Server,
    mllp: Option<Mllp>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

/// Starts a gateway on the system's clock with the catalog the settings name. Must be called
/// inside the runtime.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let settings = config.clone();
    let looked = tokio::task::spawn_blocking(move || look(&settings, SystemClock.now())).await;
    let looked = looked.map_err(|_| StartError::Catalog(Vec::new()))?;
    let (rules, _) = looked.map_err(StartError::Catalog)?;
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
    store
        .keep_rule_set(&rules.digest, rules.kept_form())
        .await?;
    let gateway = Gateway {
        config: Arc::new(config),
        clock,
        store,
        rules: Arc::new(ArcSwap::new(rules)),
    };
    // Before anybody can begin a new one: no job is written twice.
    let unfinished = gateway.store.extracts_writing().await?;
    let courier = courier(&gateway)?;
    let site = Site::new(&gateway, directory).map_err(ServerError::Tls)?;
    let site = Arc::new(site);
    let server = Server::start(&site)?;
    let mllp = listen(&site).await?;
    let (stop, stopped) = watch::channel(false);
    let workers = vec![
        tokio::spawn(housekeeping(gateway.clone(), stopped.clone())),
        tokio::spawn(sequencer(gateway.store.clone(), stopped.clone())),
        tokio::spawn(go_on(gateway.clone(), unfinished, stopped.clone())),
        tokio::spawn(deliver::run(courier, stopped)),
    ];
    emit(&Event::Started {
        address: server.address,
        rule_set: gateway.rules.load().digest.as_str(),
    });
    Ok(Running {
        gateway,
        address: server.address,
        metrics_address: server.metrics_address,
        mllp_address: mllp.as_ref().map(|mllp| mllp.address),
        site,
        server,
        mllp,
        stop,
        workers,
    })
}

/// What listens beside HTTP.
async fn listen(site: &Arc<Site>) -> Result<Option<Mllp>, StartError> {
    let Some(address) = site.config.listen.mllp_address else {
        return Ok(None);
    };
    let desk = Desk {
        store: site.store.clone(),
        rules: site.rules.clone(),
        clock: site.clock.clone(),
        callers: Arc::new(Known(Arc::clone(site))),
    };
    let started = Mllp::start(address, desk).await;
    started.map(Some).map_err(StartError::Mllp)
}

/// What sends, with the gateway's own certificate when it has one.
fn courier(gateway: &Gateway) -> Result<Courier, StartError> {
    let file = gateway.config.deliver.identity_file.as_ref();
    let pem = file.map(std::fs::read).transpose();
    let pem = pem.map_err(|error| StartError::Identity(error.to_string()))?;
    let transport = HttpsTransport::new(pem.as_deref());
    let transport = transport.map_err(|error| StartError::Identity(error.to_string()))?;
    Ok(Courier::new(
        gateway.store.clone(),
        gateway.rules.clone(),
        gateway.clock.clone(),
        Arc::new(transport.following(gateway.rules.clone())),
    )
    .looking_back(gateway.config.deliver.recall_look_back()))
}

/// Gives ledger entries their positions and signs checkpoints over them.
async fn sequencer(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut tick = interval(SEQUENCING);
    loop {
        let last = tokio::select! {
            _ = tick.tick() => false,
            _ = stopped.changed() => true,
        };
        match store.sequence().await {
            Ok(Some(checkpoint)) => emit(&Event::CheckpointSigned {
                size: checkpoint.size,
            }),
            Ok(None) => {}
            Err(error) => error.tell(),
        }
        if last {
            return;
        }
    }
}

/// Extracts an earlier run left unfinished are written again.
async fn go_on(gateway: Gateway, jobs: Vec<Extract>, mut stopped: watch::Receiver<bool>) {
    let rules = gateway.rules.load_full();
    tokio::select! {
        done = extract::go_on(&gateway.store, &rules, jobs) => {
            if let Err(error) = done {
                error.tell();
            }
        }
        _ = stopped.changed() => {}
    }
}

/// Keeps the numbers fresh (waiting samples are folded, lanes are measured) and erases batches that
/// were never sealed.
async fn housekeeping(gateway: Gateway, mut stopped: watch::Receiver<bool>) {
    let mut tick = interval(HOUSEKEEPING);
    let mut shown: BTreeSet<(PartnerId, ChannelId)> = BTreeSet::new();
    let mut decided = (0, 0);
    let mut aged = Aged::default();
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Some(metrics) = metrics() {
            metrics.upkeep();
        }
        decided = show_decisions(decided, gateway.rules.load().policy.memo_counts());
        match gateway.store.lanes().await {
            Ok(lanes) => show_lanes(&lanes, &mut shown, gateway.clock.now()),
            Err(error) => error.tell(),
        }
        if let Err(error) = gateway.store.probe_storage().await {
            error.tell();
        }
        if let Err(error) = gateway.store.erase_overdue_batches().await {
            error.tell();
        }
        if let Err(error) = gateway.store.end_overdue_replays().await {
            error.tell();
        }
        look_at_ages(&gateway, &mut aged).await;
        if let Err(error) = tell_overdue(&gateway.store).await {
            error.tell();
        }
    }
}

/// Reviews whose time has run out: each is told once, their number at every look.
async fn tell_overdue(store: &Store) -> Result<(), StoreError> {
    for item in store.mark_overdue_reviews().await? {
        emit(&Event::ReviewOverdue { item: &item });
    }
    let open = store.health().await?.reviews_overdue;
    emit(&Event::ReviewsOverdue { open });
    Ok(())
}

/// How far the day's look at consents that stop soon has come.
#[derive(Default)]
struct Aged {
    done: Option<Day>,
    after: Option<RegistryId>,
}

/// Once a day, and at the start: whose consents stop soon is told, one page at a time, so that
/// nothing else waits for it.
async fn look_at_ages(gateway: &Gateway, aged: &mut Aged) {
    let now = gateway.clock.now();
    let today = Some(local_day(now));
    if aged.done == today {
        return;
    }
    let rules = gateway.rules.load_full();
    match aging::tell(&gateway.store, &rules.sources.facts, (aged.after, now)).await {
        Ok(looked) => {
            aged.after = looked.next;
            aged.done = if looked.next.is_none() { today } else { None };
        }
        Err(error) => error.tell(),
    }
}

/// What was decided since the last look; new rules start from nothing.
fn show_decisions(before: (u64, u64), now: (u64, u64)) -> (u64, u64) {
    let since = |before: u64, now: u64| now.checked_sub(before).unwrap_or(now);
    emit(&Event::DecisionCache {
        hits: since(before.0, now.0),
        misses: since(before.1, now.1),
    });
    now
}

/// A lane that has emptied is shown once more, with nothing in it.
fn show_lanes(lanes: &[LaneStat], shown: &mut BTreeSet<(PartnerId, ChannelId)>, now: Timestamp) {
    let mut emptied = std::mem::take(shown);
    for lane in lanes {
        let oldest = lane.oldest_at.map_or(Duration::ZERO, |at| now.since(at));
        emit(&Event::Lane {
            partner: &lane.partner,
            channel: &lane.channel,
            pending: lane.pending,
            oldest,
        });
        let name = (lane.partner.clone(), lane.channel.clone());
        emptied.remove(&name);
        shown.insert(name);
    }
    for (partner, channel) in &emptied {
        emit(&Event::Lane {
            partner,
            channel,
            pending: 0,
            oldest: Duration::ZERO,
        });
    }
}

async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartError> {
    make_private_folder(&config.data_dir).map_err(StartError::Folder)?;
    if config.key_beside_database() {
        emit(&Event::KeyBesideDatabase);
    }
    let key = MasterKey::for_database(&config.master_key_file(), &config.database_file())?;
    let bound = config.limits.database_mib_max;
    Ok(Store::open_within(&config.database_file(), key, clock, bound).await?)
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
    /// Reads the TLS files and the catalog again; each is taken over when it has no defect. The
    /// ledger says that no operator asked for it.
    ///
    /// # Errors
    /// All defects; what has one stays as it was.
    pub async fn reload(&self) -> Result<(), Vec<Defect>> {
        self.site.reload(None).await.map(|_| ())
    }

    /// Stops: no new connections, what is in flight is finished, workers end, the store closes.
    pub async fn shutdown(self) {
        emit(&Event::Stopping);
        self.site.stop();
        self.server.stop().await;
        if let Some(mllp) = self.mllp {
            let _ = timeout(CLOSE_GRACE, mllp.stop()).await;
        }
        let _ = self.stop.send(true);
        for worker in self.workers {
            // A worker that ended badly has told so; the others still end well.
            let _ = timeout(CLOSE_GRACE, worker).await;
        }
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
