//! A source's figures beside those of the others that lead to the same offers.

use crate::entities;
use crate::http::App;
use crate::pages::words::{NONE, counted, percent, span};
use crate::reports::{self, PEER_DAYS, PeerFigures, Ways};

/// A small table of a source and its peers.
#[derive(Debug, Clone, Default)]
pub struct PeersCard {
    /// The figures; none where there is nobody to compare with.
    pub rows: Vec<PeerRow>,
    /// How many others there are, or why there is nothing.
    pub note: String,
    /// The log of its unusual conversions.
    pub unusual_href: String,
}

/// One figure.
#[derive(Debug, Clone, Default)]
pub struct PeerRow {
    /// Its name.
    pub label: &'static str,
    /// Its formula, shown on hover.
    pub formula: &'static str,
    /// Of this source.
    pub own: String,
    /// The median of the others.
    pub others: String,
}

/// The card of a source.
///
/// # Errors
/// The database fails.
pub(super) fn card(app: &App, source_id: i64, now_ms: i64) -> Result<PeersCard, entities::Error> {
    let (offers, campaigns) = app.catalog.get().ways_of(source_id);
    let ways = Ways { offers, campaigns };
    let unusual_href = format!("/conversions?source={source_id}&anomaly=any&range=last_30_days");
    let said = |note: &str| PeersCard {
        rows: Vec::new(),
        note: note.to_owned(),
        unusual_href: unusual_href.clone(),
    };
    if ways.offers.is_empty() {
        return Ok(said(
            "No campaign in use leads from this source to an offer: there is nothing to compare.",
        ));
    }
    let peers = app.db.read(|conn| reports::peers(conn, source_id, &ways, now_ms))?;
    if peers.count == 0 {
        return Ok(said(
            "No other source had traffic to the same offers: there are no peers to compare with.",
        ));
    }
    let others = i64::try_from(peers.count).unwrap_or(i64::MAX);
    let note = format!(
        "The last {PEER_DAYS} days, of the campaigns that lead to the same offers. Others: the median of {}. Tests and \
         machines' clicks are left out.",
        counted(others, "other source", "other sources")
    );
    Ok(PeersCard { rows: rows(&peers.own, &peers.others), note, unusual_href })
}

fn rows(own: &PeerFigures, others: &PeerFigures) -> Vec<PeerRow> {
    let row = |label, formula, write: &dyn Fn(&PeerFigures) -> String| PeerRow {
        label,
        formula,
        own: write(own),
        others: write(others),
    };
    let time =
        |seconds: Option<i64>| seconds.map_or_else(|| NONE.to_owned(), |seconds| span(seconds * 1_000));
    vec![
        row("CR", "Conversions / clicks", &|one| percent(one.cr, 2)),
        row("Approved", "Approved / (approved + rejected + reversed)", &|one| percent(one.approval_rate, 1)),
        row("Time to convert", "Half of the conversions come sooner after their click", &|one| {
            time(one.median_seconds)
        }),
        row("Unusual", "Conversions with an anomaly / all conversions", &|one| percent(one.unusual, 1)),
    ]
}
