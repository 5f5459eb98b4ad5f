//! The one way in which every noun's form is shown, sent, and its thing put away and taken back.

/// Writes the handlers of a noun's form and `configure_form`, which gives them their addresses. The file
/// itself says what the noun is:
///
/// - `KIND`: its words and address;
/// - `blank(&Desk, query_string) -> Typed` and `typed_of(&Noun) -> Typed`: a form's texts;
/// - `fields(&Typed) -> Fields`: what is stored of them;
/// - `change_rows(&mut Typed, action) -> bool`: the buttons that only add or remove a row;
/// - `draw(&App, Drawn) -> Result<Page, Error>`: the page, on a thread that may block;
/// - `after(id) -> String`: where one goes after saving.
///
/// `fields` names what is done to the fields before they are stored: `fn(&App, Fields) -> Result<Fields, entities::Error>`.
macro_rules! editing {
    ($noun:ident) => {
        $crate::pages::editing::editing!($noun, fields: |_: &App, fields| Ok::<_, entities::Error>(fields));
    };
    ($noun:ident, fields: $prepared:expr) => {
        fn configure_form(config: &mut web::ServiceConfig) {
            let at = |rest: &str| format!("{}{rest}", KIND.path);
            config
                .route(&at("/new"), web::get().to(new))
                .route(KIND.path, web::post().to(create))
                .route(&at("/{id}/edit"), web::get().to(edit))
                .route(&at("/{id}"), web::post().to(update))
                .route(&at("/{id}/archive"), web::post().to(archive))
                .route(&at("/{id}/restore"), web::post().to(restore));
        }

        async fn new(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
            let desk = Desk::open(&app, who).await?;
            let typed = blank(&desk, request.query_string());
            answer(&app, &request, Shown::new(desk, typed)).await
        }

        async fn edit(
            who: SignedIn,
            app: web::Data<App>,
            request: HttpRequest,
            id: web::Path<String>,
        ) -> Answer {
            let id = number(&id)?;
            let desk = Desk::open(&app, who).await?;
            let saved = reading(&app, move |app| entities::$noun::find(&app.db, id)).await?;
            let mut shown = Shown::new(desk, typed_of(&saved.value));
            shown.saved = Some(saved);
            answer(&app, &request, shown).await
        }

        async fn create(who: PageWrite, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
            let desk = Desk::open(&app, who.0).await?;
            let mut shown = Shown::new(desk, typed);
            if change_rows(&mut shown) {
                return answer(&app, &request, shown).await;
            }
            let (fields, caller) = (fields(&shown.typed), Some(shown.desk.who.user.id));
            let made = changing(&app, move |app| {
                let fields = $prepared(app, fields)?;
                entities::$noun::create(&app.db, &fields, now_ms(), caller)
            })
            .await;
            match made {
                Ok(saved) => Ok(see_other(&after(saved.id))),
                Err(error) => answer(&app, &request, shown.refused(error)?).await,
            }
        }

        async fn update(
            who: PageWrite,
            app: web::Data<App>,
            request: HttpRequest,
            id: web::Path<String>,
            typed: Typed,
        ) -> Answer {
            let id = number(&id)?;
            let desk = Desk::open(&app, who.0).await?;
            let saved = reading(&app, move |app| entities::$noun::find(&app.db, id)).await?;
            let mut shown = Shown::new(desk, typed);
            shown.saved = Some(saved);
            if change_rows(&mut shown) {
                return answer(&app, &request, shown).await;
            }
            let fields = fields(&shown.typed);
            let changed = changing(&app, move |app| {
                let fields = $prepared(app, fields)?;
                entities::$noun::update(&app.db, id, &fields, now_ms())
            })
            .await;
            match changed {
                Ok(saved) => Ok(see_other(&after(saved.id))),
                Err(error) => answer(&app, &request, shown.refused(error)?).await,
            }
        }

        async fn archive(_who: PageWrite, app: web::Data<App>, id: web::Path<String>) -> Answer {
            let id = number(&id)?;
            changing(&app, move |app| entities::$noun::archive(&app.db, id, now_ms())).await?;
            Ok(see_other(&format!("{}?archived={id}", KIND.path)))
        }

        async fn restore(_who: PageWrite, app: web::Data<App>, id: web::Path<String>) -> Answer {
            let id = number(&id)?;
            changing(&app, move |app| entities::$noun::restore(&app.db, id, now_ms())).await?;
            Ok(see_other(&format!("{}?restored={id}", KIND.path)))
        }

        /// Draws the form with what it needs from the database.
        async fn answer(app: &web::Data<App>, request: &HttpRequest, shown: Shown<Noun>) -> Answer {
            let status = shown.status;
            let place = Place::of(app, request);
            let drawn = reading(app, move |app| draw(app, &place, &shown)).await?;
            page_with(status, &drawn)
        }
    };
}
pub(super) use editing;

use super::desk::Desk;
use super::typed::{Marked, Typed, mistakes};
use crate::db::search::Saved;
use crate::domain::input::FieldErrors;
use crate::http::{App, Error};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;

/// A form on its way to the screen.
pub(super) struct Shown<T> {
    /// Whose desk it lies on.
    pub(super) desk: Desk,
    /// The thing as it is stored; none for a new one.
    pub(super) saved: Option<Saved<T>>,
    /// What stands in the form.
    pub(super) typed: Typed,
    /// What is wrong with that.
    pub(super) errors: FieldErrors,
    /// How the page is answered.
    pub(super) status: StatusCode,
}

impl<T> Shown<T> {
    /// A form without errors.
    pub(super) fn new(desk: Desk, typed: Typed) -> Self {
        Self { desk, saved: None, typed, errors: FieldErrors::default(), status: StatusCode::OK }
    }

    /// The same form with what must be mended in it.
    pub(super) fn refused(mut self, error: Error) -> Result<Self, Error> {
        (self.status, self.errors) = mistakes(error)?;
        Ok(self)
    }

    /// Its texts with their errors.
    pub(super) fn marked(&self) -> Marked<'_> {
        Marked { typed: &self.typed, errors: &self.errors }
    }

    /// Where the form posts to.
    pub(super) fn action(&self, path: &str) -> String {
        self.saved.as_ref().map_or_else(|| path.to_owned(), |saved| format!("{path}/{}", saved.id))
    }
}

/// What a page needs to know of its own request.
pub(super) struct Place {
    /// The installation's address.
    pub(super) public_url: String,
    /// The query string.
    pub(super) query: String,
}

impl Place {
    /// Reads it off a request.
    pub(super) fn of(app: &App, request: &HttpRequest) -> Self {
        Self { public_url: app.public_url(request), query: request.query_string().to_owned() }
    }
}
