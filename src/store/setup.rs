//! Opening a database: lock, connection settings, schema, keys, clean-up, writer.

use super::keys::{ACCOUNTING, INDEX, Keys, MasterKey, SIGNING, WrappedSecret};
use super::model::{Checkpoint, StorageTrouble};
use super::sql::{Columns as _, Fault, all, first, row, run};
use super::submission::checkpoint_at;
use super::writer::{Inboxes, Tail, Tx};
use super::{Inner, Store};
use crate::base::clock::{Clock, Timestamp};
use crate::base::digest::Digest;
use crate::base::id::PartnerId;
use crate::base::limits::IN_FLIGHT_MAX;
use crate::telemetry::{Event, emit};
use aws_lc_rs::rand;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlSafeStr as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

const READERS_MAX: u32 = 4;
const STATEMENTS_CACHED_MAX: usize = 256;
/// Rows and ends of statements on their way from the database's thread; it waits for no reader
/// below that.
const ROWS_BUFFERED_MAX: usize = 1024;
/// Of 4 KiB each.
const PAGES_PER_MIB: u64 = 256;
/// Pages of the write-ahead log before it is moved into the database (4 KiB each).
const CHECKPOINT_PAGES: &str = "16000";
/// The writer's page cache, KiB (negative: not a number of pages). It holds what one chunk of a
/// batch changes and the indexes it touches; with less, pages are written and read again within
/// one transaction.
const WRITER_CACHE: &str = "-16384";
/// A reader's: every commit of the writer empties it, and emptying costs what it could hold.
const READER_CACHE: &str = "-2048";

pub(super) async fn open(
    path: &Path,
    master: MasterKey,
    clock: Arc<dyn Clock>,
    mib_max: Option<u64>,
) -> Result<Store, Fault> {
    let lock = lock(path)?;
    let options = options(path);
    let mut writing = options.clone();
    if let Some(mib) = mib_max {
        let pages = mib.saturating_mul(PAGES_PER_MIB).to_string();
        writing = writing.pragma("max_page_count", pages);
    }
    let mut conn = writing.connect().await?;
    migrate(&mut conn).await?;
    let keys = Arc::new(open_keys(&mut conn, master, clock.now()).await?);
    let erased = super::erase::all_unsealed(&mut conn).await?;
    if erased > 0 {
        emit(&Event::BatchesErased { erased });
    }
    let tail = read_tail(&mut conn).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(
            options
                .read_only(true)
                .create_if_missing(false)
                .pragma("cache_size", READER_CACHE),
        );
    let (accepts, accepts_in) = mpsc::channel(IN_FLIGHT_MAX);
    let (completes, completes_in) = mpsc::channel(IN_FLIGHT_MAX);
    let (work, work_in) = mpsc::channel(IN_FLIGHT_MAX);
    let (chunks, chunks_in) = mpsc::channel(4);
    let (stop, stopped) = oneshot::channel();
    let inboxes = Inboxes {
        accepts: accepts_in,
        completes: completes_in,
        work: work_in,
        chunks: chunks_in,
        stop: stopped,
        lock,
    };
    let recent = Arc::<super::recent::Recent>::default();
    let storage = Arc::<super::storage::Watch>::default();
    let mut tx = Tx::new(conn, Arc::clone(&keys), Arc::clone(&clock), tail);
    tx.recent = Arc::clone(&recent);
    tx.storage = Arc::clone(&storage);
    let writer = tokio::spawn(super::writer::run(tx, inboxes));
    Ok(Store {
        inner: Arc::new(Inner {
            keys,
            clock,
            readers,
            accepts,
            completes,
            work,
            chunks,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            writer: Mutex::new(Some(writer)),
            waiting: Notify::new(),
            routes: Mutex::default(),
            claims: Mutex::default(),
            recent,
            storage,
            batches: Mutex::default(),
            stop: Mutex::new(Some(stop)),
        }),
    })
}

/// One process per database: the lock goes with the process, however it ends.
fn lock(path: &Path) -> Result<std::fs::File, Fault> {
    make_folder(path).map_err(|error| unwritable(path.parent().unwrap_or(path), &error))?;
    let name = beside(path, ".lock");
    let file = own_file(&name).map_err(|error| unwritable(&name, &error))?;
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => Fault::Refused(format!(
            "another process has {} open: stop it first, or give this one a data_dir of its own",
            path.display()
        )),
        std::fs::TryLockError::Error(error) => unwritable(&name, &error),
    })?;
    // The database gives its own mode to the files it makes beside it.
    own_file(path).map_err(|error| unwritable(path, &error))?;
    for made in ["-wal", "-shm"].map(|end| beside(path, end)) {
        if made.exists() {
            own_file(&made).map_err(|error| unwritable(&made, &error))?;
        }
    }
    Ok(file)
}

/// A file or folder the store needs to write and cannot.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Fault::Storage(StorageTrouble::Full)
        }
        _ => Fault::Refused(format!(
            "{} cannot be made or written ({error}): the gateway's account needs to own that \
             folder and all in it",
            path.display()
        )),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Makes the folder of a file, open to this user alone. One that is there stays as it is: it is
/// the operator's.
pub(super) fn make_folder(of: &Path) -> std::io::Result<()> {
    let Some(folder) = of.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file for this user alone where there is none.
pub(super) fn new_file(path: &Path) -> Result<std::fs::File, Fault> {
    if path.exists() {
        let what = format!(
            "{} is there already; it is not written over",
            path.display()
        );
        return Err(Fault::Refused(what));
    }
    own_file(path).map_err(|error| unwritable(path, &error))
}

/// Opens a file for this user alone, empty if it is new; one that others could read is closed off.
fn own_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(STATEMENTS_CACHED_MAX)
        .row_buffer_size(ROWS_BUFFERED_MAX)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("secure_delete", "fast")
        .pragma("cell_size_check", "on")
        .pragma("cache_size", WRITER_CACHE)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

/// The schema's versions, by their numbers. A database of a later program is refused.
fn migrations() -> Vec<Migration> {
    let texts = [
        (1, "first", include_str!("migrations/0001_first.sql")),
        (2, "extracts", include_str!("migrations/0002_extracts.sql")),
        (
            3,
            "whereabouts",
            include_str!("migrations/0003_whereabouts.sql"),
        ),
        (4, "outbox", include_str!("migrations/0004_outbox.sql")),
        (
            5,
            "joined-persons",
            include_str!("migrations/0005_joined_persons.sql"),
        ),
        (
            6,
            "no-lane-key",
            include_str!("migrations/0006_no_lane_key.sql"),
        ),
        (7, "facts", include_str!("migrations/0007_facts.sql")),
        (8, "consents", include_str!("migrations/0008_consents.sql")),
        (
            9,
            "emergency",
            include_str!("migrations/0009_emergency.sql"),
        ),
        (11, "recall", include_str!("migrations/0011_recall.sql")),
        (12, "rejudge", include_str!("migrations/0012_rejudge.sql")),
        (13, "turns", include_str!("migrations/0013_turns.sql")),
        (
            15,
            "authorised",
            include_str!("migrations/0015_authorised.sql"),
        ),
        (16, "looks", include_str!("migrations/0016_looks.sql")),
        (17, "newest", include_str!("migrations/0017_newest.sql")),
        (18, "told", include_str!("migrations/0018_told.sql")),
        (19, "audience", include_str!("migrations/0019_audience.sql")),
        (
            20,
            "routed_again",
            include_str!("migrations/0020_routed_again.sql"),
        ),
        (
            21,
            "household_facts",
            include_str!("migrations/0021_household_facts.sql"),
        ),
        (
            22,
            "pull_channel",
            include_str!("migrations/0022_pull_channel.sql"),
        ),
        (
            23,
            "record_source",
            include_str!("migrations/0023_record_source.sql"),
        ),
    ];
    let each = texts.into_iter().map(|(version, name, text)| {
        let text = text.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, text, false)
    });
    each.collect()
}

async fn migrate(conn: &mut SqliteConnection) -> Result<(), Fault> {
    let migrator = Migrator::with_migrations(migrations());
    let done = migrator.run_direct(None, conn, false).await;
    let refused = |why: &str| Err(Fault::Refused(why.to_owned()));
    match done {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => refused(
            "the database was made by a later version of this program: start that version; \
             nothing was changed",
        ),
        Err(MigrateError::VersionMismatch(_)) => refused(
            "the database was made by another edition of this version: start that one; nothing \
             was changed",
        ),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(Fault::Sql(error))
        }
        Err(_) => refused("the schema cannot be brought up to date; nothing was changed"),
    }
}

/// A database no gateway has open, with its lock.
pub(super) async fn closed(path: &Path) -> Result<(SqliteConnection, std::fs::File), Fault> {
    if !path.exists() {
        return Err(Fault::Refused(format!(
            "there is no database {}",
            path.display()
        )));
    }
    let lock = lock(path)?;
    let mut conn = options(path).create_if_missing(false).connect().await?;
    migrate(&mut conn).await?;
    Ok((conn, lock))
}

/// For reading a database from outside.
pub(super) fn reading(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

/// The store's keys, made when there are none.
async fn open_keys(
    conn: &mut SqliteConnection,
    master: MasterKey,
    now: Timestamp,
) -> Result<Keys, Fault> {
    if secrets(conn).await?.is_empty() {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        for name in [INDEX, ACCOUNTING, SIGNING] {
            add_secret(conn, &master, (name, 1), now).await?;
        }
        sqlx::query("COMMIT").execute(&mut *conn).await?;
    }
    let keys = existing_keys(conn, master).await?;
    let (generation, public) = keys.public_key();
    let sql = "INSERT INTO ledger_key (generation, public_key) VALUES (?, ?) \
               ON CONFLICT (generation) DO NOTHING";
    run(conn, sql, row![generation, public]).await?;
    Ok(keys)
}

/// Makes one generation of one of the store's keys.
pub(super) async fn add_secret(
    conn: &mut SqliteConnection,
    master: &MasterKey,
    (name, generation): (&str, u32),
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO store_secret (name, generation, wrapped, created_at) \
               VALUES (?, ?, ?, ?)";
    let cells = row![name, generation, master.generate()?, now];
    run(conn, sql, cells).await.map(drop)
}

/// The keys of a database that has them.
pub(super) async fn existing_keys(
    conn: &mut SqliteConnection,
    master: MasterKey,
) -> Result<Keys, Fault> {
    Keys::open(master, &secrets(conn).await?)
}

async fn secrets(conn: &mut SqliteConnection) -> Result<Vec<WrappedSecret>, Fault> {
    let sql = "SELECT name, generation, wrapped FROM store_secret";
    let rows = all(conn, sql, []).await?;
    let read = |row: &SqliteRow| {
        Ok(WrappedSecret {
            name: row.text(0)?,
            generation: super::submission::generation(row, 1)?,
            wrapped: row.blob(2)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Where the ledger stands.
async fn read_tail(conn: &mut SqliteConnection) -> Result<Tail, Fault> {
    let mut writer = [0_u8; 8];
    rand::fill(&mut writer).map_err(|_| Fault::Damaged("the system gives no randomness"))?;
    let sql = "INSERT INTO store_fact (name, value) VALUES ('ledger_writer', ?) \
               ON CONFLICT (name) DO UPDATE SET value = value RETURNING value";
    let kept = first(conn, sql, row![writer.as_slice()]).await?;
    let kept = kept.map(|row| row.blob(0)).transpose()?.unwrap_or_default();
    let writer = <[u8; 8]>::try_from(kept).map_err(|_| Fault::Damaged("the ledger's writer"))?;
    let sql = "SELECT position, leaf_hash FROM ledger_entry ORDER BY position DESC LIMIT 1";
    let (next, prev) = match first(conn, sql, []).await? {
        Some(row) => (super::submission::unsigned(&row, 0)? + 1, row.digest(1)?),
        None => (0, Digest([0; 32])),
    };
    Ok(Tail {
        writer,
        next,
        prev,
        checkpoint: newest_checkpoint(conn).await?,
    })
}

/// The newest signed checkpoint.
pub(super) async fn newest_checkpoint(
    conn: &mut SqliteConnection,
) -> Result<Option<Checkpoint>, Fault> {
    let sql = "SELECT size, root, at, key_generation, signature FROM ledger_checkpoint \
               ORDER BY size DESC LIMIT 1";
    match first(conn, sql, []).await? {
        Some(row) => checkpoint_at(&row, 0),
        None => Ok(None),
    }
}

/// How many entries the newest checkpoint covers.
pub(super) const SEQUENCED: &str = "SELECT coalesce(max(size), 0) FROM ledger_checkpoint";

/// How many entries a checkpoint covers.
pub(super) async fn sequenced(conn: &mut SqliteConnection) -> Result<u64, Fault> {
    match first(conn, SEQUENCED, []).await? {
        Some(row) => super::submission::unsigned(&row, 0),
        None => Ok(0),
    }
}

/// Makes or reads a partner's newest key, wrapped; to be learned once that is committed.
pub(super) async fn make_partner_key(
    tx: &mut Tx,
    partner: &PartnerId,
) -> Result<(i64, Vec<u8>), Fault> {
    let sql = "SELECT key_id, wrapped FROM partner_key WHERE partner = ? \
               ORDER BY key_id DESC LIMIT 1";
    if let Some(row) = first(&mut tx.conn, sql, row![partner.as_str()]).await? {
        return Ok((row.int(0)?, row.blob(1)?));
    }
    let wrapped = tx.keys.generate_partner()?;
    let sql = "INSERT INTO partner_key (partner, key_id, wrapped, created_at) VALUES (?, 1, ?, ?)";
    let cells = row![partner.as_str(), wrapped.as_slice(), tx.now()];
    run(&mut tx.conn, sql, cells).await?;
    Ok((1, wrapped))
}
