//! Presets: what other systems' documents say of their postbacks, as a starting point that people edit. A preset is data
//! (`presets/`), never a promise: each says where it comes from, when it was taken down, and how sure it is.

mod asked;
mod files;
mod network;
mod source;

use super::words::word_enum;
use chrono::NaiveDate;
use std::sync::OnceLock;

pub use asked::destination_fields;
pub use network::{NetworkFacts, Parameter, Sends, lacks_click_param, with_click_param};
pub use source::{AskedValue, DestinationFacts, SourceFacts};

word_enum! {
    /// What a preset is of.
    pub enum PresetKind {
        /// An affiliate network: it sends us postbacks.
        Network => "network",
        /// A source of traffic: we send it postbacks.
        Source => "source",
    }
}

word_enum! {
    /// How sure a preset is.
    pub enum Confidence {
        /// It was tried against the live system.
        Verified => "verified",
        /// The vendor's own documents say so.
        Documented => "documented",
        /// Somebody else says so.
        Unverified => "unverified",
    }
}

/// What is known of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its short name: the name of its file.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where the facts come from, in words.
    pub source: String,
    /// Where they can be read, where that is known.
    pub source_url: Option<String>,
    /// The day on which they were taken down from there.
    pub verified_on: NaiveDate,
    /// What somebody who uses it should know. May be empty.
    pub note: String,
    /// The facts.
    pub facts: Facts,
}

/// The facts, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Of a network.
    Network(Box<NetworkFacts>),
    /// Of a source of traffic.
    Source(Box<SourceFacts>),
}

impl Preset {
    /// What it is of.
    #[must_use]
    pub const fn kind(&self) -> PresetKind {
        match self.facts {
            Facts::Network(_) => PresetKind::Network,
            Facts::Source(_) => PresetKind::Source,
        }
    }

    /// The facts of a network; `None` where it is of something else.
    #[must_use]
    pub const fn network(&self) -> Option<&NetworkFacts> {
        match &self.facts {
            Facts::Network(facts) => Some(facts),
            Facts::Source(_) => None,
        }
    }

    /// The facts of a source of traffic; `None` where it is of something else.
    #[must_use]
    pub const fn source_of_traffic(&self) -> Option<&SourceFacts> {
        match &self.facts {
            Facts::Source(facts) => Some(facts),
            Facts::Network(_) => None,
        }
    }

    /// How sure it is, in a sentence that says what to do about it.
    #[must_use]
    pub fn trust(&self) -> String {
        let (source, day) = (&self.source, self.verified_on);
        match self.confidence {
            Confidence::Verified => format!("Tried against the live system on {day}."),
            Confidence::Documented => format!(
                "From {source}, as read on {day}. It has not been tried against the live system: send a test first."
            ),
            Confidence::Unverified => format!(
                "From {source}, as of {day}, and not verified: compare every macro with what its panel says, and send a \
                 test before you rely on it."
            ),
        }
    }
}

/// All presets, by name.
#[must_use]
pub fn all() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        // A file that cannot be read never leaves the house: a test reads each of them.
        let mut presets: Vec<Preset> = files::read_all().into_iter().filter_map(Result::ok).collect();
        presets.sort_by_cached_key(|preset| preset.name.to_lowercase());
        presets
    })
}

/// The presets of networks, by name.
pub fn networks() -> impl Iterator<Item = (&'static Preset, &'static NetworkFacts)> {
    all().iter().filter_map(|preset| Some((preset, preset.network()?)))
}

/// A network's preset by its short name.
#[must_use]
pub fn network(slug: &str) -> Option<(&'static Preset, &'static NetworkFacts)> {
    networks().find(|(preset, _)| preset.slug == slug)
}

/// The presets of sources of traffic, by name.
pub fn sources() -> impl Iterator<Item = (&'static Preset, &'static SourceFacts)> {
    all().iter().filter_map(|preset| Some((preset, preset.source_of_traffic()?)))
}

/// A source's preset by its short name.
#[must_use]
pub fn source_preset(slug: &str) -> Option<(&'static Preset, &'static SourceFacts)> {
    sources().find(|(preset, _)| preset.slug == slug)
}
