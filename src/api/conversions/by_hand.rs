//! `POST /conversions`: a conversion that a person records.

use super::whole;
use crate::api::Answer;
use crate::conversions::HandRecord;
use crate::domain::verdict::Code;
use crate::http::{App, Error, Tracker, Writer, blocking, json_fields};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// `POST /conversions` with `click_id`, `why` and what a postback may say besides: the whole conversion, with the verdict
/// beside it. 201 where it is new, 200 where a known one was changed or says the same.
pub(super) async fn create(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let asked = HandRecord::read(&json_fields(&request, payload).await?)?;
    tracker.postbacks.settle_click(&asked).await;
    let user_id = who.user.id;
    let verdict = blocking(move || tracker.postbacks.record_by_hand(&asked, user_id)).await?;
    let id =
        verdict.conversion_id.ok_or_else(|| Error::Internal("a verdict names no conversion".to_owned()))?;
    let mut body = serde_json::to_value(whole(&app, id).await?)
        .map_err(|why| Error::Internal(format!("a conversion cannot be written: {why}")))?;
    if let Value::Object(fields) = &mut body {
        let said = json!({
            "result": verdict.code.result(),
            "code": verdict.code,
            "message": verdict.message,
        });
        fields.insert("verdict".to_owned(), said);
    }
    let is_new = verdict.code == Code::Recorded;
    Ok(if is_new { HttpResponse::Created().json(body) } else { HttpResponse::Ok().json(body) })
}
