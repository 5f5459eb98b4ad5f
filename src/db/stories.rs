//! Everything that is kept about one click, read together.

use super::conversions::{self, Change, Conversion};
use super::delivery_log::{self, Delivery};
use super::postbacks::{self, PostbackQuery, StoredPostback};
use super::{AnyConnection, Result, campaigns, click_log, clicks, foreign_clicks};
use crate::domain::click::LpClickRecord;
use crate::domain::click_id::ClickId;
use click_log::StoredClick;

/// Postbacks of one click that a story tells: a network that repeats itself for ever is told of elsewhere.
pub const POSTBACKS_MAX: i64 = 200;

/// Deliveries of one click's conversions that a story tells.
pub const DELIVERIES_MAX: i64 = 200;

/// A click, where it went and what came of it.
#[derive(Clone, Debug)]
pub struct Story {
    /// The click.
    pub click: StoredClick,
    /// Its id at the tracker before, where it was imported from there.
    pub foreign_id: Option<String>,
    /// The name of the path drawn, as it is called now.
    pub path_name: Option<String>,
    /// Lander buttons pressed, oldest first.
    pub lp_clicks: Vec<LpClickRecord>,
    /// Postbacks that name it, newest first.
    pub postbacks: Vec<StoredPostback>,
    /// Its conversions, oldest first.
    pub conversions: Vec<Conversion>,
    /// Their changes, oldest first.
    pub changes: Vec<Change>,
    /// Who was told of them, oldest first.
    pub deliveries: Vec<Delivery>,
}

/// The story of a click; `None` where it is not stored.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: ClickId) -> Result<Option<Story>> {
    let Some(click) = click_log::find(conn, id)? else { return Ok(None) };
    let campaign = campaigns::find(conn, click.record.campaign_id)?;
    let path_name = campaign.and_then(|campaign| {
        let mut paths = campaign.value.paths.into_iter();
        paths.find(|path| path.id.is_some() && path.id == click.record.path_id).map(|path| path.name)
    });
    let query = PostbackQuery { click_id: Some(id), limit: POSTBACKS_MAX, ..PostbackQuery::default() };
    let conversions = conversions::of_clicks(conn, &[id])?;
    let ids: Vec<i64> = conversions.iter().map(|conversion| conversion.id).collect();
    Ok(Some(Story {
        foreign_id: foreign_clicks::of_click(conn, id)?,
        path_name,
        lp_clicks: clicks::lp_clicks_of(conn, id)?,
        postbacks: postbacks::list(conn, &query)?.items,
        changes: conversions::changes_of(conn, &ids)?,
        deliveries: delivery_log::of_conversions(conn, &ids, DELIVERIES_MAX)?,
        conversions,
        click,
    }))
}
