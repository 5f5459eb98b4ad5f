//! The dashboards: one file per page family, each with the structs its templates are rendered from.
//!
//! Every value here is ready to be shown: money, times and ratios arrive as text, and templates do no arithmetic.
//! A ratio with nothing under it is "–", a loss has a real minus sign ("−$28.11") and a gain a plus sign.

pub mod advertisers;
pub mod campaigns;
pub mod clicks;
pub mod conversions;
pub mod dashboard;
pub mod errors;
pub mod forms;
pub mod landers;
pub mod layout;
pub mod offers;
pub mod parts;
pub mod postbacks;
pub mod search;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod sources;
pub mod start;
pub mod tables;
