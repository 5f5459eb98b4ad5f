//! What all doors share: state, errors, sign-in, roles as extractor types, client address, limits.

mod accounts;
mod app;
mod blocking;
mod client;
mod clock;
mod door;
mod error;
mod json;
mod last_uses;
mod owners;
mod passwords;
mod player;
mod problem;
mod recent;
mod same_origin;
mod sessions;
mod throttle;
mod trace;
mod tracker;
mod upload;
mod user;

pub mod limits;
pub mod metrics;
pub mod resends;
pub mod setup;
pub mod sign_in;
pub mod test_click;
pub mod test_postback;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod trials;
pub mod try_destination;

pub use accounts::{change_password, create_user, reset_password};
pub use app::{App, ErrorPage, HttpConfig};
pub use blocking::{blocking, changing, reading};
pub use client::{Proxies, ProxyHeader};
pub use clock::now_ms;
pub use door::{api_door, page_door};
pub use error::Error;
pub use json::json_fields;
pub use passwords::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
pub use player::{Player, follow};
pub use problem::Problem;
pub use recent::Recent;
pub use same_origin::SameOrigin;
pub use trace::RequestSpan;
pub use tracker::{OwnJournal, Tracker, Worker};
pub use upload::{Upload, read_bytes, read_upload};
pub use user::{
    AdminPage, AdminPageWrite, AdminReader, AdminWriter, PageWrite, Reader, SignedIn, Writer, local_path,
};
