//! Of which conversions a destination is told, in words.

use crate::domain::destination::{Destination, Fire};
use crate::pages::log::Names;

/// Whose conversions: "source Push house, offer Shop"; "all" where nothing is asked for.
pub(super) fn scope(names: &Names, one: &Destination) -> String {
    let named =
        |kind: &str, name: String| if name.is_empty() { None } else { Some(format!("{kind} {name}")) };
    let campaign = one.campaign_id.map(|id| names.campaign(id)).unwrap_or_default();
    let parts = [
        named("source", names.source(one.source_id)),
        named("campaign", campaign),
        named("offer", names.offer(one.offer_id)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
}

/// Which of them: "approved or pending · sale"; empty where every one is.
pub(super) fn occasions(one: &Destination) -> String {
    let statuses: Vec<&str> = one.statuses.iter().map(|status| status.as_str()).collect();
    let parts = [statuses.join(" or "), one.events.join(" or ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The whole in a sentence or two.
pub(super) fn sentence(names: &Names, one: &Destination) -> String {
    let statuses: Vec<&str> = one.statuses.iter().map(|status| status.as_str()).collect();
    let kind = if one.is_test { "test conversions" } else { "conversions" };
    let which = if statuses.is_empty() { "all".to_owned() } else { statuses.join(" or ") };
    let mut text = format!("Told of {which} {kind}");
    if !one.is_global() {
        text.push_str(&format!(" of {}", scope(names, one)));
    }
    if !one.events.is_empty() {
        text.push_str(&format!(" with the event {}", one.events.join(" or ")));
    }
    text.push_str(match (one.fire, statuses.is_empty()) {
        (Fire::Once, true) => ", once each: when one comes",
        (Fire::Once, false) => ", once each: at the first of these statuses",
        (Fire::EachChange, _) => ", at each change of status or amount",
    });
    if one.delay_seconds > 0 {
        text.push_str(&format!(", {} s after", one.delay_seconds));
    }
    text.push('.');
    if one.replaces_global {
        text.push_str(" Where it is told, the destinations for all are not.");
    } else if one.is_global() {
        text.push_str(" A destination of a source, campaign or offer may take its place.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::Status;

    #[test]
    fn whom_it_is_told_of_is_one_sentence() {
        let names = Names::default();
        let all = Destination::default();
        assert_eq!(
            sentence(&names, &all),
            "Told of all conversions, once each: when one comes. A destination of a source, campaign or offer may take its \
             place."
        );
        assert_eq!((scope(&names, &all), occasions(&all)), ("all".to_owned(), String::new()));
        let some = Destination {
            source_id: Some(3),
            offer_id: Some(4),
            replaces_global: true,
            fire: Fire::EachChange,
            events: vec!["deposit".to_owned()],
            statuses: vec![Status::Approved, Status::Pending],
            delay_seconds: 30,
            ..all
        };
        assert_eq!(
            sentence(&names, &some),
            "Told of approved or pending conversions of source Source 3, offer Offer 4 with the event deposit, at each \
             change of status or amount, 30 s after. Where it is told, the destinations for all are not."
        );
        assert_eq!(occasions(&some), "approved or pending · deposit");
    }
}
