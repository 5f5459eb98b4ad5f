//! A test of a destination: it is told of a conversion now, and the whole exchange is shown. Nothing of it is kept.

use super::{App, Error, reading};
use crate::db;
use crate::db::conversions;
use crate::deliveries::{Facts, NotTold, Trial, try_now};
use crate::domain::delivery::DeliveryState;
use crate::domain::input::FieldErrors;
use actix_web::web;

/// What a test did.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The conversion that it told of.
    pub conversion_id: i64,
    /// Whether it is one that the destination would be told of by itself; not known of one that was asked for by number.
    pub is_fitting: Option<bool>,
    /// The exchange, or why nothing was sent.
    pub outcome: Result<Trial, NotTold>,
}

impl Tried {
    /// What a delivery would be after this attempt.
    #[must_use]
    pub const fn state(&self) -> DeliveryState {
        match &self.outcome {
            Ok(trial) if trial.judged.is_sent => DeliveryState::Sent,
            Ok(trial) if trial.judged.is_final => DeliveryState::Failed,
            Ok(_) => DeliveryState::Due,
            Err(NotTold::Skipped(_)) => DeliveryState::Skipped,
            Err(NotTold::Failed(_)) => DeliveryState::Failed,
        }
    }
}

/// Tells a destination of a conversion: of this one, or of the newest that fits it, or of the newest at all.
///
/// # Errors
/// There is no such destination or conversion, or none at all yet; the database fails.
pub async fn send(
    app: &web::Data<App>,
    destination_id: i64,
    conversion_id: Option<i64>,
) -> Result<Tried, Error> {
    let catalog = app.catalog.get();
    let route = catalog.destination(destination_id).cloned().ok_or(Error::NotFound)?;
    let (known, wanted) = (std::sync::Arc::clone(&catalog), std::sync::Arc::clone(&route));
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let chosen = match conversion_id {
                Some(id) => Some((id, None)),
                None => {
                    conversions::newest_for(conn, &wanted.destination)?.map(|(id, fits)| (id, Some(fits)))
                }
            };
            let Some((id, is_fitting)) = chosen else { return Ok(None) };
            let facts = Facts::load(conn, &known, id)?;
            Ok::<_, db::Error>(facts.map(|facts| (facts, is_fitting)))
        })
    });
    let Some((facts, is_fitting)) = found.await? else {
        let why = match conversion_id {
            Some(id) => {
                format!("There is no conversion {id}: its page or the log of conversions has the number")
            }
            None => "There is no conversion yet to tell of: send a test postback first, on a campaign's page"
                .to_owned(),
        };
        return Err(FieldErrors::one("conversion_id", why).into());
    };
    let outcome = try_now(&route, &facts, (&catalog, &app.vault), &app.outgoing).await;
    Ok(Tried { conversion_id: facts.conversion.id, is_fitting, outcome })
}
