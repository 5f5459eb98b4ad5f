//! A host of the installation: where clicks come to, or where the dashboards are.

use super::campaign::fallback;
use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, status};
use super::words::word_enum;
use serde_json::Value;

word_enum! {
    /// What a host is for.
    pub enum HostKind {
        /// Clicks, lander buttons and postbacks come here.
        Tracking => "tracking",
        /// Pages and API answer here.
        Dashboard => "dashboard",
    }
}

/// Characters of a host's name: the domain name system has none longer.
const HOST_CHARS_MAX: usize = 253;
/// Characters between two dots of it, by the same system.
const LABEL_CHARS_MAX: usize = 63;

/// A host as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name: lower case, in the letters that browsers send.
    pub host: String,
    /// What it is for.
    pub kind: HostKind,
    /// Where its visitors go when their campaign has no place for them; empty for the account's.
    pub fallback_url: String,
    /// In use or not.
    pub status: EntityStatus,
}

impl Default for Domain {
    fn default() -> Self {
        Self {
            host: String::new(),
            kind: HostKind::Tracking,
            fallback_url: String::new(),
            status: EntityStatus::Active,
        }
    }
}

impl Editable for Domain {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "host" => put(&mut self.host, field, host(value)),
            "kind" => put(&mut self.kind, field, input::word(value, HostKind::parse, HostKind::choices)),
            "fallback_url" => put(&mut self.fallback_url, field, fallback(value)),
            "status" => put(&mut self.status, field, status(value)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        if self.host.is_empty() {
            errors.push("host", "Write the host, like trk.example.com");
        }
    }
}

/// A host's name in its one form. What else people paste with it is named, so that they know what to take away.
fn host(value: &Value) -> input::Reading<String> {
    let typed = value.as_str().ok_or("Must be a text")?.trim();
    if typed.is_empty() {
        return Ok(String::new());
    }
    if typed.contains("://") || typed.contains(['/', '?', '#', '@', '\\', '%']) {
        return Err(
            "Write the host alone, without https:// and without a path, like trk.example.com".to_owned()
        );
    }
    if typed.contains([':', '[', ']']) {
        return Err("Write the host without a port: it is found by its name on any port".to_owned());
    }
    let refused = || format!("{typed:?} is no host: write one like trk.example.com");
    // A name of digits alone would be read as an address that nobody typed.
    let ascii = match url::Host::parse(typed.trim_end_matches('.')) {
        Ok(url::Host::Domain(name)) => name,
        Ok(url::Host::Ipv4(address)) if address.to_string() == typed => address.to_string(),
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) | Err(_) => return Err(refused()),
    };
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty()
            && label.len() <= LABEL_CHARS_MAX
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if ascii.len() <= HOST_CHARS_MAX && ascii.split('.').all(is_label) { Ok(ascii) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_host_has_one_form() {
        for (typed, kept) in [
            (" Trk.Example.COM ", "trk.example.com"),
            ("trk.example.com.", "trk.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
            ("10.0.0.7", "10.0.0.7"),
        ] {
            assert_eq!(host(&json!(typed)).as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn whatever_else_is_refused_with_what_to_change() {
        for (typed, word) in [
            ("https://trk.example", "https://"),
            ("trk.example/c/x", "path"),
            ("someone@trk.example", "alone"),
            ("trk.example:8080", "port"),
            ("[::1]", "port"),
            ("12345", "no host"),
            ("a b.example", "no host"),
            ("a..example", "no host"),
            ("-a.example", "no host"),
            ("a,b", "no host"),
            ("\0.example", "no host"),
        ] {
            let refused = host(&json!(typed)).unwrap_err();
            assert!(refused.contains(word), "{typed}: {refused}");
        }
        assert!(host(&json!(format!("{}.example", "a".repeat(64)))).is_err());
        assert!(host(&json!("abcd.".repeat(60))).is_err(), "300 characters");
        assert!(host(&json!(7)).is_err());
    }

    #[test]
    fn a_fallback_is_checked_as_a_campaigns_is() {
        let mut domain = Domain::default();
        let fields =
            json!({"host": "t.example", "fallback_url": "javascript:alert(1)", "kind": "other", "port": 1});
        let errors = domain.apply(&serde_json::from_value(fields).unwrap()).unwrap_err();
        let named: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["fallback_url", "kind", "port"]);
        let nothing = Domain::default().apply(&std::collections::BTreeMap::new()).unwrap_err();
        assert!(nothing.message("host").is_some());
    }
}
