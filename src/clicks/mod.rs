//! The click ledger: the journal (append, then answer), and the ingester that moves it into the database.

mod batch;
mod frame;
mod gauges;
mod health;
mod import;
mod ingester;
mod journal;
mod move_rows;
mod mover;
mod reader;
mod space;

pub use batch::{NotKept, Written};
pub use gauges::Gauges;
pub use health::Health;
pub use import::{ImportError, Imported, import_journals};
pub use ingester::{Ingested, Ingester};
pub use journal::{Durability, Journal, WorkerJournal};
