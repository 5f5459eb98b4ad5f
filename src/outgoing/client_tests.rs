use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A host on loopback that answers each request with the next of these texts, and tells what it was asked.
fn host(answers: Vec<String>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, asked) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let n = stream.read(&mut piece).unwrap();
                text.extend_from_slice(&piece[..n]);
                let whole = String::from_utf8_lossy(&text).to_ascii_lowercase();
                let length = whole.split_once("content-length: ").map_or(0, |(_, rest)| {
                    rest.split("\r\n").next().unwrap().trim().parse::<usize>().unwrap()
                });
                let is_whole = whole.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length);
                if n == 0 || is_whole {
                    break;
                }
            }
            sender.send(String::from_utf8_lossy(&text).into_owned()).unwrap();
            // A client that has read enough is gone before all is written.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

const WITHIN: Duration = Duration::from_secs(10);

#[test]
fn a_call_is_answered() {
    let (port, asked) = host(vec![answer("404 Not Found", "no such offer")]);
    let outgoing = Outgoing::start(true).unwrap();
    let call = Call {
        method: Method::Post,
        headers: vec![("X-Key".to_owned(), "k".to_owned())],
        body: Some(b"a=1".to_vec()),
        ..Call::get(&format!("http://127.0.0.1:{port}/p?x=%20y"), WITHIN, 100)
    };
    let answer = outgoing.send_blocking(call).unwrap();
    assert_eq!(
        (answer.code, answer.body.as_slice(), answer.is_cut),
        (404, b"no such offer".as_slice(), false)
    );
    assert!(!answer.is_success());
    let asked = asked.recv().unwrap();
    assert!(asked.starts_with("POST /p?x=%20y HTTP/1.1\r\n") && asked.ends_with("\r\n\r\na=1"), "{asked}");
    assert!(asked.contains("x-key: k\r\n") && asked.contains("user-agent: Clickledger/"), "{asked}");
}

#[test]
fn a_long_answer_is_cut() {
    let (port, _asked) = host(vec![answer("200 OK", &"x".repeat(100_000))]);
    let outgoing = Outgoing::start(true).unwrap();
    let answer =
        outgoing.send_blocking(Call::get(&format!("http://127.0.0.1:{port}/"), WITHIN, 2_048)).unwrap();
    assert_eq!((answer.body.len(), answer.is_cut), (2_048, true));
}

#[test]
fn own_addresses_are_not_called() {
    let outgoing = Outgoing::start(false).unwrap();
    for (url, kind) in [
        ("http://127.0.0.1:1/", "a loopback"),
        ("http://0x7f.1/", "a loopback"),
        ("http://2130706433/", "a loopback"),
        ("http://localhost:1/", "a loopback"),
        ("http://[::ffff:10.0.0.1]/", "a private"),
        ("http://169.254.169.254/latest/meta-data/", "a link-local"),
    ] {
        match outgoing.send_blocking(Call::get(url, WITHIN, 100)) {
            Err(Failure::NotAllowed { kind: found, .. }) => assert_eq!(found, kind, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://x/", "//x", "", "http://"] {
        let refused = outgoing.send_blocking(Call::get(url, WITHIN, 100));
        assert!(matches!(refused, Err(Failure::NoAddress(_))), "{url}: {refused:?}");
    }
}

#[test]
fn a_redirect_is_followed_and_keeps_its_secrets_from_others() {
    let (second, asked_second) = host(vec![answer("200 OK", "there")]);
    let (first, _asked) =
        host(vec![answer(&format!("302 Found\r\nLocation: http://127.0.0.1:{second}/b"), "")]);
    let outgoing = Outgoing::start(true).unwrap();
    let call = Call {
        method: Method::Post,
        headers: vec![("Authorization".to_owned(), "Bearer secret".to_owned())],
        body: Some(b"x".to_vec()),
        ..Call::get(&format!("http://127.0.0.1:{first}/a"), WITHIN, 100)
    };
    let answer = outgoing.send_blocking(call).unwrap();
    assert_eq!((answer.code, answer.url), (200, format!("http://127.0.0.1:{second}/b")));
    let asked = asked_second.recv().unwrap();
    assert!(asked.starts_with("GET /b ") && !asked.contains("secret"), "{asked}");
}

#[test]
fn a_redirect_is_looked_at_like_the_first_address() {
    let outgoing = Outgoing::start(false).unwrap();
    for to in ["http://127.0.0.1/x", "http://[::1]/", "file:///etc/passwd"] {
        assert!(outgoing.looked_at(to).is_err(), "{to}");
    }
    let (port, _asked) = host(vec![answer("302 Found\r\nLocation: file:///etc/passwd", "")]);
    let open = Outgoing::start(true).unwrap();
    let refused = open.send_blocking(Call::get(&format!("http://127.0.0.1:{port}/"), WITHIN, 100));
    assert!(matches!(refused, Err(Failure::NoAddress(_))), "{refused:?}");
}

#[test]
fn a_circle_of_redirects_ends() {
    let (port, _asked) = host(vec![answer("302 Found\r\nLocation: /again", ""); HOPS_MAX + 2]);
    let outgoing = Outgoing::start(true).unwrap();
    let refused = outgoing.send_blocking(Call::get(&format!("http://127.0.0.1:{port}/"), WITHIN, 100));
    assert_eq!(refused, Err(Failure::TooManyHops));
}

#[test]
fn silence_and_refusal_have_their_sentences() {
    let outgoing = Outgoing::start(true).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let within = Duration::from_millis(300);
    assert_eq!(outgoing.send_blocking(Call::get(&url, within, 100)), Err(Failure::TimedOut(within)));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = outgoing.send_blocking(Call::get(&format!("http://{closed}/"), WITHIN, 100));
    assert!(matches!(refused, Err(Failure::NotConnected(_))), "{refused:?}");
    let unknown =
        outgoing.send_blocking(Call::get(&format!("http://{}.invalid/", "x".repeat(64)), WITHIN, 100));
    assert!(matches!(unknown, Err(Failure::UnknownHost(_))), "{unknown:?}");
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    thread::spawn(move || plain.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let unsafe_one = outgoing.send_blocking(Call::get(&format!("https://127.0.0.1:{port}/"), WITHIN, 100));
    assert!(matches!(unsafe_one, Err(Failure::NotSafe(_))), "{unsafe_one:?}");
}

#[test]
fn a_bad_header_is_named() {
    let outgoing = Outgoing::start(true).unwrap();
    for (name, value) in [("bad name", "x"), ("X-A", "line\r\nbreak"), ("", "x")] {
        let call = Call {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Call::get("http://127.0.0.1:1/", WITHIN, 100)
        };
        assert_eq!(outgoing.send_blocking(call), Err(Failure::BadHeader(name.to_owned())));
    }
}
