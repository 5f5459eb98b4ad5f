//! Which offer does this click go to: the catalog in memory, rules, weighted draws, what the visitor has seen, macros
//! filled.

mod arrival;
mod asked;
mod caps;
mod catalog;
mod choose;
mod draw;
mod fallback;
mod follower;
mod memory;
mod onward;
mod query;
#[cfg(test)]
mod tests;
mod token;
mod trace;
mod values;

pub use arrival::{Arrival, Routed, Router};
pub use asked::{Headers, NoHeaders};
pub use caps::{Caps, LiveCaps, NoCaps, Used, watch_caps};
pub use catalog::{
    AdvertiserRoute, CampaignRoute, Catalog, CostRule, DestinationRoute, LanderRoute, LiveCatalog,
    OfferRoute, PathRoute, RuleRoute, SourceRoute, TargetRoute,
};
pub use draw::Draws;
pub use fallback::{Asking, Fallback};
pub use follower::follow;
pub use memory::{Memory, Seen};
pub use onward::{Press, Pressed};
pub use query::decode;
pub use token::Sealer;
pub use trace::{Trace, TracedRule};
pub use values::ClickValues;
