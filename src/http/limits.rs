//! How much a request may bring, each with its reason.

use actix_web::web;

/// The longest address, path and query together. Browsers and proxies cut longer ones anyway, and a click
/// brings at most a click id of 1,024 characters and forty values of 255, encoded.
pub const URL_BYTES_MAX: usize = 8 * 1_024;

/// The largest JSON body of the API: a campaign of 50 paths with 100 offers each is about 150 KiB.
pub const JSON_BYTES_MAX: usize = 256 * 1_024;

/// The largest form of a page: the same fields as in JSON, percent-encoded.
pub const FORM_BYTES_MAX: usize = 512 * 1_024;

/// The longest search text of a list: nobody types more, and each character costs a comparison per row.
pub const SEARCH_CHARS_MAX: usize = 200;

/// The longest time from a click to its conversion that a filter takes, in seconds: longer than any window.
pub const SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// Hops of `X-Forwarded-For` or `Forwarded` that are looked at, and lines of it: nobody stands behind more proxies of their own.
pub const FORWARDED_HOPS_MAX: usize = 32;

/// The longest value of a header that is looked at (`Authorization`, `Host`, `Origin`): tokens have 47
/// characters, host names 253.
pub const HEADER_BYTES_MAX: usize = 1_024;

/// Characters kept of a browser's user agent beside its session.
pub const AGENT_CHARS_MAX: usize = 255;

/// Seconds after which a caller may try again when the database or a place in a queue was not to be had.
pub const RETRY_AFTER_SECONDS: u64 = 5;

/// Sets the limits of forms and other bodies of pages, for `configure`.
pub fn limit_forms(cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::FormConfig::default().limit(FORM_BYTES_MAX));
    cfg.app_data(web::PayloadConfig::new(FORM_BYTES_MAX));
}
