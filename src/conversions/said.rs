//! What a postback says of the person who converted, to be held against the click. None of it is ever a reason to refuse:
//! what cannot be read was not said.

use super::macros_seen::looks_like_macro;
use super::record::Group;
use super::request::Incoming;
use crate::db::clicks::ClickFacts;
use crate::domain::Device;
use crate::domain::anomaly::{Anomalies, Clicked, Said};
use crate::domain::country::Country;
use crate::domain::origin::Origin;
use crate::visitor::agent;
use std::net::{IpAddr, SocketAddr};

/// Our names of it with those that networks use.
const ADDRESS: &[&str] = &["ip", "user_ip"];
const COUNTRY: &[&str] = &["country", "country_code"];
const DEVICE: &[&str] = &["device", "device_type"];
const DEVICE_ID: &[&str] = &["device_id", "idfa", "gaid"];

/// Characters of a device id: real ones have 36 or, hashed, up to 128. A longer one is left out, since cut ones could be alike.
const DEVICE_ID_CHARS_MAX: usize = 128;

/// Characters of a page's agent that are kept, to be shown.
const AGENT_CHARS_MAX: usize = 255;

/// Words for what people hold.
const DEVICES: [(&[&str], Device); 3] = [
    (&["mobile", "phone", "smartphone", "mobile phone", "handset"], Device::Mobile),
    (&["tablet", "pad", "ipad"], Device::Tablet),
    (&["desktop", "pc", "computer", "laptop", "notebook", "web"], Device::Desktop),
];

/// Reads it. `find` gives the value of one of our parameters under the first of its names that came.
pub(super) fn read<'a>(find: impl Fn(&'static str, &'static [&'static str]) -> Option<&'a str>) -> Said {
    let value = |ours, names| find(ours, names).filter(|value| !looks_like_macro(value));
    Said {
        address: value("ip", ADDRESS).and_then(read_address),
        country: value("country", COUNTRY).and_then(Country::parse),
        device: value("device", DEVICE).and_then(read_device),
        device_id: value("device_id", DEVICE_ID).and_then(read_device_id),
        agent: None,
    }
}

/// What a page's report says by its own request: it is the person's browser that sends it.
pub(super) fn of_report(incoming: &Incoming) -> Said {
    let kept = |text: &String| text.chars().filter(|c| *c != '\0').take(AGENT_CHARS_MAX).collect();
    Said {
        address: incoming.address.parse().ok(),
        device: incoming.agent.as_deref().map(|text| agent::of(text).device),
        agent: incoming.agent.as_ref().map(kept),
        ..Said::default()
    }
}

/// An address, without a port and without the proxies that stand after it.
fn read_address(text: &str) -> Option<IpAddr> {
    let first = text.split(',').next().unwrap_or_default().trim();
    let bare = first.parse().ok();
    bare.or_else(|| first.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
}

fn read_device(text: &str) -> Option<Device> {
    let word = text.to_lowercase();
    DEVICES.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, device)| *device)
}

/// An id in small letters: one sender writes them so, another not. What consists of zeros alone stands for none, as phones
/// give it out whose owner forbids it.
fn read_device_id(text: &str) -> Option<String> {
    let is_one = text.chars().any(|c| c.is_alphanumeric() && c != '0');
    (is_one && text.chars().count() <= DEVICE_ID_CHARS_MAX).then(|| text.to_lowercase())
}

impl Group<'_> {
    /// What is said of the person, the country by the address where it is not said.
    pub(super) fn located(&self, said: &Said) -> Said {
        let by_address = || said.address.and_then(|address| self.catalog.places.place(address).country);
        Said { country: said.country.or_else(by_address), ..said.clone() }
    }

    /// What is unusual about a conversion by itself. A test is nobody's, and has nothing unusual.
    pub(super) fn anomalies(
        &self,
        click: &ClickFacts,
        said: &Said,
        (origin, converted_at_ms, is_test): (Origin, i64, bool),
    ) -> Anomalies {
        if is_test {
            return Anomalies::default();
        }
        // Files and people give minutes or days, and clicks of the tracker before came by a file themselves.
        let is_exact = matches!(origin, Origin::Postback | Origin::Pixel)
            && !self.foreign.values().any(|foreign| *foreign == click.id);
        let after_ms = converted_at_ms.saturating_sub(click.clicked_at_ms);
        let clicked =
            Clicked { after_ms: is_exact.then_some(after_ms), country: click.country, device: click.device };
        self.catalog.anomalies.judge(&clicked, said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_one(name: &'static str, value: &str) -> Said {
        read(|_, names| names.contains(&name).then_some(value))
    }

    #[test]
    fn what_is_said_is_read_in_its_usual_forms() {
        for text in ["203.0.113.7", "203.0.113.7:443", "203.0.113.7, 10.0.0.1"] {
            assert_eq!(read_one("ip", text).address, Some(IpAddr::from([203, 0, 113, 7])), "{text}");
        }
        assert_eq!(read_one("user_ip", "[2001:db8::1]:80").address, "2001:db8::1".parse().ok());
        assert_eq!(read_one("country_code", "br").country, Country::parse("BR"));
        assert_eq!(read_one("device", "Smartphone").device, Some(Device::Mobile));
        assert_eq!(read_one("device_type", "PC").device, Some(Device::Desktop));
        assert_eq!(read_one("idfa", "6D92078A-8246").device_id.as_deref(), Some("6d92078a-8246"));
    }

    #[test]
    fn what_means_nothing_was_not_said() {
        for name in ["ip", "country", "device", "device_id"] {
            for text in ["{ip}", "[country]", "", "\u{fffd}"] {
                assert_eq!(read_one(name, text), Said::default(), "{name}={text}");
            }
        }
        assert_eq!(read_one("idfa", "00000000-0000-0000-0000-000000000000"), Said::default());
        assert_eq!(read_one("device_id", &"a".repeat(129)), Said::default());
        assert_eq!(read_one("country", "Germania"), Said::default());
        assert_eq!(read_one("device", "toaster"), Said::default());
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_keeps_no_long_text(value in "\\PC{0,300}") {
            let said = read(|_, _| Some(&value));
            prop_assert!(said.device_id.is_none_or(|id| id.chars().count() <= 3 * DEVICE_ID_CHARS_MAX));
        }
    }
}
