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
use crate::routing::Used;

/// Caps that stand on the dashboard, the fullest; the list of offers has all.
const ATTENTION_MAX: usize = 4;

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
pub fn attention(app: &App, desk: &Desk) -> Vec<Attention> {
    let catalog = app.catalog.get();
    let item = |(offer_id, used): (i64, Used)| {
        let route = catalog.offer(offer_id)?;
        if route.offer.status != EntityStatus::Active {
            return None;
        }
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
            _ => format!("; it begins anew {}", until(desk, &used)),
        };
        let text = format!("{}. {go} to {then}{end}.", words(desk, &used));
        Some(Attention {
            dot,
            title,
            href: format!("/offers/{offer_id}/edit#caps"),
            text: vec![Piece { text, is_marked: false }],
            ago: String::new(),
        })
    };
    let used = app.catalog.caps().used_from(WARN_PERCENT, desk.now_ms);
    used.into_iter().filter_map(item).take(ATTENTION_MAX).collect()
}
