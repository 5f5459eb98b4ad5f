//! The paths of a campaign form: rows within rows, whose numbers may have gaps.

use super::{PathForm, PickForm};
use crate::db::choices::{self, Named};
use crate::domain::campaign::{CampaignPath, PATH_ENTRIES_MAX, PATHS_MAX, Target};
use crate::entities;
use crate::http::App;
use crate::pages::choosing;
use crate::pages::forms::{Field, Select};
use crate::pages::parts::Choice;
use crate::pages::typed::{Marked, Typed, chosen};
use crate::pages::words::MoneyWords;
use serde_json::{Value, json};

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
    /// What is not offered, in words. Empty where everything is.
    pub(super) cut: String,
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
        let source_ids = ids(vec![typed.get("source_id")]);
        let campaign_ids = self::picked(typed, "offers", "offer_id").into_iter();
        let campaign_ids = ids(campaign_ids.filter_map(|value| value.strip_prefix(CAMPAIGN)).collect());
        app.db.read(|conn| {
            let sources = choices::sources(conn, rows_max, &source_ids)?;
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
            let kinds = [
                ("sources", &sources),
                ("landers", &landers),
                ("offers", &offers),
                ("campaigns", &campaigns),
            ];
            Ok(Self {
                sources: choosing::choices("None", &sources, |_| None),
                cut: choosing::cut(&kinds, rows_max),
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
    for path in typed.rows("paths").into_iter().take(PATHS_MAX) {
        let place = format!("paths.{path}.{list}");
        for row in typed.rows(&place).into_iter().take(PATH_ENTRIES_MAX) {
            values.push(typed.get(&format!("{place}.{row}.{field}")));
        }
    }
    values
}

/// Writes stored paths into a form.
pub(super) fn put(typed: &mut Typed, paths: &[CampaignPath]) {
    for (at, path) in paths.iter().enumerate() {
        let place = format!("paths.{at}");
        typed.push(format!("{place}.id"), path.id.map(|id| id.to_string()).unwrap_or_default());
        typed.push(format!("{place}.name"), &*path.name);
        typed.push(format!("{place}.weight"), path.weight.to_string());
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

/// Reads the paths of a form, in the order of their rows.
pub(super) fn read(typed: &Typed) -> Value {
    let path = |row: String| {
        let place = format!("paths.{row}");
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
        json!({
            "id": part("id"),
            "name": part("name"),
            "weight": part("weight"),
            "landers": picks("landers", "lander_id"),
            "offers": picks("offers", "offer_id"),
        })
    };
    typed.rows("paths").into_iter().map(path).collect()
}

/// Does what a row's button says; whether there was one.
pub(super) fn change(typed: &mut Typed, action: &str) -> bool {
    let place = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if action == "add-path" {
        let row = typed.next_row("paths");
        typed.push(format!("paths.{row}.weight"), "100");
        typed.push(format!("paths.{row}.offers.0.offer_id"), "");
        typed.push(format!("paths.{row}.offers.0.weight"), "100");
        return true;
    }
    if let Some(row) = action.strip_prefix("remove-path.").filter(|rest| place(rest)) {
        typed.remove_under(&format!("paths.{row}"));
        return true;
    }
    for (list, one, field) in PICKS {
        if let Some(path) = action.strip_prefix(&format!("add-{one}.")).filter(|rest| place(rest)) {
            let at = format!("paths.{path}.{list}");
            let row = typed.next_row(&at);
            typed.push(format!("{at}.{row}.{field}"), "");
            typed.push(format!("{at}.{row}.weight"), "100");
            return true;
        }
        let removed = action.strip_prefix(&format!("remove-{one}.")).filter(|rest| place(rest));
        if let Some((path, row)) = removed.and_then(|rest| rest.split_once('.')) {
            typed.remove_under(&format!("paths.{path}.{list}.{row}"));
            return true;
        }
    }
    false
}

/// The cards of the paths, each with what is wrong in it.
pub(super) fn draw(form: Marked<'_>, choices: &Choices) -> Vec<PathForm> {
    let rows = form.typed.rows("paths");
    let weights = rows.iter().map(|row| form.typed.get(&format!("paths.{row}.weight")));
    let shares = shares(&weights.collect::<Vec<_>>());
    let path = |((at, key), share): ((usize, String), String)| {
        let part = |part: &str| Field {
            value: form.typed.get(&format!("paths.{key}.{part}")).to_owned(),
            error: form.error(&format!("paths[{at}].{part}")),
        };
        let whole = [String::new(), ".id".to_owned(), ".landers".to_owned(), ".offers".to_owned()];
        let said: Vec<String> = whole.iter().map(|rest| form.error(&format!("paths[{at}]{rest}"))).collect();
        PathForm {
            id: part("id").value,
            name: part("name"),
            weight: part("weight"),
            share,
            landers: picks(form, &key, "landers", choices),
            offers: picks(form, &key, "offers", choices),
            blanks: None,
            error: said.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(". "),
            key,
        }
    };
    rows.into_iter().enumerate().zip(shares).map(path).collect()
}

fn picks(form: Marked<'_>, path: &str, list: &str, choices: &Choices) -> Vec<PickForm> {
    let field = if list == "landers" { "lander_id" } else { "offer_id" };
    let place = format!("paths.{path}.{list}");
    let rows = form.typed.rows(&place);
    let weight = |row: &String| form.typed.get(&format!("{place}.{row}.weight"));
    let shares = shares(&rows.iter().map(weight).collect::<Vec<_>>());
    let pick = |(key, share): (String, String)| PickForm {
        pick: Select {
            options: chosen(choices.of(list), form.typed.get(&format!("{place}.{key}.{field}"))),
            error: String::new(),
        },
        weight: Field::new(weight(&key)),
        share,
        key,
    };
    rows.into_iter().zip(shares).map(pick).collect()
}

fn blank_pick(choices: &[Choice]) -> PickForm {
    PickForm {
        key: "__R__".to_owned(),
        pick: Select { options: choices.to_vec(), error: String::new() },
        weight: Field::new("100"),
        share: String::new(),
    }
}

/// An empty path for the script to copy.
pub(super) fn blank(choices: &Choices) -> PathForm {
    PathForm {
        key: "__P__".to_owned(),
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
        assert!(change(&mut typed, "add-lander.3"));
        assert_eq!(typed.rows("paths.3.landers"), ["0"]);
        assert!(change(&mut typed, "remove-offer.3.0"));
        assert!(typed.rows("paths.3.offers").is_empty());
        assert!(change(&mut typed, "add-path"));
        assert_eq!(typed.rows("paths"), ["3", "4"]);
        assert!(!change(&mut typed, "save"));
    }
}
