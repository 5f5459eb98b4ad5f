//! Rows a second from the journal into the database, sums included, with so many rows there already.
//!
//!     cargo run --release --example ingest -- [DATABASE_URL] [ROWS_BEFORE] [ROWS] [ROUNDS]
//!
//! Without a URL: SQLite in a folder that is removed at the end. A PostgreSQL database should be an empty one of its
//! own. The clicks are written to a journal first; what is timed is the ingester alone, from its start until every row
//! is committed. Every row is then counted.

#![allow(clippy::print_stdout, reason = "its figures are printed")]

use clickledger::clicks::{Durability, Ingester, Journal};
use clickledger::db::rollups::{self, Grain, SumQuery};
use clickledger::db::{Db, Error, Priority, partitions};
use clickledger::domain::click::ClickRecord;
use clickledger::domain::click_id::ClickId;
use clickledger::domain::rollup::Attribution;
use clickledger::domain::{Country, Device, Language};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Clicks come over so many days, to so many campaigns.
const DAYS: i64 = 30;
const CAMPAIGNS: i64 = 100;

/// The first of the clicks, Unix milliseconds.
const START_MS: i64 = 1_780_272_000_000;

fn click(number: i64, all: i64) -> ClickRecord<&'static str> {
    let at_ms = START_MS + DAYS * 86_400_000 / all.max(1) * number;
    let random: [u8; 10] = rand::random();
    ClickRecord {
        id: ClickId::new(at_ms, random),
        clicked_at_ms: at_ms,
        campaign_id: 1 + i64::from(random[0]) % CAMPAIGNS,
        source_id: Some(1),
        path_id: Some(1),
        rule_id: None,
        lander_id: None,
        offer_id: Some(1),
        refusal: None,
        external_id: Some("a91f7c2be44d4d0c8a7f3e21"),
        cost_original_micros: Some(12_500),
        cost_currency: None,
        cost_micros: 12_500,
        country: Country::parse("DE"),
        region: None,
        city: None,
        isp: None,
        asn: None,
        connection: None,
        device: Device::Mobile,
        brand: Some("Samsung"),
        model: Some("SM-S918B"),
        os: Some("Android"),
        os_version: Some("14"),
        browser: Some("Chrome Mobile"),
        browser_version: Some("131.0"),
        language: Language::parse("de"),
        referrer_host: Some("news.example"),
        address: Some([198, 51, 100, random[1]].into()),
        agent_id: 7,
        agent: "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                Mobile Safari/537.36",
        domain: Some("track.example"),
        is_unique: true,
        bot: None,
        is_test: false,
        is_cut: false,
        params: Vec::new(),
        subs: vec![(1, "zone-48213"), (2, "4117"), (3, "77004")],
    }
}

/// Writes clicks to a new journal, then moves them; returns how long the moving took.
async fn round(db: &Arc<Db>, folder: &Path, first: i64, rows: i64, all: i64) -> anyhow::Result<Duration> {
    let journal = Journal::begin(folder, Durability::Process, None)?;
    let worker = journal.worker()?;
    for number in first..first + rows {
        let written = worker.append_click(&click(number, all));
        if number % 1_000 == 999 {
            worker.flush();
            anyhow::ensure!(written.await.is_ok(), "the journal takes no click");
        }
    }
    worker.flush();
    journal.stop();
    let started = Instant::now();
    let (ingested, thread) = Ingester::start(Arc::clone(db), Arc::clone(&journal), 1)?;
    let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_millis())?;
    anyhow::ensure!(ingested.wait_for(now_ms, Duration::from_secs(600)).await, "not moved in ten minutes");
    let took = started.elapsed();
    ingested.stop();
    anyhow::ensure!(thread.join().is_ok(), "the ingester panicked");
    journal.stop();
    std::fs::remove_dir_all(journal.folder())?;
    Ok(took)
}

/// Clicks by the sums, which take only rows that were really inserted.
fn count(db: &Db) -> Result<i64, Error> {
    let whole = SumQuery {
        from_ms: START_MS,
        to_ms: START_MS + (DAYS + 1) * 86_400_000,
        attribution: Attribution::ClickTime,
        is_test: false,
        campaign_ids: None,
    };
    let sums = db.read(|conn| rollups::by_campaign(conn, Grain::Hour, &whole))?;
    Ok(sums.iter().map(|group| group.sums.clicks).sum())
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).peekable();
    let folder = std::env::temp_dir().join(format!("clickledger-ingest-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let url = args.next_if(|arg| arg.contains("://"));
    let url = url.unwrap_or_else(|| format!("sqlite://{}/bench.db", folder.display()));
    let mut number = |usual: i64| args.next().map_or(Ok(usual), |text| text.replace('_', "").parse());
    let (before, rows, rounds) = (number(5_000_000)?, number(500_000)?, number(5)?);
    let all = before + rows * rounds;
    let db = Arc::new(Db::open(&url, false)?);
    db.write(Priority::Maintenance, |conn| partitions::ensure(conn, START_MS, START_MS + DAYS * 86_400_000))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let mut speeds = Vec::new();
    local.block_on(&runtime, async {
        if before > 0 {
            let took = round(&db, &folder, 0, before, all).await?;
            println!("{before} rows first: {:.0} a second", speed(before, took));
        }
        for turn in 0..rounds {
            let took = round(&db, &folder, before + turn * rows, rows, all).await?;
            println!("{rows} rows more: {:.0} a second", speed(rows, took));
            speeds.push(speed(rows, took));
        }
        anyhow::Ok(())
    })?;
    speeds.sort_by(f64::total_cmp);
    if let (Some(least), Some(median), Some(most)) =
        (speeds.first(), speeds.get(speeds.len() / 2), speeds.last())
    {
        println!("rows a second: {median:.0} ({least:.0}-{most:.0})");
    }
    println!("counted: {} of {all}", count(&db)?);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn speed(rows: i64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}
