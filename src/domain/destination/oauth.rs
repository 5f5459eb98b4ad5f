//! How a destination comes by its access token: where it is fetched, and the words with which, which nobody reads again.

use super::super::input::FieldErrors;
use super::PLACEHOLDER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::net::{IpAddr, Ipv6Addr};
use url::{Host, Url};

/// The words that are sealed.
const SECRETS: [&str; 3] = ["client_id", "client_secret", "refresh_token"];

/// Where it is fetched.
const TOKEN_URL: &str = "token_url";

/// The field of a word that was sealed already. Nothing from outside is read with it: see [`sealed`].
const SEALED: &str = "sealed";

/// Characters of the address and of a word; refresh tokens have a few hundred.
const URL_CHARS_MAX: usize = 1_024;
const SECRET_CHARS_MAX: usize = 4_096;

/// Where an access token is fetched with a refresh token, and the sealed words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oauth {
    /// Where: https, or a host of one's own.
    pub token_url: String,
    /// The client's id, sealed.
    pub client_id: String,
    /// The client's secret, sealed.
    pub client_secret: String,
    /// The refresh token, sealed.
    pub refresh_token: String,
}

impl Oauth {
    /// What holds once this is set: null takes it away, a word with null keeps its value.
    ///
    /// # Errors
    /// What is wrong, under `oauth.` and the word; [`sealed`] did not come first.
    pub(super) fn after(before: Option<&Self>, value: &Value) -> Result<Option<Self>, FieldErrors> {
        let Some(given) = object(value)? else { return Ok(None) };
        let mut errors = FieldErrors::default();
        let token_url = match given.get(TOKEN_URL).filter(|value| !value.is_null()) {
            Some(value) => value.as_str().unwrap_or_default().to_owned(),
            None => before.map(|known| known.token_url.clone()).unwrap_or_default(),
        };
        if let Err(message) = check_token_url(&token_url) {
            errors.push("oauth.token_url", message);
        }
        // What was meant for one host is not told to another.
        let kept = before.filter(|known| is_same_host(&known.token_url, &token_url));
        let mut word = |name: &str, known: fn(&Self) -> &String| {
            let given = given.get(name).and_then(|value| value.get(SEALED)).and_then(Value::as_str);
            let word = given.map(str::to_owned).or_else(|| kept.map(|kept| known(kept).clone()));
            if word.is_none() {
                let why = if before.is_some() { " anew: the token address has another host" } else { "" };
                errors.push(&format!("oauth.{name}"), format!("Write the {name}{why}"));
            }
            word.unwrap_or_default()
        };
        let oauth = Self {
            client_id: word("client_id", |known| &known.client_id),
            client_secret: word("client_secret", |known| &known.client_secret),
            refresh_token: word("refresh_token", |known| &known.refresh_token),
            token_url,
        };
        errors.into_result().map(|()| Some(oauth))
    }
}

/// The words by name; `None` for null.
fn object(value: &Value) -> Result<Option<&Map<String, Value>>, FieldErrors> {
    match value {
        Value::Null => Ok(None),
        Value::Object(given) => Ok(Some(given)),
        _ => {
            let names = SECRETS.join(", ");
            Err(FieldErrors::one("oauth", format!("Must be {{{TOKEN_URL}, {names}}}, or null")))
        }
    }
}

/// Reads them as they come from outside, and seals the secret ones. Null stands for one that is kept.
///
/// # Errors
/// One sentence that says what to change, for each word.
pub fn sealed(value: &Value, seal: impl Fn(&str) -> String) -> Result<Value, FieldErrors> {
    let Some(given) = object(value)? else { return Ok(Value::Null) };
    let (mut errors, mut words) = (FieldErrors::default(), Map::new());
    for (name, value) in given {
        let field = format!("oauth.{name}");
        let is_secret = SECRETS.contains(&name.as_str());
        if !is_secret && name != TOKEN_URL {
            errors.push(&field, format!("There is no such word: write {TOKEN_URL}, {}", SECRETS.join(", ")));
            continue;
        }
        let chars_max = if is_secret { SECRET_CHARS_MAX } else { URL_CHARS_MAX };
        match value {
            Value::Null => words.insert(name.clone(), Value::Null),
            Value::String(text) => {
                let text = text.trim();
                let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
                if text.is_empty() || text.len() > chars_max || !is_plain {
                    let what = format!(
                        "Must be at most {chars_max} plain letters, digits and signs, without spaces"
                    );
                    errors.push(&field, what);
                    continue;
                }
                let kept = if is_secret { json!({ SEALED: seal(text) }) } else { json!(text) };
                words.insert(name.clone(), kept)
            }
            _ => {
                errors.push(&field, "Must be a text");
                continue;
            }
        };
    }
    errors.into_result().map(|()| Value::Object(words))
}

/// Keys go over https; over http to a host of the own network alone, which is called where a setting allows it.
fn check_token_url(text: &str) -> Result<(), String> {
    const WHAT: &str = "Write where the access token is fetched, like https://oauth2.googleapis.com/token";
    if text.is_empty() || text.contains(PLACEHOLDER) {
        return Err(WHAT.to_owned());
    }
    let url = Url::parse(text).map_err(|why| format!("This is no address ({why}). {WHAT}"))?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_own_network(&url));
    if !is_safe || !url.username().is_empty() || url.password().is_some() {
        return Err(
            "The token address must begin with https:// and name no user: keys are sent to it".to_owned()
        );
    }
    Ok(())
}

fn is_own_network(url: &Url) -> bool {
    let is_local_v6 = |v6: Ipv6Addr| v6.is_loopback() || v6.is_unique_local();
    match url.host() {
        Some(Host::Domain(name)) => !name.contains('.'),
        Some(Host::Ipv4(v4)) => v4.is_loopback() || v4.is_private(),
        Some(Host::Ipv6(v6)) => match IpAddr::V6(v6).to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
            IpAddr::V6(v6) => is_local_v6(v6),
        },
        None => false,
    }
}

fn is_same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: Option<&Oauth>, given: &Value) -> Result<Option<Oauth>, FieldErrors> {
        Oauth::after(before, &sealed(given, |text| format!("<{text}>"))?)
    }

    fn whole(token_url: &str) -> Value {
        json!({"token_url": token_url, "client_id": "c", "client_secret": "s", "refresh_token": "r"})
    }

    fn messages(before: Option<&Oauth>, given: &Value) -> Vec<(String, String)> {
        let errors = after(before, given).unwrap_err();
        errors.0.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn words_are_sealed_kept_and_taken_away() {
        let first = after(None, &whole("https://a.example/token")).unwrap().unwrap();
        assert_eq!((first.client_id.as_str(), first.refresh_token.as_str()), ("<c>", "<r>"));
        let second =
            after(Some(&first), &json!({"refresh_token": "r2", "client_id": null})).unwrap().unwrap();
        assert_eq!((second.client_id.as_str(), second.refresh_token.as_str()), ("<c>", "<r2>"));
        assert_eq!(after(Some(&second), &Value::Null).unwrap(), None);
    }

    #[test]
    fn keys_are_not_told_to_another_host() {
        let first = after(None, &whole("https://a.example/token")).unwrap().unwrap();
        assert!(after(Some(&first), &json!({"token_url": "https://a.example/v2/token"})).is_ok());
        let said = messages(Some(&first), &json!({"token_url": "https://b.example/token", "client_id": "c"}));
        let fields: Vec<&str> = said.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["oauth.client_secret", "oauth.refresh_token"]);
        assert!(said[0].1.contains("another host"));
    }

    #[test]
    fn what_is_wrong_is_named_word_by_word() {
        let said = messages(None, &json!({"token_url": "https://a.example/token"}));
        assert_eq!(said.len(), 3);
        for (bad, field) in [
            (json!({"scope": "x"}), "oauth.scope"),
            (json!({"client_id": 7}), "oauth.client_id"),
            (json!({"client_id": {"sealed": "somebody's"}}), "oauth.client_id"),
            (json!({"refresh_token": "a b"}), "oauth.refresh_token"),
            (json!(["x"]), "oauth"),
        ] {
            assert_eq!(messages(None, &bad)[0].0, field, "{bad}");
        }
    }

    #[test]
    fn a_token_is_fetched_safely_or_at_home() {
        for good in [
            "https://a.example/t",
            "http://127.0.0.1:9/t",
            "http://[::1]/t",
            "http://10.0.0.7/t",
            "http://auth/t",
        ] {
            assert!(after(None, &whole(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/t",
            "http://203.0.113.7/t",
            "ftp://a.example",
            "https://u:p@a.example/t",
            "x",
            "https://REPLACE/t",
        ] {
            assert_eq!(messages(None, &whole(bad))[0].0, "oauth.token_url", "{bad}");
        }
    }
}
