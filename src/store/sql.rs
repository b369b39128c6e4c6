//! Many rows in one statement: the store's only way of building SQL text.
//!
//! Statement texts repeat (row counts are of a short list), so that prepared statements are found
//! again. Values are always bound, never written into the text.

use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

/// Rows of one statement at most; bounds both the text and the bound values.
const ROWS_MAX: usize = 64;
/// Keys of one `IN` list at most.
const KEYS_MAX: usize = 512;

/// Why a statement or the reading of a row failed. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The database said no.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A sealed value does not open, or a stored form is not what it must be.
    #[error("stored data is damaged: {0}")]
    Damaged(&'static str),
    /// A failure of the group's transaction, told to each member.
    #[error("{0}")]
    Failed(String),
    /// The disk is full or the database busy, told to each member.
    #[error("the store cannot take more at the moment")]
    Full,
}

impl Fault {
    /// Whether the disk is full or the database is busy: the caller may try again later.
    pub(super) fn is_passing(&self) -> bool {
        if matches!(self, Fault::Full) {
            return true;
        }
        let Fault::Sql(sqlx::Error::Database(error)) = self else {
            return false;
        };
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR and SQLITE_FULL, primary codes.
        let code = error.code().and_then(|c| c.parse::<i64>().ok());
        matches!(code.map(|c| c & 0xff), Some(5 | 6 | 10 | 13))
    }

    /// The words a [`super::model::StoreError`] keeps.
    pub(super) fn cause(&self) -> String {
        match self {
            // SQLite names tables and columns in its messages, never values.
            Fault::Sql(sqlx::Error::Database(error)) => error.message().to_owned(),
            Fault::Sql(_) => String::from("the database connection failed"),
            Fault::Damaged(what) => format!("stored data is damaged: {what}"),
            Fault::Failed(cause) => cause.clone(),
            Fault::Full => self.to_string(),
        }
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
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        let added = match cell {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Int(value) => arguments.add(value),
            Cell::Blob(value) => arguments.add(value),
            Cell::Text(value) => arguments.add(value),
        };
        added.map_err(|_| Fault::Damaged("a value cannot be bound"))?;
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
    /// `head` ends where the first row's parenthesis starts.
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
        self.cells.extend(row);
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
        let mut out = Vec::new();
        let mut left = self.cells.len() / self.columns;
        let mut cells = self.cells.into_iter();
        while left > 0 {
            let rows = rows_of_next(left);
            let sql = insert_text(self.head, self.tail, self.columns, rows);
            let arguments = bind(cells.by_ref().take(rows * self.columns))?;
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
            if self.tail.contains("RETURNING") {
                out.extend(query.fetch_all(&mut *conn).await?);
            } else {
                query.execute(&mut *conn).await?;
            }
            left -= rows;
        }
        Ok(out)
    }
}

/// Rows of the next statement when so many are left. Each statement is a trip to the database's
/// own thread, so up to [`ROWS_MAX`] rows go in two; few texts stand for all counts, so that the
/// statement cache holds them.
fn rows_of_next(left: usize) -> usize {
    match left.min(ROWS_MAX) {
        few @ 0..=16 => few.max(1),
        17..=23 => 16,
        24..=31 => 24,
        32..=47 => 32,
        48..=63 => 48,
        _ => ROWS_MAX,
    }
}

fn insert_text(head: &str, tail: &str, columns: usize, rows: usize) -> String {
    let mut row = String::from("(");
    for column in 0..columns {
        row.push_str(if column == 0 { "?" } else { ",?" });
    }
    row.push(')');
    let mut sql = String::with_capacity(head.len() + tail.len() + rows * (row.len() + 1) + 2);
    sql.push_str(head);
    sql.push(' ');
    for index in 0..rows {
        if index > 0 {
            sql.push(',');
        }
        sql.push_str(&row);
    }
    sql.push(' ');
    sql.push_str(tail);
    sql
}

/// Runs `head (keys) tail` with the cells of `first` bound before the keys. Keys are padded by
/// repetition to a power of two, which an `IN` list does not notice.
pub(super) async fn for_keys(
    conn: &mut SqliteConnection,
    head: &str,
    tail: &str,
    first: &[Cell],
    keys: &[Cell],
) -> Result<Vec<SqliteRow>, Fault> {
    let mut out = Vec::new();
    for chunk in keys.chunks(KEYS_MAX) {
        let Some(last) = chunk.last() else { continue };
        let width = chunk.len().next_power_of_two();
        let mut sql = String::with_capacity(head.len() + tail.len() + width * 2 + 4);
        sql.push_str(head);
        sql.push_str(" (");
        for index in 0..width {
            sql.push_str(if index == 0 { "?" } else { ",?" });
        }
        sql.push_str(") ");
        sql.push_str(tail);
        let padding = std::iter::repeat_n(last, width - chunk.len());
        let arguments = bind(first.iter().chain(chunk).chain(padding).cloned())?;
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        out.extend(query.fetch_all(&mut *conn).await?);
    }
    Ok(out)
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

/// All rows of one query of fixed text.
pub(super) async fn all(
    conn: &mut SqliteConnection,
    sql: &'static str,
    cells: impl IntoIterator<Item = Cell>,
) -> Result<Vec<SqliteRow>, Fault> {
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
