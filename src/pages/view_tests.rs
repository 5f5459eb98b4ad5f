use super::*;
use crate::db::users::User;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::role::Role;
use crate::http::SignedIn;
use crate::pages::layout::Nav;

fn desk() -> Desk {
    let user = User {
        id: 1,
        email: "a@example.com".to_owned(),
        password_hash: String::new(),
        role: Role::Admin,
        status: EntityStatus::Active,
        created_at_ms: 0,
    };
    Desk {
        who: SignedIn { user, session_id: 1 },
        currency: Currency::USD,
        zone: TimeZone::UTC,
        now_ms: now_ms(),
        has_real: true,
        has_test: false,
    }
}

fn view(query: &str) -> View {
    View::read(&desk(), "/campaigns", query, Defaults::default()).unwrap()
}

#[test]
fn nothing_asked_is_the_pages_own_view() {
    let view = view("");
    assert_eq!((view.range_label().as_str(), view.sort_name(), view.page), ("Today", "profit", 1));
    assert_eq!(view.href(&[]), "/campaigns");
    assert!(view.faults.is_empty() && view.dress(desk().chrome("A", Nav::Campaigns)).notice.is_none());
}

#[test]
fn what_cannot_be_read_is_left_out_and_said() {
    let view = view("range=x&tz=Mars&from=2026-99-99&sort=drop&page=0&bots=7&q=a%00b&colour=1");
    assert_eq!(view.faults.len(), 6, "{:?}", view.faults);
    assert_eq!(view.href(&[]), "/campaigns?q=ab");
    let notice = view.dress(desk().chrome("A", Nav::Campaigns)).notice.unwrap();
    assert!(notice.is_error && notice.text.contains("tz “Mars”"), "{}", notice.text);
    let backwards = self::view("from=2026-02-01&to=2026-01-01&q=a");
    assert_eq!(
        (backwards.range_label().as_str(), backwards.href(&[])),
        ("Today", "/campaigns?q=a".to_owned())
    );
}

#[test]
fn links_carry_the_rest_of_the_view() {
    let view = view("from=2026-11-01&to=2026-11-07&tz=Asia%2FKolkata&q=push+de&page=3&sort=clicks&dir=desc");
    assert_eq!(view.range_label(), "1 Nov – 7 Nov 2026");
    assert_eq!(view.zone().name(), "Asia/Kolkata");
    let same = "/campaigns?from=2026-11-01&q=push+de&sort=clicks&to=2026-11-07&tz=Asia%2FKolkata";
    assert_eq!(view.sort_href("clicks"), same, "the other way round, and from the first page on");
    assert_eq!(view.sort_href("name"), same.replace("sort=clicks", "sort=name"));
    assert!(view.href(&[("page", "2")]).contains("page=2"));
    assert_eq!(
        view.elsewhere("/clicks", &[("campaign", "7")]),
        "/clicks?campaign=7&from=2026-11-01&to=2026-11-07&tz=Asia%2FKolkata"
    );
    let hidden: Vec<String> = view.hidden(&["q"]).into_iter().map(|field| field.name).collect();
    assert_eq!(hidden, ["from", "sort", "to", "tz"]);
}

#[test]
fn a_usual_range_goes_along_to_other_pages() {
    assert_eq!(view("").elsewhere("/clicks", &[]), "/clicks?range=today");
    assert_eq!(view("range=last_7_days").elsewhere("/clicks", &[]), "/clicks?range=last_7_days");
    assert_eq!(view("range=last_7_days&from=2026-11-01").range_label(), "1 Nov 2026");
}
