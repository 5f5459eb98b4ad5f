//! The status of a conversion, and the moves between statuses that a postback may make.

use super::money::Money;
use super::words::word_enum;

word_enum! {
    /// What has become of a conversion.
    pub enum Status {
        /// Waiting for the advertiser's decision: earns nothing yet.
        Pending => "pending",
        /// Counted and earned.
        Approved => "approved",
        /// Declined: never earned.
        Rejected => "rejected",
        /// Refunded or charged back: no longer earned.
        Reversed => "reversed",
    }
}

impl Status {
    /// The vocabulary that ships: the words networks use, folded to lower case. An advertiser's own
    /// status map comes before it.
    #[must_use]
    pub fn from_vocabulary(word: &str) -> Option<Self> {
        Some(match word {
            "approved" | "approve" | "confirmed" | "confirm" | "accepted" | "sale" | "paid" | "complete"
            | "completed" | "success" | "1" | "ok" => Self::Approved,
            "pending" | "hold" | "lead" | "new" | "waiting" | "processing" | "2" => Self::Pending,
            "rejected" | "reject" | "declined" | "decline" | "trash" | "cancelled" | "canceled"
            | "invalid" | "fail" | "failed" | "3" => Self::Rejected,
            "reversed" | "reversal" | "refunded" | "refund" | "chargeback" => Self::Reversed,
            _ => return None,
        })
    }
}

/// A conversion as it stands, as far as a move looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: Status,
    /// Its revenue in its own currency.
    pub revenue: Money,
}

/// What a postback says about a conversion that exists; `None` leaves that side as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status it names.
    pub status: Option<Status>,
    /// The amount it names; negative only beside [`Status::Reversed`], where it is a partial refund.
    pub revenue: Option<Money>,
}

/// The outcome of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing new.
    Duplicate,
    /// The conversion now stands like this.
    Update {
        /// The new standing.
        to: Standing,
        /// A decision was turned round (rejected or reversed became approved): somebody should look.
        is_surprising: bool,
    },
    /// This advertiser's conversions may not move so.
    Refused,
}

/// The table of status moves (STORAGE, "Status moves"), refunds included.
#[must_use]
pub fn judge_move(from: Standing, said: Said, reopen_rejected: bool) -> Move {
    if let Some(refund) = said.revenue.filter(|amount| amount.micros() < 0) {
        return judge_refund(from, refund);
    }
    let revenue = said.revenue.unwrap_or(from.revenue);
    let is_amount_new = revenue != from.revenue;
    let status = said.status.unwrap_or(from.status);
    let update = |revenue, is_surprising| Move::Update { to: Standing { status, revenue }, is_surprising };
    match (from.status, status) {
        (Status::Pending, Status::Pending) | (Status::Approved, Status::Approved) if is_amount_new => {
            update(revenue, false)
        }
        (Status::Pending, Status::Approved | Status::Rejected) => update(revenue, false),
        (Status::Approved, Status::Rejected) => update(from.revenue, false),
        // "reversed" with a positive amount or none reverses all: what was earned stays on the row.
        (Status::Pending | Status::Approved | Status::Rejected, Status::Reversed) => {
            update(from.revenue, false)
        }
        (Status::Rejected, Status::Approved) if !reopen_rejected => Move::Refused,
        (Status::Rejected | Status::Reversed, Status::Approved) => update(revenue, true),
        _ => Move::Duplicate,
    }
}

/// A negative amount lowers what was earned and keeps the status until nothing is left.
fn judge_refund(from: Standing, refund: Money) -> Move {
    if matches!(from.status, Status::Rejected | Status::Reversed) {
        return Move::Duplicate;
    }
    let left = from.revenue + refund;
    let to = if left.micros() > 0 {
        Standing { status: from.status, revenue: left }
    } else {
        Standing { status: Status::Reversed, revenue: from.revenue }
    };
    Move::Update { to, is_surprising: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Approved, Pending, Rejected, Reversed};

    const FIVE: Money = Money::from_micros(5_000_000);
    const TWO: Money = Money::from_micros(2_000_000);

    fn outcome(from: Status, to: Status) -> &'static str {
        let standing = Standing { status: from, revenue: FIVE };
        match judge_move(standing, Said { status: Some(to), revenue: Some(FIVE) }, true) {
            Move::Duplicate => "duplicate",
            Move::Update { is_surprising: true, .. } => "updated, alerted",
            Move::Update { .. } => "updated",
            Move::Refused => "refused",
        }
    }

    #[test]
    fn the_table_of_moves() {
        let rows = [Pending, Approved, Rejected, Reversed]
            .map(|from| [Pending, Approved, Rejected, Reversed].map(|to| outcome(from, to)));
        assert_eq!(
            rows,
            [
                ["duplicate", "updated", "updated", "updated"],
                ["duplicate", "duplicate", "updated", "updated"],
                ["duplicate", "updated, alerted", "duplicate", "updated"],
                ["duplicate", "updated, alerted", "duplicate", "duplicate"],
            ]
        );
    }

    #[test]
    fn a_rejected_one_stays_rejected_where_reopening_is_off() {
        let from = Standing { status: Rejected, revenue: FIVE };
        assert_eq!(judge_move(from, Said { status: Some(Approved), revenue: None }, false), Move::Refused);
    }

    #[test]
    fn a_changed_amount_is_a_correction_and_an_absent_one_is_none() {
        let from = Standing { status: Approved, revenue: FIVE };
        let said = |revenue| judge_move(from, Said { status: None, revenue }, true);
        assert_eq!(said(None), Move::Duplicate);
        assert_eq!(said(Some(FIVE)), Move::Duplicate);
        let to = Standing { status: Approved, revenue: TWO };
        assert_eq!(said(Some(TWO)), Move::Update { to, is_surprising: false });
    }

    #[test]
    fn a_late_word_without_status_never_reapproves_a_chargeback() {
        let from = Standing { status: Reversed, revenue: FIVE };
        assert_eq!(judge_move(from, Said { status: None, revenue: Some(TWO) }, true), Move::Duplicate);
    }

    #[test]
    fn refunds_take_until_nothing_is_left() {
        let from = Standing { status: Approved, revenue: FIVE };
        let refund = |amount: Money| {
            judge_move(from, Said { status: Some(Reversed), revenue: Some(amount.negated()) }, true)
        };
        let left = Standing { status: Approved, revenue: Money::from_micros(3_000_000) };
        assert_eq!(refund(TWO), Move::Update { to: left, is_surprising: false });
        let gone = Standing { status: Reversed, revenue: FIVE };
        assert_eq!(refund(FIVE), Move::Update { to: gone, is_surprising: false });
    }
}
