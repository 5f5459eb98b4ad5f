//! The macros that a template may hold (PRODUCT section 3), with their names and sample values.

/// The number of sub values of a click.
pub const SUBS: u8 = 20;

macro_rules! macros {
    ($($variant:ident $word:literal $sample:literal $doc:literal,)+) => {
        /// One macro.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Macro {
            $(#[doc = $doc] $variant,)+
            /// The sub value of a slot, 1 to 20.
            Sub(u8),
        }

        impl Macro {
            const NAMED: &'static [(&'static str, Self, &'static str, &'static str)] =
                &[$(($word, Self::$variant, $sample, $doc),)+];
        }
    };
}

macros! {
    ClickId "click_id" "01jcz7m3v8k4n9q2r5t6w7x8y9" "The click id, 26 characters.",
    ExternalId "external_id" "ext-8f3a2c" "The source's own click id.",
    CampaignId "campaign_id" "12" "The campaign's number.",
    CampaignName "campaign_name" "Push DE" "The campaign's name.",
    OfferId "offer_id" "7" "The offer's number.",
    OfferName "offer_name" "Shop DE" "The offer's name.",
    LanderId "lander_id" "3" "The lander's number.",
    LanderName "lander_name" "Quiz v3" "The lander's name.",
    PathId "path_id" "21" "The path's number.",
    SourceId "source_id" "2" "The source's number.",
    SourceName "source_name" "Push network" "The source's name.",
    Cost "cost" "0.0125" "What the click cost, in the account currency.",
    Payout "payout" "5.00" "The offer's revenue: the receiver calls it payout.",
    Currency "currency" "USD" "The offer's currency.",
    Country "country" "DE" "The visitor's country, two letters.",
    Region "region" "Berlin" "The visitor's region.",
    City "city" "Berlin" "The visitor's city.",
    Isp "isp" "Example Telecom" "The visitor's network.",
    Asn "asn" "64500" "The visitor's network number.",
    Connection "connection" "mobile" "The kind of connection.",
    Device "device" "mobile" "mobile, tablet, desktop or other.",
    Brand "brand" "Samsung" "The device's brand.",
    Model "model" "SM-S911B" "The device's model.",
    Os "os" "Android" "The operating system.",
    OsVersion "os_version" "14" "Its version.",
    Browser "browser" "Chrome Mobile" "The browser.",
    BrowserVersion "browser_version" "124.0" "Its version.",
    Language "language" "de" "The visitor's first language.",
    Referrer "referrer" "https://news.example/a" "The page the visitor came from.",
    ReferrerHost "referrer_host" "news.example" "That page's host.",
    TrackingDomain "tracking_domain" "trk.example" "The host the click came to.",
    Ip "ip" "203.0.113.7" "The visitor's address.",
    UserAgent "user_agent" "Mozilla/5.0 (Linux; Android 14)" "The visitor's user agent.",
    Timestamp "timestamp" "1767225600" "The click's time in Unix seconds.",
    Date "date" "2026-01-01" "The click's day in UTC.",
    Random "random" "4815162342" "A random number.",
    ClickToken "click_token" "sealed-token" "The sealed click for a lander's buttons.",
}

impl Macro {
    /// Reads a name; `None` for an unknown one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((_, known, _, _)) = Self::NAMED.iter().find(|(word, ..)| *word == name) {
            return Some(*known);
        }
        let slot: u8 =
            name.strip_prefix("sub").filter(|digits| !digits.starts_with(['0', '+']))?.parse().ok()?;
        (1..=SUBS).contains(&slot).then_some(Self::Sub(slot))
    }

    /// The name.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Sub(slot) => format!("sub{slot}"),
            named => Self::NAMED
                .iter()
                .find(|(_, known, ..)| *known == named)
                .map_or_else(String::new, |(word, ..)| (*word).to_owned()),
        }
    }

    /// A value to show in a sample URL.
    #[must_use]
    pub fn sample(self) -> String {
        match self {
            Self::Sub(slot) => format!("sub{slot}-value"),
            named => Self::NAMED
                .iter()
                .find(|(_, known, ..)| *known == named)
                .map_or_else(String::new, |(_, _, sample, _)| (*sample).to_owned()),
        }
    }

    /// Every named macro with what it is, for the help beside a form.
    pub fn help() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::NAMED.iter().map(|(word, _, _, doc)| (*word, *doc))
    }

    /// The macro that an unknown name most likely means: other trackers' words first, then the
    /// closest spelling.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        let plain: String =
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let by_other_name = match plain.as_str() {
            "cid" | "clickid" | "subid" | "tid" | "transactionid" | "affsub" | "cnvid" => Some(Self::ClickId),
            "externalid" | "refid" => Some(Self::ExternalId),
            "geo" | "countrycode" => Some(Self::Country),
            "bid" | "cpc" | "price" => Some(Self::Cost),
            "ua" | "useragent" => Some(Self::UserAgent),
            "devicetype" => Some(Self::Device),
            "referer" | "ref" => Some(Self::Referrer),
            "carrier" => Some(Self::Isp),
            "ipaddress" => Some(Self::Ip),
            _ => None,
        };
        by_other_name.or_else(|| {
            let distance = |word: &str| edit_distance(&plain, &word.replace('_', ""));
            let (word, best) =
                Self::NAMED.iter().map(|(word, ..)| (*word, distance(word))).min_by_key(|(_, far)| *far)?;
            (best <= 2 && best < plain.len()).then(|| Self::parse(word)).flatten()
        })
    }
}

/// Levenshtein's distance, for short names only.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut corner = i;
        let mut last = i + 1;
        if let Some(first) = row.first_mut() {
            *first = last;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let here = (corner + usize::from(left != right)).min(last + 1).min(*cell + 1);
            corner = *cell;
            *cell = here;
            last = here;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for (word, known, ..) in Macro::NAMED {
            assert_eq!(Macro::parse(word), Some(*known));
        }
        for slot in 1..=SUBS {
            assert_eq!(Macro::parse(&Macro::Sub(slot).word()), Some(Macro::Sub(slot)));
        }
        for bad in ["sub0", "sub21", "sub01", "sub+1", "sub", "SUB1", ""] {
            assert_eq!(Macro::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_guessed() {
        assert_eq!(Macro::nearest("clickid"), Some(Macro::ClickId));
        assert_eq!(Macro::nearest("contry"), Some(Macro::Country));
        assert_eq!(Macro::nearest("browser_versoin"), Some(Macro::BrowserVersion));
        assert_eq!(Macro::nearest("qqqq"), None);
    }
}
