//! What the three logs share: the campaign filter, test data, the line below.

use super::desk::Desk;
use super::parts::{Empty, Link};
use super::tables::{FilterSelect, FilterSwitch, Pager};
use super::view::{View, choice};
use super::words::count;
use crate::db::click_log::COUNTED_MAX;
use crate::db::search::PAGE_SIZE;
use crate::db::{self, AnyConnection, landers, offers, report_names};
use crate::domain::click_id::ClickId;
use std::collections::HashMap;

/// What a log calls things by.
#[derive(Debug, Default)]
pub struct Names {
    /// Campaigns in use first, then by name.
    campaigns: Vec<(i64, String)>,
    by_campaign: HashMap<i64, String>,
    sources: HashMap<i64, String>,
    advertisers: HashMap<i64, String>,
    offers: HashMap<i64, String>,
    landers: HashMap<i64, String>,
    destinations: HashMap<i64, String>,
}

impl Names {
    /// Reads them all: there are far fewer of them than rows in a log.
    ///
    /// # Errors
    /// The database fails.
    pub fn read(conn: &mut AnyConnection) -> db::Result<Self> {
        let mut campaigns: Vec<(i64, String)> =
            report_names::campaigns(conn)?.into_iter().map(|one| (one.id, one.name)).collect();
        campaigns.sort_by_key(|(id, name)| (name.to_lowercase(), *id));
        Ok(Self {
            by_campaign: campaigns.iter().cloned().collect(),
            campaigns,
            sources: report_names::sources(conn)?,
            advertisers: report_names::advertisers(conn)?,
            offers: offers::all(conn)?.into_iter().map(|one| (one.id, one.value.name)).collect(),
            landers: landers::all(conn)?.into_iter().map(|one| (one.id, one.value.name)).collect(),
            destinations: report_names::destinations(conn)?,
        })
    }

    /// A campaign's name.
    pub fn campaign(&self, id: i64) -> String {
        name(&self.by_campaign, Some(id), "Campaign")
    }

    /// A source's name; empty where there is none.
    pub fn source(&self, id: Option<i64>) -> String {
        name(&self.sources, id, "Source")
    }

    /// An advertiser's name; empty where there is none.
    pub fn advertiser(&self, id: Option<i64>) -> String {
        name(&self.advertisers, id, "Advertiser")
    }

    /// An offer's name; empty where there is none.
    pub fn offer(&self, id: Option<i64>) -> String {
        name(&self.offers, id, "Offer")
    }

    /// A lander's name; empty where there is none.
    pub fn lander(&self, id: Option<i64>) -> String {
        name(&self.landers, id, "Lander")
    }

    /// A destination's name.
    pub fn destination(&self, id: i64) -> String {
        name(&self.destinations, Some(id), "Destination")
    }

    /// All destinations, by name.
    pub fn destinations(&self) -> Vec<(i64, &str)> {
        let mut all: Vec<(i64, &str)> =
            self.destinations.iter().map(|(id, name)| (*id, name.as_str())).collect();
        all.sort_by_key(|(id, name)| (name.to_lowercase(), *id));
        all
    }

    /// The choice of one campaign.
    pub fn campaign_filter(&self, chosen: Option<i64>) -> FilterSelect {
        select("campaign", "Campaign", &self.campaigns, chosen)
    }

    /// The choice of one advertiser.
    pub fn advertiser_filter(&self, chosen: Option<i64>) -> FilterSelect {
        let mut all: Vec<(i64, String)> =
            self.advertisers.iter().map(|(id, name)| (*id, name.clone())).collect();
        all.sort_by_key(|(id, name)| (name.to_lowercase(), *id));
        select("advertiser", "Advertiser", &all, chosen)
    }
}

fn name(names: &HashMap<i64, String>, id: Option<i64>, noun: &str) -> String {
    let Some(id) = id else { return String::new() };
    names.get(&id).cloned().unwrap_or_else(|| format!("{noun} {id}"))
}

fn select(name: &str, label: &str, all: &[(i64, String)], chosen: Option<i64>) -> FilterSelect {
    let mut options = vec![choice("", "All", chosen.is_none())];
    options.extend(all.iter().map(|(id, label)| choice(&id.to_string(), label, chosen == Some(*id))));
    FilterSelect { name: name.to_owned(), label: label.to_owned(), options }
}

/// Which data a log shows: until the first real click that of tests, then the real one, unless tests are asked for.
pub fn is_test(desk: &Desk, view: &View) -> bool {
    desk.shows_test() || view.own("test") == "only"
}

/// The switch that shows tests' data; until the first real click there is nothing to choose.
pub fn test_switch(desk: &Desk, view: &View) -> Vec<FilterSwitch> {
    if desk.shows_test() { Vec::new() } else { vec![view.switch("test", "only", "Test data")] }
}

/// What an empty log says, with a way to a longer range.
pub fn empty(view: &View, title: &str, text: &str) -> Empty {
    let href = view.href(&[("range", "last_30_days"), ("from", ""), ("to", "")]);
    let action = (view.own("range") != "last_30_days").then(|| Link::new("Look at the last 30 days", &href));
    Empty { title: title.to_owned(), text: text.to_owned(), action }
}

/// The end of a click id, which tells clicks of one minute apart.
pub fn id_end(id: ClickId) -> String {
    let text = id.to_string();
    format!("…{}", text.get(text.len().saturating_sub(10)..).unwrap_or_default())
}

/// The line below a log.
pub fn pager(view: &View, total: i64, shown: usize, (one, many): (&str, &str)) -> Pager {
    let shown = i64::try_from(shown).unwrap_or(0);
    let is_more = total > COUNTED_MAX;
    let in_all = if is_more { format!("more than {}", count(COUNTED_MAX)) } else { count(total) };
    let noun = if total == 1 { one } else { many };
    let first = view.offset() + 1;
    let note = match shown {
        0 if view.page > 1 => format!("{in_all} {noun}; there is nothing on this page"),
        0 => String::new(),
        _ => format!("{in_all} {noun}, {}–{} shown, newest first", count(first), count(first + shown - 1)),
    };
    let page = |page: i64| view.href(&[("page", &page.to_string())]);
    let has_next = shown == PAGE_SIZE && (is_more || view.offset() + shown < total);
    Pager {
        note,
        previous: if view.page > 1 { page(view.page - 1) } else { String::new() },
        next: if has_next { page(view.page + 1) } else { String::new() },
    }
}
