//! Who a user is.

use super::words::word_enum;

word_enum! {
    /// A user's role (PRODUCT section 7).
    pub enum Role {
        /// Users, domains, settings, health.
        Admin => "admin",
        /// Offers, rates, caps, advertisers, partners.
        Manager => "manager",
        /// Buys traffic: own campaigns.
        Buyer => "buyer",
        /// Sends conversions.
        Advertiser => "advertiser",
        /// Runs offers for a payout.
        Partner => "partner",
    }
}

word_enum! {
    /// What an API token may do.
    pub enum TokenScope {
        /// Look only.
        Read => "read",
        /// Look and change.
        Write => "write",
    }
}
