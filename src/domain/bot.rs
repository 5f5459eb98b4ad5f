//! Why a click is held to be a machine's.

use super::words::word_enum;

word_enum! {
    /// Why a click counts as a bot. A closed set: a bot without a reason does not exist.
    pub enum BotReason {
        /// The agent names itself a crawler, a previewer or a program.
        Crawler => "crawler",
        /// No user agent at all.
        EmptyAgent => "empty_agent",
        /// A browser fetched the page ahead, before anybody asked for it.
        Prefetch => "prefetch",
        /// A page was rendered as a picture of itself (a new tab's tile, a link's card).
        Preview => "preview",
        /// A `HEAD` request: nobody reads its answer.
        Head => "head",
        /// The address belongs to a data centre (only where switched on).
        DataCentre => "data_centre",
        /// One address clicked more often than people do (only where switched on).
        TooManyClicks => "too_many_clicks",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in BotReason::ALL {
            assert_eq!(BotReason::parse(reason.as_str()), Some(*reason));
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{reason}\""));
        }
        assert_eq!(BotReason::parse("human"), None);
    }
}
