//! What is unusual about a conversion, in words, and what its sender says of the person beside what the click was.

use crate::db::conversions::NewConversion;
use crate::domain::anomaly::{Anomalies, Anomaly, Unusual};
use crate::domain::click::ClickRecord;
use crate::domain::country::Country;
use crate::domain::device::Device;
use crate::pages::click_story::{fact, group, raw};
use crate::pages::parts::{Fact, FactGroup, Pill, Tone};
use crate::pages::tables::FilterSelect;
use crate::pages::view::choice;
use crate::pages::words::{count, span};

/// In two or three words.
pub(super) const fn label(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::TooFast => "too fast",
        Anomaly::OtherCountry => "other country",
        Anomaly::OtherDevice => "other device",
        Anomaly::SameDeviceId => "same device id",
        Anomaly::ManyFromAddress => "same address",
    }
}

/// In the log there is room for one; of more it says how many.
pub(super) fn mark(anomalies: Anomalies) -> Option<Pill> {
    let mut all = anomalies.iter();
    let first = label(all.next()?);
    let more = all.count();
    let text = if more == 0 { first.to_owned() } else { format!("{first} +{more}") };
    Some(Pill { text, tone: Tone::Warn })
}

/// Each with a mark of its own.
pub(super) fn marks(anomalies: Anomalies) -> impl Iterator<Item = Pill> {
    anomalies.iter().map(|one| Pill { text: label(one).to_owned(), tone: Tone::Warn })
}

/// The choice of what is unusual.
pub(super) fn filter(chosen: Option<Unusual>) -> FilterSelect {
    let mut options =
        vec![choice("", "All", chosen.is_none()), choice("any", "Anything", chosen == Some(Unusual::Any))];
    options.extend(Anomaly::ALL.iter().map(|one| {
        let label = label(*one);
        choice(one.as_str(), label, chosen == Some(Unusual::One(*one)))
    }));
    FilterSelect { name: "anomaly".to_owned(), label: "Unusual".to_owned(), options }
}

/// Why each counts as unusual, in one sentence.
pub(super) fn sentences(value: &NewConversion, click: Option<&ClickRecord>) -> Vec<String> {
    value.anomalies.iter().map(|one| sentence(one, value, click)).collect()
}

fn sentence(anomaly: Anomaly, value: &NewConversion, click: Option<&ClickRecord>) -> String {
    let or_other = |known: Option<String>, other: &str| known.unwrap_or_else(|| other.to_owned());
    match anomaly {
        Anomaly::TooFast => format!(
            "It came {} after its click, sooner than people read a page and fill in a form.",
            span(value.after_ms().max(1))
        ),
        Anomaly::OtherCountry => format!(
            "Who converted was in {}, and who clicked in {}.",
            or_other(value.said.country.map(country), "another country"),
            or_other(click.and_then(|click| click.country).map(country), "another one")
        ),
        Anomaly::OtherDevice => format!(
            "Who converted used {}, and who clicked {}.",
            or_other(value.said.device.map(|held| device(held).to_owned()), "another device"),
            or_other(click.map(|click| device(click.device).to_owned()), "another one")
        ),
        Anomaly::SameDeviceId => {
            "Its device id came with conversions of other clicks within 24 hours: one device converts seldom twice.".to_owned()
        }
        Anomaly::ManyFromAddress => {
            "Many clicks from its visitor's address converted within 24 hours: a household has few, though a mobile \
             carrier puts thousands of people behind one address."
                .to_owned()
        }
    }
}

const fn device(device: Device) -> &'static str {
    match device {
        Device::Mobile => "a phone",
        Device::Tablet => "a tablet",
        Device::Desktop => "a computer",
        Device::Other => "something else",
    }
}

fn country(country: Country) -> String {
    format!("{} ({country})", country.name())
}

/// What is said of the person beside what the click was.
pub(super) fn facts(value: &NewConversion, click: Option<&ClickRecord>) -> FactGroup {
    let said = &value.said;
    let beside = |label: &str, said: Option<String>, clicked: Option<String>| -> Fact {
        let said = said.unwrap_or_else(|| "not said".to_owned());
        match clicked {
            Some(clicked) => fact(label, &format!("{said} · click: {clicked}")),
            None => fact(label, &said),
        }
    };
    let seconds = count(value.after_ms().max(0) / 1_000);
    group(
        "Beside the click",
        vec![
            fact("After the click", &format!("{} ({seconds} s)", span(value.after_ms()))),
            beside("Country", said.country.map(country), click.and_then(|click| click.country).map(country)),
            beside(
                "Device",
                said.device.map(|held| held.as_str().to_owned()),
                click.map(|click| click.device.as_str().to_owned()),
            ),
            beside(
                "Address",
                said.address.map(|address| address.to_string()),
                click.and_then(|click| click.address).map(|address| address.to_string()),
            ),
            raw("Device id", said.device_id.as_deref().unwrap_or("")),
            raw("User agent of the page", said.agent.as_deref().unwrap_or("")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_one_mark_and_says_how_many_more() {
        let mut anomalies = Anomalies::default();
        assert!(mark(anomalies).is_none());
        anomalies.add(Anomaly::OtherCountry);
        assert_eq!(mark(anomalies).unwrap().text, "other country");
        anomalies.add(Anomaly::TooFast);
        assert_eq!(mark(anomalies).unwrap().text, "too fast +1");
        assert_eq!(marks(anomalies).count(), 2);
    }
}
