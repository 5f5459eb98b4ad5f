//! `/settings`: the account, guesses about machines, sign-in sessions, API tokens, users.

use askama::Template;

mod account;
mod anomalies;
mod bots;
mod domains;
mod moving;
mod own;
mod rates;
mod tokens;
mod users;

use super::desk::Desk;
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav, Notice};
use super::parts::{CodeBox, Link, PostButton};
use super::tables::Listing;
use super::tables::Table;
use crate::domain::role::Role;
use actix_web::web;

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
    /// What changing it does not change. Empty where it cannot be changed.
    pub currency_hint: String,
    /// Account time zone.
    pub time_zone: Field,
    /// Where visitors go when nothing else is left.
    pub fallback_url: Field,
    /// The zones that the field offers.
    pub zones: Vec<String>,
    /// Whether the person may change them.
    pub is_editable: bool,
    /// Takes test data away, for who may.
    pub delete_test_data: Option<PostButton>,
}

/// Which guesses are made about machines.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/bots.html")]
pub struct BotsPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Clicks from data centres are machines'.
    pub data_centres: bool,
    /// Whether a database of networks is in use, without which nothing is known of data centres.
    pub knows_networks: bool,
    /// Too many clicks of one address are a machine's.
    pub address_limit: bool,
    /// More than so many,
    pub address_clicks: Field,
    /// within so many minutes.
    pub address_minutes: Field,
    /// Whether the person may change them.
    pub is_editable: bool,
}

/// What is held to be unusual about a conversion.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/anomalies.html")]
pub struct AnomaliesPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Sooner after its click than so many seconds.
    pub fast_seconds: Field,
    /// Another country than the click's.
    pub other_country: bool,
    /// Another kind of device than the click's.
    pub other_device: bool,
    /// One device id with so many clicks that converted.
    pub device_clicks: Field,
    /// One address with so many.
    pub address_clicks: Field,
    /// Whether the person may change them.
    pub is_editable: bool,
}

/// Exchange rates to the account currency.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/rates.html")]
pub struct RatesPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// The label of the rate's field ("One unit in USD").
    pub rate_label: String,
    /// How many days a rate stands in for later ones.
    pub stale_days: i64,
    /// Currency of the next one.
    pub currency: Field,
    /// Day of the next one.
    pub day: Field,
    /// The rate itself.
    pub rate: Field,
    /// What is wrong with the file. Empty for nothing.
    pub file_error: String,
    /// Rows of a file.
    pub rows: Field,
    /// Where they are fetched every day.
    pub rates_url: Field,
    /// When they were fetched last, or why not.
    pub fetch_state: String,
    /// The last fetch failed.
    pub is_failing: bool,
    /// What was found in the rows. Empty where nobody looked.
    pub found: String,
    /// What is wrong with them, row by row.
    pub faults: Vec<String>,
    /// That there are more than are shown. Empty where all are.
    pub note: String,
    /// Whether the person may change them.
    pub is_editable: bool,
    /// The newest ones.
    pub rates: Table,
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
    /// The person's own tokens: name, scope, made, last used, a button that revokes.
    pub tokens: Table,
}

/// Users.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/users.html")]
pub struct UsersPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// The users: e-mail, role, since when.
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

/// All hosts of the installation.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/domains.html")]
pub struct DomainsPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The form of a host, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/domain.html")]
pub struct DomainFormPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// The host's name.
    pub host: Field,
    /// What it is for.
    pub kind: Select,
    /// Where its visitors go when nothing else is left.
    pub fallback_url: Field,
    /// Status.
    pub status: Select,
    /// Archive or restore; `None` for a new host.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// What is kept open for who moves in from another tracker.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings/moving.html")]
pub struct MovingPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// `/postback?cid=` is open.
    pub without_key: bool,
    /// `/click.php?cnv_id=` and `/click?cnv_id=` are.
    pub binom: bool,
    /// `/cf/cv?click_id=` is.
    pub clickflare: bool,
    /// An error of the three together. Empty for nothing.
    pub postbacks_error: String,
    /// Where postbacks without a key may come from.
    pub addresses: Field,
    /// The one key of the tracker before.
    pub key: Field,
    /// Where postbacks go on to that name a click of it.
    pub forward: Field,
    /// Its landers' buttons are answered.
    pub buttons: bool,
    /// The lines of clicks that were typed.
    pub lines: Field,
    /// The clicks are to be counted as traffic.
    pub count_as_clicks: bool,
    /// What became of the lines. Empty where nobody brought any.
    pub found: String,
    /// What is wrong with some of them.
    pub faults: Vec<String>,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    account::configure(config);
    anomalies::configure(config);
    bots::configure(config);
    domains::configure(config);
    moving::configure(config);
    own::configure(config);
    rates::configure(config);
    tokens::configure(config);
    users::configure(config);
}

/// The frame of a settings page, its tab lit.
fn chrome(desk: &Desk, at: &str) -> Chrome {
    let mut tabs = vec![
        ("Account", "/settings"),
        ("Rates", "/settings/rates"),
        ("Bots", "/settings/bots"),
        ("Anomalies", "/settings/anomalies"),
        ("Your sign-ins", "/settings/sessions"),
        ("API tokens", "/settings/tokens"),
    ];
    if desk.who.user.role == Role::Admin {
        tabs.push(("Domains", "/settings/domains"));
        tabs.push(("Moving in", "/settings/moving"));
        tabs.push(("Users", "/settings/users"));
    }
    let tab = |(label, href): (&str, &str)| Link { current: href == at, ..Link::new(label, href) };
    Chrome { tabs: tabs.into_iter().map(tab).collect(), ..desk.chrome("Settings", Nav::Settings) }
}

/// What a page says after its form was saved.
fn said(text: &str) -> Option<Notice> {
    Some(Notice { text: text.to_owned(), ..Notice::default() })
}

/// A moment as settings show it.
fn moment(desk: &Desk, ms: i64) -> String {
    desk.zone.local(ms).format("%d %b %Y, %H:%M").to_string()
}
