//! A delivery as a row: in the log, on its destination's page, on its conversion's.

use crate::db::delivery_log::Delivery;
use crate::domain::delivery::DeliveryState;
use crate::pages::log::Names;
use crate::pages::parts::{Empty, Pill, Tone};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::words::{NONE, moment, shortened};
use crate::reports::TimeZone;

/// Characters of a reason that a row shows; the delivery's page has the whole of it.
const WHY_CHARS_MAX: usize = 160;

/// Whose clock, and what it says now.
#[derive(Clone, Copy, Debug)]
pub(in crate::pages) struct Clock {
    /// The zone.
    pub(in crate::pages) zone: TimeZone,
    /// Now, Unix milliseconds.
    pub(in crate::pages) now_ms: i64,
}

impl Clock {
    /// A moment in words.
    pub(in crate::pages) fn at(self, ms: i64) -> String {
        moment(self.zone, ms, self.now_ms)
    }
}

/// A state's pill.
pub(in crate::pages) fn state_pill(state: DeliveryState) -> Pill {
    let tone = match state {
        DeliveryState::Due => Tone::Warn,
        DeliveryState::Sent => Tone::Gain,
        DeliveryState::Failed => Tone::Loss,
        DeliveryState::Skipped => Tone::Quiet,
    };
    Pill { text: state.as_str().to_owned(), tone }
}

/// What is ahead of a delivery, or why it ended; empty where it was taken.
pub(in crate::pages) fn outlook(clock: Clock, one: &Delivery) -> String {
    let DeliveryState::Due = one.state else {
        return if one.state == DeliveryState::Sent { String::new() } else { one.why().to_owned() };
    };
    let next = match one.next_attempt_at_ms.filter(|next| *next > clock.now_ms) {
        Some(next) => {
            format!("{} attempt {}", if one.attempts == 0 { "first" } else { "next" }, clock.at(next))
        }
        None => "is sent now".to_owned(),
    };
    if one.why().is_empty() { next } else { format!("{}; {next}", one.why()) }
}

/// The log's columns.
pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::text("Time"),
        Column::text("State"),
        Column::text("Destination"),
        Column::text("Conversion"),
        Column::text("Told"),
        Column::figure("Attempts", "How often it was sent"),
        Column::figure("Answer", "The HTTP status of the last answer"),
        Column { is_wide: true, ..Column::text("What is ahead, or why it ended") },
    ]
}

/// The columns without the destination.
pub(in crate::pages) fn short_columns() -> Vec<Column> {
    columns().into_iter().filter(|column| column.label != "Destination").collect()
}

fn cells(names: &Names, clock: Clock, one: &Delivery) -> Vec<Cell> {
    let code = one.last_code.map_or_else(|| NONE.to_owned(), |code| code.to_string());
    vec![
        Cell::link(&clock.at(one.created_at_ms), &format!("/deliveries/{}", one.id)),
        Cell::pill(state_pill(one.state)),
        Cell::link(&names.destination(one.destination_id), &format!("/destinations/{}", one.destination_id)),
        Cell::link(&one.conversion_id.to_string(), &format!("/conversions/{}", one.conversion_id)),
        Cell::text(one.told_status.as_str()),
        Cell::text(&one.attempts.to_string()),
        Cell::text(&code),
        Cell::text(&shortened(&outlook(clock, one), WHY_CHARS_MAX)),
    ]
}

/// A row of the log, to be ticked.
pub(super) fn pickable(names: &Names, clock: Clock, one: &Delivery) -> Row {
    let mut cells = cells(names, clock, one);
    if let Some(first) = cells.first_mut() {
        first.pick = one.id.to_string();
    }
    Row { cells }
}

/// A row of [`short_columns`].
pub(in crate::pages) fn row(names: &Names, clock: Clock, one: &Delivery) -> Row {
    let mut cells = cells(names, clock, one);
    cells.remove(2);
    Row { cells }
}

/// Who was told of one conversion.
pub(in crate::pages) fn of_conversion(names: &Names, clock: Clock, deliveries: &[Delivery]) -> Table {
    let row = |one: &Delivery| {
        let mut cells = cells(names, clock, one);
        cells.remove(3);
        Row { cells }
    };
    Table {
        caption: "Who was told of this conversion".to_owned(),
        columns: columns().into_iter().filter(|column| column.label != "Conversion").collect(),
        totals: None,
        rows: deliveries.iter().map(row).collect(),
        empty: Empty {
            title: "Nobody was told".to_owned(),
            text: "No destination fires for this conversion.".to_owned(),
            action: None,
        },
        shape: Shape::Log,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::Status;

    #[test]
    fn what_is_ahead_is_said_by_state() {
        let clock = Clock { zone: TimeZone::UTC, now_ms: 1_767_225_600_000 };
        let one = Delivery {
            id: 1,
            destination_id: 1,
            conversion_id: 1,
            idempotency_key: String::new(),
            state: DeliveryState::Due,
            skip_reason: None,
            told_status: Status::Approved,
            revenue_micros: 0,
            payout_micros: 0,
            sale_amount_micros: None,
            attempts: 0,
            failures: 0,
            created_at_ms: clock.now_ms,
            next_attempt_at_ms: Some(clock.now_ms + 61_000),
            give_up_at_ms: clock.now_ms,
            last_at_ms: None,
            last_code: None,
            last_error: None,
        };
        assert_eq!(outlook(clock, &one), "first attempt 1 Jan 00:01:01");
        let failed = Delivery { attempts: 1, last_error: Some("It was answered by 500".to_owned()), ..one };
        assert_eq!(outlook(clock, &failed), "It was answered by 500; next attempt 1 Jan 00:01:01");
        let now = Delivery { next_attempt_at_ms: Some(clock.now_ms), ..failed };
        assert_eq!(outlook(clock, &now), "It was answered by 500; is sent now");
        let sent = Delivery { state: DeliveryState::Sent, ..now };
        assert_eq!(outlook(clock, &sent), "");
        let ended = Delivery { state: DeliveryState::Failed, ..sent };
        assert_eq!(outlook(clock, &ended), "It was answered by 500");
    }
}
