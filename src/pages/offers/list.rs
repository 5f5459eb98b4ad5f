//! `/offers`: the list, by name or by how full their caps are.

use super::{KIND, Noun, OffersPage};
use crate::db;
use crate::db::search::ListQuery;
use crate::domain::offer::percent_text;
use crate::entities;
use crate::http::{App, SignedIn, reading};
use crate::pages::Answer;
use crate::pages::caps::{bar, near_offers};
use crate::pages::desk::{Desk, page};
use crate::pages::layout::{Chrome, Nav};
use crate::pages::lists::{Ask, name_cell, or_dash, status_cell};
use crate::pages::parts::Choice;
use crate::pages::tables::{Cell, FilterSelect, Row};
use crate::pages::words::MoneyWords;
use actix_web::{HttpRequest, web};
use std::collections::HashMap;

/// What leaves the offers that are at a cap or near it, the fullest first.
const NEAR: (&str, &str) = ("cap", "near");

/// A page of offers.
struct Found {
    offers: Vec<(i64, Noun)>,
    total: i64,
}

/// The list.
pub(super) async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse_with(request.query_string(), NEAR);
    let (query, near) = (ask.query.clone(), ask.has_more().then(|| near(&app, &desk, &ask.query)));
    let (found, names) = reading(&app, move |app| {
        let found = match near {
            Some(near) => near,
            None => {
                let listed = entities::offers::list(&app.db, &query)?;
                let offers = listed.items.into_iter().map(|saved| (saved.id, saved.value)).collect();
                Found { offers, total: listed.total }
            }
        };
        let names = app.db.read(db::report_names::advertisers)?;
        Ok::<_, entities::Error>((found, names))
    })
    .await?;
    let rows = found.offers.iter().map(|(id, offer)| row(&app, &desk, &names, (*id, offer))).collect();
    let columns = ["Offer", "Advertiser", "Earns", "Fullest cap", "Tags", "Status"];
    let mut listing = ask.listing(&KIND, &columns, rows, found.total);
    let choice = |value: &str, label: &str, selected: bool| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        selected,
    };
    listing.filters.segments.push(FilterSelect {
        name: NEAR.0.to_owned(),
        label: "Caps".to_owned(),
        options: vec![
            choice("", "Any cap", !ask.has_more()),
            choice(NEAR.1, "At or near their cap", ask.has_more()),
        ],
    });
    let chrome = Chrome { notice: ask.notice(&KIND), ..desk.chrome("Offers", Nav::Offers) };
    page(&OffersPage { chrome, listing })
}

/// The offers in use that are at a cap or near it, the fullest first. How full they are is known in memory alone.
fn near(app: &App, desk: &Desk, query: &ListQuery) -> Found {
    let wanted = query.q.to_lowercase();
    let is_wanted = |offer: &Noun| {
        let is_found =
            [&offer.name, &offer.url].into_iter().any(|text| text.to_lowercase().contains(&wanted));
        is_found && query.status.as_ref().is_none_or(|status| *status == offer.status.as_str())
    };
    let offers = near_offers(app, desk).into_iter().map(|(route, _)| route);
    let offers: Vec<_> = offers.filter(|route| is_wanted(&route.offer)).collect();
    let total = i64::try_from(offers.len()).unwrap_or(i64::MAX);
    let part = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let shown = offers.iter().skip(part(query.offset())).take(part(query.limit()));
    Found { offers: shown.map(|route| (route.id, route.offer.clone())).collect(), total }
}

fn row(app: &App, desk: &Desk, names: &HashMap<i64, String>, (id, offer): (i64, &Noun)) -> Row {
    let revenue = match (offer.revenue, offer.revenue_percent_millionths) {
        (Some(money), _) => MoneyWords::new(offer.currency).exact(money),
        (None, Some(millionths)) => format!("{} %", percent_text(millionths)),
        (None, None) => "\u{2013}".to_owned(),
    };
    let owner = offer.advertiser_id.and_then(|id| names.get(&id).map(|name| (id, name)));
    let used = app.catalog.caps().of_offer(id, desk.now_ms);
    let fullest = used.iter().max_by_key(|used| used.percent());
    let cap = Cell {
        bars: fullest.map(|used| bar(desk, used)).into_iter().collect(),
        text: if used.is_empty() { "\u{2013}".to_owned() } else { String::new() },
        note: if used.len() > 1 { format!("and {} more", used.len() - 1) } else { String::new() },
        ..Cell::default()
    };
    let cells = vec![
        name_cell(&offer.name, &format!("{}/{id}/edit", KIND.path), offer.status),
        owner.map_or_else(
            || Cell::text("\u{2013}"),
            |(id, name)| Cell::link(name, &format!("/advertisers/{id}")),
        ),
        Cell::text(&revenue),
        cap,
        Cell::text(or_dash(&offer.tags.join(", "))),
        status_cell(KIND.path, id, offer.status),
    ];
    Row { cells }
}
