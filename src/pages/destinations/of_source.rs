//! Who is told of a source's conversions, on the source's page.

use askama::Template;

use super::words;
use crate::domain::lander::EntityStatus;
use crate::http::App;
use crate::pages::parts::Link;
use crate::pages::words::counted;

/// The card.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sources/destinations.html")]
pub struct SourceCard {
    /// The destinations of this source alone.
    pub own: Vec<SourceDestination>,
    /// Those for all sources, in a sentence. Empty where there is none.
    pub global: String,
    /// Where one is made for it.
    pub add: Link,
}

/// One destination of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceDestination {
    /// Its name and page.
    pub link: Link,
    /// Which conversions, and whether it is off.
    pub note: String,
}

/// The card of a source: destinations are remembered, so nothing is read.
pub(in crate::pages) fn of_source(app: &App, id: i64) -> SourceCard {
    let catalog = app.catalog.get();
    let in_use = |status: EntityStatus| status != EntityStatus::Archived;
    let all = catalog.destinations().iter().filter(|route| in_use(route.destination.status));
    let (own, others): (Vec<_>, Vec<_>) = all.partition(|route| route.destination.source_id == Some(id));
    let global = others
        .iter()
        .filter(|route| {
            let one = &route.destination;
            one.is_global() && !one.is_test && one.status == EntityStatus::Active
        })
        .count();
    let global = match i64::try_from(global).unwrap_or(i64::MAX) {
        0 => String::new(),
        n => format!(
            "{} told of them too.",
            counted(n, "destination for all sources is", "destinations for all sources are")
        ),
    };
    let own = own.into_iter().map(|route| {
        let one = &route.destination;
        // What else is asked for is on its own page; here its statuses and events do.
        let mut parts = vec![words::occasions(one)];
        if one.campaign_id.is_some() || one.offer_id.is_some() {
            parts.push("of one campaign or offer".to_owned());
        }
        if one.status != EntityStatus::Active {
            parts.push(one.status.to_string());
        }
        parts.retain(|part| !part.is_empty());
        SourceDestination {
            link: Link::new(&one.name, &format!("{}/{}", super::KIND.path, route.id)),
            note: parts.join(" · "),
        }
    });
    SourceCard {
        own: own.collect(),
        global,
        add: Link::new("Add a destination", &format!("{}/new?source_id={id}", super::KIND.path)),
    }
}
