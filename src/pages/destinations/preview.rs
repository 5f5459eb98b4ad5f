//! What a destination's address or body looks like for a sample conversion, while it is being typed.

use crate::domain::destination::{Encoding, Message, SampleConversion, Slip};

/// A body that begins so is JSON: its values are escaped for that.
fn encoding(kind: &str, text: &str) -> Encoding {
    let is_json = kind == "told_body" && text.trim_start().starts_with(['{', '[']);
    if is_json { Encoding::Json } else { Encoding::Url }
}

/// The text, filled. `kind` is `told_url` or `told_body`; another is none of this family.
///
/// # Errors
/// Where it is wrong, and why.
pub(in crate::pages) fn filled(kind: &str, text: &str) -> Option<Result<String, Slip>> {
    if !matches!(kind, "told_url" | "told_body") {
        return None;
    }
    let read = Message::read(text, encoding(kind, text));
    Some(read.map(|message| message.fill(&SampleConversion).unwrap_or_else(|why| why.0)))
}
