//! What was sent and what was answered, in boxes: text from outside, shown as it is and never more than text.

use crate::pages::click_story::plain;
use crate::pages::parts::CodeBox;

/// Characters that are no letters would hide or turn what stands around them.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

fn code_box(label: &str, text: &str) -> CodeBox {
    let text = shown(text);
    CodeBox { label: label.to_owned(), pieces: vec![plain(&text)], copy: text, hint: String::new() }
}

/// A request: its line, the names of its headers, its body.
pub(in crate::pages) fn request_box(
    method: &str,
    url: &str,
    header_names: &[String],
    body: Option<&str>,
) -> CodeBox {
    let mut text = format!("{method} {url}");
    for name in header_names {
        text.push_str(&format!("\n{name}: …"));
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        text.push_str(&format!("\n\n{body}"));
    }
    code_box("What was sent", &text)
}

/// The beginning of an answer.
pub(in crate::pages) fn response_box(body: &str) -> CodeBox {
    let text = if body.trim().is_empty() { "(an empty body)" } else { body };
    code_box("The beginning of the answer", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_would_turn_the_text_are_replaced() {
        let shown = response_box("a\u{1b}[31mb\r\nc\td").copy;
        assert_eq!(shown, "a\u{fffd}[31mb\u{fffd}\nc\td");
        let sent = request_box("POST", "https://a.example/", &["X-Key".to_owned()], Some("a=b")).copy;
        assert_eq!(sent, "POST https://a.example/\nX-Key: …\n\na=b");
    }
}
