//! Which postbacks a form of the log means.

use crate::conversions::REPLAYED_MAX;
use crate::db::postbacks::{self, PostbackQuery};
use crate::domain::click_id::ClickId;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::{App, Error, reading};
use crate::pages::parts::Hidden;
use crate::pages::typed::Typed;
use crate::pages::view::search_text;
use actix_web::web;

/// The postbacks that are meant: those that are ticked, or all that did not count among what the log shows.
pub(super) enum Chosen {
    /// By their numbers.
    Ticked(Vec<i64>),
    /// What the log showed.
    Shown(Box<PostbackQuery>),
}

/// What the log shows, as a hidden field of its form carries it. Its times are moments, so that what is run is what was looked
/// at.
pub(super) fn shown(query: &PostbackQuery) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            pairs.append_pair(name, &value);
        }
    };
    put("from_ms", query.from_ms.map(|ms| ms.to_string()));
    put("to_ms", query.to_ms.map(|ms| ms.to_string()));
    put("advertiser", query.advertiser_id.map(|id| id.to_string()));
    put("result", query.result.clone());
    put("code", query.code.clone());
    put("click", query.click_id.map(|id| id.to_string()));
    put("q", Some(query.q.clone()).filter(|q| !q.is_empty()));
    put("test", query.is_test.map(|is_test| is_test.to_string()));
    pairs.finish()
}

/// Reads it back; what it does not know finds nothing rather than everything.
fn read_shown(text: &str) -> Option<PostbackQuery> {
    let mut query = PostbackQuery { is_uncounted: true, ..PostbackQuery::default() };
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        match name.as_ref() {
            "from_ms" => query.from_ms = Some(value.parse().ok()?),
            "to_ms" => query.to_ms = Some(value.parse().ok()?),
            "advertiser" => query.advertiser_id = Some(value.parse().ok()?),
            "result" => query.result = Some(PostbackResult::parse(&value)?.as_str().to_owned()),
            "code" => query.code = Some(Code::parse(&value)?.as_str().to_owned()),
            "click" => query.click_id = Some(ClickId::parse(&value)?),
            "q" => query.q = search_text(&value),
            "test" => query.is_test = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(query)
}

impl Chosen {
    /// Reads what a form sends; `None` where it means none.
    pub(super) fn read(typed: &Typed) -> Option<Self> {
        if typed.get("scope") == "shown" {
            return read_shown(typed.get("shown")).map(|query| Self::Shown(Box::new(query)));
        }
        let ids: Vec<i64> = typed.all("id").filter_map(|id| id.parse().ok()).take(REPLAYED_MAX).collect();
        (!ids.is_empty()).then_some(Self::Ticked(ids))
    }

    /// The same as hidden fields of the next form.
    pub(super) fn hidden(&self) -> Vec<Hidden> {
        let field = |name: &str, value: String| Hidden { name: name.to_owned(), value };
        match self {
            Self::Ticked(ids) => ids.iter().map(|id| field("id", id.to_string())).collect(),
            Self::Shown(query) => {
                vec![field("scope", "shown".to_owned()), field("shown", shown(query))]
            }
        }
    }

    /// The numbers; one more than may be run where there are too many.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn ids(&self, app: &web::Data<App>) -> Result<Vec<i64>, Error> {
        match self {
            Self::Ticked(ids) => Ok(ids.clone()),
            Self::Shown(query) => {
                let (query, rows_max) = (query.clone(), i64::try_from(REPLAYED_MAX + 1).unwrap_or(i64::MAX));
                reading(app, move |app| app.db.read(|conn| postbacks::ids(conn, &query, rows_max))).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_shows_is_read_back_as_it_was() {
        let query = PostbackQuery {
            from_ms: Some(5),
            to_ms: Some(9),
            advertiser_id: Some(7),
            result: Some("refused".to_owned()),
            is_uncounted: true,
            code: Some("bad_key".to_owned()),
            click_id: Some(ClickId::new(1_000, [3; 10])),
            q: "a&b=c".to_owned(),
            is_test: Some(false),
            ..PostbackQuery::default()
        };
        assert_eq!(read_shown(&shown(&query)), Some(query));
        for wrong in ["from_ms=x", "code=gone", "colour=red", "test=perhaps"] {
            assert_eq!(read_shown(wrong), None, "{wrong}");
        }
    }
}
