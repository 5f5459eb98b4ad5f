//! Requests as stories send them, and answers read to their end.

use reqwest::RequestBuilder;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::time::Duration;

/// What a person's browser says.
pub const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/126.0.0.0 Safari/537.36";

/// What an Android phone says.
pub const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/126.0.0.0 Mobile Safari/537.36";

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers by lower-case name; of repeated ones the last, but cookies all.
    pub headers: HashMap<String, String>,
    /// Its cookies as `name=value` pairs.
    pub cookies: Vec<String>,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The body as JSON of an answer that must be of this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// A header by its lower-case name; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn location(&self) -> &str {
        assert!(matches!(self.status, 302 | 303 | 307), "{self:?}");
        self.headers.get("location").unwrap_or_else(|| panic!("{self:?}"))
    }

    /// A verdict's code.
    #[track_caller]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no verdict: {self:?}")).to_owned()
    }
}

/// A client that follows no redirect, asks no proxy and keeps no cookies.
pub fn client() -> reqwest::Client {
    // Whoever comes second finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let building = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    // The server ends a connection that is idle for five seconds: none is used that it may be ending just now.
    let building = building.pool_idle_timeout(Duration::from_secs(2));
    building.user_agent(BROWSER).timeout(Duration::from_secs(30)).build().unwrap()
}

/// Sends a request and reads its answer to the end.
pub async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

/// The same, where the server may be gone.
async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let answer = request.send().await?;
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies = cookies.map(|value| text(value).split(';').next().unwrap_or("").to_owned()).collect();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(Answer { status: answer.status().as_u16(), headers, cookies, text: answer.text().await? })
}
