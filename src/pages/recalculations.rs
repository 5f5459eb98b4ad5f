//! `/recalculations`: the revenue of a period counted anew after a wrong rate, with the list of those that were done.

use askama::Template;

use super::choosing;
use super::desk::{Desk, page_with, see_other};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav, Notice};
use super::parts::{Choice, Empty, Link, Pill, PostButton, Tone};
use super::tables::{Cell, Column, Row, Shape, Table};
use super::typed::{Marked, Typed, number};
use super::words::{count, counted, moment};
use super::{Answer, log};
use crate::conversions::{NotRecalculated, Recalculated, RecalculationOrder};
use crate::db;
use crate::db::choices;
use crate::db::recalculations::{self, Done};
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::entities::Fields;
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, reading};
use crate::reports::TimeZone;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// Recalculations that the page lists, the newest first; the API gives all.
const ROWS_SHOWN: i64 = 100;

/// The form, what it would change, and what was done before.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "recalculations/show.html")]
pub struct RecalculationsPage {
    /// The frame.
    pub chrome: Chrome,
    /// One offer, or none.
    pub offer: Select,
    /// One advertiser, or none.
    pub advertiser: Select,
    /// The first day.
    pub from: Field,
    /// The last day, included.
    pub to: Field,
    /// The zone of the days.
    pub time_zone: Field,
    /// By the offer's present terms.
    pub is_by_terms: bool,
    /// By the exchange rates as they are known now.
    pub is_by_rates: bool,
    /// What is wrong with the two above. Empty for nothing.
    pub taken_error: String,
    /// Why.
    pub why: Field,
    /// What would change, in one sentence. Empty before the first look.
    pub told: String,
    /// What would be left as it is, by why.
    pub left: Vec<String>,
    /// The money that would change.
    pub money: Table,
    /// Those that were done.
    pub done: Table,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/recalculations", web::get().to(show))
        .route("/recalculations", web::post().to(create))
        .route("/recalculations/{id}/take-back", web::post().to(take_back));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let mut typed = Typed::parse(request.query_string().as_bytes());
    if typed.get("terms").is_empty() && typed.get("rates").is_empty() {
        typed.put("terms", "true");
    }
    let errors = FieldErrors::default();
    let drawn = draw(&app, &desk, Marked { typed: &typed, errors: &errors }, None).await?;
    let notice = notice(request.query_string());
    let chrome = Chrome { notice, ..drawn.chrome };
    page_with(StatusCode::OK, &RecalculationsPage { chrome, ..drawn })
}

/// `POST /recalculations`: a look, or the run where `action` says so.
async fn create(who: PageWrite, app: web::Data<App>, tracker: web::Data<Tracker>, typed: Typed) -> Answer {
    let user_id = who.0.user.id;
    let desk = Desk::open(&app, who.0).await?;
    let is_run = typed.get("action") == "run";
    let outcome = match RecalculationOrder::read(&fields(&typed, is_run), desk.zone) {
        Err(errors) => Err(errors),
        Ok(order) => {
            match blocking(move || Ok::<_, Error>(tracker.postbacks.recalculate(&order, user_id))).await? {
                Ok(told) => Ok(told),
                Err(NotRecalculated::Fields(errors)) => Err(errors),
                Err(NotRecalculated::Db(error)) => return Err(error.into()),
            }
        }
    };
    match outcome {
        Ok(told) if is_run => Ok(see_other(&format!("/recalculations?changed={}", told.changed))),
        Ok(told) => {
            let errors = FieldErrors::default();
            let form = Marked { typed: &typed, errors: &errors };
            page_with(StatusCode::OK, &draw(&app, &desk, form, Some(told)).await?)
        }
        Err(errors) => {
            let form = Marked { typed: &typed, errors: &errors };
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &draw(&app, &desk, form, None).await?)
        }
    }
}

/// `POST /recalculations/{id}/take-back`
async fn take_back(who: PageWrite, tracker: web::Data<Tracker>, id: web::Path<String>) -> Answer {
    let (id, user_id) = (number(&id)?, who.0.user.id);
    let told = blocking(move || tracker.postbacks.take_back(id, user_id)).await?.ok_or(Error::NotFound)?;
    Ok(see_other(&format!("/recalculations?restored={}&left={}", told.restored, told.left.len())))
}

fn fields(typed: &Typed, is_run: bool) -> Fields {
    let names = ["offer_id", "advertiser_id", "from", "to", "time_zone", "terms", "rates", "why"];
    let mut fields = typed.fields(&names);
    fields.insert("dry_run".to_owned(), (!is_run).into());
    fields
}

/// What is said after a run, or after one was taken back.
fn notice(query: &str) -> Option<Notice> {
    let said = Typed::parse(query.as_bytes());
    let figure = |name: &str| said.get(name).parse::<i64>().ok();
    let conversions = |n: i64| counted(n, "conversion", "conversions");
    let text = match (figure("changed"), figure("restored"), figure("left")) {
        (Some(0), ..) => "Nothing was changed: every conversion earns that already.".to_owned(),
        (Some(changed), ..) => format!("{} changed, and noted in the history of each.", conversions(changed)),
        (None, Some(restored), Some(0)) => {
            format!("Taken back: {} earn again what they did.", conversions(restored))
        }
        (None, Some(restored), Some(left)) => format!(
            "Taken back: {} earn again what they did. {} changed since, and left as it stands.",
            conversions(restored),
            counted(left, "one was", "were")
        ),
        _ => return None,
    };
    Some(Notice { text, is_error: false, undo: None })
}

async fn draw(
    app: &web::Data<App>,
    desk: &Desk,
    form: Marked<'_>,
    told: Option<Recalculated>,
) -> Result<RecalculationsPage, Error> {
    let chosen = |name: &str| -> Vec<i64> { form.typed.get(name).parse().into_iter().collect() };
    let (offer, advertiser) = (chosen("offer_id"), chosen("advertiser_id"));
    let rows_max = choosing::rows_max(2);
    let (offers, advertisers, done, names) = reading(app, move |app| {
        app.db.read(|conn| {
            Ok::<_, db::Error>((
                choices::offers(conn, rows_max, &offer)?,
                choices::advertisers(conn, rows_max, &advertiser)?,
                recalculations::list(conn, (ROWS_SHOWN, 0))?.items,
                log::Names::read(conn)?,
            ))
        })
    })
    .await?;
    let mut chrome = desk.chrome("Recalculate", Nav::Conversions);
    chrome.parent = Some(Link::new("Conversions", "/conversions"));
    let choose = |none: &str, found| -> Vec<Choice> { choosing::choices(none, found, |_| None) };
    let mut time_zone = form.field("time_zone");
    if time_zone.value.is_empty() {
        desk.zone.name().clone_into(&mut time_zone.value);
    }
    let left = told.as_ref().map(left).unwrap_or_default();
    Ok(RecalculationsPage {
        chrome,
        offer: form.choose("offer_id", &choose("No single offer", &offers)),
        advertiser: form.choose("advertiser_id", &choose("No single advertiser", &advertisers)),
        from: form.field("from"),
        to: form.field("to"),
        time_zone,
        is_by_terms: form.typed.is_on("terms"),
        is_by_rates: form.typed.is_on("rates"),
        taken_error: form.error("terms"),
        why: form.field("why"),
        told: told.as_ref().map(sentence).unwrap_or_default(),
        left,
        money: money_table(told.as_ref()),
        done: done_table(&done, &names, (desk.zone, desk.now_ms)),
    })
}

fn size(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn sentence(told: &Recalculated) -> String {
    let looked = counted(size(told.looked), "conversion", "conversions");
    match told.changed {
        0 => format!("Of {looked} none would change."),
        1 => format!("Of {looked} one would change. Nothing is kept yet."),
        changed => format!("Of {looked} {} would change. Nothing is kept yet.", count(size(changed))),
    }
}

/// What is left as it is, in words.
fn left(told: &Recalculated) -> Vec<String> {
    let words = |why: &str| match why {
        "by_hand" => "whose amount a person wrote",
        "refunded" => "given back in part",
        "added" => "whose amounts were added up",
        "no_rate" => "without an exchange rate for their day: add it under Settings, Rates",
        "no_offer" => "whose offer is archived",
        _ => "whose postback said an amount in a currency that is not known any more",
    };
    let line = |(why, n): (&&'static str, &usize)| format!("{} {}", count(size(*n)), words(why));
    told.left.iter().map(line).collect()
}

fn money_table(told: Option<&Recalculated>) -> Table {
    let amount = |micros: i64, currency: &str| format!("{} {currency}", Money::from_micros(micros));
    let exact = |micros: i64| Money::from_micros(micros).to_string();
    let rows = told.into_iter().flat_map(|told| &told.money);
    let row = |((status, before, after), moved): (&(&'static str, String, String), &_)| {
        let moved: &crate::conversions::Moved = moved;
        Row {
            cells: vec![
                Cell::pill(Pill::status(status)),
                Cell::text(&count(moved.count)),
                Cell::text(&amount(moved.before_micros, before)),
                Cell::text(&amount(moved.after_micros, after)),
                Cell::text(&exact(moved.account_before_micros)),
                Cell::text(&exact(moved.account_after_micros)),
            ],
        }
    };
    Table {
        caption: "Money that would change".to_owned(),
        columns: vec![
            Column::text("Status"),
            Column::figure("Conversions", "Those that would change"),
            Column::figure("Before", "In the currency of then"),
            Column::figure("After", "In the currency of today's terms"),
            Column::figure("In the account before", "In the account currency"),
            Column::figure("And after", "In the account currency"),
        ],
        totals: None,
        rows: rows.map(row).collect(),
        empty: Empty::default(),
        shape: Shape::List,
    }
}

fn done_table(done: &[Done], names: &log::Names, (zone, now_ms): (TimeZone, i64)) -> Table {
    let row = |one: &Done| {
        let what = match one.offer_id {
            Some(_) => names.offer(one.offer_id),
            None => names.advertiser(one.advertiser_id),
        };
        let by = match (one.takes_terms, one.takes_rates) {
            (true, true) => "terms and rates",
            (true, false) => "terms",
            (false, _) => "rates",
        };
        let is_open = one.changed > one.restored.saturating_add(one.left);
        let button = PostButton::new("Take back", &format!("/recalculations/{}/take-back", one.id));
        let days = if one.from_day == one.to_day {
            one.from_day.clone()
        } else {
            format!("{} – {}", one.from_day, one.to_day)
        };
        Row {
            cells: vec![
                Cell::text(&moment(zone, one.created_at_ms, now_ms)),
                Cell { note: by.to_owned(), ..Cell::text(&what) },
                Cell { note: one.time_zone.clone(), ..Cell::text(&days) },
                Cell::text(&one.why),
                Cell::text(&one.email),
                Cell::text(&count(one.changed)),
                Cell { button: is_open.then_some(button), pills: state(one), ..Cell::default() },
            ],
        }
    };
    Table {
        caption: "Recalculations, newest first".to_owned(),
        columns: vec![
            Column::text("When"),
            Column::text("What"),
            Column::text("Days"),
            Column::text("Why"),
            Column::text("By"),
            Column::figure("Changed", "Conversions"),
            Column::text(""),
        ],
        totals: None,
        rows: done.iter().map(row).collect(),
        empty: Empty {
            title: "None so far".to_owned(),
            text: "After an offer's rate or an exchange rate was wrong for some days: mend it there, then count the days anew \
                   here. Each can be taken back."
                .to_owned(),
            action: None,
        },
        shape: Shape::List,
    }
}

/// Whether it is taken back, or broke off.
fn state(one: &Done) -> Vec<Pill> {
    let pill = |text: String, tone| vec![Pill { text, tone }];
    match (one.taken_back_at_ms, one.finished_at_ms) {
        (Some(_), _) if one.left > 0 => pill(format!("taken back, {} left", count(one.left)), Tone::Quiet),
        (Some(_), _) => pill("taken back".to_owned(), Tone::Quiet),
        (None, None) => pill("broke off".to_owned(), Tone::Warn),
        (None, Some(_)) => Vec::new(),
    }
}
