//! What the public doors count, each worker for itself, and its text for Prometheus.

use super::Tracker;
use crate::clicks::{Health, Journal};
use crate::conversions::Verdict;
use crate::domain::histogram::{Buckets, Histogram};
use crate::domain::verdict::Code;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bounds of a latency's buckets in microseconds: from the fastest redirect to the slowest postback.
const LATENCY_BOUNDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000,
];

/// Where a click ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At an offer.
    Offer,
    /// At a lander.
    Lander,
    /// At a fallback, since no path was left.
    Fallback,
    /// At our own page: not even a fallback was left.
    Nowhere,
    /// Its address belongs to no campaign.
    Unknown,
    /// Sent on, but its record could not be kept: no click id.
    NotKept,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Offer, Self::Lander, Self::Fallback, Self::Nowhere, Self::Unknown, Self::NotKept];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Lander => "lander",
            Self::Fallback => "fallback",
            Self::Nowhere => "nowhere",
            Self::Unknown => "unknown",
            Self::NotKept => "not_kept",
        }
    }
}

/// What one worker counts: nothing here is written by another.
#[derive(Debug)]
pub struct WorkerMetrics {
    clicks: [AtomicU64; Outcome::ALL.len()],
    redirects: Histogram,
}

impl WorkerMetrics {
    /// Counts a click and how long it took to be answered.
    pub fn count_click(&self, outcome: Outcome, took: Duration) {
        for (known, count) in Outcome::ALL.iter().zip(&self.clicks) {
            if *known == outcome {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.redirects.observe(micros(took));
    }
}

/// What all workers count.
#[derive(Debug)]
pub struct Metrics {
    workers: Mutex<Vec<Arc<WorkerMetrics>>>,
    postbacks: Histogram,
    verdicts: Vec<AtomicU64>,
    not_stored: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            workers: Mutex::default(),
            postbacks: Histogram::new(LATENCY_BOUNDS),
            verdicts: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            not_stored: AtomicU64::new(0),
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl Metrics {
    /// The counters of one more worker.
    #[must_use]
    pub fn worker(&self) -> Arc<WorkerMetrics> {
        let own =
            Arc::new(WorkerMetrics { clicks: Default::default(), redirects: Histogram::new(LATENCY_BOUNDS) });
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&own));
        own
    }

    /// Counts a postback and how long it took to be answered; `None` where it could not be stored.
    pub fn count_postback(&self, verdict: Option<&Verdict>, took: Duration) {
        let code = verdict.map(|verdict| verdict.code);
        let known = Code::ALL.iter().zip(&self.verdicts).find(|(known, _)| Some(**known) == code);
        known.map_or(&self.not_stored, |(_, count)| count).fetch_add(1, Ordering::Relaxed);
        self.postbacks.observe(micros(took));
    }

    /// All clicks by outcome, and how long they took.
    fn clicks(&self) -> ([u64; Outcome::ALL.len()], Buckets) {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut clicks, mut took) = ([0; Outcome::ALL.len()], Buckets::empty(LATENCY_BOUNDS));
        for worker in workers.iter() {
            for (sum, count) in clicks.iter_mut().zip(&worker.clicks) {
                *sum += count.load(Ordering::Relaxed);
            }
            took.add(&worker.redirects.buckets());
        }
        (clicks, took)
    }
}

/// The text of `/metrics`, in Prometheus' format (text version 0.0.4).
#[must_use]
pub fn text(tracker: &Tracker, journal: &Journal, now_ms: i64) -> String {
    let mut out = Text(String::new());
    let metrics = &tracker.metrics;
    let (clicks, redirects) = metrics.clicks();
    out.head("clickledger_clicks_total", "counter", "Clicks answered, by where they ended.");
    for (outcome, count) in Outcome::ALL.iter().zip(clicks) {
        out.line("clickledger_clicks_total", &format!("{{outcome=\"{}\"}}", outcome.as_str()), count);
    }
    let about = "From a click's request to its answer.";
    out.histogram("clickledger_redirect_seconds", about, &redirects, Unit::Micros);
    out.head("clickledger_postbacks_total", "counter", "Postbacks answered, by verdict.");
    for (code, count) in Code::ALL.iter().zip(&metrics.verdicts) {
        let labels = format!("{{result=\"{}\",code=\"{}\"}}", code.result().as_str(), code.as_str());
        out.line("clickledger_postbacks_total", &labels, count.load(Ordering::Relaxed));
    }
    let about = "Postbacks turned away and not stored, by why: after too many refused ones, or over an advertiser's rate.";
    out.head("clickledger_postbacks_turned_away_total", "counter", about);
    for (code, count) in tracker.postbacks.count_turned_away() {
        out.line(
            "clickledger_postbacks_turned_away_total",
            &format!("{{code=\"{}\"}}", code.as_str()),
            count,
        );
    }
    let about = "Postbacks that could not be stored: answered 503, sent again by their senders.";
    out.one("clickledger_postbacks_not_stored_total", "counter", about, &metrics.not_stored);
    let about = "From a postback's request to its verdict, stored.";
    out.histogram("clickledger_postback_seconds", about, &metrics.postbacks.buckets(), Unit::Micros);
    deliveries_text(&mut out, tracker, now_ms);
    journal_text(&mut out, tracker, journal, now_ms);
    out.0
}

fn deliveries_text(out: &mut Text, tracker: &Tracker, now_ms: i64) {
    let gauges = &tracker.deliveries;
    let about = "Attempts to tell destinations of conversions, by what came of them.";
    out.head("clickledger_delivery_attempts_total", "counter", about);
    for (outcome, count) in [("sent", &gauges.sent), ("failed", &gauges.failed)] {
        let labels = format!("{{outcome=\"{outcome}\"}}");
        out.line("clickledger_delivery_attempts_total", &labels, count.load(Ordering::Relaxed));
    }
    let about = "Deliveries that are not tried again by themselves.";
    out.one("clickledger_deliveries_failed_total", "counter", about, &gauges.given_up);
    let about = "Deliveries for which there was nothing to send.";
    out.one("clickledger_deliveries_skipped_total", "counter", about, &gauges.skipped);
    let about = "Deliveries to be sent, of all nodes.";
    out.one("clickledger_deliveries_due", "gauge", about, &gauges.due);
    let about = "How long ago the oldest delivery that is to be sent was queued.";
    out.head("clickledger_deliveries_oldest_due_seconds", "gauge", about);
    let age = seconds(gauges.oldest_due_age_ms(now_ms).saturating_mul(1_000));
    out.line("clickledger_deliveries_oldest_due_seconds", "", age);
}

fn journal_text(out: &mut Text, tracker: &Tracker, journal: &Journal, now_ms: i64) {
    let gauges = tracker.ingested.gauges();
    let health = Health::look(journal, &tracker.ingested, now_ms);
    let value = |number: u64| AtomicU64::new(number);
    let gauge = |out: &mut Text, name, about, number| out.one(name, "gauge", about, &value(number));
    let about = "Bytes of the journal that are not in the database yet.";
    gauge(out, "clickledger_journal_waiting_bytes", about, health.waiting_bytes);
    let about = "Bytes of the journal that may wait for the database; 0 where only the disk limits them.";
    gauge(out, "clickledger_journal_waiting_bytes_max", about, health.bytes_max.unwrap_or(0));
    out.head("clickledger_journal_age_seconds", "gauge", "How old what waits in the journal may be.");
    out.line(
        "clickledger_journal_age_seconds",
        "",
        seconds(u64::try_from(health.age_ms).unwrap_or(0) * 1_000),
    );
    let about = "Bytes of the journal on the disk, what is kept for a while included.";
    gauge(out, "clickledger_journal_disk_bytes", about, health.disk_bytes);
    let about = "Whether space is set aside for a full disk.";
    gauge(out, "clickledger_journal_reserve", about, u64::from(health.has_reserve));
    let about = "Clicks that could not be kept: their visitors were sent on without a click id.";
    out.one("clickledger_journal_lost_total", "counter", about, &journal.lost);
    let about = "Records of the journal moved into the database.";
    out.one("clickledger_ingested_records_total", "counter", about, &gauges.rows);
    let about = "Records of one transaction.";
    out.histogram("clickledger_ingest_batch_records", about, &gauges.batch_rows.buckets(), Unit::Pieces);
    let about = "Times that the database refused what the journal brought.";
    out.one("clickledger_ingest_failures_total", "counter", about, &gauges.failures);
    let about = "Records in quarantine: damaged, or refused by the database.";
    gauge(out, "clickledger_quarantined_records", about, health.quarantined);
}

/// What a histogram counts.
#[derive(Clone, Copy)]
enum Unit {
    /// Microseconds, told as seconds.
    Micros,
    /// Pieces.
    Pieces,
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, about: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, about: &str, value: &AtomicU64) {
        self.head(name, kind, about);
        self.line(name, "", value.load(Ordering::Relaxed));
    }

    fn histogram(&mut self, name: &str, about: &str, buckets: &Buckets, unit: Unit) {
        self.head(name, "histogram", about);
        let told = |number: u64| match unit {
            Unit::Micros => seconds(number),
            Unit::Pieces => number.to_string(),
        };
        let (mut sum, counted) = (0, buckets.bounds.iter().zip(&buckets.counts));
        for (bound, count) in counted {
            sum += count;
            self.line(&format!("{name}_bucket"), &format!("{{le=\"{}\"}}", told(*bound)), sum);
        }
        self.line(&format!("{name}_bucket"), "{le=\"+Inf\"}", buckets.count());
        self.line(&format!("{name}_sum"), "", told(buckets.sum));
        self.line(&format!("{name}_count"), "", buckets.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_told_as_running_sums_in_seconds() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.worker(), metrics.worker());
        one.count_click(Outcome::Offer, Duration::from_micros(60));
        other.count_click(Outcome::Offer, Duration::from_micros(200));
        other.count_click(Outcome::NotKept, Duration::from_secs(60));
        let (clicks, took) = metrics.clicks();
        assert_eq!(clicks, [2, 0, 0, 0, 0, 1]);
        let mut out = Text(String::new());
        out.histogram("x_seconds", "About.", &took, Unit::Micros);
        for line in [
            "# TYPE x_seconds histogram",
            "x_seconds_bucket{le=\"0.000050\"} 0",
            "x_seconds_bucket{le=\"0.000100\"} 1",
            "x_seconds_bucket{le=\"0.000250\"} 2",
            "x_seconds_bucket{le=\"5.000000\"} 2",
            "x_seconds_bucket{le=\"+Inf\"} 3",
            "x_seconds_sum 60.000260",
            "x_seconds_count 3",
        ] {
            assert!(out.0.lines().any(|found| found == line), "{line} is not in\n{}", out.0);
        }
    }

    #[test]
    fn every_verdict_has_its_counter() {
        let metrics = Metrics::default();
        for code in Code::ALL {
            metrics.count_postback(Some(&Verdict::new(*code, "")), Duration::ZERO);
        }
        metrics.count_postback(None, Duration::ZERO);
        assert!(metrics.verdicts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        assert_eq!(metrics.not_stored.load(Ordering::Relaxed), 1);
    }
}
