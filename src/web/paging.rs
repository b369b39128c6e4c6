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

    /// The cursor of the next page: the last key of a full page, nothing after a shorter one.
    pub fn next(&self, shown: usize, last: Option<String>) -> Option<String> {
        let last = last.filter(|_| shown >= self.rows())?;
        Some(self.cursor_of(&last))
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
