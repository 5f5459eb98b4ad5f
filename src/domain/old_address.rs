//! Old addresses: what another tracker's links looked like, kept so that a campaign here answers at them.
//!
//! An address is kept in one form: a path of letters that no encoding changes, and the one parameter that named the campaign
//! where the old tracker had it there (`/click.php?key=abc`). A path that leads to a page or a door of ours is never taken.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Old addresses of one campaign: as many as a campaign has sources elsewhere, and some more.
pub const ALIASES_MAX: usize = 200;

/// Characters of an old address: several times what any tracker's has.
pub const ALIAS_CHARS_MAX: usize = 255;

/// The first parts of the addresses that are our own, and of those that pages to come will have.
const OWN_PARTS: &str = "advertisers api attention audit c campaigns clicks conversions cost-changes dashboard deliveries \
    destinations docs domains favicon.ico foreign-clicks fx-rates healthz landers lists metrics o offers partners pixel.gif \
    postback postbacks presets r readyz reconcile reconciliations reports robots.txt search settings setup sign-in sign-out \
    sources start static t t.js templates test-data tokens users v1 v2";

/// The door of landers' buttons. An old address may stand behind it, if no button's number does.
const BUTTONS: &str = "go";

/// The door of the lander's buttons elsewhere.
const OLD_BUTTONS: &str = "click";

/// Whether addresses that begin with this part are our own, whatever the letters' case.
#[must_use]
pub fn is_own_part(part: &str) -> bool {
    OWN_PARTS.split_whitespace().any(|own| own.eq_ignore_ascii_case(part))
}

/// A path with what is percent-encoded decoded, and without slashes at its end; `None` where it is no text.
#[must_use]
pub fn plain_path(path: &str) -> Option<Cow<'_, str>> {
    let path = path.trim_end_matches('/');
    if path.contains('%') { percent_decode_str(path).decode_utf8().ok() } else { Some(Cow::Borrowed(path)) }
}

/// Reads an old address as somebody typed it and brings it into the form in which it is kept.
///
/// # Errors
/// One sentence that says what to change.
pub fn read_alias(text: &str) -> Result<String, String> {
    let text = text.trim();
    let shown: String = text.chars().take(80).collect();
    let refused = |why: &str| Err(format!("{shown}: {why}"));
    if text.chars().count() > ALIAS_CHARS_MAX {
        return refused("an old address has at most 255 characters");
    }
    let Some(rest) = without_host(text) else {
        return refused(
            "write the part after the host, beginning with one slash, like /3fa85f64 or /click.php?key=abc",
        );
    };
    if rest.contains('#') {
        return refused("leave out what stands after the #, which browsers never send");
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let Some(path) = plain_path(path) else {
        return refused("it holds percent signs that stand for no text");
    };
    if path.is_empty() && query.is_none() {
        return refused(
            "the address without a path is the dashboard's: a host's own fallback takes who comes there",
        );
    }
    if !is_plain(&path) {
        return refused("use letters, digits, - . _ and ~ between single slashes, and no part of dots alone");
    }
    check_own(&path, query.is_some()).map_err(|why| format!("{shown}: {why}"))?;
    match query {
        None => Ok(path.into_owned()),
        Some(query) => match read_parameter(query) {
            Some((name, value)) => Ok(with_parameter(&path, &name, &value)),
            None => refused("keep one parameter alone, the one that names the campaign, like ?key=abc"),
        },
    }
}

/// The form in which an address with a parameter is kept.
#[must_use]
pub fn with_parameter(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{name}={value}")
}

/// The path and what follows it; `None` where neither a host nor one slash stands before.
fn without_host(text: &str) -> Option<&str> {
    let after_scheme = ["https://", "http://"].iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| text.get(scheme.len()..)).flatten()
    });
    let rest = match after_scheme {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => text,
    };
    (rest.starts_with('/') && !rest.starts_with("//")).then_some(rest)
}

/// Letters that are written alike everywhere.
fn is_plain_word(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !text.is_empty() && text.bytes().all(is_letter)
}

fn is_plain(path: &str) -> bool {
    let Some(parts) = path.strip_prefix('/') else { return false };
    parts.split('/').all(|part| is_plain_word(part) && part.bytes().any(|b| b != b'.'))
}

/// Says whose a path is where it is ours.
fn check_own(path: &str, has_parameter: bool) -> Result<(), String> {
    let mut parts = path.split('/').skip(1);
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if first.eq_ignore_ascii_case(BUTTONS) && (second.is_none() || is_number(second) || third.is_some()) {
        return Err("addresses of this form are lander buttons here".to_owned());
    }
    if first.eq_ignore_ascii_case(OLD_BUTTONS) && !has_parameter && (second.is_none() || is_number(second)) {
        return Err("this is the old tracker's lander button, which no campaign can answer at: see Settings, Moving in".to_owned());
    }
    if is_own_part(first) {
        return Err(format!("addresses under /{first} are this tracker's own"));
    }
    if second.is_some_and(|part| part.eq_ignore_ascii_case("postback")) && third.is_none() {
        return Err("addresses of this form take postbacks: see Settings, Moving in".to_owned());
    }
    Ok(())
}

/// The one parameter of a query that holds one.
fn read_parameter(query: &str) -> Option<(String, String)> {
    let mut pairs = query.split('&').filter(|pair| !pair.is_empty());
    let (pair, more) = (pairs.next()?, pairs.next());
    let (name, value) = pair.split_once('=')?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
    let (name, value) = (decoded(name)?, decoded(value)?);
    let is_one = more.is_none() && is_plain_word(&name) && is_plain_word(&value);
    is_one.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_of_other_trackers_are_kept_in_one_form() {
        for (typed, kept) in [
            ("/3fa85f64-5717-4562-b3fc-2c963f66afa6", "/3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            (" https://Old.example/DqT9jR/ ", "/DqT9jR"),
            ("/click.php?key=abc", "/click.php?key=abc"),
            ("http://old.example/click?key=a%62c", "/click?key=abc"),
            ("/go/3fa85f64-5717-4562-b3fc-2c963f66afa6", "/go/3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            ("/cf/r/66f0a1", "/cf/r/66f0a1"),
            ("/%61d-one", "/ad-one"),
            ("/camp?c=7", "/camp?c=7"),
        ] {
            assert_eq!(read_alias(typed).as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn what_is_ours_or_no_address_is_refused_with_a_reason() {
        for typed in [
            "",
            "/",
            "//evil",
            "https://evil.example",
            "evil",
            "javascript:alert(1)",
            "/api/v1/x",
            "/%61pi/v1/x",
            "/API",
            "/c/x",
            "/go",
            "/go/1",
            "/go/x/y",
            "/postback/k",
            "/v1/postback",
            "/settings",
            "/static/app.css",
            "/t.js",
            "/a//b",
            "/../api",
            "/a/../api",
            "/.",
            "/a b",
            "/a%2520b",
            "/ä",
            "/a%00b",
            "/x%2f..%2fapi",
            "/a#b",
            "/a?b",
            "/a?b=",
            "/a?b=c&d=e",
            "/click",
            "/click/2",
            "/key1/postback",
            "/%ff",
            "/a\\b",
            "/?key=1",
        ] {
            let why = read_alias(typed).expect_err(typed);
            assert!(why.contains(": ") && why.len() > 20, "{typed}: {why}");
        }
        assert!(read_alias(&format!("/{}", "a".repeat(300))).unwrap_err().contains("255"));
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_as_itself(typed in "(https?://[a-z.]{1,9})?/[a-zA-Z0-9%./~_-]{0,20}(\\?[a-z]{1,3}=[a-z0-9]{1,4})?") {
            if let Ok(kept) = read_alias(&typed) {
                prop_assert_eq!(read_alias(&kept), Ok(kept.clone()));
                prop_assert!(kept.starts_with('/') && !kept.starts_with("//") && !kept.starts_with("/api"));
            }
        }
    }
}
