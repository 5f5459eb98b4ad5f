//! Caps in memory: places are taken once, and windows are ended by the clock.

use super::*;
use crate::domain::cap::read_all;
use serde_json::{Value, json};

const OFFER: i64 = 7;

/// The caps of one offer, nothing used.
fn live(caps: &Value) -> LiveCaps {
    let meters = read_all(caps).unwrap();
    let meters = meters.iter().map(|cap| Arc::new(Meter::new(cap, None, now_ms()))).collect();
    let live = LiveCaps::default();
    live.offers.store(Arc::new(HashMap::from([(OFFER, meters)])));
    live
}

fn used(live: &LiveCaps) -> Vec<i64> {
    live.of_offer(OFFER, now_ms()).iter().map(|used| used.used).collect()
}

#[test]
fn of_threads_that_race_as_many_find_room_as_there_is() {
    let live = live(&json!([{"count": 1_000, "of": "clicks", "per": "total"}]));
    let taken = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    taken.fetch_add(i64::from(live.take(OFFER, now_ms())), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((taken.into_inner(), used(&live)), (1_000, vec![1_000]));
    assert!(live.is_at_cap(OFFER, now_ms()) && !live.is_at_cap(OFFER + 1, now_ms()));
}

#[test]
fn a_place_under_one_cap_is_given_back_where_another_is_full() {
    let live = live(&json!([
        {"count": 5, "of": "clicks", "per": "total"},
        {"count": 1, "of": "conversions", "per": "total"},
        {"count": 2, "of": "clicks", "per": "month"},
    ]));
    assert_eq!([(); 4].map(|()| live.take(OFFER, now_ms())), [true, true, false, false]);
    assert_eq!(used(&live), [2, 0, 2], "a click is no conversion");
    assert_eq!(live.used_from(80, now_ms()).len(), 1);
}

#[test]
fn asking_of_another_time_ends_no_window() {
    let live = live(&json!([{"count": 1, "of": "clicks", "per": "month"}]));
    assert!(live.take(OFFER, now_ms()));
    let year_ms = 366 * 86_400_000;
    for at_ms in [now_ms() + year_ms, now_ms() - year_ms] {
        assert!(!live.is_at_cap(OFFER, at_ms), "nothing is known of that time");
    }
    assert!(live.is_at_cap(OFFER, now_ms()), "the present one is as it was");
}

#[test]
fn a_window_that_is_over_is_followed_by_an_empty_one() {
    let live = live(&json!([{"count": 1, "of": "conversions", "per": "hour"}]));
    let offers = live.offers.load();
    let meter = &offers[&OFFER][0];
    // An hour of long ago, full.
    let past = Span::new(meter.cap.window(1_000));
    past.used.store(9, Ordering::Release);
    meter.span.store(Arc::new(past));
    assert!(live.is_at_cap(OFFER, 1_000));
    assert!(!live.is_at_cap(OFFER, now_ms()));
    // What another window counted is no matter of this one; what this one counted is.
    let place = |window_ms| CapUse { offer_id: OFFER, cap: meter.key.clone(), window_ms };
    live.note(&[(place(0), 3)]);
    assert_eq!(used(&live), [0]);
    let present = meter.cap.window(now_ms());
    live.note(&[(place(present.start_ms), 3)]);
    assert!(used(&live) == [3] || meter.cap.window(now_ms()) != present);
}
