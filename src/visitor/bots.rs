//! Person or machine, as far as one request tells.

use crate::domain::BotReason;

use super::agent::Agent;

/// The parts of a request that tell a machine, or a browser acting before its user does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signals<'a> {
    /// Whether the method is `HEAD`.
    pub is_head: bool,
    /// `Purpose`: `prefetch` (Chromium and Safari of old), `preview` (Safari's tiles).
    pub purpose: Option<&'a str>,
    /// `Sec-Purpose`: `prefetch`, `prefetch;prerender`, `prefetch;anonymous-client-ip` (what browsers send today).
    pub sec_purpose: Option<&'a str>,
    /// `X-Purpose`: `preview` (Safari), `prefetch`, `instant` (Chrome's old instant search).
    pub x_purpose: Option<&'a str>,
    /// `X-Moz`: `prefetch` (Firefox before 115).
    pub x_moz: Option<&'a str>,
}

/// Why this request is no person's click; `None` for one that may well be.
///
/// Who asks says more than how, so a crawler's `HEAD` is a crawler.
#[must_use]
pub fn judge(signals: &Signals<'_>, agent: &Agent) -> Option<BotReason> {
    if agent.is_crawler {
        Some(BotReason::Crawler)
    } else if agent.text.trim().is_empty() {
        Some(BotReason::EmptyAgent)
    } else if signals.is_head {
        Some(BotReason::Head)
    } else {
        ahead_of_the_user(signals)
    }
}

fn ahead_of_the_user(signals: &Signals<'_>) -> Option<BotReason> {
    let values = [signals.sec_purpose, signals.purpose, signals.x_purpose, signals.x_moz];
    let mut words = values.iter().flatten().flat_map(|value| value.split([';', ','])).map(str::trim);
    words.find_map(|word| {
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        if is("prefetch") || is("prerender") || is("instant") {
            Some(BotReason::Prefetch)
        } else if is("preview") {
            Some(BotReason::Preview)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::agent;

    const PERSON: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36";

    fn judged(signals: Signals<'_>, text: &str) -> Option<BotReason> {
        judge(&signals, &agent::of(text))
    }

    #[test]
    fn a_plain_request_of_a_browser_is_a_person_s() {
        assert_eq!(judged(Signals::default(), PERSON), None);
        let odd = Signals {
            purpose: Some("navigation"),
            sec_purpose: Some(""),
            x_moz: Some("x"),
            ..Signals::default()
        };
        assert_eq!(judged(odd, PERSON), None);
    }

    #[test]
    fn what_browsers_send_when_they_fetch_ahead() {
        let none = Signals::default();
        for (signals, reason) in [
            (Signals { sec_purpose: Some("prefetch"), ..none }, BotReason::Prefetch),
            (Signals { sec_purpose: Some("prefetch;prerender"), ..none }, BotReason::Prefetch),
            (Signals { sec_purpose: Some("prefetch; anonymous-client-ip"), ..none }, BotReason::Prefetch),
            (Signals { purpose: Some("Prefetch"), ..none }, BotReason::Prefetch),
            (Signals { purpose: Some("preview"), ..none }, BotReason::Preview),
            (Signals { x_purpose: Some("preview"), ..none }, BotReason::Preview),
            (Signals { x_purpose: Some("instant"), ..none }, BotReason::Prefetch),
            (Signals { x_moz: Some("prefetch"), ..none }, BotReason::Prefetch),
            (Signals { is_head: true, ..none }, BotReason::Head),
        ] {
            assert_eq!(judged(signals, PERSON), Some(reason), "{signals:?}");
        }
    }

    #[test]
    fn who_asks_says_more_than_how() {
        let head = Signals { is_head: true, purpose: Some("prefetch"), ..Signals::default() };
        assert_eq!(judged(head, "curl/8.5.0"), Some(BotReason::Crawler));
        assert_eq!(judged(head, ""), Some(BotReason::EmptyAgent));
        assert_eq!(judged(Signals::default(), " "), Some(BotReason::EmptyAgent));
        assert_eq!(judged(head, PERSON), Some(BotReason::Head));
    }
}
