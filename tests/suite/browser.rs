//! A real browser: the way from the setup link to the first conversion, as a person goes it.

use crate::app::{Backend, PATIENCE, Place, block_on};
use crate::program::Program;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where the browser is found, by its several names.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
const DRIVER: &str = "chromedriver";

/// Runs the driver, and ends it with all its browsers when this process is gone, however it goes: then
/// nobody holds the standard input open.
const GROUP: &str = "\"$0\" \"$@\" & cat >/dev/null; kill -KILL 0";

/// Widths of a desk's screen and of a phone's.
const WIDTHS: [(u32, u32); 2] = [(1440, 900), (390, 844)];

/// A browser with a profile of its own, closed with the value.
pub struct Browser {
    pub client: Client,
    driver: Driver,
}

/// The driver's process and the browser's profile.
struct Driver {
    child: Child,
    _profile: TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver and all its browsers are one group of processes.
        let group = format!("-{}", self.child.id());
        let _ended = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _reaped = self.child.wait();
    }
}

fn find_program(names: &[&str]) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

impl Browser {
    /// Starts one. `None`, said in one line, where this machine has none.
    pub async fn start() -> Option<Self> {
        let (Some(browser), Some(driver)) = (find_program(BROWSERS), find_program(&[DRIVER])) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no chromium or no chromedriver");
            println!("skipped: no chromium or no chromedriver");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new("sh");
        command.args(["-c", GROUP]).arg(driver).arg(format!("--port={port}"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let driver = Driver { child: command.spawn().unwrap(), _profile: profile };
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", driver._profile.path().display()),
        ];
        let options = json!({"args": flags, "binary": browser});
        let Value::Object(wanted) = json!({"browserName": "chrome", "goog:chromeOptions": options}) else {
            unreachable!()
        };
        let begun = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
            match builder.capabilities(wanted.clone()).connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(why) => assert!(begun.elapsed() < PATIENCE * 2, "no session with the browser: {why}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        Some(Self { client, driver })
    }

    pub async fn end(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }

    /// Waits for an element; the page's text is shown where it does not come.
    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(why) => panic!("{css} did not come ({why}) on {}", self.text().await),
        }
    }

    async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses the button or link of a text.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::button or self::a][normalize-space()='{text}']");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
        match found {
            Ok(element) => element.click().await.unwrap(),
            Err(why) => panic!("no {text:?} ({why}) on {}", self.text().await),
        }
    }

    /// What a person reads on the page, under its address.
    async fn text(&self) -> String {
        let shown =
            self.client.execute("return location.pathname + '\\n' + document.body.innerText", vec![]).await;
        shown.map_or_else(|why| why.to_string(), |text| text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page says something.
    pub async fn until_it_says(&self, wanted: &str) {
        let begun = Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(wanted) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{wanted:?} is not on {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The page is there, says something and does not scroll sideways, at a desk and on a phone.
    async fn looks_right(&self, url: &str) {
        for (width, height) in WIDTHS {
            let metrics =
                json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
            self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
            self.client.goto(url).await.unwrap();
            let script = "return [document.documentElement.scrollWidth, innerWidth, document.body.innerText.length, \
                 performance.getEntriesByType('navigation')[0].responseStatus]";
            let seen = self.client.execute(script, vec![]).await.unwrap();
            let numbers: Vec<i64> = seen.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
            assert_eq!(numbers[3], 200, "{url}");
            assert!(numbers[2] > 0, "{url} is empty");
            assert!(numbers[0] <= numbers[1], "{url} is {} wide on a screen of {width}", numbers[0]);
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    pub async fn devtools(&self, name: &str, params: Value) {
        self.client.issue_cmd(Devtools { name: name.to_owned(), params }).await.unwrap();
    }
}

/// A command of the browser's own, through its driver: a window cannot be made as narrow as a phone.
#[derive(Debug)]
struct Devtools {
    name: String,
    params: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(json!({"cmd": self.name, "params": self.params}).to_string()))
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn link_in(said: &str) -> String {
    said.split_whitespace().find(|word| word.contains("/setup/")).expect("a setup link").to_owned()
}

/// From the link in the terminal to revenue on the dashboard.
async fn first_conversion(browser: &Browser, base: &str, link: &str) {
    browser.looks_right(link).await;
    browser.client.goto(link).await.unwrap();
    browser.fill("#email", "ann@example.com").await;
    browser.fill("#password", "a quiet river bends").await;
    browser.press("Create the account").await;

    browser.until_it_says("Where should visitors go?").await;
    browser.fill("#url", "https://shop.example/?ref={click_idd}").await;
    browser.until_it_says("click_idd").await;
    browser.fill("#url", "https://shop.example/?ref={click_id}").await;
    browser.until_it_says("A sample click would go to").await;
    browser.fill("#revenue", "5.00").await;
    browser.press("Make the two addresses").await;
    browser.until_it_says(&format!("{base}/c/")).await;
    browser.until_it_says(&format!("{base}/postback/")).await;
    browser.press("Send a test click").await;
    browser.find("ol.steps li").await;
    browser.press("Send a test postback").await;
    browser.until_it_says("Open the dashboard").await;
    browser.looks_right(&format!("{base}/start")).await;
    browser.press("Open the dashboard").await;
    browser.until_it_says("Test data").await;
    browser.until_it_says("$5.00").await;
}

/// A pasted file is looked at and recorded; the page follows by itself until it is through.
async fn a_file_is_recorded(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/conversions")).await.unwrap();
    browser.find("a[href='/conversions/imports']").await.click().await.unwrap();
    let advertiser = browser.find("#advertiser_id").await;
    advertiser.select_by_index(1).await.unwrap();
    let rows = (0..30).map(|n| format!("order-{n};1,50;0nobody\n")).collect::<String>();
    browser.fill("#pasted", &format!("Order ID;Commission;Sub ID\n{rows}")).await;
    browser.press("Look at it").await;
    browser.until_it_says("Nothing is recorded yet").await;
    let draft = browser.client.current_url().await.unwrap().to_string();
    browser.looks_right(&draft).await;
    browser.find("#column_click_id").await.select_by_value("Sub ID").await.unwrap();
    browser.find("#mode").await.select_by_value("good_rows").await.unwrap();
    browser.press("Record them").await;
    browser.until_it_says("parked_foreign_click").await;
    browser.looks_right(&draft).await;
}

/// A destination's address is filled as it is typed, a row for a header comes by the button, and the test says what to do.
async fn a_destination_is_made_and_tried(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/destinations")).await.unwrap();
    browser.until_it_says("No destinations yet").await;
    browser.client.goto(&format!("{base}/destinations/new")).await.unwrap();
    browser.fill("#name", "Push house").await;
    browser.fill("#url", "http://127.0.0.1:9/pb?c={click_idd}").await;
    browser.until_it_says("There is no macro {click_idd}").await;
    browser.fill("#url", "http://127.0.0.1:9/pb?c={click_id}&p={payout}").await;
    browser.until_it_says("A sample conversion would be told as").await;
    browser.until_it_says("&p=5.00").await;
    browser.press("+ Header").await;
    browser.fill("[name='headers.1000.name']", "X-Key").await;
    browser.fill("[name='headers.1000.value']", "s3cret").await;
    browser.press("Save destination").await;
    browser.until_it_says("Nothing was told yet").await;
    browser.press("Send test").await;
    browser.until_it_says("CLICKLEDGER_ALLOW_PRIVATE_DESTINATIONS").await;
    browser.until_it_says("X-Key: …").await;
    for page in ["/destinations", "/destinations/1", "/destinations/1/edit", "/deliveries?destination=1"] {
        browser.looks_right(&format!("{base}{page}")).await;
    }
}

/// The script's rows of a campaign's form: they have the names that the server reads.
async fn rows_are_added_in_place(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/campaigns/1/edit")).await.unwrap();
    browser.press("+ Offer").await;
    browser.press("+ Path").await;
    let last = "//fieldset[@data-path][last()]//button[normalize-space()='+ Lander']";
    browser.client.find(Locator::XPath(last)).await.unwrap().click().await.unwrap();
    let script = "return [...document.querySelectorAll('[data-path-list] select')].map(e => \
         [e.name, e.options.length])";
    let seen = browser.client.execute(script, vec![]).await.unwrap();
    let wanted = json!([
        ["paths.0.status", 2],
        ["paths.0.offers.0.offer_id", 2],
        ["paths.0.offers.1000.offer_id", 2],
        ["paths.1001.status", 2],
        ["paths.1001.landers.1002.lander_id", 1],
        ["paths.1001.offers.0.offer_id", 2],
    ]);
    assert_eq!(seen, wanted);
}

/// A rule made by clicking and typing; a click is then routed by it.
async fn a_rule_is_made(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/offers/new")).await.unwrap();
    browser.fill("#name", "Other").await;
    browser.find("#advertiser_id").await.select_by_value("1").await.unwrap();
    browser.fill("#url", "https://other.example/").await;
    browser.press("Save offer").await;
    browser.until_it_says("Saved").await;

    browser.client.goto(&format!("{base}/campaigns/1/edit")).await.unwrap();
    browser.press("+ Rule").await;
    browser.find("#rules-0-any-0-all-0-fact:focus").await.select_by_value("hour").await.unwrap();
    // Only what fits the fact can be chosen, and its clock with it.
    browser.find("[name='rules.0.any.0.all.0.time_zone']").await;
    browser.find("#rules-0-any-0-all-0-fact").await.select_by_value("sub1").await.unwrap();
    browser.find("#rules-0-any-0-all-0-op option[value=matches]").await;
    browser.fill("[name='rules.0.any.0.all.0.values']", "zone-7").await;
    browser.until_it_says("If sub1 is zone-7").await;
    browser.find("[name='rules.0.paths.0.offers.0.offer_id']").await.select_by_label("Other").await.unwrap();

    // A second one, moved up with a key, and taken away.
    browser.press("+ Rule").await;
    browser.find("#rules-1 [data-move=up]").await.send_keys("\u{e007}").await.unwrap();
    let order = "return [...document.querySelectorAll('.rule')].map(rule => rule.id)";
    assert_eq!(browser.client.execute(order, vec![]).await.unwrap(), json!(["rules-1", "rules-0"]));
    browser.find("#rules-1 [data-remove='.rule']").await.click().await.unwrap();
    assert_eq!(browser.client.execute(order, vec![]).await.unwrap(), json!(["rules-0"]));

    browser.press("Save campaign").await;
    browser.until_it_says("Saved").await;
    browser.until_it_says("If sub1 is zone-7").await;
    let slug = browser.find("#slug").await.prop("value").await.unwrap().unwrap();
    let client = crate::app::client();
    for (zone, way) in [("zone-7", "https://other.example/"), ("zone-1", "https://shop.example/")] {
        let answer = client.get(format!("{base}/c/{slug}?sub1={zone}")).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(way), "{zone}: {location}");
    }
    browser.looks_right(&format!("{base}/campaigns/1/edit")).await;
    browser.looks_right(&format!("{base}/lists")).await;
}

#[test]
fn a_first_conversion_in_a_browser() {
    block_on(async {
        let Some(browser) = Browser::start().await else { return };
        let place = Place::new(Backend::Sqlite).unwrap();
        let mut program = Program::start(&place);
        let link = link_in(&program.all_it_says());
        let base = program.base.clone();
        first_conversion(&browser, &base, &link).await;
        for page in [
            "/",
            "/attention",
            "/campaigns",
            "/campaigns/1/edit",
            "/campaigns/new",
            "/offers",
            "/offers?cap=near",
            "/offers/new",
            "/offers/1/edit",
            "/landers",
            "/landers/new",
            "/sources",
            "/sources/new",
            "/advertisers",
            "/advertisers/new",
            "/advertisers/1",
            "/advertisers/1/edit",
            "/clicks",
            "/conversions",
            "/conversions/new",
            "/conversions/imports",
            "/postbacks",
            "/destinations",
            "/destinations/new",
            "/deliveries",
            "/recalculations",
            "/settings",
            "/settings/users",
            "/settings/tokens",
            "/settings/sessions",
            "/conversions/1",
            "/postbacks/1",
            "/search?q=shop",
        ] {
            browser.looks_right(&format!("{base}{page}")).await;
        }
        a_file_is_recorded(&browser, &base).await;
        a_destination_is_made_and_tried(&browser, &base).await;
        rows_are_added_in_place(&browser, &base).await;
        a_rule_is_made(&browser, &base).await;
        // The link made its admin: it is void, and a stranger has to sign in.
        browser.client.delete_all_cookies().await.unwrap();
        browser.client.goto(&link).await.unwrap();
        browser.until_it_says("no longer works").await;
        browser.client.goto(&format!("{base}/campaigns")).await.unwrap();
        browser.fill("#email", "ann@example.com").await;
        browser.fill("#password", "not the password").await;
        browser.press("Sign in").await;
        browser.find("[role=alert]").await;
        browser.fill("#password", "a quiet river bends").await;
        browser.press("Sign in").await;
        browser.find("nav[aria-label=Main] a[href='/campaigns'][aria-current=page]").await;
        browser.end().await;
        let (is_well, _) = program.end();
        assert!(is_well);
    });
}
