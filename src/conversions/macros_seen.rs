//! Recognising a macro that the sender did not replace. About fifteen ways of writing them exist.

/// Opening and closing signs around a macro's name.
const SIGNS: &[(&str, &str)] = &[
    ("{{", "}}"),
    ("${", "}"),
    ("{", "}"),
    ("[[[", "]]]"),
    ("[[", "]]"),
    ("[=", "=]"),
    ("[", "]"),
    ("##", "##"),
    ("#", "#"),
    ("<", ">"),
    ("%%", "%%"),
    ("%", "%"),
    ("__", "__"),
    ("$$", "$$"),
];

/// Words that stand in templates for a value somebody forgot to write.
const PLACEHOLDERS: &[&str] = &["REPLACE", "OPTIONAL", "REPLACE_ME", "YOUR_CLICK_ID", "CLICK_ID_HERE"];

/// Whether a value is a macro's literal text, whole.
#[must_use]
pub fn looks_like_macro(value: &str) -> bool {
    let value = value.trim();
    if PLACEHOLDERS.contains(&value) {
        return true;
    }
    SIGNS.iter().any(|(open, close)| {
        let inside = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inside.is_some_and(is_name)
    })
}

fn is_name(inside: &str) -> bool {
    (1..=60).contains(&inside.len())
        && inside.bytes().any(|b| b.is_ascii_alphabetic())
        && inside.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'-' | b'.' | b':' | b'$' | b' ' | b'(' | b')' | b'=')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_writing_macros() {
        for text in [
            "{sub2}",
            "{{EXTERNAL_ID}}",
            "[clickid]",
            "[[[payment_sum]]]",
            "[=SID=]",
            "#price#",
            "##SUB_ID_SHORT(action)##",
            "<payout>",
            "${SUBID}",
            "%click%",
            "__CLICKID__",
            "REPLACE",
            "OPTIONAL",
            "{transaction.id}",
            "{$click_id}",
        ] {
            assert!(looks_like_macro(text), "{text}");
        }
        for text in ["12.50", "abc", "{}", "#1", "a{b}", "<5>", "__", "", "{a}b", "%20"] {
            assert!(!looks_like_macro(text), "{text}");
        }
    }
}
