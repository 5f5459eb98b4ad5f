//! The addresses that are handed out: where an advertiser sends conversions, where traffic is sent.

/// Where a campaign's traffic is sent.
#[must_use]
pub fn campaign_url(public_url: &str, slug: &str) -> String {
    format!("{}/c/{slug}", public_url.trim_end_matches('/'))
}

/// Where an advertiser's conversions are sent.
#[must_use]
pub fn postback_url(public_url: &str, key: &str) -> String {
    format!("{}/postback/{key}", public_url.trim_end_matches('/'))
}

/// That address as an advertiser pastes it. The words in braces are examples of the sender's own macros,
/// which the sender replaces with the names it uses.
#[must_use]
pub fn postback_template(public_url: &str, key: &str) -> String {
    const PARAMETERS: &str = "cid={click_id}&payout={payout}&txid={transaction_id}&status={status}";
    format!("{}?{PARAMETERS}", postback_url(public_url, key))
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
    fn the_template_leads_to_the_key() {
        assert_eq!(
            postback_template("https://trk.example/", "k3y"),
            "https://trk.example/postback/k3y?cid={click_id}&payout={payout}&txid={transaction_id}&status={status}"
        );
    }
}
