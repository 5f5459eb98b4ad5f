//! What the last test did, read back from the database, step by step.

use super::parts::{Mark, Piece, Step, Steps, Tone};
use super::words::MoneyWords;
use crate::db::click_log::{self, ClickQuery, StoredClick};
use crate::db::conversions::{self, Conversion, ConversionQuery};
use crate::db::postbacks::{self, PostbackQuery, StoredPostback};
use crate::db::{self, AnyConnection};
use crate::domain::click::RouteRefusal;
use crate::domain::click_id::ClickId;
use crate::domain::figures::Bots;
use crate::domain::money::{Currency, Money};
use crate::domain::status::Status;
use crate::domain::verdict::PostbackResult;
use crate::routing::{CampaignRoute, Catalog, ClickValues};

/// Test conversions that the sums look at: nobody sends more by hand.
const CONVERSIONS_MAX: i64 = 500;

/// A campaign's last test, as it is stored.
pub(super) struct LastTest {
    /// The latest test click.
    pub(super) click: Option<StoredClick>,
    /// Test clicks in all.
    clicks: i64,
    /// The latest postback for that click.
    pub(super) postback: Option<StoredPostback>,
    /// Test conversions of the campaign.
    conversions: Vec<Conversion>,
}

impl LastTest {
    /// Reads it.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn of(conn: &mut AnyConnection, campaign_id: i64) -> db::Result<Self> {
        let query = ClickQuery {
            campaign_id: Some(campaign_id),
            is_test: Some(true),
            bots: Bots::Include,
            limit: 1,
            ..ClickQuery::default()
        };
        let mut clicks = click_log::list(conn, &query)?;
        let click = clicks.items.pop();
        let postback = match &click {
            Some(click) => last_postback(conn, click.record.id)?,
            None => None,
        };
        let query = ConversionQuery {
            campaign_id: Some(campaign_id),
            is_test: Some(true),
            limit: CONVERSIONS_MAX,
            ..ConversionQuery::default()
        };
        let conversions = conversions::list(conn, &query)?.items;
        Ok(Self { click, clicks: clicks.total, postback, conversions })
    }

    /// The offer that the click led to.
    pub(super) fn offer_id(&self) -> Option<i64> {
        self.click.as_ref().and_then(|click| click.record.offer_id.or(click.last_offer_id))
    }

    /// The conversion that the last postback made or changed.
    pub(super) fn conversion(&self) -> Option<&Conversion> {
        let id = self.postback.as_ref()?.value.conversion_id?;
        self.conversions.iter().find(|conversion| conversion.id == id)
    }

    /// The sums of all tests in one line.
    pub(super) fn result(&self, currency: Currency) -> Step {
        let money = MoneyWords::new(currency);
        let approved = |conversion: &&Conversion| conversion.value.status == Status::Approved;
        let approved = self.conversions.iter().filter(approved);
        let revenue = approved.map(|conversion| conversion.value.revenue_micros).fold(0, i64::saturating_add);
        let cost = self.click.as_ref().map_or(0, |click| click.record.cost_micros);
        let detail = format!(
            "{}, {}, revenue {}, profit",
            counted(self.clicks, "click"),
            counted(i64::try_from(self.conversions.len()).unwrap_or(0), "conversion"),
            money.exact(Money::from_micros(revenue))
        );
        let profit = Money::from_micros(revenue.saturating_sub(cost));
        let tone = if profit.micros() < 0 { Tone::Loss } else { Tone::Gain };
        Step { figure: money.signed(profit), tone, ..done("Result", vec![plain(&detail)]) }
    }
}

/// The latest postback for a click.
///
/// # Errors
/// The database fails.
pub(super) fn last_postback(conn: &mut AnyConnection, id: ClickId) -> db::Result<Option<StoredPostback>> {
    let query = PostbackQuery { click_id: Some(id), limit: 1, ..PostbackQuery::default() };
    Ok(postbacks::list(conn, &query)?.items.pop())
}

/// Every step of a click and its postback.
pub(super) fn all(test: &LastTest, catalog: &Catalog, currency: Currency) -> Steps {
    let Some(click) = &test.click else { return Steps::default() };
    let mut steps = click_steps(click, test.offer_id(), catalog);
    match &test.postback {
        Some(postback) => {
            steps.extend(postback_steps(postback, test.conversion(), currency));
            steps.push(test.result(currency));
        }
        None => steps.push(Step {
            name: "Postback".to_owned(),
            detail: vec![plain("not sent yet")],
            ..Step::default()
        }),
    }
    Steps { steps }
}

fn click_steps(click: &StoredClick, offer_id: Option<i64>, catalog: &Catalog) -> Vec<Step> {
    let record = &click.record;
    let campaign = catalog.campaign(record.campaign_id);
    let mut steps = vec![
        done("Click", vec![code(&record.id.to_string()), plain(" kept")]),
        done("Visitor", vec![plain(&visitor(click))]),
    ];
    if let Some(refusal) = record.refusal {
        let has_fallback = campaign.is_some_and(|campaign| campaign.fallback.is_some());
        let then = if has_fallback { "sent to the fallback URL" } else { "there is no fallback URL" };
        steps.push(failed("Path", &format!("none: {}; {then}", refused(refusal))));
        return steps;
    }
    if let Some((path, lander)) = campaign.and_then(|campaign| route(campaign, click)) {
        steps.push(done("Path", vec![plain(&path)]));
        if let Some(lander) = lander {
            let words = format!("{lander}, its button pressed");
            steps.push(done("Lander", vec![plain(&words)]));
        }
    }
    match offer_id.and_then(|id| catalog.offer(id)) {
        Some(offer) => {
            steps.push(done("Offer", vec![plain(&offer.offer.name)]));
            if let Some(template) = &offer.template {
                let mut values = ClickValues::later(record, catalog);
                values.offer = Some(offer);
                steps.push(done("Sent to", vec![code(&template.fill(&values))]));
            }
        }
        None => steps.push(failed("Offer", "none was reached")),
    }
    steps
}

/// Why no offer could take a visitor.
pub(super) const fn refused(refusal: RouteRefusal) -> &'static str {
    match refusal {
        RouteRefusal::CampaignPaused => "the campaign is paused or archived",
        RouteRefusal::NoPath => "every path is paused, has weight 0 or leads nowhere",
        RouteRefusal::NoOffer => "no offer of the paths is in use",
        RouteRefusal::BrokenTemplate => "the offer's address cannot be filled",
        RouteRefusal::AtCap => "the offer is at its cap, and its other address took the visitor",
    }
}

fn visitor(click: &StoredClick) -> String {
    let record = &click.record;
    let mut words: Vec<String> = Vec::new();
    words.extend(record.address.map(|address| address.to_string()));
    words.extend(record.country.map(|country| country.name().to_owned()));
    words.push(record.device.to_string());
    for (name, version) in [(&record.os, &record.os_version), (&record.browser, &record.browser_version)] {
        if let Some(name) = name {
            words.push(
                version.as_ref().map_or_else(|| name.to_string(), |version| format!("{name} {version}")),
            );
        }
    }
    words.join(", ")
}

/// The path with its share, and the lander.
fn route(campaign: &CampaignRoute, click: &StoredClick) -> Option<(String, Option<String>)> {
    let rule = campaign.rules.iter().find(|rule| Some(rule.id) == click.record.rule_id);
    let paths = rule.map_or(&campaign.paths, |rule| &rule.paths);
    let (at, path) = paths.iter().enumerate().find(|(_, path)| Some(path.id) == click.record.path_id)?;
    let lander = path.landers.iter().find(|(lander, _)| Some(lander.id) == click.record.lander_id);
    let words = format!("{} of {}, drawn by its weight {}", at + 1, paths.len(), path.weight);
    Some((words, lander.map(|(lander, _)| lander.name.clone())))
}

/// What came, what was said to it, and what it made.
pub(super) fn postback_steps(
    postback: &StoredPostback,
    conversion: Option<&Conversion>,
    currency: Currency,
) -> Vec<Step> {
    let value = &postback.value;
    let query = String::from_utf8_lossy(&value.raw_query).into_owned();
    let mut steps = vec![done("Postback", vec![code(&query)])];
    let verdict = vec![code(value.code.as_str()), plain(&format!(" {}", value.message))];
    let is_done = matches!(value.code.result(), PostbackResult::Accepted | PostbackResult::Duplicate);
    let mark = if is_done { Mark::Done } else { Mark::Failed };
    steps.push(Step { mark, ..done("Verdict", verdict) });
    if let Some(conversion) = conversion {
        let revenue = MoneyWords::new(currency).exact(Money::from_micros(conversion.value.revenue_micros));
        let words = format!("{}, {}, {revenue}", conversion.id, conversion.value.status);
        steps.push(done("Conversion", vec![plain(&words)]));
    }
    steps
}

/// `1 click`, `2 clicks`.
fn counted(count: i64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A step that went well.
pub(super) fn done(name: &str, detail: Vec<Piece>) -> Step {
    Step { mark: Mark::Done, name: name.to_owned(), detail, ..Step::default() }
}

/// A step that did not.
pub(super) fn failed(name: &str, why: &str) -> Step {
    Step { mark: Mark::Failed, ..done(name, vec![plain(why)]) }
}

/// Plain words.
pub(super) fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_marked: false }
}

/// Words set as code.
pub(super) fn code(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_marked: true }
}
