//! What is kept open for who moves in from another tracker, for admins alone.

use super::{MovingPage, chrome, said};
use crate::domain::input::FieldErrors;
use crate::domain::old_door::OldDoor;
use crate::entities::{Fields, settings};
use crate::http::{AdminPage, AdminPageWrite, App, changing, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Chrome;
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/settings/moving", web::get().to(show)).route("/settings/moving", web::post().to(save));
}

async fn show(who: AdminPage, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let ranges: Vec<String> = settings.old.addresses.iter().map(ToString::to_string).collect();
    let mut typed = Typed::of([
        ("old_postback_addresses", ranges.join("\n")),
        ("old_postback_key", settings.old.key.clone()),
        ("old_buttons", settings.old.buttons.to_string()),
    ]);
    for door in &settings.old.postbacks {
        typed.push(door.to_string(), "true");
    }
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, (&typed, &FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: AdminPageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    let desk = Desk::open(&app, who.0).await?;
    let fields = fields(&typed);
    let saved = changing(&app, move |app| settings::update(&app.db, &fields)).await;
    let Err(error) = saved else { return Ok(see_other("/settings/moving?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, (&typed, &errors, status), false)
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&["old_postback_addresses", "old_postback_key"]);
    let is_ticked = |door: &&OldDoor| typed.is_on(door.as_str());
    let doors: Vec<&OldDoor> = OldDoor::ALL.iter().filter(is_ticked).collect();
    fields.insert("old_postbacks".to_owned(), json!(doors));
    fields.insert("old_buttons".to_owned(), Value::from(typed.is_on("old_buttons")));
    fields
}

fn answer(
    desk: &Desk,
    (typed, errors, status): (&Typed, &FieldErrors, StatusCode),
    is_saved: bool,
) -> Answer {
    let form = Marked { typed, errors };
    let notice = if is_saved { said("Saved.") } else { None };
    let is_on = |door: OldDoor| typed.is_on(door.as_str());
    let drawn = MovingPage {
        chrome: Chrome { notice, ..chrome(desk, "/settings/moving") },
        without_key: is_on(OldDoor::WithoutKey),
        binom: is_on(OldDoor::Binom),
        clickflare: is_on(OldDoor::ClickFlare),
        postbacks_error: form.error("old_postbacks"),
        addresses: form.field("old_postback_addresses"),
        key: form.field("old_postback_key"),
        buttons: typed.is_on("old_buttons"),
    };
    page_with(status, &drawn)
}
