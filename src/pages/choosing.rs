//! Selects of things by number: how much they hold, what they call each thing, and what they leave out.

use super::parts::Choice;
use super::words::count;
use crate::db::choices::{Choosable, Named};
use crate::domain::lander::EntityStatus;

/// Things that one select holds. A browser shows as many without delay, and an account with more of one kind
/// has long had to archive some to find its way.
const CHOICES_MAX: i64 = 2_000;

/// Things in all selects of a page: those of a campaign with hundreds of rows hold fewer each, lest its form
/// grow beyond what a phone can show.
const PAGE_CHOICES_MAX: i64 = 200_000;

/// The fewest that a select holds, however many there are on a page.
const CHOICES_MIN: i64 = 50;

/// Things in each select of a page that has so many rows with one.
pub(super) fn rows_max(rows: usize) -> i64 {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX).max(1);
    (PAGE_CHOICES_MAX / rows).clamp(CHOICES_MIN, CHOICES_MAX)
}

/// Choices after one for none; what is not in use says so behind its name.
pub(super) fn choices(none: &str, found: &Choosable, more: impl Fn(&Named) -> Option<String>) -> Vec<Choice> {
    let choice = |one: &Named| {
        let status = match one.status {
            EntityStatus::Active => String::new(),
            status => format!(" ({status})"),
        };
        let label = format!("{}{}{status}", one.name, more(one).unwrap_or_default());
        Choice { value: one.id.to_string(), label, selected: false }
    };
    let none = Choice { label: none.to_owned(), ..Choice::default() };
    std::iter::once(none).chain(found.items.iter().map(choice)).collect()
}

/// What the selects leave out, in a sentence; empty where they hold everything.
pub(super) fn cut(kinds: &[(&str, &Choosable)], rows_max: i64) -> String {
    let cut: Vec<&str> = kinds.iter().filter(|(_, found)| found.is_cut).map(|(many, _)| *many).collect();
    if cut.is_empty() {
        return String::new();
    }
    format!(
        "There are more {} than can be shown here: the first {} by name, and those already chosen. Archive what is no \
         longer used, or choose by number through the API.",
        cut.join(" and "),
        count(rows_max)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_share_what_a_page_may_hold() {
        assert_eq!([rows_max(0), rows_max(100), rows_max(400), rows_max(5_000)], [2_000, 2_000, 500, 50]);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let cut_off = Choosable { items: Vec::new(), is_cut: true };
        assert_eq!(cut(&[("offers", &Choosable::default())], 2_000), "");
        let text = cut(&[("landers", &cut_off), ("offers", &cut_off)], 2_000);
        assert!(
            text.starts_with("There are more landers and offers than can be shown here: the first 2,000 ")
        );
    }
}
