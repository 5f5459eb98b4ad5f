//! The trace of a visitor: a form beside the campaign, and a page of its own for who has no script. Records nothing.

use super::{KIND, TraceForm, TracePage};
use crate::domain::input::FieldErrors;
use crate::entities;
use crate::http::test_click::AGENT;
use crate::http::{App, Error, Player, SignedIn, Tracker, blocking, follow, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page};
use crate::pages::forms::Field;
use crate::pages::layout::{Chrome, Nav};
use crate::pages::parts::{Link, Mark, Step, Steps};
use crate::pages::test_steps::{code, done, failed, plain, refused};
use crate::pages::typed::{Typed, number};
use crate::routing::{Catalog, Trace, TracedRule};
use actix_web::{HttpRequest, web};

/// Fields of the form.
const TEXTS: [&str; 4] = ["address", "user_agent", "query", "at"];

/// The address of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/campaigns/{id}/trace", web::get().to(show));
}

/// The form as it stands beside a campaign: an ordinary phone, nothing asked yet.
pub(super) fn form(id: i64) -> TraceForm {
    TraceForm {
        action: format!("{}/{id}/trace", KIND.path),
        user_agent: Field::new(AGENT),
        ..TraceForm::default()
    }
}

async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who).await?;
    let saved = reading(&app, move |app| entities::campaigns::find(&app.db, id)).await?;
    let typed = Typed::parse(request.query_string().as_bytes());
    let mut trace = form(id);
    if !request.query_string().is_empty() {
        let player = Player::read(&typed.fields(&TEXTS));
        let errors = player.as_ref().err().cloned().unwrap_or_default();
        let field = |name: &str| Field {
            value: typed.get(name).to_owned(),
            error: errors.message(name).unwrap_or_default().to_owned(),
        };
        trace.address = field("address");
        trace.user_agent = field("user_agent");
        trace.query = field("query");
        trace.at = field("at");
        match player {
            Err(errors) => trace.error = said(&errors),
            Ok(player) => {
                let followed = blocking(move || {
                    let traced = follow(&app, &tracker, id, &player)?;
                    Ok::<_, Error>(steps(&traced, &tracker.catalog.get()))
                });
                trace.steps = followed.await?;
            }
        }
    }
    let parent = Some(Link::new(&saved.value.name, &format!("{}/{id}/edit", KIND.path)));
    let chrome = Chrome { parent, ..desk.chrome("Trace a visitor", Nav::Campaigns) };
    page(&TracePage { chrome, trace })
}

/// What must be mended, for the part of the page that a script puts in place.
fn said(errors: &FieldErrors) -> String {
    errors.0.iter().map(|error| format!("{}: {}.", error.field, error.message)).collect::<Vec<_>>().join(" ")
}

fn steps(traced: &Trace, catalog: &Catalog) -> Steps {
    let click = &traced.record;
    let mut words: Vec<String> = Vec::new();
    words.extend(click.country.map(|country| country.name().to_owned()));
    words.push(click.device.to_string());
    words.extend([&click.os, &click.browser].into_iter().flatten().map(ToString::to_string));
    words.extend(click.bot.map(|reason| format!("a bot ({reason})")));
    let mut steps = vec![done("Visitor", vec![plain(&words.join(", "))])];
    steps.extend(traced.rules.iter().map(rule_step));
    let path = click.path_id.and_then(|id| catalog.path(click.campaign_id, id));
    let lander = path.and_then(|path| {
        path.landers.iter().map(|(lander, _)| lander).find(|lander| Some(lander.id) == click.lander_id)
    });
    if let Some(path) = path {
        let of = if click.rule_id.is_some() { "the rule's" } else { "for everyone else" };
        let name = if path.name.is_empty() { format!("number {}", path.id) } else { path.name.to_string() };
        steps.push(done("Path", vec![plain(&format!("{name}, {of}, weight {}", path.weight))]));
    }
    if let Some(lander) = lander {
        steps.push(done("Lander", vec![plain(&lander.name)]));
    }
    if let Some(offer) = click.offer_id.and_then(|id| catalog.offer(id)) {
        steps.push(done("Offer", vec![plain(&offer.offer.name)]));
    }
    if let Some(refusal) = click.refusal {
        steps.push(failed("Offer", refused(refusal)));
    }
    steps.push(match &traced.url {
        Some(url) => done("Sent to", vec![code(url)]),
        None => failed("Sent to", "nowhere: there is no fallback"),
    });
    Steps { steps }
}

fn rule_step(rule: &TracedRule) -> Step {
    let mark = match rule.holds {
        Some(true) => Mark::Done,
        Some(false) => Mark::Failed,
        None => Mark::NotReached,
    };
    let name = if rule.name.is_empty() { "Rule".to_owned() } else { format!("Rule {}", rule.name) };
    Step { mark, name, detail: vec![plain(&rule.reason)], ..Step::default() }
}
