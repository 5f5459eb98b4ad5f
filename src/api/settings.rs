//! `/settings`: what the whole account is set to, for admins alone.

use super::Answer;
use crate::domain::old_door::OldDoor;
use crate::entities::settings::{self, Settings};
use crate::http::{AdminReader, AdminWriter, App, Error, changing, json_fields, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use ipnet::IpNet;
use serde::Serialize;

/// Hangs the address.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/settings").route(web::get().to(show)).route(web::patch().to(update)).default_service(
            web::to(|| async { Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, PATCH")) }),
        ),
    );
}

#[derive(Serialize)]
struct Body {
    currency: String,
    currency_fixed: bool,
    time_zone: &'static str,
    fallback_url: String,
    bot_data_centres: bool,
    bot_address_limit: bool,
    bot_address_clicks: Option<u32>,
    bot_address_minutes: Option<u32>,
    anomaly_fast_seconds: i64,
    anomaly_other_country: bool,
    anomaly_other_device: bool,
    anomaly_device_clicks: i64,
    anomaly_address_clicks: i64,
    old_postbacks: Vec<OldDoor>,
    old_postback_addresses: Vec<IpNet>,
    old_postback_key: String,
    old_forward_unknown_to: String,
    old_buttons: bool,
}

impl Body {
    fn new((settings, is_fixed): (Settings, bool)) -> Self {
        Self {
            currency: settings.currency.to_string(),
            currency_fixed: is_fixed,
            time_zone: settings.time_zone.name(),
            fallback_url: settings.fallback_url,
            bot_data_centres: settings.bot_data_centres,
            bot_address_limit: settings.bot_address_limit,
            bot_address_clicks: settings.bot_address_clicks,
            bot_address_minutes: settings.bot_address_minutes,
            anomaly_fast_seconds: settings.anomalies.fast_seconds,
            anomaly_other_country: settings.anomalies.other_country,
            anomaly_other_device: settings.anomalies.other_device,
            anomaly_device_clicks: settings.anomalies.device_clicks,
            anomaly_address_clicks: settings.anomalies.address_clicks,
            old_postbacks: settings.old.postbacks,
            old_postback_addresses: settings.old.addresses,
            old_postback_key: settings.old.key,
            old_forward_unknown_to: settings.old.forward_unknown_to,
            old_buttons: settings.old.buttons,
        }
    }
}

async fn show(_who: AdminReader, app: web::Data<App>) -> Answer {
    let settings = reading(&app, |app| settings::load(&app.db)).await?;
    Ok(HttpResponse::Ok().json(Body::new(settings)))
}

async fn update(
    _who: AdminWriter,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let fields = json_fields(&request, payload).await?;
    let settings = changing(&app, move |app| settings::update(&app.db, &fields)).await?;
    Ok(HttpResponse::Ok().json(Body::new(settings)))
}
