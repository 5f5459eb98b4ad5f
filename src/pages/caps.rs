//! Caps in words: a bar for each, and what needs attention because it is nearly used up.

use super::dashboard::Attention;
use super::desk::Desk;
use super::parts::{Piece, Tone};
use super::tables::Dot;
use super::words::{MoneyWords, count, moment};
use crate::domain::cap::{CapPer, WARN_PERCENT};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Money;
use crate::domain::offer::AtCap;
use crate::http::App;
use crate::routing::{OfferRoute, Used};
use std::collections::HashSet;
use std::sync::Arc;

/// Offers at their cap, and near it, that stand on the dashboard with a line of their own: of more nobody reads each.
const EACH_MAX: usize = 2;

/// Names in a line for many.
const NAMES_MAX: usize = 3;

/// The list of offers that are at their cap or near it.
pub const NEAR: &str = "/offers?cap=near";

/// A bar of what is used of a cap.
#[derive(Debug, Clone, Default)]
pub struct CapBar {
    /// How far it goes, at most 100.
    pub percent: i64,
    /// The same in words: `12 of 100 conversions a day (Europe/Berlin)`.
    pub text: String,
    /// Until when it counts, shown on hover. Empty for a cap in total.
    pub hint: String,
    /// Its colour.
    pub tone: Tone,
}

/// The bars of an offer's caps as they are saved.
pub fn bars(app: &App, desk: &Desk, offer_id: i64) -> Vec<CapBar> {
    app.catalog.caps().of_offer(offer_id, desk.now_ms).iter().map(|used| bar(desk, used)).collect()
}

/// The bar of one cap.
pub fn bar(desk: &Desk, used: &Used) -> CapBar {
    let percent = used.percent();
    let tone = match percent {
        100.. => Tone::Loss,
        WARN_PERCENT.. => Tone::Warn,
        _ => Tone::Plain,
    };
    let hint = match used.cap.per {
        CapPer::Total => String::new(),
        _ => format!("Until {}", until(desk, used)),
    };
    CapBar { percent: percent.clamp(0, 100), text: words(desk, used), hint, tone }
}

/// `12 of 100 conversions a day (Europe/Berlin)`.
fn words(desk: &Desk, used: &Used) -> String {
    let cap = &used.cap;
    let written = |n: i64| {
        if cap.of.is_money() {
            MoneyWords::new(desk.currency).amount(Money::from_micros(n))
        } else {
            count(n)
        }
    };
    format!("{} of {} {}{}", written(used.used), written(cap.limit), cap.of, cap.span())
}

/// When the count begins anew, by the desk's clock.
fn until(desk: &Desk, used: &Used) -> String {
    moment(desk.zone, used.window.end_ms, desk.now_ms)
}

/// Caps that are used up, or nearly, of offers in use; the fullest first.
pub fn near(app: &App, desk: &Desk) -> Vec<(Arc<OfferRoute>, Used)> {
    let catalog = app.catalog.get();
    let in_use = |(offer_id, used): (i64, Used)| {
        let route = catalog.offer(offer_id).filter(|route| route.offer.status == EntityStatus::Active)?;
        Some((Arc::clone(route), used))
    };
    app.catalog.caps().used_from(WARN_PERCENT, desk.now_ms).into_iter().filter_map(in_use).collect()
}

/// The same by offers: each with the fullest of its caps.
pub fn near_offers(app: &App, desk: &Desk) -> Vec<(Arc<OfferRoute>, Used)> {
    let (mut caps, mut known) = (near(app, desk), HashSet::new());
    caps.retain(|(route, _)| known.insert(route.id));
    caps
}

/// Every such cap, as what needs attention.
pub fn attention_all(app: &App, desk: &Desk) -> Vec<Attention> {
    near(app, desk).iter().map(|(route, used)| item(desk, route, used)).collect()
}

/// The same for the dashboard, where many stand in one line.
pub fn attention(app: &App, desk: &Desk) -> Vec<Attention> {
    let (full, nearly): (Vec<_>, Vec<_>) =
        near_offers(app, desk).into_iter().partition(|(_, used)| used.is_full());
    let told = |offers: &[(Arc<OfferRoute>, Used)], dot: Dot, how: &str| {
        if offers.len() > EACH_MAX {
            return vec![together(offers, dot, how)];
        }
        offers.iter().map(|(route, used)| item(desk, route, used)).collect()
    };
    [told(&full, Dot::Bad, "at"), told(&nearly, Dot::Warn, "near")].concat()
}

/// Many offers in one line.
fn together(offers: &[(Arc<OfferRoute>, Used)], dot: Dot, how: &str) -> Attention {
    let mut names: Vec<String> =
        offers.iter().take(NAMES_MAX).map(|(route, _)| route.offer.name.clone()).collect();
    if offers.len() > NAMES_MAX {
        names.push(format!("{} more", offers.len() - NAMES_MAX));
    }
    let last = names.pop().unwrap_or_default();
    let text = format!("{} and {last}: see how full each is, and where its visitors go.", names.join(", "));
    Attention {
        dot,
        title: format!("{} offers are {how} their cap", offers.len()),
        href: NEAR.to_owned(),
        text: vec![Piece { text, is_marked: false }],
        ago: String::new(),
    }
}

fn item(desk: &Desk, route: &OfferRoute, used: &Used) -> Attention {
    let name = &route.offer.name;
    let (dot, title) = if used.is_full() {
        (Dot::Bad, format!("{name} is at its cap"))
    } else {
        (Dot::Warn, format!("{name}: {} % of its cap", used.percent()))
    };
    let then = match &route.offer.at_cap {
        AtCap::Next => "the other offers of their path",
        AtCap::Offer { .. } => "another offer",
        AtCap::Url { .. } => "an address of their own",
    };
    let go = if used.is_full() { "Visitors go" } else { "At the cap visitors go" };
    let end = match used.cap.per {
        CapPer::Total => String::new(),
        _ => format!("; it begins anew {}", until(desk, used)),
    };
    Attention {
        dot,
        title,
        href: format!("/offers/{}/edit#caps", route.id),
        text: vec![Piece { text: format!("{}. {go} to {then}{end}.", words(desk, used)), is_marked: false }],
        ago: String::new(),
    }
}
