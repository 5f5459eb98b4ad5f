//! Refuses what another site makes a browser send.
//!
//! A browser says where a request comes from in `Sec-Fetch-Site`, which no page can set. Where it does not
//! (plain http, old browsers), `Origin` must name our own host. A request with neither is refused: every
//! browser sends one of them with a form.

use super::app::host;
use super::limits::HEADER_BYTES_MAX;
use super::{App, Error, HttpConfig};
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, ORIGIN};
use actix_web::{FromRequest, HttpRequest, web};
use std::future::{Ready, ready};

/// The request came from a page of ours. For the few that change something without a sign-in: signing in
/// and setting up.
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin;

impl FromRequest for SameOrigin {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let config = request.app_data::<web::Data<App>>().map(|app| app.config.clone());
        ready(check(request, &config.unwrap_or_default()).map(|()| Self))
    }
}

/// Refuses a request that did not come from a page of ours.
pub(super) fn check(request: &HttpRequest, config: &HttpConfig) -> Result<(), Error> {
    let site = request.headers().get(HeaderName::from_static("sec-fetch-site"));
    let is_ours = match site {
        Some(site) => site.as_bytes() == b"same-origin",
        None => is_own_origin(request, config),
    };
    let refusal = "This request came from another site, and changes nothing here. Open the page itself.";
    if is_ours { Ok(()) } else { Err(Error::Forbidden(refusal.to_owned())) }
}

fn is_own_origin(request: &HttpRequest, config: &HttpConfig) -> bool {
    let origin = request.headers().get(ORIGIN).and_then(|value| value.to_str().ok());
    let Some(origin) = origin.filter(|origin| origin.len() <= HEADER_BYTES_MAX) else { return false };
    let origin = origin.to_ascii_lowercase();
    if config.public_url.as_deref().is_some_and(|url| same_place(&origin, url)) {
        return true;
    }
    // A page that came by plain http does not speak for an installation that is https.
    let schemes: &[&str] = if config.is_https() { &["https://"] } else { &["https://", "http://"] };
    let named = schemes.iter().find_map(|scheme| origin.strip_prefix(scheme));
    named.is_some_and(|named| host(request).is_some_and(|own| own == named))
}

fn same_place(origin: &str, public_url: &str) -> bool {
    let place = |text: &str| url::Url::parse(text).ok().map(|parsed| parsed.origin());
    place(origin).is_some_and(|origin| origin.is_tuple() && Some(origin) == place(public_url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn is_taken(headers: &[(&'static str, &str)], public_url: Option<&str>) -> bool {
        let config = HttpConfig { public_url: public_url.map(ToOwned::to_owned), ..HttpConfig::default() };
        let request =
            headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        check(&request.to_http_request(), &config).is_ok()
    }

    #[test]
    fn the_browsers_word_counts_first() {
        assert!(is_taken(&[("sec-fetch-site", "same-origin")], None));
        for other in ["cross-site", "same-site", "none", ""] {
            let headers = [("sec-fetch-site", other), ("host", "a.example"), ("origin", "http://a.example")];
            assert!(!is_taken(&headers, None), "{other}");
        }
    }

    #[test]
    fn else_the_origin_must_be_our_host() {
        assert!(is_taken(&[("host", "a.example:8080"), ("origin", "http://a.example:8080")], None));
        for other in ["http://b.example", "http://a.example", "null", "", "http://a.example:8080.b.example"] {
            assert!(!is_taken(&[("host", "a.example:8080"), ("origin", other)], None), "{other}");
        }
        assert!(!is_taken(&[("host", "a.example")], None));
    }

    #[test]
    fn a_public_address_counts_whatever_the_proxy_makes_of_the_host() {
        let public = Some("https://desk.example");
        assert!(is_taken(&[("host", "127.0.0.1:8080"), ("origin", "https://desk.example")], public));
        assert!(!is_taken(&[("host", "desk.example"), ("origin", "http://desk.example")], public));
    }
}
