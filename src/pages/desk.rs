//! What every signed-in page begins with: who asks, the account's facts, the frame around the page.

use super::Answer;
use super::layout::{Banner, Chrome, Nav, User};
use super::parts::PostButton;
use crate::db::{AnyConnection, rollups, settings};
use crate::domain::money::Currency;
use crate::http::{App, Error, SignedIn, now_ms, reading};
use crate::reports::TimeZone;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web;
use askama::Template;

/// Where the banner's button deletes test data.
pub const DELETE_TEST_DATA: &str = "/test-data/delete";

/// A signed-in person at the account's desk.
pub struct Desk {
    /// Who asks.
    pub who: SignedIn,
    /// The account currency.
    pub currency: Currency,
    /// The account's time zone, where the page's address names none.
    pub zone: TimeZone,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// A real click has been counted.
    pub has_real: bool,
    /// Test clicks have been counted.
    pub has_test: bool,
}

struct Facts {
    currency: Option<String>,
    zone: Option<String>,
    has_real: bool,
    has_test: bool,
}

fn read_facts(conn: &mut AnyConnection) -> crate::db::Result<Facts> {
    let has_real = rollups::has_real_clicks(conn)?;
    Ok(Facts {
        currency: settings::find(conn, settings::CURRENCY)?,
        zone: settings::find(conn, settings::TIME_ZONE)?,
        has_real,
        has_test: !has_real && rollups::has_test_clicks(conn)?,
    })
}

impl Desk {
    /// Reads the account's facts.
    ///
    /// # Errors
    /// The database fails.
    pub async fn open(app: &web::Data<App>, who: impl Into<SignedIn>) -> Result<Self, Error> {
        let facts = reading(app, |app| app.db.read(read_facts)).await?;
        let zone = facts.zone.as_deref().and_then(|name| TimeZone::parse(name).ok());
        Ok(Self {
            who: who.into(),
            currency: facts.currency.as_deref().and_then(Currency::parse).unwrap_or(Currency::USD),
            zone: zone.unwrap_or(TimeZone::UTC),
            now_ms: now_ms(),
            has_real: facts.has_real,
            has_test: facts.has_test,
        })
    }

    /// Figures and logs show test data: until the first real click there is nothing else to show.
    #[must_use]
    pub const fn shows_test(&self) -> bool {
        !self.has_real && self.has_test
    }

    /// The frame of a page, with the test data's banner where that is what is shown.
    #[must_use]
    pub fn chrome(&self, title: &str, nav: Nav) -> Chrome {
        let user = User {
            email: self.who.user.email.clone(),
            role: self.who.user.role.as_str().to_owned(),
            currency: self.currency.as_str().to_owned(),
        };
        let banner = self.shows_test().then(|| Banner {
            title: "Test data".to_owned(),
            text: "What you see was made by your tests. It goes when the first real click comes.".to_owned(),
            action: Some(PostButton::new("Delete test data", DELETE_TEST_DATA)),
        });
        Chrome { banner, ..Chrome::new(title, nav, user) }
    }
}

/// Renders a page.
///
/// # Errors
/// A template failed, which is a fault of ours.
pub fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// Renders a page with another status: a form that comes back with its errors is 422.
///
/// # Errors
/// A template failed, which is a fault of ours.
pub fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    let text = template.render().map_err(|why| Error::Internal(why.to_string()))?;
    Ok(HttpResponse::build(status).content_type(ContentType::html()).body(text))
}

/// Sends the browser to another page after something was done there.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((actix_web::http::header::LOCATION, path)).finish()
}
