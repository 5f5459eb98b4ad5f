//! HTTP written by hand over one connection that is kept: for counting exactly what was answered, also when
//! the server dies in the middle of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// A whole answer. One that was cut off is none.
pub struct Whole {
    /// Its status.
    pub status: u16,
    /// Its `Location`.
    pub location: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Opens one; `None` where nobody listens.
    pub fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream: BufReader::new(stream) })
    }

    /// Asks, and reads the whole answer; `None` where it did not come whole.
    pub fn get(&mut self, path: &str) -> Option<Whole> {
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: t.example\r\nUser-Agent: {}\r\n\r\n", crate::app::BROWSER);
        self.stream.get_mut().write_all(head.as_bytes()).ok()?;
        let status = self.line()?.split(' ').nth(1)?.parse().ok()?;
        let (mut location, mut length) = (None, 0);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.trim().to_owned()),
                "content-length" => length = value.trim().parse().ok()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(Whole { status, location, body })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let whole = line.strip_suffix("\r\n")?;
        Some(whole.to_owned())
    }
}
