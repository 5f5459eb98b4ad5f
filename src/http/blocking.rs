//! Work that blocks, on threads made for it: Diesel and argon2 never run on a thread that serves requests.

use super::{App, Error};
use actix_web::web;
use tracing::Span;

/// Runs blocking work and waits for it without blocking the server.
///
/// # Errors
/// What the work returns; a panic in it is a fault of ours.
pub async fn blocking<T, E, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    E: Into<Error> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let span = Span::current();
    web::block(move || span.in_scope(work))
        .await
        .map_err(|_panicked| Error::Internal("a blocking task did not finish".to_owned()))?
        .map_err(Into::into)
}

/// Reads from the state: the database first of all.
///
/// # Errors
/// What the reader returns.
pub async fn reading<T, E, F>(app: &web::Data<App>, reader: F) -> Result<T, Error>
where
    T: Send + 'static,
    E: Into<Error> + Send + 'static,
    F: FnOnce(&App) -> Result<T, E> + Send + 'static,
{
    let app = app.clone();
    blocking(move || reader(&app)).await
}

/// Changes something that clicks are routed by, and makes the change live before it returns.
///
/// # Errors
/// What the change returns. Once it is stored it has happened: should the catalog not reload then, that
/// is logged, and the caller is not told to send the change again.
pub async fn changing<T, E, F>(app: &web::Data<App>, change: F) -> Result<T, Error>
where
    T: Send + 'static,
    E: Into<Error> + Send + 'static,
    F: FnOnce(&App) -> Result<T, E> + Send + 'static,
{
    reading(app, move |app| {
        let changed = change(app)?;
        if let Err(error) = app.catalog.reload(&app.db) {
            tracing::error!(%error, "a change is stored, but clicks are still routed without it");
        }
        Ok::<T, E>(changed)
    })
    .await
}
