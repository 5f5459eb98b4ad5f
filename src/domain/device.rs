//! The kind of device, in four words.

use super::words::word_enum;

word_enum! {
    /// The kind of device a visitor uses.
    pub enum Device {
        /// A phone.
        Mobile => "mobile",
        /// A tablet.
        Tablet => "tablet",
        /// A desktop or laptop computer.
        Desktop => "desktop",
        /// A television, console, watch, machine, or unknown.
        Other => "other",
    }
}
