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
];

/// A browser's name: `None` for an unknown one. The second value says whether the version found is that browser's own.
pub(super) fn browser<'a>(family: &'a str, agent: &str) -> (Option<&'a str>, bool) {
    if family.contains("WebView")
        && let Some((_, app)) = APPS.iter().find(|(mark, _)| agent.contains(mark))
    {
        return (Some(app), false);
    }
    (Some(family).filter(|name| !name.is_empty() && *name != "Other"), true)
}

/// A maker's name: `None` for an unknown one, which the patterns call generic in several ways. `SM-` is how all of
/// Samsung's models begin, also those that the patterns do not know yet.
pub(super) fn brand<'a>(brand: &'a str, model: Option<&str>) -> Option<&'a str> {
    if !brand.is_empty() && !brand.starts_with("Generic") && brand != "Spider" {
        return Some(brand);
    }
    model.filter(|model| model.starts_with("SM-")).map(|_| "Samsung")
}

/// A model's name: `None` for what is no model. `K` is what Android browsers
/// say since they hide it, `Browser` what one pattern makes of Huawei's.
pub(super) fn model(model: &str) -> Option<&str> {
    let model = model.trim();
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
        assert_eq!(browser("Chrome Mobile WebView", "... trill_330903 JsSdk/1.0"), (Some("TikTok"), false));
        assert_eq!(browser("Chrome Mobile WebView", "..."), (Some("Chrome Mobile WebView"), true));
        assert_eq!(browser("Chrome", "... trill_"), (Some("Chrome"), true));
        assert_eq!(browser("Other", ""), (None, true));
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
