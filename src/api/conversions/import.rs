//! `/conversions/import`: a file of conversions, recorded or looked at.

use crate::api::{Answer, resource};
use crate::conversions::import::{self, Line, Looked};
use crate::db;
use crate::db::imports::{self, Fault, Import, NewImport};
use crate::db::settings;
use crate::domain::import::{ALL_OR_NOTHING_MAX, ImportFormat, ImportMode, ImportPlan};
use crate::domain::input::{self, FieldErrors};
use crate::domain::sheet::FILE_BYTES_MAX;
use crate::domain::sheet::{DayOrder, Field, Mapping, decode};
use crate::domain::verdict::PostbackResult;
use crate::domain::zone::TimeZone;
use crate::http::{App, Error, Reader, Tracker, Writer, blocking, read_bytes, reading};
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long an answer waits for the last row; after that it says how far it is, and where to ask. Proxies give up after a
/// minute.
const ANSWER_LONGEST: Duration = Duration::from_secs(50);

/// How often it is looked how far an import is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Rows that an answer lists; the page of the import has all of them.
const LISTED_MAX: usize = 10_000;

/// Characters of a file's name.
const FILE_NAME_CHARS_MAX: usize = 120;

/// Hangs the resource's addresses, before those of single conversions.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/conversions/import")
            .route(web::post().to(create))
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Error::MethodNotAllowed("POST")) })),
    );
    cfg.service(
        web::resource("/conversions/import/{id}")
            .route(web::get().to(show))
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Error::MethodNotAllowed("GET")) })),
    );
}

/// What the address says.
#[derive(Default)]
struct Asked {
    is_dry_run: bool,
    advertiser_id: Option<i64>,
    mode: Option<ImportMode>,
    is_told: bool,
    format: Option<ImportFormat>,
    zone: Option<TimeZone>,
    day_order: Option<DayOrder>,
    file_name: String,
    /// Their column for each field that is said.
    columns: Vec<(Field, String)>,
}

impl Asked {
    fn read(query_string: &str) -> Result<Self, FieldErrors> {
        let (mut asked, mut errors) = (Self::default(), FieldErrors::default());
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            let value = Value::from(value.into_owned());
            if let Err(message) = asked.set(&name, &value) {
                errors.push(&name, message);
            }
        }
        if asked.advertiser_id.is_none() && errors.message("advertiser_id").is_none() {
            errors.push("advertiser_id", "Say whose conversions they are, like ?advertiser_id=1");
        }
        errors.into_result().map(|()| asked)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "dry_run" => self.is_dry_run = input::flag(value)?,
            "advertiser_id" => self.advertiser_id = input::id(value)?,
            "mode" => self.mode = Some(input::word(value, ImportMode::parse, ImportMode::choices)?),
            "tell" => self.is_told = input::flag(value)?,
            "format" => self.format = Some(input::word(value, ImportFormat::parse, ImportFormat::choices)?),
            "day_order" => self.day_order = Some(input::word(value, DayOrder::parse, DayOrder::choices)?),
            "time_zone" => {
                let zone = TimeZone::parse(value.as_str().unwrap_or_default());
                self.zone = Some(zone.map_err(|why| why.to_string())?);
            }
            "file_name" => self.file_name = input::line(value, FILE_NAME_CHARS_MAX)?,
            _ => {
                let Some(field) = Field::parse(name) else {
                    return Err(format!(
                        "There is no such parameter: there are dry_run, advertiser_id, mode, tell, format, \
                         time_zone, day_order, file_name, and for the names of your columns {}",
                        Field::choices()
                    ));
                };
                self.columns.push((field, value.as_str().unwrap_or_default().to_owned()));
            }
        }
        Ok(())
    }

    /// How a file is read: as it is said, and as it is guessed where nothing is.
    fn plan(&self, text: &str, known: &Mapping, account: TimeZone) -> ImportPlan {
        let mut plan = import::guess_plan(text, known, self.zone.unwrap_or(account));
        plan.format = self.format.unwrap_or(plan.format);
        plan.day_order = self.day_order;
        plan.is_told = self.is_told;
        for (field, column) in &self.columns {
            // A column is one field's alone.
            plan.mapping.0.retain(|known, name| known != field && name != column);
            if !column.is_empty() {
                plan.mapping.0.insert(*field, column.clone());
            }
        }
        plan
    }
}

/// A file that can be read.
struct Sent {
    new: NewImport,
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

async fn create(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "text/csv" | "text/plain" | "application/octet-stream") {
        return Err(Error::WrongContentType("text/csv or text/plain"));
    }
    let asked = Asked::read(request.query_string())?;
    let (is_dry_run, user_id) = (asked.is_dry_run, who.user.id);
    let bytes = read_bytes(payload, FILE_BYTES_MAX).await?;
    let sent = reading(&app, move |app| sent(app, &asked, bytes, user_id)).await?;
    if is_dry_run {
        let postbacks = tracker.clone();
        let (looked, sent) = blocking(move || {
            let looked = postbacks.postbacks.look_at_rows(sent.new.advertiser_id, &sent.lines);
            looked.map(|looked| (looked, sent))
        })
        .await?;
        return Ok(HttpResponse::Ok().json(looked_body(&sent.lines, &looked.ok_or_else(no_advertiser)?)));
    }
    let running = tracker.clone();
    let id = blocking(move || {
        let id = running.postbacks.keep_import(&sent.new, &sent.bytes)?;
        running.postbacks.run_import(id)?;
        Ok::<_, db::Error>(id)
    })
    .await?;
    through(&app, id).await
}

fn no_advertiser() -> Error {
    FieldErrors::one("advertiser_id", "There is no such advertiser, or it is archived").into()
}

fn sent(app: &App, asked: &Asked, bytes: Vec<u8>, user_id: i64) -> Result<Sent, Error> {
    let advertiser_id = asked.advertiser_id.unwrap_or_default();
    app.catalog.get().advertiser(advertiser_id).ok_or_else(no_advertiser)?;
    let of_file = |why: crate::domain::sheet::Fault| Error::from(FieldErrors::one("file", why.to_string()));
    let (text, _) = decode(&bytes).map_err(of_file)?;
    let (known, zone) = app.db.read(|conn| {
        Ok::<_, db::Error>((
            imports::mapping(conn, advertiser_id)?,
            settings::find(conn, settings::TIME_ZONE)?,
        ))
    })?;
    let account = zone.as_deref().and_then(|name| TimeZone::parse(name).ok()).unwrap_or(TimeZone::UTC);
    let plan = asked.plan(&text, &known, account);
    let lines = import::read(&bytes, &plan).map_err(of_file)?;
    let mode = asked.mode.unwrap_or(ImportMode::GoodRows);
    if mode == ImportMode::AllOrNothing && lines.len() > ALL_OR_NOTHING_MAX {
        let message = crate::conversions::sentences::too_many_at_once(lines.len());
        return Err(FieldErrors::one("mode", message).into());
    }
    let byte_count = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let file_name = asked.file_name.clone();
    let new = NewImport { user_id, advertiser_id, file_name, byte_count, plan, mode };
    Ok(Sent { new, bytes, lines })
}

/// The answer once an import is through, or once it was waited for long enough.
async fn through(app: &web::Data<App>, id: i64) -> Answer {
    let begun = Instant::now();
    loop {
        let (import, faults) = found(app, id).await?;
        let body = import_body(&import, &faults);
        if !import.state.is_open() {
            return Ok(HttpResponse::Ok().json(body));
        }
        if begun.elapsed() > ANSWER_LONGEST {
            let place = format!("/api/v1/conversions/import/{id}");
            return Ok(HttpResponse::Accepted().insert_header((LOCATION, place)).json(body));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (import, faults) = found(&app, resource::id(&id)?).await?;
    Ok(HttpResponse::Ok().json(import_body(&import, &faults)))
}

/// An import; the rows that were not counted once it is through.
async fn found(app: &web::Data<App>, id: i64) -> Result<(Import, Vec<Fault>), Error> {
    let rows_max = i64::try_from(LISTED_MAX).unwrap_or(i64::MAX);
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let Some(import) = imports::find(conn, id)? else { return Ok(None) };
            let is_open = import.state.is_open();
            let faults = if is_open { Vec::new() } else { imports::faults(conn, id, rows_max)? };
            Ok::<_, db::Error>(Some((import, faults)))
        })
    });
    found.await?.ok_or(Error::NotFound)
}

fn import_body(import: &Import, faults: &[Fault]) -> Value {
    let counts = import.counts;
    let refused: Vec<Value> = faults
        .iter()
        .map(|fault| json!({"row": fault.line, "code": fault.code, "message": fault.message}))
        .collect();
    json!({
        "id": import.id,
        "state": import.state,
        "mode": import.value.mode,
        "tell": import.value.plan.is_told,
        "rows": import.rows,
        "done": counts.done,
        "accepted": counts.accepted,
        "duplicate": counts.duplicate,
        "parked": counts.parked,
        "refused_count": counts.uncounted(),
        "refused": refused,
        "message": import.message,
    })
}

fn looked_body(lines: &[Line], looked: &Looked) -> Value {
    let refused: Vec<Value> = lines
        .iter()
        .zip(&looked.verdicts)
        .filter(|(_, verdict)| {
            matches!(verdict.code.result(), PostbackResult::Parked | PostbackResult::Refused)
        })
        .take(LISTED_MAX)
        .map(|(line, verdict)| json!({"row": line.line, "code": verdict.code, "message": verdict.message}))
        .collect();
    let counts = looked.counts;
    let verdicts: Vec<Value> = lines
        .iter()
        .zip(&looked.verdicts)
        .map(|(line, verdict)| json!({"row": line.line, "code": verdict.code}))
        .collect();
    json!({
        "dry_run": true,
        "verdicts": verdicts,
        "rows": lines.len(),
        "accepted": counts.accepted,
        "duplicate": counts.duplicate,
        "parked": counts.parked,
        "refused_count": counts.uncounted(),
        "refused": refused,
    })
}
