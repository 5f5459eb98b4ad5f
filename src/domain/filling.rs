//! Values on their way into a URL: the functions of macros, and percent-encoding.

use md5::{Digest as _, Md5};
use sha2::Sha256;
use std::fmt::Write as _;

/// What is done to a value before it stands in the URL, in the order written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// Not percent-encoded (control characters and spaces still are).
    Raw,
    /// Lower case.
    Lower,
    /// Hex of MD5.
    Md5,
    /// Hex of SHA-256.
    Sha256,
    /// Encoded once more, for a URL inside a URL.
    Encode,
    /// What stands there when the value is empty.
    Default(Box<str>),
}

/// Reads what stands behind a macro's name.
pub(super) fn parse_function(piece: &str) -> Option<Function> {
    Some(match piece {
        "raw" => Function::Raw,
        "lower" => Function::Lower,
        "md5" => Function::Md5,
        "sha256" => Function::Sha256,
        "encode" => Function::Encode,
        _ => Function::Default(piece.strip_prefix("default:")?.into()),
    })
}

/// How a value goes into a text once its functions were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Not percent-encoded.
    pub(super) is_raw: bool,
    /// How often it is encoded.
    pub(super) encodings: u8,
}

/// Does to a value what its functions say, but for encoding it.
pub(super) fn apply(value: &mut String, functions: &[Function]) -> Way {
    let mut way = Way { is_raw: false, encodings: 1 };
    for function in functions {
        match function {
            Function::Raw => way.is_raw = true,
            Function::Encode => way.encodings = way.encodings.saturating_add(1).min(4),
            Function::Lower => *value = value.to_lowercase(),
            Function::Md5 if !value.is_empty() => *value = hex(&Md5::digest(value.as_bytes())),
            Function::Sha256 if !value.is_empty() => *value = hex(&Sha256::digest(value.as_bytes())),
            Function::Default(text) if value.is_empty() => value.push_str(text),
            Function::Md5 | Function::Sha256 | Function::Default(_) => {}
        }
    }
    way
}

/// Writes a value as its functions say.
pub(super) fn push_value(value: &mut String, functions: &[Function], out: &mut String) {
    let way = apply(value, functions);
    push_in_url(value, way, out);
}

/// Writes a value into an address.
pub(super) fn push_in_url(value: &str, way: Way, out: &mut String) {
    if way.is_raw {
        push_encoded(value, is_kept_in_url, out);
        return;
    }
    if way.encodings <= 1 {
        push_encoded(value, is_unreserved, out);
        return;
    }
    let mut once = String::with_capacity(value.len().saturating_mul(3));
    push_encoded(value, is_unreserved, &mut once);
    push_in_url(&once, Way { encodings: way.encodings - 1, ..way }, out);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 3986 "unreserved".
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a header's URL as it is: printable ASCII but the characters that break out of
/// an attribute or a header.
pub(super) fn is_kept_in_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

/// Writes a text with everything else percent-encoded.
pub(super) fn push_encoded(text: &str, is_kept: fn(u8) -> bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if is_kept(byte) {
            out.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(HEX.get(usize::from(half)).copied().unwrap_or(b'0'));
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
}
