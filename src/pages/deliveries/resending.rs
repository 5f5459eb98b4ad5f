//! Deliveries sent again: first how many that would be, then the run.

use askama::Template;

use super::chosen;
use super::rows::state_pill;
use crate::db;
use crate::db::delivery_log::{self, Sum};
use crate::domain::delivery::{DeliveryState, RESENT_MAX};
use crate::http::resends::{Chosen, Resent, resend};
use crate::http::{App, Error, PageWrite, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page, see_other};
use crate::pages::layout::{Chrome, Nav, Notice};
use crate::pages::log::Names;
use crate::pages::parts::{Empty, Hidden, Link};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Typed, number};
use crate::pages::words::{count, counted};
use actix_web::web;

/// What is asked before many are sent again.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "deliveries/resend.html")]
pub struct ResendPage {
    /// The frame.
    pub chrome: Chrome,
    /// How many, in one sentence.
    pub summary: String,
    /// What else is to be known before it. Empty for nothing.
    pub warning: String,
    /// How many of which state to whom.
    pub totals: Table,
    /// Which ones, as hidden fields.
    pub hidden: Vec<Hidden>,
    /// The button's words; empty where there is nothing to send.
    pub button: String,
}

/// `POST /deliveries/{id}/resend`.
pub(super) async fn resend_one(_who: PageWrite, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = number(&id)?;
    let outcome = resend(&app, Chosen::Ids(vec![id])).await?;
    if !outcome.not_found.is_empty() {
        return Err(Error::NotFound);
    }
    Ok(see_other(&format!("/deliveries/{id}?{}", said(&outcome))))
}

/// `POST /deliveries/resend`: a look, or the run where `action` says so.
pub(super) async fn resend_many(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    let Some(chosen) = chosen::read(&typed) else { return Ok(see_other("/deliveries?resent=none")) };
    if typed.get("action") == "run" {
        let outcome = resend(&app, chosen).await?;
        return Ok(see_other(&format!("/deliveries?{}", said(&outcome))));
    }
    let desk = Desk::open(&app, who.0).await?;
    page(&look(&app, &desk, chosen).await?)
}

/// How it went, as the next page's address says it.
fn said(outcome: &Resent) -> String {
    format!("resent={}-{}{}", outcome.resent, outcome.left, if outcome.is_more { "-more" } else { "" })
}

/// What is said after it.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let said = query.split('&').find_map(|pair| pair.strip_prefix("resent="))?;
    if said == "none" {
        let text = "Tick the deliveries to send again first.".to_owned();
        return Some(Notice { text, is_error: true, undo: None });
    }
    let mut parts = said.split('-');
    let resent: i64 = parts.next()?.parse().ok()?;
    let left: i64 = parts.next()?.parse().ok()?;
    let is_more = parts.next().is_some();
    let mut text = match resent {
        0 => "Nothing is sent again.".to_owned(),
        n => format!("{} sent again now.", counted(n, "delivery is", "deliveries are")),
    };
    if left > 0 {
        text.push_str(&format!(
            " {} left: being sent just now, or to a destination that is off.",
            counted(left, "delivery is", "deliveries are")
        ));
    }
    if is_more {
        text.push_str(" There are more: send again for the next ones.");
    }
    Some(Notice { text, is_error: resent == 0, undo: None })
}

async fn look(app: &web::Data<App>, desk: &Desk, chosen: Chosen) -> Result<ResendPage, Error> {
    let now = now_ms();
    let hidden = chosen::hidden(&chosen);
    let (sums, is_more, names) = reading(app, move |app| {
        app.db.read(|conn| {
            let rows_max = i64::try_from(RESENT_MAX).unwrap_or(i64::MAX).saturating_add(1);
            let mut ids = match &chosen {
                Chosen::Ids(ids) => ids.clone(),
                Chosen::Filter(query) => delivery_log::sendable(conn, query, now, rows_max)?,
            };
            let is_more = ids.len() > RESENT_MAX;
            ids.truncate(RESENT_MAX);
            Ok::<_, db::Error>((delivery_log::sums(conn, &ids)?, is_more, Names::read(conn)?))
        })
    })
    .await?;
    let total: i64 = sums.iter().map(|sum| sum.count).sum();
    let sent: i64 = sums.iter().filter(|sum| sum.state == DeliveryState::Sent).map(|sum| sum.count).sum();
    let mut chrome = desk.chrome("Send again", Nav::Destinations);
    chrome.parent = Some(Link::new("Deliveries", "/deliveries"));
    Ok(ResendPage {
        chrome,
        summary: summary(total, is_more),
        warning: warning(sent),
        totals: totals(&names, &sums),
        hidden,
        button: if total > 0 {
            format!("Send {} again", counted(total, "delivery", "deliveries"))
        } else {
            String::new()
        },
    })
}

fn summary(total: i64, is_more: bool) -> String {
    let most = count(i64::try_from(RESENT_MAX).unwrap_or(i64::MAX));
    match (total, is_more) {
        (0, _) => "Nothing of this can be sent again now.".to_owned(),
        (_, true) => format!("The oldest {most} are sent again now, and then the next ones can be."),
        (n, false) => format!(
            "{} sent again at once, with the values of when it happened, and tried for a day.",
            counted(n, "delivery is", "deliveries are")
        ),
    }
}

fn warning(sent: i64) -> String {
    match sent {
        0 => String::new(),
        1 => "One was taken already: its destination is told a second time, with the same key.".to_owned(),
        n => format!(
            "{} were taken already: their destinations are told a second time, with the same keys.",
            count(n)
        ),
    }
}

fn totals(names: &Names, sums: &[Sum]) -> Table {
    let row = |sum: &Sum| Row {
        cells: vec![
            Cell::link(
                &names.destination(sum.destination_id),
                &format!("/destinations/{}", sum.destination_id),
            ),
            Cell::pill(state_pill(sum.state)),
            Cell::text(&count(sum.count)),
        ],
    };
    Table {
        caption: "How many to whom".to_owned(),
        columns: vec![
            Column::text("Destination"),
            Column::text("They stand as"),
            Column::figure("Deliveries", "Of what was chosen"),
        ],
        rows: sums.iter().map(row).collect(),
        empty: Empty {
            title: "Nothing to send".to_owned(),
            text: "What is being sent just now is left, and so is what goes to a destination that is off."
                .to_owned(),
            action: Some(Link::new("Back to the log", "/deliveries")),
        },
        shape: Shape::List,
        ..Table::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_it_is_said() {
        let text = |query: &str| notice(query).map(|notice| notice.text).unwrap_or_default();
        assert_eq!(text("resent=1-0"), "1 delivery is sent again now.");
        assert!(text("tz=UTC&resent=0-1").contains("1 delivery is left"));
        assert!(text("resent=5000-0-more").ends_with("for the next ones."));
        assert_eq!((text("resent=x"), text("a=b")), (String::new(), String::new()));
    }
}
