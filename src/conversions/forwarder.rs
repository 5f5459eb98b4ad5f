//! Sends postbacks on to the tracker before that name a click of its: queued with the postback, sent by a thread of its own.

use super::judge::{Judged, Verdict};
use super::request;
use crate::db::forwards::{self, Attempt, Due, NewForward};
use crate::db::{Db, Priority};
use crate::domain::forward::{FORWARDED_MARK, ForwardState, address};
use crate::domain::verdict::Code;
use crate::outgoing::{Answer, Call, Failure, Outgoing};
use crate::rounds::Rounds;
use crate::routing::Catalog;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long a postback is tried, milliseconds: a day.
const TRIED_MS: i64 = 24 * 3_600_000;

/// After the first failure, and at most, milliseconds.
const AGAIN_FIRST_MS: i64 = 5_000;
const AGAIN_LONGEST_MS: i64 = 3_600_000;

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Sent at one time.
const TOGETHER: i64 = 8;

/// How long one may take, and how long it is held: twice as long, so that nobody else sends it meanwhile.
const TIMEOUT: Duration = Duration::from_secs(15);
const LEASE_MS: i64 = 30_000;

/// Bytes of an answer that are kept.
const ANSWER_BYTES_MAX: usize = 2_048;

/// What is to be sent on of a postback that was just judged for the first time; `None` for nothing. Tests of ours are not,
/// nor what was sent on to us.
pub(super) fn to_send(
    judged: &Judged,
    verdict: &Verdict,
    catalog: &Catalog,
    postback_id: i64,
) -> Option<NewForward> {
    if verdict.code != Code::ParkedForeignClick || judged.incoming.is_test || verdict.is_test {
        return None;
    }
    let template = match &judged.advertiser {
        Some(route) => route.advertiser.forward_unknown_to.as_str(),
        None => catalog.old_doors().forward_unknown_to.as_str(),
    };
    if template.is_empty() {
        return None;
    }
    let params = request::read(&judged.incoming).ok()?;
    if params.get(FORWARDED_MARK).is_some() {
        return None;
    }
    let at_ms = judged.incoming.received_at_ms;
    Some(NewForward {
        postback_id,
        advertiser_id: judged.advertiser.as_ref().map_or(0, |route| route.id),
        url: address(template, &params.0),
        at_ms,
        give_up_at_ms: at_ms.saturating_add(TRIED_MS),
    })
}

/// When one is tried again after so many failures: later each time, and not all at once.
fn again_ms(failures: i64, dice: u32) -> i64 {
    let doubled = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    let longest = AGAIN_FIRST_MS.saturating_mul(1_i64 << doubled).min(AGAIN_LONGEST_MS);
    let half = longest / 2;
    half.saturating_add(half.saturating_mul(i64::from(dice)) / i64::from(u32::MAX))
}

/// What an answer, or none, says about a postback.
fn attempt(due: &Due, outcome: Result<Answer, Failure>, now_ms: i64) -> Attempt {
    let due_at_ms = now_ms.saturating_add(again_ms(due.attempts.saturating_add(1), rand::random()));
    let (code, answer, error, is_final) = match outcome {
        Ok(answer) if answer.is_success() => {
            let text = String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}");
            let code = Some(i64::from(answer.code));
            return Attempt {
                state: ForwardState::Sent,
                due_at_ms: now_ms,
                code,
                answer: text,
                error: String::new(),
            };
        }
        Ok(answer) => {
            let is_final = (400..500).contains(&answer.code) && !matches!(answer.code, 408 | 429);
            let text = String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}");
            (Some(i64::from(answer.code)), text, format!("It was answered by {}", answer.code), is_final)
        }
        // Neither an address nor what may be called changes by itself.
        Err(why @ (Failure::NoAddress(_) | Failure::NotAllowed { .. })) => {
            (None, String::new(), why.to_string(), true)
        }
        Err(why) => (None, String::new(), why.to_string(), false),
    };
    let is_over = is_final || due_at_ms > due.give_up_at_ms;
    let state = if is_over { ForwardState::Failed } else { ForwardState::Due };
    Attempt { state, due_at_ms, code, answer, error }
}

/// Starts the thread that sends; `now_ms` is the clock. It ends once what is being sent has its answer.
///
/// # Errors
/// No thread can be started.
pub fn keep_forwarding(db: Arc<Db>, outgoing: Outgoing, now_ms: fn() -> i64) -> io::Result<Rounds> {
    Rounds::start("forwarder", LOOK_EVERY, move || {
        if let Err(why) = send_due(&db, &outgoing, now_ms) {
            tracing::warn!(%why, "postbacks could not be sent on to the tracker before");
        }
    })
}

/// Sends what is due now, some at a time.
fn send_due(db: &Db, outgoing: &Outgoing, now_ms: fn() -> i64) -> crate::db::Result<()> {
    let now = now_ms();
    if !db.read(|conn| forwards::has_due(conn, now))? {
        return Ok(());
    }
    let due = db.write(Priority::Maintenance, |conn| forwards::lease(conn, now, now + LEASE_MS, TOGETHER))?;
    let answers: Vec<Result<Answer, Failure>> = std::thread::scope(|scope| {
        let send = |one: &Due| {
            let call = Call::get(&one.url, TIMEOUT, ANSWER_BYTES_MAX);
            scope.spawn(move || outgoing.send_blocking(call))
        };
        let sent: Vec<_> = due.iter().map(send).collect();
        let lost = |_panic| Err(Failure::Broken("The attempt was interrupted".to_owned()));
        sent.into_iter().map(|one| one.join().unwrap_or_else(lost)).collect()
    });
    let now = now_ms();
    db.write(Priority::Maintenance, |conn| {
        for (one, outcome) in due.iter().zip(answers) {
            forwards::note(conn, one, &attempt(one, outcome, now), now)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(attempts: i64, give_up_at_ms: i64) -> Due {
        Due { id: 1, url: String::new(), attempts, give_up_at_ms }
    }

    fn answered(code: u16) -> Result<Answer, Failure> {
        Ok(Answer { code, body: b"said".to_vec(), is_cut: false, url: String::new() })
    }

    #[test]
    fn attempts_lie_further_apart_each_time() {
        assert_eq!((again_ms(1, 0), again_ms(1, u32::MAX)), (2_500, 5_000));
        assert_eq!((again_ms(2, u32::MAX), again_ms(9, u32::MAX)), (10_000, 1_280_000));
        for failures in [11, 100, i64::MAX] {
            assert_eq!((again_ms(failures, 0), again_ms(failures, u32::MAX)), (1_800_000, 3_600_000));
        }
    }

    #[test]
    fn what_was_refused_is_not_tried_again() {
        let state = |outcome, give_up| attempt(&due(0, give_up), outcome, 0).state;
        assert_eq!(state(answered(204), i64::MAX), ForwardState::Sent);
        for code in [400, 401, 404, 410] {
            assert_eq!(state(answered(code), i64::MAX), ForwardState::Failed, "{code}");
        }
        for code in [302, 408, 429, 500, 503] {
            assert_eq!(state(answered(code), i64::MAX), ForwardState::Due, "{code}");
            assert_eq!(state(answered(code), 1), ForwardState::Failed, "its day is over");
        }
        assert_eq!(state(Err(Failure::TimedOut(TIMEOUT)), i64::MAX), ForwardState::Due);
        assert_eq!(state(Err(Failure::NoAddress(String::new())), i64::MAX), ForwardState::Failed);
        let kept = attempt(&due(3, i64::MAX), answered(500), 0);
        assert_eq!((kept.code, kept.answer.as_str()), (Some(500), "said"));
    }
}
