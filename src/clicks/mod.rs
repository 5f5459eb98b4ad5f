//! The click ledger: the journal (append, then answer), and the ingester that moves it into the database.

mod batch;
mod frame;
mod ingester;
mod journal;
mod move_rows;
mod reader;

pub use batch::{NotKept, Written};
pub use ingester::{Ingested, Ingester};
pub use journal::{Durability, Journal, WorkerJournal};
