//! The floors of the house: a file's imports point down, never up or sideways.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms of each floor, from the top down. `config` is not among them: see [`CONFIG_READERS`].
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["commands"],
    &["server"],
    &["tracking", "pages", "api"],
    &["http"],
    &["conversions", "entities"],
    &["deliveries"],
    &["routing", "clicks"],
    &["reports"],
    &["visitor", "outgoing"],
    &["db"],
    &["domain", "rounds"],
];

/// Who reads settings.
const CONFIG_READERS: &[&str] = &["main", "commands", "server"];

/// Who knows HTTP.
const HTTP_ROOMS: &[&str] = &["commands", "server", "tracking", "pages", "api", "http"];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The room of a file: the first part of its path below `src`.
fn room(file: &Path) -> String {
    let first = file.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// A line's code, without comments.
fn code(line: &str) -> &str {
    let end = line.find("//").unwrap_or(line.len());
    line[..end].trim()
}

/// The rooms that a piece of code names after `crate::` or `clickledger::`, in braces or not.
fn named(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in ["crate::", "clickledger::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &code[at + start.len()..];
            let word = |text: &str| -> String {
                text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
            };
            match rest.strip_prefix('{') {
                None => {
                    found.insert(word(rest));
                }
                Some(inside) => found.extend(top_level(inside).map(|piece| word(&piece))),
            }
        }
    }
    found.retain(|name| name.chars().next().is_some_and(char::is_lowercase));
    found
}

/// The pieces between the commas of a brace, not those of braces within it.
fn top_level(inside: &str) -> impl Iterator<Item = String> {
    let (mut depth, mut pieces) = (0, vec![String::new()]);
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => pieces.push(String::new()),
            c if depth == 0 => pieces.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    pieces.into_iter()
}

/// What a file may not import, each with its line's text.
fn faults(file: &Path, text: &str) -> Vec<String> {
    let own = room(file);
    // The crate's root names every room: it is the map.
    if own == "lib" {
        return Vec::new();
    }
    // Settings are read into values of the domain, and know nothing else.
    let Some(own_floor) = floor(&own).or_else(|| (own == "config").then(|| floor("db")).flatten()) else {
        return vec![format!("src/{}: the room {own} stands on no floor", file.display())];
    };
    // A `use` may go over several lines: what is between two semicolons is looked at as one.
    let whole: String = text.lines().map(code).collect::<Vec<_>>().join(" ");
    let mut faults = Vec::new();
    for statement in whole.split(';') {
        let mut fault = |why: String| {
            let end = statement.trim();
            let start = end.len().saturating_sub(120);
            let shown = end.get(start..).unwrap_or(end);
            faults.push(format!("src/{}: {why} in `{shown}`", file.display()));
        };
        for other in named(statement) {
            if other == own {
                continue;
            }
            match (floor(&other), other.as_str()) {
                (_, "config") if !CONFIG_READERS.contains(&own.as_str()) => {
                    fault(format!("{own} reads settings through config"));
                }
                (Some(below), _) if below <= own_floor => fault(format!("{own} imports {other}")),
                // A macro of the crate, or a name of its root.
                _ => {}
            }
        }
        let names = |library: &str| {
            statement.match_indices(library).any(|(at, _)| {
                let before = statement[..at].chars().next_back();
                let after = statement[at + library.len()..].chars().next();
                !before.is_some_and(|c| c.is_alphanumeric() || "_:\"-".contains(c))
                    && after
                        .is_some_and(|c| c == ':' || c == ' ' && statement.trim_start().starts_with("use"))
            })
        };
        if own != "db" && ["diesel", "diesel_migrations"].iter().any(|library| names(library)) {
            fault(format!("{own} knows Diesel"));
        }
        if !HTTP_ROOMS.contains(&own.as_str()) && names("actix_web") {
            fault(format!("{own} knows HTTP"));
        }
        if own != "outgoing" && names("reqwest") {
            fault(format!("{own} calls other hosts past what guards it"));
        }
    }
    faults
}

/// The Rust files below a folder.
pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_point_down() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    assert!(found.len() > 100, "only {} files were looked at", found.len());
    let mut all: Vec<String> = found
        .iter()
        .flat_map(|path| faults(path.strip_prefix(&source).unwrap(), &std::fs::read_to_string(path).unwrap()))
        .collect();
    all.sort();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_wrong_import_is_found() {
    for (file, text) in [
        ("db/clicks.rs", "use crate::http::Error;"),
        ("db/clicks.rs", "use crate::{\n    domain::money::Money,\n    reports::{Query, By},\n};"),
        ("routing/mod.rs", "use crate::clicks::Record;"),
        ("routing/mod.rs", "fn f() { crate::clicks::f() }"),
        ("domain/money.rs", "use crate::db;"),
        ("pages/start.rs", "use crate::api::words;"),
        ("api/mod.rs", "use crate::config::Config;"),
        ("entities/mod.rs", "use diesel::prelude::*;"),
        ("reports/query.rs", "fn f() { let x = diesel::sql_query(\"\"); }"),
        ("clicks/mod.rs", "use actix_web::web;"),
        ("conversions/mod.rs", "fn f() { reqwest::Client::new(); }"),
        ("conversions/mod.rs", "use crate::server::build;"),
        ("helpers.rs", "use std::fmt;"),
        ("config.rs", "use crate::db::Db;"),
    ] {
        assert_eq!(faults(Path::new(file), text).len(), 1, "{file}: {text}");
    }
}

#[test]
fn a_right_import_is_left_alone() {
    for (file, text) in [
        ("db/clicks.rs", "use crate::domain::click::ClickRecord;\nuse diesel::prelude::*;"),
        ("db/clicks.rs", "// use crate::http::Error;\nuse crate::db::Error;"),
        ("http/app.rs", "use crate::{db::{self, Db}, routing::LiveCatalog};\nuse actix_web::web;"),
        ("commands/serve.rs", "use crate::config::Config;\nuse crate::server;"),
        ("config.rs", "use crate::domain::money::Currency;"),
        ("domain/money.rs", "/// As `crate::db` keeps it.\nuse std::fmt;"),
        ("server.rs", "use crate::{api, pages, tracking};"),
        ("main.rs", "fn main() { clickledger::commands::run() }"),
        ("visitor/mod.rs", "const TEXT: &str = \"diesel: a fuel\";"),
    ] {
        assert_eq!(faults(Path::new(file), text), Vec::<String>::new(), "{file}: {text}");
    }
}
