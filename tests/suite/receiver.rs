//! A server of somebody else's, on loopback: it is told of conversions, and tells the story what it was told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET /path HTTP/1.1`.
    pub line: String,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Seen {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The server. It ends with the process.
pub struct Receiver {
    /// Where it listens: `http://127.0.0.1:1234`.
    pub base: String,
    seen: mpsc::Receiver<Seen>,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::answering(&[])
    }

    /// One that answers with these codes in turn, and then with 200.
    pub fn answering(codes: &[u16]) -> Self {
        let mut codes: Vec<u16> = codes.to_vec();
        codes.reverse();
        let codes = Arc::new(Mutex::new(codes));
        Self::with(move || codes.lock().unwrap().pop().unwrap_or(200))
    }

    /// One that a function answers for.
    pub fn with(code: impl Fn() -> u16 + Clone + Send + 'static) -> Self {
        Self::speaking(move |_| {
            let code = code();
            (code, format!("answered {code}"))
        })
    }

    /// One whose answers follow from what it was told: a code and a body.
    pub fn speaking(answer: impl Fn(&Seen) -> (u16, String) + Clone + Send + 'static) -> Self {
        let (sender, seen) = channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, answer) = (sender.clone(), answer.clone());
                std::thread::spawn(move || serve(&stream, &sender, answer));
            }
        });
        Self { base, seen }
    }

    /// One that takes connections and never says a word.
    pub fn silent() -> Self {
        let (_, seen) = channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let _kept: Vec<TcpStream> = listener.incoming().flatten().collect();
        });
        Self { base, seen }
    }

    /// What it was told next.
    pub fn next(&self) -> Seen {
        self.seen.recv_timeout(crate::app::PATIENCE).expect("nothing was told")
    }

    /// All that it was told and nobody has asked for yet.
    pub fn rest(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }

    /// Whether it is told nothing more for a moment.
    pub fn is_quiet(&self) -> bool {
        self.seen.recv_timeout(Duration::from_millis(500)).is_err()
    }
}

/// Answers one connection's requests.
fn serve(stream: &TcpStream, seen: &Sender<Seen>, answer: impl Fn(&Seen) -> (u16, String)) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let body = {
            // Told first: who has its answer may ask what was told.
            let (code, said) = answer(&request);
            let _story_is_over = seen.send(request);
            format!("HTTP/1.1 {code} Said\r\nContent-Length: {}\r\n\r\n{said}", said.len())
        };
        if (&*stream).write_all(body.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).ok()? })
}
