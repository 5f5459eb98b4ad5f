//! The public doors: the click, the lander's buttons, the postback, the script, the pixel. No templates, no sessions.

mod answer;
mod click;
mod lander;
mod old;
mod pixel;
mod postback;
mod visit;

use actix_web::web;

/// The public addresses; `script_path` is that of the script for pages without redirects.
pub fn configure(config: &mut web::ServiceConfig, script_path: &str) {
    config
        .service(click::Door)
        .service(
            web::resource("/r/{token}")
                .route(web::get().to(answer::hop))
                .route(web::head().to(answer::hop))
                .default_service(web::to(|| async { answer::wrong_method("GET, HEAD") })),
        )
        .service(
            web::resource("/go")
                .route(web::get().to(lander::press))
                .route(web::head().to(lander::press))
                .default_service(web::to(|| async { answer::wrong_method("GET, HEAD") })),
        )
        .service(
            web::resource("/go/{button}")
                .route(web::get().to(lander::press))
                .route(web::head().to(lander::press))
                .default_service(web::to(|| async { answer::wrong_method("GET, HEAD") })),
        )
        .service(
            // Who asks with HEAD wants to look, and a look must not record a conversion.
            web::resource([
                "/postback",
                "/postback/",
                "/v1/postback",
                "/v1/postback/",
                "/postback/{key}",
                "/postback/{key}/",
                "/v1/postback/{key}",
                "/v1/postback/{key}/",
            ])
            .route(web::get().to(postback::receive))
            .route(web::post().to(postback::receive))
            .default_service(web::to(|| async { answer::wrong_method("GET, POST") })),
        );
    pixel::configure(config, script_path);
    visit::configure(config, script_path);
    // Last of these doors: it takes what none of them does.
    config.service(old::Door);
}
