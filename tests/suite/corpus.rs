//! Hostile and broken postbacks, a file of them: each gets the verdict that stands beside it, and is kept as it came.

use crate::app::{Campaign, TestApp, send};
use clickledger::db::postbacks::{self, PostbackQuery};
use reqwest::Method;
use serde_json::json;

/// The postbacks, one a line.
const CORPUS: &str = include_str!("postback_corpus.tsv");

/// A line of the file.
pub struct Case<'a> {
    line: usize,
    method: Method,
    kind: Option<&'a str>,
    query: &'a str,
    body: &'a str,
    status: u16,
    code: &'a str,
    what: &'a str,
}

pub fn cases() -> Vec<Case<'static>> {
    let lines = CORPUS.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let some = |text: &'static str| if text == "-" { "" } else { text };
    lines
        .map(|(at, line)| {
            let fields: Vec<&'static str> = line.split('\t').collect();
            let [method, kind, query, body, status, code, what] = fields[..] else {
                panic!("line {} has {} fields", at + 1, fields.len())
            };
            Case {
                line: at + 1,
                method: method.parse().unwrap(),
                kind: Some(kind).filter(|kind| *kind != "-"),
                query: some(query),
                body: some(body),
                status: status.parse().unwrap(),
                code,
                what,
            }
        })
        .collect()
}

/// A text of the file with the click's id in its places.
fn with_click(text: &str, id: &str) -> String {
    let text = text.replace("{cid25}", &id[..25]).replace("{CID}", &id.to_uppercase()).replace("{cid}", id);
    text.replace("\\{", "{").replace("\\}", "}")
}

/// The bytes of a body: `\xHH`, `\r`, `\n` and `\\` are written out.
fn bytes(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match after.as_bytes()[0] {
            b'x' => (u8::from_str_radix(&after[1..3], 16).unwrap(), 3),
            b'r' => (b'\r', 1),
            b'n' => (b'\n', 1),
            other => (other, 1),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Sends one; says what is wrong with what came of it.
pub async fn fault(app: &TestApp, campaign: &Campaign, case: &Case<'_>) -> Option<String> {
    let named = ["{cid}", "{CID}", "{cid25}"];
    let needs_click = named.iter().any(|name| case.query.contains(name) || case.body.contains(name));
    let id = if needs_click { app.click(campaign).await.id } else { "0".repeat(26) };
    let (query, body) = (with_click(case.query, &id), bytes(&with_click(case.body, &id)));
    let path = format!("/postback/{}?{query}", campaign.key);
    let mut request = app.request(case.method.clone(), &path);
    if let Some(kind) = case.kind {
        request = request.header("content-type", kind).body(body.clone());
    }
    let sent = request.try_clone().unwrap().build().unwrap().url().query().unwrap_or("").to_owned();
    let answer = send(request).await;
    let about = |what: String| Some(format!("line {} ({}): {what}", case.line, case.what));
    if answer.status != case.status || answer.code() != case.code {
        return about(format!(
            "{} {} instead of {} {}: {}",
            answer.status,
            answer.code(),
            case.status,
            case.code,
            answer.text
        ));
    }
    if answer.json()["message"].as_str().is_none_or(|message| message.len() < 10) {
        return about(format!("no sentence: {}", answer.text));
    }
    let newest = PostbackQuery { limit: 1, ..PostbackQuery::default() };
    let kept = app.db.read(|conn| postbacks::list(conn, &newest)).unwrap();
    let kept = &kept.items[0].value;
    if kept.raw_query != sent.as_bytes() || kept.raw_body != body || kept.code.as_str() != case.code {
        return about(format!("kept as {:?} {:?} {}", kept.raw_query, kept.raw_body, kept.code));
    }
    None
}

stories! {
    async fn each_of_a_corpus_of_hostile_postbacks_gets_its_verdict(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let cases = cases();
        assert!(cases.len() >= 300, "{} cases", cases.len());
        let mut faults = Vec::new();
        for case in &cases {
            faults.extend(fault(app, &campaign, case).await);
        }
        assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
        let kept = app.number("select count(*) from postbacks_received");
        assert_eq!(kept, i64::try_from(cases.len()).unwrap(), "every one is kept, once");
    }
}
