//! Why a click is taken for a machine's.

use super::words::word_enum;

word_enum! {
    /// The reason for the bot flag.
    pub enum BotReason {
        /// The agent is on the crawler list.
        Crawler => "crawler",
        /// No user agent came.
        EmptyAgent => "empty_agent",
        /// The browser was loading ahead.
        Prefetch => "prefetch",
        /// A program was making a preview of the link.
        Preview => "preview",
        /// A HEAD request: nobody looks at the answer.
        Head => "head",
    }
}
