//! The baseline: a bare actix-web server that answers every request with one fixed 302 and keeps nothing.

use actix_web::http::header::LOCATION;
use actix_web::{App, HttpResponse, HttpServer, web};

async fn answer() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "https://shop.example/?ref=0")).finish()
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:18301".to_owned());
    HttpServer::new(|| App::new().route("/c/{slug}", web::get().to(answer)))
        .workers(2)
        .bind(address)?
        .run()
        .await
}
