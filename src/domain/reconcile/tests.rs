//! Matching and comparing, by examples and by chance.

use super::*;
use crate::domain::zone::TimeZone;
use proptest::prelude::*;
use std::collections::HashSet;

const HOUR: i64 = 3_600_000;
/// 2026-11-10, midnight in Berlin.
const TENTH: i64 = 1_794_265_200_000;

fn span() -> Span {
    let day = |text| read_day(text).unwrap();
    Span::new(TimeZone::parse("Europe/Berlin").unwrap(), day("2026-11-10"), day("2026-11-12")).unwrap()
}

fn click(number: u8) -> ClickId {
    ClickId::new(1_794_000_000_000, [number; 10])
}

fn ours(id: i64, click_number: u8, txid: &str) -> Ours {
    Ours {
        id,
        click_id: click(click_number),
        txid: txid.to_owned(),
        event: "sale".to_owned(),
        status: Status::Approved,
        amount: Money::from_micros(5_000_000),
        currency: Currency::USD,
        at_ms: TENTH + HOUR,
        is_silent: false,
    }
}

fn theirs(line: u64, click_number: u8, txid: &str) -> Theirs {
    Theirs {
        line,
        txid: txid.to_owned(),
        click_id: (click_number > 0).then(|| click(click_number)),
        event: None,
        status: StatusSaid::Known(Status::Approved),
        amount: Some(Money::from_micros(5_000_000)),
        currency: Currency::USD,
        at_ms: Some(TENTH + HOUR),
        fault: None,
    }
}

/// List, line and conversion of each finding.
fn found(theirs: &[Theirs], ours: &[Ours]) -> Vec<(&'static str, u64, i64)> {
    let span = span();
    let matching = match_up(theirs, ours, |at_ms| span.contains(at_ms));
    let told = |finding: Finding| {
        let line = finding.row.map_or(0, |row| theirs[row].line);
        (finding.list.as_str(), line, finding.ours.map_or(0, |at| ours[at].id))
    };
    compare(theirs, ours, &matching, &span).findings.into_iter().map(told).collect()
}

#[test]
fn sides_that_agree_differ_in_nothing() {
    assert_eq!(found(&[theirs(2, 1, "a"), theirs(3, 2, "")], &[ours(1, 1, "a"), ours(2, 2, "b")]), []);
    assert_eq!(found(&[theirs(2, 1, "else")], &[ours(1, 1, "a")]), [], "transactions of another kind");
}

#[test]
fn each_kind_of_difference_is_found() {
    let mine = [ours(1, 1, "a"), ours(2, 2, "b"), ours(3, 3, "c"), ours(4, 4, "d"), ours(5, 5, "e")];
    let rows = [
        theirs(2, 1, "a"),
        Theirs { status: StatusSaid::Known(Status::Rejected), amount: None, ..theirs(3, 2, "b") },
        Theirs { amount: Some(Money::from_micros(5_000_001)), ..theirs(4, 3, "c") },
        Theirs { at_ms: Some(TENTH + 24 * HOUR), ..theirs(5, 4, "d") },
        theirs(6, 9, "n"),
        theirs(7, 1, "a"),
        Theirs { fault: Some("No".to_owned()), ..theirs(8, 0, "") },
    ];
    assert_eq!(
        found(&rows, &mine),
        [
            ("only_ours", 0, 5),
            ("only_theirs", 6, 0),
            ("status_differs", 3, 2),
            ("amount_differs", 4, 3),
            ("day_differs", 5, 4),
            ("repeated", 7, 0),
            ("unreadable", 8, 0),
        ]
    );
}

#[test]
fn one_pair_may_differ_in_everything() {
    let row = Theirs {
        status: StatusSaid::Known(Status::Pending),
        currency: Currency::parse("EUR").unwrap(),
        at_ms: Some(TENTH + 30 * HOUR),
        ..theirs(2, 1, "a")
    };
    let lists: Vec<&str> = found(&[row], &[ours(1, 1, "a")]).into_iter().map(|one| one.0).collect();
    assert_eq!(lists, ["status_differs", "amount_differs", "day_differs"]);
}

#[test]
fn a_conversion_beyond_the_period_is_another_day_and_not_missing() {
    let before = Ours { at_ms: TENTH - HOUR, ..ours(1, 1, "a") };
    assert_eq!(found(&[theirs(2, 1, "a")], std::slice::from_ref(&before)), [("day_differs", 2, 1)]);
    let timeless = Theirs { at_ms: None, ..theirs(2, 1, "a") };
    assert_eq!(found(&[timeless], std::slice::from_ref(&before)), [("day_differs", 2, 1)]);
    assert_eq!(found(&[], std::slice::from_ref(&before)), [], "it is not of these days");
    let both = Theirs { at_ms: Some(TENTH - 2 * HOUR), ..theirs(2, 1, "a") };
    assert_eq!(found(&[both], &[before]), []);
    let row = Theirs { at_ms: Some(TENTH + 72 * HOUR), ..theirs(2, 1, "a") };
    assert_eq!(found(std::slice::from_ref(&row), &[ours(1, 1, "a")]), [("day_differs", 2, 1)]);
    assert_eq!(found(&[row], &[]), [], "a row of another day is no business of these days");
}

#[test]
fn events_tell_conversions_of_a_click_apart_where_both_know_them() {
    let deposit = Ours { event: "deposit".to_owned(), ..ours(2, 1, "") };
    let mine = [ours(1, 1, ""), deposit];
    let of = |event: &str, line| Theirs { event: Some(event.to_owned()), ..theirs(line, 1, "") };
    assert_eq!(found(&[of("deposit", 2), of("sale", 3)], &mine), []);
    assert_eq!(found(&[of("deposit", 2)], &mine), [("only_ours", 0, 1)]);
    assert_eq!(found(&[of("goal 7", 2)], &mine[..1]), [], "a name of theirs alone tells nothing");
    assert_eq!(found(&[of("deposit", 2), theirs(3, 1, "")], &mine), []);
}

#[test]
fn transactions_tell_conversions_of_a_click_apart() {
    let mine = [ours(1, 1, "a"), ours(2, 1, "b")];
    let rows = [theirs(2, 1, "a"), theirs(3, 1, "c")];
    assert_eq!(found(&rows, &mine), [("only_ours", 0, 2), ("only_theirs", 3, 0)]);
    assert_eq!(found(&[theirs(2, 1, ""), theirs(3, 1, "a")], &mine), []);
}

#[test]
fn what_is_no_money_on_either_side_is_no_difference() {
    let declined = Ours { status: Status::Rejected, ..ours(1, 1, "a") };
    assert_eq!(found(&[], std::slice::from_ref(&declined)), []);
    let row = Theirs {
        status: StatusSaid::Known(Status::Rejected),
        amount: Some(Money::ZERO),
        ..theirs(2, 1, "a")
    };
    assert_eq!(found(&[row], &[declined]), []);
    assert_eq!(found(&[], &[Ours { is_silent: true, ..ours(1, 1, "a") }]), []);
    let odd = Theirs { status: StatusSaid::Unknown("perhaps".to_owned()), ..theirs(2, 1, "a") };
    assert_eq!(found(&[odd], &[ours(1, 1, "a")]), [("status_differs", 2, 1)]);
}

#[test]
fn days_are_summed_in_the_named_zone_and_by_currency() {
    let late = Ours { at_ms: TENTH + 24 * HOUR - 1, ..ours(1, 1, "a") };
    let next = Ours { at_ms: TENTH + 24 * HOUR, status: Status::Rejected, ..ours(2, 2, "b") };
    let mine = [late, next];
    let rows = [
        Theirs { at_ms: Some(TENTH + 24 * HOUR), ..theirs(2, 2, "b") },
        Theirs { at_ms: None, currency: Currency::parse("EUR").unwrap(), ..theirs(3, 9, "x") },
    ];
    let span = span();
    let matching = match_up(&rows, &mine, |at_ms| span.contains(at_ms));
    let compared = compare(&rows, &mine, &matching, &span);
    let days = per_day(&rows, &mine, (&matching, &compared), &span);
    let told: Vec<_> = days
        .iter()
        .map(|line| {
            let day = line.day.map_or_else(String::new, |day| day.to_string());
            (day, line.currency.to_string(), line.figures.ours, line.figures.theirs)
        })
        .collect();
    let line = |day: &str, currency: &str, ours, theirs| (day.to_owned(), currency.to_owned(), ours, theirs);
    assert_eq!(
        told,
        [line("", "EUR", 0, 1), line("2026-11-10", "USD", 1, 0), line("2026-11-11", "USD", 0, 1)]
    );
    assert_eq!(days[0].figures.count_ratio(), None, "no share of nothing");
    assert_eq!(days[1].figures.amount_ratio(), Some(-10_000));
    let sums = totals(&days);
    assert_eq!((sums[1].1.ours, sums[1].1.theirs, sums[1].1.amount_difference()), (1, 1, Money::ZERO));
}

#[test]
fn a_period_is_checked() {
    let (utc, day) = (TimeZone::UTC, |text| read_day(text).unwrap());
    assert!(Span::new(utc, day("2026-11-02"), day("2026-11-01")).unwrap_err().contains("ends before"));
    assert!(Span::new(utc, day("1999-11-02"), day("1999-11-03")).unwrap_err().contains("years"));
    assert!(Span::new(utc, day("2025-01-01"), day("2026-01-02")).unwrap_err().contains("366 days"));
    assert!(Span::new(utc, day("2024-01-01"), day("2024-12-31")).is_ok());
    assert!(read_day("30.11.2026").is_err());
}

/// Sides of a few clicks and transactions, so that much collides.
fn sides() -> impl Strategy<Value = (Vec<Theirs>, Vec<Ours>)> {
    let event = prop::option::of(prop::sample::select(vec!["sale", "deposit", "goal"]));
    let row = (0_u8..5, 0_u8..5, event.clone(), -30_i64..90, 0_i64..3);
    let one = (1_u8..5, 0_u8..5, event, -30_i64..90, 0_i64..3);
    let txid = |number: u8| if number == 0 { String::new() } else { format!("t{number}") };
    let rows = prop::collection::vec(row, 0..24).prop_map(move |all| {
        let numbered = all.into_iter().zip(2_u64..);
        let row =
            |((click, tx, event, hours, amount), line): ((u8, u8, Option<&str>, i64, i64), u64)| Theirs {
                event: event.map(str::to_owned),
                at_ms: Some(TENTH + hours * HOUR),
                amount: Some(Money::from_micros(amount)),
                ..theirs(line, click, &txid(tx))
            };
        numbered.map(row).collect::<Vec<_>>()
    });
    let mine = prop::collection::vec(one, 0..24).prop_map(move |all| {
        let numbered = all.into_iter().zip(1_i64..);
        let one = |((click, tx, event, hours, amount), id): ((u8, u8, Option<&str>, i64, i64), i64)| Ours {
            event: event.unwrap_or("sale").to_owned(),
            at_ms: TENTH + hours * HOUR,
            amount: Money::from_micros(amount),
            ..ours(id, click, &txid(tx))
        };
        numbered.map(one).collect::<Vec<_>>()
    });
    (rows, mine)
}

proptest! {
    #[test]
    fn each_is_taken_once_and_only_with_what_it_shares((rows, mine) in sides()) {
        let span = span();
        let matching = match_up(&rows, &mine, |at_ms| span.contains(at_ms));
        let mut taken = HashSet::new();
        for (number, at) in matching.ours_of.iter().enumerate() {
            let Some(at) = at else { continue };
            prop_assert!(taken.insert(*at), "one conversion for two rows");
            prop_assert_eq!(matching.repeats[number], None);
            let (row, one) = (&rows[number], &mine[*at]);
            let shares_txid = !row.txid.is_empty() && row.txid == one.txid;
            prop_assert!(shares_txid || row.click_id == Some(one.click_id));
        }
        // Nothing is left on both sides that is alike in everything.
        for (number, row) in rows.iter().enumerate() {
            let is_left = matching.ours_of[number].is_none() && matching.repeats[number].is_none();
            let fits = |one: &Ours| {
                let event = row.event.as_deref().is_none_or(|event| event == one.event);
                event && row.click_id == Some(one.click_id) && row.txid == one.txid
            };
            let is_missed = mine.iter().enumerate().any(|(at, one)| !taken.contains(&at) && fits(one));
            prop_assert!(!(is_left && is_missed), "row {} was left beside its conversion", number);
        }
    }

    #[test]
    fn every_row_and_conversion_is_told_or_agrees((rows, mine) in sides()) {
        let span = span();
        let matching = match_up(&rows, &mine, |at_ms| span.contains(at_ms));
        let compared = compare(&rows, &mine, &matching, &span);
        let of = |list: List| compared.findings.iter().filter(move |finding| finding.list == list).count();
        prop_assert_eq!(
            rows.len(),
            compared.matched + compared.outside + of(List::OnlyTheirs) + of(List::Repeated)
        );
        let days = per_day(&rows, &mine, (&matching, &compared), &span);
        let within = mine.iter().filter(|one| span.contains(one.at_ms)).count();
        prop_assert_eq!(days.iter().map(|line| line.figures.ours).sum::<i64>(), within as i64);
        prop_assert_eq!(days.iter().map(|line| line.figures.theirs).sum::<i64>(), compared.rows_within.len() as i64);
    }

    #[test]
    fn a_side_beside_itself_differs_in_nothing((_, mine) in sides()) {
        // As a report of just these conversions would be, each with a transaction of its own.
        let mine: Vec<Ours> = mine.into_iter().map(|one| Ours { txid: format!("t{}", one.id), ..one }).collect();
        let same = |one: &Ours| Theirs {
            event: Some(one.event.clone()),
            amount: Some(one.amount),
            at_ms: Some(one.at_ms),
            txid: one.txid.clone(),
            click_id: Some(one.click_id),
            ..theirs(one.id.unsigned_abs() + 1, 1, "")
        };
        let rows: Vec<Theirs> = mine.iter().rev().map(same).collect();
        prop_assert_eq!(found(&rows, &mine), []);
    }
}
