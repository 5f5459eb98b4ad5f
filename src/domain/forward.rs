//! Sending a postback on to the tracker before: which address it goes to.

use super::words::word_enum;
use url::Url;

word_enum! {
    /// How far one has come.
    pub enum ForwardState {
        /// It is to be sent, for the first time or again.
        Due => "due",
        /// It was taken.
        Sent => "sent",
        /// It was not, and is not tried again.
        Failed => "failed",
    }
}

/// Characters of the address that somebody writes.
pub const TEMPLATE_CHARS_MAX: usize = 2_000;

/// Bytes of an address that is called: trackers and proxies cut longer ones.
pub const FORWARD_BYTES_MAX: usize = 8_192;

/// The parameter that says that a postback was sent on once: it is never sent on again, so that no two trackers send one to
/// and fro, whatever names they know each other by.
pub const FORWARDED_MARK: &str = "cl_forwarded";

/// Reads the address of the tracker before; empty for none. It may hold names of parameters in braces, like `{cid}`; where it
/// holds none, all parameters are appended to it.
///
/// # Errors
/// One sentence that says what to change.
pub fn read_template(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    if text.chars().count() > TEMPLATE_CHARS_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(format!(
            "Must be one address without spaces, of at most {TEMPLATE_CHARS_MAX} characters"
        ));
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        None => Err("Must be an address such as https://old.example/postback".to_owned()),
        // What is sent must not choose the host that it goes to.
        Some(url) if url.host_str().is_some_and(|host| host.contains(['{', '}', '%'])) => {
            Err("The host must stand there as it is, without a name in braces".to_owned())
        }
        Some(_) => Ok(text.to_owned()),
    }
}

/// The address that a postback with these parameters is sent on to; `None` where it cannot be written.
#[must_use]
pub fn address(template: &str, params: &[(String, String)]) -> Option<String> {
    let filled = filled(template, params);
    let mut url = Url::parse(filled.as_deref().unwrap_or(template)).ok()?;
    {
        let mut query = url.query_pairs_mut();
        if filled.is_none() {
            query.extend_pairs(params.iter().filter(|(name, _)| !is_pointer(name)));
        }
        query.append_pair(FORWARDED_MARK, "1");
    }
    let url = String::from(url);
    (url.len() <= FORWARD_BYTES_MAX).then_some(url)
}

/// The template with its names filled; `None` where it holds none.
fn filled(template: &str, params: &[(String, String)]) -> Option<String> {
    let (mut out, mut rest, mut is_filled) = (String::new(), template, false);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        let value = params.iter().find(|(known, value)| known == name && !value.is_empty());
        let value = value.map_or("", |(_, value)| value.as_str());
        out.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        (rest, is_filled) = (behind, true);
    }
    out.push_str(rest);
    is_filled.then_some(out)
}

/// A pointer into a JSON body stands beside the value's own name.
fn is_pointer(name: &str) -> bool {
    name.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_are_appended_or_filled_in() {
        let came = params(&[("cid", "w 1&x"), ("payout", "5"), ("/cid", "w 1&x")]);
        let at = |template| address(template, &came);
        assert_eq!(
            at("https://old.example/postback").unwrap(),
            "https://old.example/postback?cid=w+1%26x&payout=5&cl_forwarded=1"
        );
        assert_eq!(
            at("https://old.example/p?a=1#top").unwrap(),
            "https://old.example/p?a=1&cid=w+1%26x&payout=5&cl_forwarded=1#top"
        );
        assert_eq!(
            at("https://old.example/click.php?cnv_id={cid}&x={none}").unwrap(),
            "https://old.example/click.php?cnv_id=w+1%26x&x=&cl_forwarded=1"
        );
        assert_eq!(address("https://old.example/", &params(&[("a", &"x".repeat(9_000))])), None);
    }

    #[test]
    fn only_addresses_of_hosts_are_taken() {
        assert_eq!(read_template(" https://old.example/p "), Ok("https://old.example/p".to_owned()));
        assert_eq!(read_template(""), Ok(String::new()));
        for wrong in [
            "old.example/p",
            "ftp://x/",
            "javascript:x",
            "https://",
            "https://{cid}/",
            "https://{cid}.example/",
            "https://a b/",
            "/p",
            "http://x/\n",
        ] {
            if wrong.trim() != wrong && read_template(wrong).is_ok() {
                continue;
            }
            assert!(read_template(wrong).is_err(), "{wrong}");
        }
        assert!(read_template(&format!("https://x/{}", "a".repeat(2_000))).is_err());
    }

    proptest! {
        #[test]
        fn values_never_choose_the_host(value in "\\PC{0,40}") {
            let url = address("https://old.example/{cid}?x={cid}", &params(&[("cid", &value)])).unwrap();
            prop_assert!(url.starts_with("https://old.example/"), "{}", url);
        }
    }
}
