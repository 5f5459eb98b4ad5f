//! User agent -> device, system, browser, crawler or not; parsed once, then remembered.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, OnceLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::domain::Device;

mod crawlers;
mod hints;
mod kind;
mod names;
mod parser;
mod patterns;
#[cfg(test)]
mod tests;

pub use hints::{Hints, with_hints};

/// Longer agents are cut before anything looks at them. Real ones end near 500 bytes (in-app browsers); what is longer
/// is made up, and would cost parsing time, cache and journal.
pub const AGENT_BYTES_MAX: usize = 1_024;

/// How many agents are remembered, at the usual length. A day of mixed traffic brings a few thousand.
pub const CACHED_AGENTS_MAX: usize = 20_000;

/// What an agent takes besides its text: its facts and its place in the cache.
const AGENT_BYTES: u64 = 400;

/// What the remembered agents may take together. An invented one is as long as it may be, so a flood of them is held to
/// bytes and not to a number.
const CACHE_BYTES_MAX: u64 = CACHED_AGENTS_MAX as u64 * 2 * AGENT_BYTES;

/// What a user agent says about its visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The text, cut to [`AGENT_BYTES_MAX`].
    pub text: Box<str>,
    /// The first 63 bits of the text's SHA-256, never negative: the key of the table of raw agents.
    pub hash: i64,
    /// The kind of device.
    pub device: Device,
    /// The device's maker: `Apple`, `Samsung`.
    pub brand: Option<Box<str>>,
    /// The device's model: `iPhone`, `SM-S918B`.
    pub model: Option<Box<str>>,
    /// The system: `Android`, `iOS` (iPads too), `Windows`, `macOS`, `Linux` (all distributions), `ChromeOS`, or another by its own name.
    pub os: Option<Box<str>>,
    /// The system's version, two parts at most: `17.4`, `10`.
    pub os_version: Option<Box<str>>,
    /// The browser, or the crawler's name.
    pub browser: Option<Box<str>>,
    /// The browser's version, two parts at most.
    pub browser_version: Option<Box<str>>,
    /// Whether the agent names itself a crawler, a previewer or a program.
    pub is_crawler: bool,
}

/// The parsers, which all visitors share: built once, never changed.
struct Parsers {
    parser: parser::Parser,
    crawlers: crawlers::Crawlers,
}

static PARSERS: OnceLock<Option<Parsers>> = OnceLock::new();
static CACHE: LazyLock<Agents> =
    LazyLock::new(|| Cache::with_weighter(CACHED_AGENTS_MAX, CACHE_BYTES_MAX, ByBytes));

type Agents = Cache<Text, Arc<Agent>, ByBytes>;

/// Weighs an agent by the memory that it takes.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Text, Arc<Agent>> for ByBytes {
    fn weight(&self, _key: &Text, agent: &Arc<Agent>) -> u64 {
        AGENT_BYTES + agent.text.len() as u64
    }
}

/// Builds the parsers on a thread of their own, so that starting does not wait for them. A look-up that comes before they
/// are ready waits; without this call the first look-up builds them.
pub fn warm_up() {
    let built = std::thread::Builder::new().name("agent patterns".to_owned()).spawn(|| {
        parsers();
    });
    if let Err(error) = built {
        tracing::warn!(%error, "no thread to prepare the user agent patterns: the first click will do it");
    }
}

/// What this agent says; from memory where it was seen before.
#[must_use]
pub fn of(text: &str) -> Arc<Agent> {
    let text = cut(text);
    if let Some(agent) = CACHE.get(text) {
        return agent;
    }
    // Two threads may parse one new agent at once: cheaper than making one of them wait.
    let agent = Arc::new(parse(text));
    CACHE.insert(Text(Arc::clone(&agent)), Arc::clone(&agent));
    agent
}

/// The agent's first [`AGENT_BYTES_MAX`] bytes, or a little less where a letter would be cut in two.
#[must_use]
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(AGENT_BYTES_MAX)).unwrap_or(text)
}

fn parsers() -> Option<&'static Parsers> {
    PARSERS
        .get_or_init(|| {
            let parsers = parser::Parser::new()
                .zip(crawlers::Crawlers::new())
                .map(|(parser, crawlers)| Parsers { parser, crawlers });
            if parsers.is_none() {
                // A test builds from the same bytes, so this is never seen; a click without facts is better than none.
                tracing::error!("the user agent patterns cannot be read: every device will be unknown");
            }
            parsers
        })
        .as_ref()
}

fn parse(text: &str) -> Agent {
    let mut agent = Agent {
        text: text.into(),
        hash: hash(text),
        device: Device::Other,
        brand: None,
        model: None,
        os: None,
        os_version: None,
        browser: None,
        browser_version: None,
        is_crawler: false,
    };
    let Some(parsers) = parsers().filter(|_| !text.trim().is_empty()) else { return agent };
    if let Some(name) = parsers.crawlers.name(text) {
        // What a crawler pretends to be (Googlebot is an Android phone) is no fact about anybody.
        agent.browser = Some(name.into());
        agent.is_crawler = true;
        return agent;
    }
    describe(&parsers.parser, &mut agent);
    agent
}

/// Fills in what the patterns of browsers, systems and devices find.
fn describe(parser: &parser::Parser, agent: &mut Agent) {
    let text: &str = &agent.text;
    if let Some(found) = parser.browsers.first(text, |extractor| extractor.extract(text)) {
        let version = names::version(found.major, found.minor);
        let (browser, version) = names::browser(&found.family, version, text);
        agent.browser = browser.map(Box::from);
        agent.browser_version = version.map(Box::from);
    }
    let device = parser.devices.first(text, |extractor| extractor.extract(text));
    let brand = device.as_ref().and_then(|found| found.brand.as_deref());
    let model = device.as_ref().and_then(|found| found.model.as_deref()).and_then(names::model);
    let model = model.or_else(|| names::written_model(text));
    agent.brand = names::brand(brand.unwrap_or(""), model).map(Box::from);
    agent.model = model.map(Box::from);
    if brand == Some("Spider") {
        // The patterns know the general marks of a machine ("bot", "spider"), beside the list of names.
        agent.is_crawler = true;
        (agent.brand, agent.model) = (None, None);
        return;
    }
    if let Some(found) = parser.systems.first(text, |extractor| extractor.extract(text)) {
        agent.os = names::system(&found.os).map(Box::from);
        agent.os_version = names::version(found.major.as_deref(), found.minor.as_deref()).map(Box::from);
    }
    agent.device = kind::of(text, agent.model.as_deref());
}

fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first) & i64::MAX
}

/// An agent as the key of its own cache entry: found by its text, which is kept once.
struct Text(Arc<Agent>);

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0.text
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}
