//! Access tokens: fetched with a refresh token, kept in memory until shortly before they end, and fetched anew once where
//! one is refused.

use super::client::{Answer, Call, Failure, Method, Outgoing, headers, read};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as Turn;
use url::Url;

/// How long the fetching of one may take: half of what a delivery has, so that its error can still say why.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long before its end one is no longer used: a call with it may be on its way for a while.
const BEFORE_END: Duration = Duration::from_secs(60);

/// What one is good for that names no end, and the longest that is believed.
const UNNAMED_LIFE: Duration = Duration::from_secs(5 * 60);
const LIFE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a refusal is remembered, and a failure: a thousand deliveries that wait for one token ask for it once.
const REFUSED_FOR: Duration = Duration::from_secs(60);
const FAILED_FOR: Duration = Duration::from_secs(5);

/// Bytes of an answer with a token.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Characters of a token, as one header holds them.
const TOKEN_CHARS_MAX: usize = 8_192;

/// Grants that are remembered: more than an installation has, and few enough to hold.
const GRANTS_MAX: usize = 1_000;

/// What a token is fetched with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Where.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// The refresh token.
    pub refresh_token: String,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}

/// What is known for a grant.
enum Held {
    Token(String),
    Why(String),
}

/// A token or a refusal, and until when it counts.
type Known = Arc<Turn<Option<(Held, Instant)>>>;

/// The tokens that are held, each with a turn: who needs one while it is being fetched waits for it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Grant, Known>>);

impl Tokens {
    fn of(&self, grant: &Grant) -> Known {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= GRANTS_MAX && !known.contains_key(grant) {
            known.clear();
        }
        Arc::clone(known.entry(grant.clone()).or_default())
    }
}

impl Outgoing {
    /// A call with an access token; where that is refused by 401, once more with a new one.
    pub(super) async fn follow_with_token(self, call: Call, grant: &Grant) -> Result<Answer, Failure> {
        let first = self.token(grant, None).await?;
        let answer = self.clone().follow(with_token(&call, &first)).await?;
        if answer.code != 401 {
            return Ok(answer);
        }
        let second = self.token(grant, Some(&first)).await?;
        self.follow(with_token(&call, &second)).await
    }

    /// The token that is held, else a new one. `stale` is one that was refused.
    async fn token(&self, grant: &Grant, stale: Option<&str>) -> Result<String, Failure> {
        let place = self.tokens.of(grant);
        let mut known = place.lock().await;
        match &*known {
            Some((Held::Token(token), until)) if *until > Instant::now() && stale != Some(token) => {
                return Ok(token.clone());
            }
            Some((Held::Why(why), until)) if *until > Instant::now() => {
                return Err(Failure::NoToken(why.clone()));
            }
            _ => {}
        }
        let host = Url::parse(&grant.token_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_else(|| "its address".to_owned());
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.fetch(grant)).await;
        let (held, life) = match fetched.unwrap_or(Err(Failure::TimedOut(FETCH_TIMEOUT))) {
            Ok(answer) => understood(&answer, &host),
            Err(why) => (Held::Why(format!("No access token came from {host}: {why}")), FAILED_FOR),
        };
        let outcome = match &held {
            Held::Token(token) => Ok(token.clone()),
            Held::Why(why) => Err(Failure::NoToken(why.clone())),
        };
        *known = Some((held, Instant::now() + life));
        outcome
    }

    /// Asks for one. No redirect is followed: keys stand in the body.
    async fn fetch(&self, grant: &Grant) -> Result<Answer, Failure> {
        let url = self.looked_at(&grant.token_url)?;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", &grant.refresh_token)
            .append_pair("client_id", &grant.client_id)
            .append_pair("client_secret", &grant.client_secret)
            .finish();
        let kinds = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")];
        let kinds = kinds.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = self.ask(&url, Method::Post, &headers(&kinds)?, Some(&form.into_bytes())).await?;
        read(answer, ANSWER_BYTES_MAX).await
    }
}

fn with_token(call: &Call, token: &str) -> Call {
    let mut call = call.clone();
    call.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
    call
}

/// What an answer brings, and how long that counts.
fn understood(answer: &Answer, host: &str) -> (Held, Duration) {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !answer.is_success() {
        return refused(answer.code, &said, host);
    }
    let is_sendable = |token: &&str| {
        !token.is_empty()
            && token.len() <= TOKEN_CHARS_MAX
            && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let Some(token) = said.get("access_token").and_then(Value::as_str).filter(is_sendable) else {
        return (Held::Why(format!("No access token came from {host}: its answer names none")), FAILED_FOR);
    };
    let seconds =
        said.get("expires_in").and_then(|life| life.as_u64().or_else(|| life.as_str()?.parse().ok()));
    let life = seconds.map_or(UNNAMED_LIFE, |seconds| Duration::from_secs(seconds).min(LIFE_MAX));
    (Held::Token(token.to_owned()), life.saturating_sub(BEFORE_END))
}

/// A refusal in plain words. Only codes that the standard knows are repeated: an answer may hold what it was sent.
fn refused(code: u16, said: &Value, host: &str) -> (Held, Duration) {
    let advice = match said.get("error").and_then(Value::as_str) {
        Some("invalid_grant") => "invalid_grant. Make a new refresh token, and write it into the destination",
        Some("invalid_client") => {
            "invalid_client. Compare client id and client secret with those of your OAuth client"
        }
        Some("unauthorized_client") => {
            "unauthorized_client. The refresh token belongs to another OAuth client: make one for this client"
        }
        Some("invalid_scope") => {
            "invalid_scope. Make a new refresh token with the scope that the platform names"
        }
        Some("invalid_request" | "unsupported_grant_type") => {
            "it does not take refresh tokens as they are sent. Compare the token address with the platform's documents"
        }
        _ if (500..600).contains(&code) || code == 429 => {
            let why = format!("No access token came from {host}: it answered {code}");
            return (Held::Why(why), FAILED_FOR);
        }
        _ => {
            let why = format!("The access token was refused by {host}: it answered {code}");
            return (Held::Why(why), REFUSED_FOR);
        }
    };
    (Held::Why(format!("The access token was refused by {host}: {advice}")), REFUSED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, body: &str) -> (Result<String, String>, Duration) {
        let answer = Answer { code, body: body.into(), is_cut: false, url: String::new() };
        let (held, life) = understood(&answer, "auth.example");
        let held = match held {
            Held::Token(token) => Ok(token),
            Held::Why(why) => Err(why),
        };
        (held, life)
    }

    #[test]
    fn a_token_counts_until_a_minute_before_its_end() {
        let token = |body: &str| said(200, body);
        assert_eq!(
            token(r#"{"access_token":"t","expires_in":3600}"#),
            (Ok("t".to_owned()), Duration::from_secs(3540))
        );
        assert_eq!(token(r#"{"access_token":"t","expires_in":"90"}"#).1, Duration::from_secs(30));
        assert_eq!(token(r#"{"access_token":"t","expires_in":5}"#).1, Duration::ZERO);
        assert_eq!(token(r#"{"access_token":"t"}"#).1, UNNAMED_LIFE - BEFORE_END);
        assert!(token(r#"{"access_token":"t","expires_in":18446744073709551615}"#).1 < LIFE_MAX);
        for none in
            ["", "[]", r#"{"access_token":""}"#, r#"{"access_token":"a\nb"}"#, r#"{"access_token":7}"#]
        {
            assert!(token(none).0.unwrap_err().contains("names none"), "{none}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_and_repeats_nothing_of_ours() {
        let why = |code, body: &str| said(code, body).0.unwrap_err();
        let grant = why(400, r#"{"error":"invalid_grant","error_description":"r3fresh is over"}"#);
        assert_eq!(
            grant,
            "The access token was refused by auth.example: invalid_grant. Make a new refresh token, and write it into the \
             destination"
        );
        assert!(!why(400, r#"{"error":"r3fresh"}"#).contains("r3fresh"));
        assert!(why(401, r#"{"error":"invalid_client"}"#).contains("client secret"));
        assert!(why(302, "").contains("it answered 302"));
        assert_eq!(said(503, "").1, FAILED_FOR);
        let shown = format!(
            "{:?}",
            Grant {
                token_url: "https://a.example".to_owned(),
                client_id: "c1ient".to_owned(),
                client_secret: "s3cret".to_owned(),
                refresh_token: "r3fresh".to_owned(),
            }
        );
        assert!(
            !shown.contains("c1ient") && !shown.contains("s3cret") && !shown.contains("r3fresh"),
            "{shown}"
        );
    }
}
