//! Which deliveries a form of the log means.

use crate::db::delivery_log::DeliveryQuery;
use crate::domain::click_id::ClickId;
use crate::domain::delivery::{DeliveryState, RESENT_MAX};
use crate::http::resends::Chosen;
use crate::pages::parts::Hidden;
use crate::pages::typed::Typed;
use crate::pages::view::search_text;

/// What the log shows, as a hidden field of its form carries it. Its times are moments, so that what is sent is what was looked
/// at.
pub(super) fn shown(query: &DeliveryQuery) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            pairs.append_pair(name, &value);
        }
    };
    put("from_ms", query.from_ms.map(|ms| ms.to_string()));
    put("to_ms", query.to_ms.map(|ms| ms.to_string()));
    put("destination", query.destination_id.map(|id| id.to_string()));
    put("state", query.state.map(|state| state.to_string()));
    put("click", query.click_id.map(|id| id.to_string()));
    put("q", Some(query.q.clone()).filter(|q| !q.is_empty()));
    put("test", query.is_test.map(|is_test| is_test.to_string()));
    pairs.finish()
}

/// Reads it back; what it does not know finds nothing rather than everything.
fn read_shown(text: &str) -> Option<DeliveryQuery> {
    let mut query = DeliveryQuery::default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        match name.as_ref() {
            "from_ms" => query.from_ms = Some(value.parse().ok()?),
            "to_ms" => query.to_ms = Some(value.parse().ok()?),
            "destination" => query.destination_id = Some(value.parse().ok()?),
            "state" => query.state = Some(DeliveryState::parse(&value)?),
            "click" => query.click_id = Some(ClickId::parse(&value)?),
            "q" => query.q = search_text(&value),
            "test" => query.is_test = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(query)
}

/// Reads what a form sends; `None` where it means none. Of what the log shows only what failed is meant, unless it shows
/// another state alone.
pub(super) fn read(typed: &Typed) -> Option<Chosen> {
    if typed.get("scope") == "shown" {
        let mut query = read_shown(typed.get("shown"))?;
        query.state = Some(query.state.unwrap_or(DeliveryState::Failed));
        return Some(Chosen::Filter(Box::new(query)));
    }
    let ids: Vec<i64> = typed.all("id").filter_map(|id| id.parse().ok()).take(RESENT_MAX).collect();
    (!ids.is_empty()).then_some(Chosen::Ids(ids))
}

/// The same as hidden fields of the next form.
pub(super) fn hidden(chosen: &Chosen) -> Vec<Hidden> {
    let field = |name: &str, value: String| Hidden { name: name.to_owned(), value };
    match chosen {
        Chosen::Ids(ids) => ids.iter().map(|id| field("id", id.to_string())).collect(),
        Chosen::Filter(query) => vec![field("scope", "shown".to_owned()), field("shown", shown(query))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_shows_is_read_back_as_it_was() {
        let query = DeliveryQuery {
            from_ms: Some(5),
            to_ms: Some(9),
            destination_id: Some(7),
            state: Some(DeliveryState::Skipped),
            click_id: Some(ClickId::new(1_000, [3; 10])),
            q: "a&b=c".to_owned(),
            is_test: Some(false),
            ..DeliveryQuery::default()
        };
        assert_eq!(read_shown(&shown(&query)), Some(query));
        for wrong in ["from_ms=x", "state=gone", "colour=red", "test=perhaps"] {
            assert_eq!(read_shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_that_is_shown_means_what_failed_of_it() {
        let chosen = |form: &str| read(&Typed::parse(form.as_bytes()));
        let state = |form: &str| match chosen(form) {
            Some(Chosen::Filter(query)) => query.state,
            other => panic!("{other:?}"),
        };
        assert_eq!(state("scope=shown&shown=q%3Dx"), Some(DeliveryState::Failed));
        assert_eq!(state("scope=shown&shown=state%3Dsent"), Some(DeliveryState::Sent));
        assert_eq!(chosen("scope=shown&shown=colour%3Dred"), None);
        assert_eq!(chosen("scope=ticked&id=1&id=x&id=3"), Some(Chosen::Ids(vec![1, 3])));
        assert_eq!(chosen("scope=ticked"), None);
    }
}
