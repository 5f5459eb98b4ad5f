//! The checks that a postback passes, in the order in which they are made, and how one postback stood in each: what the
//! test console shows. Each code of a verdict belongs to one check.

use super::claim::Claim;
use super::judge::{Judged, Verdict};
use super::request;
use crate::domain::advertiser::HmacMode;
use crate::domain::verdict::Code;
use crate::domain::words::word_enum;
use crate::routing::AdvertiserRoute;

word_enum! {
    /// A check, in the order in which they are made.
    pub enum Check {
        /// Whose key stands in the address.
        Key => "key",
        /// The address that it came from.
        Address => "address",
        /// The request can be read.
        Readable => "readable",
        /// Its signature and the time of it.
        Signature => "signature",
        /// Its nonce was not used for something else.
        Replay => "replay",
        /// No macro was left as it is.
        Macros => "macros",
        /// A click id came.
        ClickId => "click_id",
        /// The status word is known.
        Status => "status",
        /// The amount can be read.
        Amount => "amount",
        /// The currency is one.
        Currency => "currency",
        /// The click is stored.
        Click => "click",
        /// It reached an offer of this advertiser.
        Offer => "offer",
        /// Which conversion is meant, or that it is a new one.
        Identity => "identity",
        /// A new one is young enough.
        Window => "window",
        /// There is a rate for its currency.
        Rate => "rate",
        /// The move is allowed.
        Move => "move",
    }
}

word_enum! {
    /// How a postback stood in a check.
    pub enum Standing {
        /// It passed.
        Passed => "passed",
        /// It ended there.
        Failed => "failed",
        /// There was nothing to ask.
        NotAsked => "not_asked",
        /// It had ended before.
        NotReached => "not_reached",
    }
}

/// How a postback stood in one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub check: Check,
    /// How.
    pub standing: Standing,
    /// What was seen, or for the check where it ended the verdict's sentence.
    pub detail: String,
}

impl Check {
    /// Its name on pages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Key => "Key",
            Self::Address => "Sender's address",
            Self::Readable => "Request",
            Self::Signature => "Signature",
            Self::Replay => "Replay",
            Self::Macros => "Macros",
            Self::ClickId => "Click id",
            Self::Status => "Status",
            Self::Amount => "Amount",
            Self::Currency => "Currency",
            Self::Click => "Click",
            Self::Offer => "Offer",
            Self::Identity => "Conversion",
            Self::Window => "Window",
            Self::Rate => "Exchange rate",
            Self::Move => "Move",
        }
    }

    /// The check that ends with a code. `None` for what is accepted, and for what is turned away before any check.
    #[must_use]
    pub const fn of(code: Code) -> Option<Self> {
        Some(match code {
            Code::Recorded | Code::Updated | Code::RateLimited => return None,
            Code::BadKey => Self::Key,
            Code::AddressNotAllowed => Self::Address,
            Code::Unreadable => Self::Readable,
            Code::BadSignature | Code::ExpiredSignature => Self::Signature,
            Code::Replayed => Self::Replay,
            Code::UnresolvedMacro => Self::Macros,
            Code::MissingClickId => Self::ClickId,
            Code::MissingStatus | Code::UnknownStatus => Self::Status,
            Code::MalformedRevenue => Self::Amount,
            Code::UnknownCurrency => Self::Currency,
            Code::ParkedForeignClick | Code::ParkedUnknownClick => Self::Click,
            Code::ParkedWrongOffer | Code::PixelOff => Self::Offer,
            Code::ParkedAmbiguous | Code::Duplicate => Self::Identity,
            Code::ParkedOutsideWindow => Self::Window,
            Code::ParkedNoRate => Self::Rate,
            Code::TransitionRefused => Self::Move,
        })
    }
}

/// What was seen of a postback before it was written: what the checks without the database found.
pub(super) struct Seen {
    claim: Option<Claim>,
    route: Option<std::sync::Arc<AdvertiserRoute>>,
    address: String,
    is_sender_judged: bool,
    is_signed: bool,
    params: Vec<String>,
}

impl Seen {
    pub(super) fn of(judged: &Judged) -> Self {
        let params = request::read(&judged.incoming).unwrap_or_default();
        Self {
            claim: judged.claim.as_ref().ok().cloned(),
            route: judged.advertiser.clone(),
            address: judged.incoming.address.clone(),
            is_sender_judged: judged.incoming.is_sender_judged(),
            is_signed: judged.signed.is_some(),
            // A body's values stand under their names and their pointers: once is enough here.
            params: params
                .0
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| !name.starts_with('/'))
                .collect(),
        }
    }

    /// Every check with how the postback stood in it.
    pub(super) fn steps(&self, verdict: &Verdict) -> Vec<Step> {
        let end = Check::of(verdict.code);
        let step = |check: &Check| {
            let (standing, detail) = match end {
                Some(end) if *check == end && verdict.code != Code::Duplicate => {
                    (Standing::Failed, verdict.message.clone())
                }
                Some(end) if *check > end => (Standing::NotReached, String::new()),
                _ => self.passed(*check, verdict),
            };
            Step { check: *check, standing, detail }
        };
        Check::ALL.iter().map(step).collect()
    }

    /// What was seen in a check that it passed.
    fn passed(&self, check: Check, verdict: &Verdict) -> (Standing, String) {
        let claim = self.claim.as_ref();
        let passed = |detail: String| (Standing::Passed, detail);
        let not_asked = |detail: &str| (Standing::NotAsked, detail.to_owned());
        match check {
            Check::Key => passed(self.name().to_owned()),
            Check::Address | Check::Signature if !self.is_sender_judged => {
                not_asked("a test from here: you are signed in")
            }
            Check::Address if self.has_ranges() => passed(format!("{} is on the list", self.address)),
            Check::Address => not_asked("no address list is set"),
            Check::Readable => passed(self.parameters()),
            Check::Signature if self.is_signed => passed("fits".to_owned()),
            Check::Signature => not_asked(self.unsigned()),
            Check::Replay if self.is_signed => passed("not used before".to_owned()),
            Check::Replay => not_asked("only signed requests are remembered"),
            Check::Macros => passed("all are replaced".to_owned()),
            Check::ClickId => passed(claim.map(|claim| claim.cid.clone()).unwrap_or_default()),
            Check::Status => passed(claim.map(status).unwrap_or_default()),
            Check::Amount => passed(claim.map(amount).unwrap_or_default()),
            Check::Currency => passed(claim.map(|claim| claim.currency.to_string()).unwrap_or_default()),
            Check::Click => passed("stored".to_owned()),
            Check::Offer => passed(format!("the click reached an offer of {}", self.name())),
            Check::Identity if verdict.code == Code::Recorded => passed("a new one".to_owned()),
            Check::Identity => passed(verdict.message.clone()),
            Check::Window if verdict.code == Code::Updated => {
                not_asked("only a new conversion can be too late")
            }
            Check::Window => passed(format!("within {}", self.window())),
            Check::Rate => passed("there is one, or none is needed".to_owned()),
            Check::Move if verdict.code == Code::Updated => passed("allowed".to_owned()),
            Check::Move => not_asked("only a conversion that is there can move"),
        }
    }

    fn name(&self) -> &str {
        self.route.as_ref().map_or("", |route| route.advertiser.name.as_str())
    }

    fn has_ranges(&self) -> bool {
        self.route.as_ref().is_some_and(|route| !route.advertiser.allow_addresses.is_empty())
    }

    fn unsigned(&self) -> &'static str {
        match self.route.as_ref().map(|route| route.advertiser.hmac_mode) {
            Some(HmacMode::Optional) => "none came, and none must",
            _ => "signatures are not looked at",
        }
    }

    fn window(&self) -> String {
        match self.route.as_ref().map_or(0, |route| route.advertiser.window_days) {
            1 => "one day of the click".to_owned(),
            days => format!("{days} days of the click"),
        }
    }

    fn parameters(&self) -> String {
        match self.params.len() {
            0 => "no parameters".to_owned(),
            _ => self.params.join(", "),
        }
    }
}

fn status(claim: &Claim) -> String {
    let event = &claim.event;
    match (&claim.status_word, claim.status) {
        (Some(word), Some(status)) if *word != status.as_str() => {
            format!("`{word}` means {status}; event {event}")
        }
        (_, Some(status)) => format!("{status}; event {event}"),
        (_, None) => format!("none came, which means {}; event {event}", claim.default_status),
    }
}

fn amount(claim: &Claim) -> String {
    let sale = claim.sale_amount.map(|sale| format!(", order value {sale}")).unwrap_or_default();
    match claim.revenue {
        Some(revenue) => format!("{revenue}{sale}"),
        None => format!("none came: the offer says what it earns{sale}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_ends_a_postback_has_its_check() {
        for code in Code::ALL {
            let is_none = matches!(code, Code::Recorded | Code::Updated | Code::RateLimited);
            assert_eq!(Check::of(*code).is_none(), is_none, "{code}");
        }
        for check in Check::ALL {
            assert!(
                Code::ALL.iter().any(|code| Check::of(*code) == Some(*check)),
                "{check} ends with no code"
            );
        }
    }
}
