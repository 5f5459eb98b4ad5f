//! One's own sign-ins and password.

use super::{SessionRow, SessionsPage, chrome, moment, said};
use crate::db::users::{self, Session};
use crate::db::{self, Priority};
use crate::http::{App, Error, PageWrite, SignedIn, change_password, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::Field;
use crate::pages::layout::{Chrome, Notice};
use crate::pages::parts::PostButton;
use crate::pages::sign_in::too_many;
use crate::pages::typed::{Typed, mistakes, number};
use crate::visitor::agent;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/settings/sessions", web::get().to(show))
        .route("/settings/sessions/revoke-others", web::post().to(revoke_others))
        .route("/settings/sessions/{id}/revoke", web::post().to(revoke))
        .route("/settings/password", web::post().to(change));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let notice = match request.query_string() {
        "changed=1" => said("Your password is changed. Your other sessions have ended."),
        "revoked=1" => said("Ended."),
        _ => None,
    };
    answer(&app, who, notice, (StatusCode::OK, String::new(), String::new())).await
}

async fn revoke(who: PageWrite, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (id, user_id) = (number(&id)?, who.0.user.id);
    let gone = reading(&app, move |app| {
        app.db.write(Priority::Pages, |conn| users::delete_session(conn, user_id, id, now_ms()))
    });
    if gone.await? { Ok(see_other("/settings/sessions?revoked=1")) } else { Err(Error::NotFound) }
}

async fn revoke_others(who: PageWrite, app: web::Data<App>) -> Answer {
    let (own, user_id) = (who.0.session_id, who.0.user.id);
    reading(&app, move |app| {
        app.db.write(Priority::Pages, |conn| {
            let now_ms = now_ms();
            for session in users::list_sessions(conn, user_id, now_ms)? {
                if session.id != own {
                    users::delete_session(conn, user_id, session.id, now_ms)?;
                }
            }
            Ok::<_, db::Error>(())
        })
    })
    .await?;
    Ok(see_other("/settings/sessions?revoked=1"))
}

async fn change(who: PageWrite, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
    let (old, new) = (typed.get("password"), typed.get("new_password"));
    let Err(error) = change_password(&app, &who.0, &request, old, new).await else {
        return Ok(see_other("/settings/sessions?changed=1"));
    };
    if let Error::TooManyAttempts { retry_after_seconds } = error {
        let wrong = (StatusCode::TOO_MANY_REQUESTS, too_many(retry_after_seconds), String::new());
        return answer(&app, who.0, None, wrong).await;
    }
    let (status, errors) = mistakes(error)?;
    let message = |field: &str| errors.message(field).unwrap_or_default().to_owned();
    answer(&app, who.0, None, (status, message("old_password"), message("password"))).await
}

/// Draws the page; `old` and `new` say what is wrong with the passwords.
async fn answer(
    app: &web::Data<App>,
    who: SignedIn,
    notice: Option<Notice>,
    (status, old, new): (StatusCode, String, String),
) -> Answer {
    let desk = Desk::open(app, who).await?;
    let (user_id, now_ms) = (desk.who.user.id, desk.now_ms);
    let sessions = reading(app, move |app| app.db.read(|conn| users::list_sessions(conn, user_id, now_ms)));
    let sessions = sessions.await?;
    let others = PostButton::new("End all others", "/settings/sessions/revoke-others");
    let drawn = SessionsPage {
        revoke_others: (sessions.len() > 1).then_some(others),
        sessions: sessions.iter().map(|session| row(&desk, session)).collect(),
        chrome: Chrome { notice, ..chrome(&desk, "/settings/sessions") },
        password: Field::wrong("", &old),
        new_password: Field::wrong("", &new),
    };
    page_with(status, &drawn)
}

fn row(desk: &Desk, session: &Session) -> SessionRow {
    let is_this = session.id == desk.who.session_id;
    let revoke = PostButton::new("End", &format!("/settings/sessions/{}/revoke", session.id));
    SessionRow {
        agent: browser(&session.agent),
        address: session.address.clone(),
        since: moment(desk, session.created_at_ms),
        last_used: moment(desk, session.last_seen_at_ms),
        is_this,
        revoke: (!is_this).then_some(revoke),
    }
}

/// `Firefox 131 on macOS`, or the browser's own words where it is none we know.
fn browser(text: &str) -> String {
    let known = agent::of(text);
    let Some(name) = &known.browser else {
        let shown: String = text.chars().take(60).collect();
        return if shown.is_empty() { "Unknown browser".to_owned() } else { shown };
    };
    let major = known.browser_version.as_deref().and_then(|version| version.split('.').next());
    let browser = major.map_or_else(|| name.to_string(), |major| format!("{name} {major}"));
    known.os.as_ref().map_or_else(|| browser.clone(), |os| format!("{browser} on {os}"))
}
