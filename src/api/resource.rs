//! What every resource answers: list, show, create, update, archive.

use super::Answer;
use crate::http::Error;

/// A number in an address. What is no number is nobody's number.
pub(super) fn id(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_not_a_number| Error::NotFound)
}

pub(super) async fn takes_list_and_create() -> Answer {
    Err(Error::MethodNotAllowed("GET, POST"))
}

pub(super) async fn takes_one() -> Answer {
    Err(Error::MethodNotAllowed("GET, PATCH, DELETE"))
}

pub(super) async fn takes_reading() -> Answer {
    Err(Error::MethodNotAllowed("GET"))
}

pub(super) async fn takes_post() -> Answer {
    Err(Error::MethodNotAllowed("POST"))
}

/// Writes the five handlers of a noun and their addresses. The file itself says what an answer looks like:
/// `bodies(&App, public_url, Vec<Saved<Noun>>)`.
/// `fields` names what is done to the fields of one before it is created or changed: `fn(&App, Fields) -> Result<Fields,
/// entities::Error>`. `new` names what is done before that to the fields of a new one: `fn(Fields) -> Result<Fields,
/// entities::Error>`.
macro_rules! resource {
    ($noun:ident) => {
        $crate::api::resource::resource!($noun, fields: |_: &App, fields| Ok::<_, entities::Error>(fields));
    };
    ($noun:ident, fields: $prepared:expr) => {
        $crate::api::resource::resource!($noun, fields: $prepared, new: |fields| Ok::<_, entities::Error>(fields));
    };
    ($noun:ident, fields: $prepared:expr, new: $filled:expr) => {
        /// Hangs the resource's addresses.
        pub(super) fn configure(cfg: &mut web::ServiceConfig) {
            let all = web::resource(concat!("/", stringify!($noun)));
            let one = web::resource(concat!("/", stringify!($noun), "/{id}"));
            cfg.service(
                all.route(web::get().to(list))
                    .route(web::post().to(create))
                    .default_service(web::to(resource::takes_list_and_create)),
            );
            cfg.service(
                one.route(web::get().to(show))
                    .route(web::patch().to(update))
                    .route(web::delete().to(archive))
                    .default_service(web::to(resource::takes_one)),
            );
        }

        async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
            let query = list_query(request.query_string())?;
            let public_url = app.public_url(&request);
            let page = reading(&app, move |app| {
                let listed = entities::$noun::list(&app.db, &query)?;
                let items = bodies(app, &public_url, listed.items)?;
                let (page, page_size) = (query.page, query.page_size);
                Ok::<_, entities::Error>(Page { items, page, page_size, total: listed.total })
            });
            Ok(HttpResponse::Ok().json(page.await?))
        }

        async fn show(
            _who: Reader,
            app: web::Data<App>,
            request: HttpRequest,
            id: web::Path<String>,
        ) -> Answer {
            let id = resource::id(&id)?;
            let saved = reading(&app, move |app| entities::$noun::find(&app.db, id)).await?;
            Ok(HttpResponse::Ok().json(body(&app, &request, saved).await?))
        }

        async fn create(
            who: Writer,
            app: web::Data<App>,
            request: HttpRequest,
            payload: web::Payload,
        ) -> Answer {
            let fields = json_fields(&request, payload).await?;
            let caller = Some(who.user.id);
            let saved =
                changing(&app, move |app| {
                let fields = $prepared(app, $filled(fields)?)?;
                entities::$noun::create(&app.db, &fields, now_ms(), caller)
            })
            .await?;
            let location = format!(concat!("/api/v1/", stringify!($noun), "/{}"), saved.id);
            let body = body(&app, &request, saved).await?;
            Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(body))
        }

        async fn update(
            _who: Writer,
            app: web::Data<App>,
            request: HttpRequest,
            id: web::Path<String>,
            payload: web::Payload,
        ) -> Answer {
            let id = resource::id(&id)?;
            let fields = json_fields(&request, payload).await?;
            let saved =
                changing(&app, move |app| {
                let fields = $prepared(app, fields)?;
                entities::$noun::update(&app.db, id, &fields, now_ms())
            })
            .await?;
            Ok(HttpResponse::Ok().json(body(&app, &request, saved).await?))
        }

        async fn archive(_who: Writer, app: web::Data<App>, id: web::Path<String>) -> Answer {
            let id = resource::id(&id)?;
            changing(&app, move |app| entities::$noun::archive(&app.db, id, now_ms())).await?;
            Ok(HttpResponse::NoContent().finish())
        }

        async fn body(
            app: &web::Data<App>,
            request: &HttpRequest,
            saved: Saved<Noun>,
        ) -> Result<Body, Error> {
            let public_url = app.public_url(request);
            let bodies = reading(app, move |app| bodies(app, &public_url, vec![saved])).await?;
            bodies.into_iter().next().ok_or(Error::NotFound)
        }
    };
}
pub(super) use resource;
