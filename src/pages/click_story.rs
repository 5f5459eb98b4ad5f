//! One click's story in words: a sentence, facts in groups, what happened in its order.

use super::deliveries::{self, Clock};
use super::log::Names;
use super::parts::{Fact, FactGroup, Link, Moment, Piece, Pill};
use super::words::{MoneyWords, NONE, clock, counted, moment, span};
use crate::db::conversions::{Change, Conversion};
use crate::db::stories::Story;
use crate::domain::click::ClickRecord;
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::reports::TimeZone;

/// Tells stories in one zone and currency.
pub struct Teller<'a> {
    /// What things are called.
    pub names: &'a Names,
    /// How money is written.
    pub money: MoneyWords,
    /// Whose clock.
    pub zone: TimeZone,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
}

/// Plain words.
pub fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_marked: false }
}

/// Words from outside, set as code.
pub fn code(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_marked: true }
}

/// A message of ours: what stands between backticks came from outside.
pub fn ticked(message: &str) -> Vec<Piece> {
    let pieces = message.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    pieces.map(|(at, text)| if at % 2 == 1 { code(text) } else { plain(text) }).collect()
}

/// The same in plain words, for where nothing can be set as code.
pub fn unticked(message: &str) -> String {
    let piece = |piece: Piece| if piece.is_marked { format!("“{}”", piece.text) } else { piece.text };
    ticked(message).into_iter().map(piece).collect()
}

/// A fact, or a dash where it is not known.
pub fn fact(label: &str, value: &str) -> Fact {
    let value = if value.is_empty() { NONE } else { value };
    Fact { label: label.to_owned(), value: value.to_owned(), ..Fact::default() }
}

/// A fact that leads somewhere.
pub fn link(label: &str, value: &str, href: &str) -> Fact {
    Fact { href: href.to_owned(), ..fact(label, value) }
}

/// A fact from outside, set as code.
pub fn raw(label: &str, value: &str) -> Fact {
    Fact { is_code: !value.is_empty(), ..fact(label, value) }
}

/// Facts under a title.
pub fn group(title: &str, facts: Vec<Fact>) -> FactGroup {
    FactGroup { title: title.to_owned(), facts }
}

/// What a change did, with the money it moved.
pub fn change_moment(teller: &Teller<'_>, change: &Change, first_ms: i64) -> Moment {
    let title = if change.from_status.is_none() { "Conversion recorded" } else { "Conversion changed" };
    let amount = teller.money.exact(Money::from_micros(change.to_revenue_micros));
    let before = change.from_revenue_micros.filter(|before| *before != change.to_revenue_micros);
    let mut detail = match before {
        Some(before) => {
            vec![plain(&format!("{} → {amount}", teller.money.exact(Money::from_micros(before))))]
        }
        None => vec![plain(&amount)],
    };
    if let Some(from) = change.from_status.as_ref().filter(|from| **from != change.to_status) {
        detail.push(plain(&format!(", {from} → {}", change.to_status)));
    }
    if change.to_payout_micros != 0 {
        detail.push(plain(&format!(
            ", payout {}",
            teller.money.exact(Money::from_micros(change.to_payout_micros))
        )));
    }
    if !change.why.is_empty() {
        detail.push(plain(&format!(" · {}", change.why)));
    }
    let link = change.postback_id.map(|id| Link::new(&format!("postback {id}"), &format!("/postbacks/{id}")));
    Moment {
        time: moment_time(teller.zone, change.at_ms, first_ms),
        after: after(change.at_ms, first_ms),
        title: title.to_owned(),
        pill: Some(Pill::status(&change.to_status)),
        detail,
        link,
    }
}

/// The time of day, with the day where it is another one than the first moment's.
fn moment_time(zone: TimeZone, at_ms: i64, first_ms: i64) -> String {
    if zone.date(at_ms) == zone.date(first_ms) {
        return clock(zone, at_ms);
    }
    zone.local(at_ms).format("%-d %b %H:%M").to_string()
}

fn after(at_ms: i64, first_ms: i64) -> String {
    let gap = at_ms - first_ms;
    if gap == 0 {
        return String::new();
    }
    if gap < 0 { format!("−{}", span(-gap)) } else { format!("+{}", span(gap)) }
}

impl Teller<'_> {
    /// What it is about, in one sentence.
    pub fn summary(&self, story: &Story) -> String {
        let record = &story.click.record;
        let source = self.names.source(record.source_id);
        let from = if source.is_empty() { String::new() } else { format!(" from {source}") };
        let lander = self.names.lander(record.lander_id);
        let offer = self.names.offer(record.offer_id.or(story.click.last_offer_id));
        let to = match (lander.is_empty(), offer.is_empty()) {
            (false, false) => format!("went to {lander}, then to {offer}"),
            (false, true) => format!("went to {lander}"),
            (true, false) => format!("went to {offer}"),
            (true, true) => "was sent to the fallback".to_owned(),
        };
        let earned = approved(&story.conversions).fold(0, i64::saturating_add);
        let earned = match story.conversions.len() {
            0 => "nothing came of it yet".to_owned(),
            _ => format!("earned {}", self.money.amount(Money::from_micros(earned))),
        };
        let arrived = moment(self.zone, record.clicked_at_ms, self.now_ms);
        let imported = match &story.foreign_id {
            Some(id) => format!(" Imported from the tracker before, where its id was {id}."),
            None => String::new(),
        };
        format!("Arrived {arrived}{from}, {to}, {earned}.{imported}")
    }

    /// Facts in groups.
    pub fn groups(&self, story: &Story) -> Vec<FactGroup> {
        let record = &story.click.record;
        let mut groups =
            vec![self.arrival(story), self.way(story), self.money(story), place(record), device(record)];
        if !record.subs.is_empty() {
            let subs = record.subs.iter().map(|(slot, value)| raw(&format!("sub{slot}"), value)).collect();
            groups.push(group("What the source sent", subs));
        }
        if !record.params.is_empty() {
            let params = record.params.iter().map(|(name, value)| raw(name, value)).collect();
            groups.push(group("Marketing parameters", params));
        }
        groups
    }

    fn arrival(&self, story: &Story) -> FactGroup {
        let record = &story.click.record;
        let campaign = format!("/campaigns/{}/edit", record.campaign_id);
        let mut facts = vec![
            fact(
                "Time",
                &format!("{} {}", moment(self.zone, record.clicked_at_ms, self.now_ms), self.zone.name()),
            ),
            link("Campaign", &self.names.campaign(record.campaign_id), &campaign),
            source_fact(record, &self.names.source(record.source_id)),
            raw("External id", record.external_id.as_deref().unwrap_or("")),
            raw("Domain", record.domain.as_deref().unwrap_or("")),
            raw("Referrer", record.referrer_host.as_deref().unwrap_or("")),
            fact("Unique", if record.is_unique { "yes" } else { "no" }),
            fact("Bot", &record.bot.map_or("no".to_owned(), |why| why.as_str().replace('_', " "))),
        ];
        if let Some(id) = &story.foreign_id {
            facts.push(raw("Id at the tracker before", id));
        }
        group("Arrival", facts)
    }

    fn way(&self, story: &Story) -> FactGroup {
        let record = &story.click.record;
        let path = story.path_name.clone().or_else(|| record.path_id.map(|id| format!("Path {id}")));
        let mut facts = vec![
            fact("Path", &path.unwrap_or_default()),
            named("Lander", &self.names.lander(record.lander_id), "landers", record.lander_id),
            named("Offer", &self.names.offer(record.offer_id), "offers", record.offer_id),
            fact("Lander clicks", &story.click.lp_clicks.to_string()),
        ];
        if story.click.last_offer_id.is_some() && story.click.last_offer_id != record.offer_id {
            let last = story.click.last_offer_id;
            facts.push(named("Last offer", &self.names.offer(last), "offers", last));
        }
        if let Some(why) = record.refusal {
            facts.push(fact("Sent to the fallback", &why.as_str().replace('_', " ")));
        }
        group("Where it went", facts)
    }

    fn money(&self, story: &Story) -> FactGroup {
        let record = &story.click.record;
        let earned = approved(&story.conversions).fold(0, i64::saturating_add);
        let known = record.cost_original_micros.is_some() || record.cost_micros != 0;
        let cost =
            if known { self.money.exact(Money::from_micros(record.cost_micros)) } else { String::new() };
        let mut facts = vec![
            fact("Cost", &cost),
            fact("Approved revenue", &self.money.amount(Money::from_micros(earned))),
            fact("Conversions", &story.conversions.len().to_string()),
        ];
        if let (Some(original), Some(currency)) = (record.cost_original_micros, record.cost_currency)
            && original != record.cost_micros
        {
            let original = MoneyWords::new(currency).exact(Money::from_micros(original));
            facts.insert(1, fact("Cost as it was given", &original));
        }
        group("Money", facts)
    }

    /// What happened, in its order.
    pub fn moments(&self, story: &Story) -> Vec<Moment> {
        let record = &story.click.record;
        let first = record.clicked_at_ms;
        let at = |at_ms: i64, title: &str, detail: Vec<Piece>| Moment {
            time: moment_time(self.zone, at_ms, first),
            after: after(at_ms, first),
            title: title.to_owned(),
            detail,
            ..Moment::default()
        };
        let mut all = vec![
            (first, Moment { after: String::new(), ..at(first, "Arrived", self.arrived(record)) }),
            (
                first,
                Moment {
                    after: String::new(),
                    time: String::new(),
                    ..at(first, "Routed", self.routed(story))
                },
            ),
        ];
        for press in &story.lp_clicks {
            let offer = self.names.offer(press.offer_id);
            let to = if offer.is_empty() { Vec::new() } else { vec![plain(&format!("to {offer}"))] };
            all.push((press.clicked_at_ms, at(press.clicked_at_ms, "Lander button pressed", to)));
        }
        for postback in &story.postbacks {
            let advertiser = self.names.advertiser(postback.value.advertiser_id);
            let what = match postback.value.came_by() {
                Some("pixel") => "Pixel of",
                Some("file") => "Row of a file of",
                Some(_) => "By hand, for",
                None => "Postback from",
            };
            let title = format!("{what} {}", if advertiser.is_empty() { "somebody" } else { &advertiser });
            let mut detail = vec![code(postback.value.code.as_str()), plain(" ")];
            detail.extend(ticked(&postback.value.message));
            let mut moment = at(postback.value.received_at_ms, &title, detail);
            moment.pill = Some(Pill::verdict(postback.value.code.result().as_str()));
            moment.link = Some(Link::new("request", &format!("/postbacks/{}", postback.id)));
            all.push((postback.value.received_at_ms, moment));
        }
        for change in &story.changes {
            let mut moment = change_moment(self, change, first);
            let number = change.conversion_id;
            moment.link = Some(Link::new(&format!("conversion {number}"), &format!("/conversions/{number}")));
            all.push((change.at_ms, moment));
        }
        for delivery in &story.deliveries {
            let title = format!("Told to {}", self.names.destination(delivery.destination_id));
            let clock = Clock { zone: self.zone, now_ms: self.now_ms };
            let mut detail = vec![plain(delivery.told_status.as_str())];
            if let Some(code) = delivery.last_code {
                detail.push(plain(&format!(", answered by {code}")));
            }
            let outlook = deliveries::outlook(clock, delivery);
            if !outlook.is_empty() {
                detail.push(plain(&format!(" · {outlook}")));
            }
            let at_ms = delivery.last_at_ms.unwrap_or(delivery.created_at_ms);
            let mut moment = at(at_ms, &title, detail);
            moment.pill = Some(deliveries::state_pill(delivery.state));
            moment.link = Some(Link::new("delivery", &format!("/deliveries/{}", delivery.id)));
            all.push((at_ms, moment));
        }
        all.sort_by_key(|(at_ms, _)| *at_ms);
        all.into_iter().map(|(_, moment)| moment).collect()
    }

    fn arrived(&self, record: &ClickRecord) -> Vec<Piece> {
        let source = self.names.source(record.source_id);
        let campaign = self.names.campaign(record.campaign_id);
        let mut pieces = vec![plain(&format!("at {campaign}"))];
        if !source.is_empty() {
            pieces.push(plain(&format!(" from {source}")));
        }
        if let Some(external) = &record.external_id {
            pieces.extend([plain(" as "), code(external)]);
        }
        pieces
    }

    fn routed(&self, story: &Story) -> Vec<Piece> {
        let record = &story.click.record;
        if let Some(why) = record.refusal {
            return vec![plain(&format!("to the fallback: {}", why.as_str().replace('_', " ")))];
        }
        let names = [
            story.path_name.clone().unwrap_or_default(),
            self.names.lander(record.lander_id),
            self.names.offer(record.offer_id),
        ];
        let way: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let buttons = if story.lp_clicks.is_empty() {
            String::new()
        } else {
            let presses = i64::try_from(story.lp_clicks.len()).unwrap_or(i64::MAX);
            format!(" · {} later", counted(presses, "button press", "button presses"))
        };
        vec![plain(&format!("{}{buttons}", way.join(" → ")))]
    }
}

fn approved(conversions: &[Conversion]) -> impl Iterator<Item = i64> {
    let earning = |one: &&Conversion| one.value.status == Status::Approved && one.value.counts_in_revenue;
    conversions.iter().filter(earning).map(|one| one.value.revenue_micros)
}

fn source_fact(record: &ClickRecord, name: &str) -> Fact {
    named("Source", name, "sources", record.source_id)
}

/// A thing with its page, where there is one.
pub fn named(label: &str, name: &str, family: &str, id: Option<i64>) -> Fact {
    match id {
        Some(id) => link(label, name, &format!("/{family}/{id}/edit")),
        None => fact(label, ""),
    }
}

fn place(record: &ClickRecord) -> FactGroup {
    let country = record.country.map(|country| format!("{} ({country})", country.name()));
    let asn = record.asn.map(|asn| format!("AS{asn}"));
    group(
        "Place",
        vec![
            fact("Country", &country.unwrap_or_default()),
            fact("Region", record.region.as_deref().unwrap_or("")),
            fact("City", record.city.as_deref().unwrap_or("")),
            fact("Network", record.isp.as_deref().unwrap_or("")),
            fact("Network number", &asn.unwrap_or_default()),
            fact("Connection", record.connection.as_deref().unwrap_or("")),
            raw("Address", &record.address.map(|address| address.to_string()).unwrap_or_default()),
        ],
    )
}

fn device(record: &ClickRecord) -> FactGroup {
    let pair = |name: Option<&str>, version: Option<&str>| {
        [name, version].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    group(
        "Device",
        vec![
            fact("Kind", record.device.as_str()),
            fact("Model", &pair(record.brand.as_deref(), record.model.as_deref())),
            fact("System", &pair(record.os.as_deref(), record.os_version.as_deref())),
            fact("Browser", &pair(record.browser.as_deref(), record.browser_version.as_deref())),
            fact("Language", record.language.as_ref().map_or("", |language| language.as_str())),
            raw("User agent", &record.agent),
        ],
    )
}
