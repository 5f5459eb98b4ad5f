//! How a conversion became known.

use super::words::word_enum;

word_enum! {
    /// How a conversion became known.
    pub enum Origin {
        /// An advertiser's postback made it.
        Postback => "postback",
        /// A page reported it by pixel or script; a postback may have taken it over since.
        Pixel => "pixel",
        /// A person recorded it.
        Hand => "hand",
        /// It came in a file.
        Import => "import",
    }
}
