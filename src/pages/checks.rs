//! The checks that a postback goes through, in their order, as far as its verdict tells how they ended.

use super::click_story::ticked;
use super::parts::{Mark, Step, Steps};
use crate::db::postbacks::NewPostback;
use crate::domain::verdict::{Code, PostbackResult};

/// Each check, and the verdicts that end it.
const CHECKS: [(&str, &[Code]); 12] = [
    ("Key", &[Code::BadKey, Code::RateLimited]),
    ("Address", &[Code::AddressNotAllowed]),
    ("Signature", &[Code::BadSignature, Code::ExpiredSignature, Code::Replayed]),
    ("Readable", &[Code::Unreadable]),
    ("Macros replaced", &[Code::UnresolvedMacro]),
    ("Click id", &[Code::MissingClickId]),
    ("Status", &[Code::MissingStatus, Code::UnknownStatus]),
    ("Amount", &[Code::MalformedRevenue, Code::UnknownCurrency]),
    ("Click known", &[Code::ParkedForeignClick, Code::ParkedUnknownClick]),
    ("Offer", &[Code::ParkedWrongOffer, Code::PixelOff]),
    ("Conversion", &[Code::ParkedAmbiguous, Code::ParkedOutsideWindow]),
    ("Allowed", &[Code::ParkedNoRate, Code::TransitionRefused]),
];

/// The checks of a postback.
pub fn steps(value: &NewPostback) -> Steps {
    // What a page reports comes without a key, and so does what a person records.
    let checks = if value.came_by().is_some() { CHECKS.get(1..).unwrap_or_default() } else { &CHECKS };
    let failed_at = checks.iter().position(|(_, codes)| codes.contains(&value.code));
    let step = |(at, (name, _)): (usize, &(&str, &[Code]))| {
        let mark = match failed_at {
            Some(failed) if at == failed => Mark::Failed,
            Some(failed) if at > failed => Mark::NotReached,
            _ => Mark::Done,
        };
        let detail = if mark == Mark::Failed { ticked(&value.message) } else { Vec::new() };
        Step { mark, name: (*name).to_owned(), detail, ..Step::default() }
    };
    let mut steps: Vec<Step> = checks.iter().enumerate().map(step).collect();
    let is_counted = matches!(value.code.result(), PostbackResult::Accepted | PostbackResult::Duplicate);
    steps.push(Step {
        mark: if is_counted { Mark::Done } else { Mark::NotReached },
        name: "Recorded".to_owned(),
        detail: if is_counted { ticked(&value.message) } else { Vec::new() },
        ..Step::default()
    });
    Steps { steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_that_does_not_count_ends_one_check() {
        for code in Code::ALL {
            let checks = CHECKS.iter().filter(|(_, codes)| codes.contains(code)).count();
            let counts = matches!(code.result(), PostbackResult::Accepted | PostbackResult::Duplicate);
            assert_eq!(checks, usize::from(!counts), "{code}");
        }
    }
}
