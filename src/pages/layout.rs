//! What surrounds every signed-in page: the sidebar, the top bar, the banner and the notice.

use askama::Template;

use super::parts::{Choice, Hidden, Link, PostButton};

/// Ends the address of each static file, so that a new version is never shown with an old style.
pub const ASSETS: &str = env!("CARGO_PKG_VERSION");

/// The frame of a signed-in page. Begin with [`Chrome::new`] and set what the page has besides.
#[derive(Debug, Clone, Default)]
pub struct Chrome {
    /// Heading of the page, and its title in the browser.
    pub title: String,
    /// Small text beside the heading ("network · direct"). Empty for none.
    pub note: String,
    /// The page that the heading belongs to, as a link before it (a form: its list).
    pub parent: Option<Link>,
    /// Which entry of the sidebar is lit.
    pub active: Nav,
    /// Who is signed in.
    pub user: User,
    /// Refused postbacks that nobody has looked at. Empty for none.
    pub postbacks_badge: String,
    /// Tabs below the heading. Empty for none.
    pub tabs: Vec<Link>,
    /// What was searched for; `None` hides the search box.
    pub search: Option<String>,
    /// The date range; `None` on pages that have none.
    pub range: Option<RangePicker>,
    /// The time zone; `None` on pages that have none.
    pub zone: Option<ZonePicker>,
    /// A plain line above the content ("Test data").
    pub banner: Option<Banner>,
    /// What the last action did.
    pub notice: Option<Notice>,
}

impl Chrome {
    /// A frame with a title and a lit entry, with the search box and nothing else.
    pub fn new(title: &str, active: Nav, user: User) -> Self {
        Self { title: title.to_owned(), active, user, search: Some(String::new()), ..Self::default() }
    }

    /// The entries of the sidebar, top to bottom.
    pub fn nav(&self) -> Vec<NavItem> {
        NAV.iter()
            .map(|&(nav, label, href, icon)| NavItem {
                label,
                href,
                icon,
                current: nav == self.active,
                badge: if nav == Nav::Postbacks { self.postbacks_badge.clone() } else { String::new() },
            })
            .collect()
    }

    /// Whether the page belongs to the settings, which stand apart at the foot of the sidebar.
    pub fn in_settings(&self) -> bool {
        self.active == Nav::Settings
    }
}

/// The signed-in person, as the foot of the sidebar shows them.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// E-mail address.
    pub email: String,
    /// Role in words ("media buyer").
    pub role: String,
    /// The account currency ("USD").
    pub currency: String,
}

/// The entries of the sidebar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nav {
    /// `/`
    Dashboard,
    /// `/campaigns`
    Campaigns,
    /// `/offers`
    Offers,
    /// `/landers`
    Landers,
    /// `/sources`
    Sources,
    /// `/advertisers`
    Advertisers,
    /// `/lists`
    Lists,
    /// `/clicks`
    Clicks,
    /// `/conversions`
    Conversions,
    /// `/postbacks`
    Postbacks,
    /// `/destinations`
    Destinations,
    /// `/reconcile`
    Reconcile,
    /// `/settings`
    Settings,
    /// No entry is lit (a search, an error).
    #[default]
    Nowhere,
}

const NAV: [(Nav, &str, &str, &str); 12] = [
    (Nav::Dashboard, "Dashboard", "/", "dashboard"),
    (Nav::Campaigns, "Campaigns", "/campaigns", "campaigns"),
    (Nav::Offers, "Offers", "/offers", "offers"),
    (Nav::Landers, "Landers", "/landers", "landers"),
    (Nav::Sources, "Sources", "/sources", "sources"),
    (Nav::Advertisers, "Advertisers", "/advertisers", "advertisers"),
    (Nav::Lists, "Lists", "/lists", "lists"),
    (Nav::Clicks, "Clicks", "/clicks", "clicks"),
    (Nav::Conversions, "Conversions", "/conversions", "conversions"),
    (Nav::Postbacks, "Postbacks", "/postbacks", "postbacks"),
    (Nav::Destinations, "Destinations", "/destinations", "destinations"),
    (Nav::Reconcile, "Reconcile", "/reconcile", "reconcile"),
];

/// One entry of the sidebar.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// Its word.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Name of its picture in `parts/icons.html`.
    pub icon: &'static str,
    /// Whether it is lit.
    pub current: bool,
    /// A count beside it. Empty for none.
    pub badge: String,
}

/// A plain line above the content that stays until its cause is gone.
#[derive(Debug, Clone, Default)]
pub struct Banner {
    /// The first words, in bold ("Test data").
    pub title: String,
    /// What it means for the reader.
    pub text: String,
    /// What can be done about it.
    pub action: Option<PostButton>,
}

/// What the last action did, and how to take it back.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    /// One sentence.
    pub text: String,
    /// Whether the action failed.
    pub is_error: bool,
    /// Takes the action back.
    pub undo: Option<PostButton>,
}

/// The date range in the top bar: presets as links, two dates as a GET form.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/range.html")]
pub struct RangePicker {
    /// The range in words ("Today").
    pub label: String,
    /// The compared range in words ("vs yesterday, to 15:40"). Empty for none.
    pub compare_label: String,
    /// Ranges that are one click away.
    pub presets: Vec<Link>,
    /// First day, `2026-11-01`.
    pub from: String,
    /// Last day.
    pub to: String,
    /// What to compare with.
    pub compare: Vec<Choice>,
    /// Address of the page itself.
    pub action: String,
    /// The rest of the page's query, kept when the range changes.
    pub hidden: Vec<Hidden>,
}

/// The time zone in the top bar.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/zone.html")]
pub struct ZonePicker {
    /// The zone in use, `Europe/Berlin`.
    pub current: String,
    /// Zones that are one click away: the account's, UTC, those used before.
    pub presets: Vec<Link>,
    /// Every zone that the field offers while one types.
    pub zones: Vec<String>,
    /// Address of the page itself.
    pub action: String,
    /// The rest of the page's query, kept when the zone changes.
    pub hidden: Vec<Hidden>,
}
