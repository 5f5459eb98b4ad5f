//! Which offer does this click go to: the catalog in memory, weighted draws, macros filled.

mod arrival;
mod catalog;
mod query;
mod token;
mod values;

pub use arrival::{Arrival, Draws, Routed, Router, draw_offer};
pub use catalog::{
    AdvertiserRoute, CampaignRoute, Catalog, CostRule, LanderRoute, LiveCatalog, OfferRoute, PathRoute,
    SourceRoute,
};
pub use query::decode;
pub use token::Sealer;
pub use values::ClickValues;
