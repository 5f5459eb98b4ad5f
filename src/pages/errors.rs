//! Error pages.

use askama::Template;

/// A page for 403, 404, 500 and 503.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "errors/show.html")]
pub struct ErrorPage {
    /// The status ("404").
    pub status: String,
    /// What happened, in a few words.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// The request id, for 5xx. Empty for none.
    pub request_id: String,
    /// Whether a link to the dashboard makes sense.
    pub has_way_back: bool,
}

impl ErrorPage {
    /// Not there, or not yours.
    pub fn not_found() -> Self {
        Self::plain(
            "404",
            "There is nothing here",
            "The address is wrong, or what stood here is not yours to see.",
        )
    }

    /// The role does not allow it.
    pub fn forbidden() -> Self {
        Self::plain(
            "403",
            "Your role does not allow this",
            "Ask an admin of this installation to do it or to widen your role.",
        )
    }

    /// Our fault.
    pub fn internal(request_id: &str) -> Self {
        let text =
            "This is our fault, and it is in the log. Clicks and postbacks are not affected by this page.";
        Self { request_id: request_id.to_owned(), ..Self::plain("500", "Something broke", text) }
    }

    /// The database is away.
    pub fn unavailable(request_id: &str) -> Self {
        let text = "The database does not answer. Visitors are still redirected and their clicks are kept; \
                    postbacks are asked to come again. Try this page again in a minute.";
        Self { request_id: request_id.to_owned(), ..Self::plain("503", "Not available just now", text) }
    }

    fn plain(status: &str, title: &str, text: &str) -> Self {
        Self {
            status: status.to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
            request_id: String::new(),
            has_way_back: true,
        }
    }
}
