//! Which campaigns lead to the offers of a source's campaigns: whose figures may stand beside each other.

use super::{CampaignRoute, Catalog};
use std::collections::{BTreeSet, HashMap};

impl Catalog {
    /// The offers that a source's campaigns lead to, and the source of every campaign that leads to one of them.
    #[must_use]
    pub fn ways_of(&self, source_id: i64) -> (BTreeSet<i64>, HashMap<i64, i64>) {
        let source = |campaign: &CampaignRoute| campaign.source.as_ref().map(|source| source.id);
        let of_source = self.campaigns.values().filter(|campaign| source(campaign) == Some(source_id));
        let offers: BTreeSet<i64> = of_source.flat_map(|campaign| self.offers_of(campaign)).collect();
        let leads_there = |campaign: &CampaignRoute| self.offers_of(campaign).any(|id| offers.contains(&id));
        let campaigns = self.campaigns.values().filter(|campaign| leads_there(campaign));
        let campaigns = campaigns.filter_map(|campaign| Some((campaign.id, source(campaign)?))).collect();
        (offers, campaigns)
    }

    fn offers_of(&self, campaign: &CampaignRoute) -> impl Iterator<Item = i64> {
        campaign.all_paths().flat_map(|path| self.offers_on(path)).map(|offer| offer.id)
    }
}
