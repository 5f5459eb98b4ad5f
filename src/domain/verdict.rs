//! The verdict on a postback: a closed set of codes, each with its result (PRODUCT section 4).

use super::words::word_enum;

word_enum! {
    /// What became of a postback, in one word.
    pub enum PostbackResult {
        /// It made or changed a conversion.
        Accepted => "accepted",
        /// Its conversion was there already, as it says.
        Duplicate => "duplicate",
        /// Kept until what is missing appears.
        Parked => "parked",
        /// Not counted; the message says what to change.
        Refused => "refused",
    }
}

word_enum! {
    /// Why, in one word.
    pub enum Code {
        /// A new conversion.
        Recorded => "recorded",
        /// The same conversion with a new status or amount.
        Updated => "updated",
        /// Nothing new.
        Duplicate => "duplicate",
        /// A well-formed click id that is not stored (yet).
        ParkedUnknownClick => "parked_unknown_click",
        /// A click id that is not ours in form.
        ParkedForeignClick => "parked_foreign_click",
        /// A new conversion older than the advertiser's window.
        ParkedOutsideWindow => "parked_outside_window",
        /// The click reached no offer of this advertiser.
        ParkedWrongOffer => "parked_wrong_offer",
        /// A status without txid where several conversions fit.
        ParkedAmbiguous => "parked_ambiguous",
        /// No exchange rate for its currency yet.
        ParkedNoRate => "parked_no_rate",
        /// A literal macro arrived.
        UnresolvedMacro => "unresolved_macro",
        /// The request cannot be read.
        Unreadable => "unreadable",
        /// No click id came.
        MissingClickId => "missing_click_id",
        /// The amount is not an amount.
        MalformedRevenue => "malformed_revenue",
        /// The currency is not a currency.
        UnknownCurrency => "unknown_currency",
        /// The status word is not known for this advertiser.
        UnknownStatus => "unknown_status",
        /// No status came where this advertiser must send one.
        MissingStatus => "missing_status",
        /// A page's report of a click that reached no offer of an advertiser whose pixel is on.
        PixelOff => "pixel_off",
        /// A move this advertiser does not allow.
        TransitionRefused => "transition_refused",
        /// The key in the address belongs to nobody.
        BadKey => "bad_key",
        /// It came from an address that the advertiser does not send from.
        AddressNotAllowed => "address_not_allowed",
        /// The signature is not that of these parameters, or none came where one must.
        BadSignature => "bad_signature",
        /// The signature was made too long ago, or for a time to come.
        ExpiredSignature => "expired_signature",
        /// A nonce came again with other content.
        Replayed => "replayed",
        /// Too many refusals from there; counted, not stored.
        RateLimited => "rate_limited",
    }
}

impl Code {
    /// The result it belongs to.
    #[must_use]
    pub const fn result(self) -> PostbackResult {
        match self {
            Self::Recorded | Self::Updated => PostbackResult::Accepted,
            Self::Duplicate => PostbackResult::Duplicate,
            Self::ParkedUnknownClick
            | Self::ParkedForeignClick
            | Self::ParkedOutsideWindow
            | Self::ParkedWrongOffer
            | Self::ParkedAmbiguous
            | Self::ParkedNoRate => PostbackResult::Parked,
            _ => PostbackResult::Refused,
        }
    }

    /// Refused for who sent it, not for what it says: a flood of these is counted, not stored.
    #[must_use]
    pub const fn is_security(self) -> bool {
        matches!(
            self,
            Self::BadKey
                | Self::AddressNotAllowed
                | Self::BadSignature
                | Self::ExpiredSignature
                | Self::Replayed
        )
    }

    /// The HTTP status of strict answers, for senders that read nothing else: 422 for a value that must be mended, 409 for
    /// a move that is not allowed, 403 for what may not be sent at all. Parked ones are kept and may still count, so that
    /// they are answered 200, as what was accepted and as duplicates are.
    #[must_use]
    pub const fn strict_http_status(self) -> u16 {
        match self {
            Self::UnresolvedMacro
            | Self::MissingClickId
            | Self::MalformedRevenue
            | Self::UnknownCurrency
            | Self::UnknownStatus
            | Self::MissingStatus => 422,
            Self::TransitionRefused => 409,
            Self::PixelOff => 403,
            _ => self.http_status(),
        }
    }

    /// The HTTP status of the standard answers: 200 for every business verdict, so that no network
    /// retries for ever or switches the postback off.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::BadSignature | Self::ExpiredSignature => 401,
            Self::BadKey | Self::AddressNotAllowed | Self::Replayed => 403,
            Self::RateLimited => 429,
            _ => 200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_answers_tell_every_refusal_by_its_status() {
        for code in Code::ALL {
            let is_refused = code.result() == PostbackResult::Refused;
            assert_eq!((400..500).contains(&code.strict_http_status()), is_refused, "{code}");
            assert!(matches!(code.http_status(), 200 | 400 | 401 | 403 | 429), "{code}");
        }
    }
}
