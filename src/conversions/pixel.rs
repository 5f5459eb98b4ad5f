//! What a page reports by pixel or script.
//!
//! Anyone can call a pixel. So a report is believed only where the advertiser has switched it on, it brings no money and
//! takes no place of any cap, it is pending until a postback takes it over, and it never changes what a postback made.

use super::change::change_row;
use super::claim::{Claim, Refusal, TXID_CHARS_MAX};
use super::earn::{Earned, earn};
use super::identity::find_reported;
use super::judge::{Judged, Verdict, without_click};
use super::macros_seen::looks_like_macro;
use super::record::{DAY_MS, Group, Reached, Settled, converted_at_ms};
use super::request::Params;
use super::sentences;
use crate::db::conversions::{Conversion, NewConversion};
use crate::db::{self, AnyConnection};
use crate::domain::advertiser::{Advertiser, fold_event};
use crate::domain::anomaly::Said;
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::DEFAULT_EVENT;
use crate::domain::origin::Origin;
use crate::domain::rate::ONE_NANOS;
use crate::domain::status::Status;
use crate::domain::verdict::Code;
use crate::routing::AdvertiserRoute;
use std::net::{IpAddr, Ipv6Addr};

/// Reports of one click that wait for their postback: no visitor orders as often, and more would only fill the log.
pub(super) const REPORTS_PER_CLICK_MAX: usize = 20;

/// What stands in the snippets of ours in place of a click id and an order's: a page that sends it was not finished.
pub const SNIPPET_WORDS: [&str; 2] = ["CLICK-ID", "ORDER-ID"];

/// Where an address counts for floods: whoever has one IPv6 address has the other 2^64 of its network too.
pub(super) fn neighbourhood(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(six)) => Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64)).to_string(),
        Ok(IpAddr::V4(four)) => four.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// Reads what a page reports. Its own words alone count here: click, event, transaction, and an amount for information.
///
/// # Errors
/// The first check that fails, with its code and what to change.
pub(super) fn read(params: &Params, currency: Currency) -> Result<Claim, Refusal> {
    let cid = params.get("cid").or_else(|| params.get("click_id"));
    let (event, txid, amount) = (params.get("event"), params.get("txid"), params.get("amount"));
    let is_unfilled = |text: &str| looks_like_macro(text) || SNIPPET_WORDS.contains(&text);
    let refuse = |code, message: String| {
        let click_id = cid.and_then(ClickId::parse);
        let txid = txid.filter(|text| text.chars().count() <= TXID_CHARS_MAX && !is_unfilled(text));
        Err(Refusal { click_id, txid: txid.unwrap_or("").to_owned(), ..Refusal::new(code, message) })
    };
    for (name, value) in [("cid", cid), ("event", event), ("txid", txid), ("amount", amount)] {
        if let Some(value) = value.filter(|value| is_unfilled(value)) {
            let shown: String = value.chars().take(60).collect();
            return refuse(Code::UnresolvedMacro, sentences::unfilled(name, &shown));
        }
    }
    let Some(cid) = cid else { return refuse(Code::MissingClickId, sentences::NO_CLICK_REPORTED.to_owned()) };
    if txid.is_some_and(|text| text.chars().count() > TXID_CHARS_MAX) {
        return refuse(Code::Unreadable, "The transaction id is longer than 255 characters".to_owned());
    }
    let mut notes = Vec::new();
    Ok(Claim {
        cid: cid.chars().take(1_024).collect(),
        click_id: ClickId::parse(cid),
        event: event.map(fold_event).filter(|word| !word.is_empty()).unwrap_or(DEFAULT_EVENT.to_owned()),
        txid: txid.unwrap_or("").to_owned(),
        status: Some(Status::Pending),
        status_word: None,
        default_status: Status::Pending,
        revenue: None,
        currency,
        sale_amount: amount.and_then(|text| read_amount(text, &mut notes)),
        reason: None,
        conversion_time_ms: None,
        is_test: false,
        said: Said::default(),
        notes,
    })
}

/// The amount is for information: one that cannot be read is noted, not a reason to lose the report.
fn read_amount(text: &str, notes: &mut Vec<String>) -> Option<Money> {
    let why = match Money::read(text) {
        Ok(read) if read.money.micros() >= 0 => return Some(read.money),
        Ok(_) => "is negative".to_owned(),
        Err(why) => why.to_string(),
    };
    let shown: String = text.chars().take(60).collect();
    notes.push(format!("`amount={shown}` {why}"));
    None
}

/// The report in an advertiser's words: its event map names the event, as in its postbacks. `None` for a word that takes
/// something back.
fn in_words_of(advertiser: &Advertiser, claim: &Claim) -> Option<Claim> {
    let takes_back = |status: Option<Status>| matches!(status, Some(Status::Rejected | Status::Reversed));
    let event = match advertiser.event_map.get(&claim.event) {
        Some(meaning) if takes_back(meaning.status) => return None,
        Some(meaning) => meaning.event.clone(),
        None if Status::from_vocabulary(&claim.event) == Some(Status::Reversed) => return None,
        None => claim.event.clone(),
    };
    Some(Claim { event, currency: advertiser.currency, ..claim.clone() })
}

impl Group<'_> {
    /// Comes to the verdict on a page's report.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn settle_report(&mut self, conn: &mut AnyConnection, judged: &Judged) -> db::Result<Settled> {
        let Ok(claim) = &judged.claim else { return Ok(judged.without_click().into()) };
        let mut settled = self.report(conn, judged, claim)?;
        settled.verdict.note(claim);
        Ok(settled)
    }

    fn report(&mut self, conn: &mut AnyConnection, judged: &Judged, claim: &Claim) -> db::Result<Settled> {
        let Some(click) = claim.click_id.and_then(|id| self.clicks.get(&id)).cloned() else {
            return Ok(without_click(claim).into());
        };
        let is_test = click.is_test || judged.incoming.is_test;
        let ended = |code, message: String, advertiser_id: Option<i64>| Settled {
            advertiser_id,
            ..Settled::from(Verdict { is_test, ..Verdict::new(code, message) })
        };
        let catalog = self.catalog;
        let is_on = |id| catalog.advertiser(id).is_some_and(|route| route.advertiser.is_pixel_on);
        let Some(offer) = self.offer_reached(conn, &click, is_on)? else {
            // Whose page it may have been: its log shows that the switch is off.
            let last = self.offer_reached(conn, &click, |_| true)?;
            let advertiser_id = last.and_then(|offer| offer.offer.advertiser_id);
            return Ok(ended(Code::PixelOff, sentences::PIXEL_OFF.to_owned(), advertiser_id));
        };
        let Some(advertiser) = offer.offer.advertiser_id.and_then(|id| catalog.advertiser(id)) else {
            return Ok(ended(Code::PixelOff, sentences::PIXEL_OFF.to_owned(), None));
        };
        let whose = Some(advertiser.id);
        let Some(claim) = in_words_of(&advertiser.advertiser, claim) else {
            let message = sentences::takes_back(&claim.event);
            return Ok(ended(Code::TransitionRefused, message, whose));
        };
        let known = self.conversions.get(&click.id).map_or(&[][..], Vec::as_slice);
        if let Some(found) = find_reported(known, &claim, advertiser.id).cloned() {
            let mut settled = ended(Code::Duplicate, sentences::repeated(found.id), whose);
            settled.verdict.conversion_id = Some(found.id);
            if found.value.is_unconfirmed {
                self.join_txid(&claim, found);
            }
            return Ok(settled);
        }
        if known.iter().filter(|known| known.value.is_unconfirmed).count() >= REPORTS_PER_CLICK_MAX {
            return Ok(ended(Code::RateLimited, sentences::TOO_MANY_REPORTS.to_owned(), whose));
        }
        let age_ms = judged.incoming.received_at_ms.saturating_sub(click.clicked_at_ms);
        let window_days = advertiser.advertiser.window_days;
        if age_ms > window_days.saturating_mul(DAY_MS) && judged.released().is_none() {
            let message = sentences::outside_window(age_ms / DAY_MS, window_days);
            return Ok(ended(Code::ParkedOutsideWindow, message, whose));
        }
        let nothing = Earned {
            revenue: Money::ZERO,
            currency: claim.currency,
            rate_nanos: ONE_NANOS,
            sale_amount: None,
            note: None,
        };
        let new = self.new_conversion(judged, &claim, advertiser, &click, &offer, &nothing);
        let new = NewConversion {
            seq: NewConversion::UNCONFIRMED_SEQ,
            revenue_reported_micros: claim.sale_amount.map(Money::micros),
            origin: Origin::Pixel,
            is_unconfirmed: true,
            ..new
        };
        let (id, mut change) = self.insert(conn, new)?;
        Origin::Pixel.as_str().clone_into(&mut change.cause);
        let mut message = sentences::reported(id, claim.sale_amount, claim.currency);
        if !offer.offer.terms(&claim.event).is_configured {
            message = format!("{message}. {}", sentences::not_configured(&claim.event));
        }
        let mut settled = ended(Code::Recorded, message, whose);
        settled.verdict.conversion_id = Some(id);
        settled.change = Some(change);
        Ok(settled)
    }

    /// A postback takes over what a pixel reported: from now on it is as if the postback alone had recorded it.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn confirm(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        ((click, offer), reported): (&Reached, Conversion),
    ) -> db::Result<Settled> {
        let (id, is_test) = (reported.id, reported.value.is_test);
        let (earned, at_ms) = (earn(claim, &offer.offer), converted_at_ms(judged, claim, click));
        let about = |code, message: String| Verdict {
            conversion_id: Some(id),
            is_test,
            ..Verdict::new(code, message)
        };
        let without_rate = sentences::no_rate(earned.currency, self.catalog.currency);
        let Some(earned) = self.priced(conn, earned, claim, at_ms)? else {
            return Ok(about(Code::ParkedNoRate, without_rate).into());
        };
        let mut value = self.new_conversion(judged, claim, advertiser, click, offer, &earned);
        let before = reported.value;
        value.said = value.said.or(before.said.clone());
        value.anomalies = self.anomalies(click, &value.said, (before.origin, value.converted_at_ms, is_test));
        value.anomalies = value.anomalies.and(before.anomalies);
        value.origin = before.origin;
        value.recorded_at_ms = before.recorded_at_ms;
        value.take_place();
        let after = Conversion { id, value };
        self.draft.take_over(&after);
        self.takings.add(self.catalog, id, None, &after.value);
        self.sums.change_conversion(&before.counted(), &after.value.counted());
        self.note_converted(&after.value);
        let mut change = change_row(id, Some(&before), &after.value, self.now_ms);
        change.why = sentences::confirms(&before);
        let mut message = sentences::recorded(id, earned.revenue, after.value.currency, after.value.status);
        message.push_str(". ");
        message.push_str(&change.why);
        let message = earned.said_in(message);
        self.replace(after);
        Ok(Settled { change: Some(change), ..Settled::from(about(Code::Updated, message)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversions::request::{self, Incoming};
    use crate::domain::advertiser::EventMeaning;

    const CID: &str = "01jcz7m3v8f4n9q2r5t6w7x8y9";

    fn read_query(query: &str) -> Result<Claim, Refusal> {
        let incoming = Incoming { query: query.into(), ..Incoming::default() };
        read(&request::read(&incoming).unwrap(), Currency::USD)
    }

    #[test]
    fn only_its_own_words_are_read() {
        let query =
            format!("cid={CID}&event=Deposit&txid=t&amount=5&payout=9&status=approved&test=1&currency=EUR");
        let claim = read_query(&query).unwrap();
        assert_eq!((claim.event.as_str(), claim.txid.as_str()), ("deposit", "t"));
        assert_eq!((claim.revenue, claim.sale_amount), (None, Some(Money::from_micros(5_000_000))));
        assert_eq!(
            (claim.status, claim.currency, claim.is_test),
            (Some(Status::Pending), Currency::USD, false)
        );
        assert_eq!(read_query(&format!("click_id={CID}")).unwrap().event, "sale");
    }

    #[test]
    fn an_amount_that_is_none_is_noted() {
        for amount in ["x", "-5", "1,234", "1e99", "{}"] {
            let claim = read_query(&format!("cid={CID}&amount={amount}")).unwrap();
            assert_eq!((claim.sale_amount, claim.notes.len()), (None, 1), "{amount}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let long = "t".repeat(300);
        for (query, code) in [
            ("event=sale", Code::MissingClickId),
            ("cid={click_id}", Code::UnresolvedMacro),
            ("cid=x&txid={order}", Code::UnresolvedMacro),
            ("cid=x&txid=ORDER-ID", Code::UnresolvedMacro),
            (&format!("cid=x&txid={long}"), Code::Unreadable),
        ] {
            assert_eq!(read_query(query).unwrap_err().code, code, "{query}");
        }
        assert!(read_query(&format!("cid={CID}&event=%7Bevent%7D")).unwrap_err().click_id.is_some());
    }

    #[test]
    fn the_advertisers_map_names_the_event_and_nothing_is_taken_back() {
        let mut advertiser = Advertiser::blank(Currency::USD);
        let meaning = |event: &str, status| EventMeaning { event: event.to_owned(), status };
        advertiser.event_map.insert("purchase".to_owned(), meaning("sale", Some(Status::Approved)));
        advertiser.event_map.insert("storno".to_owned(), meaning("sale", Some(Status::Reversed)));
        let event = |word: &str| {
            let claim = read_query(&format!("cid={CID}&event={word}")).unwrap();
            in_words_of(&advertiser, &claim).map(|claim| (claim.event, claim.status))
        };
        assert_eq!(event("Purchase"), Some(("sale".to_owned(), Some(Status::Pending))));
        assert_eq!(event("lead"), Some(("lead".to_owned(), Some(Status::Pending))));
        assert_eq!((event("storno"), event("refund")), (None, None));
    }

    #[test]
    fn a_network_of_ipv6_is_one_place() {
        assert_eq!(neighbourhood("2001:db8:1:2::5"), neighbourhood("2001:db8:1:2:ffff::9"));
        assert_ne!(neighbourhood("2001:db8:1:2::5"), neighbourhood("2001:db8:1:3::5"));
        assert_eq!(neighbourhood("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
