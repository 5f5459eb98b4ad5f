//! The names and versions as reports and rules want them, from those that the patterns give.

/// Linux under its many names, as the patterns write them. A report by system wants one row for them.
const LINUXES: &[&str] = &[
    "Linux",
    "Ubuntu",
    "Kubuntu",
    "Xubuntu",
    "Lubuntu",
    "Debian",
    "Fedora",
    "Red Hat",
    "CentOS",
    "SUSE",
    "openSUSE",
    "Gentoo",
    "Slackware",
    "Mandriva",
    "Linux Mint",
    "Arch Linux",
    "PCLinuxOS",
    "Puppy",
    "VectorLinux",
    "Oracle Linux",
    "Red Hat Enterprise Linux",
    "Amazon Linux",
    "Manjaro",
    "Mageia",
    "Alpine Linux",
    "Raspbian",
    "Maemo",
    "MeeGo",
];

/// One name for a system's many: `None` for an unknown one.
pub(super) fn system(family: &str) -> Option<&str> {
    Some(match family {
        "" | "Other" => return None,
        "iOS" | "iPadOS" | "iPhone OS" => "iOS",
        "Mac OS X" | "Mac OS" | "macOS" => "macOS",
        "Chrome OS" | "ChromeOS" => "ChromeOS",
        "Web0S" => "webOS",
        name if LINUXES.contains(&name) => "Linux",
        name => name,
    })
}

/// Apps whose built-in browsers the patterns know only as a web view, and the mark that each leaves. Much bought traffic
/// comes from them, and a report that says "web view" hides whose.
const APPS: &[(&str, &str)] = &[
    ("musical_ly", "TikTok"),
    ("BytedanceWebview", "TikTok"),
    ("trill_", "TikTok"),
    ("MetaIAB Facebook", "Facebook"),
    ("MetaIAB Instagram", "Instagram"),
    ("[LinkedInApp]", "LinkedIn"),
    ("MicroMessenger/", "WeChat"),
];

/// Browsers that the patterns take for the one that they are made from, and the mark that each leaves.
const BROWSERS: &[(&str, &str)] =
    &[("HuaweiBrowser/", "Huawei Browser"), ("OPT/", "Opera Touch"), ("(Edition GX", "Opera GX")];

/// What stands before the version of an app.
const VERSION_MARKS: &[&str] =
    &["app_version/", "[LinkedInApp]/", "MicroMessenger/", "HuaweiBrowser/", "OPT/"];

/// A browser's name and version, from those that the patterns found: `None` for unknown ones.
pub(super) fn browser<'a>(
    family: &'a str,
    version: Option<String>,
    agent: &str,
) -> (Option<&'a str>, Option<String>) {
    let is_view = family.contains("WebView");
    let named = |list: &[(&str, &'static str)]| {
        list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    if let Some(app) = named(BROWSERS).or_else(|| named(APPS).filter(|_| is_view)) {
        // Opera GX has the version that the patterns found, the others one of their own.
        let own = VERSION_MARKS.iter().find_map(|mark| version_behind(agent, mark));
        return (Some(app), if app == "Opera GX" { version } else { own });
    }
    match family {
        "" | "Other" => (None, None),
        name => (Some(name), version),
    }
}

/// `40.3` of `app_version/40.3.2`.
fn version_behind(agent: &str, mark: &str) -> Option<String> {
    let (_, rest) = agent.split_once(mark)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let mut parts = rest.get(..end)?.split('.');
    version(parts.next(), parts.next())
}

/// Makers whose models the patterns do not know, or give to another: by how the models begin.
const MAKERS: &[(&str, &str)] = &[
    ("SM-", "Samsung"),
    ("RMX", "Realme"),
    ("XQ-", "Sony"),
    ("BRAVIA", "Sony"),
    ("LM-", "LG"),
    ("POCO", "Xiaomi"),
    ("AFT", "Amazon"),
    ("KF", "Amazon"),
    ("Xbox", "Microsoft"),
    ("Switch", "Nintendo"),
];

/// A maker's name: `None` for an unknown one, which the patterns call generic in several ways.
pub(super) fn brand<'a>(brand: &'a str, model: Option<&str>) -> Option<&'a str> {
    let by_model = model.and_then(|model| {
        let known = MAKERS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, maker)| *maker);
        known.or_else(|| maker_by_code(model))
    });
    match brand {
        "XiaoMi" => Some("Xiaomi"),
        // All phones of Realme have numbers that begin so, and Oppo, its parent, has none.
        "Oppo" => by_model.or(Some(brand)),
        known if !known.is_empty() && !known.starts_with("Generic") && known != "Spider" => Some(known),
        _ => by_model,
    }
}

/// Makers whose models begin with the year: `2201117TG` and `M2101K6G` are Xiaomi's, which adds the month, `V2111` vivo's.
fn maker_by_code(model: &str) -> Option<&'static str> {
    let is_code = model.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let two = |at: std::ops::Range<usize>| number_in(model.trim_start_matches(['M', 'V']), at);
    let is_of_years = two(0..2).is_some_and(|year| (19..40).contains(&year));
    let ends_in_letter = model.bytes().last().is_some_and(|byte| byte.is_ascii_uppercase());
    let number = model.strip_prefix('M').unwrap_or(model);
    let is_dated = is_of_years && two(2..4).is_some_and(|month| (1..=12).contains(&month));
    if is_code && ends_in_letter && (7..=12).contains(&number.len()) && is_dated {
        return Some("Xiaomi");
    }
    let is_vivo =
        model.strip_prefix('V').is_some_and(|rest| matches!(rest.len(), 4 | 5)) && two(2..4).is_some();
    (is_code && is_of_years && is_vivo).then_some("vivo")
}

fn number_in(text: &str, at: std::ops::Range<usize>) -> Option<u32> {
    text.get(at)?.parse().ok()
}

/// The longest model that is believed: real ones end near 40 letters.
const MODEL_BYTES_MAX: usize = 64;

/// The model as an Android agent writes it, behind the system's version: `SM-S711B` of `(Linux; Android 14; SM-S711B; wv)`.
/// For the models that the patterns do not know.
pub(super) fn written_model(agent: &str) -> Option<&str> {
    if agent.contains("Xbox") {
        return Some(if agent.contains("Xbox Series") { "Xbox Series" } else { "Xbox One" });
    }
    if agent.contains("Nintendo Switch") {
        return Some("Switch");
    }
    let (_, rest) = agent.split_once("Android")?;
    let mut depth = 0_i32;
    let end = rest.find(|letter| {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth < 0
    });
    let mut parts = rest.get(..end.unwrap_or(0))?.split(';').skip(1).map(str::trim);
    let part = parts.find(|part| !is_no_model(part))?;
    let name = part.split_once(" Build/").map_or(part, |(name, _)| name);
    Some(name.trim()).filter(|name| name.len() <= MODEL_BYTES_MAX).and_then(model)
}

/// What stands where a model would: a language, a web view's mark, a browser's.
fn is_no_model(part: &str) -> bool {
    let is_language = matches!(part.len(), 2 | 5)
        && part.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
        && part.get(2..3).is_none_or(|joint| matches!(joint, "-" | "_"));
    is_language
        || matches!(part, "" | "U" | "wv" | "Mobile" | "Tablet" | "HarmonyOS" | "Linux")
        || part.starts_with("Build/")
        || ["rv:", "HMSCore", "Opera Mini", "Opera Mobi", "Android"]
            .iter()
            .any(|start| part.starts_with(start))
}

/// A model's name: `None` for what is no model. `K` is what Android browsers
/// say since they hide it, `Browser` what one pattern makes of Huawei's.
pub(super) fn model(model: &str) -> Option<&str> {
    // One pattern cuts `motorola edge` behind `moto`.
    let model = model.trim();
    let model = model.strip_prefix("rola ").unwrap_or(model);
    Some(model).filter(|name| {
        !matches!(
            *name,
            "" | "K" | "Smartphone" | "Feature Phone" | "Desktop" | "Tablet" | "Browser" | "Other"
        )
    })
}

/// `17.4` of 17 and 4, `124` of 124 and 0: two parts at most, and no empty second one, so that reports stay short.
pub(super) fn version(major: Option<&str>, minor: Option<&str>) -> Option<String> {
    let major = major.map(str::trim).filter(|part| !part.is_empty())?;
    match minor.map(str::trim) {
        None | Some("" | "0") => Some(major.to_owned()),
        Some(minor) => Some(format!("{major}.{minor}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_the_many_of_a_system() {
        for (family, name) in [
            ("Ubuntu", Some("Linux")),
            ("Fedora", Some("Linux")),
            ("Mac OS X", Some("macOS")),
            ("iOS", Some("iOS")),
            ("Chrome OS", Some("ChromeOS")),
            ("Tizen", Some("Tizen")),
            ("Other", None),
        ] {
            assert_eq!(system(family), name, "{family}");
        }
    }

    #[test]
    fn an_app_s_web_view_is_named_after_the_app() {
        let found = |family, agent| browser(family, Some("1".to_owned()), agent);
        let own = |text: &str| Some(text.to_owned());
        assert_eq!(found("Chrome Mobile WebView", "... trill_330903 JsSdk/1.0"), (Some("TikTok"), None));
        assert_eq!(
            found("Chrome Mobile WebView", "trill_3 app_version/40.3.2 x"),
            (Some("TikTok"), own("40.3"))
        );
        assert_eq!(found("Chrome Mobile WebView", "..."), (Some("Chrome Mobile WebView"), own("1")));
        assert_eq!(found("Chrome", "... trill_"), (Some("Chrome"), own("1")));
        assert_eq!(found("Chrome", "HuaweiBrowser/15.0.4"), (Some("Huawei Browser"), own("15")));
        assert_eq!(found("Opera", "OPR/1 (Edition GX-CN)"), (Some("Opera GX"), own("1")));
        assert_eq!(found("Other", ""), (None, None));
    }

    #[test]
    fn the_model_as_it_is_written() {
        for (agent, expected) in [
            ("Mozilla/5.0 (Linux; Android 14; SM-S711B; wv) x", Some("SM-S711B")),
            ("Mozilla/5.0 (Linux; U; Android 13; en-us; 22101316G Build/TP1A) x", Some("22101316G")),
            ("Mozilla/5.0 (Linux; Android 12; moto g(60)) x", Some("moto g(60)")),
            ("Mozilla/5.0 (Linux; Android 10; HarmonyOS; ELS-NX9; HMSCore 6.13.0.302) x", Some("ELS-NX9")),
            ("Mozilla/5.0 (Linux; Android 10; K) x", None),
            ("Mozilla/5.0 (Android 14; Mobile; rv:125.0) x", None),
            ("Opera/9.80 (Android; Opera Mini/80.0.2254/191.361; U; en) x", None),
            ("Android", None),
            ("Android; ((((", None),
        ] {
            assert_eq!(written_model(agent), expected, "{agent}");
        }
        assert_eq!(written_model(&format!("(Android 1; {})", "x".repeat(70))), None);
    }

    #[test]
    fn makers_are_told_by_their_models() {
        for (model, maker) in [
            ("2201117TG", Some("Xiaomi")),
            ("M2101K6G", Some("Xiaomi")),
            ("23021RAAEG", Some("Xiaomi")),
            ("V2111", Some("vivo")),
            ("V2027A", Some("vivo")),
            ("XQ-CQ54", Some("Sony")),
            ("M2101", None),
            ("9901117TG", None),
            ("V\u{e4}20", None),
            ("A063", None),
        ] {
            assert_eq!(brand("Generic_Android", Some(model)), maker, "{model}");
        }
        assert_eq!(
            (brand("Oppo", Some("RMX2030")), brand("Oppo", Some("CPH2449"))),
            (Some("Realme"), Some("Oppo"))
        );
        assert_eq!(brand("XiaoMi", Some("Mi A3")), Some("Xiaomi"));
    }

    #[test]
    fn a_version_has_two_parts_at_most() {
        assert_eq!(version(Some("17"), Some("4")).as_deref(), Some("17.4"));
        assert_eq!(version(Some("124"), Some("0")).as_deref(), Some("124"));
        assert_eq!(version(Some("XP"), None).as_deref(), Some("XP"));
        assert_eq!(version(None, Some("1")), None);
    }

    #[test]
    fn what_is_no_brand_or_model_is_unknown() {
        assert_eq!(
            (brand("Generic_Android", None), brand("Spider", None), brand("LG", None)),
            (None, None, Some("LG"))
        );
        assert_eq!(brand("Generic_Android", Some("SM-X710")), Some("Samsung"));
        assert_eq!((model("K"), model("Smartphone"), model("Pixel 8")), (None, None, Some("Pixel 8")));
    }
}
