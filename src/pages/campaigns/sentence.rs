//! A rule told as a sentence while it is being typed.

use super::rules_typed::{self, Asked, condition, groups};
use crate::domain::input::FieldErrors;
use crate::domain::rule::{self, Condition, Conditions, Group, Told, Zone};
use crate::entities;
use crate::http::{App, PageWrite, reading};
use crate::pages::Answer;
use crate::pages::desk::page;
use crate::pages::parts::Piece;
use crate::pages::typed::Typed;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde_json::json;

/// Stands where a value is still to be written.
const OPEN: &str = "…";

/// A sentence alone.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/told.html")]
struct ToldPart {
    told: Vec<Piece>,
}

/// The address that tells a rule.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/campaigns/rules/sentence", web::post().to(tell));
}

/// Tells one rule of a form, which its query names.
async fn tell(_who: PageWrite, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
    let place = format!("rules.{}", Typed::parse(request.query_string().as_bytes()).get("rule"));
    let ids: Vec<i64> = groups(&typed, &place)
        .iter()
        .flat_map(|(_, all)| all)
        .flat_map(|place| list_ids_at(&typed, place))
        .collect();
    let names = reading(&app, move |app| entities::lists::names(&app.db, &ids)).await?;
    page(&ToldPart { told: told(&typed, &place, &|id| names.get(&id).cloned()) })
}

/// The numbers of the lists that the condition at a place names.
pub(super) fn list_ids_at(typed: &Typed, place: &str) -> Vec<i64> {
    rules_typed::chosen_lists(typed, place).into_iter().filter_map(|id| id.parse().ok()).collect()
}

/// Tells the rule at a place as well as it can be read by now.
pub(super) fn told(typed: &Typed, place: &str, list: &dyn Fn(i64) -> Option<String>) -> Vec<Piece> {
    let group = |(_, all): (String, Vec<String>)| Group {
        all: all.iter().filter_map(|place| so_far(typed, place)).collect(),
    };
    let when = Conditions { any: groups(typed, place).into_iter().map(group).collect() };
    let pieces: Vec<Piece> = when.told(list).into_iter().map(piece).collect();
    if pieces.is_empty() { vec![Piece { text: OPEN.to_owned(), is_marked: false }] } else { pieces }
}

fn piece(told: Told) -> Piece {
    Piece { text: told.text, is_marked: told.is_thing }
}

/// The condition as it will be kept, or with what stands in its fields where that cannot be kept yet.
fn so_far(typed: &Typed, place: &str) -> Option<Condition> {
    let mut errors = FieldErrors::default();
    let sent = json!({ "any": [{ "all": [condition(typed, place)] }] });
    let read = rule::read(&sent, "", &mut errors);
    if errors.is_empty() {
        return read.any.into_iter().flat_map(|group| group.all).next();
    }
    let asked = Asked::at(typed, place);
    let values = asked.separation().split(typed.get(&format!("{place}.values")));
    let mut values: Vec<String> = values.into_iter().map(str::to_owned).collect();
    let lists = if asked.takes_lists() { list_ids_at(typed, place) } else { Vec::new() };
    if values.is_empty() && lists.is_empty() {
        values.push(OPEN.to_owned());
    }
    let op = asked.op_or_first();
    let time_zone = Zone::parse(typed.get(&format!("{place}.time_zone")));
    Some(Condition { fact: asked.fact?, op, values, lists, time_zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(form: &[u8]) -> String {
        let list = |id: i64| (id == 7).then(|| "Bad zones".to_owned());
        told(&Typed::parse(form), "rules.0", &list).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_rule_is_told_before_it_is_whole() {
        assert_eq!(sentence(b""), "…");
        let first = b"rules.0.any.0.all.0.fact=country&rules.0.any.0.all.0.op=in";
        assert_eq!(sentence(first), "country is …");
        let typed =
            [first, &b"&rules.0.any.0.all.0.values=DE,+Nowhere&rules.0.any.0.all.0.lists.0.list_id=7"[..]]
                .concat();
        assert_eq!(sentence(&typed), "country is Germany, Nowhere or on the list Bad zones");
        let other = b"rules.0.any.0.all.0.fact=query&rules.0.any.0.all.0.fact_name=z&rules.0.any.0.all.0.op=greater&\
            rules.0.any.0.all.0.values=5&rules.0.any.1.all.0.fact=hour&rules.0.any.1.all.0.op=is&rules.0.any.1.all.0.values=1-2";
        assert_eq!(sentence(other), "parameter z is greater than 5, or hour is 1–2 (UTC)");
    }
}
