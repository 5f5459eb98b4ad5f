//! Long texts and files that people bring: read into memory up to a limit.

use super::Error;
use super::limits::UPLOAD_BYTES_MAX;
use actix_multipart::Multipart;
use actix_web::web;
use futures_util::StreamExt as _;
use std::collections::BTreeMap;

/// Fields of a form with a file: no form of ours has as many.
const FIELDS_MAX: usize = 20;

/// Reads a body as text; bytes that are none become U+FFFD.
///
/// # Errors
/// Larger than [`UPLOAD_BYTES_MAX`], or it broke off.
pub async fn read_long_text(mut payload: web::Payload) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::Unreadable(format!("The body broke off: {error}.")))?;
        add(&mut bytes, &chunk, 0)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the fields of a form with a file as texts, the file's content under its field's name. Of repeated names the first
/// counts.
///
/// # Errors
/// Not such a form, larger than [`UPLOAD_BYTES_MAX`] in all, too many fields, or it broke off.
pub async fn read_upload(mut form: Multipart) -> Result<BTreeMap<String, String>, Error> {
    let broken = |error: &actix_multipart::MultipartError| {
        Error::Unreadable(format!("The form cannot be read: {error}."))
    };
    let (mut fields, mut read) = (BTreeMap::new(), 0);
    while let Some(field) = form.next().await {
        let mut field = field.map_err(|error| broken(&error))?;
        if fields.len() >= FIELDS_MAX {
            return Err(Error::Unreadable("The form has too many fields.".to_owned()));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(|error| broken(&error))?;
            add(&mut bytes, &chunk, read)?;
        }
        read += bytes.len();
        fields.entry(name).or_insert_with(|| String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(fields)
}

fn add(bytes: &mut Vec<u8>, chunk: &[u8], before: usize) -> Result<(), Error> {
    if before + bytes.len() + chunk.len() > UPLOAD_BYTES_MAX {
        return Err(Error::TooLarge(UPLOAD_BYTES_MAX));
    }
    bytes.extend_from_slice(chunk);
    Ok(())
}
