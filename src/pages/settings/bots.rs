//! Which guesses are made about machines.

use super::{BotsPage, chrome, said};
use crate::db::{AnyConnection, Priority};
use crate::domain::input::{self, FieldErrors};
use crate::domain::role::Role;
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, changing, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Chrome;
use crate::pages::typed::{Marked, Typed, mistakes};
use crate::visitor::{AddressLimit, BotSwitches, LIMIT_CLICKS, LIMIT_MINUTES};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::Value;
use std::ops::RangeInclusive;

/// What the form offers where no limit is set: more than people behind one home's address click.
const USUAL: AddressLimit = AddressLimit { clicks: 60, minutes: 60 };

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/settings/bots", web::get().to(show)).route("/settings/bots", web::post().to(save));
}

async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let switches = reading(&app, |app| app.db.read(BotSwitches::load)).await?;
    let limit = switches.address_limit.unwrap_or(USUAL);
    let typed = Typed::of([
        ("data_centres", switches.data_centres.to_string()),
        ("address_limit", switches.address_limit.is_some().to_string()),
        ("address_clicks", limit.clicks.to_string()),
        ("address_minutes", limit.minutes.to_string()),
    ]);
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, &tracker, &typed, (&FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: PageWrite, app: web::Data<App>, tracker: web::Data<Tracker>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let sent = typed.clone();
    let saved = changing(&app, move |app| app.db.write(Priority::Pages, |conn| store(conn, &sent))).await;
    let Err(error) = saved else { return Ok(see_other("/settings/bots?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, &tracker, &typed, (&errors, status), false)
}

fn store(conn: &mut AnyConnection, typed: &Typed) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    let mut number = |name: &str, range: RangeInclusive<u32>| {
        let read =
            input::int(&Value::from(typed.get(name)), i64::from(*range.start()), i64::from(*range.end()));
        match read {
            Ok(number) => u32::try_from(number).ok(),
            Err(message) => {
                errors.push(name, message);
                None
            }
        }
    };
    let address_limit = if typed.is_on("address_limit") {
        let (clicks, minutes) =
            (number("address_clicks", LIMIT_CLICKS), number("address_minutes", LIMIT_MINUTES));
        clicks.zip(minutes).map(|(clicks, minutes)| AddressLimit { clicks, minutes })
    } else {
        None
    };
    errors.into_result()?;
    BotSwitches { data_centres: typed.is_on("data_centres"), address_limit }.store(conn)?;
    Ok(())
}

fn answer(
    desk: &Desk,
    tracker: &Tracker,
    typed: &Typed,
    (errors, status): (&FieldErrors, StatusCode),
    is_saved: bool,
) -> Answer {
    let form = Marked { typed, errors };
    let notice = if is_saved { said("Saved.") } else { None };
    let drawn = BotsPage {
        chrome: Chrome { notice, ..chrome(desk, "/settings/bots") },
        data_centres: typed.is_on("data_centres"),
        knows_networks: tracker.visitor.geo.knows_networks(),
        address_limit: typed.is_on("address_limit"),
        address_clicks: form.field("address_clicks"),
        address_minutes: form.field("address_minutes"),
        is_editable: desk.who.user.role == Role::Admin,
    };
    page_with(status, &drawn)
}
