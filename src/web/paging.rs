//! Pages: an opaque cursor and a bounded number of rows.

use super::answer::Call;
use super::problem::{PARAMETER_INVALID, Problem};
use crate::base::limits::PAGE_ROWS_MAX;
use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

const ROWS_DEFAULT: usize = 100;

/// Query parameters of every list.
#[derive(Debug, Default, Deserialize)]
pub struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

impl Page {
    /// As asked for.
    pub fn of(call: &Call) -> Result<Page, Problem> {
        Query::<Page>::from_query(call.request.query_string())
            .map(Query::into_inner)
            .map_err(|_| malformed())
    }

    /// Rows wanted, within bounds.
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX)
    }

    /// The key after which the page starts; `None` for the first page.
    pub fn after<K>(&self, read: impl Fn(&str) -> Option<K>) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let key = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| read(std::str::from_utf8(&bytes).ok()?));
        key.map(Some).ok_or_else(malformed)
    }

    /// Rows to ask for: one more than wanted, which says whether there is a next page.
    pub fn rows_and_one(&self) -> usize {
        self.rows() + 1
    }

    /// Cuts what was asked for to a page, and gives the cursor of the next where something is left.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        let more = rows.len() > self.rows();
        rows.truncate(self.rows());
        let last = rows.last().filter(|_| more)?;
        Some(self.cursor_of(&key(last)))
    }

    /// The cursor that starts after a key.
    pub fn cursor_of(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(key)
    }
}

fn malformed() -> Problem {
    Problem::new(
        &PARAMETER_INVALID,
        "send `cursor` as `next_cursor` gave it and `limit` as a number",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_given_where_something_is_left() {
        // Goal: no page but the first is ever empty. Method: one row less than a page, as many, one
        // more.
        let page = Page {
            cursor: None,
            limit: Some(2),
        };
        assert_eq!(page.rows_and_one(), 3);
        for (rows, left) in [(1, false), (2, false), (3, true)] {
            let mut found: Vec<usize> = (1..=rows).collect();
            let next = page.cut(&mut found, |row| row.to_string());
            assert_eq!(found.len(), rows.min(2));
            assert_eq!(next, left.then(|| page.cursor_of("2")), "{rows}");
        }
    }
}
