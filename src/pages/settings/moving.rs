//! What is kept open for who moves in from another tracker, for admins alone.

use super::{MovingPage, chrome, said};
use crate::domain::foreign_click;
use crate::domain::input::FieldErrors;
use crate::domain::old_door::{OldDoor, OldDoors};
use crate::entities::{Fields, settings};
use crate::http::{
    AdminPage, AdminPageWrite, App, Error, Tracker, blocking, changing, now_ms, read_upload, reading,
};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page, page_with, see_other};
use crate::pages::forms::Field;
use crate::pages::layout::{Chrome, Notice};
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

/// Wrong lines that the page shows: who has more mends the file first.
const FAULTS_SHOWN: usize = 100;

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/settings/moving", web::get().to(show))
        .route("/settings/moving", web::post().to(save))
        .route("/settings/moving/clicks", web::post().to(import));
}

async fn show(who: AdminPage, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let notice = if request.query_string() == "saved=1" { said("Saved.") } else { None };
    page(&draw(&desk, &typed_of(&settings.old), &FieldErrors::default(), notice))
}

fn typed_of(doors: &OldDoors) -> Typed {
    let ranges: Vec<String> = doors.addresses.iter().map(ToString::to_string).collect();
    let mut typed = Typed::of([
        ("old_postback_addresses", ranges.join("\n")),
        ("old_postback_key", doors.key.clone()),
        ("old_forward_unknown_to", doors.forward_unknown_to.clone()),
        ("old_buttons", doors.buttons.to_string()),
    ]);
    for door in &doors.postbacks {
        typed.push(door.to_string(), "true");
    }
    typed
}

async fn save(who: AdminPageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    let desk = Desk::open(&app, who.0).await?;
    let fields = fields(&typed);
    let saved = changing(&app, move |app| settings::update(&app.db, &fields)).await;
    let Err(error) = saved else { return Ok(see_other("/settings/moving?saved=1")) };
    let (status, errors) = mistakes(error)?;
    page_with(status, &draw(&desk, &typed, &errors, None))
}

/// Takes clicks of the tracker before, from a file or from the form.
async fn import(
    who: AdminPageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let sent = read_upload(&request, payload).await?;
    let typed = sent.field("lines").to_owned();
    let file = Some(String::from_utf8_lossy(&sent.file).into_owned()).filter(|file| !file.trim().is_empty());
    let (is_counted, is_look) = (sent.field("count_as_clicks") == "true", sent.field("action") == "preview");
    let lines = file.unwrap_or_else(|| typed.clone());
    let read = foreign_click::read(&lines, now_ms());
    let desk = Desk::open(&app, who.0).await?;
    let (settings, _) = reading(&app, |app| settings::load(&app.db)).await?;
    let mut drawn = draw(&desk, &typed_of(&settings.old), &FieldErrors::default(), None);
    drawn.count_as_clicks = is_counted;
    let (lines, mut faults) = match read {
        Ok((lines, faults)) if !lines.is_empty() || !faults.is_empty() => (lines, faults),
        Ok(_) => {
            drawn.lines = Field::wrong(&typed, "Choose a file or write lines: there is nothing to import");
            return page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
        }
        Err(why) => {
            drawn.lines = Field::wrong(&typed, &why);
            return page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
        }
    };
    let tracker = tracker.into_inner();
    let outcome =
        blocking(move || tracker.postbacks.import_clicks(&lines, is_counted, is_look).map_err(Error::from))
            .await?;
    faults.extend(outcome.faults);
    faults.sort();
    drawn.found = told(outcome.imported, outcome.known, faults.len(), is_look);
    drawn.faults =
        faults.iter().take(FAULTS_SHOWN).map(|(line, why)| format!("Line {line}: {why}")).collect();
    if is_look || !faults.is_empty() {
        drawn.lines = Field::wrong(&typed, "");
    }
    page(&drawn)
}

/// What became of the lines, or what would.
fn told(imported: usize, known: usize, refused: usize, is_look: bool) -> String {
    let clicks = |count: usize| if count == 1 { "1 click".to_owned() } else { format!("{count} clicks") };
    let deed = if is_look { "would be imported, nothing is saved yet" } else { "imported" };
    let mut said = format!("{} {deed}; {known} known before.", clicks(imported));
    if refused > 0 {
        said.push_str(&format!(" {refused} lines cannot be taken:"));
    }
    said
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&["old_postback_addresses", "old_postback_key", "old_forward_unknown_to"]);
    let is_ticked = |door: &&OldDoor| typed.is_on(door.as_str());
    let doors: Vec<&OldDoor> = OldDoor::ALL.iter().filter(is_ticked).collect();
    fields.insert("old_postbacks".to_owned(), json!(doors));
    fields.insert("old_buttons".to_owned(), Value::from(typed.is_on("old_buttons")));
    fields
}

fn draw(desk: &Desk, typed: &Typed, errors: &FieldErrors, notice: Option<Notice>) -> MovingPage {
    let form = Marked { typed, errors };
    let is_on = |door: OldDoor| typed.is_on(door.as_str());
    MovingPage {
        chrome: Chrome { notice, ..chrome(desk, "/settings/moving") },
        without_key: is_on(OldDoor::WithoutKey),
        binom: is_on(OldDoor::Binom),
        clickflare: is_on(OldDoor::ClickFlare),
        postbacks_error: form.error("old_postbacks"),
        addresses: form.field("old_postback_addresses"),
        key: form.field("old_postback_key"),
        forward: form.field("old_forward_unknown_to"),
        buttons: typed.is_on("old_buttons"),
        ..MovingPage::default()
    }
}
