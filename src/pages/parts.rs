//! Small pieces that many pages show: figures, links, pills, steps, code boxes, facts.

use askama::Template;

/// The colour of a figure or a word. Gain and loss are for profit and ROI, and for verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As the text around it.
    #[default]
    Plain,
    /// Green.
    Gain,
    /// Red.
    Loss,
    /// Amber.
    Warn,
    /// Grey.
    Quiet,
}

impl Tone {
    /// Its class in the style sheet. Empty for plain.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gain => "gain",
            Self::Loss => "loss",
            Self::Warn => "warn",
            Self::Quiet => "quiet",
        }
    }
}

/// A link.
#[derive(Debug, Clone, Default)]
pub struct Link {
    /// Its words.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether it is the one in use.
    pub current: bool,
}

impl Link {
    /// A link that is not the one in use.
    pub fn new(label: &str, href: &str) -> Self {
        Self { label: label.to_owned(), href: href.to_owned(), current: false }
    }

    /// The same link, marked as the one in use.
    pub fn current(label: &str, href: &str) -> Self {
        Self { current: true, ..Self::new(label, href) }
    }
}

/// A button that is a form of its own: it changes something.
#[derive(Debug, Clone, Default)]
pub struct PostButton {
    /// Its words ("Undo", "Delete test data").
    pub label: String,
    /// The address that it posts to.
    pub action: String,
}

impl PostButton {
    /// A button with these words that posts to this address.
    pub fn new(label: &str, action: &str) -> Self {
        Self { label: label.to_owned(), action: action.to_owned() }
    }
}

/// A hidden field that carries a part of the query along.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// One choice of a select or a set of choices.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// A short word on a coloured ground: a verdict, a status, a flag.
#[derive(Debug, Clone, Default)]
pub struct Pill {
    /// The word.
    pub text: String,
    /// Its colour.
    pub tone: Tone,
}

impl Pill {
    /// The pill of a postback's result. Unknown words are grey.
    pub fn verdict(result: &str) -> Self {
        let tone = match result {
            "accepted" => Tone::Gain,
            "duplicate" | "parked" => Tone::Warn,
            "refused" => Tone::Loss,
            _ => Tone::Quiet,
        };
        Self { text: result.to_owned(), tone }
    }

    /// The pill of a conversion's status. Unknown words are grey.
    pub fn status(status: &str) -> Self {
        let tone = match status {
            "approved" => Tone::Gain,
            "pending" => Tone::Warn,
            "rejected" | "reversed" => Tone::Loss,
            _ => Tone::Quiet,
        };
        Self { text: status.to_owned(), tone }
    }
}

/// A run of text, plain or set apart: a macro in a URL, an id in a sentence.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is set apart.
    pub is_marked: bool,
}

/// Text cut at its macros: `{click_id}` and the like are marked.
pub fn braces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, left)) = after.split_once('}') else { break };
        if !before.is_empty() {
            pieces.push(Piece { text: before.to_owned(), is_marked: false });
        }
        pieces.push(Piece { text: format!("{{{name}}}"), is_marked: true });
        rest = left;
    }
    if !rest.is_empty() {
        pieces.push(Piece { text: rest.to_owned(), is_marked: false });
    }
    pieces
}

/// Text to hand out, in a box with a copy button, with its macros coloured.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/code_box.html")]
pub struct CodeBox {
    /// What it is ("Campaign URL, for Pushground"). Empty for no head line.
    pub label: String,
    /// The text as shown.
    pub pieces: Vec<Piece>,
    /// The text as copied.
    pub copy: String,
    /// A sentence below the box. Empty for none.
    pub hint: String,
}

impl CodeBox {
    /// A box whose macros are written in braces.
    pub fn url(label: &str, url: &str) -> Self {
        Self { label: label.to_owned(), pieces: braces(url), copy: url.to_owned(), hint: String::new() }
    }
}

/// How a step of a test or of a verdict ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// ✓
    Done,
    /// ✗
    Failed,
    /// –
    #[default]
    NotReached,
}

/// One step of a test click, a test postback or a verdict.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// How it ended.
    pub mark: Mark,
    /// Its name ("Click id").
    pub name: String,
    /// What happened; marked pieces are set as code.
    pub detail: Vec<Piece>,
    /// A figure at its end with its colour ("+$5.00"). Empty for none.
    pub figure: String,
    /// Colour of the figure.
    pub tone: Tone,
}

/// Steps in their order.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/steps.html")]
pub struct Steps {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One named fact.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    /// Its name.
    pub label: String,
    /// Its value, or "–" where it is not known.
    pub value: String,
    /// Where the value leads. Empty for nowhere.
    pub href: String,
    /// Whether the value is an id, an address or a text from outside, set as code.
    pub is_code: bool,
}

/// Facts that belong together.
#[derive(Debug, Clone, Default)]
pub struct FactGroup {
    /// What they are about ("Place", "Device").
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Something that happened, on a click's or a conversion's line of time.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// When ("14:31:07"), with the day where it is another one.
    pub time: String,
    /// How long after the first moment ("+4 min 12 s"). Empty for the first.
    pub after: String,
    /// What ("Postback received").
    pub title: String,
    /// Its verdict or status.
    pub pill: Option<Pill>,
    /// The particulars; marked pieces are set as code.
    pub detail: Vec<Piece>,
    /// Where it leads, in words and address.
    pub link: Option<Link>,
}

/// What an empty list says, and what to do about it.
#[derive(Debug, Clone, Default)]
pub struct Empty {
    /// One line ("No offers yet").
    pub title: String,
    /// One or two sentences that teach.
    pub text: String,
    /// The next step.
    pub action: Option<Link>,
}

#[cfg(test)]
mod tests {
    use super::{Piece, braces};

    fn shown(pieces: &[Piece]) -> Vec<(&str, bool)> {
        pieces.iter().map(|piece| (piece.text.as_str(), piece.is_marked)).collect()
    }

    #[test]
    fn macros_are_marked_and_nothing_is_lost() {
        let url = "https://shop.example/?ref={click_id}&s={sub1|lower}#x";
        let pieces = braces(url);
        let expected = [
            ("https://shop.example/?ref=", false),
            ("{click_id}", true),
            ("&s=", false),
            ("{sub1|lower}", true),
            ("#x", false),
        ];
        assert_eq!(shown(&pieces), expected);
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), url);
    }

    #[test]
    fn a_brace_without_its_partner_is_plain_text() {
        assert_eq!(shown(&braces("a={b")), [("a={b", false)]);
        assert_eq!(shown(&braces("")), []);
    }
}
