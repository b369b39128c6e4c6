//! What all requests share: settings, clock, credentials, and what is in flight.

use super::places::{Place, Places};
use super::principal::Directory;
use super::tls::{Secured, TlsError};
use crate::app::Gateway;
use crate::base::clock::{Clock, Timestamp};
use crate::base::defect::Defect;
use crate::base::id::{PartnerId, RuleSetId};
use crate::base::limits::EXTRACT_FILES_SERVED_MAX;
use crate::config::Config;
use crate::rules::{Concerned, Rules};
use crate::store::{OperatorAct, Store, StoreError};
use crate::telemetry::{Event, emit};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the ledger calls it.
const RELOAD: &str = "rules_reload";

/// The state behind every route; one for the process.
pub struct Site {
    /// Settings.
    pub config: Arc<Config>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Everything kept.
    pub store: Store,
    /// The rules in force.
    pub rules: Arc<ArcSwap<Rules>>,
    /// The gateway's own threads, for work too long for a thread that serves requests.
    pub runtime: tokio::runtime::Handle,
    /// Credentials in force.
    pub directory: ArcSwap<Directory>,
    /// TLS as new connections begin it; `None` for plain HTTP on loopback.
    pub tls: Option<Arc<ArcSwap<Secured>>>,
    /// OpenAPI, rendered once.
    pub openapi: String,
    batches: Arc<Semaphore>,
    files: Arc<Semaphore>,
    places: Arc<Places>,
    stopping: AtomicBool,
}

impl Site {
    /// Serves this gateway for these principals. Must be called inside the runtime.
    ///
    /// # Errors
    /// When the TLS files the settings name cannot be used.
    pub fn new(gateway: &Gateway, directory: Directory) -> Result<Site, TlsError> {
        let tls = gateway.config.tls.as_ref().map(Secured::load).transpose()?;
        Ok(Site {
            tls: tls.map(|tls| Arc::new(ArcSwap::from_pointee(tls))),
            config: gateway.config.clone(),
            clock: gateway.clock.clone(),
            store: gateway.store.clone(),
            rules: gateway.rules.clone(),
            runtime: tokio::runtime::Handle::current(),
            batches: Arc::new(Semaphore::new(gateway.config.limits.batches_max)),
            files: Arc::new(Semaphore::new(EXTRACT_FILES_SERVED_MAX)),
            directory: ArcSwap::from_pointee(directory),
            openapi: super::openapi::render(),
            places: Places::new(gateway.config.limits.in_flight_max),
            stopping: AtomicBool::new(false),
        })
    }

    /// A place among the batches being received; `None` when all are taken.
    pub fn enter_batch(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.batches).try_acquire_owned().ok()
    }

    /// A place among the files of extracts being served; `None` when all are taken.
    pub fn enter_file(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.files).try_acquire_owned().ok()
    }

    /// Reads the TLS files and the catalog again. They are two things: each is taken over when it
    /// has no defect, whatever is wrong with the other. Connections go on as they began.
    ///
    /// # Errors
    /// All defects; what has one stays as it was.
    pub async fn reload(&self, act: Option<OperatorAct>) -> Result<RuleSetId, Vec<Defect>> {
        let tls = self.reload_tls().await;
        let rules = self.reload_rules(act).await;
        match (rules, tls) {
            (rules, None) => rules,
            (Ok(_), Some(defect)) => Err(vec![defect]),
            (Err(mut defects), Some(defect)) => {
                defects.push(defect);
                Err(defects)
            }
        }
    }

    /// What keeps the TLS files from being taken over, if anything does.
    async fn reload_tls(&self) -> Option<Defect> {
        let (Some(current), Some(files)) = (&self.tls, self.config.tls.clone()) else {
            return None;
        };
        let loaded = tokio::task::spawn_blocking(move || Secured::load(&files)).await;
        let stopped = |_| Err(TlsError::Settings(String::from("reading was stopped")));
        match loaded.unwrap_or_else(stopped) {
            Ok(secured) => {
                current.store(Arc::new(secured));
                emit(&Event::TlsLoaded);
                None
            }
            Err(error) => {
                let cause = error.to_string();
                emit(&Event::TlsRefused { cause: &cause });
                Some(error.into_defect())
            }
        }
    }

    /// Compiles the catalog aside; swaps rules and credentials only when there is no defect. What
    /// was withheld under the old rules is decided again. The ledger says who had it done (`None`:
    /// a signal to the process) before anything changes.
    async fn reload_rules(&self, act: Option<OperatorAct>) -> Result<RuleSetId, Vec<Defect>> {
        let (config, now) = (Arc::clone(&self.config), self.clock.now());
        let looked = tokio::task::spawn_blocking(move || look(&config, now)).await;
        let looked = looked.unwrap_or_else(|_| Err(Vec::new()));
        let (rules, directory) = looked.inspect_err(|defects| {
            let defects = defects.len();
            emit(&Event::RulesRefused { defects });
        })?;
        let digest = rules.digest.clone();
        self.keep(&rules, act).await?;
        let concerned = self.rules.load().bearing().concerned(&rules.bearing());
        self.rules.store(rules);
        self.directory.store(Arc::new(directory));
        self.decide_again(concerned).await;
        emit(&Event::RulesLoaded {
            rule_set: digest.as_str(),
        });
        Ok(digest)
    }

    /// What waits or was withheld under rules that have changed is decided again.
    async fn decide_again(&self, concerned: Concerned) {
        let partners = match concerned {
            Concerned::All => vec![None],
            Concerned::Only(partners) => partners.into_iter().map(Some).collect(),
        };
        for partner in partners {
            if let Err(error) = self.store.reevaluate_partner(partner.as_ref()).await {
                error.tell();
            }
        }
    }

    /// Keeps rules before they are used, because a past decision can be taken again only under
    /// them, and notes who had them used.
    async fn keep(&self, rules: &Rules, act: Option<OperatorAct>) -> Result<(), Vec<Defect>> {
        let (store, digest) = (&self.store, rules.digest.as_str());
        let kept = async {
            store
                .keep_rule_set(&rules.digest, rules.kept_form())
                .await?;
            match act {
                Some(act) => store.record_operator_action(act, RELOAD, digest).await,
                None => {
                    let now = self.clock.now();
                    store.record_system_action(now, RELOAD, digest).await
                }
            }
        };
        kept.await.map(|_| ()).map_err(|error: StoreError| {
            error.tell();
            vec![Defect {
                file: String::new(),
                line: 0,
                column: 0,
                code: "rules-not-kept",
                message: String::from("the store did not keep the rules; the old ones stay"),
                help: String::from("see `kinbridge doctor` for the store, then reload again"),
            }]
        })
    }

    /// From now on readiness says no.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether a stop has begun.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// How many submissions are between head and answer.
    pub fn in_flight(&self) -> usize {
        self.places.taken()
    }

    /// A place among the submissions in flight; `None` when all, or the partner's share, are taken.
    pub fn enter(&self, partner: &PartnerId) -> Option<Place> {
        self.places.enter(partner)
    }
}

/// The catalog the settings name, as it stands now: rules to serve and the credentials in force.
/// It reads files and compiles them: not for a thread that serves requests.
///
/// # Errors
/// Every defect of the catalog and every credential of two principals.
pub fn look(config: &Config, now: Timestamp) -> Result<(Arc<Rules>, Directory), Vec<Defect>> {
    let (rules, mut defects) = Rules::survey(&config.catalog, now);
    let directory = Directory::build(rules.partners.values(), &config.operator, &config.limits);
    defects.extend(directory.defects(&rules.sources));
    match defects.is_empty() {
        true => Ok((Arc::new(rules), directory)),
        false => Err(defects),
    }
}
