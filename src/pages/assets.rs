//! Style sheets, scripts, the font: built into the binary, kept by browsers for a year.

use crate::http::Error;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

/// The files under `static/` that browsers ask for. The country database and the agent patterns lie
/// there too, are built in where they are used, and are no one's to fetch.
#[derive(RustEmbed)]
#[folder = "static/"]
#[exclude = "geo/*"]
#[exclude = "agents/*"]
#[exclude = "*.md"]
struct Assets;

/// `GET /static/{path}`.
pub async fn show(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let file = Assets::get(&path).ok_or(Error::NotFound)?;
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()));
    let is_known =
        request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    // An address with a version never changes what stands behind it.
    let keep = if request.query_string().starts_with("v=") {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, keep));
    if is_known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, kind(&path)));
    Ok(response.body(file.data.into_owned()))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
