//! The files of presets, built into the binary: one a network or source, named by its short name.

use super::{AskedValue, Confidence, DestinationFacts, Facts, NetworkFacts, Preset, SourceFacts};
use chrono::NaiveDate;
use rust_embed::RustEmbed;
use serde::Deserialize;

#[derive(RustEmbed)]
#[folder = "presets/"]
#[include = "*.toml"]
struct Files;

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    confidence: Confidence,
    source: String,
    source_url: Option<String>,
    verified_on: NaiveDate,
    #[serde(default)]
    note: String,
    network: Option<NetworkFacts>,
    source_of_traffic: Option<SourceFacts>,
    destination: Option<DestinationFacts>,
    #[serde(default)]
    values: Vec<AskedValue>,
}

/// Reads every file.
pub(super) fn read_all() -> Vec<Result<Preset, String>> {
    let named = |path: &str| {
        let slug = path.rsplit('/').next()?.strip_suffix(".toml")?;
        Some((slug.to_owned(), Files::get(path)?))
    };
    let files = Files::iter().filter_map(|path| named(&path));
    files.map(|(slug, file)| read(&slug, &String::from_utf8_lossy(&file.data))).collect()
}

/// Reads one file.
fn read(slug: &str, text: &str) -> Result<Preset, String> {
    let file: File = toml::from_str(text).map_err(|why| format!("{slug}: {why}"))?;
    let (destination, values) = (file.destination, file.values);
    let facts = match (file.network, file.source_of_traffic) {
        (Some(facts), None) if destination.is_none() && values.is_empty() => Facts::Network(Box::new(facts)),
        (Some(_), None) => return Err(format!("{slug}: a network has neither [destination] nor [[values]]")),
        (None, Some(facts)) => Facts::Source(Box::new(SourceFacts { destination, values, ..facts })),
        _ => {
            return Err(format!(
                "{slug}: write the facts under [network], or under [source_of_traffic], and not both"
            ));
        }
    };
    Ok(Preset {
        slug: slug.to_owned(),
        name: file.name,
        confidence: file.confidence,
        source: file.source,
        source_url: file.source_url,
        verified_on: file.verified_on,
        note: file.note,
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::advertiser::Advertiser;
    use crate::domain::input::Editable as _;
    use crate::domain::money::Currency;
    use crate::domain::preset::{PresetKind, all};
    use std::collections::HashSet;

    const HEAD: &str =
        "name = \"X\"\nconfidence = \"documented\"\nsource = \"somewhere\"\nverified_on = \"2026-11-21\"\n";

    #[test]
    fn every_file_is_read_and_can_be_used() {
        let read: Vec<Preset> = read_all().into_iter().map(|one| one.unwrap()).collect();
        assert!(read.len() >= 78, "{} files", read.len());
        let slugs: HashSet<&str> = read.iter().map(|preset| preset.slug.as_str()).collect();
        assert_eq!(slugs.len(), read.len(), "each short name once");
        let names: HashSet<String> = read.iter().map(|preset| preset.name.to_lowercase()).collect();
        assert_eq!(names.len(), read.len(), "each name once");
        for preset in &read {
            let slug = &preset.slug;
            assert!(
                slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{slug}"
            );
            assert!(!preset.source.is_empty() && !preset.name.is_empty(), "{slug}");
            if let Some(url) = &preset.source_url {
                assert_eq!(url::Url::parse(url).unwrap().scheme(), "https", "{slug}");
            }
            let years = "2024-01-01".parse().unwrap().."2100-01-01".parse::<NaiveDate>().unwrap();
            assert!(years.contains(&preset.verified_on), "{slug}: {}", preset.verified_on);
            assert!(preset.note.is_empty() || preset.note.ends_with('.'), "{slug}: a note is sentences");
        }
        assert_eq!(all().len(), read.len());
    }

    #[test]
    fn every_network_makes_an_advertiser() {
        for preset in all() {
            let Some(facts) = preset.network() else { continue };
            let mut advertiser = Advertiser::blank(Currency::USD);
            advertiser
                .apply(&facts.fields(preset))
                .unwrap_or_else(|errors| panic!("{}: {errors:?}", preset.slug));
            assert_eq!((&advertiser.name, advertiser.preset.as_ref()), (&preset.name, Some(&preset.slug)));
            assert_eq!(advertiser.status_map, facts.status_map, "{}: words are written folded", preset.slug);
        }
    }

    #[test]
    fn a_source_of_traffic_has_its_place() {
        let text = format!("{HEAD}[source_of_traffic]\nclick_macro = \"[CLICK_ID]\"\n");
        let preset = read("push", &text).unwrap();
        assert_eq!((preset.kind(), preset.network()), (PresetKind::Source, None));
    }

    #[test]
    fn what_is_not_known_is_named() {
        let wrong = [
            (format!("{HEAD}colour = \"red\"\n[network]\n"), "colour"),
            (format!("{HEAD}[network]\nclick_parm = \"s1\"\n"), "click_parm"),
            (format!("{HEAD}[network]\n[network.status_map]\na = \"maybe\"\n"), "maybe"),
            (HEAD.replace("documented", "certain"), "certain"),
            (HEAD.replace("11-21", "13-41"), "verified_on"),
            (HEAD.to_owned(), "[network]"),
            (format!("{HEAD}[network]\n[source_of_traffic]\n"), "not both"),
            (format!("{HEAD}[network]\n[destination]\n"), "neither"),
            (format!("{HEAD}[source_of_traffic]\n[destination]\nuri = \"x\"\n"), "uri"),
            (format!("{HEAD}[source_of_traffic]\ncost_currency = \"XXQ\"\n"), "cost_currency"),
            (format!("{HEAD}[source_of_traffic]\n[[values]]\nname = \"x\"\n"), "label"),
        ];
        for (text, named) in wrong {
            let why = read("x", &text).unwrap_err();
            assert!(why.contains(named), "{named} is not in {why}");
        }
    }
}
