//! Several statements in one trip to the database's own thread.
//!
//! A trip costs more than most statements: two threads are woken for it. A script is one text of
//! several statements; values are bound across them in order. Texts repeat, because row counts are
//! filled up to a power of two, so that prepared scripts are found again. It must never hold a
//! value in its text, nor be run half: an error ends it, and the caller rolls back.

use super::sql::{Cell, Fault, bind_all};
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor as _};
use std::ops::Range;

/// Bound values of one statement at most; bounds its text too.
const CELLS_MAX: usize = 2048;
/// Rows or keys of one statement at most.
const ROWS_MAX: usize = 512;

/// Statements to be run in order, in one trip.
#[derive(Debug, Default)]
pub(super) struct Script {
    sql: String,
    bound: Vec<Bound>,
    statements: usize,
}

/// Values bound one after the other, then nulls that fill up the rows.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) cells: Vec<Cell>,
    pub(super) nulls: usize,
}

/// Which statements of a script answer a question.
#[derive(Clone, Debug)]
pub(super) struct At(Range<usize>);

/// The rows a script gave, by statement.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<Vec<SqliteRow>>);

impl Answers {
    /// Takes the rows of a question.
    pub(super) fn take(&mut self, at: &At) -> Vec<SqliteRow> {
        let statements = self.0.get_mut(at.0.clone()).unwrap_or_default();
        statements.iter_mut().flat_map(std::mem::take).collect()
    }
}

impl Script {
    /// Adds one statement, without a semicolon.
    pub(super) fn add(&mut self, sql: &str, cells: impl IntoIterator<Item = Cell>) -> At {
        self.sql.push_str(sql);
        self.bind(cells.into_iter().collect(), 0);
        self.end()
    }

    /// Adds `head (keys) tail` with the cells of `first` bound before the keys. Keys are filled up
    /// by repetition, which an `IN` list does not notice. Without keys nothing is asked.
    pub(super) fn keys(
        &mut self,
        (head, tail): (&str, &str),
        first: &[Cell],
        keys: impl IntoIterator<Item = Cell>,
    ) -> At {
        let began = self.statements;
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            self.sql.push_str(head);
            let mut cells = first.to_vec();
            cells.extend(keys.by_ref().take(ROWS_MAX));
            let count = cells.len() - first.len();
            let width = count.next_power_of_two();
            if let Some(last) = cells.last().cloned() {
                cells.extend(std::iter::repeat_n(last, width - count));
            }
            self.bind(cells, 0);
            self.sql.push(' ');
            self.places(width);
            self.sql.push(' ');
            self.sql.push_str(tail);
            self.end();
        }
        At(began..self.statements)
    }

    /// Adds the statements that insert rows of so many columns. `head` ends with `VALUES`; the
    /// first column is never null, which is how filling rows are told from true ones.
    pub(super) fn rows(
        &mut self,
        (head, tail): (&str, &str),
        columns: usize,
        mut cells: Vec<Cell>,
    ) -> At {
        let began = self.statements;
        let columns = columns.max(1);
        let rows_max = rows_max(columns);
        while cells.len() >= columns {
            let rows = (cells.len() / columns).min(rows_max);
            let width = rows.next_power_of_two();
            // Nearly always all of them: they are moved, not copied.
            let rest = cells.split_off((rows * columns).min(cells.len()));
            let filling = (width - rows) * columns;
            self.bind(std::mem::replace(&mut cells, rest), filling);
            self.insert_text((head, tail), columns, (width, filling > 0));
        }
        At(began..self.statements)
    }

    fn bind(&mut self, cells: Vec<Cell>, nulls: usize) {
        self.bound.push(Bound { cells, nulls });
    }

    fn insert_text(
        &mut self,
        (head, tail): (&str, &str),
        columns: usize,
        (rows, filled_up): (usize, bool),
    ) {
        let bare = head.strip_suffix("VALUES").unwrap_or(head);
        // Whoever meets an error rolls back anyway; said beforehand, no page is kept for undoing
        // the one statement.
        match bare.strip_prefix("INSERT") {
            Some(into) => {
                self.sql.push_str("INSERT OR ROLLBACK");
                self.sql.push_str(into);
            }
            // An update from rows of values.
            None => self.sql.push_str(bare),
        }
        self.sql.push_str(match filled_up {
            true => "SELECT * FROM (VALUES ",
            false => "VALUES ",
        });
        for row in 0..rows {
            if row > 0 {
                self.sql.push(',');
            }
            self.places(columns);
        }
        if filled_up {
            self.sql.push_str(") WHERE column1 IS NOT NULL");
        }
        self.sql.push(' ');
        self.sql.push_str(tail);
        self.end();
    }

    fn places(&mut self, count: usize) {
        self.sql.push('(');
        for index in 0..count {
            self.sql.push_str(if index == 0 { "?" } else { ",?" });
        }
        self.sql.push(')');
    }

    fn end(&mut self) -> At {
        self.sql.push(';');
        let at = self.statements;
        self.statements += 1;
        At(at..self.statements)
    }

    /// Whether there is nothing to run.
    pub(super) fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Puts another script behind this one; what it asks is found `by` statements later.
    pub(super) fn append(&mut self, mut other: Script) -> usize {
        let by = self.statements;
        self.sql.push_str(&other.sql);
        self.bound.append(&mut other.bound);
        self.statements += other.statements;
        by
    }

    /// Runs all statements, in order, in one trip.
    pub(super) async fn run(self, conn: &mut SqliteConnection) -> Result<Answers, Fault> {
        let mut answers = Answers::default();
        if self.is_empty() {
            return Ok(answers);
        }
        let query = sqlx::query_with(AssertSqlSafe(self.sql), bind_all(self.bound)?);
        let mut items = conn.fetch_many(query);
        let mut rows = Vec::new();
        while let Some(item) = items.try_next().await? {
            match item {
                Either::Right(row) => rows.push(row),
                Either::Left(_) => answers.0.push(std::mem::take(&mut rows)),
            }
        }
        Ok(answers)
    }
}

impl Answers {
    /// The answers of a script that was appended behind others.
    pub(super) fn behind(mut self, by: usize) -> Answers {
        Answers(self.0.split_off(by.min(self.0.len())))
    }
}

/// Rows of one statement at most: a power of two, so that a full one needs no filling.
fn rows_max(columns: usize) -> usize {
    let fitting = (CELLS_MAX / columns).clamp(1, ROWS_MAX);
    1 << fitting.ilog2()
}

#[cfg(test)]
mod tests {
    use super::super::sql::{Columns as _, row};
    use super::*;
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    async fn memory() -> SqliteConnection {
        let options = SqliteConnectOptions::new().in_memory(true);
        let mut conn = options.connect().await.unwrap();
        let sql = "CREATE TABLE t (a INTEGER PRIMARY KEY NOT NULL, b TEXT) STRICT";
        let mut script = Script::default();
        script.add(sql, []);
        script.run(&mut conn).await.unwrap();
        conn
    }

    fn cells(from: i64, rows: i64) -> Vec<Cell> {
        (from..from + rows)
            .flat_map(|a| row![a, (a % 2 == 0).then(|| a.to_string())])
            .collect()
    }

    const INTO: (&str, &str) = ("INSERT INTO t (a, b) VALUES", "");

    #[tokio::test]
    async fn any_number_of_rows_goes_in_whole_and_nothing_else() {
        // Goal: filling rows never reach a table. Method: every count around the powers of two and
        // the limit, read back with the nulls of true rows kept.
        for rows in [1_i64, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1500] {
            let mut conn = memory().await;
            let mut script = Script::default();
            script.add("BEGIN IMMEDIATE", []);
            script.rows(INTO, 2, cells(1, rows));
            script.add("COMMIT", []);
            let at = script.add("SELECT a, b FROM t ORDER BY a", []);
            let mut answers = script.run(&mut conn).await.unwrap();
            let got: Vec<Cell> = answers
                .take(&at)
                .iter()
                .flat_map(|row| row![row.int(0).unwrap(), row.text_or_null(1).unwrap()])
                .collect();
            assert_eq!(got, cells(1, rows), "{rows} rows");
        }
    }

    #[tokio::test]
    async fn each_question_gets_its_own_rows_also_behind_another_script() {
        // Goal: answers are never confused. Method: two questions of many keys around a statement
        // without rows, appended behind an insert; then again, from prepared statements.
        let mut conn = memory().await;
        for from in [1_i64, 2001] {
            let mut writes = Script::default();
            writes.rows(INTO, 2, cells(from, 1500));
            let mut asks = Script::default();
            let select = ("SELECT a FROM t WHERE a > ? AND a IN", "ORDER BY a");
            let keys = |step: i64| (0..700).map(move |i| Cell::from(from + i * step));
            let above = [Cell::from(from + 1)];
            let first = asks.keys(select, &above, keys(1));
            asks.add("UPDATE t SET b = ? WHERE a = ?", row!["new", from]);
            let none = asks.keys(select, &above, []);
            let second = asks.keys(select, &above, keys(2));
            let by = writes.append(asks);
            let mut answers = writes.run(&mut conn).await.unwrap().behind(by);
            let ids = |rows: Vec<SqliteRow>| -> Vec<i64> {
                rows.iter().map(|row| row.int(0).unwrap()).collect()
            };
            let expected = |step: i64| -> Vec<i64> {
                (0..700)
                    .map(|i| from + i * step)
                    .filter(|a| *a > from + 1)
                    .collect()
            };
            assert_eq!(ids(answers.take(&second)), expected(2));
            assert_eq!(ids(answers.take(&first)), expected(1));
            assert!(answers.take(&none).is_empty());
            assert!(answers.take(&first).is_empty(), "rows are given once");
        }
    }

    #[tokio::test]
    async fn an_error_in_the_middle_rolls_the_transaction_back_whole() {
        // Goal: no half script stays, and no transaction is left open. Method: a repeated key in
        // the third statement; what was written before it is gone without another word.
        let mut conn = memory().await;
        let mut script = Script::default();
        script.add("BEGIN IMMEDIATE", []);
        script.rows(INTO, 2, cells(1, 3));
        script.rows(INTO, 2, cells(3, 3));
        script.add("COMMIT", []);
        assert!(script.run(&mut conn).await.is_err());
        let mut after = Script::default();
        let at = after.add("SELECT count(*) FROM t", []);
        let mut answers = after.run(&mut conn).await.unwrap();
        assert_eq!(answers.take(&at)[0].int(0).unwrap(), 0);
    }
}
