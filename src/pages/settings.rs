//! `/settings`: the account, sign-in sessions, API tokens, users.

use askama::Template;

use super::forms::{Field, Select};
use super::layout::Chrome;
use super::parts::{CodeBox, PostButton};
use super::tables::Table;

/// Currency and time zone of the account.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/account.html")]
pub struct AccountPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Account currency.
    pub currency: Select,
    /// Why the currency can no longer be changed. Empty while it can.
    pub currency_fixed: String,
    /// Account time zone.
    pub time_zone: Field,
    /// The zones that the field offers.
    pub zones: Vec<String>,
    /// The account's fallback URL.
    pub fallback_url: Field,
    /// Whether the person may change them.
    pub is_editable: bool,
}

/// The signed-in person's own password and sessions.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/sessions.html")]
pub struct SessionsPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Where the person is signed in.
    pub sessions: Vec<SessionRow>,
    /// Ends all sessions but this one; `None` where there is no other.
    pub revoke_others: Option<PostButton>,
    /// Error of the present password.
    pub password: Field,
    /// Error of the new one.
    pub new_password: Field,
}

/// One session.
#[derive(Debug, Clone, Default)]
pub struct SessionRow {
    /// Browser and system ("Firefox 131 on macOS").
    pub agent: String,
    /// Address.
    pub address: String,
    /// When it began.
    pub since: String,
    /// When it was last used.
    pub last_used: String,
    /// Whether it is the one in use.
    pub is_this: bool,
    /// Ends it; `None` for the one in use.
    pub revoke: Option<PostButton>,
}

/// API tokens.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/tokens.html")]
pub struct TokensPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// The token just made, shown this once.
    pub made: Option<CodeBox>,
    /// Name of the next one.
    pub name: Field,
    /// Scope of the next one.
    pub scope: Select,
    /// The tokens: name, owner, scope, made, last used, a button that revokes.
    pub tokens: Table,
}

/// Users.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/users.html")]
pub struct UsersPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// The users: e-mail, role, last signed in.
    pub users: Table,
    /// E-mail of the next one.
    pub email: Field,
    /// Role of the next one.
    pub role: Select,
    /// First password of the next one; only its error is sent back.
    pub password: Field,
    /// Whether the person may add users.
    pub is_editable: bool,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
