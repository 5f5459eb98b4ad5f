//! Lists: which part is asked for, and the envelope it comes in.

use crate::db::search::{ListQuery, PAGE_MAX, PAGE_SIZE_MAX};
use crate::domain::input::{self, FieldErrors};
use crate::domain::lander::EntityStatus;
use crate::http::limits::SEARCH_CHARS_MAX;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashSet;

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) page: i64,
    pub(super) page_size: i64,
    pub(super) total: i64,
}

/// Reads `page`, `page_size`, `q` and `status` from a query string.
pub(super) fn list_query(query_string: &str) -> Result<ListQuery, FieldErrors> {
    let mut query = ListQuery::default();
    let mut errors = FieldErrors::default();
    let mut seen = HashSet::new();
    for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
        let value = Value::from(value.into_owned());
        let outcome = match name.as_ref() {
            known if !seen.insert(known.to_owned()) => Err("Stands here twice".to_owned()),
            "page" => input::int(&value, 1, PAGE_MAX).map(|page| query.page = page),
            "page_size" => input::int(&value, 1, PAGE_SIZE_MAX).map(|size| query.page_size = size),
            "q" => input::line(&value, SEARCH_CHARS_MAX).map(|q| query.q = q),
            "status" => input::word(&value, EntityStatus::parse, EntityStatus::choices)
                .map(|status| query.status = Some(status.as_str().to_owned())),
            _ => Err("There is no such parameter: there are page, page_size, q, status".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&name, message);
        }
    }
    errors.into_result()?;
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_is_the_first_page() {
        assert_eq!(list_query("").unwrap(), ListQuery::default());
        let query = list_query("page=2&page_size=10&q=a%20b&status=archived").unwrap();
        assert_eq!((query.page, query.page_size, query.q.as_str()), (2, 10, "a b"));
        assert_eq!(query.status.as_deref(), Some("archived"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let errors = list_query("page=0&page_size=501&status=gone&colour=1&q=%00&q=b").unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["page", "page_size", "status", "colour", "q", "q"]);
    }
}
