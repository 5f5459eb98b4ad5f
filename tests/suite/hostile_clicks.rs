//! Click requests that no browser sends: each gets an answer in bounded time, none is a fault of ours, and the server goes
//! on answering people.

use crate::app::BROWSER;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long any of them may take to be answered or hung up on.
const ANSWER_LONGEST: Duration = Duration::from_secs(15);

/// Sends bytes as they are, and reads until an answer's head is whole or the server hangs up: the status, 0 for none.
fn ask(address: SocketAddr, bytes: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ANSWER_LONGEST)).unwrap();
    // Who sends too much may be hung up on before all is sent.
    let _sent = stream.write_all(bytes);
    status(&mut stream)
}

fn status(stream: &mut TcpStream) -> u16 {
    let (mut head, mut some) = (Vec::new(), [0; 4_096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut some) {
            Ok(0) | Err(_) => break,
            Ok(count) => head.extend_from_slice(&some[..count]),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn get(target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut request =
        format!("GET {target} HTTP/1.1\r\nHost: t.example\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// What each request may be answered; 0 is hung up on.
const SENT_ON: &[u16] = &[302];
const REFUSED: &[u16] = &[0, 400, 404, 405, 408, 414, 431];
const EITHER: &[u16] = &[302, 0, 400, 404, 405, 414, 431];

stories! {
    async fn each_is_answered_and_people_go_on(app: TestApp) {
        let campaign = app.campaign(json!({"append_query": true})).await;
        let address: SocketAddr = app.base.trim_start_matches("http://").parse().unwrap();
        let path = format!("/c/{}", campaign.slug);
        let at = |query: &str| format!("{path}?{query}");
        let agent = ("User-Agent", BROWSER);
        let many: String = (0..5_000).map(|n| format!("p{n}={n}&")).collect();
        let same: String = (0..5_000).map(|n| format!("sub1={n}&")).collect();
        let cookies = (0..2_000).map(|n| format!("c{n}={n}")).collect::<Vec<_>>().join("; ");
        let forged = format!("cl_click={}; cl_seen={}; cl_u{}=1", "A".repeat(2_000), "B".repeat(2_000), campaign.id);
        let flood: Vec<(String, String)> = (0..500).map(|n| (format!("X-Flood-{n}"), "x".repeat(50))).collect();
        let flood: Vec<(&str, &str)> = flood.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let hops = vec!["10.0.0.1"; 3_000].join(", ");
        let long_agent = "Mozilla/5.0 ".repeat(2_000);
        let percent = "%".repeat(3_000);
        let mut raw_bytes = get(&at("sub1=a"), &[]);
        raw_bytes.splice(4..4, [0xff, 0xfe, 0x00]);
        let mut binary_agent = get(&at("sub1=b"), &[]);
        let end = binary_agent.len() - 2;
        binary_agent.splice(end..end, b"User-Agent: \xff\xc3\x28Mozilla\r\n".iter().copied());
        let requests: Vec<(&str, Vec<u8>, &[u16])> = vec![
            ("a query of 60 kB", get(&at(&format!("sub1={}", "a".repeat(60_000))), &[agent]), EITHER),
            ("a slug of 10 kB", get(&format!("/c/{}", "a".repeat(10_000)), &[agent]), REFUSED),
            ("five thousand parameters", get(&at(&many), &[agent]), EITHER),
            ("one parameter five thousand times", get(&at(&same), &[agent]), EITHER),
            ("nothing but percent signs", get(&at(&percent), &[agent]), SENT_ON),
            ("broken encodings", get(&at("sub1=%ff%fe%00&%zz=%&=&&&;"), &[agent]), SENT_ON),
            ("line breaks in a value", get(&at("sub1=%0d%0aSet-Cookie:%20x=1"), &[agent]), SENT_ON),
            ("raw bytes in the address", raw_bytes, REFUSED),
            ("bytes that are no text as agent", binary_agent, SENT_ON),
            ("an agent of 24 kB", get(&at("sub1=c"), &[("User-Agent", &long_agent)]), EITHER),
            ("two thousand cookies", get(&at("sub1=d"), &[agent, ("Cookie", &cookies)]), EITHER),
            ("forged cookies", get(&at("sub1=e"), &[agent, ("Cookie", &forged)]), SENT_ON),
            ("a forged click id at a button", get("/go/1?cid=zzzzzzzzzzzzzzzzzzzzzzzzzz", &[agent]), &[404]),
            ("a forged token at a button", get(&format!("/go/1?ct={}", "A".repeat(5_000)), &[agent]), &[404]),
            ("a button without end", get("/go/99999999999999999999", &[agent]), &[404]),
            ("a forged second hop", get(&format!("/r/{}", "A".repeat(20_000)), &[agent]), REFUSED),
            ("five hundred headers", get(&at("sub1=f"), &[&[agent], &flood[..]].concat()), EITHER),
            ("three thousand hops", get(&at("sub1=g"), &[agent, ("X-Forwarded-For", &hops)]), EITHER),
            ("a referrer that is none", get(&at("sub1=h"), &[agent, ("Referer", "javascript:alert(1)//\t")]), SENT_ON),
            ("languages without end", get(&at("sub1=i"), &[agent, ("Accept-Language", &"x-".repeat(4_000))]), EITHER),
            ("a body where none belongs", [get(&at("sub1=j"), &[agent, ("Content-Length", "5")]), b"hello".to_vec()].concat(), EITHER),
            ("two lengths", get(&at("sub1=k"), &[agent, ("Content-Length", "5"), ("Content-Length", "6")]), REFUSED),
            ("no host at all", format!("GET {path} HTTP/1.0\r\nUser-Agent: {BROWSER}\r\n\r\n").into_bytes(), EITHER),
            ("a method of its own making", format!("FETCH {path} HTTP/1.1\r\nHost: t.example\r\n\r\n").into_bytes(), REFUSED),
            ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), REFUSED),
        ];
        for (what, bytes, allowed) in requests {
            let begun = Instant::now();
            let got = tokio::task::block_in_place(|| ask(address, &bytes));
            assert!(allowed.contains(&got), "{what} was answered {got}");
            assert!(begun.elapsed() < ANSWER_LONGEST, "{what} took {:?}", begun.elapsed());
            let person = app.click(&campaign).await;
            assert!(person.location.contains(&person.id), "a person after {what}");
        }
        app.settled().await;
        let quarantine = app.place.folder.path().join("journal").join("quarantine");
        assert!(!quarantine.exists(), "whatever came could be stored");
    }

    /// Two hundred senders that trickle their requests hold nobody up, and are hung up on.
    async fn slow_senders_wait_alone(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let address: SocketAddr = app.base.trim_start_matches("http://").parse().unwrap();
        let mut slow: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
        for stream in &mut slow {
            write!(stream, "GET /c/{} HTTP/1.1\r\nHost: t.exa", campaign.slug).unwrap();
        }
        for _ in 0..20 {
            let begun = Instant::now();
            app.click(&campaign).await;
            assert!(begun.elapsed() < Duration::from_secs(5), "a person waited {:?}", begun.elapsed());
        }
        let (begun, mut first) = (Instant::now(), slow.swap_remove(0));
        first.set_read_timeout(Some(ANSWER_LONGEST)).unwrap();
        let got = tokio::task::block_in_place(|| status(&mut first));
        assert!(REFUSED.contains(&got) && begun.elapsed() < ANSWER_LONGEST, "{got} after {:?}", begun.elapsed());
    }
}
