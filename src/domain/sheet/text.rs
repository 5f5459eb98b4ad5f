//! Bytes into text: which letters they are, and whether they are letters at all.

use super::{FILE_BYTES_MAX, Fault};

/// Bytes that are looked at to tell a text from something else.
const PROBE_BYTES: usize = 8 * 1024;

/// In a text at most one of so many bytes is a control byte other than a tab or a line's end.
const CONTROL_SHARE: usize = 50;

/// How a file's letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// UTF-16, as its mark says.
    Utf16,
    /// Windows-1252, as older spreadsheets of the West save: taken where nothing else fits.
    Windows1252,
}

impl Encoding {
    /// Its name, as programs call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// How other kinds of files begin, and what their owner should do.
const OTHER_KINDS: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "This is a workbook (.xlsx, .ods) or a ZIP archive: open it and save its table as CSV"),
    (b"\xd0\xcf\x11\xe0", "This is an old workbook (.xls): open it and save its table as CSV"),
    (b"\x1f\x8b", "This file is compressed with gzip: unpack it first"),
    (b"%PDF", "This is a PDF: send the table as CSV"),
    (b"\x89PNG", "This is a picture: send the table as CSV"),
    (b"\xff\xd8\xff", "This is a picture: send the table as CSV"),
];

/// Reads a file's bytes as text: by its mark, else as UTF-8, else as Windows-1252. A NUL becomes U+FFFD, since no
/// database keeps one in a text.
///
/// # Errors
/// The file is empty, too long, or no text.
pub fn decode(bytes: &[u8]) -> Result<(String, Encoding), Fault> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault::of_file(format!(
            "The file is longer than {} MiB: send it in parts",
            FILE_BYTES_MAX / 1024 / 1024
        )));
    }
    if let Some((_, message)) = OTHER_KINDS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(Fault::of_file(*message));
    }
    let (text, encoding) = read(bytes)?;
    if text.trim().is_empty() {
        return Err(Fault::of_file("The file is empty: nothing is to be read from it"));
    }
    Ok((text.replace('\0', "\u{fffd}"), encoding))
}

fn read(bytes: &[u8]) -> Result<(String, Encoding), Fault> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return wide(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return wide(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let probe = bytes.get(..PROBE_BYTES).unwrap_or(bytes);
    let is_control = |byte: &&u8| (**byte < 0x20 && !b"\t\r\n\x0c".contains(byte)) || **byte == 0x7f;
    if probe.iter().filter(is_control).count() > probe.len() / CONTROL_SHARE {
        return Err(Fault::of_file("This is no text: save the table as CSV, in UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text.to_owned(), Encoding::Utf8)),
        Err(_) => Ok((bytes.iter().map(|byte| western(*byte)).collect(), Encoding::Windows1252)),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<(String, Encoding), Fault> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let letters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    match letters.collect::<Result<String, _>>() {
        Ok(text) if rest.is_empty() => Ok((text, Encoding::Utf16)),
        Ok(_) | Err(_) => {
            Err(Fault::of_file("The file begins as UTF-16 and is none further on: save it again, in UTF-8"))
        }
    }
}

/// The letters of the bytes 0x80 to 0x9f in Windows-1252; five of them have none.
const WESTERN: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
    '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];

fn western(byte: u8) -> char {
    let special = byte.checked_sub(0x80).and_then(|at| WESTERN.get(usize::from(at)));
    special.copied().unwrap_or_else(|| char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> (String, Encoding) {
        decode(bytes).unwrap()
    }

    #[test]
    fn every_usual_encoding_is_read() {
        assert_eq!(text("a,ü".as_bytes()), ("a,ü".to_owned(), Encoding::Utf8));
        assert_eq!(text("\u{feff}a,ü".as_bytes()), ("a,ü".to_owned(), Encoding::Utf8));
        assert_eq!(text(b"\xff\xfea\0,\0\xfc\0"), ("a,ü".to_owned(), Encoding::Utf16));
        assert_eq!(text(b"\xfe\xff\0a\0,\0\xfc"), ("a,ü".to_owned(), Encoding::Utf16));
        assert_eq!(text(b"a,\xfc \x80"), ("a,ü €".to_owned(), Encoding::Windows1252));
    }

    #[test]
    fn what_is_no_text_is_named() {
        let said = |bytes: &[u8]| decode(bytes).unwrap_err().message;
        assert!(said(b"PK\x03\x04....").contains("workbook"));
        assert!(said(b"").contains("empty") && said(b" \r\n\n").contains("empty"));
        assert!(said(&[0, 1, 2, 3, 0xff, 0xfe, 9, 0]).contains("no text"));
        assert!(said(b"\xff\xfea\0b").contains("UTF-16"));
        assert!(said(&vec![b'a'; FILE_BYTES_MAX + 1]).contains("32 MiB"));
        let mostly = [vec![b'a'; 200], vec![0]].concat();
        assert!(text(&mostly).0.ends_with("a\u{fffd}"));
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
