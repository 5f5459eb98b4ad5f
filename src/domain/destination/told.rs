//! What a destination's texts may say: everything of the click, and what became of it.

use super::super::macros::{Macro, SUBS};
use super::super::status::Status;

macro_rules! told {
    ($($variant:ident $word:literal $sample:literal $doc:literal,)+) => {
        /// A macro of a destination's address or body.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Told {
            $(#[doc = $doc] $variant,)+
            /// A word of one's own for each status; nothing for one that has none.
            StatusAs(Vec<(Status, Box<str>)>),
            /// A parameter of the click's address that was kept.
            Param(Box<str>),
            /// Something of the click.
            Click(Macro),
        }

        impl Told {
            const NAMED: &'static [(&'static str, Self, &'static str, &'static str)] =
                &[$(($word, Self::$variant, $sample, $doc),)+];
        }
    };
}

told! {
    Payout "payout" "5.00" "What the source earns us, or the partner earns: his own word for it.",
    Currency "currency" "USD" "The currency of the amounts: the source's.",
    SaleAmount "sale_amount" "49.90" "The order value.",
    Event "event" "sale" "What happened.",
    Status "status" "approved" "pending, approved, rejected or reversed; {status:approved=1,rejected=0} writes words of your own.",
    Txid "txid" "T-1001" "The advertiser's transaction.",
    ConversionId "conversion_id" "42" "The conversion's number.",
    ConversionTime "conversion_time" "1767229200" "The conversion's time in Unix seconds.",
    ConversionMoment "conversion_moment" "2026-01-01 01:00:00+00:00" "The conversion's time, written out in UTC.",
    ClickTimeMs "click_time_ms" "1767225600000" "The click's time in Unix milliseconds.",
    DeliveryKey "delivery_key" "5f0c1e7a9b3d4c2e8f6a1b0d9c7e5a43" "The same each time this is sent: to tell a repetition by.",
    Revenue "revenue" "5.00" "Our revenue; for ad networks alone.",
    Cost "cost" "0.0125" "What the click cost us; for ad networks alone.",
    Profit "profit" "4.9875" "Revenue less cost; for ad networks alone.",
}

/// Macros of the click that say nothing where no visitor is to be led: its token is a lander's.
const NOT_TOLD: [Macro; 2] = [Macro::ClickToken, Macro::Referrer];

impl Told {
    /// Reads what stands in braces, functions apart.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn parse(inside: &str) -> Result<Self, String> {
        if let Some((_, known, ..)) = Self::NAMED.iter().find(|(word, ..)| *word == inside) {
            return Ok(known.clone());
        }
        if let Some(words) = inside.strip_prefix("status:") {
            return status_words(words).map(Self::StatusAs);
        }
        if let Some(name) = inside.strip_prefix("param:") {
            return Ok(Self::Param(name.into()));
        }
        match Macro::parse(inside).filter(|known| !NOT_TOLD.contains(known)) {
            Some(known) => Ok(Self::Click(known)),
            None => Err(unknown(inside)),
        }
    }

    /// Whether it shows what only we know: revenue, cost or profit.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Revenue | Self::Cost | Self::Profit)
    }

    /// Whether it is an amount of money.
    #[must_use]
    pub const fn is_money(&self) -> bool {
        matches!(self, Self::Payout | Self::SaleAmount | Self::Revenue | Self::Cost | Self::Profit)
    }

    /// A value to show in a sample.
    #[must_use]
    pub fn sample(&self) -> String {
        match self {
            Self::StatusAs(words) => words.first().map_or_else(String::new, |(_, word)| word.to_string()),
            Self::Param(name) => format!("{name}-value"),
            Self::Click(known) => known.sample(),
            named => Self::NAMED
                .iter()
                .find(|(_, known, ..)| known == named)
                .map_or_else(String::new, |(_, _, sample, _)| (*sample).to_owned()),
        }
    }

    /// Every name with what it is, those of the click included, for the help beside a form.
    pub fn help() -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = Self::NAMED.iter().map(|(word, _, _, doc)| (*word, *doc));
        let is_told = |word: &&'static str| {
            !Self::NAMED.iter().any(|(own, ..)| own == word)
                && Macro::parse(word).is_some_and(|known| !NOT_TOLD.contains(&known))
        };
        own.chain(Macro::help().filter(move |(word, _)| is_told(word)))
    }
}

/// Reads `approved=1,rejected=0`.
fn status_words(text: &str) -> Result<Vec<(Status, Box<str>)>, String> {
    let mut words: Vec<(Status, Box<str>)> = Vec::new();
    for pair in text.split(',') {
        let read = pair.split_once('=').and_then(|(status, word)| Some((Status::parse(status)?, word)));
        let Some((status, word)) = read else {
            return Err(format!(
                "{pair:?} in {{status:{text}}} is no status with its word: write {{status:approved=1,rejected=0}} with {}",
                Status::choices()
            ));
        };
        if words.iter().any(|(known, _)| *known == status) {
            return Err(format!("{} has two words in {{status:{text}}}", status.as_str()));
        }
        words.push((status, word.into()));
    }
    Ok(words)
}

fn unknown(inside: &str) -> String {
    if inside == "referrer" || inside == "click_token" {
        return format!("{{{inside}}} is known while the visitor is led on, not afterwards");
    }
    let closest = Told::NAMED
        .iter()
        .map(|(word, ..)| *word)
        .find(|word| word.replace('_', "") == inside.replace('_', ""));
    let other_name = match inside {
        "amount" | "sum" => Some("payout"),
        "goal" | "event_type" | "type" => Some("event"),
        "transaction_id" | "order_id" | "orderid" => Some("txid"),
        _ => None,
    };
    let near = closest.or(other_name).map(str::to_owned).or_else(|| Macro::nearest(inside).map(Macro::word));
    match near {
        Some(near) => format!("There is no macro {{{inside}}}: did you mean {{{near}}}?"),
        None => format!("There is no macro {{{inside}}}. Sub values are {{sub1}} to {{sub{SUBS}}}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_the_money_comes_first() {
        for (word, known, ..) in Told::NAMED {
            assert_eq!(Told::parse(word).as_ref(), Ok(known));
        }
        assert_eq!(Told::parse("external_id"), Ok(Told::Click(Macro::ExternalId)));
        // The click's own words for money mean something else in an offer's address.
        assert_eq!(Told::parse("payout"), Ok(Told::Payout));
        assert_eq!(Told::parse("param:fbclid"), Ok(Told::Param("fbclid".into())));
    }

    #[test]
    fn a_status_has_the_word_that_it_was_given() {
        let Ok(Told::StatusAs(words)) = Told::parse("status:approved=1,rejected=") else { panic!() };
        assert_eq!(words, [(Status::Approved, "1".into()), (Status::Rejected, "".into())]);
        for bad in ["status:", "status:yes=1", "status:approved", "status:approved=1,approved=2"] {
            assert!(Told::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_guessed() {
        assert!(Told::parse("amount").unwrap_err().contains("{payout}"));
        assert!(Told::parse("conversionid").unwrap_err().contains("{conversion_id}"));
        assert!(Told::parse("clickid").unwrap_err().contains("{click_id}"));
        assert!(Told::parse("referrer").unwrap_err().contains("afterwards"));
    }
}
