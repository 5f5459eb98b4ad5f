//! A language, by its two or three letters.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The primary part of a language tag: `pt` of `pt-BR`, `fil` of `fil-PH`. Small letters, two or three of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language {
    letters: [u8; 3],
    len: u8,
}

impl Language {
    /// Reads a language tag (`en-US`, `EN_gb`, `fil`) and keeps its primary part; `None` if that is not two or three letters.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.as_bytes();
        let len = u8::try_from(primary.len()).ok()?;
        if !(2..=3).contains(&len) || !primary.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        let mut letters = [0; 3];
        for (to, from) in letters.iter_mut().zip(primary) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self { letters, len })
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // ASCII letters by construction, so the fallbacks are never seen.
        let letters = self.letters.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Language({})", self.as_str())
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::words::read_word(deserializer, Self::parse, "a language tag")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_primary_part_in_small_letters() {
        for (tag, expected) in [
            ("en-US", "en"),
            ("PT-br", "pt"),
            ("fil-PH", "fil"),
            ("zh-Hant-TW", "zh"),
            ("de", "de"),
            ("es_419", "es"),
        ] {
            assert_eq!(Language::parse(tag).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn refuses_what_is_no_language() {
        for tag in ["", "*", "e", "english", "12", "-en", "e\u{f1}"] {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
    }

    #[test]
    fn is_a_string_in_json() {
        let language = Language::parse("fil").unwrap();
        assert_eq!(serde_json::to_string(&language).unwrap(), "\"fil\"");
        assert_eq!(serde_json::from_str::<Language>("\"fil\"").unwrap(), language);
    }
}
