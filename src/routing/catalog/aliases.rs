//! The old addresses that campaigns answer at, ready for requests that no door of ours takes.

use super::CampaignRoute;
use crate::domain::old_address::{plain_path, with_parameter};
use crate::routing::query::{PARAMS_MAX, decode};
use std::collections::HashMap;
use std::sync::Arc;

/// Old addresses with their campaigns.
#[derive(Debug, Default)]
pub struct Aliases {
    exact: HashMap<String, Arc<CampaignRoute>>,
    /// The same in lower case, for networks that fold addresses; nothing where several fall together.
    folded: HashMap<String, Option<Arc<CampaignRoute>>>,
    /// The parameters by which an old tracker told campaigns apart, by path in lower case.
    parameters: HashMap<String, Vec<String>>,
}

impl Aliases {
    /// Those of some campaigns.
    pub(super) fn new<'a>(campaigns: impl Iterator<Item = &'a Arc<CampaignRoute>>) -> Self {
        let mut aliases = Self::default();
        for campaign in campaigns {
            for alias in &campaign.aliases {
                aliases.add(alias, campaign);
            }
        }
        aliases
    }

    fn add(&mut self, alias: &str, campaign: &Arc<CampaignRoute>) {
        if let Some((path, name)) =
            alias.split_once('?').and_then(|(path, pair)| Some((path, pair.split_once('=')?.0)))
        {
            let names = self.parameters.entry(path.to_ascii_lowercase()).or_default();
            if names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        }
        self.exact.insert(alias.to_owned(), Arc::clone(campaign));
        let folded = self.folded.entry(alias.to_ascii_lowercase());
        folded.and_modify(|known| *known = None).or_insert_with(|| Some(Arc::clone(campaign)));
    }

    /// Whether there are none, as nearly everywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    /// The campaign that answers at a path with a query.
    #[must_use]
    pub fn find(&self, path: &str, query: &str) -> Option<&Arc<CampaignRoute>> {
        if self.is_empty() {
            return None;
        }
        let path = plain_path(path)?;
        let names = self.parameters.get(&path.to_ascii_lowercase());
        let by_parameter = names.into_iter().flatten().find_map(|name| {
            let value = value_of(query, name)?;
            self.known(&with_parameter(&path, name, &value))
        });
        by_parameter.or_else(|| self.known(&path))
    }

    fn known(&self, alias: &str) -> Option<&Arc<CampaignRoute>> {
        let folded = || self.folded.get(&alias.to_ascii_lowercase()).and_then(Option::as_ref);
        self.exact.get(alias).or_else(folded)
    }
}

/// The first value of a parameter.
fn value_of(query: &str, name: &str) -> Option<String> {
    query.split('&').take(PARAMS_MAX).find_map(|pair| {
        let (known, value) = pair.split_once('=')?;
        (decode(known) == name && !value.is_empty()).then(|| decode(value).into_owned())
    })
}
