//! The account's currency, time zone and fallback.

use super::{AccountPage, chrome, said};
use crate::db::{AnyConnection, Priority, rates, rollups, settings};
use crate::domain::input::FieldErrors;
use crate::domain::money::Currency;
use crate::domain::role::Role;
use crate::domain::template::{Template, TemplateUse};
use crate::http::{App, Error, PageWrite, SignedIn, changing, reading};
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
    let fallback =
        reading(&app, |app| app.db.read(|conn| settings::find(conn, settings::FALLBACK_URL))).await?;
    let typed = Typed::of([
        ("currency", desk.currency.to_string()),
        ("time_zone", desk.zone.name().to_owned()),
        ("fallback_url", fallback.unwrap_or_default()),
    ]);
    let is_saved = request.query_string() == "saved=1";
    answer(&desk, &typed, (&FieldErrors::default(), StatusCode::OK), is_saved)
}

async fn save(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let sent = typed.clone();
    let saved = changing(&app, move |app| app.db.write(Priority::Pages, |conn| store(conn, &sent))).await;
    let Err(error) = saved else { return Ok(see_other("/settings?saved=1")) };
    let (status, errors) = mistakes(error)?;
    answer(&desk, &typed, (&errors, status), false)
}

/// Checks and stores all in one transaction. A currency that was not sent stays: its field is closed.
fn store(conn: &mut AnyConnection, typed: &Typed) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    let currency = Currency::parse(typed.get("currency"));
    let is_sent = !typed.get("currency").is_empty();
    if is_sent && currency.is_none() {
        errors.push("currency", "Must be a currency code of three letters, like USD");
    }
    let zone = TimeZone::parse(typed.get("time_zone"));
    if let Err(error) = &zone {
        errors.push("time_zone", error.to_string());
    }
    let account = crate::entities::account_currency(conn)?;
    let changed = currency.filter(|currency| *currency != account);
    if changed.is_some() && rollups::has_real_clicks(conn)? {
        errors.push("currency", "Fixed since the first real click: its figures are in this currency");
    }
    let fallback = typed.get("fallback_url").trim();
    if !fallback.is_empty()
        && let Err(error) = Template::parse(fallback, TemplateUse::Offer)
    {
        errors.push("fallback_url", error.to_string());
    }
    errors.into_result()?;
    if fallback.is_empty() {
        settings::remove(conn, settings::FALLBACK_URL)?;
    } else {
        settings::put(conn, settings::FALLBACK_URL, fallback)?;
    }
    if let Some(currency) = changed {
        settings::put(conn, settings::CURRENCY, currency.as_str())?;
        // They were rates to the currency before.
        rates::delete_all(conn)?;
    }
    if let Ok(zone) = zone {
        settings::put(conn, settings::TIME_ZONE, zone.name())?;
    }
    Ok(())
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
