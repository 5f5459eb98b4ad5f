//! Does an agent name itself a machine? By the list of `static/agents/crawlers.txt`.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{RegexSet, RegexSetBuilder};

static FILE: &str = include_str!("../../../static/agents/crawlers.txt");

/// The list, made ready: nearly all of its patterns are plain words, so one automaton of words does most of the work.
pub(super) struct Crawlers {
    words: AhoCorasick,
    expressions: RegexSet,
}

impl Crawlers {
    /// Compiles the list; `None` only if it is broken, which a test excludes.
    pub(super) fn new() -> Option<Self> {
        let (mut words, mut expressions) = (Vec::new(), Vec::new());
        for pattern in FILE.lines() {
            match plain(pattern) {
                Some(word) => words.push(word),
                None => expressions.push(pattern),
            }
        }
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words)
            .ok()?;
        let expressions = RegexSetBuilder::new(expressions).unicode(false).build().ok()?;
        Some(Self { words, expressions })
    }

    /// The name of the crawler, where the agent is one's.
    pub(super) fn name<'a>(&self, agent: &'a str) -> Option<&'a str> {
        let word = self.words.find(agent).and_then(|found| agent.get(found.range()));
        if word.is_none() && !self.expressions.is_match(agent.as_bytes()) {
            return None;
        }
        // `(compatible; AhrefsBot/7.0; ...)` names itself; else the word of the list that fitted; else how the agent begins.
        let named = agent
            .split_once("compatible; ")
            .map(|(_, rest)| first_word(rest))
            .filter(|name| *name != "Mozilla");
        Some(named.or(word).unwrap_or_else(|| first_word(agent)).trim_matches(|c: char| !c.is_alphanumeric()))
    }
}

fn first_word(text: &str) -> &str {
    text.split(['/', ' ', '(', ')', ';', ',']).next().unwrap_or_default()
}

/// The word that a pattern stands for, if it is no more than a word with escapes.
fn plain(pattern: &str) -> Option<String> {
    let mut word = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.push(letters.next().filter(char::is_ascii_punctuation)?),
            letter if regex_syntax::is_meta_character(letter) && !matches!(letter, '-' | '&' | '~' | '#') => {
                return None;
            }
            letter => word.push(letter),
        }
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_compiles_and_is_mostly_words() {
        let crawlers = Crawlers::new().unwrap();
        assert!(crawlers.words.patterns_len() > 1_300);
        assert!(crawlers.expressions.len() < 150, "{}", crawlers.expressions.len());
    }

    #[test]
    fn a_word_is_a_pattern_without_operators() {
        assert_eq!(plain(r"Googlebot\/").as_deref(), Some("Googlebot/"));
        assert_eq!(plain("python-requests").as_deref(), Some("python-requests"));
        for expression in ["^curl", "[wW]get", "a.c", r"\d", "dbot\\)$", "a|b"] {
            assert_eq!(plain(expression), None, "{expression}");
        }
    }

    #[test]
    fn names_the_crawler() {
        let crawlers = Crawlers::new().unwrap();
        for (agent, name) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Some("Googlebot")),
            ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", Some("AhrefsBot")),
            (
                "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
                Some("LinkedInBot"),
            ),
            ("curl/8.5.0", Some("curl")),
            ("Wget/1.21.3", Some("Wget")),
            ("WhatsApp/2.23.20.0 A", Some("WhatsApp")),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0", None),
            ("", None),
        ] {
            assert_eq!(crawlers.name(agent), name, "{agent}");
        }
    }
}
