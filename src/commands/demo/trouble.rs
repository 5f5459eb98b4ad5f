//! Postbacks that did not count, as they happen to everybody: macros left as they were, words nobody mapped, ids lost.

use super::catalog::Catalog;
use super::random::Random;
use super::{DemoOptions, DemoSummary};
use crate::conversions::{self, Incoming, Judged};
use crate::db::ledger::{Draft, Numbers};
use crate::db::postbacks::NewPostback;
use crate::db::{Db, Error, Priority, Result};
use crate::domain::click_id::ClickId;
use crate::domain::rollup::HOUR_MS;

/// A place in the list of advertisers where none stands.
const NOBODY: usize = 40;

/// How far back they reach.
const SPAN_MS: i64 = 26 * HOUR_MS;

/// Reads a postback of an advertiser as the ledger does; beyond the list it comes to nobody's key.
pub(super) fn read(catalog: &Catalog, advertiser: usize, query: String, received_at_ms: i64) -> Judged {
    let id = catalog.advertisers.get(advertiser);
    let key = id.and_then(|id| catalog.routes.advertiser(*id)).map_or("nobodys-key", |route| &route.key);
    let incoming = Incoming {
        key: key.to_owned(),
        method: "GET".to_owned(),
        address: format!("198.51.100.{}", 200 + advertiser % 50),
        query: query.into_bytes(),
        received_at_ms,
        ..Incoming::default()
    };
    conversions::read(incoming, &catalog.routes)
}

/// What went wrong: whose, how often, and the postback of a time. The ledger's own reading says why.
struct Trouble {
    advertiser: Option<usize>,
    count: u64,
    make: fn(&mut Random, i64) -> String,
}

const TROUBLES: &[Trouble] = &[
    Trouble { advertiser: Some(0), count: 14, make: |_, _| "cid=%7Bsub2%7D&payout=6.60".to_owned() },
    Trouble {
        advertiser: Some(1),
        count: 6,
        make: |random, at_ms| {
            let id = made_up(random, at_ms);
            format!("cid={id}&payout=26.00&txid={}&status=double", random.hex(12))
        },
    },
    Trouble {
        advertiser: Some(2),
        count: 3,
        make: |random, at_ms| {
            let id = made_up(random, at_ms);
            format!("cid={id}&payout=4.25&txid={}", random.hex(12))
        },
    },
    Trouble {
        advertiser: Some(3),
        count: 5,
        make: |random, _| format!("cid=w{}&payout=2.95&txid={}", random.hex(23), random.hex(12)),
    },
    Trouble {
        advertiser: Some(3),
        count: 4,
        make: |random, _| format!("payout=1.05&txid={}", random.hex(12)),
    },
    Trouble {
        advertiser: Some(4),
        count: 2,
        make: |random, at_ms| format!("cid={}&payout=65%2C000&status=confirmed", made_up(random, at_ms)),
    },
    Trouble { advertiser: None, count: 2, make: |random, _| format!("cid={}&payout=9.00", random.hex(26)) },
];

/// An id of ours that was never handed out.
fn made_up(random: &mut Random, at_ms: i64) -> ClickId {
    ClickId::new(at_ms - random.between(60_000, 20 * HOUR_MS), random.bytes())
}

/// Stores them, spread over the last day.
pub(super) fn store(
    db: &Db,
    catalog: &Catalog,
    options: &DemoOptions,
    summary: &mut DemoSummary,
) -> Result<()> {
    let mut random = Random::of(options.seed, 3);
    let mut all: Vec<NewPostback> = Vec::new();
    for trouble in TROUBLES {
        for _ in 0..trouble.count {
            let at_ms = options.now_ms - random.between(60_000, SPAN_MS);
            let query = (trouble.make)(&mut random, at_ms);
            let judged = read(catalog, trouble.advertiser.unwrap_or(NOBODY), query, at_ms);
            all.push(judged.to_row(&judged.without_click()));
        }
    }
    all.sort_by_key(|postback| postback.received_at_ms);
    summary.postbacks += u64::try_from(all.len()).unwrap_or(0);
    db.write::<_, Error>(Priority::Maintenance, |conn| {
        let mut numbers = Numbers::default();
        let mut draft = Draft::new(conn, &mut numbers, all.len());
        for postback in all {
            draft.keep(conn, postback)?;
        }
        draft.write(conn)
    })
}
