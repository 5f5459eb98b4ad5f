//! The addresses that are handed out: where an advertiser sends conversions, where traffic is sent.

use crate::domain::preset::{self, Sends};

/// Where a campaign's traffic is sent.
#[must_use]
pub fn campaign_url(public_url: &str, slug: &str) -> String {
    format!("{}/c/{slug}", public_url.trim_end_matches('/'))
}

/// The installation's address under another of its hosts: the same door, so the same scheme and port.
#[must_use]
pub fn on_host(public_url: &str, host: Option<&str>) -> String {
    let own = public_url.trim_end_matches('/');
    let (Some(host), Some((scheme, authority))) = (host, own.split_once("://")) else {
        return own.to_owned();
    };
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Where an advertiser's conversions are sent.
#[must_use]
pub fn postback_url(public_url: &str, key: &str) -> String {
    format!("{}/postback/{key}", public_url.trim_end_matches('/'))
}

/// That address as an advertiser pastes it: with the macros of the preset's network. Where none are known, the words in
/// braces are examples of the sender's own macros, which the sender replaces with the names it uses; a network that posts
/// an object gets the bare address.
#[must_use]
pub fn postback_template(public_url: &str, key: &str, preset: Option<&str>) -> String {
    const PARAMETERS: &str = "cid={click_id}&payout={payout}&txid={transaction_id}&status={status}";
    let facts = preset.and_then(preset::network).map(|(_, facts)| facts);
    let url = postback_url(public_url, key);
    match facts.map(|facts| (facts.query(), facts.sends)) {
        Some((query, Sends::Get)) if !query.is_empty() => format!("{url}?{query}"),
        Some((_, Sends::PostForm | Sends::PostJson)) => url,
        _ => format!("{url}?{PARAMETERS}"),
    }
}

/// Where the image for pages that report conversions lies: beside the script.
#[must_use]
pub fn pixel_path(script_path: &str) -> String {
    format!("{}.gif", script_path.strip_suffix(".js").unwrap_or(script_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_has_the_same_door() {
        assert_eq!(on_host("https://t.example/", Some("a.example")), "https://a.example");
        assert_eq!(on_host("http://[::1]:8080", Some("a.example")), "http://a.example:8080");
        assert_eq!(on_host("http://[::1]", Some("a.example")), "http://a.example");
        assert_eq!(on_host("https://t.example", None), "https://t.example");
    }

    #[test]
    fn the_template_leads_to_the_key() {
        assert_eq!(
            postback_template("https://trk.example/", "k3y", None),
            "https://trk.example/postback/k3y?cid={click_id}&payout={payout}&txid={transaction_id}&status={status}"
        );
        let of = |preset| postback_template("https://trk.example", "k3y", Some(preset));
        assert_eq!(of("cake"), "https://trk.example/postback/k3y?cid=#s2#&payout=#price#&txid=#leadid#");
        assert_eq!(of("partnerstack"), "https://trk.example/postback/k3y");
        assert_eq!(of("partnerize"), of("gone with a version"), "macros that are not known");
    }
}
