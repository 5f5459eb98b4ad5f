//! Load at a steady rate: so many requests a second over so many connections, each sent at its time whether those before it
//! were answered or not. What a request waits for its turn counts: a server that stands still for a moment is seen by
//! everybody who comes in that moment.
//!
//!     steady ADDRESS TARGET RATE CONNECTIONS SECONDS
//!
//! prints requests, p50, p99, p99.9 and the longest, in microseconds, as one line of JSON.

use anyhow::{Context as _, ensure};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A phone's agent, as the other benchmarks send it.
const AGENT: &str = "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/124.0.0.0 Mobile Safari/537.36";

/// What is sent before the measuring begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// One connection: its requests lie so far apart, from a moment on.
struct Turn {
    address: String,
    request: Vec<u8>,
    begin: Instant,
    apart: Duration,
    until: Instant,
}

async fn run(turn: Turn) -> anyhow::Result<Vec<u64>> {
    let mut stream = TcpStream::connect(&turn.address).await.context("no connection")?;
    stream.set_nodelay(true)?;
    let (mut waits, mut buffer, mut due) = (Vec::new(), vec![0; 16 * 1024], turn.begin);
    let measured_from = turn.begin + WARM_UP;
    while due < turn.until {
        tokio::time::sleep_until(due.into()).await;
        stream.write_all(&turn.request).await?;
        let mut filled = 0;
        loop {
            let free = buffer.get_mut(filled..).filter(|free| !free.is_empty()).context("a long answer")?;
            let count = stream.read(free).await?;
            ensure!(count > 0, "the connection was closed");
            filled += count;
            let head = buffer.get(..filled).unwrap_or_default();
            if head.windows(4).any(|end| end == b"\r\n\r\n") {
                ensure!(head.starts_with(b"HTTP/1.1 302"), "{}", String::from_utf8_lossy(head));
                break;
            }
        }
        if due >= measured_from {
            waits.push(u64::try_from(due.elapsed().as_micros())?);
        }
        due += turn.apart;
    }
    Ok(waits)
}

/// The wait that so many of a thousand stay below.
fn per_mille(waits: &[u64], share: usize) -> u64 {
    let at = waits.len().saturating_mul(share) / 1_000;
    waits.get(at.min(waits.len().saturating_sub(1))).copied().unwrap_or(0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, target, rate, connections, seconds] = words.as_slice() else {
        anyhow::bail!("steady ADDRESS TARGET RATE CONNECTIONS SECONDS");
    };
    let (rate, connections, seconds): (f64, u32, u64) =
        (rate.parse()?, connections.parse()?, seconds.parse()?);
    let apart = Duration::from_secs_f64(f64::from(connections) / rate);
    let begin = Instant::now() + Duration::from_millis(200);
    let until = begin + WARM_UP + Duration::from_secs(seconds);
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {AGENT}\r\n\r\n").into_bytes();
    let turn = |number: u32| Turn {
        address: address.clone(),
        request: request.clone(),
        begin: begin + apart.mul_f64(f64::from(number) / f64::from(connections)),
        apart,
        until,
    };
    let running: Vec<_> = (0..connections).map(|number| tokio::spawn(run(turn(number)))).collect();
    let mut waits = Vec::new();
    for one in running {
        waits.extend(one.await??);
    }
    waits.sort_unstable();
    #[allow(clippy::print_stdout, reason = "the result of a benchmark")]
    {
        println!(
            "{{\"requests\": {}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"longest_us\": {}}}",
            waits.len(),
            per_mille(&waits, 500),
            per_mille(&waits, 990),
            per_mille(&waits, 999),
            waits.last().copied().unwrap_or(0)
        );
    }
    Ok(())
}
