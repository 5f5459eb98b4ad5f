//! What an advertiser's own pages paste to report conversions.

use crate::conversions::SNIPPET_WORDS;
use crate::entities;
use crate::pages::parts::{CodeBox, Piece};

/// What whoever pastes it replaces.
const REPLACED: [&str; 4] = ["CAMPAIGN", SNIPPET_WORDS[0], SNIPPET_WORDS[1], "49.90"];

/// The script's call, and the image for pages where no script may run.
pub(super) fn boxes(public_url: &str, script_path: &str) -> Vec<CodeBox> {
    let base = public_url.trim_end_matches('/');
    let script = format!(
        "<script src=\"{base}{script_path}\" data-campaign=\"CAMPAIGN\" data-known></script>\n\
         <script>window.clickledger && clickledger.convert(\"sale\", {{amount: \"49.90\", txid: \"ORDER-ID\"}})</script>"
    );
    let image = format!(
        "<img src=\"{base}{}?cid=CLICK-ID&amp;event=sale&amp;txid=ORDER-ID&amp;amount=49.90\" width=\"1\" height=\"1\" alt=\"\">",
        entities::pixel_path(script_path)
    );
    let script_hint = "On the page that thanks for the order, on the same site as the page that the ad leads to. \
        CAMPAIGN is the last part of the campaign's URL.";
    let image_hint =
        "Where no script may run. Without cid the click is found by our cookie, where the browser sends it.";
    vec![to_paste("Script", &script, script_hint), to_paste("Image", &image, image_hint)]
}

fn to_paste(label: &str, text: &str, hint: &str) -> CodeBox {
    CodeBox { label: label.to_owned(), pieces: marked(text), copy: text.to_owned(), hint: hint.to_owned() }
}

/// Text cut at the words that are replaced: they are marked.
fn marked(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((at, word)) =
        REPLACED.iter().filter_map(|word| Some((rest.find(word)?, *word))).min_by_key(|(at, _)| *at)
    {
        let Some((before, after)) = rest.split_at_checked(at) else { break };
        pieces.push(Piece { text: before.to_owned(), is_marked: false });
        pieces.push(Piece { text: word.to_owned(), is_marked: true });
        rest = after.strip_prefix(word).unwrap_or("");
    }
    pieces.push(Piece { text: rest.to_owned(), is_marked: false });
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_copied_with_its_parts_marked() {
        let boxes = boxes("https://trk.example/", "/a/page.js");
        for shown in &boxes {
            let text: String = shown.pieces.iter().map(|piece| piece.text.as_str()).collect();
            assert_eq!(text, shown.copy);
            let marked: Vec<&str> = shown
                .pieces
                .iter()
                .filter(|piece| piece.is_marked)
                .map(|piece| piece.text.as_str())
                .collect();
            assert!(marked.contains(&"ORDER-ID") && marked.contains(&"49.90"), "{marked:?}");
        }
        assert!(
            boxes[0]
                .copy
                .contains("src=\"https://trk.example/a/page.js\" data-campaign=\"CAMPAIGN\" data-known>")
        );
        assert!(boxes[1].copy.contains("src=\"https://trk.example/a/page.gif?cid=CLICK-ID&amp;event=sale"));
    }
}
