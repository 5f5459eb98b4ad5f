//! How an advertiser's postbacks are doing: when the last came, what became of them, and what is unusual about it.

use crate::db::{self, AnyConnection, postback_counts};
use crate::pages::dashboard::Attention;
use crate::pages::desk::Desk;
use crate::pages::parts::{Piece, Pill, Tone};
use crate::pages::tables::Dot;
use crate::pages::words::{ago, count, counted};
use crate::reports::{Alert, AlertKind, DAY_MS, Hours, Verdicts};

/// How far back the page looks for the last postback: a year.
const LAST_SEEN_MS: i64 = 365 * DAY_MS;

/// The width of a bar, in its own units.
const BAR: i64 = 1_000;

/// The least that a piece of a bar has: what is there can be seen.
const PIECE_MIN: i64 = 8;

/// Alerts that stand on the dashboard; each advertiser's page has its own.
const ALERTS_MAX: usize = 4;

/// How an advertiser's postbacks are doing.
#[derive(Debug, Clone, Default)]
pub struct HealthCard {
    /// When the last one came, in words.
    pub last_seen: String,
    /// The last day and the last seven.
    pub rows: Vec<HealthRow>,
}

/// The verdicts of a period.
#[derive(Debug, Clone, Default)]
pub struct HealthRow {
    /// The period in words.
    pub label: &'static str,
    /// What became of the postbacks, in words for those who hear the page.
    pub words: String,
    /// The bar, left to right. Empty where nothing came.
    pub bar: Vec<BarPiece>,
    /// How many of each verdict.
    pub counts: Vec<Pill>,
}

/// A piece of a bar.
#[derive(Debug, Clone, Default)]
pub struct BarPiece {
    /// Where it begins.
    pub x: i64,
    /// How wide it is.
    pub width: i64,
    /// Its colour.
    pub tone: Tone,
}

/// What the card is drawn from.
pub(super) struct Known {
    last_ms: Option<i64>,
    day: Verdicts,
    week: Verdicts,
}

/// Reads it.
pub(super) fn read(
    conn: &mut AnyConnection,
    hours: &Hours,
    id: i64,
    (now_ms, is_test): (i64, bool),
) -> db::Result<Known> {
    // What came in this very millisecond counts too.
    let end_ms = now_ms + 1;
    Ok(Known {
        last_ms: postback_counts::last_between(conn, id, (end_ms - LAST_SEEN_MS, end_ms), is_test)?,
        day: hours.verdicts(conn, id, (end_ms - DAY_MS, end_ms), is_test)?,
        week: hours.verdicts(conn, id, (end_ms - 7 * DAY_MS, end_ms), is_test)?,
    })
}

/// The card as it is shown.
pub(super) fn draw(known: &Known, now_ms: i64) -> HealthCard {
    let last_seen = match known.last_ms.map(|last_ms| ago(now_ms - last_ms)) {
        None => "Nothing came yet.".to_owned(),
        Some(since) if since == "now" => "The last postback came just now.".to_owned(),
        Some(since) => format!("The last postback came {since} ago."),
    };
    let rows = vec![row("Last 24 hours", &known.day), row("Last 7 days", &known.week)];
    HealthCard { last_seen, rows }
}

/// The counts beside "Received": those of the last day.
pub(super) fn counts(known: &Known) -> Vec<Pill> {
    if known.day.total() == 0 {
        return Vec::new();
    }
    let label = Pill { text: "last 24 h:".to_owned(), tone: Tone::Quiet };
    std::iter::once(label).chain(pills(&known.day)).collect()
}

/// Each verdict that there was, with its colour.
fn parts(verdicts: &Verdicts) -> impl Iterator<Item = (i64, &'static str, Tone)> {
    let all = [
        (verdicts.accepted, "accepted", Tone::Gain),
        (verdicts.duplicate, "duplicate", Tone::Quiet),
        (verdicts.parked, "parked", Tone::Warn),
        (verdicts.refused, "refused", Tone::Loss),
    ];
    all.into_iter().filter(|(count, ..)| *count > 0)
}

fn pills(verdicts: &Verdicts) -> Vec<Pill> {
    let pill = |(n, word, tone): (i64, &str, Tone)| Pill { text: format!("{} {word}", count(n)), tone };
    parts(verdicts).map(pill).collect()
}

fn row(label: &'static str, verdicts: &Verdicts) -> HealthRow {
    let pieces: Vec<(i64, Tone)> = parts(verdicts).map(|(count, _, tone)| (count, tone)).collect();
    let counts = pills(verdicts);
    let words: Vec<&str> = counts.iter().map(|pill| pill.text.as_str()).collect();
    let words = if words.is_empty() { "nothing came".to_owned() } else { words.join(", ") };
    HealthRow { label, words, bar: bar(&pieces), counts }
}

/// A bar of pieces, each as wide as its count is of all. None of them is 0.
pub(in crate::pages) fn bar(parts: &[(i64, Tone)]) -> Vec<BarPiece> {
    let total: i64 = parts.iter().map(|(count, _)| count).sum();
    let (mut bar, mut x) = (Vec::new(), 0);
    for (count, tone) in parts {
        let width = (count.saturating_mul(BAR) / total.max(1)).max(PIECE_MIN);
        bar.push(BarPiece { x, width, tone: *tone });
        x += width;
    }
    // Pieces that were made wider to be seen push the others on: the widest gives way.
    let over = x - BAR;
    if let Some(widest) = bar.iter().enumerate().max_by_key(|(_, piece)| piece.width).map(|(at, _)| at) {
        for (at, piece) in bar.iter_mut().enumerate() {
            if at == widest {
                piece.width -= over;
            } else if at > widest {
                piece.x -= over;
            }
        }
    }
    bar
}

/// What somebody should look at, on the dashboard.
pub(in crate::pages) fn attention(desk: &Desk, alerts: &[Alert]) -> Vec<Attention> {
    alerts.iter().take(ALERTS_MAX).map(|alert| item(alert, desk.now_ms)).collect()
}

fn item(alert: &Alert, now_ms: i64) -> Attention {
    let name = &alert.advertiser;
    let (dot, title, text, since) = match alert.kind {
        AlertKind::Silent { last_ms, days } => (
            Dot::Warn,
            format!("{name} has gone silent"),
            format!(
                "Nothing came for {}, after postbacks on {days} of 7 days: look whether the network still has the postback \
                 URL, and whether its offers still run.",
                ago(now_ms - last_ms)
            ),
            ago(now_ms - last_ms),
        ),
        AlertKind::Refusals { hour, week } => (
            Dot::Bad,
            format!("{name}: refusals jumped"),
            format!(
                "{} of {} in the last hour were refused, and {} % in the week before: the log says why.",
                count(hour.refused),
                counted(hour.total(), "postback", "postbacks"),
                week.refused_percent()
            ),
            String::new(),
        ),
    };
    Attention {
        dot,
        title,
        href: format!("/advertisers/{}", alert.advertiser_id),
        text: vec![Piece { text, is_marked: false }],
        ago: since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bar_is_filled_from_end_to_end(counts in prop::array::uniform4(0..2_000_000_i64)) {
            let [accepted, duplicate, parked, refused] = counts;
            let verdicts = Verdicts { accepted, duplicate, parked, refused };
            let row = row("", &verdicts);
            prop_assert_eq!(row.bar.len(), counts.iter().filter(|count| **count > 0).count());
            let mut x = 0;
            for piece in &row.bar {
                prop_assert_eq!(piece.x, x);
                prop_assert!(piece.width >= PIECE_MIN);
                x += piece.width;
            }
            prop_assert!(row.bar.is_empty() || x == BAR, "{x}");
        }
    }

    #[test]
    fn alerts_are_sentences() {
        let silent = AlertKind::Silent { last_ms: 0, days: 6 };
        let jumped = AlertKind::Refusals {
            hour: Verdicts { refused: 30, accepted: 10, ..Verdicts::default() },
            week: Verdicts { refused: 1, accepted: 99, ..Verdicts::default() },
        };
        let said = |kind| {
            let alert = Alert { advertiser_id: 3, advertiser: "CAKE".to_owned(), kind };
            let item = item(&alert, 26 * 3_600_000);
            (item.title, item.text[0].text.clone())
        };
        let (title, text) = said(silent);
        assert_eq!(title, "CAKE has gone silent");
        assert!(text.starts_with("Nothing came for 26 h, after postbacks on 6 of 7 days:"), "{text}");
        let (title, text) = said(jumped);
        assert_eq!(title, "CAKE: refusals jumped");
        assert!(
            text.starts_with("30 of 40 postbacks in the last hour were refused, and 1 % in the week before"),
            "{text}"
        );
    }
}
