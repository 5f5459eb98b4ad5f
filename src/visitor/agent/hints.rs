//! What a Chromium browser says beside its agent, which since 2023 hides the model and the system's version.
//!
//! Nothing is asked for: a redirect that asked and waited for the answer would cost the visitor a second request. What
//! arrives all the same (from a site that delegates its hints, or asked by a proxy in front) is used.

use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{AGENT_BYTES, Agent, names, of, parse};
use crate::domain::Device;

/// The longest hint that is looked at: real ones end near 40 bytes.
const HINT_BYTES_MAX: usize = 64;

/// What the agents that were described with hints may take together.
const CACHE_BYTES_MAX: u64 = 8 << 20;

/// The headers, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// `Sec-CH-UA-Mobile`: `?1` or `?0`.
    pub mobile: Option<&'a str>,
    /// `Sec-CH-UA-Model`: `"SM-S918B"`.
    pub model: Option<&'a str>,
    /// `Sec-CH-UA-Platform-Version`: `"14.0.0"`; 13 and above is Windows 11.
    pub platform_version: Option<&'a str>,
}

static CACHE: LazyLock<Cache<Box<str>, Arc<Agent>, ByBytes>> =
    LazyLock::new(|| Cache::with_weighter(4_096, CACHE_BYTES_MAX, ByBytes));

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<str>, Arc<Agent>> for ByBytes {
    fn weight(&self, key: &Box<str>, agent: &Arc<Agent>) -> u64 {
        AGENT_BYTES + (key.len() + agent.text.len()) as u64
    }
}

/// What this agent says, with what the hints add to it. Without hints that add anything it costs nothing more.
#[must_use]
pub fn with_hints(text: &str, hints: &Hints<'_>) -> Arc<Agent> {
    let agent = of(text);
    if agent.is_crawler {
        return agent;
    }
    let model = hints.model.and_then(unquoted).filter(|_| agent.model.is_none()).unwrap_or("");
    let version = hints.platform_version.and_then(unquoted).unwrap_or("");
    // A phone's browser that asks for desktop pages: the hint tells, the agent hides it.
    let is_phone = hints.mobile == Some("?1") && agent.device == Device::Desktop;
    if model.is_empty() && version.is_empty() && !is_phone {
        return agent;
    }
    let key = format!("{model}\n{version}\n{is_phone}\n{}", agent.text);
    if let Some(known) = CACHE.get(key.as_str()) {
        return known;
    }
    let mut told = if model.is_empty() { Agent::clone(&agent) } else { with_model(&agent, model) };
    if let Some(version) = told.os.as_deref().and_then(|os| system_version(os, version)) {
        told.os_version = Some(version.into());
    }
    if is_phone {
        told.device = Device::Mobile;
    }
    let told = Arc::new(told);
    CACHE.insert(key.into(), Arc::clone(&told));
    told
}

/// The agent as it would be if it named its model, which then tells brand and kind.
fn with_model(agent: &Agent, model: &str) -> Agent {
    let named = agent.text.replacen("; K)", &format!("; {model})"), 1);
    let read = parse(&named);
    let model = read.model.as_deref().unwrap_or(model);
    Agent {
        brand: read.brand.or_else(|| names::brand("", Some(model)).map(Box::from)),
        model: Some(model.into()),
        device: read.device,
        ..agent.clone()
    }
}

/// The version as reports want it; `None` where the hint is none.
fn system_version(os: &str, hint: &str) -> Option<String> {
    let mut parts = hint.split('.');
    let (major, minor) = (parts.next()?, parts.next());
    let number: u32 = major.parse().ok()?;
    match os {
        "Windows" if number >= 13 => Some("11".to_owned()),
        // Windows 10 has 1 to 10, older ones 0: their agents tell them apart.
        "Windows" => None,
        "Android" | "macOS" | "ChromeOS" if number > 0 => {
            names::version(Some(major), minor.filter(|minor| minor.bytes().all(|byte| byte.is_ascii_digit())))
        }
        _ => None,
    }
}

/// A hint's text: between quotes, short, and without what would end it in an agent.
fn unquoted(hint: &str) -> Option<&str> {
    let text = hint.trim().strip_prefix('"')?.strip_suffix('"')?.trim();
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\' | b';');
    let is_told = !text.is_empty() && text.len() <= HINT_BYTES_MAX && text.bytes().all(is_plain);
    is_told.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/137.0.0.0 Mobile Safari/537.36";
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/137.0.0.0 Safari/537.36";
    const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";

    fn told<'a>(text: &str, mobile: &'a str, model: &'a str, platform_version: &'a str) -> Arc<Agent> {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let hints =
            Hints { mobile: some(mobile), model: some(model), platform_version: some(platform_version) };
        with_hints(text, &hints)
    }

    #[test]
    fn hints_tell_model_brand_and_version() {
        let phone = told(PHONE, "?1", "\"SM-S918B\"", "\"14.0.0\"");
        assert_eq!((phone.brand.as_deref(), phone.model.as_deref()), (Some("Samsung"), Some("SM-S918B")));
        assert_eq!((phone.os_version.as_deref(), phone.device), (Some("14"), Device::Mobile));
        assert_eq!(
            (&phone.text, phone.hash),
            (&of(PHONE).text, of(PHONE).hash),
            "the agent stays what it was"
        );
        assert!(Arc::ptr_eq(&phone, &told(PHONE, "?1", "\"SM-S918B\"", "\"14.0.0\"")), "told once");
        let tablet = told(&PHONE.replace("Mobile ", ""), "?0", "\"SM-X710\"", "\"15.0.0\"");
        assert_eq!((tablet.device, tablet.model.as_deref()), (Device::Tablet, Some("SM-X710")));
        assert_eq!(told(PHONE, "?1", "\"22101316G\"", "").brand.as_deref(), Some("Xiaomi"));
        assert_eq!(told(WINDOWS, "?0", "\"\"", "\"15.0.0\"").os_version.as_deref(), Some("11"));
        assert_eq!(told(WINDOWS, "?0", "", "\"10.0.0\"").os_version.as_deref(), Some("10"));
        assert_eq!(told(LINUX, "?1", "", "").device, Device::Mobile, "a phone in desktop mode");
    }

    #[test]
    fn what_is_no_hint_changes_nothing() {
        let long = format!("\"{}\"", "x".repeat(65));
        for (mobile, model, version) in [
            ("", "", ""),
            ("?0", "", ""),
            ("?7", "SM-S918B", "14"),
            ("?0", "\"\"", "\"\""),
            ("?0", &long, &long),
            ("?0", "\"a;b\"", "\"\u{fc}\""),
            ("?0", "\"a\\\"b\"", "\""),
        ] {
            assert!(Arc::ptr_eq(&told(PHONE, mobile, model, version), &of(PHONE)), "{model} {version}");
        }
        assert_eq!(told(PHONE, "?1", "", "\"x.y\"").os_version, of(PHONE).os_version);
        assert_eq!(told(PHONE, "?1", "", "\"14.x\"").os_version.as_deref(), Some("14"));
        assert!(told("curl/8.5.0", "?1", "\"SM-S918B\"", "\"14\"").model.is_none());
        let named = PHONE.replace("; K)", "; Pixel 8)");
        assert_eq!(told(&named, "?1", "\"SM-S918B\"", "").model.as_deref(), Some("Pixel 8"));
    }

    #[test]
    fn a_flood_of_hints_is_borne() {
        for number in 0..30_000 {
            let _ = told(LINUX, "?1", &format!("\"{number}{}\"", "x".repeat(50)), "\"1.0\"");
        }
        assert!(CACHE.weight() <= CACHE_BYTES_MAX);
    }
}
