//! Pure words and rules: no I/O, no clock, no room of the house above.

pub mod bot;
pub mod country;
pub mod device;
pub mod language;
mod words;

pub use bot::BotReason;
pub use country::Country;
pub use device::Device;
pub use language::Language;
