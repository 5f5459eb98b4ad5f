//! Clickledger: a self-hosted affiliate tracker. Every click on the ledger, every conversion accounted for.
//!
//! One binary holds the click redirect, the postback endpoint and the dashboards; one database of record
//! (SQLite, or PostgreSQL by `DATABASE_URL`) holds what they wrote.
//!
//! # The house
//!
//! The folders are the architecture. Imports point down only, rooms on one floor do not import each other,
//! and a test reads the `use` lines:
//!
//! ```text
//! main, commands                    the command line
//! server                            the state's parts, their start and their end
//! tracking | pages | api            the public doors, the dashboards, /api/v1
//! http                              what all doors share: errors, sign-in, extractor types, client address
//! conversions | entities            judge and record a postback; create, change and archive what people edit
//! deliveries                        who is told of conversions; the outbox and what sends it
//! routing | clicks | reports        which offer a click goes to; journal and ingester; figures
//! visitor | outgoing                who a visitor is; calls to other hosts
//! db                                the only place that knows Diesel and SQL
//! domain | rounds                   words and rules: no I/O, no clock; the thread that wakes and looks
//! ```
//!
//! [`config`] is for [`commands`] and [`server`] alone.
//!
//! # Invariants
//!
//! 1. The click path never reads the database (one bounded exception: a lander button whose click nobody
//!    remembers).
//! 2. No click id leaves the house before its click is in the journal; the journal is emptied only by a
//!    committed transaction.
//! 3. An answered postback is stored (429 excepted); the answer is the verdict.
//! 4. A conversion, its change row, its deliveries and its counters are one transaction.
//! 5. No float holds money. Every report equals the same question asked of the raw tables (where raw rows
//!    are still kept).
//! 6. Nothing below `http` knows HTTP; nothing above `db` knows Diesel or SQL; templates do no arithmetic.
//! 7. A crash at any instruction loses no answered click, postback or due delivery, and doubles no click or
//!    conversion.
//! 8. The caches (catalog; rollups where raw rows are kept) can be deleted and rebuilt at any time from the
//!    database of record.
//!
//! # The way of one click
//!
//! `tracking::click` collects facts (address, agent, query, cookies, now, a new id) → [`visitor`] describes →
//! [`routing`] decides: a path, a lander, an offer by weight, macros filled, or why not → [`clicks`] appends
//! the record to this worker's journal (one write per turn of its event loop) → 302. Behind it the ingester
//! moves the journal into the database: rows, sums and the journal's position in one transaction.
//!
//! # The way of one postback
//!
//! `tracking::postback` hands the request over as it came → `conversions::judge` runs named checks in order,
//! each able to end with a verdict, and `conversions::trust` looks at who sent it: key, address, signature → the writer takes up to 256 waiting ones into one transaction: each is
//! inserted under its identity (click, event, txid, seq) or changes the conversion that is there; its change
//! row, sums and the raw request with its verdict go with it → answered after the commit. What pages report by
//! themselves (`tracking::pixel`) goes the same way, and waits there without money for the postback that confirms it.

pub mod api;
pub mod clicks;
pub mod commands;
pub mod config;
pub mod conversions;
pub mod db;
pub mod deliveries;
pub mod domain;
pub mod entities;
pub mod http;
pub mod outgoing;
pub mod pages;
pub mod reports;
pub mod rounds;
pub mod routing;
pub mod server;
pub mod tracking;
pub mod visitor;
