//! Files that come with a form, or alone as a body: read piece by piece, never more than is allowed.

use super::Error;
use super::limits::FORM_BYTES_MAX;
use crate::domain::sheet::FILE_BYTES_MAX;
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;

/// Parts of one form: ours have about twenty fields.
const PARTS_MAX: usize = 100;

/// Bytes of what was pasted that come back with a form that is refused: more makes a page that no browser shows well.
const PASTED_BACK_MAX: usize = 256 * 1_024;

/// A form with a file.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Its fields, in the order in which they came.
    pub fields: Vec<(String, String)>,
    /// The file; what was pasted where none was chosen.
    pub file: Vec<u8>,
    /// The file's name, without its folders; empty for what was pasted.
    pub file_name: String,
}

impl Upload {
    /// A field's value; empty where it did not come. Of repeated names the first counts.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// What was pasted, as it stands in the form again; nothing where it is a file, or more than a page should carry.
    #[must_use]
    pub fn pasted_back(&self) -> String {
        let is_shown = self.file_name.is_empty() && self.file.len() <= PASTED_BACK_MAX;
        if is_shown { String::from_utf8_lossy(&self.file).into_owned() } else { String::new() }
    }
}

fn unreadable(error: &MultipartError) -> Error {
    Error::Unreadable(format!("The form cannot be read: {error}."))
}

/// Reads a body as it is, of so many bytes at most.
///
/// # Errors
/// It breaks off, or is longer.
pub async fn read_bytes(mut payload: web::Payload, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::Unreadable(format!("The body broke off: {error}.")))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(Error::TooLarge(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads a form with a file: the part `file` is the file, or the part `pasted` where no file was chosen.
///
/// # Errors
/// It is no such form, it breaks off, or it is longer than is allowed.
pub async fn read_upload(request: &HttpRequest, payload: web::Payload) -> Result<Upload, Error> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(Error::WrongContentType("multipart/form-data"));
    }
    let mut form = Multipart::new(request.headers(), payload);
    let (mut upload, mut pasted, mut parts) = (Upload::default(), Vec::new(), 0_usize);
    while let Some(part) = form.next().await {
        let mut part = part.map_err(|error| unreadable(&error))?;
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Error::Unreadable(format!("The form has more than {PARTS_MAX} parts.")));
        }
        let name = part.name().unwrap_or("").to_owned();
        let file_name = part.content_disposition().and_then(|told| told.get_filename()).map(plain_name);
        match name.as_str() {
            "file" => {
                upload.file = read_part(&mut part, FILE_BYTES_MAX).await?;
                upload.file_name = file_name.unwrap_or_default();
            }
            "pasted" => pasted = read_part(&mut part, FILE_BYTES_MAX).await?,
            _ => {
                let text = read_part(&mut part, FORM_BYTES_MAX).await?;
                upload.fields.push((name, String::from_utf8_lossy(&text).replace('\0', "\u{fffd}")));
            }
        }
    }
    if upload.file.is_empty() {
        (upload.file, upload.file_name) = (pasted, String::new());
    }
    Ok(upload)
}

async fn read_part(part: &mut Field, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(Error::TooLarge(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A file's name without its folders and without what no line of text has.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    last.chars().filter(|c| !c.is_control()).collect()
}
