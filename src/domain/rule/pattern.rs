//! Regular expressions: bounded in size, matched in time linear in the text, checked when they are saved.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use std::fmt;

/// Characters of a pattern.
pub const PATTERN_CHARS_MAX: usize = 500;

/// Bytes of a compiled pattern: `(a{1000}){1000}` is short to write and huge to keep.
const COMPILED_BYTES_MAX: usize = 256 * 1_024;

/// Bytes that matching may use to remember states, per thread.
const STATES_BYTES_MAX: usize = 256 * 1_024;

/// How deep groups may stand within each other.
const NESTING_MAX: u32 = 50;

/// A compiled regular expression. Letters of either case are alike, as in all other comparisons.
#[derive(Debug)]
pub struct Pattern(Regex);

/// What is wrong with a pattern, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The character at which it stands, counted from 1; 0 where the whole is meant.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.column > 0 { write!(f, " (character {})", self.column) } else { Ok(()) }
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is too long, no regular expression, or too large when compiled.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let whole = |message: String| PatternError { column: 0, message };
        if text.chars().count() > PATTERN_CHARS_MAX {
            return Err(whole(format!("A pattern has at most {PATTERN_CHARS_MAX} characters")));
        }
        // Parsed by itself first: only this tells the place of a mistake.
        if let Err(error) = ParserBuilder::new().nest_limit(NESTING_MAX).build().parse(text) {
            return Err(placed(&error));
        }
        let built = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(STATES_BYTES_MAX)
            .nest_limit(NESTING_MAX)
            .build();
        match built {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(whole("The pattern is too large: use smaller repetitions".to_owned()))
            }
            Err(other) => Err(whole(format!("This is no regular expression: {other}"))),
        }
    }

    /// Whether it fits anywhere in a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn placed(error: &regex_syntax::Error) -> PatternError {
    let (column, what) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.column, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.column, error.kind().to_string()),
        other => (0, other.to_string()),
    };
    PatternError { column, message: format!("This is no regular expression: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_its_place() {
        let error = Pattern::parse("^7(\\d{4}$").unwrap_err();
        assert_eq!((error.column, error.to_string().contains("unclosed group")), (3, true), "{error}");
        assert!(Pattern::parse("(a{1000}){1000}").unwrap_err().message.contains("too large"));
        assert!(Pattern::parse(&"a".repeat(501)).unwrap_err().message.contains("500"));
        assert!(Pattern::parse(&"(".repeat(400)).is_err());
        assert!(
            Pattern::parse("a(?=b)").unwrap_err().column > 0,
            "looking ahead cannot be done in linear time"
        );
    }

    #[test]
    fn letters_match_in_either_case_and_hard_texts_in_no_time() {
        assert!(Pattern::parse("^zo?ne").unwrap().is_match("ZONE 7"));
        assert!(!Pattern::parse("(?-i)zone").unwrap().is_match("ZONE 7"));
        let hard = Pattern::parse("(a+)+(a+)+$").unwrap();
        assert!(!hard.is_match(&format!("{}b", "a".repeat(1_000))));
    }
}
