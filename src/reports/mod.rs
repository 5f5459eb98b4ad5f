//! Reports: query -> rows of figures, over periods in any time zone.

mod attention;
mod csv;
mod dashboard;
mod health;
mod peers;
mod period;
mod query;
mod rebuild;
mod sums;
mod unusual;

pub use crate::domain::zone::{TimeZone, UnknownZone};
pub use attention::{Attention, attention};
pub use csv::{csv, push_line as csv_line, text as csv_text};
pub use dashboard::{Dashboard, DashboardQuery, Point, campaign_list, dashboard};
pub use health::{Alert, AlertKind, DAY_MS, Hours, Verdicts, alerts};
pub use peers::{PEER_DAYS, PeerFigures, Peers, Ways, peers};
pub use period::{BUCKETS_MAX, Bucket, Compared, Period, PeriodError, Preset, Step};
pub use query::{By, CampaignFacts, Error, Order, Query, Report, Row, plain, report};
pub use rebuild::{Difference, rebuild, verify};
pub use unusual::{Share, UnusualShare, Whose, unusual_shares};

#[cfg(test)]
mod tests;
