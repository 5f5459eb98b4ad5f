//! A campaign's address as a source takes it: its own macros stand in the parameters, ready to paste.

use super::Source;

/// Ad platforms' click ids. They append them to every address themselves, and they are kept of each click under their own
/// names.
pub const AD_PLATFORM_IDS: [&str; 6] = ["gclid", "gbraid", "wbraid", "fbclid", "ttclid", "msclkid"];

/// A parameter of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyParam<'a> {
    /// Its name.
    pub param: &'a str,
    /// What the source writes there in its own words; `None` where nobody said.
    pub theirs: Option<&'a str>,
}

impl ReadyParam<'_> {
    /// What stands there: the source's own macro, else the parameter's name in braces as a placeholder.
    #[must_use]
    pub fn value(&self) -> String {
        self.theirs.map_or_else(|| format!("{{{}}}", self.param), str::to_owned)
    }
}

impl Source {
    /// The parameters of a campaign's address that this source fills, each once. What a platform appends by itself is left
    /// out.
    #[must_use]
    pub fn ready_params(&self) -> Vec<ReadyParam<'_>> {
        let own = [(&self.external_id_param, &self.external_id_macro), (&self.cost_param, &self.cost_macro)];
        let own = own.into_iter().filter_map(|(param, theirs)| Some((param.as_deref()?, theirs.as_deref())));
        let tokens = self.tokens.iter().map(|token| (token.param.as_str(), token.theirs.as_deref()));
        let mut params: Vec<ReadyParam<'_>> = Vec::new();
        for (param, theirs) in own.chain(tokens) {
            let is_appended = theirs.is_none() && AD_PLATFORM_IDS.contains(&param);
            if !is_appended && !params.iter().any(|known| known.param == param) {
                params.push(ReadyParam { param, theirs });
            }
        }
        params
    }

    /// The address with these parameters. Macros stand raw: encoded they would be no macros.
    #[must_use]
    pub fn ready_url(&self, url: &str) -> String {
        let pairs: Vec<String> =
            self.ready_params().iter().map(|one| format!("{}={}", one.param, one.value())).collect();
        if pairs.is_empty() { url.to_owned() } else { format!("{url}?{}", pairs.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input::Editable as _;
    use crate::domain::money::Currency;
    use crate::domain::preset::{source_preset, sources};
    use crate::domain::source::CostModel;

    fn of(slug: &str, account: Currency) -> Source {
        let (preset, facts) = source_preset(slug).unwrap();
        let mut source = Source::blank(account);
        source.apply(&facts.fields(preset, account)).unwrap_or_else(|errors| panic!("{slug}: {errors:?}"));
        source
    }

    #[test]
    fn the_address_is_ready_to_paste() {
        let pushground = of("pushground", Currency::USD);
        assert_eq!(pushground.cost_model, CostModel::Param);
        assert_eq!(
            pushground.ready_url("https://trk.example/c/slug"),
            "https://trk.example/c/slug?external_id={click_id}&cost={bid}"
        );
        let adsterra = of("adsterra", Currency::USD).ready_url("https://t.example/c/s");
        assert_eq!(adsterra, "https://t.example/c/s?external_id=##SUB_ID_SHORT(action)##");
        assert_eq!(
            of("meta-conversions-api", Currency::USD).ready_url("https://t.example/c/s"),
            "https://t.example/c/s"
        );
        assert!(of("tiktok-events-api", Currency::USD).ready_url("u").ends_with("?ttclid=__CLICKID__"));
        let clickadilla = of("clickadilla", Currency::USD).ready_url("u");
        assert_eq!(clickadilla, "u?external_id=[CLICK_ID]&cost=[PRICE]&ad_campaign={ad_campaign}");
    }

    #[test]
    fn every_preset_makes_a_source_whose_cost_is_counted_or_explained() {
        for (preset, facts) in sources() {
            for account in [Currency::USD, Currency::parse("EUR").unwrap()] {
                let source = of(&preset.slug, account);
                assert_eq!((&source.name, source.preset.as_ref()), (&preset.name, Some(&preset.slug)));
                let note = facts.cost_note(account);
                assert_eq!(source.cost_model == CostModel::Param, note.is_none(), "{}", preset.slug);
                assert!(note.is_none_or(|note| note.ends_with('.')), "{}", preset.slug);
                assert!(source.ready_params().len() <= 5, "{}", preset.slug);
            }
        }
    }

    #[test]
    fn without_macros_the_names_stand_there() {
        let mut source = Source::blank(Currency::USD);
        source.external_id_param = Some("click_id".to_owned());
        source.cost_param = Some("click_id".to_owned());
        assert_eq!(source.ready_url("u"), "u?click_id={click_id}");
    }
}
