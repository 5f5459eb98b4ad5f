//! The card of an advertiser's page that says who may send its postbacks: its key, its secret, its addresses.

use super::{KIND, show};
use crate::db::credentials::{Credentials, Previous};
use crate::domain::advertiser::{Advertiser, HmacMode};
use crate::entities;
use crate::http::{App, PageWrite, changing, now_ms};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page, see_other};
use crate::pages::forms::Select;
use crate::pages::layout::Notice;
use crate::pages::parts::{CodeBox, Fact, Piece};
use crate::pages::typed::{Typed, number};
use actix_web::{HttpRequest, web};
use askama::Template;

/// How long what is replaced may go on working, in hours.
const OVERLAPS: [(&str, &str); 4] =
    [("24", "for a day"), ("168", "for a week"), ("1", "for an hour"), ("0", "not at all")];

/// Addresses that the card names; the form has the others.
const ADDRESSES_SHOWN: usize = 5;

/// What stands for the secret in an example once it cannot be shown any more.
const SECRET_WORD: &str = "YOUR-SECRET";

/// Who may send postbacks, and the buttons that change it.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/security.html")]
pub struct SecurityCard {
    /// How it stands.
    pub facts: Vec<Fact>,
    /// What keeps every postback out. Empty for nothing.
    pub warning: String,
    /// The secret just made, shown this once.
    pub made: Option<CodeBox>,
    /// Where "Make a new key" posts to.
    pub rotate_key: String,
    /// Where "Make a secret" posts to.
    pub rotate_secret: String,
    /// Whether there is a secret already.
    pub has_secret: bool,
    /// For how long what is replaced works.
    pub overlap: Select,
    /// How a signed postback is sent; `None` before there is a secret.
    pub example: Option<CodeBox>,
}

/// What the card is drawn from.
pub(super) struct Shown<'a> {
    /// The advertiser's number.
    pub(super) id: i64,
    /// What people saved.
    pub(super) advertiser: &'a Advertiser,
    /// What its postbacks are known by.
    pub(super) own: &'a Credentials,
    /// Where they are sent.
    pub(super) postback_url: &'a str,
    /// The id of its test click, where there is one.
    pub(super) click_id: Option<String>,
}

/// The addresses of the card's buttons.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/advertisers/{id}/rotate-key", web::post().to(rotate_key))
        .route("/advertisers/{id}/rotate-secret", web::post().to(rotate_secret));
}

async fn rotate_key(_who: PageWrite, app: web::Data<App>, id: web::Path<String>, typed: Typed) -> Answer {
    let id = number(&id)?;
    let fields = typed.fields(&["overlap_hours"]);
    changing(&app, move |app| entities::credentials::rotate_key(&app.db, id, &fields, now_ms())).await?;
    Ok(see_other(&format!("{}/{id}?key=new", KIND.path)))
}

/// The secret stands on the page that answers, and nowhere after it.
async fn rotate_secret(
    who: PageWrite,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let fields = typed.fields(&["overlap_hours"]);
    let made = changing(&app, move |app| {
        entities::credentials::rotate_secret(&app.db, &app.vault, id, &fields, now_ms())
    });
    let secret = made.await?;
    let desk = Desk::open(&app, who.0).await?;
    let mut drawn = show::drawn(&app, &desk, &request, id, None).await?;
    drawn.security.show(&secret);
    page(&drawn)
}

/// What a new key asks of the reader.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let is_new = query.split('&').any(|pair| pair == "key=new");
    is_new.then(|| Notice {
        text: "The postback URL has a new key: paste it into the advertiser's panel.".to_owned(),
        ..Notice::default()
    })
}

impl SecurityCard {
    /// The card of an advertiser.
    pub(super) fn new(desk: &Desk, shown: &Shown<'_>) -> Self {
        let (id, own) = (shown.id, shown.own);
        let edit = format!("{}/{id}/edit", KIND.path);
        let mut facts = vec![code("Key", &own.key)];
        if let Some(previous) = own.live_previous_key(desk.now_ms) {
            let words = format!("{}, works until {}", previous.value, moment(desk, previous));
            facts.push(code("Old key", &words));
        }
        facts.push(Fact { href: edit.clone(), ..plain("Addresses", &addresses(shown.advertiser)) });
        facts.push(Fact { href: edit, ..plain("Signatures", mode(shown.advertiser.hmac_mode)) });
        let has_secret = own.secret_sealed.is_some();
        facts.push(plain("Secret", if has_secret { "Made; nobody can read it again" } else { "None yet" }));
        if let Some(previous) = own.live_previous_secret(desk.now_ms) {
            facts.push(plain("Old secret", &format!("Works until {}", moment(desk, previous))));
        }
        Self {
            facts,
            warning: warning(shown.advertiser.hmac_mode, has_secret).to_owned(),
            made: None,
            rotate_key: format!("{}/{id}/rotate-key", KIND.path),
            rotate_secret: format!("{}/{id}/rotate-secret", KIND.path),
            has_secret,
            overlap: Select::new(&OVERLAPS, "24"),
            example: has_secret.then(|| example(shown)),
        }
    }

    /// Shows a secret that was just made, in the example too.
    fn show(&mut self, secret: &str) {
        let hint = "Shown this once: copy it to the sender now. We keep it sealed.".to_owned();
        self.made = Some(CodeBox { hint, ..CodeBox::url("The new secret", secret) });
        if let Some(example) = &mut self.example {
            *example =
                CodeBox { hint: example.hint.clone(), ..script(&example.copy.replace(SECRET_WORD, secret)) };
        }
    }
}

fn plain(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), ..Fact::default() }
}

fn code(label: &str, value: &str) -> Fact {
    Fact { is_code: true, ..plain(label, value) }
}

/// Until when something that was replaced works.
fn moment(desk: &Desk, previous: &Previous) -> String {
    desk.zone.local(previous.until_ms).format("%-d %b %Y, %H:%M").to_string()
}

const fn mode(mode: HmacMode) -> &'static str {
    match mode {
        HmacMode::Off => "Not looked at",
        HmacMode::Optional => "Checked where one comes",
        HmacMode::Required => "Required on every postback",
    }
}

const fn warning(mode: HmacMode, has_secret: bool) -> &'static str {
    match (mode, has_secret) {
        (HmacMode::Required, false) => {
            "Every postback must be signed, and there is no secret to sign with: all are refused until you make one."
        }
        (HmacMode::Optional, false) => {
            "Signed postbacks are refused until there is a secret to compare them with."
        }
        (HmacMode::Off, true) => {
            "There is a secret, but signatures are not looked at: switch them on in the settings."
        }
        _ => "",
    }
}

fn addresses(advertiser: &Advertiser) -> String {
    let ranges = &advertiser.allow_addresses;
    if ranges.is_empty() {
        return "Every address may send".to_owned();
    }
    let shown: Vec<String> = ranges.iter().take(ADDRESSES_SHOWN).map(ToString::to_string).collect();
    let more = ranges.len().saturating_sub(ADDRESSES_SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Only {}{rest}", shown.join(", "))
}

/// Lines for a shell that send one signed postback.
fn example(shown: &Shown<'_>) -> CodeBox {
    let cid = shown.click_id.as_deref().unwrap_or("CLICK-ID");
    let lines = [
        format!("secret='{SECRET_WORD}'"),
        "ts=$(date +%s)".to_owned(),
        format!("text=\"cid={cid}&payout=5.00&ts=$ts&txid=T-1001\""),
        "sig=$(printf %s \"$text\" | openssl dgst -sha256 -hmac \"$secret\" -r | cut -d' ' -f1)".to_owned(),
        format!("curl \"{}?$text&sig=$sig\"", shown.postback_url),
    ];
    let hint = "Sort the parameters by name and encode their values before you sign them. A JSON body is signed in the header \
                X-Clickledger-Signature: t=$ts,v1=$sig instead, over $ts.$body. A nonce, if you send one, is used once; the \
                same request sent again is answered as before.";
    CodeBox { hint: hint.to_owned(), ..script(&lines.join("\n")) }
}

/// Text for a shell, in which braces mean nothing to us.
fn script(text: &str) -> CodeBox {
    let pieces = vec![Piece { text: text.to_owned(), is_marked: false }];
    CodeBox {
        label: "A signed postback, with curl and openssl".to_owned(),
        pieces,
        copy: text.to_owned(),
        hint: String::new(),
    }
}
