//! What kind of device an agent speaks for.

use crate::domain::Device;

/// Televisions, sticks, consoles and watches, as their agents write it, in small letters.
const OTHERS: &[&str] = &[
    "smart-tv",
    "smarttv",
    "smart tv",
    "googletv",
    "google tv",
    "android tv",
    "androidtv",
    "apple tv",
    "appletv",
    "hbbtv",
    "netcast",
    "web0s",
    "netrange",
    "dtv",
    "bravia",
    "viera",
    "aquosbrowser",
    "roku",
    "crkey",
    "shield tv",
    "mibox",
    "mitv",
    "build/aft",
    "; aft",
    "large screen",
    "tizen tv",
    "tv safari",
    "playstation",
    "xbox",
    "nintendo",
    "watchos",
    "watch os",
    "apple watch",
    "galaxy watch",
];

/// How the models begin that are tablets although their agents may say `Mobile`: Samsung's, Lenovo's, Amazon's.
const TABLET_MODELS: &[&str] = &["SM-T", "SM-X", "SM-P", "GT-P", "Lenovo TB", "TB-", "KF"];

/// What only phones say.
const PHONES: &[&str] = &[
    "iphone",
    "ipod",
    "windows phone",
    "blackberry",
    "bb10",
    "opera mini",
    "opera mobi",
    "kaios",
    "symbian",
    "midp",
    "mobi",
];

/// The kind of device, from the agent's text and the model that the patterns found in it.
///
/// Limits, which no server can see through: an iPad asks for desktop pages with a Mac's agent, and so does an Android
/// browser in desktop mode with a Linux computer's.
pub(super) fn of(agent: &str, model: Option<&str>) -> Device {
    let text = agent.to_ascii_lowercase();
    let says = |word: &str| text.contains(word);
    let is_windows = says("windows nt");
    let is_tablet_model = model
        .is_some_and(|model| TABLET_MODELS.iter().any(|start| model.starts_with(start)) || named_pad(model));
    if OTHERS.iter().any(|word| says(word)) {
        Device::Other
    } else if says("ipad") || is_tablet_model {
        Device::Tablet
    } else if is_windows && !says("windows phone") {
        // Old Internet Explorers say "Tablet PC" on any computer with a pen or touch driver.
        Device::Desktop
    } else if says("tablet") || says("playbook") || says("kindle") || says("silk/") && !says("mobile") {
        Device::Tablet
    } else if PHONES.iter().any(|word| says(word)) {
        Device::Mobile
    } else if says("android") {
        // A browser on a phone says `Mobile`, one on a tablet does not. Apps that are no browser never say it.
        if text.starts_with("mozilla/") { Device::Tablet } else { Device::Mobile }
    } else if is_windows
        || says("macintosh")
        || says("x11")
        || says("cros")
        || says("linux x86_64")
        || says("linux i686")
    {
        Device::Desktop
    } else {
        Device::Other
    }
}

/// `Redmi Pad SE`, `MatePad`, `Xiaomi Pad 6`: but not a word that merely has these letters.
fn named_pad(model: &str) -> bool {
    model.split(' ').any(|word| word == "Pad" || word.ends_with("Pad") && word != "ThinkPad")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pen_driver_makes_no_tablet() {
        let agent = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)";
        assert_eq!(of(agent, None), Device::Desktop);
    }

    #[test]
    fn a_tablet_s_model_wins_over_the_word_mobile() {
        let agent = "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/124.0.0.0 Mobile Safari/537.36";
        assert_eq!(of(agent, Some("SM-X710")), Device::Tablet);
        assert_eq!(of(agent, Some("Redmi Pad SE")), Device::Tablet);
        assert_eq!(of(agent, Some("SM-S918B")), Device::Mobile);
    }

    #[test]
    fn what_says_nothing_is_other() {
        assert_eq!(of("", None), Device::Other);
        assert_eq!(of("SomeProgram/1.0", None), Device::Other);
    }
}
