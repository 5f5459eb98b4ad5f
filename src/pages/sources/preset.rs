//! A source's preset: chosen on the form, filled in there, and shown with where it comes from.

use super::typed_of;
use crate::domain::input::Editable as _;
use crate::domain::money::Currency;
use crate::domain::preset::{self, Preset, SourceFacts};
use crate::domain::source::Source as Noun;
use crate::pages::advertisers::KnownPreset;
use crate::pages::editing::Shown;
use crate::pages::forms::Select;
use crate::pages::parts::{CodeBox, Piece};

/// The field, and the button that fills in.
const FIELD: &str = "preset";
const FILL: &str = "fill-preset";

/// What a preset fills in besides tokens; what was typed there gives way.
const FILLED: [&str; 6] =
    ["kind", "external_id_param", "external_id_macro", "cost_param", "cost_macro", "cost_model"];

/// The part of the form in which a preset is chosen.
#[derive(Debug, Clone, Default)]
pub struct SourcePick {
    /// The presets of sources.
    pub select: Select,
    /// Choosing fills in at once: on a new form, where there is nothing to lose.
    pub is_new: bool,
    /// The chosen one.
    pub known: Option<KnownPreset>,
}

/// What is known of a source's preset, for an account in this currency.
fn known((preset, facts): (&Preset, &SourceFacts), account: Currency) -> KnownPreset {
    let asked = facts.destination.as_ref().map(|_| match facts.values.len() {
        0 => "To tell it of conversions, make a destination with this preset.".to_owned(),
        _ => {
            let labels: Vec<&str> = facts.values.iter().map(|one| one.label.as_str()).collect();
            format!(
                "To tell it of conversions, make a destination with this preset; have ready: {}.",
                labels.join("; ")
            )
        }
    });
    let notes = [Some(preset.note.clone()), facts.cost_note(account), asked];
    KnownPreset::with_notes(preset, notes.into_iter().flatten().filter(|note| !note.is_empty()).collect())
}

/// The part of the form.
pub(super) fn pick(shown: &Shown<Noun>) -> SourcePick {
    let form = shown.marked();
    let mut pairs = vec![("", "None: I know its macros")];
    pairs.extend(preset::sources().map(|(preset, _)| (preset.slug.as_str(), preset.name.as_str())));
    let chosen = preset::source_preset(form.typed.get(FIELD));
    SourcePick {
        select: form.select(FIELD, &pairs),
        is_new: shown.saved.is_none(),
        known: chosen.map(|found| known(found, shown.desk.currency)),
    }
}

/// The button "Fill in": puts what the chosen preset says into the form. Nothing is saved by it.
pub(super) fn fill(shown: &mut Shown<Noun>) -> bool {
    if shown.typed.get("action") != FILL {
        return false;
    }
    let Some((preset, facts)) = preset::source_preset(shown.typed.get(FIELD)) else { return true };
    let account = shown.desk.currency;
    let mut filled = Noun::blank(account);
    // What cannot be filled in is left as it was; a test applies each preset.
    if filled.apply(&facts.fields(preset, account)).is_err() {
        return true;
    }
    let filled = typed_of(&filled);
    let typed = &mut shown.typed;
    typed.remove_under("tokens");
    for slot in filled.rows("tokens") {
        for part in ["param", "macro", "label"] {
            let name = format!("tokens.{slot}.{part}");
            let value = filled.get(&name).to_owned();
            typed.push(name, value);
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

/// A campaign's address as this source takes it, with its macros coloured, whatever their signs.
pub(in crate::pages) fn ready_box(label: &str, url: &str, source: &Noun) -> CodeBox {
    let mut pieces = vec![Piece { text: url.to_owned(), is_marked: false }];
    for (at, one) in source.ready_params().iter().enumerate() {
        let joint = if at == 0 { '?' } else { '&' };
        pieces.push(Piece { text: format!("{joint}{}=", one.param), is_marked: false });
        pieces.push(Piece { text: one.value(), is_marked: true });
    }
    CodeBox { label: label.to_owned(), pieces, copy: source.ready_url(url), hint: hint(source) }
}

/// What stands below that address.
fn hint(source: &Noun) -> String {
    let params = source.ready_params();
    let nameless: Vec<String> =
        params.iter().filter(|one| one.theirs.is_none()).map(|one| one.value()).collect();
    if params.is_empty() {
        match source.external_id_param.as_deref() {
            Some(param) => format!("{} appends {param} by itself: paste it as it is.", source.name),
            None => "This source fills in nothing: paste it as it is.".to_owned(),
        }
    } else if nameless.is_empty() {
        format!("These are {}'s own macros: paste it as it is.", source.name)
    } else if nameless.len() == params.len() {
        "Replace what stands in braces by the source's own macros.".to_owned()
    } else {
        format!(
            "Replace {} by the source's own macro: the others are {}'s already.",
            nameless.join(" and "),
            source.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_shows_what_it_copies() {
        for (preset, facts) in preset::sources() {
            let mut source = Noun::blank(Currency::USD);
            source.apply(&facts.fields(preset, Currency::USD)).unwrap();
            let shown = ready_box("", "https://t.example/c/s", &source);
            let text: String = shown.pieces.iter().map(|piece| piece.text.as_str()).collect();
            assert_eq!(text, shown.copy, "{}", preset.slug);
            assert!(shown.hint.ends_with('.'), "{}", preset.slug);
            let notes = known((preset, facts), Currency::USD).notes;
            assert!(notes.iter().all(|note| note.ends_with('.')), "{}: {notes:?}", preset.slug);
        }
    }

    #[test]
    fn the_hint_says_what_is_left_to_do() {
        let of = |slug: &str| {
            let (preset, facts) = preset::source_preset(slug).unwrap();
            let mut source = Noun::blank(Currency::USD);
            source.apply(&facts.fields(preset, Currency::USD)).unwrap();
            hint(&source)
        };
        assert_eq!(of("pushground"), "These are Pushground's own macros: paste it as it is.");
        assert!(of("meta-conversions-api").contains("appends fbclid by itself"));
        assert!(of("clickadilla").starts_with("Replace {ad_campaign} by"));
    }
}
