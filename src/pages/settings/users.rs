//! The users of the installation; admins add them.

use super::{UsersPage, chrome, moment, said};
use crate::db::users::{self, User};
use crate::domain::input::FieldErrors;
use crate::domain::role::Role;
use crate::http::{App, Error, PageWrite, SignedIn, create_user, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::parts::Empty;
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// Roles that have pages to see.
const ROLES: [(&str, &str); 2] =
    [("manager", "Manager: everything but users and settings"), ("admin", "Admin: everything")];

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/settings/users", web::get().to(show)).route("/settings/users", web::post().to(add));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    who.require_admin()?;
    let desk = Desk::open(&app, who).await?;
    let mut drawn = draw(&app, &desk, (&Typed::default(), &FieldErrors::default())).await?;
    if request.query_string() == "added=1" {
        drawn.chrome.notice = said("The user may sign in now. Hand over the password on a safe way.");
    }
    page_with(StatusCode::OK, &drawn)
}

async fn add(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    who.0.require_admin()?;
    let desk = Desk::open(&app, who.0).await?;
    let outcome = match ROLES.iter().find(|(word, _)| *word == typed.get("role")) {
        Some((word, _)) => {
            let role = Role::parse(word).unwrap_or(Role::Manager);
            let (email, password) = (typed.get("email").to_owned(), typed.get("password").to_owned());
            reading(&app, move |app| create_user(&app.db, &email, &password, role, now_ms())).await
        }
        None => Err(FieldErrors::one("role", "Choose a role").into()),
    };
    let Err(error) = outcome else { return Ok(see_other("/settings/users?added=1")) };
    let (status, errors) = mistakes(error)?;
    page_with(status, &draw(&app, &desk, (&typed, &errors)).await?)
}

async fn draw(
    app: &web::Data<App>,
    desk: &Desk,
    (typed, errors): (&Typed, &FieldErrors),
) -> Result<UsersPage, Error> {
    let all = reading(app, |app| app.db.read(users::list)).await?;
    let form = Marked { typed, errors };
    let row = |user: &User| {
        let note = if user.id == desk.who.user.id { "you" } else { "" };
        let cells = vec![
            Cell { note: note.to_owned(), ..Cell::text(&user.email) },
            Cell::text(user.role.as_str()),
            Cell::text(user.status.as_str()),
            Cell::text(&moment(desk, user.created_at_ms)),
        ];
        Row { cells }
    };
    Ok(UsersPage {
        chrome: chrome(desk, "/settings/users"),
        users: Table {
            caption: "Users".to_owned(),
            columns: ["User", "Role", "Status", "Since"].into_iter().map(Column::text).collect(),
            totals: None,
            rows: all.iter().map(row).collect(),
            empty: Empty::default(),
            shape: Shape::List,
        },
        email: form.field("email"),
        role: form.select("role", &ROLES),
        password: form.secret("password"),
        is_editable: true,
    })
}
