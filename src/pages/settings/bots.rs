//! Which guesses are made about machines.

use super::{BotsPage, chrome, said};
use crate::domain::input::FieldErrors;
use crate::domain::role::Role;
use crate::entities::{Fields, settings};
use crate::http::{App, PageWrite, SignedIn, Tracker, changing, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Chrome;
use crate::pages::typed::{Marked, Typed, mistakes};
use crate::visitor::AddressLimit;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::Value;

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
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let typed = Typed::of([
        ("bot_data_centres", settings.bot_data_centres.to_string()),
        ("bot_address_limit", settings.bot_address_limit.to_string()),
        ("bot_address_clicks", settings.bot_address_clicks.unwrap_or(USUAL.clicks).to_string()),
        ("bot_address_minutes", settings.bot_address_minutes.unwrap_or(USUAL.minutes).to_string()),
    ]);
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, &tracker, &typed, (&FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: PageWrite, app: web::Data<App>, tracker: web::Data<Tracker>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let fields = fields(&typed);
    let saved = changing(&app, move |app| settings::update(&app.db, &fields)).await;
    let Err(error) = saved else { return Ok(see_other("/settings/bots?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, &tracker, &typed, (&errors, status), false)
}

/// What is stored of the form. The numbers are closed while their switch is off.
fn fields(typed: &Typed) -> Fields {
    let mut fields = Fields::new();
    for switch in ["bot_data_centres", "bot_address_limit"] {
        fields.insert(switch.to_owned(), Value::from(typed.is_on(switch)));
    }
    if typed.is_on("bot_address_limit") {
        fields.extend(typed.fields(&["bot_address_clicks", "bot_address_minutes"]));
    }
    fields
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
        data_centres: typed.is_on("bot_data_centres"),
        knows_networks: tracker.visitor.geo.knows_networks(),
        address_limit: typed.is_on("bot_address_limit"),
        address_clicks: form.field("bot_address_clicks"),
        address_minutes: form.field("bot_address_minutes"),
        is_editable: desk.who.user.role == Role::Admin,
    };
    page_with(status, &drawn)
}
