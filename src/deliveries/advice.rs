//! What to do about a call that a destination did not take: one sentence each.

use super::answered::has_text;
use crate::outgoing::{Answer, Failure};

/// The sentence; empty where it was taken. `success_match` is the text that means success.
pub(super) fn advice(outcome: &Result<Answer, Failure>, success_match: &str) -> String {
    match outcome {
        Ok(answer) if answer.is_success() => {
            if has_text(&String::from_utf8_lossy(&answer.body), success_match) {
                return String::new();
            }
            format!(
                "Read the answer: either the source did not take it, or what it says when it does is not {success_match:?}."
            )
        }
        Ok(answer) => advice_for(answer.code).to_owned(),
        Err(why) => of_failure(why).to_owned(),
    }
}

/// The sentence about an answer's code that means no success.
#[must_use]
pub const fn advice_for(code: u16) -> &'static str {
    match code {
        200..=299 => "Read the answer: it lacks the text that means success.",
        300..=399 => {
            "The address leads on without saying where: ask the source for the address that it means."
        }
        401 | 403 | 407 => "The source does not let us in: look at the key in the address or in the headers.",
        404 | 410 => "There is nothing at this address: compare it with the one in the source's panel.",
        405 => "The source wants another method: choose GET, POST or PUT as its panel says.",
        408 | 429 => {
            "The source is busy or wants fewer calls: nothing to do, a delivery is tried again by itself."
        }
        413 | 414 => "It is too long for the source: leave out what it does not need.",
        400..=499 => {
            "The source did not understand it: compare the parameters and the body with what it asks for."
        }
        500..=599 => {
            "The source itself is in trouble: a delivery is tried again for a day; where it stays so, ask the source."
        }
        _ => "The source answered in a way that no client knows: ask it what this code means.",
    }
}

const fn of_failure(failure: &Failure) -> &'static str {
    match failure {
        Failure::NoAddress(_) => "Mend the address: it begins with https:// and names a host.",
        Failure::BadHeader(_) => "Write the header's value anew: a sign in it cannot be sent.",
        Failure::NotAllowed { .. } => {
            "Write the source's public address; only a host of your own is called by a private one, where the setting allows it."
        }
        Failure::UnknownHost(_) => "Compare the host's name with the one in the source's panel.",
        Failure::NotConnected(_) => {
            "Look whether the host answers in a browser, and whether the port is right."
        }
        Failure::NotSafe(_) => {
            "Tell the source that its certificate is wrong; until it is mended nothing is sent there by https."
        }
        Failure::TimedOut(_) => {
            "The source takes too long: a delivery is tried again for a day; where it stays so, ask it."
        }
        Failure::NoToken(_) => {
            "Compare the token address, client id and secret with the platform's console, and make a new refresh token there."
        }
        Failure::TooManyHops => "Write the address that the redirects end at.",
        Failure::Broken(_) => {
            "The source broke off: a delivery is tried again for a day; where it stays so, ask it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_failure_has_one_sentence_and_success_none() {
        let answered = |code| Ok(Answer { code, body: b"no".to_vec(), is_cut: false, url: String::new() });
        assert_eq!(advice(&answered(204), ""), "");
        assert!(advice(&answered(200), "OK").contains("\"OK\""));
        let failures = [
            Failure::NoAddress(String::new()),
            Failure::BadHeader(String::new()),
            Failure::UnknownHost(String::new()),
            Failure::NotConnected(String::new()),
            Failure::NotSafe(String::new()),
            Failure::TimedOut(Duration::from_secs(1)),
            Failure::NoToken(String::new()),
            Failure::TooManyHops,
            Failure::Broken(String::new()),
        ];
        let answers = (300..700).map(answered).chain([answered(100)]);
        for outcome in failures.into_iter().map(Err).chain(answers) {
            let said = advice(&outcome, "");
            assert!(said.ends_with('.') && !said.contains(". "), "{outcome:?}: {said}");
        }
    }
}
