//! The dashboard's parts, worded from its figures.

use super::dashboard::{Attention, Chart, ChartData, ChartRow, KeyFigure, Rank};
use super::desk::Desk;
use super::parts::{Empty, Link, Piece};
use super::tables::Dot;
use super::view::View;
use super::words::{MoneyWords, ago, count, percent, signed_percent, tone};
use crate::domain::figures::{Bots, Figures, Metric, Value};
use crate::domain::money::{Money, ratio};
use crate::domain::verdict::Code;
use crate::reports::{self, Compared, Dashboard, Point, Row, Step};

/// Refused and parked postbacks that stand on the dashboard; the page of what needs attention has all of them.
pub const ATTENTION_MAX: usize = 4;

/// The longest ranges that are drawn by hour, day and week: beyond them the bars are thinner than a line.
const DAYS_BY_HOUR_MAX: i64 = 14;
const DAYS_BY_DAY_MAX: i64 = 100;
const DAYS_BY_WEEK_MAX: i64 = 731;

/// The chart's step: the one that was asked for, as far as so many days can be drawn by it.
pub fn step(asked: Option<Step>, days: i64) -> Option<Step> {
    match asked {
        Some(Step::Hour) if days <= DAYS_BY_HOUR_MAX => asked,
        Some(Step::Day) if days <= DAYS_BY_DAY_MAX => asked,
        _ if days <= DAYS_BY_DAY_MAX => None,
        _ if days <= DAYS_BY_WEEK_MAX => Some(Step::Week),
        _ => Some(Step::Month),
    }
}

/// Said instead of the table where nothing is in use and nothing came.
pub fn no_campaigns() -> Empty {
    Empty {
        title: "No campaign in use".to_owned(),
        text: "All campaigns are archived, and none of them had a click in this range.".to_owned(),
        action: Some(Link::new("New campaign", "/campaigns/new")),
    }
}

/// What is compared, for the range's button: “vs yesterday, to 15:30”.
pub fn compare_label(view: &View, compared: &Compared) -> String {
    if !view.is_compared {
        return String::new();
    }
    let before = view.before_label();
    match &compared.cut_at {
        Some(at) => format!("vs {before}, to {at}"),
        None => format!("vs {before}"),
    }
}

fn micros(figures: &Figures, metric: Metric) -> i64 {
    figures.sort_key(metric).unwrap_or(0)
}

/// How a figure changed against the time before; empty where nothing is compared.
fn change(view: &View, money: MoneyWords, found: &Dashboard, metric: Metric) -> String {
    if !view.is_compared {
        return String::new();
    }
    let (now, before) = (micros(&found.so_far, metric), micros(&found.before, metric));
    let label = short_before(view);
    if before > 0 {
        let change = ratio(now.saturating_sub(before), before);
        return format!("{} vs {label}", signed_percent(change, 1));
    }
    if now == before {
        return format!("as {label}");
    }
    match found.so_far.value(metric) {
        Value::Amount(_) => {
            let change = Money::from_micros(now) - Money::from_micros(before);
            format!("{} vs {label}", money.signed(change))
        }
        _ => format!("none {label}"),
    }
}

/// How a ratio changed, in points of a per cent.
fn points(view: &View, found: &Dashboard, metric: Metric) -> String {
    let label = short_before(view);
    match (ratio_of(&found.so_far, metric), ratio_of(&found.before, metric)) {
        (Some(now), Some(before)) => {
            let change = signed_percent(Some(now.saturating_sub(before)), 1);
            format!("{} points vs {label}", change.trim_end_matches('%'))
        }
        (Some(_), None) => format!("none {label}"),
        (None, Some(before)) => format!("{} {label}", percent(Some(before), 1)),
        (None, None) => String::new(),
    }
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The time before in one word: there is little room below a figure.
fn short_before(view: &View) -> &'static str {
    if view.before_label() == "yesterday" { "yesterday" } else { "before" }
}

/// The six figures that the day is judged by.
pub fn key_figures(view: &View, money: MoneyWords, found: &Dashboard) -> Vec<KeyFigure> {
    let all = &found.figures;
    let no_cost = if all.is_cost_unknown() { "no cost known yet".to_owned() } else { String::new() };
    let profit_under =
        if no_cost.is_empty() { change(view, money, found, Metric::Profit) } else { no_cost.clone() };
    let roi = if view.is_compared { points(view, found, Metric::Roi) } else { String::new() };
    let pending = (micros(all, Metric::PendingRevenue) != 0)
        .then(|| format!("{} more is pending", money.figure(all, Metric::PendingRevenue)));
    let bots = match view.bots {
        Bots::Exclude => "bots out".to_owned(),
        Bots::Include => "bots counted".to_owned(),
        Bots::Only => "bots alone".to_owned(),
    };
    let rates = format!(
        "{} CR · {} approved",
        money.figure(all, Metric::Cr),
        percent(ratio_of(all, Metric::ApprovalRate), 0)
    );
    let figure = |label: &str, formula: &str, metric: Metric, under: String| KeyFigure {
        label: label.to_owned(),
        formula: formula.to_owned(),
        value: money.figure(all, metric),
        tone: tone(all, metric),
        under,
    };
    let revenue_under = pending.unwrap_or_else(|| change(view, money, found, Metric::Revenue));
    let cost_under = if no_cost.is_empty() { change(view, money, found, Metric::Cost) } else { no_cost };
    let uniques = joined([format!("{} unique", money.figure(all, Metric::Uniques)), bots]);
    vec![
        figure("Profit", "Profit = approved revenue − cost − approved payout", Metric::Profit, profit_under),
        figure("ROI", "ROI = profit / (cost + payout)", Metric::Roi, roi),
        figure("Revenue", "Approved revenue", Metric::Revenue, revenue_under),
        figure("Cost", "What the traffic cost, bots included", Metric::Cost, cost_under),
        figure("Clicks", "Clicks, bots as chosen", Metric::Clicks, uniques),
        figure("Conversions", "Conversions = approved + pending", Metric::Conversions, rates),
    ]
}

fn ratio_of(figures: &Figures, metric: Metric) -> Option<i64> {
    figures.sort_key(metric)
}

/// The chart and its table.
pub fn chart(view: &View, money: MoneyWords, found: &Dashboard, days: i64) -> Chart {
    let is_by_hour = found.step == Step::Hour;
    let switch = match (is_by_hour, days) {
        (true, 1) => Some(Link::new(
            "Last 7 days",
            &view.href(&[("range", "last_7_days"), ("from", ""), ("to", ""), ("step", "")]),
        )),
        (true, _) => Some(Link::new("By day", &view.href(&[("step", "day")]))),
        (false, 1..=DAYS_BY_HOUR_MAX) => Some(Link::new("By hour", &view.href(&[("step", "hour")]))),
        (false, _) => None,
    };
    Chart {
        title: format!("{} by {}", view.range_label(), found.step.as_str()),
        switch,
        compare_label: if view.is_compared {
            format!("Revenue {}", view.before_label())
        } else {
            String::new()
        },
        data: chart_data(view, money, found).to_json(),
        rows: found.points.iter().map(|point| chart_row(view, money, found.step, point)).collect(),
    }
}

fn chart_data(view: &View, money: MoneyWords, found: &Dashboard) -> ChartData {
    let zone = view.zone();
    let is_one_day = view.period.whole_days().is_some_and(|(from, to)| from == to);
    let pattern = match (found.step, is_one_day) {
        (Step::Hour, true) => "%H:%M",
        (Step::Hour, false) => "%-d %b %H:%M",
        (Step::Month, _) => "%b %Y",
        _ => "%-d %b",
    };
    let drawn = |point: &Point, metric: Metric| {
        (!point.is_to_come).then(|| Money::from_micros(micros(&point.figures, metric)).to_string())
    };
    let each = |metric: Metric| found.points.iter().map(|point| drawn(point, metric)).collect::<Vec<_>>();
    let compare = |point: &Point| {
        point.before.as_ref().map(|figures| Money::from_micros(micros(figures, Metric::Revenue)).to_string())
    };
    ChartData {
        labels: found
            .points
            .iter()
            .map(|point| zone.local(point.bucket.start_ms).format(pattern).to_string())
            .collect(),
        before: money.before(),
        after: String::new(),
        clicks: found
            .points
            .iter()
            .map(|point| (!point.is_to_come).then(|| micros(&point.figures, Metric::Clicks)))
            .collect(),
        revenue: each(Metric::Revenue),
        cost: each(Metric::Cost),
        profit: each(Metric::Profit),
        compare: if view.is_compared { found.points.iter().map(compare).collect() } else { Vec::new() },
    }
}

fn chart_row(view: &View, money: MoneyWords, step: Step, point: &Point) -> ChartRow {
    let said = |metric: Metric| {
        if point.is_to_come { String::new() } else { money.figure(&point.figures, metric) }
    };
    let is_one_day = view.period.whole_days().is_some_and(|(from, to)| from == to);
    // The bucket's own label says which of two equal hours it is.
    let label = match (step, point.bucket.label.split_once(' ')) {
        (Step::Hour, Some((_, time))) if is_one_day => time.to_owned(),
        _ => point.bucket.label.clone(),
    };
    let compare = point.before.as_ref().map(|figures| money.figure(figures, Metric::Revenue));
    ChartRow {
        label,
        clicks: said(Metric::Clicks),
        revenue: said(Metric::Revenue),
        cost: said(Metric::Cost),
        profit: said(Metric::Profit),
        tone: tone(&point.figures, Metric::Profit),
        compare: compare.filter(|_| view.is_compared).unwrap_or_default(),
    }
}

/// The best or the worst campaigns.
pub fn ranks(money: MoneyWords, rows: &[Row]) -> Vec<Rank> {
    let rank = |row: &Row| Rank {
        name: row.label.clone(),
        href: format!("/campaigns/{}/edit", row.key.unwrap_or_default()),
        profit: money.figure(&row.figures, Metric::Profit),
        roi: money.figure(&row.figures, Metric::Roi),
        tone: tone(&row.figures, Metric::Profit),
    };
    rows.iter().map(rank).collect()
}

/// What needs attention, with how long ago it last happened.
pub fn attention(view: &View, desk: &Desk, found: &[reports::Attention]) -> Vec<Attention> {
    let item = |item: &reports::Attention| {
        let advertiser = item.advertiser_id.map(|id| id.to_string()).unwrap_or_default();
        let pairs = [("code", item.code.as_str()), ("advertiser", advertiser.as_str())];
        let who = item.advertiser.as_deref().unwrap_or("Unknown key");
        Attention {
            dot: if item.is_refused() { Dot::Bad } else { Dot::Warn },
            title: format!("{who}: {} {}", count(item.count), code_words(item.code)),
            href: view.elsewhere("/postbacks", &pairs),
            text: vec![Piece { text: item.sentence.clone(), is_marked: false }],
            ago: ago(desk.now_ms - item.last_ms),
        }
    };
    found.iter().map(item).collect()
}

/// A code in a few plain words, after a number.
pub fn code_words(code: Code) -> &'static str {
    match code {
        Code::Recorded => "recorded",
        Code::Updated => "updated",
        Code::Duplicate => "duplicate",
        Code::ParkedUnknownClick => "with an unknown click",
        Code::ParkedForeignClick => "with a foreign click id",
        Code::ParkedOutsideWindow => "outside the window",
        Code::ParkedWrongOffer => "for a wrong offer",
        Code::ParkedAmbiguous => "ambiguous",
        Code::ParkedNoRate => "without an exchange rate",
        Code::UnresolvedMacro => "with an unreplaced macro",
        Code::Unreadable => "unreadable",
        Code::MissingClickId => "without a click id",
        Code::MalformedRevenue => "with a malformed amount",
        Code::UnknownCurrency => "with an unknown currency",
        Code::UnknownStatus => "with an unknown status",
        Code::MissingStatus => "without a status",
        Code::PixelOff => "by a pixel that is off",
        Code::TransitionRefused => "refused as a change",
        Code::BadKey => "with a bad key",
        Code::AddressNotAllowed => "from a strange address",
        Code::BadSignature => "with a bad signature",
        Code::ExpiredSignature => "with an expired signature",
        Code::Replayed => "replayed",
        Code::RateLimited => "over the limit",
    }
}
