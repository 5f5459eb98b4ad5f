//! How a destination takes what it is told, as its page and the dashboard show it.

use crate::db::delivery_health::States;
use crate::domain::delivery::DeliveryState;
use crate::pages::advertisers::{BarPiece, HealthRow, bar};
use crate::pages::click_story::{fact, link};
use crate::pages::dashboard::Attention;
use crate::pages::deliveries::Clock;
use crate::pages::parts::{Fact, Piece, Pill, Tone};
use crate::pages::tables::Dot;
use crate::pages::words::{ago, count, counted, percent, span};
use crate::reports::{DestinationAlert, DestinationAlertKind, DestinationHealth, share_sent};

/// Alerts that stand on the dashboard; each destination's page says the same.
const ALERTS_MAX: usize = 4;

/// How a destination takes what it is told.
#[derive(Debug, Clone, Default)]
pub struct HealthCard {
    /// The last day and the last seven.
    pub rows: Vec<HealthRow>,
    /// Share sent, durations, the last success and the last failure.
    pub facts: Vec<Fact>,
}

/// The card.
pub(super) fn draw(health: &DestinationHealth, clock: Clock) -> HealthCard {
    let share = |states: &States| percent(share_sent(states), 1);
    let time = |ms: Option<i64>| ms.map(|ms| clock.at(ms)).unwrap_or_default();
    let took = |ms: Option<i64>| ms.map(span).unwrap_or_default();
    let failed = match &health.last_failed {
        Some(failed) => link(
            "Last failure",
            &format!("{}: {}", clock.at(failed.at_ms), failed.error),
            &format!("/deliveries/{}", failed.delivery_id),
        ),
        None => fact("Last failure", ""),
    };
    HealthCard {
        rows: vec![row("Last 24 hours", &health.day), row("Last 7 days", &health.week)],
        facts: vec![
            fact("Sent, of what ended in 24 h", &share(&health.day)),
            fact("Sent, of what ended in 7 days", &share(&health.week)),
            fact("Median duration, 24 h", &took(health.durations.map(|took| took.median_ms))),
            fact("Slowest, 24 h", &took(health.durations.map(|took| took.slowest_ms))),
            fact("Last success", &time(health.last_taken_ms)),
            failed,
        ],
    }
}

fn row(label: &'static str, states: &States) -> HealthRow {
    let all = [
        (DeliveryState::Sent, Tone::Gain),
        (DeliveryState::Skipped, Tone::Quiet),
        (DeliveryState::Due, Tone::Warn),
        (DeliveryState::Failed, Tone::Loss),
    ];
    let parts: Vec<(i64, DeliveryState, Tone)> = all
        .into_iter()
        .map(|(state, tone)| (states.get(&state).copied().unwrap_or(0), state, tone))
        .filter(|(count, ..)| *count > 0)
        .collect();
    let pieces: Vec<(i64, Tone)> = parts.iter().map(|(count, _, tone)| (*count, *tone)).collect();
    let bar: Vec<BarPiece> = bar(&pieces);
    let counts: Vec<Pill> = parts
        .iter()
        .map(|(n, state, tone)| Pill { text: format!("{} {state}", count(*n)), tone: *tone })
        .collect();
    let words: Vec<&str> = counts.iter().map(|pill| pill.text.as_str()).collect();
    let words = if words.is_empty() { "nothing was told".to_owned() } else { words.join(", ") };
    HealthRow { label, words, bar, counts }
}

/// What somebody should look at, on the dashboard.
pub(in crate::pages) fn attention(now_ms: i64, alerts: &[DestinationAlert]) -> Vec<Attention> {
    alerts.iter().take(ALERTS_MAX).map(|alert| item(alert, now_ms)).collect()
}

fn item(alert: &DestinationAlert, now_ms: i64) -> Attention {
    let name = &alert.destination;
    let (dot, title, text, since) = match &alert.kind {
        DestinationAlertKind::Failing { count, last } => {
            let why = last.as_ref().map(|last| last.error.as_str()).unwrap_or_default();
            (
                Dot::Bad,
                format!("{name} takes nothing"),
                format!(
                    "{} in the last hour failed, the last one so: {why}. Send a test on its page, which says what to do.",
                    if *count == 1 {
                        "The only attempt".to_owned()
                    } else {
                        format!("All {} attempts", self::count(*count))
                    }
                ),
                last.as_ref().map(|last| ago(now_ms - last.at_ms)).unwrap_or_default(),
            )
        }
        DestinationAlertKind::Slow { count, slow } => (
            Dot::Warn,
            format!("{name} is slow"),
            format!(
                "{} of {} in the last hour took more than 3 seconds: what waits for it comes late there.",
                self::count(*slow),
                counted(*count, "attempt", "attempts")
            ),
            String::new(),
        ),
    };
    Attention {
        dot,
        title,
        href: format!("/destinations/{}", alert.destination_id),
        text: vec![Piece { text, is_marked: false }],
        ago: since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::delivery_health::Failed;

    #[test]
    fn an_alert_says_what_happened_and_where_to_look() {
        let alert = |kind| DestinationAlert { destination_id: 7, destination: "Push".to_owned(), kind };
        let last =
            Failed { at_ms: 0, delivery_id: 1, code: None, error: "It was answered by 500".to_owned() };
        let kinds = [
            DestinationAlertKind::Failing { count: 1, last: Some(last) },
            DestinationAlertKind::Slow { count: 1_200, slow: 700 },
        ];
        let items = attention(240_000, &kinds.map(alert));
        let said: Vec<(&str, &str)> =
            items.iter().map(|item| (item.text[0].text.as_str(), item.ago.as_str())).collect();
        assert!(said[0].0.starts_with(
            "The only attempt in the last hour failed, the last one so: It was answered by 500."
        ));
        assert_eq!(said[0].1, "4 min");
        assert!(said[1].0.starts_with("700 of 1,200 attempts"));
        assert!(items.iter().all(|item| item.href == "/destinations/7"));
    }

    #[test]
    fn an_idle_destination_has_an_empty_bar() {
        let idle = row("Last 24 hours", &States::new());
        assert!(idle.bar.is_empty() && idle.words == "nothing was told");
        let busy = row("", &States::from([(DeliveryState::Sent, 3), (DeliveryState::Failed, 1)]));
        assert_eq!(busy.words, "3 sent, 1 failed");
        assert_eq!(busy.bar.iter().map(|piece| piece.width).sum::<i64>(), 1_000);
    }
}
