//! Values, rows and single statements; texts of many rows are built in [`super::script`].
//!
//! Values are always bound, never written into the text.

use super::model::{StorageTrouble, StoreErrorKind};
use super::script::{At, Bound, Script};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, Row as _};

/// Rows an insert has room for from the first.
const ROWS_AT_FIRST: usize = 16;

/// Why a statement or the reading of a row failed. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The database said no.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A sealed value does not open, or a stored form is not what it must be.
    #[error("stored data is damaged: {0}")]
    Damaged(&'static str),
    /// What is stored is whole, but it cannot be opened as things stand; says what to do.
    #[error("{0}")]
    Refused(String),
    /// A failure of the group's transaction, told to each member.
    #[error("{0}")]
    Failed(String),
    /// The database is busy, told to each member.
    #[error("the store cannot take more at the moment")]
    Busy,
    /// The storage takes nothing, told to each member.
    #[error("{}", .0.told())]
    Storage(StorageTrouble),
}

impl Fault {
    /// What the caller can make of it.
    pub(super) fn kind(&self) -> StoreErrorKind {
        match self {
            Fault::Busy => StoreErrorKind::Busy,
            Fault::Storage(trouble) => StoreErrorKind::Storage(*trouble),
            Fault::Sql(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|c| c.parse::<i64>().ok());
                kind_of(code.unwrap_or_default())
            }
            Fault::Sql(_) | Fault::Damaged(_) | Fault::Refused(_) | Fault::Failed(_) => {
                StoreErrorKind::Inside
            }
        }
    }

    /// Whether the same would happen to every member of a group alone.
    pub(super) fn is_of_all(&self) -> bool {
        self.kind() != StoreErrorKind::Inside
    }

    /// What each member of a group is told.
    pub(super) fn told(&self) -> Fault {
        let alone = || Fault::Failed(self.cause());
        self.told_of_all().unwrap_or_else(alone)
    }

    /// The words a [`super::model::StoreError`] keeps.
    pub(super) fn cause(&self) -> String {
        match self.told_of_all() {
            Some(fault) => fault.to_string(),
            None => match self {
                // SQLite names tables and columns in its messages, never values.
                Fault::Sql(sqlx::Error::Database(error)) => error.message().to_owned(),
                Fault::Sql(_) => String::from("the database connection failed"),
                other => other.to_string(),
            },
        }
    }

    fn told_of_all(&self) -> Option<Fault> {
        match self.kind() {
            StoreErrorKind::Busy => Some(Fault::Busy),
            StoreErrorKind::Storage(trouble) => Some(Fault::Storage(trouble)),
            StoreErrorKind::Inside => None,
        }
    }
}

/// What SQLite's result code means for the caller; only the primary code counts.
fn kind_of(code: i64) -> StoreErrorKind {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED.
        5 | 6 => StoreErrorKind::Busy,
        // SQLITE_READONLY.
        8 => StoreErrorKind::Storage(StorageTrouble::ReadOnly),
        // SQLITE_IOERR: a quota that is used up is one of these.
        10 => StoreErrorKind::Storage(StorageTrouble::Failing),
        // SQLITE_FULL.
        13 => StoreErrorKind::Storage(StorageTrouble::Full),
        _ => StoreErrorKind::Inside,
    }
}

/// One bound value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Blob(Vec<u8>),
    Text(String),
}

macro_rules! cells {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Cell { fn from($value: $from) -> Cell { $to } })*
    };
}

cells! {
    i64 => |v| Cell::Int(v);
    bool => |v| Cell::Int(i64::from(v));
    u32 => |v| Cell::Int(i64::from(v));
    u64 => |v| Cell::Int(i64::try_from(v).unwrap_or(i64::MAX));
    usize => |v| Cell::Int(i64::try_from(v).unwrap_or(i64::MAX));
    Vec<u8> => |v| Cell::Blob(v);
    &[u8] => |v| Cell::Blob(v.to_vec());
    [u8; 16] => |v| Cell::Blob(v.to_vec());
    [u8; 32] => |v| Cell::Blob(v.to_vec());
    &str => |v| Cell::Text(v.to_owned());
    String => |v| Cell::Text(v);
    crate::base::clock::Timestamp => |v| Cell::Int(v.0);
    crate::base::digest::Digest => |v| Cell::Blob(v.0.to_vec());
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// Binds cells in order.
pub(super) fn bind(cells: impl IntoIterator<Item = Cell>) -> Result<SqliteArguments, Fault> {
    let cells = cells.into_iter().collect();
    bind_all(vec![Bound { cells, nulls: 0 }])
}

/// Binds cells, and nulls behind them, in order.
pub(super) fn bind_all(all: Vec<Bound>) -> Result<SqliteArguments, Fault> {
    let mut arguments = SqliteArguments::default();
    let count = all.iter().map(|bound| bound.cells.len() + bound.nulls);
    arguments.reserve(count.sum(), 0);
    for Bound { cells, nulls } in all {
        let filling = std::iter::repeat_n(Cell::Null, nulls);
        for cell in cells.into_iter().chain(filling) {
            let added = match cell {
                Cell::Null => arguments.add(None::<i64>),
                Cell::Int(value) => arguments.add(value),
                Cell::Blob(value) => arguments.add(value),
                Cell::Text(value) => arguments.add(value),
            };
            added.map_err(|_| Fault::Damaged("a value cannot be bound"))?;
        }
    }
    Ok(arguments)
}

/// A row of cells: `row![a, b, c]`.
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::store::sql::Cell::from($value)),*] };
}
pub(super) use row;

/// Rows to insert: `INSERT INTO t (...) VALUES` + rows + tail.
pub(super) struct Insert {
    head: &'static str,
    tail: &'static str,
    columns: usize,
    cells: Vec<Cell>,
}

impl Insert {
    /// `head` ends with `VALUES`; the first column is never null.
    pub(super) fn new(head: &'static str, tail: &'static str) -> Insert {
        Insert {
            head,
            tail,
            columns: 1,
            cells: Vec::new(),
        }
    }

    /// Adds a row; all rows of one insert have the same width.
    pub(super) fn push<const N: usize>(&mut self, row: [Cell; N]) {
        self.columns = N;
        if self.cells.is_empty() {
            self.cells.reserve(N * ROWS_AT_FIRST);
        }
        self.cells.extend(row);
    }

    /// Adds the rows to a script.
    pub(super) fn add_to(self, script: &mut Script) -> At {
        script.rows((self.head, self.tail), self.columns, self.cells)
    }

    /// Inserts all rows.
    pub(super) async fn run(self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        self.returning(conn).await.map(drop)
    }

    /// Inserts all rows and gives what `RETURNING` in the tail asks for.
    pub(super) async fn returning(
        self,
        conn: &mut SqliteConnection,
    ) -> Result<Vec<SqliteRow>, Fault> {
        let mut script = Script::default();
        let at = self.add_to(&mut script);
        Ok(script.run(conn).await?.take(&at))
    }
}

/// Runs `head (keys) tail` with the cells of `first` bound before the keys, as [`Script::keys`].
pub(super) async fn for_keys(
    conn: &mut SqliteConnection,
    head: &str,
    tail: &str,
    first: &[Cell],
    keys: &[Cell],
) -> Result<Vec<SqliteRow>, Fault> {
    let mut script = Script::default();
    let at = script.keys((head, tail), first, keys.iter().cloned());
    Ok(script.run(conn).await?.take(&at))
}

/// One statement of fixed text.
pub(super) async fn run(
    conn: &mut SqliteConnection,
    sql: &'static str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<u64, Fault> {
    let done = sqlx::query_with(sql, bind(cells)?).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Runs a statement made of parts of this room; how many rows it touched.
pub(super) async fn run_made(
    conn: &mut SqliteConnection,
    sql: &str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<u64, Fault> {
    let sql = AssertSqlSafe(sql.to_owned());
    let done = sqlx::query_with(sql, bind(cells)?).execute(conn).await?;
    Ok(done.rows_affected())
}

/// All rows of one query of fixed text.
pub(super) async fn all(
    conn: &mut SqliteConnection,
    sql: &'static str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<Vec<SqliteRow>, Fault> {
    Ok(sqlx::query_with(sql, bind(cells)?).fetch_all(conn).await?)
}

/// All rows of one query made of fixed parts.
pub(super) async fn all_made(
    conn: &mut SqliteConnection,
    sql: &str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<Vec<SqliteRow>, Fault> {
    let sql = AssertSqlSafe(sql.to_owned());
    Ok(sqlx::query_with(sql, bind(cells)?).fetch_all(conn).await?)
}

/// The first row of one query of fixed text.
pub(super) async fn first(
    conn: &mut SqliteConnection,
    sql: &'static str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<Option<SqliteRow>, Fault> {
    let query = sqlx::query_with(sql, bind(cells)?);
    Ok(query.fetch_optional(conn).await?)
}

/// Reading columns by position.
pub(super) trait Columns {
    /// An integer.
    fn int(&self, index: usize) -> Result<i64, Fault>;
    /// An integer that may be null.
    fn int_or_null(&self, index: usize) -> Result<Option<i64>, Fault>;
    /// Any bytes.
    fn blob(&self, index: usize) -> Result<Vec<u8>, Fault>;
    /// Bytes that may be null.
    fn blob_or_null(&self, index: usize) -> Result<Option<Vec<u8>>, Fault>;
    /// Sixteen bytes.
    fn id(&self, index: usize) -> Result<[u8; 16], Fault>;
    /// Sixteen bytes that may be null.
    fn id_or_null(&self, index: usize) -> Result<Option<[u8; 16]>, Fault>;
    /// Thirty-two bytes.
    fn digest(&self, index: usize) -> Result<crate::base::digest::Digest, Fault>;
    /// Text.
    fn text(&self, index: usize) -> Result<String, Fault>;
    /// Text that may be null.
    fn text_or_null(&self, index: usize) -> Result<Option<String>, Fault>;
}

impl Columns for SqliteRow {
    fn int(&self, index: usize) -> Result<i64, Fault> {
        Ok(self.try_get(index)?)
    }

    fn int_or_null(&self, index: usize) -> Result<Option<i64>, Fault> {
        Ok(self.try_get(index)?)
    }

    fn blob(&self, index: usize) -> Result<Vec<u8>, Fault> {
        Ok(self.try_get(index)?)
    }

    fn blob_or_null(&self, index: usize) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.try_get(index)?)
    }

    fn id(&self, index: usize) -> Result<[u8; 16], Fault> {
        let bytes: &[u8] = self.try_get(index)?;
        <[u8; 16]>::try_from(bytes).map_err(|_| Fault::Damaged("an id is not 16 bytes"))
    }

    fn id_or_null(&self, index: usize) -> Result<Option<[u8; 16]>, Fault> {
        let bytes: Option<&[u8]> = self.try_get(index)?;
        bytes
            .map(<[u8; 16]>::try_from)
            .transpose()
            .map_err(|_| Fault::Damaged("an id is not 16 bytes"))
    }

    fn digest(&self, index: usize) -> Result<crate::base::digest::Digest, Fault> {
        let bytes: &[u8] = self.try_get(index)?;
        <[u8; 32]>::try_from(bytes)
            .map(crate::base::digest::Digest)
            .map_err(|_| Fault::Damaged("a digest is not 32 bytes"))
    }

    fn text(&self, index: usize) -> Result<String, Fault> {
        Ok(self.try_get(index)?)
    }

    fn text_or_null(&self, index: usize) -> Result<Option<String>, Fault> {
        Ok(self.try_get(index)?)
    }
}
