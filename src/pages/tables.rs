//! Tables: reports, lists and logs are all drawn from [`Table`].

use askama::Template;

use super::caps::CapBar;
use super::parts::{Choice, Empty, Hidden, Pill, PostButton, Tone};

/// A table with its columns, the row of totals and its rows.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/table.html")]
pub struct Table {
    /// What the table holds, for those who hear it.
    pub caption: String,
    /// Columns, the first one stays in view.
    pub columns: Vec<Column>,
    /// Totals of all rows, directly under the header.
    pub totals: Option<Row>,
    /// The rows of this page.
    pub rows: Vec<Row>,
    /// Said instead of rows where there are none.
    pub empty: Empty,
    /// How its columns share the room.
    pub shape: Shape,
}

/// How the columns of a table share the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Names and many figures: the names take what the figures leave over.
    #[default]
    Report,
    /// Names and a few facts, spread evenly. The last column stands right.
    List,
    /// One line per thing that happened; a column marked wide takes what is left over.
    Log,
}

impl Shape {
    /// Its class in the style sheet.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::List => "list",
            Self::Log => "log",
        }
    }
}

/// One column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its heading.
    pub label: String,
    /// Its formula or meaning, shown on hover. Empty for none.
    pub formula: String,
    /// Where its heading leads: the same page sorted by it. Empty where it cannot be sorted.
    pub href: String,
    /// Whether the table is sorted by it.
    pub sort: Sort,
    /// Figures stand right, text left.
    pub is_figure: bool,
    /// Takes the space that is left over, in a log.
    pub is_wide: bool,
}

impl Column {
    /// A column of text.
    pub fn text(label: &str) -> Self {
        Self { label: label.to_owned(), ..Self::default() }
    }

    /// A column of figures with its formula.
    pub fn figure(label: &str, formula: &str) -> Self {
        Self { is_figure: true, formula: formula.to_owned(), ..Self::text(label) }
    }
}

/// How a column is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Not by this column.
    #[default]
    None,
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// One row: as many cells as columns.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The cells, left to right.
    pub cells: Vec<Cell>,
}

/// The state dot before a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dot {
    /// No dot.
    #[default]
    None,
    /// Active.
    On,
    /// Paused or archived.
    Off,
    /// Wants a look.
    Warn,
    /// Fails.
    Bad,
}

impl Dot {
    /// Its class in the style sheet.
    pub fn class(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::On => "dot on",
            Self::Off => "dot off",
            Self::Warn => "dot amber",
            Self::Bad => "dot bad",
        }
    }

    /// The same in a word, for those who hear the page.
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::On => "active",
            Self::Off => "paused",
            Self::Warn => "wants a look",
            Self::Bad => "failing",
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Where it leads. Empty for nowhere.
    pub href: String,
    /// Its colour.
    pub tone: Tone,
    /// A dot before it.
    pub dot: Dot,
    /// Quiet words after it (the source of a campaign).
    pub note: String,
    /// Set as code: ids, codes, text from outside.
    pub is_code: bool,
    /// Pills, after the text or instead of it.
    pub pills: Vec<Pill>,
    /// Bars of what is used of caps.
    pub bars: Vec<CapBar>,
    /// In the first cell: the number that ticking the row sends with the form `bulk`. Empty where rows are not ticked.
    pub pick: String,
    /// A button, in lists of archived things ("Restore").
    pub button: Option<PostButton>,
}

impl Cell {
    /// A plain cell.
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// A cell that leads somewhere.
    pub fn link(text: &str, href: &str) -> Self {
        Self { href: href.to_owned(), ..Self::text(text) }
    }

    /// A cell set as code.
    pub fn code(text: &str) -> Self {
        Self { is_code: true, ..Self::text(text) }
    }

    /// A cell with a colour.
    pub fn tone(text: &str, tone: Tone) -> Self {
        Self { tone, ..Self::text(text) }
    }

    /// A cell with one pill.
    pub fn pill(pill: Pill) -> Self {
        Self { pills: vec![pill], ..Self::default() }
    }
}

/// Search and filters above a list: one GET form that works without script.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/filters.html")]
pub struct Filters {
    /// Address of the page itself.
    pub action: String,
    /// What was searched for.
    pub query: String,
    /// What the search box finds ("Name, id or tag").
    pub placeholder: String,
    /// Filters of a few choices, shown side by side.
    pub segments: Vec<FilterSelect>,
    /// Filters of many choices, as selects.
    pub selects: Vec<FilterSelect>,
    /// Filters that are a number.
    pub numbers: Vec<FilterNumber>,
    /// Switches ("Bots").
    pub switches: Vec<FilterSwitch>,
    /// The rest of the query, kept when the filters change.
    pub hidden: Vec<Hidden>,
    /// Words at the right end ("381 accepted").
    pub counts: Vec<Pill>,
}

/// A filter of many choices.
#[derive(Debug, Clone, Default)]
pub struct FilterSelect {
    /// Name in the query.
    pub name: String,
    /// Its label.
    pub label: String,
    /// The choices.
    pub options: Vec<Choice>,
}

/// A filter that is a number.
#[derive(Debug, Clone, Default)]
pub struct FilterNumber {
    /// Name in the query.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What is set. Empty for nothing.
    pub value: String,
}

/// A filter that is on or off.
#[derive(Debug, Clone, Default)]
pub struct FilterSwitch {
    /// Name in the query.
    pub name: String,
    /// Value in the query when it is on.
    pub value: String,
    /// Its label.
    pub label: String,
    /// Whether it is on.
    pub is_on: bool,
}

/// The line below a table: how many, and the next page.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/pager.html")]
pub struct Pager {
    /// One line ("214 zones, 1–50 shown · totals cover all 214").
    pub note: String,
    /// Address of the page before. Empty on the first.
    pub previous: String,
    /// Address of the page after. Empty on the last.
    pub next: String,
}

/// A list page's parts: every list and log has these three.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/listing.html")]
pub struct Listing {
    /// Search and filters.
    pub filters: Filters,
    /// The table.
    pub table: Table,
    /// The line below.
    pub pager: Pager,
}
