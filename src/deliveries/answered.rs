//! What an answer, or none, says about a delivery.

use crate::db::deliveries::{Attempt, Due, Outcome};
use crate::domain::delivery::{DeliveryState, pause_ms};
use crate::outgoing::{Answer, Failure};

/// Bytes of an answer that are kept.
pub const ANSWER_KEPT_BYTES: usize = 2_048;

/// How an attempt is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// It was taken.
    pub is_sent: bool,
    /// It was not, and would not be another time.
    pub is_final: bool,
    /// Why not, in one sentence.
    pub error: Option<String>,
}

/// Judges what came back. `success_match` is the text that means success; empty where the code says.
#[must_use]
pub fn judge(outcome: &Result<Answer, Failure>, success_match: &str) -> Judged {
    let not = |is_final, error: String| Judged { is_sent: false, is_final, error: Some(error) };
    match outcome {
        Ok(answer) if answer.is_success() => {
            if has_text(&String::from_utf8_lossy(&answer.body), success_match) {
                Judged { is_sent: true, is_final: true, error: None }
            } else {
                not(false, format!("It was answered by {}, but without {success_match:?}", answer.code))
            }
        }
        Ok(answer) => {
            let is_final = (400..500).contains(&answer.code) && !matches!(answer.code, 408 | 429);
            not(is_final, format!("It was answered by {}", answer.code))
        }
        // Neither an address nor what may be called changes by itself.
        Err(why @ (Failure::NoAddress(_) | Failure::NotAllowed { .. } | Failure::BadHeader(_))) => {
            not(true, why.to_string())
        }
        Err(why) => not(false, why.to_string()),
    }
}

/// Whether a text stands in an answer, however that sets its spaces: JSON is written with and without them.
pub(super) fn has_text(body: &str, wanted: &str) -> bool {
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    body.contains(wanted) || bare(body).contains(&bare(wanted))
}

/// Whether the host itself is in trouble: less is sent to it at a time.
pub(super) fn is_in_trouble(outcome: &Result<Answer, Failure>) -> bool {
    match outcome {
        Ok(answer) => answer.code >= 500 || matches!(answer.code, 408 | 429),
        // Who gives the tokens is another host.
        Err(why) => !matches!(
            why,
            Failure::NoAddress(_) | Failure::NotAllowed { .. } | Failure::BadHeader(_) | Failure::NoToken(_)
        ),
    }
}

/// The beginning of an answer, as it is kept: a text, whatever it was.
pub(super) fn kept(body: &[u8]) -> String {
    let cut = body.get(..ANSWER_KEPT_BYTES).unwrap_or(body);
    String::from_utf8_lossy(cut).replace('\0', "\u{fffd}")
}

/// What was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at_ms: i64,
    pub(super) duration_ms: i64,
    pub(super) url: String,
    pub(super) body: Option<String>,
}

/// What becomes of a delivery after an attempt.
pub(super) fn after(
    due: &Due,
    sent: Sent,
    outcome: &Result<Answer, Failure>,
    success_match: &str,
    now_ms: i64,
) -> Outcome {
    let judged = judge(outcome, success_match);
    let failures = if judged.is_sent { due.failures } else { due.failures.saturating_add(1) };
    let again_at_ms = now_ms.saturating_add(pause_ms(failures, rand::random()));
    let (state, next_attempt_at_ms) = if judged.is_sent {
        (DeliveryState::Sent, None)
    } else if judged.is_final || again_at_ms > due.give_up_at_ms {
        (DeliveryState::Failed, None)
    } else {
        (DeliveryState::Due, Some(again_at_ms))
    };
    let answer = outcome.as_ref().ok();
    Outcome {
        id: due.id,
        state,
        next_attempt_at_ms,
        skip_reason: None,
        failures,
        attempt: Some(Attempt {
            delivery_id: due.id,
            at_ms: sent.at_ms,
            url: sent.url,
            body: sent.body,
            code: answer.map(|answer| i64::from(answer.code)),
            response: answer.map(|answer| kept(&answer.body)),
            duration_ms: sent.duration_ms,
            error: judged.error,
            destination_id: due.destination_id,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::Status;
    use std::time::Duration;

    fn answered(code: u16, body: &str) -> Result<Answer, Failure> {
        Ok(Answer { code, body: body.into(), is_cut: false, url: String::new() })
    }

    fn state(outcome: &Result<Answer, Failure>, give_up_at_ms: i64) -> DeliveryState {
        let due = Due {
            id: 1,
            destination_id: 1,
            conversion_id: 1,
            idempotency_key: String::new(),
            told_status: Status::Approved,
            revenue_micros: 0,
            payout_micros: 0,
            sale_amount_micros: None,
            failures: 4,
            give_up_at_ms,
        };
        let sent = Sent { at_ms: 0, duration_ms: 1, url: String::new(), body: None };
        after(&due, sent, outcome, "", 100_000).state
    }

    #[test]
    fn what_was_refused_is_not_tried_again() {
        assert_eq!(state(&answered(204, ""), i64::MAX), DeliveryState::Sent);
        for code in [400, 401, 404, 410] {
            assert_eq!(state(&answered(code, ""), i64::MAX), DeliveryState::Failed, "{code}");
        }
        for code in [302, 408, 429, 500, 503] {
            assert_eq!(state(&answered(code, ""), i64::MAX), DeliveryState::Due, "{code}");
            assert_eq!(state(&answered(code, ""), 1), DeliveryState::Failed, "its day is over");
        }
        let late = Err(Failure::TimedOut(Duration::from_secs(1)));
        assert_eq!(state(&late, i64::MAX), DeliveryState::Due);
        assert_eq!(state(&Err(Failure::NoAddress(String::new())), i64::MAX), DeliveryState::Failed);
    }

    #[test]
    fn a_text_may_mean_success() {
        assert!(judge(&answered(200, "{\"status\":\"OK\"}"), "\"OK\"").is_sent);
        assert!(judge(&answered(200, "{ \"code\" : 0 }"), "\"code\":0").is_sent);
        assert!(!judge(&answered(200, "{\"code\": 40100}"), "\"code\":0").is_sent);
        let judged = judge(&answered(200, "error: unknown click"), "\"OK\"");
        assert!(!judged.is_sent && !judged.is_final);
        assert!(judged.error.unwrap().contains("without"));
    }

    #[test]
    fn an_answer_is_kept_as_text_and_cut() {
        assert_eq!(kept(b"a\0\xff").chars().collect::<Vec<_>>(), ['a', '\u{fffd}', '\u{fffd}']);
        assert_eq!(kept(&[b'x'; 5_000]).len(), ANSWER_KEPT_BYTES);
    }
}
