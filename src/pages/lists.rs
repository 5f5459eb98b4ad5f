//! What the lists of things have in common: search, status, pages, and how an archived thing comes back.

use super::layout::Notice;
use super::parts::{Choice, Empty, Link, PostButton};
use super::tables::{Cell, Column, Dot, FilterSelect, Filters, Listing, Pager, Row, Shape, Table};
use super::typed::Typed;
use crate::db::search::{ListQuery, PAGE_MAX};
use crate::domain::lander::EntityStatus;
use crate::http::limits::SEARCH_CHARS_MAX;

/// Which part of a list is asked for. Whatever makes no sense counts as not said.
pub(super) struct Ask {
    /// For the database.
    pub(super) query: ListQuery,
    /// What the list is narrowed by besides, as a part of the address.
    more: Option<(&'static str, &'static str)>,
    archived: Option<i64>,
    restored: Option<i64>,
}

/// What a list is of.
pub(super) struct Kind {
    /// Its address.
    pub(super) path: &'static str,
    /// One of them ("offer").
    pub(super) one: &'static str,
    /// Several ("offers").
    pub(super) many: &'static str,
    /// What the search finds.
    pub(super) placeholder: &'static str,
    /// What an empty list teaches.
    pub(super) teach: &'static str,
}

impl Ask {
    /// Reads `q`, `status` and `page`, and what was just done.
    pub(super) fn parse(query_string: &str) -> Self {
        let typed = Typed::parse(query_string.as_bytes());
        let status = EntityStatus::parse(typed.get("status")).map(|status| status.as_str().to_owned());
        let page = typed.get("page").parse().unwrap_or(1).clamp(1, PAGE_MAX);
        let q = typed.get("q").trim().replace('\0', "").chars().take(SEARCH_CHARS_MAX).collect();
        Self {
            query: ListQuery { page, q, status, ..ListQuery::default() },
            more: None,
            archived: typed.get("archived").parse().ok(),
            restored: typed.get("restored").parse().ok(),
        }
    }

    /// The same for a list that may be narrowed by one thing more (`cap=near`).
    pub(super) fn parse_with(query_string: &str, more: (&'static str, &'static str)) -> Self {
        let is_asked = Typed::parse(query_string.as_bytes()).get(more.0) == more.1;
        Self { more: is_asked.then_some(more), ..Self::parse(query_string) }
    }

    /// Whether it is.
    pub(super) const fn has_more(&self) -> bool {
        self.more.is_some()
    }

    /// What the last action did, with its way back.
    pub(super) fn notice(&self, kind: &Kind) -> Option<Notice> {
        if let Some(id) = self.archived {
            let undo = PostButton::new("Undo", &format!("{}/{id}/restore", kind.path));
            let text = format!("The {} is archived. Nothing was erased.", kind.one);
            return Some(Notice { text, is_error: false, undo: Some(undo) });
        }
        let text = format!("The {} is back in use.", kind.one);
        self.restored.map(|_| Notice { text, is_error: false, undo: None })
    }

    fn is_narrowed(&self) -> bool {
        !self.query.q.is_empty() || self.query.status.is_some() || self.more.is_some()
    }

    fn address(&self, path: &str, page: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.query.q.is_empty() {
            query.append_pair("q", &self.query.q);
        }
        if let Some(status) = &self.query.status {
            query.append_pair("status", status);
        }
        if let Some((name, value)) = self.more {
            query.append_pair(name, value);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The list's parts around its rows.
    pub(super) fn listing(&self, kind: &Kind, columns: &[&str], rows: Vec<Row>, total: i64) -> Listing {
        let status = self.query.status.as_deref().unwrap_or("");
        let choice = |value: &str, label: &str| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            selected: value == status,
        };
        let segments = FilterSelect {
            name: "status".to_owned(),
            label: "Status".to_owned(),
            options: vec![
                choice("", "In use"),
                choice("active", "Active"),
                choice("paused", "Paused"),
                choice("archived", "Archived"),
            ],
        };
        let filters = Filters {
            action: kind.path.to_owned(),
            query: self.query.q.clone(),
            placeholder: kind.placeholder.to_owned(),
            segments: vec![segments],
            ..Filters::default()
        };
        let table = Table {
            caption: format!("All {}", kind.many),
            columns: columns.iter().map(|label| Column::text(label)).collect(),
            empty: self.empty(kind),
            shape: Shape::List,
            rows,
            totals: None,
        };
        Listing { pager: self.pager(kind, table.rows.len(), total), filters, table }
    }

    fn empty(&self, kind: &Kind) -> Empty {
        if self.is_narrowed() {
            return Empty {
                title: "Nothing found".to_owned(),
                text: format!("No {} fits this search and status.", kind.one),
                action: Some(Link::new(&format!("All {}", kind.many), kind.path)),
            };
        }
        Empty {
            title: format!("No {} yet", kind.many),
            text: kind.teach.to_owned(),
            action: Some(Link::new(&format!("New {}", kind.one), &format!("{}/new", kind.path))),
        }
    }

    fn pager(&self, kind: &Kind, shown: usize, total: i64) -> Pager {
        let (page, offset) = (self.query.page, self.query.offset());
        let last = offset + i64::try_from(shown).unwrap_or(0);
        let noun = if total == 1 { kind.one } else { kind.many };
        let note = if shown == 0 {
            String::new()
        } else if last - offset < total {
            format!("{total} {noun}, {}–{last} shown", offset + 1)
        } else {
            format!("{total} {noun}")
        };
        let link = |is_there: bool, page: i64| {
            if is_there { self.address(kind.path, page) } else { String::new() }
        };
        Pager { note, previous: link(page > 1, page - 1), next: link(last < total && shown > 0, page + 1) }
    }
}

/// The first cell of a row: the name with its dot.
pub(super) fn name_cell(name: &str, href: &str, status: EntityStatus) -> Cell {
    let dot = if status == EntityStatus::Active { Dot::On } else { Dot::Off };
    Cell { dot, ..Cell::link(name, href) }
}

/// The last cell of a row: the status, and the way back for what is archived.
pub(super) fn status_cell(path: &str, id: i64, status: EntityStatus) -> Cell {
    let button = PostButton::new("Restore", &format!("{path}/{id}/restore"));
    Cell { button: (status == EntityStatus::Archived).then_some(button), ..Cell::text(status.as_str()) }
}

/// Archive, or restore where it is archived.
pub(super) fn archive_button(path: &str, id: i64, status: EntityStatus) -> PostButton {
    if status == EntityStatus::Archived {
        PostButton::new("Restore", &format!("{path}/{id}/restore"))
    } else {
        PostButton::new("Archive", &format!("{path}/{id}/archive"))
    }
}

/// What a form's page says after it was saved.
pub(super) fn saved_notice(query_string: &str) -> Option<Notice> {
    let is_saved = query_string.split('&').any(|pair| pair == "saved=1");
    is_saved.then(|| Notice { text: "Saved, and live for the next click.".to_owned(), ..Notice::default() })
}

/// An empty field's sign.
pub(super) fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}
