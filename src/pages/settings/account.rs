//! The account's currency, time zone and fallback.

use super::{AccountPage, chrome, said};
use crate::domain::input::FieldErrors;
use crate::domain::role::Role;
use crate::entities::{Fields, settings};
use crate::http::{App, PageWrite, SignedIn, changing, reading};
use crate::pages::Answer;
use crate::pages::desk::{DELETE_TEST_DATA, Desk, page_with, see_other};
use crate::pages::layout::Chrome;
use crate::pages::parts::PostButton;
use crate::pages::setup::currencies;
use crate::pages::typed::{Marked, Typed, mistakes};
use crate::reports::TimeZone;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/settings", web::get().to(show)).route("/settings", web::post().to(save));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let typed = Typed::of([
        ("currency", settings.currency.to_string()),
        ("time_zone", settings.time_zone.name().to_owned()),
        ("fallback_url", settings.fallback_url),
    ]);
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, &typed, (&FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let fields = fields(&typed);
    let saved = changing(&app, move |app| settings::update(&app.db, &fields)).await;
    let Err(error) = saved else { return Ok(see_other("/settings?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, &typed, (&errors, status), false)
}

/// What is stored of the form. A currency that was not sent stays: its field is closed.
fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&["time_zone", "fallback_url"]);
    if !typed.get("currency").is_empty() {
        fields.extend(typed.fields(&["currency"]));
    }
    fields
}

fn answer(
    desk: &Desk,
    typed: &Typed,
    (errors, status): (&FieldErrors, StatusCode),
    is_saved: bool,
) -> Answer {
    let form = Marked { typed, errors };
    let notice = if is_saved { said("Saved.") } else { None };
    let fixed = "Fixed since the first real click: all figures are in this currency.";
    let open = "Offers, sources and advertisers keep theirs: change those too.";
    let drawn = AccountPage {
        chrome: Chrome { notice, ..chrome(desk, "/settings") },
        currency: form.select("currency", &currencies()),
        currency_fixed: if desk.has_real { fixed.to_owned() } else { String::new() },
        currency_hint: if desk.has_real { String::new() } else { open.to_owned() },
        time_zone: form.field("time_zone"),
        fallback_url: form.field("fallback_url"),
        zones: TimeZone::names().map(str::to_owned).collect(),
        is_editable: desk.who.user.role == Role::Admin,
        delete_test_data: Some(PostButton::new("Delete test data", DELETE_TEST_DATA)),
    };
    page_with(status, &drawn)
}
