//! Pieces of forms: a field keeps what was typed and the error that stands beside it.

use super::parts::Choice;

/// A text field. What was typed stays, and its error stands below it.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// What was typed or is stored.
    pub value: String,
    /// What is wrong with it. Empty for nothing.
    pub error: String,
}

impl Field {
    /// A field without an error.
    pub fn new(value: &str) -> Self {
        Self { value: value.to_owned(), error: String::new() }
    }

    /// A field with an error.
    pub fn wrong(value: &str, error: &str) -> Self {
        Self { value: value.to_owned(), error: error.to_owned() }
    }
}

/// A field with a closed set of values.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// The choices, with the chosen one marked.
    pub options: Vec<Choice>,
    /// What is wrong with it. Empty for nothing.
    pub error: String,
}

impl Select {
    /// A select from pairs of value and label, with the chosen value.
    pub fn new(pairs: &[(&str, &str)], chosen: &str) -> Self {
        let options = pairs
            .iter()
            .map(|&(value, label)| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
                selected: value == chosen,
            })
            .collect();
        Self { options, error: String::new() }
    }
}

/// A row of a map: their word and ours.
#[derive(Debug, Clone, Default)]
pub struct PairRow {
    /// Number of the row in the names of its fields.
    pub key: String,
    /// Their word.
    pub theirs: Field,
    /// Ours.
    pub ours: Field,
}

/// A template field whose filled form is shown as one types.
#[derive(Debug, Clone, Default)]
pub struct TemplateField {
    /// What was typed or is stored.
    pub value: String,
    /// What is wrong with it, naming the macro and the column. Empty for nothing.
    pub error: String,
    /// The template up to the faulty macro, the macro, and the rest; all empty where nothing is wrong.
    pub fault: Option<Fault>,
    /// The URL that a sample click would get. Empty where there is an error.
    pub filled: String,
}

/// Where a template is wrong.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// Text before the faulty macro.
    pub before: String,
    /// The faulty macro, underlined.
    pub bad: String,
    /// Text after it.
    pub after: String,
}
