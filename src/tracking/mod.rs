//! The public doors: the click, the lander's buttons, the postback. No templates, no sessions.

mod answer;
mod click;
mod lander;
mod postback;
mod recent;

use crate::clicks::Ingested;
use crate::conversions::Postbacks;
use crate::db::Db;
use crate::routing::{LiveCatalog, Router, Sealer};
use crate::visitor::Visitor;
use actix_web::web;
use ipnet::IpNet;
use std::sync::Arc;

pub use recent::Recent;

/// What the public doors work with.
pub struct Doors {
    /// What is saved.
    pub catalog: Arc<LiveCatalog>,
    /// Who visitors are.
    pub visitor: Arc<Visitor>,
    /// Seals clicks for landers.
    pub sealer: Arc<Sealer>,
    /// The conversion ledger.
    pub postbacks: Arc<Postbacks>,
    /// How far clicks have been moved into the database.
    pub ingested: Arc<Ingested>,
    /// Clicks on landers that may soon press a button.
    pub recent: Arc<Recent>,
    /// The database, for a button whose click nobody remembers.
    pub db: Arc<Db>,
    /// Proxies whose word about the client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Cookies are sent back over https alone.
    pub is_secure: bool,
}

impl Doors {
    /// A router over one moment's catalog.
    fn router<'a>(&'a self, catalog: &'a crate::routing::Catalog) -> Router<'a> {
        Router { catalog, visitor: &self.visitor, sealer: &self.sealer }
    }
}

/// The public addresses.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/c/{slug}")
                .route(web::get().to(click::show))
                .route(web::head().to(click::show)),
        )
        .service(web::resource("/go").route(web::get().to(lander::press)).route(web::head().to(lander::press)))
        .service(
            web::resource("/go/{button}").route(web::get().to(lander::press)).route(web::head().to(lander::press)),
        )
        .service(
            web::resource(["/postback/{key}", "/v1/postback/{key}"])
                .route(web::get().to(postback::receive))
                .route(web::post().to(postback::receive)),
        );
}
