//! `/campaigns`: all campaigns with their figures, sorted, searched and filtered.

use super::campaign_table;
use super::campaigns::{CampaignsPage, KIND};
use super::desk::{Desk, page};
use super::layout::{Chrome, Nav};
use super::lists::Ask;
use super::parts::{Empty, Link};
use super::tables::{Filters, Listing, Pager};
use super::view::{Defaults, View, of_report};
use super::words::{MoneyWords, count};
use super::{Answer, log};
use crate::db::search::PAGE_SIZE;
use crate::domain::figures::{Bots, Figures};
use crate::domain::lander::EntityStatus;
use crate::http::{App, SignedIn, reading};
use crate::reports::{By, Query, Report, report};
use actix_web::{HttpRequest, web};

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/campaigns", web::get().to(list));
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let mut view = View::read(&desk, "/campaigns", request.query_string(), Defaults::default())?;
    let status = view.take("status", EntityStatus::parse);
    let query = Query {
        attribution: view.attribution,
        bots: view.bots,
        is_test: log::is_test(&desk, &view),
        search: view.own("q").to_owned(),
        with_idle: true,
        order: view.sort(),
        ..Query::new(view.period, By::Campaign)
    };
    let mut found =
        reading(&app, move |app| app.db.read(|conn| report(conn, &query)).map_err(of_report)).await?;
    only(&mut found, status, view.bots);
    let total = found.row_count;
    let money = MoneyWords::new(desk.currency);
    let offset = usize::try_from(view.offset()).unwrap_or(0);
    let note = campaign_table::note(&view, money, &found);
    found.rows = found.rows.into_iter().skip(offset).take(usize::try_from(PAGE_SIZE).unwrap_or(50)).collect();
    let table = campaign_table::table(&view, money, &found, empty(&view));
    let pager = pager(&view, total, found.rows.len(), &note);
    let listing = Listing { filters: filters(&view), table, pager };
    let notice = Ask::parse(request.query_string()).notice(&KIND);
    let chrome = Chrome { notice, ..desk.chrome("Campaigns", Nav::Campaigns) };
    page(&CampaignsPage { chrome: view.dress(chrome), listing })
}

/// Leaves campaigns of one status; archived ones are left out unless they had traffic.
fn only(report: &mut Report, status: Option<EntityStatus>, bots: Bots) {
    let Some(status) = status else { return };
    report.rows.retain(|row| row.campaign.as_ref().is_some_and(|facts| facts.status == status));
    report.row_count = report.rows.len();
    report.totals = Figures::new(bots);
    for row in &report.rows {
        report.totals.add_row(&row.figures);
    }
}

fn filters(view: &View) -> Filters {
    let statuses = [("", "All"), ("active", "Active"), ("paused", "Paused"), ("archived", "Archived")];
    let times = [("", "By click time"), ("conversion_time", "By conversion time")];
    Filters {
        action: "/campaigns".to_owned(),
        query: view.own("q").to_owned(),
        placeholder: "Name of a campaign".to_owned(),
        segments: vec![
            view.segments("status", "Status", &statuses),
            view.segments("attribute", "Conversions count", &times),
        ],
        switches: vec![view.switch("bots", "include", "Bots")],
        hidden: view.hidden(&["q", "status", "attribute", "bots"]),
        ..Filters::default()
    }
}

fn pager(view: &View, total: usize, shown: usize, note: &str) -> Pager {
    let (total, shown) = (i64::try_from(total).unwrap_or(0), i64::try_from(shown).unwrap_or(0));
    let first = view.offset() + 1;
    let place =
        format!("{}–{} shown, totals cover all {}", count(first), count(first + shown - 1), count(total));
    let page = |page: i64| view.href(&[("page", &page.to_string())]);
    Pager {
        note: if total > shown && shown > 0 { format!("{place} · {note}") } else { note.to_owned() },
        previous: if view.page > 1 { page(view.page - 1) } else { String::new() },
        next: if view.offset() + shown < total && shown > 0 { page(view.page + 1) } else { String::new() },
    }
}

fn empty(view: &View) -> Empty {
    if view.own("q").is_empty() && view.own("status").is_empty() && view.page == 1 {
        return Empty {
            title: "No campaigns yet".to_owned(),
            text: "A campaign is a link for one traffic source: it counts each click and sends it on to an offer."
                .to_owned(),
            action: Some(Link::new("New campaign", "/campaigns/new")),
        };
    }
    Empty {
        title: "No campaign fits".to_owned(),
        text: "No campaign has this name and status.".to_owned(),
        action: Some(Link::new("Show all", "/campaigns")),
    }
}
