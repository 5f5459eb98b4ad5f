//! The trace of a request: method, route and outcome, and never what was secret in it.
//!
//! The route is the pattern (`/setup/{token}`), not the address: keys and tokens stand in addresses.
//! Headers, cookies, queries and bodies are not looked at.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_actix_web::{RequestId, RootSpanBuilder};

/// Builds the span of a request to pages and API.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        tracing::info_span!("request", request_id = id, method = %request.method(), route, status = Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", display(status.as_u16()));
        span.in_scope(|| tracing::debug!("answered"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_actix_web::TracingLogger;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[actix_web::test]
    async fn secrets_of_a_request_do_not_reach_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let show = || async { Err::<String, _>(crate::http::Error::Internal("broken pipe".to_owned())) };
        let pages = web::scope("")
            .wrap(actix_web::middleware::from_fn(crate::http::page_door))
            .wrap(TracingLogger::<RequestSpan>::new())
            .route("/setup/{token}", web::get().to(show));
        let request = TestRequest::get()
            .uri("/setup/s3cret-token?key=s3cret-key")
            .insert_header(("cookie", "clickledger_session=s3cret-session"))
            .insert_header(("authorization", "Bearer s3cret-bearer"))
            .insert_header(("referer", "https://a.example/s3cret-page"));
        call_service(&init_service(App::new().service(pages)).await, request.to_request()).await;
        let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(written.contains("/setup/{token}") && written.contains("broken pipe"), "{written}");
        assert!(!written.contains("s3cret"), "{written}");
    }
}
