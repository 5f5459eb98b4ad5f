//! Pure words and rules: no I/O, no clock.

pub mod advertiser;
pub mod bot;
pub mod campaign;
pub mod cap;
pub mod click;
pub mod click_id;
pub mod country;
pub mod device;
pub mod figures;
mod filling;
pub mod histogram;
pub mod input;
pub mod lander;
pub mod language;
pub mod macros;
pub mod moment;
pub mod money;
pub mod offer;
pub mod origin;
pub mod rate;
pub mod role;
pub mod rollup;
pub mod rule;
pub mod source;
pub mod status;
pub mod template;
pub mod verdict;
pub(crate) mod words;
pub mod zone;

pub use bot::BotReason;
pub use country::Country;
pub use device::Device;
pub use language::Language;
