//! What is held to be unusual about a conversion.

use super::{AnomaliesPage, chrome, said};
use crate::domain::input::FieldErrors;
use crate::domain::role::Role;
use crate::entities::{Fields, settings};
use crate::http::{App, PageWrite, SignedIn, changing, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Chrome;
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::Value;

/// Its address.
const PATH: &str = "/settings/anomalies";

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(PATH, web::get().to(show)).route(PATH, web::post().to(save));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let rules = settings.anomalies;
    let typed = Typed::of([
        ("anomaly_fast_seconds", rules.fast_seconds.to_string()),
        ("anomaly_other_country", rules.other_country.to_string()),
        ("anomaly_other_device", rules.other_device.to_string()),
        ("anomaly_device_clicks", rules.device_clicks.to_string()),
        ("anomaly_address_clicks", rules.address_clicks.to_string()),
    ]);
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, &typed, (&FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let fields = fields(&typed);
    let saved = changing(&app, move |app| settings::update(&app.db, &fields)).await;
    let Err(error) = saved else { return Ok(see_other("/settings/anomalies?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, &typed, (&errors, status), false)
}

fn fields(typed: &Typed) -> Fields {
    let mut fields =
        typed.fields(&["anomaly_fast_seconds", "anomaly_device_clicks", "anomaly_address_clicks"]);
    for switch in ["anomaly_other_country", "anomaly_other_device"] {
        fields.insert(switch.to_owned(), Value::from(typed.is_on(switch)));
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
    let notice = if is_saved { said("Saved. It counts for what comes from now on.") } else { None };
    let drawn = AnomaliesPage {
        chrome: Chrome { notice, ..chrome(desk, PATH) },
        fast_seconds: form.field("anomaly_fast_seconds"),
        other_country: typed.is_on("anomaly_other_country"),
        other_device: typed.is_on("anomaly_other_device"),
        device_clicks: form.field("anomaly_device_clicks"),
        address_clicks: form.field("anomaly_address_clicks"),
        is_editable: desk.who.user.role == Role::Admin,
    };
    page_with(status, &drawn)
}
