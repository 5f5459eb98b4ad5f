//! What the tests of pages and API start from: a state over a database of their own.

use super::{App, HttpConfig, create_user, tokens};
use crate::db::Db;
use crate::domain::role::{Role, TokenScope};
use crate::domain::vault::Vault;
use crate::outgoing::Outgoing;
use crate::routing::LiveCatalog;
use actix_web::web;
use std::sync::Arc;
use tempfile::TempDir;

/// A password that the rules take.
pub(crate) const PASSWORD: &str = "a quiet river bends";

/// An empty database. It lives as long as the folder.
pub(crate) fn database() -> (Arc<Db>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    (Arc::new(Db::open(&url, false).unwrap()), folder)
}

/// A state over an empty database.
pub(crate) fn app_with(config: HttpConfig) -> (web::Data<App>, TempDir) {
    let (db, folder) = database();
    let catalog = Arc::new(LiveCatalog::load(&db, Arc::default()).unwrap());
    let (vault, outgoing) = (Arc::new(Vault::new(&[7; 32])), Outgoing::start(false).unwrap());
    (web::Data::new(App::new(db, catalog, vault, outgoing, config)), folder)
}

/// A state over a database with one admin and two of his tokens.
pub(crate) struct TestApp {
    pub(crate) app: web::Data<App>,
    pub(crate) admin_id: i64,
    pub(crate) write_token: String,
    pub(crate) read_token: String,
    _folder: TempDir,
}

impl TestApp {
    /// Makes it.
    pub(crate) fn new() -> Self {
        let (app, folder) = app_with(HttpConfig::default());
        let admin_id = Self::admin(&app.db);
        let token = |scope| tokens::create(&app.db, admin_id, "test", scope, 1).unwrap().1;
        let (write_token, read_token) = (token(TokenScope::Write), token(TokenScope::Read));
        Self { app, admin_id, write_token, read_token, _folder: folder }
    }

    /// Makes an admin and returns its number.
    pub(crate) fn admin(db: &Db) -> i64 {
        create_user(db, "admin@example.com", PASSWORD, Role::Admin, 1).unwrap()
    }
}
