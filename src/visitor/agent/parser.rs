//! Finds the first pattern that fits an agent, compiling a pattern only when an agent first needs it.
//!
//! The crate `ua-parser` compiles all its patterns at once: 24 MiB and a fifth of a second for 1,175 expressions, of which
//! a month of real traffic uses about a hundred. So only the filter in front is built for all of them (which patterns
//! can match at all, by the literal words that they need), and each pattern is an extractor of `ua-parser` by itself,
//! built on first use. What comes out is the same, and a test holds it to that.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_filtered::{mapper, model::Model};
use ua_parser::{device, os, user_agent};

use super::patterns::{self, Pattern};

/// A family of patterns: browsers, systems or devices.
pub(super) trait Family {
    /// The compiled form of one pattern.
    type Extractor;
    /// The section of the pattern file.
    const SECTION: &'static str;
    /// Shorter literal words do not go into the filter: `ua-parser`'s own choices.
    const WORD_LEN_MIN: usize;
    /// Compiles one pattern.
    fn compile(pattern: Pattern) -> Option<Self::Extractor>;
}

/// What a browser pattern gives.
pub(super) struct Browsers;
/// What a system pattern gives.
pub(super) struct Systems;
/// What a device pattern gives.
pub(super) struct Devices;

impl Family for Browsers {
    type Extractor = user_agent::Extractor<'static>;
    const SECTION: &'static str = "user_agent_parsers";
    const WORD_LEN_MIN: usize = 3;

    fn compile(pattern: Pattern) -> Option<Self::Extractor> {
        let value = |key| pattern.value(key).map(Cow::Borrowed);
        let parser = user_agent::Parser {
            regex: pattern.regex().into(),
            family_replacement: value("family_replacement"),
            v1_replacement: value("v1_replacement"),
            v2_replacement: value("v2_replacement"),
            // The third and fourth parts of a version are not kept.
            ..Default::default()
        };
        user_agent::Builder::new().push(parser).ok()?.build().ok()
    }
}

impl Family for Systems {
    type Extractor = os::Extractor<'static>;
    const SECTION: &'static str = "os_parsers";
    const WORD_LEN_MIN: usize = 3;

    fn compile(pattern: Pattern) -> Option<Self::Extractor> {
        let value = |key| pattern.value(key).map(Cow::Borrowed);
        let parser = os::Parser {
            regex: pattern.regex().into(),
            os_replacement: value("os_replacement"),
            os_v1_replacement: value("os_v1_replacement"),
            os_v2_replacement: value("os_v2_replacement"),
            ..Default::default()
        };
        os::Builder::new().push(parser).ok()?.build().ok()
    }
}

impl Family for Devices {
    type Extractor = device::Extractor<'static>;
    const SECTION: &'static str = "device_parsers";
    const WORD_LEN_MIN: usize = 2;

    fn compile(pattern: Pattern) -> Option<Self::Extractor> {
        let value = |key| pattern.value(key).map(Cow::Borrowed);
        let parser = device::Parser {
            regex: pattern.regex().into(),
            regex_flag: pattern.ignores_case().then_some(device::Flag::IgnoreCase),
            device_replacement: value("device_replacement"),
            brand_replacement: value("brand_replacement"),
            model_replacement: value("model_replacement"),
        };
        device::Builder::new().push(parser).ok()?.build().ok()
    }
}

/// One pattern and, once an agent has needed it, its compiled form (`None` inside where it does not compile).
struct Slot<F: Family> {
    pattern: Pattern,
    compiled: OnceLock<Option<Box<F::Extractor>>>,
}

/// All patterns of a family behind their filter.
pub(super) struct Matcher<F: Family> {
    words: AhoCorasick,
    mapper: mapper::Mapper,
    slots: Vec<Slot<F>>,
}

impl<F: Family> Matcher<F> {
    /// Builds the filter; `None` only if the pattern file is broken, which a test excludes.
    pub(super) fn new() -> Option<Self> {
        let patterns = patterns::section(F::SECTION);
        let mut filter = mapper::Builder::new(F::WORD_LEN_MIN);
        for pattern in &patterns {
            let parsed = regex_syntax::ParserBuilder::new()
                .case_insensitive(pattern.ignores_case())
                .build()
                .parse(pattern.regex())
                .ok()?;
            filter.push(Model::new(&parsed).ok()?);
        }
        let (mapper, words) = filter.build();
        // The contiguous automaton is the small one (0.7 MB for all three families) and fast enough for a cache miss.
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words)
            .ok()?;
        let slots = patterns.into_iter().map(|pattern| Slot { pattern, compiled: OnceLock::new() }).collect();
        Some(Self { words, mapper, slots })
    }

    /// The first pattern, in the file's order, from which `extract` gets something.
    pub(super) fn first<'a, T>(
        &'a self,
        agent: &str,
        extract: impl Fn(&'a F::Extractor) -> Option<T>,
    ) -> Option<T> {
        let words = self.words.find_overlapping_iter(agent).map(|found| found.pattern().as_usize());
        self.mapper.atom_to_re(words).into_iter().find_map(|index| {
            let slot = self.slots.get(index)?;
            extract(slot.compiled.get_or_init(|| F::compile(slot.pattern).map(Box::new)).as_deref()?)
        })
    }
}

/// The three families.
pub(super) struct Parser {
    /// Browsers and the programs that call themselves one.
    pub(super) browsers: Matcher<Browsers>,
    /// Operating systems.
    pub(super) systems: Matcher<Systems>,
    /// Devices, by brand and model.
    pub(super) devices: Matcher<Devices>,
}

impl Parser {
    /// Builds the filters; compiles no pattern.
    pub(super) fn new() -> Option<Self> {
        Some(Self { browsers: Matcher::new()?, systems: Matcher::new()?, devices: Matcher::new()? })
    }
}
