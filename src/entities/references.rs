//! What a field says of other things: their numbers and the currency.

use super::editing::Checks;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use std::collections::{HashMap, HashSet};

/// A click's cost is counted when it comes, before anybody knows its day's rate: only the account's own currency is exact.
pub(super) fn check_currency(currency: Currency, checks: &mut Checks<'_>) {
    let account = checks.account;
    if currency != account {
        let message = format!("There is no exchange rate from {currency} to {account} yet: use {account}");
        checks.push("currency", message);
    }
}

/// What is wrong with choosing one of these: it is not there, or was put away. One that was chosen
/// before it was put away may stay, so that a campaign with an old offer can still be renamed.
pub(super) fn refusal(
    noun: &str,
    chosen: impl IntoIterator<Item = i64>,
    statuses: &HashMap<i64, EntityStatus>,
    before: &HashSet<i64>,
) -> Option<String> {
    chosen.into_iter().find_map(|id| match statuses.get(&id) {
        None => Some(format!("There is no {noun} {id}")),
        Some(EntityStatus::Archived) if !before.contains(&id) => {
            Some(format!("The {noun} {id} is archived: restore it first, or choose another"))
        }
        Some(_) => None,
    })
}

/// Whether following the links from some of these comes to `own`.
pub(super) fn leads_back(own: i64, from: Vec<i64>, next: impl Fn(i64) -> Vec<i64>) -> bool {
    let (mut open, mut seen) = (from, HashSet::new());
    while let Some(id) = open.pop() {
        if id == own {
            return true;
        }
        if seen.insert(id) {
            open.extend(next(id));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found_at_any_length() {
        let next = |id: i64| if id < 5 { vec![id + 1] } else { vec![2, 9] };
        assert!(leads_back(4, vec![1], next));
        assert!(leads_back(1, vec![1], next), "itself");
        assert!(!leads_back(1, vec![2], next), "a loop of others is theirs, and ends the search");
    }

    #[test]
    fn what_was_chosen_before_may_stay() {
        let statuses = HashMap::from([(1, EntityStatus::Archived), (2, EntityStatus::Paused)]);
        let refused = |chosen: i64, before: &[i64]| {
            refusal("offer", [chosen], &statuses, &before.iter().copied().collect())
        };
        assert_eq!(refused(2, &[]), None);
        assert_eq!(refused(1, &[1]), None);
        assert_eq!(refused(1, &[]).unwrap(), "The offer 1 is archived: restore it first, or choose another");
        assert_eq!(refused(3, &[3]).unwrap(), "There is no offer 3");
    }
}
