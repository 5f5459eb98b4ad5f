//! The paths of a campaign form, the default ones and those of its rules: rows within rows, whose numbers may have gaps.

use super::{PathForm, PickForm, rules};
use crate::db::choices::{self, Named};
use crate::domain::campaign::{ALL_PATHS_MAX, CampaignPath, PATH_ENTRIES_MAX, PATHS_MAX, Target};
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{ListKind, RULES_MAX};
use crate::http::App;
use crate::pages::choosing;
use crate::pages::forms::{Field, Select};
use crate::pages::parts::Choice;
use crate::pages::typed::{Marked, Typed, chosen};
use crate::pages::words::MoneyWords;
use crate::{db, entities};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The two kinds of picks: the list's name in the form, one of it, and the field with its number.
const PICKS: [(&str, &str, &str); 2] = [("landers", "lander", "lander_id"), ("offers", "offer", "offer_id")];

/// What stands before the number of a campaign that is chosen in the place of an offer.
const CAMPAIGN: &str = "campaign-";

/// A target as the select of offers sends it.
fn pick_text(target: Target) -> String {
    match target {
        Target::Offer(id) => id.to_string(),
        Target::Campaign(id) => format!("{CAMPAIGN}{id}"),
    }
}

/// What the selects of the form offer.
pub(super) struct Choices {
    /// Sources; the first is none.
    pub(super) sources: Vec<Choice>,
    /// Tracking hosts; the first is the installation's own address.
    pub(super) domains: Vec<Choice>,
    /// What is not offered, in words. Empty where everything is.
    pub(super) cut: String,
    /// The other campaigns.
    pub(super) campaigns: Vec<Choice>,
    /// Lists that a condition can name, each with what it holds.
    pub(super) lists: Vec<(ListKind, Choice)>,
    landers: Vec<Choice>,
    offers: Vec<Choice>,
}

impl Choices {
    /// Reads what can be chosen, and what is chosen already, whatever became of it. A campaign does not lead into itself.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn read(app: &App, typed: &Typed, own: Option<i64>) -> Result<Self, entities::Error> {
        let picked = |list, field| ids(picked(typed, list, field));
        let (lander_ids, offer_ids) = (picked("landers", "lander_id"), picked("offers", "offer_id"));
        let rows_max = choosing::rows_max(lander_ids.len() + offer_ids.len());
        let domain_ids = ids(vec![typed.get("domain_id")]);
        let source_ids = ids(vec![typed.get("source_id")]);
        let campaign_ids = self::picked(typed, "offers", "offer_id").into_iter();
        let campaign_ids = ids(campaign_ids.filter_map(|value| value.strip_prefix(CAMPAIGN)).collect());
        let list_ids = rules::list_ids(typed);
        let rows_max = rows_max.min(choosing::rows_max(list_ids.len()));
        app.db.read(|conn| {
            let kinds: HashMap<i64, ListKind> =
                db::lists::versions(conn)?.into_iter().map(|(id, kind, _)| (id, kind)).collect();
            let lists = choices::lists(conn, rows_max, &list_ids)?;
            let sources = choices::sources(conn, rows_max, &source_ids)?;
            let domains = choices::domains(conn, rows_max, &domain_ids)?;
            let landers = choices::landers(conn, rows_max, &lander_ids)?;
            let offers = choices::offers(conn, rows_max, &offer_ids)?;
            let mut campaigns = choices::campaigns(conn, rows_max, &campaign_ids)?;
            campaigns.items.retain(|campaign| Some(campaign.id) != own);
            let offered: Vec<i64> = offers.items.iter().map(|one| one.id).collect();
            let revenues = choices::offer_revenues(conn, &offered)?;
            let revenue = |offer: &Named| {
                revenues
                    .get(&offer.id)
                    .map(|(money, currency)| format!(" · {}", MoneyWords::new(*currency).exact(*money)))
            };
            let shown = [
                ("sources", &sources),
                ("domains", &domains),
                ("landers", &landers),
                ("offers", &offers),
                ("campaigns", &campaigns),
                ("lists", &lists),
            ];
            Ok(Self {
                sources: choosing::choices("None", &sources, |_| None),
                domains: choosing::choices("This installation's", &domains, |_| None),
                cut: choosing::cut(&shown, rows_max),
                campaigns: choosing::choices("", &campaigns, |_| None).into_iter().skip(1).collect(),
                lists: {
                    let named = choosing::choices("", &lists, |_| None).into_iter().skip(1);
                    let ids = lists.items.iter().map(|list| kinds.get(&list.id).copied());
                    ids.zip(named).filter_map(|(kind, named)| kind.map(|kind| (kind, named))).collect()
                },
                landers: choosing::choices("Choose a lander", &landers, |_| None),
                offers: {
                    let mut targets = choosing::choices("Choose an offer", &offers, revenue);
                    let others = choosing::choices("", &campaigns, |_| None).into_iter().skip(1);
                    targets.extend(others.map(|other| Choice {
                        value: format!("{CAMPAIGN}{}", other.value),
                        label: format!("Campaign: {}", other.label),
                        ..other
                    }));
                    targets
                },
            })
        })
    }

    fn of(&self, list: &str) -> &[Choice] {
        if list == "landers" { &self.landers } else { &self.offers }
    }
}

fn ids(values: Vec<&str>) -> Vec<i64> {
    values.into_iter().filter_map(|value| value.parse().ok()).collect()
}

/// Everything chosen in one kind of picks, bounded by what a campaign may have.
fn picked<'a>(typed: &'a Typed, list: &str, field: &str) -> Vec<&'a str> {
    let mut values = Vec::new();
    for path in all_paths(typed) {
        let place = format!("{path}.{list}");
        for row in typed.rows(&place).into_iter().take(PATH_ENTRIES_MAX) {
            values.push(typed.get(&format!("{place}.{row}.{field}")));
        }
    }
    values
}

/// The places of all paths, the default ones and those of the rules, bounded by what a campaign may have.
fn all_paths(typed: &Typed) -> Vec<String> {
    let rules = typed.rows("rules").into_iter().take(RULES_MAX).map(|rule| format!("rules.{rule}.paths"));
    let lists = std::iter::once("paths".to_owned()).chain(rules);
    let paths = lists.flat_map(|list| {
        let rows = typed.rows(&list).into_iter().take(PATHS_MAX);
        rows.map(|row| format!("{list}.{row}")).collect::<Vec<_>>()
    });
    paths.take(ALL_PATHS_MAX).collect()
}

/// Writes stored paths into a form, under `paths` or `rules.0.paths`.
pub(super) fn put(typed: &mut Typed, list: &str, paths: &[CampaignPath]) {
    for (at, path) in paths.iter().enumerate() {
        let place = format!("{list}.{at}");
        typed.push(format!("{place}.id"), path.id.map(|id| id.to_string()).unwrap_or_default());
        typed.push(format!("{place}.name"), &*path.name);
        typed.push(format!("{place}.weight"), path.weight.to_string());
        typed.push(format!("{place}.status"), path.status.as_str());
        let landers = path.landers.iter().map(|entry| (entry.id.to_string(), entry.weight)).collect();
        let offers = path.offers.iter().map(|entry| (pick_text(entry.target), entry.weight)).collect();
        let picks: [Vec<(String, i64)>; 2] = [landers, offers];
        for ((list, _, field), entries) in PICKS.into_iter().zip(picks) {
            for (row, (chosen, weight)) in entries.into_iter().enumerate() {
                typed.push(format!("{place}.{list}.{row}.{field}"), chosen);
                typed.push(format!("{place}.{list}.{row}.weight"), weight.to_string());
            }
        }
    }
}

/// Reads the paths of a form that stand under a name, in the order of their rows.
pub(super) fn read(typed: &Typed, list: &str) -> Value {
    let path = |row: String| {
        let place = format!("{list}.{row}");
        let part = |part: &str| typed.get(&format!("{place}.{part}")).to_owned();
        let picks = |list: &str, field: &str| -> Value {
            let place = format!("{place}.{list}");
            let pick = |row: String| {
                let chosen = typed.get(&format!("{place}.{row}.{field}"));
                let (field, id) =
                    chosen.strip_prefix(CAMPAIGN).map_or((field, chosen), |id| ("campaign_id", id));
                json!({ field: id, "weight": typed.get(&format!("{place}.{row}.weight")) })
            };
            typed.rows(&place).into_iter().map(pick).collect()
        };
        // A new path says nothing of its status: it is in use.
        let status = Some(part("status")).filter(|status| !status.is_empty());
        json!({
            "id": part("id"),
            "name": part("name"),
            "weight": part("weight"),
            "status": status.as_deref().unwrap_or(EntityStatus::Active.as_str()),
            "landers": picks("landers", "lander_id"),
            "offers": picks("offers", "offer_id"),
        })
    };
    typed.rows(list).into_iter().map(path).collect()
}

/// Adds an empty path under a name.
pub(super) fn add(typed: &mut Typed, list: &str) {
    let row = typed.next_row(list);
    typed.push(format!("{list}.{row}.weight"), "100");
    typed.push(format!("{list}.{row}.offers.0.offer_id"), "");
    typed.push(format!("{list}.{row}.offers.0.weight"), "100");
}

/// Does what a row's button says; whether there was one. What follows the word is the place of the row.
pub(super) fn change(typed: &mut Typed, action: &str) -> bool {
    let Some((deed, place)) = action.split_once('.').filter(|(_, place)| is_place(place)) else {
        return false;
    };
    match deed {
        "add-path" => add(typed, place),
        "remove" => typed.remove_under(place),
        _ => {
            let Some((list, _, field)) =
                PICKS.into_iter().find(|(_, one, _)| deed.strip_prefix("add-") == Some(one))
            else {
                return false;
            };
            let at = format!("{place}.{list}");
            let row = typed.next_row(&at);
            typed.push(format!("{at}.{row}.{field}"), "");
            typed.push(format!("{at}.{row}.weight"), "100");
        }
    }
    true
}

/// Whether a text can be the place of a row: words and numbers with dots between them.
pub(super) fn is_place(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}

/// The cards of the paths under a name, each with what is wrong in it. `errors` is the name of the same list in
/// errors: `rules[0].paths` for `rules.7.paths`.
pub(super) fn draw(form: Marked<'_>, list: &str, errors: &str, choices: &Choices) -> Vec<PathForm> {
    let rows = form.typed.rows(list);
    let weights = rows.iter().map(|row| form.typed.get(&format!("{list}.{row}.weight")));
    let shares = shares(&weights.collect::<Vec<_>>());
    let path = |((at, key), share): ((usize, String), String)| {
        let place = format!("{list}.{key}");
        let part = |part: &str| Field {
            value: form.typed.get(&format!("{place}.{part}")).to_owned(),
            error: form.error(&format!("{errors}[{at}].{part}")),
        };
        let said = ["", ".id", ".status", ".landers", ".offers"];
        let said = said.map(|rest| form.error(&format!("{errors}[{at}]{rest}")));
        PathForm {
            id: part("id").value,
            name: part("name"),
            weight: part("weight"),
            status: part("status").value,
            share,
            landers: picks(form, &place, "landers", choices),
            offers: picks(form, &place, "offers", choices),
            blanks: None,
            error: said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(". "),
            place,
        }
    };
    rows.into_iter().enumerate().zip(shares).map(path).collect()
}

fn picks(form: Marked<'_>, path: &str, list: &str, choices: &Choices) -> Vec<PickForm> {
    let field = if list == "landers" { "lander_id" } else { "offer_id" };
    let place = format!("{path}.{list}");
    let rows = form.typed.rows(&place);
    let weight = |row: &String| form.typed.get(&format!("{place}.{row}.weight"));
    let shares = shares(&rows.iter().map(weight).collect::<Vec<_>>());
    let pick = |(key, share): (String, String)| {
        let options = chosen(choices.of(list), form.typed.get(&format!("{place}.{key}.{field}")));
        let label = options.iter().find(|choice| choice.selected && !choice.value.is_empty());
        PickForm {
            label: label.map(|choice| choice.label.clone()).unwrap_or_default(),
            pick: Select { options, error: String::new() },
            weight: Field::new(weight(&key)),
            share,
            key,
        }
    };
    rows.into_iter().zip(shares).map(pick).collect()
}

fn blank_pick(choices: &[Choice]) -> PickForm {
    PickForm {
        key: "__R__".to_owned(),
        pick: Select { options: choices.to_vec(), error: String::new() },
        weight: Field::new("100"),
        ..PickForm::default()
    }
}

/// An empty path for the script to copy.
pub(super) fn blank(choices: &Choices) -> PathForm {
    PathForm {
        place: "__P__".to_owned(),
        weight: Field::new("100"),
        offers: vec![PickForm { key: "0".to_owned(), ..blank_pick(&choices.offers) }],
        blanks: Some((blank_pick(&choices.landers), blank_pick(&choices.offers))),
        ..PathForm::default()
    }
}

/// Weights as per cent of their sum, to one decimal.
fn shares(weights: &[&str]) -> Vec<String> {
    let weights: Vec<u64> =
        weights.iter().map(|text| text.trim().parse::<u32>().map_or(0, u64::from)).collect();
    let total: u64 = weights.iter().sum();
    let share = |weight: u64| match (weight * 1_000 + total / 2).checked_div(total) {
        None => "–".to_owned(),
        Some(tenths) if tenths.is_multiple_of(10) => format!("{}%", tenths / 10),
        Some(tenths) => format!("{}.{}%", tenths / 10, tenths % 10),
    };
    weights.into_iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_sum() {
        assert_eq!(shares(&["70", "30"]), ["70%", "30%"]);
        assert_eq!(shares(&["1", "1", "1"]), ["33.3%", "33.3%", "33.3%"]);
        assert_eq!(shares(&["0", "x"]), ["–", "–"]);
    }

    #[test]
    fn buttons_change_their_own_rows_only() {
        let mut typed = Typed::parse(b"paths.3.weight=1&paths.3.offers.0.offer_id=7");
        assert!(change(&mut typed, "add-lander.paths.3"));
        assert_eq!(typed.rows("paths.3.landers"), ["0"]);
        assert!(change(&mut typed, "remove.paths.3.offers.0"));
        assert!(typed.rows("paths.3.offers").is_empty());
        assert!(change(&mut typed, "add-path.paths"));
        assert!(change(&mut typed, "add-path.rules.2.paths"));
        assert_eq!(
            (typed.rows("paths"), typed.rows("rules.2.paths")),
            (vec!["3".to_owned(), "4".to_owned()], vec!["0".to_owned()])
        );
        for not_mine in ["save", "add-path.", "add-rule.paths", "remove.a b", ""] {
            assert!(!change(&mut typed, not_mine), "{not_mine}");
        }
    }
}
