//! What needs attention: postbacks that did not count, put together by advertiser and reason, each in one sentence.

use super::period::Period;
use super::query::Error;
use crate::db::postbacks::{self, Uncounted};
use crate::db::{AnyConnection, report_names};
use crate::domain::verdict::{Code, PostbackResult};

/// Postbacks of one advertiser that did not count, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Whose; `None` where the key belongs to nobody.
    pub advertiser_id: Option<i64>,
    /// The advertiser's name.
    pub advertiser: Option<String>,
    /// The reason.
    pub code: Code,
    /// How many.
    pub count: i64,
    /// When the last of them came, Unix milliseconds.
    pub last_ms: i64,
    /// What happened and what to do, in one sentence.
    pub sentence: String,
}

impl Attention {
    /// They are lost unless somebody acts; parked ones wait.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.code.result() == PostbackResult::Refused
    }
}

/// What needs attention among the postbacks of a period: what was refused first, then by number.
///
/// # Errors
/// The database fails.
pub fn attention(conn: &mut AnyConnection, period: &Period, is_test: bool) -> Result<Vec<Attention>, Error> {
    let uncounted = postbacks::uncounted(conn, period.from_ms(), period.to_ms(), is_test)?;
    let names = report_names::advertisers(conn)?;
    let mut found: Vec<Attention> = uncounted
        .into_iter()
        .map(|Uncounted { advertiser_id, code, count, last_ms }| {
            let advertiser = advertiser_id.and_then(|id| names.get(&id)).cloned();
            let sentence = sentence(advertiser.as_deref(), code, count);
            Attention { advertiser_id, advertiser, code, count, last_ms, sentence }
        })
        .collect();
    found.sort_by_key(|item| (!item.is_refused(), -item.count, item.advertiser_id, item.code));
    Ok(found)
}

fn sentence(advertiser: Option<&str>, code: Code, count: i64) -> String {
    let who = advertiser.unwrap_or("Somebody");
    let what = if count == 1 { "1 postback".to_owned() } else { format!("{count} postbacks") };
    let (verb, they) = if count == 1 { ("waits", "its") } else { ("wait", "their") };
    match code {
        Code::ParkedUnknownClick => {
            format!("{what} of {who} {verb} for a click that has not been stored yet.")
        }
        Code::ParkedForeignClick => {
            format!("{what} of {who} came with a click id that is not ours: look which parameter carries it.")
        }
        Code::ParkedOutsideWindow => {
            format!(
                "{what} of {who} came later than the conversion window allows: release them, or widen it."
            )
        }
        Code::ParkedWrongOffer => {
            format!(
                "{what} of {who} named a click that reached none of their offers: look at the campaign's path."
            )
        }
        Code::ParkedAmbiguous => {
            format!("{what} of {who} fit several conversions: ask for a transaction id in the template.")
        }
        Code::ParkedNoRate => format!("{what} of {who} {verb} for an exchange rate of {they} currency."),
        Code::UnresolvedMacro => {
            format!("{who} sent {what} with a macro unreplaced: compare the template they saved with ours.")
        }
        Code::Unreadable => format!("{what} of {who} could not be read at all: look at the raw request."),
        Code::MissingClickId => {
            format!(
                "{who} sent {what} without a click id: the template there lacks cid or its macro is empty."
            )
        }
        Code::MalformedRevenue => format!("{who} sent {what} with an amount that is not one: see the log."),
        Code::UnknownCurrency => {
            format!("{who} sent {what} with a currency that does not exist: see the log.")
        }
        Code::UnknownStatus => {
            format!(
                "{who} sent {what} with a status word that is not mapped: add it to the status map, then replay."
            )
        }
        Code::MissingStatus => {
            format!("{who} sent {what} without the status that this advertiser must send.")
        }
        Code::PixelOff => {
            format!(
                "{what} came from a page of {who} whose pixel is off: switch it on, or take it off the page."
            )
        }
        Code::TransitionRefused => {
            format!("{who} tried to change a decided conversion in {what}, which this advertiser may not.")
        }
        Code::BadKey => format!("{what} came to a postback address whose key belongs to nobody."),
        Code::AddressNotAllowed => {
            format!(
                "{what} of {who} came from an address that is not on their list: add it, if it is theirs."
            )
        }
        Code::BadSignature => {
            format!("{what} of {who} had a wrong signature or none: compare the secret on both sides.")
        }
        Code::ExpiredSignature => {
            format!("{what} of {who} had a signature of another time: a clock is wrong, or it came late.")
        }
        Code::Replayed => format!("{what} of {who} used a nonce again for something else."),
        Code::RateLimited => {
            format!("{what} were turned away because too many refused ones came from there.")
        }
        Code::Recorded | Code::Updated | Code::Duplicate => format!("{what} of {who} arrived."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_one_sentence() {
        for code in Code::ALL {
            let text = sentence(Some("MaxBounty"), *code, 3);
            assert!(text.ends_with('.') && text.matches(". ").count() == 0, "{text}");
            assert!(text.contains("3 postbacks"), "{text}");
        }
        assert!(sentence(None, Code::BadKey, 1).starts_with("1 postback came"));
    }
}
