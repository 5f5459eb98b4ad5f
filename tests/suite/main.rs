//! The integration suite: the real server, real databases, a real browser.
//!
//! Stories run twice, on SQLite and on PostgreSQL (`stories!`). After each one the server is ended in order,
//! and then every click id that was handed out must be stored once and every sum be what the raw rows say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that meets what it does not expect has to end at once and say so"
)]

/// Makes two tests of each story: `name::sqlite` and `name::postgres`.
macro_rules! stories {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident: TestApp) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "every story sees all that its file has imported")]
            use super::*;

            async fn story($app: &$crate::app::TestApp) $body

            fn run(backend: $crate::app::Backend) {
                $crate::app::block_on(async {
                    let Some(app) = $crate::app::TestApp::start(backend) else { return };
                    story(&app).await;
                    app.finish().await;
                });
            }

            #[test]
            fn sqlite() {
                run($crate::app::Backend::Sqlite);
            }

            #[test]
            fn postgres() {
                run($crate::app::Backend::Postgres);
            }
        }
    )*};
}

mod answers;
mod app;
mod cluster;
mod console;
mod receiver;
mod sql;

mod ad_platforms;
mod advertiser_health;
mod anomalies;
mod browser;
mod caps;
mod clicks;
mod corpus;
mod deliveries;
mod delivery_log;
mod domains;
mod doors;
mod fallbacks;
mod floors;
mod foreign;
mod forwards;
mod hand;
mod hostile_clicks;
mod import_pages;
mod import_runs;
mod imports;
mod journal;
mod kills;
mod landers;
mod ledger;
mod mmdb;
mod moving;
mod outage;
mod pages;
mod pixels;
mod postback_words;
mod postbacks;
mod presets;
mod program;
mod races;
mod rates;
mod raw_http;
mod recalculate;
mod reconcile;
mod replay;
mod routing;
mod rule_editor;
mod seen_words;
mod signed;
mod source_presets;
mod starts;
mod trust;
mod visitors;
mod visits;
