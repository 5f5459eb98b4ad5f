//! The view in the address: what a page shows, which part of it, and the links that change one thing of it.

use super::desk::Desk;
use super::layout::{Chrome, Notice, RangePicker, ZonePicker};
use super::parts::{Choice, Hidden, Link};
use super::tables::{FilterNumber, FilterSelect, FilterSwitch, Sort};
use crate::db::search::{PAGE_MAX, PAGE_SIZE};
use crate::domain::figures::{Bots, Metric};
use crate::domain::rollup::Attribution;
use crate::http::limits::SEARCH_CHARS_MAX;
use crate::http::{Error, now_ms};
use crate::reports::{Order, Period, Preset, TimeZone};
use crate::{domain::input::FieldErrors, reports};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use url::form_urlencoded::{Serializer, parse};

/// Names that a page may understand beside those of every page. Whatever else stands in an address is left out.
const OWN: [&str; 13] = [
    "q",
    "status",
    "campaign",
    "offer",
    "source",
    "advertiser",
    "result",
    "code",
    "step",
    "anomaly",
    "min_seconds",
    "max_seconds",
    "test",
];

/// What the address asks for.
#[derive(Clone, Debug)]
pub struct View {
    path: &'static str,
    kept: BTreeMap<String, String>,
    account_zone: TimeZone,
    preset: Option<Preset>,
    sort: Order,
    /// When.
    pub period: Period,
    /// Whose clicks count.
    pub bots: Bots,
    /// By which time conversions count.
    pub attribution: Attribution,
    /// Whether the time before is shown too.
    pub is_compared: bool,
    /// The page, from 1.
    pub page: i64,
    /// What could not be read, in words.
    pub faults: Vec<String>,
}

/// What a page shows where the address says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The range.
    pub preset: Preset,
    /// The order.
    pub sort: Order,
    /// Whose clicks.
    pub bots: Bots,
}

impl Default for Defaults {
    fn default() -> Self {
        let sort = Order { metric: Some(Metric::Profit), is_descending: true };
        Self { preset: Preset::Today, sort, bots: Bots::Exclude }
    }
}

/// The words of a range.
const fn preset_label(preset: Preset) -> &'static str {
    match preset {
        Preset::Today => "Today",
        Preset::Yesterday => "Yesterday",
        Preset::Last7Days => "Last 7 days",
        Preset::Last30Days => "Last 30 days",
        Preset::ThisMonth => "This month",
        Preset::LastMonth => "Last month",
    }
}

/// A text to search for: bounded, and without what no database takes.
pub fn search_text(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(SEARCH_CHARS_MAX).collect()
}

/// Reads an address bit by bit; what cannot be read is put aside in words.
struct Reading {
    kept: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Reading {
    fn new(query: &str) -> Self {
        // The last one counts: a form's field comes after what it hides.
        let kept = parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), search_text(&value)))
            .filter(|(_, value): &(String, String)| !value.is_empty());
        Self { kept: kept.collect(), faults: Vec::new() }
    }

    /// The value under a name; one that means nothing is forgotten, and that is said.
    fn take<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.kept.get(name)?;
        let found = read(value);
        if found.is_none() {
            self.faults.push(format!("{name} “{value}”"));
            self.kept.remove(name);
        }
        found
    }

    fn period(
        &mut self,
        zone: TimeZone,
        preset: Preset,
        now_ms: i64,
    ) -> Result<(Period, Option<Preset>), Error> {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let (from, to) = (self.take("from", day), self.take("to", day));
        if let Some(from) = from.or(to) {
            match Period::days(zone, from, to.unwrap_or(from)) {
                Ok(period) => {
                    self.kept.remove("range");
                    return Ok((period, None));
                }
                Err(error) => self.faults.push(format!("the days ({error})")),
            }
            self.kept.remove("from");
            self.kept.remove("to");
        }
        let preset = self.take("range", Preset::parse).unwrap_or(preset);
        // It is there unless the clock of this machine is decades off.
        let period = Period::preset(preset, zone, now_ms);
        let period = period.map_err(|error| Error::Internal(error.to_string()))?;
        Ok((period, Some(preset)))
    }
}

/// What a report cannot answer, as the doors say it.
pub fn of_report(error: reports::Error) -> Error {
    match error {
        reports::Error::Db(error) => error.into(),
        reports::Error::Period(error) => FieldErrors::one("from", error.to_string()).into(),
    }
}

fn sort_of(reading: &mut Reading, default: Order) -> Order {
    let order = |word: &str| match word.trim_start_matches('-') {
        "name" => Some(Order { metric: None, is_descending: word.starts_with('-') }),
        _ => Order::parse(word),
    };
    let direction = |word: &str| match word {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    };
    let Some(mut sort) = reading.take("sort", order) else { return default };
    if let Some(is_descending) = reading.take("dir", direction) {
        sort.is_descending = is_descending;
    }
    sort
}

impl View {
    /// Reads the view out of a page's address. What cannot be read is left out, and said in a notice.
    ///
    /// # Errors
    /// The clock of this machine is outside the years that periods may touch.
    pub fn read(desk: &Desk, path: &'static str, query: &str, defaults: Defaults) -> Result<Self, Error> {
        let mut reading = Reading::new(query);
        let zone = reading.take("tz", |name| TimeZone::parse(name).ok()).unwrap_or(desk.zone);
        let (period, preset) = reading.period(zone, defaults.preset, now_ms())?;
        let sort = sort_of(&mut reading, defaults.sort);
        reading.kept.remove("dir");
        let bots = reading.take("bots", Bots::parse).unwrap_or(defaults.bots);
        let attribution = reading.take("attribute", Attribution::parse).unwrap_or(Attribution::ClickTime);
        let compare = |word: &str| match word {
            "before" => Some(true),
            "none" => Some(false),
            _ => None,
        };
        let is_compared = reading.take("compare", compare).unwrap_or(true);
        let number = |text: &str| text.parse().ok().filter(|page| (1..=PAGE_MAX).contains(page));
        let page = reading.take("page", number).unwrap_or(1);
        let shared = ["range", "from", "to", "tz", "bots", "attribute", "compare", "page", "sort"];
        reading.kept.retain(|name, _| shared.contains(&name.as_str()) || OWN.contains(&name.as_str()));
        if reading.kept.contains_key("sort") {
            let name = sort.metric.map_or("name", Metric::as_str);
            let sign = if sort.is_descending { "-" } else { "" };
            reading.kept.insert("sort".to_owned(), format!("{sign}{name}"));
        }
        let (kept, faults) = (reading.kept, reading.faults);
        let account_zone = desk.zone;
        Ok(Self {
            path,
            kept,
            account_zone,
            preset,
            sort,
            period,
            bots,
            attribution,
            is_compared,
            page,
            faults,
        })
    }

    /// A value of the page's own, as it was sent; empty where none was.
    pub fn own(&self, name: &str) -> &str {
        self.kept.get(name).map_or("", String::as_str)
    }

    /// A value of the page's own, read; one that means nothing is forgotten, and that is said.
    pub fn take<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut reading =
            Reading { kept: std::mem::take(&mut self.kept), faults: std::mem::take(&mut self.faults) };
        let found = reading.take(name, read);
        (self.kept, self.faults) = (reading.kept, reading.faults);
        found
    }

    /// The number of a thing (`campaign=7`).
    pub fn take_id(&mut self, name: &str) -> Option<i64> {
        self.take(name, |text| text.parse().ok().filter(|id| *id > 0))
    }

    /// The zone in use.
    pub fn zone(&self) -> TimeZone {
        self.period.zone()
    }

    /// What rows are sorted by.
    pub fn sort(&self) -> Order {
        self.sort
    }

    /// Rows before the page.
    pub fn offset(&self) -> i64 {
        (self.page - 1) * PAGE_SIZE
    }

    /// The same view with some things changed; an empty value takes one away. A changed view begins at page 1.
    pub fn href(&self, changes: &[(&str, &str)]) -> String {
        let mut kept = self.kept.clone();
        kept.remove("page");
        for (name, value) in changes {
            if value.is_empty() {
                kept.remove(*name);
            } else {
                kept.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        address(self.path, kept.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Another page in the same range and zone.
    pub fn elsewhere(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let range = ["range", "from", "to", "tz"];
        let mut all: Vec<(&str, &str)> = pairs.to_vec();
        all.extend(range.iter().map(|name| (*name, self.own(name))));
        if let Some(preset) = self.preset.filter(|_| self.own("range").is_empty()) {
            all.push(("range", preset.as_str()));
        }
        address(path, all.into_iter().filter(|(_, value)| !value.is_empty()))
    }

    /// The rest of the view as hidden fields of a form that has these fields itself.
    pub fn hidden(&self, without: &[&str]) -> Vec<Hidden> {
        let rest = self.kept.iter().filter(|(name, _)| *name != "page" && !without.contains(&name.as_str()));
        rest.map(|(name, value)| Hidden { name: name.clone(), value: value.clone() }).collect()
    }

    /// The address that sorts by a column, the other way round where it already does. Figures begin with the highest.
    pub fn sort_href(&self, key: &str) -> String {
        let is_current = self.sort_name() == key;
        let is_descending = if is_current { !self.sort.is_descending } else { key != "name" };
        self.href(&[("sort", &format!("{}{key}", if is_descending { "-" } else { "" }))])
    }

    /// The column that rows are sorted by.
    pub fn sort_name(&self) -> &'static str {
        self.sort.metric.map_or("name", Metric::as_str)
    }

    /// And which way.
    pub const fn sort_way(&self) -> Sort {
        if self.sort.is_descending { Sort::Down } else { Sort::Up }
    }

    /// The range in words.
    pub fn range_label(&self) -> String {
        if let Some(preset) = self.preset {
            return preset_label(preset).to_owned();
        }
        let Some((from, to)) = self.period.whole_days() else { return String::new() };
        let is_one_year = from.format("%Y").to_string() == to.format("%Y").to_string();
        let first = from.format(if is_one_year { "%-d %b" } else { "%-d %b %Y" });
        let last = to.format("%-d %b %Y").to_string();
        if from == to { last } else { format!("{first} – {last}") }
    }

    /// The time before in words (“yesterday”).
    pub fn before_label(&self) -> String {
        let days = self.period.whole_days().map_or(1, |(from, to)| (to - from).num_days() + 1);
        match self.preset {
            Some(Preset::Today) => "yesterday".to_owned(),
            _ if days == 1 => "the day before".to_owned(),
            _ => format!("the {days} days before"),
        }
    }

    fn range_picker(&self) -> RangePicker {
        let preset = |preset: &Preset| {
            let href = self.href(&[("range", preset.as_str()), ("from", ""), ("to", "")]);
            Link { current: self.preset == Some(*preset), ..Link::new(preset_label(*preset), &href) }
        };
        let (from, to) = self.period.whole_days().unwrap_or_default();
        RangePicker {
            label: self.range_label(),
            presets: Preset::ALL.iter().map(preset).collect(),
            from: from.to_string(),
            to: to.to_string(),
            action: self.path.to_owned(),
            hidden: self.hidden(&["range", "from", "to", "compare"]),
            ..RangePicker::default()
        }
    }

    fn zone_picker(&self) -> ZonePicker {
        let current = self.zone().name();
        let mut names = vec![self.account_zone.name(), TimeZone::UTC.name(), current];
        names.sort_unstable();
        names.dedup();
        let link =
            |name: &&str| Link { current: *name == current, ..Link::new(name, &self.href(&[("tz", name)])) };
        ZonePicker {
            current: current.to_owned(),
            presets: names.iter().map(link).collect(),
            zones: TimeZone::names().map(str::to_owned).collect(),
            action: self.path.to_owned(),
            hidden: self.hidden(&["tz"]),
        }
    }

    /// Puts range, zone and what could not be read into a page's frame.
    pub fn dress(&self, mut chrome: Chrome) -> Chrome {
        chrome.range = Some(self.range_picker());
        chrome.zone = Some(self.zone_picker());
        if !self.faults.is_empty() {
            let text = format!("Left out what this page does not know: {}.", self.faults.join(", "));
            chrome.notice = Some(Notice { text, is_error: true, undo: None });
        }
        chrome
    }

    /// The same with a comparison to choose.
    pub fn dress_compared(&self, chrome: Chrome, compare_label: &str) -> Chrome {
        let mut chrome = self.dress(chrome);
        if let Some(range) = &mut chrome.range {
            compare_label.clone_into(&mut range.compare_label);
            range.compare = vec![
                choice("before", "The time before", self.is_compared),
                choice("none", "Nothing", !self.is_compared),
            ];
        }
        chrome
    }

    /// Words side by side, of which one is chosen; the first is for all.
    pub fn segments(&self, name: &str, label: &str, choices: &[(&str, &str)]) -> FilterSelect {
        let chosen = self.own(name);
        let options = choices.iter().map(|(value, label)| choice(value, label, *value == chosen)).collect();
        FilterSelect { name: name.to_owned(), label: label.to_owned(), options }
    }

    /// A number as the address says it.
    pub fn number(&self, name: &str, label: &str) -> FilterNumber {
        FilterNumber { name: name.to_owned(), label: label.to_owned(), value: self.own(name).to_owned() }
    }

    /// A switch that is on when the address says so.
    pub fn switch(&self, name: &str, value: &str, label: &str) -> FilterSwitch {
        let is_on = self.own(name) == value;
        FilterSwitch { name: name.to_owned(), value: value.to_owned(), label: label.to_owned(), is_on }
    }
}

/// One choice of several.
pub fn choice(value: &str, label: &str, selected: bool) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), selected }
}

/// A path with a query.
pub fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
