//! An advertiser's preset: chosen on the form, filled in there, and shown on the page with where it comes from.

use super::form::typed_of;
use crate::domain::advertiser::Advertiser as Noun;
use crate::domain::input::Editable as _;
use crate::domain::preset::{self, Confidence, NetworkFacts, Preset, Sends};
use crate::entities;
use crate::pages::editing::Shown;
use crate::pages::forms::Select;
use crate::pages::parts::{CodeBox, Piece, Pill, Tone};

/// The field, and the button that fills in.
const FIELD: &str = "preset";
const FILL: &str = "fill-preset";

/// What a preset fills in besides maps; what was typed there gives way.
const FILLED: [&str; 5] = ["kind", "missing_status", "duplicate_mode", "answers", "reply_body"];

/// The part of the form in which a preset is chosen.
#[derive(Debug, Clone, Default)]
pub struct PresetPick {
    /// The presets of networks.
    pub select: Select,
    /// Choosing fills in at once: on a new form, where there is nothing to lose.
    pub is_new: bool,
    /// The chosen one.
    pub known: Option<KnownPreset>,
}

/// A preset with where it comes from.
#[derive(Debug, Clone, Default)]
pub struct KnownPreset {
    /// The network or source.
    pub name: String,
    /// How sure it is, in a word.
    pub confidence: Pill,
    /// The same in sentences.
    pub trust: String,
    /// Where the facts can be read. Empty where that is not known.
    pub source_url: String,
    /// What somebody who uses it should know, sentence after sentence.
    pub notes: Vec<String>,
    /// The template's parameters, each with what it carries.
    pub parameters: Vec<ParameterRow>,
}

/// A parameter of the template.
#[derive(Debug, Clone, Default)]
pub struct ParameterRow {
    /// Our name.
    pub ours: &'static str,
    /// Their macro, or a word that never changes.
    pub theirs: String,
    /// What it carries.
    pub meaning: &'static str,
}

impl KnownPreset {
    fn new((preset, facts): (&Preset, &NetworkFacts)) -> Self {
        let row = |one: preset::Parameter<'_>| ParameterRow {
            ours: one.ours,
            theirs: one.theirs.to_owned(),
            meaning: one.meaning,
        };
        let parameters = facts.parameters().map(row).collect();
        Self { parameters, ..Self::with_notes(preset, notes(preset, facts)) }
    }

    /// Where a preset comes from, with these notes beside it.
    pub(in crate::pages) fn with_notes(preset: &Preset, notes: Vec<String>) -> Self {
        let tone = match preset.confidence {
            Confidence::Verified => Tone::Gain,
            Confidence::Documented => Tone::Quiet,
            Confidence::Unverified => Tone::Warn,
        };
        Self {
            name: preset.name.clone(),
            confidence: Pill { text: preset.confidence.to_string(), tone },
            trust: preset.trust(),
            source_url: preset.source_url.clone().unwrap_or_default(),
            notes,
            parameters: Vec::new(),
        }
    }

    /// The preset of an advertiser, where it has one that is still known.
    pub(super) fn of(slug: Option<&str>) -> Option<Self> {
        slug.and_then(preset::network).map(Self::new)
    }
}

/// What is known besides the template, and what is not.
fn notes(preset: &Preset, facts: &NetworkFacts) -> Vec<String> {
    let mut notes: Vec<String> =
        Some(preset.note.clone()).into_iter().filter(|note| !note.is_empty()).collect();
    match &facts.click_param {
        Some(param) if facts.is_click_param_in_path => {
            notes.push(format!("Its links take the click id in their path, as {param}."));
        }
        Some(param) => notes.push(format!("Its links take the click id as {param}={{click_id}}.")),
        None => notes.push("Which parameter of its links takes the click id is not known.".to_owned()),
    }
    if facts.sends == Sends::Get && facts.template.is_empty() {
        notes.push("Its macros are not known: take them from its panel.".to_owned());
    }
    if !facts.template.is_empty() && !facts.template.contains_key("currency") {
        notes.push("It names no currency: amounts are in this advertiser's.".to_owned());
    }
    if let Some(retries) = &facts.retries {
        notes.push(format!("What is not taken comes again: {retries}"));
    }
    notes
}

/// The part of the form.
pub(super) fn pick(shown: &Shown<Noun>) -> PresetPick {
    let form = shown.marked();
    let mut pairs = vec![("", "None: I know its words")];
    pairs.extend(preset::networks().map(|(preset, _)| (preset.slug.as_str(), preset.name.as_str())));
    PresetPick {
        select: form.select(FIELD, &pairs),
        is_new: shown.saved.is_none(),
        known: KnownPreset::of(Some(form.typed.get(FIELD))),
    }
}

/// The button "Fill in": puts what the chosen preset says into the form. Nothing is saved by it.
pub(super) fn fill(shown: &mut Shown<Noun>, maps: &[&str]) -> bool {
    if shown.typed.get("action") != FILL {
        return false;
    }
    let Some((preset, facts)) = preset::network(shown.typed.get(FIELD)) else { return true };
    let mut filled = Noun::blank(shown.desk.currency);
    // What cannot be filled in is left as it was; a test applies each preset.
    if filled.apply(&facts.fields(preset)).is_err() {
        return true;
    }
    let filled = typed_of(&filled);
    let typed = &mut shown.typed;
    for map in maps {
        typed.remove_under(map);
        for row in filled.rows(map) {
            for side in ["theirs", "ours"] {
                let name = format!("{map}.{row}.{side}");
                let value = filled.get(&name).to_owned();
                typed.push(name, value);
            }
        }
    }
    for name in FILLED {
        typed.put(name, filled.get(name));
    }
    if typed.get("name").trim().is_empty() {
        typed.put("name", &preset.name);
    }
    true
}

/// The postback address to paste, with the network's macros coloured, whatever their signs.
pub(in crate::pages) fn postback_box(
    label: &str,
    public_url: &str,
    key: &str,
    preset: Option<&str>,
) -> CodeBox {
    let url = entities::postback_template(public_url, key, preset);
    let known = preset.and_then(preset::network).filter(|(_, facts)| !facts.template.is_empty());
    let Some((_, facts)) = known else { return CodeBox::url(label, &url) };
    let mut pieces = vec![plain(&format!("{}?", entities::postback_url(public_url, key)))];
    for (at, one) in facts.parameters().enumerate() {
        let and = if at == 0 { "" } else { "&" };
        pieces.push(plain(&format!("{and}{}=", one.ours)));
        pieces.push(Piece { text: one.theirs.to_owned(), is_marked: true });
    }
    CodeBox { label: label.to_owned(), pieces, copy: url, hint: String::new() }
}

fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_marked: false }
}

/// What stands below that address.
pub(super) fn hint(preset: Option<&str>) -> String {
    let known = preset.and_then(preset::network);
    match known.map(|(preset, facts)| (preset, facts.sends, facts.template.is_empty())) {
        Some((preset, Sends::PostJson | Sends::PostForm, _)) => {
            format!("{} posts its facts in a body: the address takes them as it is.", preset.name)
        }
        Some((preset, Sends::Get, false)) => {
            format!("These are {}'s own macros: paste it as it is. GET and POST are both taken.", preset.name)
        }
        _ => "Replace what stands in braces by the advertiser's own macros. GET and POST are both taken."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_shows_what_it_copies() {
        for (preset, facts) in preset::networks() {
            let shown = postback_box("", "https://t.example", "k", Some(&preset.slug));
            let text: String = shown.pieces.iter().map(|piece| piece.text.as_str()).collect();
            assert_eq!(text, shown.copy, "{}", preset.slug);
            let marked = shown.pieces.iter().filter(|piece| piece.is_marked).count();
            assert!(facts.template.is_empty() || marked == facts.template.len(), "{}", preset.slug);
            assert!(
                KnownPreset::new((preset, facts)).notes.iter().all(|note| note.ends_with('.')),
                "{}",
                preset.slug
            );
        }
    }
}
