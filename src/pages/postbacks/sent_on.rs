//! What became of a postback that was sent on to the tracker before.

use crate::db::forwards::Forward;
use crate::domain::forward::ForwardState;
use crate::pages::click_story::{fact, group, raw};
use crate::pages::parts::FactGroup;
use crate::pages::words::moment;
use crate::reports::TimeZone;

/// How it stands.
pub(super) fn group_of(forward: &Forward, (zone, now_ms): (TimeZone, i64)) -> FactGroup {
    let last = &forward.last;
    let state = match last.state {
        ForwardState::Due => "to be sent",
        ForwardState::Sent => "sent",
        ForwardState::Failed => "failed",
    };
    let at = |ms: i64| format!("{} {}", moment(zone, ms, now_ms), zone.name());
    let next = if last.state == ForwardState::Due { at(last.due_at_ms) } else { String::new() };
    let tried = if forward.attempts == 0 { String::new() } else { at(forward.updated_at_ms) };
    group(
        "Sent on to the tracker before",
        vec![
            fact("State", state),
            raw("To", &forward.url),
            fact("Attempts", &forward.attempts.to_string()),
            fact("Last attempt", &tried),
            fact("Next attempt", &next),
            fact("Answered by", &last.code.map(|code| code.to_string()).unwrap_or_default()),
            raw("Its answer", &last.answer),
            fact("Error", &last.error),
        ],
    )
}
