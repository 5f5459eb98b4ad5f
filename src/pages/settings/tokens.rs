//! One's own API tokens.

use super::{TokensPage, chrome, moment, said};
use crate::db::users::ApiToken;
use crate::domain::input::FieldErrors;
use crate::domain::role::TokenScope;
use crate::http::{App, PageWrite, SignedIn, now_ms, reading, tokens};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::parts::{CodeBox, Empty, PostButton};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Marked, Typed, mistakes, number};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

const SCOPES: [(&str, &str); 2] = [("read", "look only"), ("write", "look and change")];

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/settings/tokens", web::get().to(show))
        .route("/settings/tokens", web::post().to(make))
        .route("/settings/tokens/{id}/revoke", web::post().to(revoke));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let is_revoked = request.query_string() == "revoked=1";
    let notice = if is_revoked { said("The token is revoked and opens nothing any more.") } else { None };
    let mut drawn = draw(&app, &desk, (&Typed::default(), &FieldErrors::default())).await?;
    drawn.chrome.notice = notice;
    page_with(StatusCode::OK, &drawn)
}

async fn make(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    let desk = Desk::open(&app, who.0).await?;
    let (user_id, name) = (desk.who.user.id, typed.get("name").to_owned());
    let Some(scope) = TokenScope::parse(typed.get("scope")) else {
        let errors = FieldErrors::one("scope", "Choose what the token may do");
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &draw(&app, &desk, (&typed, &errors)).await?);
    };
    let made = reading(&app, move |app| tokens::create(&app.db, user_id, &name, scope, now_ms())).await;
    match made {
        Ok((_, token)) => {
            let mut drawn = draw(&app, &desk, (&Typed::default(), &FieldErrors::default())).await?;
            let label = format!("Your new token: {}", typed.get("name").trim());
            let hint = "Shown this once: copy it now. We keep only its fingerprint.".to_owned();
            drawn.made = Some(CodeBox { hint, ..CodeBox::url(&label, &token) });
            page_with(StatusCode::OK, &drawn)
        }
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            page_with(status, &draw(&app, &desk, (&typed, &errors)).await?)
        }
    }
}

async fn revoke(who: PageWrite, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (id, user_id) = (number(&id)?, who.0.user.id);
    reading(&app, move |app| tokens::revoke(app, user_id, id, now_ms())).await?;
    Ok(see_other("/settings/tokens?revoked=1"))
}

async fn draw(
    app: &web::Data<App>,
    desk: &Desk,
    (typed, errors): (&Typed, &FieldErrors),
) -> Result<TokensPage, crate::http::Error> {
    let user_id = desk.who.user.id;
    let own = reading(app, move |app| tokens::list(&app.db, user_id)).await?;
    let form = Marked { typed, errors };
    let row = |token: &ApiToken| {
        let revoke = PostButton::new("Revoke", &format!("/settings/tokens/{}/revoke", token.id));
        let used = token.last_used_at_ms.map_or_else(|| "never".to_owned(), |ms| moment(desk, ms));
        let cells = vec![
            Cell::text(&token.name),
            Cell::text(token.scope.as_str()),
            Cell::text(&moment(desk, token.created_at_ms)),
            Cell::text(&used),
            Cell { button: Some(revoke), ..Cell::default() },
        ];
        Row { cells }
    };
    Ok(TokensPage {
        chrome: chrome(desk, "/settings/tokens"),
        made: None,
        name: form.field("name"),
        scope: form.select("scope", &SCOPES),
        tokens: Table {
            caption: "Your API tokens".to_owned(),
            columns: ["Token", "Scope", "Made", "Last used", ""].into_iter().map(Column::text).collect(),
            totals: None,
            rows: own.iter().map(row).collect(),
            empty: Empty {
                title: "No tokens yet".to_owned(),
                text: "A token lets a program use the API in your name: cost imports, reports, your own scripts."
                    .to_owned(),
                action: None,
            },
            shape: Shape::List,
        },
    })
}
