//! A file or pasted rows, as a browser's form sends them.

use crate::domain::sheet::FILE_BYTES_MAX;
use crate::http::Error;
use actix_multipart::Multipart;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;

/// Bytes of a file's name that are kept.
pub(super) const FILE_NAME_BYTES_MAX: usize = 120;

/// Parts of the form: it has three.
const PARTS_MAX: usize = 10;

/// Bytes of pasted rows that come back with the form where it is refused.
const TEXT_SHOWN_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a part that is a number.
const NUMBER_BYTES_MAX: usize = 64;

/// What the form brought.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) advertiser_id: String,
    pub(super) file_name: String,
    pub(super) file: Vec<u8>,
    pub(super) text: Vec<u8>,
}

impl Sent {
    /// The pasted rows, as they stand in the form again; nothing where they are too many for that.
    pub(super) fn shown_text(&self) -> String {
        if self.text.len() > TEXT_SHOWN_BYTES_MAX {
            return String::new();
        }
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

/// Reads the form.
///
/// # Errors
/// It is none, it broke off, or it brings more than may come.
pub(super) async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Sent, Error> {
    let kind = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(Error::WrongContentType("multipart/form-data"));
    }
    let mut parts = Multipart::new(request.headers(), payload);
    let (mut sent, mut left, mut count) = (Sent::default(), FILE_BYTES_MAX, 0);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(broken)?;
        count += 1;
        if count > PARTS_MAX {
            return Err(Error::Unreadable("The form has more parts than this page sends.".to_owned()));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.content_disposition().and_then(|told| told.get_filename()).map(plain_name);
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(broken)?;
            left = left.checked_sub(chunk.len()).ok_or(Error::TooLarge(FILE_BYTES_MAX))?;
            bytes.extend_from_slice(&chunk);
        }
        match name.as_str() {
            "advertiser_id" => {
                bytes.truncate(NUMBER_BYTES_MAX);
                sent.advertiser_id = String::from_utf8_lossy(&bytes).trim().to_owned();
            }
            "file" => {
                sent.file_name = file_name.unwrap_or_default();
                sent.file = bytes;
            }
            "text" => sent.text = bytes,
            _ => {}
        }
    }
    if sent.file.is_empty() {
        sent.file_name.clear();
    }
    Ok(sent)
}

fn broken(why: impl std::fmt::Display) -> Error {
    Error::Unreadable(format!("The form broke off or is none: {why}."))
}

/// A file's name without its folders and without what no line of text has.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    last.chars().filter(|c| !c.is_control()).collect()
}
