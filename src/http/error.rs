//! The one error of every door: what went wrong, as a status and as words.

use crate::conversions::NotRecorded;
use crate::domain::input::FieldErrors;
use crate::{db, entities};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use std::fmt;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub enum Error {
    /// The request cannot be read; says where.
    Unreadable(String),
    /// A page asks for a sign-in, and the request is none that a redirect would help.
    SignInNeeded,
    /// The API asks for a token and none came.
    NoToken,
    /// The token is none of ours, or was revoked.
    BadToken,
    /// The role, the scope or the place of origin does not allow it.
    Forbidden(String),
    /// Not there, or not yours.
    NotFound,
    /// The address takes other methods; names them.
    MethodNotAllowed(&'static str),
    /// A value that must be there once is another's.
    Conflict(FieldErrors),
    /// The body is larger than so many bytes.
    TooLarge(usize),
    /// The address is longer than [`super::limits::URL_BYTES_MAX`].
    UrlTooLong,
    /// The body is of a kind that is not taken here; says which is.
    WrongContentType(&'static str),
    /// Fields that must be mended.
    Fields(FieldErrors),
    /// Too many attempts; says when to try again.
    TooManyAttempts {
        /// Seconds to wait.
        retry_after_seconds: u64,
    },
    /// Go and look there instead.
    SeeOther(String),
    /// What the web framework refused, where none of the above says it.
    Refused(StatusCode),
    /// Something that must not happen; the text is for the log alone.
    Internal(String),
    /// The database cannot be reached or a queue is full; the text is for the log alone.
    Unavailable(String),
}

impl Error {
    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::SignInNeeded | Self::NoToken | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UrlTooLong => StatusCode::URI_TOO_LONG,
            Self::WrongContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::SeeOther(_) => StatusCode::SEE_OTHER,
            Self::Refused(status) => *status,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the answer says. Of a fault of ours it says nothing but where to look.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Unreadable(why) | Self::Forbidden(why) => why.clone(),
            Self::SignInNeeded => "Sign in first.".to_owned(),
            Self::NoToken => "Send an API token: Authorization: Bearer <token>.".to_owned(),
            Self::BadToken => "This API token is not known, or was revoked.".to_owned(),
            Self::NotFound => "There is nothing here, or it is not yours.".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("This address takes {allowed}."),
            Self::Conflict(_) => "A value is already taken.".to_owned(),
            Self::TooLarge(max) => format!("The body is larger than {max} bytes."),
            Self::UrlTooLong => {
                format!("The address is longer than {} bytes.", super::limits::URL_BYTES_MAX)
            }
            Self::WrongContentType(wanted) => format!("Send the body as {wanted}, not compressed."),
            Self::Fields(_) => "Some fields must be mended.".to_owned(),
            Self::TooManyAttempts { retry_after_seconds } => {
                format!("Too many attempts: try again in {retry_after_seconds} seconds.")
            }
            Self::SeeOther(place) => format!("Look at {place}."),
            Self::Refused(_) => "The request cannot be taken.".to_owned(),
            Self::Internal(_) => "Something went wrong on our side; it is in the log.".to_owned(),
            Self::Unavailable(_) => "Not possible just now: try again in a moment.".to_owned(),
        }
    }

    /// The fields it names.
    #[must_use]
    pub fn fields(&self) -> &[crate::domain::input::FieldError] {
        match self {
            Self::Fields(errors) | Self::Conflict(errors) => &errors.0,
            _ => &[],
        }
    }

    /// What the web framework found wrong, said our way.
    pub(super) fn from_framework(error: &actix_web::Error, status: StatusCode) -> Self {
        if let Some(own) = error.as_error::<Self>() {
            return own.clone();
        }
        match Self::from_status(status) {
            Self::Internal(_) => Self::Internal(error.to_string()),
            other => other,
        }
    }

    /// What a bare status means.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::Unreadable("The request cannot be read.".to_owned()),
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(super::limits::FORM_BYTES_MAX),
            status if status.is_client_error() => Self::Refused(status),
            status => Self::Internal(format!("answered {status}")),
        }
    }
}

impl fmt::Display for Error {
    /// For people at a command line and for the log: everything that is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(why) | Self::Unavailable(why) => f.write_str(why),
            Self::Fields(errors) | Self::Conflict(errors) => {
                let said = errors.0.iter().map(|error| format!("{}: {}", error.field, error.message));
                f.write_str(&said.collect::<Vec<_>>().join("; "))
            }
            other => f.write_str(&other.detail()),
        }
    }
}

impl std::error::Error for Error {}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The bare status: the door that the request came through gives it its body.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Unavailable(why) => Self::Unavailable(why),
            // The rooms below name the field where they know it; here it is a fault of ours.
            db::Error::Taken(_) | db::Error::Query(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<entities::Error> for Error {
    fn from(error: entities::Error) -> Self {
        match error {
            entities::Error::Fields(errors) => Self::Fields(errors),
            entities::Error::Conflict { field, message } => Self::Conflict(FieldErrors::one(field, message)),
            entities::Error::NotFound => Self::NotFound,
            entities::Error::Db(error) => error.into(),
        }
    }
}

impl From<NotRecorded> for Error {
    fn from(error: NotRecorded) -> Self {
        match error {
            NotRecorded::Fields(errors) => Self::Fields(errors),
            NotRecorded::Db(error) => error.into(),
        }
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_not_told_to_strangers() {
        let error = Error::from(db::Error::Unavailable("host 10.0.0.7 refused".to_owned()));
        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!error.detail().contains("10.0.0.7"));
        assert!(error.to_string().contains("10.0.0.7"), "the log is told");
    }
}
