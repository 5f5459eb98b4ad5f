//! Real agents and what is to be read from them.

use super::*;

/// The known agents: what is expected, and the text.
fn known() -> impl Iterator<Item = (Vec<&'static str>, &'static str)> {
    include_str!("agents.tsv").lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns: Vec<&str> = line.split('\t').collect();
        let text = columns.pop().unwrap();
        (columns, text)
    })
}

#[test]
fn reads_real_agents() {
    for (expected, text) in known() {
        let agent = parse(text);
        let word = |value: &Option<Box<str>>| value.as_deref().unwrap_or("-").to_owned();
        let found = [
            agent.device.to_string(),
            word(&agent.brand),
            word(&agent.model),
            word(&agent.os),
            word(&agent.os_version),
            word(&agent.browser),
            word(&agent.browser_version),
            (if agent.is_crawler { "crawler" } else { "-" }).to_owned(),
        ];
        assert_eq!(expected, found, "{text}");
    }
    assert!(known().count() >= 140);
}

/// An iPad asks for desktop pages with exactly the agent of a Mac: a limit, held here so that nobody is surprised.
#[test]
fn an_ipad_in_desktop_mode_is_a_mac() {
    let agent = parse(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    );
    assert_eq!((agent.device, agent.os.as_deref()), (Device::Desktop, Some("macOS")));
}

/// Built from the same patterns, the whole of `ua-parser` and our lazy use of it say the same.
#[test]
fn finds_what_ua_parser_finds() {
    let lazy = parser::Parser::new().unwrap();
    let (browsers, systems, devices) = whole();
    for (_, text) in known() {
        let own = lazy.browsers.first(text, |extractor| extractor.extract(text));
        let whole = browsers.extract(text);
        assert_eq!(
            own.map(|found| (found.family, found.major, found.minor)),
            whole.map(|found| (found.family, found.major, found.minor)),
            "{text}"
        );
        let own = lazy.systems.first(text, |extractor| extractor.extract(text));
        let whole = systems.extract(text);
        assert_eq!(
            own.map(|found| (found.os, found.major, found.minor)),
            whole.map(|found| (found.os, found.major, found.minor)),
            "{text}"
        );
        assert_eq!(
            lazy.devices.first(text, |extractor| extractor.extract(text)),
            devices.extract(text),
            "{text}"
        );
    }
}

type Whole = (
    ua_parser::user_agent::Extractor<'static>,
    ua_parser::os::Extractor<'static>,
    ua_parser::device::Extractor<'static>,
);

fn whole() -> Whole {
    use ua_parser::{device, os, user_agent};
    let mut browsers = user_agent::Builder::new();
    for pattern in patterns::section("user_agent_parsers") {
        let value = |key| pattern.value(key).map(Into::into);
        browsers = browsers
            .push(user_agent::Parser {
                regex: pattern.regex().into(),
                family_replacement: value("family_replacement"),
                v1_replacement: value("v1_replacement"),
                v2_replacement: value("v2_replacement"),
                ..Default::default()
            })
            .unwrap();
    }
    let mut systems = os::Builder::new();
    for pattern in patterns::section("os_parsers") {
        let value = |key| pattern.value(key).map(Into::into);
        systems = systems
            .push(os::Parser {
                regex: pattern.regex().into(),
                os_replacement: value("os_replacement"),
                os_v1_replacement: value("os_v1_replacement"),
                os_v2_replacement: value("os_v2_replacement"),
                ..Default::default()
            })
            .unwrap();
    }
    let mut devices = device::Builder::new();
    for pattern in patterns::section("device_parsers") {
        let value = |key| pattern.value(key).map(Into::into);
        devices = devices
            .push(device::Parser {
                regex: pattern.regex().into(),
                regex_flag: pattern.ignores_case().then_some(device::Flag::IgnoreCase),
                device_replacement: value("device_replacement"),
                brand_replacement: value("brand_replacement"),
                model_replacement: value("model_replacement"),
            })
            .unwrap();
    }
    (browsers.build().unwrap(), systems.build().unwrap(), devices.build().unwrap())
}

#[test]
fn the_same_agent_is_parsed_once() {
    let text = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0 once";
    assert!(Arc::ptr_eq(&of(text), &of(text)));
    assert_eq!(*of(text), parse(text));
}

#[test]
fn a_long_agent_is_cut_between_letters() {
    let long = format!("{}\u{e4}{}", "x".repeat(AGENT_BYTES_MAX - 1), "y".repeat(5_000));
    assert_eq!(cut(&long), "x".repeat(AGENT_BYTES_MAX - 1));
    assert_eq!(of(&long).text.len(), AGENT_BYTES_MAX - 1);
    assert_eq!(cut("short"), "short");
}

#[test]
fn the_hash_is_the_head_of_sha256_without_its_sign() {
    // SHA-256 of nothing begins e3b0c44298fc1c14.
    assert_eq!(hash(""), 0x63b0_c442_98fc_1c14);
    assert!(known().all(|(_, text)| hash(text) >= 0));
}

#[test]
fn an_empty_agent_says_nothing() {
    for text in ["", "   "] {
        let agent = of(text);
        assert_eq!((agent.device, agent.is_crawler, &agent.browser), (Device::Other, false, &None));
    }
}

#[test]
fn many_threads_read_the_same() {
    warm_up();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| known().for_each(|(_, text)| assert_eq!(*of(text), parse(text))));
        }
    });
}

/// A flood of agents, each as long and as costly as can be made up: the memory stays within its bound, and none takes long.
#[test]
fn a_flood_of_invented_agents_is_borne() {
    let words = known().map(|(_, text)| text).collect::<Vec<_>>().join(" ");
    let begun = std::time::Instant::now();
    let count: u32 = 3_000;
    for number in 0..count {
        let from = words.floor_char_boundary(usize::try_from(number).unwrap() * 97 % (words.len() - 2_000));
        let _ = of(&format!("{number} {}", words.get(from..).unwrap()));
    }
    let each = begun.elapsed() / count;
    assert!(each < std::time::Duration::from_millis(20), "{each:?} for one");
    for number in 0..40_000 {
        CACHE.insert(invented(number), Arc::clone(&invented(number).0));
    }
    assert!(CACHE.weight() <= CACHE_BYTES_MAX, "{}", CACHE.weight());
    assert!(CACHE.len() < CACHED_AGENTS_MAX, "{}", CACHE.len());
}

fn invented(number: u32) -> Text {
    let text = format!("{number:0>width$}", width = AGENT_BYTES_MAX);
    Text(Arc::new(Agent { text: text.into(), ..Agent::clone(&of("invented")) }))
}
