//! What is unusual about a conversion. It is shown, and moves no money, no status and no count.

use super::country::Country;
use super::device::Device;
use super::words::word_enum;
use std::net::IpAddr;
use std::ops::RangeInclusive;

word_enum! {
    /// Something unusual about a conversion.
    pub enum Anomaly {
        /// It came sooner after its click than people act.
        TooFast => "too_fast",
        /// Who converted was in another country than who clicked.
        OtherCountry => "other_country",
        /// Who converted held another kind of device than who clicked.
        OtherDevice => "other_device",
        /// Its device id came with conversions of other clicks too.
        SameDeviceId => "same_device_id",
        /// Many clicks from its visitor's address converted.
        ManyFromAddress => "many_from_address",
    }
}

impl Anomaly {
    /// Its bit in a set. The bits are kept in the database: none of them ever changes.
    #[must_use]
    pub const fn bit(self) -> i64 {
        match self {
            Self::TooFast => 1,
            Self::OtherCountry => 2,
            Self::OtherDevice => 4,
            Self::SameDeviceId => 8,
            Self::ManyFromAddress => 16,
        }
    }
}

/// What is unusual about one conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies(i64);

impl Anomalies {
    /// The set as it is kept; bits that mean nothing stay out.
    #[must_use]
    pub fn from_bits(bits: i64) -> Self {
        Self(bits & Anomaly::ALL.iter().fold(0, |all, one| all | one.bit()))
    }

    /// The set as it is kept.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// Adds one.
    pub const fn add(&mut self, anomaly: Anomaly) {
        self.0 |= anomaly.bit();
    }

    /// What either of two sets has.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one is in it.
    #[must_use]
    pub const fn has(self, anomaly: Anomaly) -> bool {
        self.0 & anomaly.bit() != 0
    }

    /// All that are in it, in their order.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |one| self.has(*one))
    }
}

/// Which conversions a log shows by what is unusual about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusual {
    /// Those with anything unusual.
    Any,
    /// Those with this.
    One(Anomaly),
}

impl Unusual {
    /// Reads `any`, or the word of one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word == "any" { Some(Self::Any) } else { Anomaly::parse(word).map(Self::One) }
    }

    /// The words a user may choose from.
    #[must_use]
    pub fn choices() -> String {
        format!("any, {}", Anomaly::choices())
    }
}

/// What the sender of a conversion says of the person who converted. For what a page reports, what its own request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The person's address.
    pub address: Option<IpAddr>,
    /// The person's country, else that of the address.
    pub country: Option<Country>,
    /// What the person held: a phone, a tablet or a computer.
    pub device: Option<Device>,
    /// The sender's id of that device.
    pub device_id: Option<String>,
    /// The agent of a page's report.
    pub agent: Option<String>,
}

impl Said {
    /// The same with what an earlier report said where this one says nothing.
    #[must_use]
    pub fn or(self, earlier: Self) -> Self {
        Self {
            address: self.address.or(earlier.address),
            country: self.country.or(earlier.country),
            device: self.device.or(earlier.device),
            device_id: self.device_id.or(earlier.device_id),
            agent: self.agent.or(earlier.agent),
        }
    }
}

/// The longest time that a conversion may be too soon within, in seconds: an hour.
pub const FAST_SECONDS: RangeInclusive<i64> = 0..=3_600;

/// How many clicks may be too many for one device id or one address. As many conversions of each are compared: more would
/// make a flood costly.
pub const CLICKS: RangeInclusive<i64> = 0..=100;

/// What is held to be unusual. Zero or `false` is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyRules {
    /// Sooner after the click than so many seconds.
    pub fast_seconds: i64,
    /// Another country than the click's.
    pub other_country: bool,
    /// Another kind of device than the click's.
    pub other_device: bool,
    /// One device id with conversions of so many clicks within a day.
    pub device_clicks: i64,
    /// One address with so many clicks that converted within a day.
    pub address_clicks: i64,
}

impl Default for AnomalyRules {
    /// Five seconds are less than a form takes; one device is one person's; ten conversions in a day are more than a
    /// household makes.
    fn default() -> Self {
        Self {
            fast_seconds: 5,
            other_country: true,
            other_device: true,
            device_clicks: 2,
            address_clicks: 10,
        }
    }
}

/// A conversion's click, as far as it is held against what the sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clicked {
    /// From the click to the conversion, in milliseconds; `None` where nobody knows it to the second.
    pub after_ms: Option<i64>,
    /// The click's country.
    pub country: Option<Country>,
    /// What its visitor held.
    pub device: Device,
}

impl AnomalyRules {
    /// What is unusual about a conversion by itself, without a look at others.
    #[must_use]
    pub fn judge(&self, clicked: &Clicked, said: &Said) -> Anomalies {
        let mut found = Anomalies::default();
        if clicked.after_ms.is_some_and(|after_ms| after_ms < self.fast_seconds.saturating_mul(1_000)) {
            found.add(Anomaly::TooFast);
        }
        let is_elsewhere = said.country.zip(clicked.country).is_some_and(|(said, clicked)| said != clicked);
        if self.other_country && is_elsewhere {
            found.add(Anomaly::OtherCountry);
        }
        let kinds = said.device.and_then(is_in_hand).zip(is_in_hand(clicked.device));
        if self.other_device && kinds.is_some_and(|(said, clicked)| said != clicked) {
            found.add(Anomaly::OtherDevice);
        }
        found
    }
}

/// Whether a device is held in the hand. Senders and agents alike take tablets for phones, so these two are not told apart.
const fn is_in_hand(device: Device) -> Option<bool> {
    match device {
        Device::Mobile | Device::Tablet => Some(true),
        Device::Desktop => Some(false),
        Device::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clicked(after_ms: i64) -> Clicked {
        Clicked { after_ms: Some(after_ms), country: Country::parse("DE"), device: Device::Mobile }
    }

    fn words(found: Anomalies) -> Vec<&'static str> {
        found.iter().map(Anomaly::as_str).collect()
    }

    #[test]
    fn a_set_is_kept_as_bits_and_read_back() {
        let mut all = Anomalies::default();
        for one in Anomaly::ALL {
            assert!(!all.has(*one), "{one} has a bit of its own");
            all.add(*one);
        }
        assert_eq!(Anomalies::from_bits(all.bits()), all);
        assert_eq!(Anomalies::from_bits(-1), all, "bits of a later version are left out");
        assert_eq!(all.iter().count(), Anomaly::ALL.len());
    }

    #[test]
    fn what_differs_from_the_click_is_unusual_and_what_is_unknown_is_not() {
        let rules = AnomalyRules::default();
        assert_eq!(words(rules.judge(&clicked(4_999), &Said::default())), ["too_fast"]);
        assert_eq!(words(rules.judge(&clicked(5_000), &Said::default())), [""; 0]);
        let said = Said { country: Country::parse("BR"), device: Some(Device::Desktop), ..Said::default() };
        assert_eq!(words(rules.judge(&clicked(9_000), &said)), ["other_country", "other_device"]);
        let same = Said { country: Country::parse("DE"), device: Some(Device::Tablet), ..Said::default() };
        assert_eq!(words(rules.judge(&clicked(9_000), &same)), [""; 0], "a tablet may be called a phone");
        let unknown = Clicked { after_ms: None, country: None, device: Device::Other };
        assert_eq!(words(rules.judge(&unknown, &said)), [""; 0]);
    }

    #[test]
    fn what_is_off_is_never_unusual() {
        let off = AnomalyRules {
            fast_seconds: 0,
            other_country: false,
            other_device: false,
            device_clicks: 0,
            address_clicks: 0,
        };
        let said = Said { country: Country::parse("BR"), device: Some(Device::Desktop), ..Said::default() };
        assert_eq!(words(off.judge(&clicked(0), &said)), [""; 0]);
    }
}
