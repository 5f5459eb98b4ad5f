//! Deliveries sent again because somebody asked for it.

use super::{App, Error, now_ms, reading};
use crate::db::deliveries;
use crate::db::delivery_log::{self, DeliveryQuery};
use crate::db::{self, Priority};
use crate::domain::delivery::{RESENT_MAX, TRIED_MS};
use actix_web::web;

/// Which ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// By their numbers.
    Ids(Vec<i64>),
    /// What the log finds.
    Filter(Box<DeliveryQuery>),
}

/// What became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resent {
    /// How many are sent again.
    pub resent: usize,
    /// How many were left: they are being sent just now, or their destination is off.
    pub left: usize,
    /// Numbers of none.
    pub not_found: Vec<i64>,
    /// The filter finds more than are sent again at once.
    pub is_more: bool,
}

/// Puts some back into the queue, at most [`RESENT_MAX`]; of what a filter finds, the oldest.
///
/// # Errors
/// The database fails.
pub async fn resend(app: &web::Data<App>, chosen: Chosen) -> Result<Resent, Error> {
    let now = now_ms();
    reading(app, move |app| app.db.write(Priority::Pages, |conn| put_back(conn, &chosen, now))).await
}

fn put_back(conn: &mut db::AnyConnection, chosen: &Chosen, now_ms: i64) -> db::Result<Resent> {
    let give_up_at_ms = now_ms.saturating_add(TRIED_MS);
    match chosen {
        Chosen::Ids(ids) => {
            let known = delivery_log::known(conn, ids)?;
            let resent = deliveries::resend(conn, &known, now_ms, give_up_at_ms)?;
            let not_found = ids.iter().copied().filter(|id| !known.contains(id)).collect();
            Ok(Resent { resent, left: known.len().saturating_sub(resent), not_found, is_more: false })
        }
        Chosen::Filter(query) => {
            let rows_max = i64::try_from(RESENT_MAX).unwrap_or(i64::MAX).saturating_add(1);
            let mut ids = delivery_log::sendable(conn, query, now_ms, rows_max)?;
            let is_more = ids.len() > RESENT_MAX;
            ids.truncate(RESENT_MAX);
            let resent = deliveries::resend(conn, &ids, now_ms, give_up_at_ms)?;
            Ok(Resent { resent, left: ids.len().saturating_sub(resent), not_found: Vec::new(), is_more })
        }
    }
}
