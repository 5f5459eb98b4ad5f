//! URL templates: text with macros such as `{click_id}` that are filled for one click.
//!
//! A template is parsed when it is saved, so that the click path only walks a list of parts. Other
//! systems' macros (`#s2#`, `[clickid]`, `${SUBID}`) are opaque text and pass through untouched.

use super::filling::{Function, is_kept_in_url, parse_function, push_encoded, push_value};
use super::macros::Macro;
use std::fmt;

/// The longest template, in bytes: targets longer than this are cut by proxies and ad platforms anyway.
pub const TEMPLATE_BYTES_MAX: usize = 4_096;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Macro(Macro, Vec<Function>),
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    text: Box<str>,
}

/// Where a template is used: decides which macros it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateUse {
    /// The address of an offer.
    Offer,
    /// The address of a lander: knows `{click_token}` besides.
    Lander,
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The character at which it stands, counted from 1; 0 where the whole is meant.
    pub column: usize,
    /// The text that is meant: `{zoneid}`.
    pub found: String,
    /// One sentence that says what to change.
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.column > 0 { write!(f, " (column {})", self.column) } else { Ok(()) }
    }
}

/// The values of one click: writes the raw value of a macro, or nothing where it is unknown.
pub trait MacroValues {
    /// Appends the value of a macro, not encoded.
    fn write_value(&self, name: Macro, out: &mut String);
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// An unknown macro or function, a scheme that must not be a target, or too long a text.
    pub fn parse(text: &str, template_use: TemplateUse) -> Result<Self, TemplateError> {
        let text = text.trim();
        check_whole(text)?;
        let mut parts = Vec::new();
        let mut rest = text;
        let mut literal = String::new();
        while let Some((before, tail)) = rest.split_once('{') {
            literal.push_str(before);
            let column = || text.chars().count().saturating_sub(tail.chars().count());
            if let Some((inside, after)) = tail.split_once('}')
                && looks_like_macro(inside)
            {
                let (name, functions) = parse_macro(inside, template_use, column())?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(Part::Macro(name, functions));
                rest = after;
            } else {
                literal.push('{');
                rest = tail;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        check_scheme(&parts, text)?;
        Ok(Self { parts, text: text.into() })
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a macro stands in it.
    #[must_use]
    pub fn has(&self, wanted: Macro) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Macro(name, _) if *name == wanted))
    }

    /// Fills it. The result is ASCII without control characters or spaces, so that it can stand in a
    /// `Location` header as it is.
    #[must_use]
    pub fn fill(&self, values: &impl MacroValues) -> String {
        let mut out = String::with_capacity(self.text.len() + 96);
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => push_encoded(text, is_kept_in_url, &mut out),
                Part::Macro(name, functions) => {
                    value.clear();
                    values.write_value(*name, &mut value);
                    push_value(&mut value, functions, &mut out);
                }
            }
        }
        out
    }
}

fn check_whole(text: &str) -> Result<(), TemplateError> {
    let whole =
        |message: &str| TemplateError { column: 0, found: String::new(), message: message.to_owned() };
    if text.is_empty() {
        return Err(whole("Write the address, like https://shop.example/?ref={click_id}"));
    }
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(whole("The address is longer than 4,096 bytes"));
    }
    if let Some(at) = text.chars().position(|c| c.is_control() || c == ' ') {
        return Err(TemplateError {
            column: at + 1,
            found: " ".to_owned(),
            message: "A space or line break stands in the address: write %20, or remove it".to_owned(),
        });
    }
    Ok(())
}

/// Schemes that would run in the visitor's browser instead of leading somewhere.
const FORBIDDEN_SCHEMES: [&str; 8] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"];

fn check_scheme(parts: &[Part], text: &str) -> Result<(), TemplateError> {
    let start =
        |message: String| TemplateError { column: 1, found: text.chars().take(20).collect(), message };
    let Some(Part::Literal(first)) = parts.first() else {
        return Err(start("Start the address with https:// (a macro cannot be the scheme)".to_owned()));
    };
    let Some((scheme, after)) = first.split_once(':') else {
        return Err(start("Start the address with https://".to_owned()));
    };
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !is_scheme {
        return Err(start("Start the address with https://".to_owned()));
    }
    let lower = scheme.to_ascii_lowercase();
    if FORBIDDEN_SCHEMES.contains(&lower.as_str()) {
        return Err(start(format!("{lower}: addresses are never a target; use https://")));
    }
    let needs_host = lower == "http" || lower == "https";
    let host = after.strip_prefix("//").unwrap_or("");
    let has_host = !host.is_empty() && !host.starts_with(['/', '?', '#']);
    if needs_host && !has_host && !(host.is_empty() && after == "//" && parts.len() > 1) {
        return Err(start("The address has no host: write https://shop.example/...".to_owned()));
    }
    Ok(())
}

/// Ours are `{name}` and `{name|function}`; anything else in braces is text of somebody else.
fn looks_like_macro(inside: &str) -> bool {
    let name = inside.split('|').next().unwrap_or("");
    !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':'))
}

fn parse_macro(
    inside: &str,
    template_use: TemplateUse,
    column: usize,
) -> Result<(Macro, Vec<Function>), TemplateError> {
    let error = |message: String| TemplateError { column, found: format!("{{{inside}}}"), message };
    let mut pieces = inside.split('|');
    let written = pieces.next().unwrap_or("");
    let Some(name) = Macro::parse(written) else {
        let hint = Macro::nearest(written)
            .map_or_else(String::new, |near| format!(": did you mean {{{}}}?", near.word()));
        let stop = if hint.is_empty() { "." } else { "" };
        return Err(error(format!("There is no macro {{{written}}}{hint}{stop}")));
    };
    if name == Macro::ClickToken && template_use != TemplateUse::Lander {
        return Err(error(
            "{click_token} belongs in a lander's address; an offer takes {click_id}".to_owned(),
        ));
    }
    let functions = pieces
        .map(|piece| {
            parse_function(piece).ok_or_else(|| {
                error(format!(
                    "There is no function {piece}; there are raw, lower, md5, sha256, encode, default:text"
                ))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((name, functions))
}

/// A click that exists only to show what a template looks like when filled.
pub struct SampleClick;

impl MacroValues for SampleClick {
    fn write_value(&self, name: Macro, out: &mut String) {
        out.push_str(&name.sample());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct One(&'static str);
    impl MacroValues for One {
        fn write_value(&self, _: Macro, out: &mut String) {
            out.push_str(self.0);
        }
    }

    fn fill(template: &str, value: &'static str) -> String {
        Template::parse(template, TemplateUse::Offer).unwrap().fill(&One(value))
    }

    fn error(template: &str) -> String {
        Template::parse(template, TemplateUse::Offer).unwrap_err().to_string()
    }

    #[test]
    fn macros_are_filled_and_encoded() {
        assert_eq!(fill("https://a.example/?x={sub1}", "a b&c"), "https://a.example/?x=a%20b%26c");
        assert_eq!(fill("https://a.example/?x={sub1|raw}", "a b&c"), "https://a.example/?x=a%20b&c");
        assert_eq!(fill("https://a.example/?x={sub1|encode}", "a b"), "https://a.example/?x=a%2520b");
        assert_eq!(fill("https://a.example/{sub1|lower}", "ÄB"), "https://a.example/%C3%A4b");
        assert_eq!(fill("https://a.example/{sub1|default:none}", ""), "https://a.example/none");
        assert_eq!(
            fill("https://a.example/{sub1|md5}", "abc"),
            "https://a.example/900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(fill("https://a.example/{sub1|md5|default:x}", ""), "https://a.example/x");
    }

    #[test]
    fn a_raw_value_cannot_break_a_header() {
        assert_eq!(
            fill("https://a.example/{sub1|raw}", "x\r\nSet-Cookie: a"),
            "https://a.example/x%0D%0ASet-Cookie:%20a"
        );
    }

    #[test]
    fn macros_of_others_pass_untouched() {
        let template = "https://a.example/?a=#s2#&b=[clickid]&c={click_id}";
        assert_eq!(fill(template, "7"), "https://a.example/?a=#s2#&b=[clickid]&c=7");
    }

    #[test]
    fn an_unknown_macro_is_named_with_its_place() {
        assert_eq!(
            error("https://a.example/?x={clickid}"),
            "There is no macro {clickid}: did you mean {click_id}? (column 22)"
        );
        assert_eq!(error("https://ä.example/{zzzzzz}"), "There is no macro {zzzzzz}. (column 19)");
        assert!(error("https://a.example/{sub1|upper}").starts_with("There is no function upper"));
        assert!(error("https://a.example/{click_token}").contains("lander"));
        assert!(error("https://a.example/{sub21}").contains("no macro {sub21}"));
    }

    #[test]
    fn schemes_that_run_code_are_no_targets() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript:x",
            "data:text/html,x",
            "//a.example",
            "{sub1}",
            "a.example/x",
            "https://",
            "https:///x",
            "https://?x",
        ] {
            assert!(Template::parse(bad, TemplateUse::Offer).is_err(), "{bad}");
        }
        for good in [
            "myapp://open?x={sub1}",
            "intent://x#Intent;scheme=y;end",
            "https://{sub1}.example/",
            "market://details?id=x",
        ] {
            assert!(Template::parse(good, TemplateUse::Offer).is_ok(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = Template::parse(&text, TemplateUse::Lander);
        }

        #[test]
        fn filled_urls_fit_in_a_header(value in "\\PC*", raw in any::<bool>()) {
            struct Any(String);
            impl MacroValues for Any {
                fn write_value(&self, _: Macro, out: &mut String) { out.push_str(&self.0); }
            }
            let text = if raw { "https://a.example/{sub1|raw}" } else { "https://a.example/{sub1}" };
            let url = Template::parse(text, TemplateUse::Offer).unwrap().fill(&Any(value));
            prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
