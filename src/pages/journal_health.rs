//! The journal on the dashboard: one quiet line while all is well, and what needs attention where it is not.

use super::dashboard::Attention;
use super::parts::Piece;
use super::tables::Dot;
use super::words::{ago, count, counted, span};
use crate::clicks::Health;

/// The journal moves on ten times a second: what is older than this waits for something.
const AGE_LONGEST_MS: i64 = 30_000;

/// From how many per cent of its limit on the journal is told of.
const LIMIT_NEAR_PERCENT: u64 = 80;

fn percent_of_limit(health: &Health) -> Option<u64> {
    Some(health.waiting_bytes.saturating_mul(100) / health.bytes_max?.max(1))
}

/// The line below the dashboard.
pub fn line(health: &Health) -> String {
    if health.waiting_bytes == 0 {
        return "Journal: every click is in the database".to_owned();
    }
    format!("Journal: {} waiting, up to {} old", size(health.waiting_bytes), span(health.age_ms))
}

/// What is wrong with the journal, worst first.
pub fn attention(health: &Health, now_ms: i64) -> Vec<Attention> {
    let item = |dot: Dot, title: String, text: &str, since_ms: Option<i64>| Attention {
        dot,
        title,
        href: "/clicks".to_owned(),
        text: vec![Piece { text: text.to_owned(), is_marked: false }],
        ago: since_ms.map(|since| ago(now_ms - since)).unwrap_or_default(),
    };
    let mut found = Vec::new();
    if health.lost > 0 {
        let clicks = counted(i64::try_from(health.lost).unwrap_or(i64::MAX), "click", "clicks");
        let text = "Their visitors were sent on without a click id, so nothing of theirs can be counted: \
                    see whether the data folder's disk is full.";
        found.push(item(Dot::Bad, format!("{clicks} could not be kept"), text, None));
    }
    if let Some(used) = percent_of_limit(health).filter(|used| *used >= LIMIT_NEAR_PERCENT) {
        let text = "At its limit (CLICKLEDGER_JOURNAL_MAX) clicks are not kept any more: look at the database and at \
                    the log, or raise the limit.";
        found.push(item(Dot::Bad, format!("The journal is at {used} % of its limit"), text, None));
    }
    if !health.has_reserve {
        let text = "The journal has no space set aside for a full disk: make room on the data folder's disk.";
        found.push(item(Dot::Bad, "The disk is nearly full".to_owned(), text, None));
    }
    if let Some(since_ms) = health.failing_since_ms {
        let text = "Visitors are sent on and their clicks wait in the journal: look at the database and at the \
                    log. Nothing is lost meanwhile.";
        let title = format!("The database takes no clicks: {} waiting", size(health.waiting_bytes));
        found.push(item(Dot::Bad, title, text, Some(since_ms)));
    } else if health.age_ms > AGE_LONGEST_MS {
        let text = "Clicks come faster than the database takes them; figures lag behind by as much.";
        let title = format!("The journal is {} behind", span(health.age_ms));
        found.push(item(Dot::Warn, title, text, None));
    }
    if health.quarantined > 0 {
        let records = counted(i64::try_from(health.quarantined).unwrap_or(i64::MAX), "record", "records");
        let text = "The database refused them, or they were damaged: they lie in the data folder under \
                    journal/quarantine.";
        found.push(item(Dot::Warn, format!("{records} in quarantine"), text, None));
    }
    found
}

/// Bytes as a person reads them: `12 kB`, `3.4 MB`.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        format!("{}.{}", count(i64::try_from(tenths / 10).unwrap_or(i64::MAX)), tenths % 10)
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Health = Health {
        waiting_bytes: 0,
        bytes_max: None,
        age_ms: 0,
        disk_bytes: 5_000,
        has_reserve: true,
        lost: 0,
        quarantined: 0,
        failing_since_ms: None,
    };

    #[test]
    fn a_journal_that_is_well_needs_no_attention() {
        assert!(attention(&WELL, 0).is_empty());
        assert_eq!(line(&WELL), "Journal: every click is in the database");
        let busy = Health { waiting_bytes: 3_456_789, age_ms: 2_000, ..WELL };
        assert!(attention(&busy, 0).is_empty());
        assert_eq!(line(&busy), "Journal: 3.4 MB waiting, up to 2 s old");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let titles = |health: Health| -> Vec<String> {
            attention(&health, 120_000).into_iter().map(|item| item.title).collect()
        };
        assert_eq!(titles(Health { lost: 1, ..WELL }), ["1 click could not be kept"]);
        assert_eq!(titles(Health { has_reserve: false, ..WELL }), ["The disk is nearly full"]);
        let away = Health { failing_since_ms: Some(60_000), waiting_bytes: 12_345, age_ms: 60_000, ..WELL };
        assert_eq!(titles(away), ["The database takes no clicks: 12 kB waiting"]);
        assert_eq!(titles(Health { age_ms: 90_000, ..WELL }), ["The journal is 1 min 30 s behind"]);
        let near = |waiting_bytes| Health { waiting_bytes, bytes_max: Some(1_000), ..WELL };
        assert_eq!(titles(near(799)), [""; 0]);
        assert_eq!(titles(near(801)), ["The journal is at 80 % of its limit"]);
        assert_eq!(titles(Health { quarantined: 2, ..WELL }), ["2 records in quarantine"]);
    }
}
