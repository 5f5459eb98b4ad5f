//! Postbacks that did not count, as they happen to everybody: macros left as they were, words nobody mapped, ids lost.

use super::catalog::Catalog;
use super::random::Random;
use super::{DemoOptions, DemoSummary};
use crate::db::postbacks::{self, NewPostback};
use crate::db::{Db, Error, Priority, Result};
use crate::domain::click_id::ClickId;
use crate::domain::rollup::HOUR_MS;
use crate::domain::verdict::Code;
use sha2::{Digest as _, Sha256};

/// How far back they reach.
const SPAN_MS: i64 = 26 * HOUR_MS;

/// A postback as it is kept; what it names is added by whoever knows it.
pub(super) fn postback(
    at_ms: i64,
    advertiser_id: Option<i64>,
    advertiser: usize,
    query: &str,
    code: Code,
    message: String,
) -> NewPostback {
    let mut request_hash = [0; 16];
    for (to, from) in request_hash.iter_mut().zip(Sha256::digest(query.as_bytes())) {
        *to = from;
    }
    NewPostback {
        received_at_ms: at_ms,
        advertiser_id,
        method: "GET".to_owned(),
        address: format!("198.51.100.{}", 200 + advertiser % 50),
        content_type: None,
        raw_query: query.as_bytes().to_vec(),
        raw_body: Vec::new(),
        request_hash,
        code,
        message,
        click_id: None,
        event: None,
        txid: None,
        conversion_id: None,
        is_test: false,
        is_waiting: false,
    }
}

/// What went wrong: whose, how often, and the postback of the number given.
struct Trouble {
    advertiser: Option<usize>,
    count: u64,
    code: Code,
    make: fn(&mut Random, i64) -> (String, String, Option<ClickId>),
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        advertiser: Some(0),
        count: 14,
        code: Code::UnresolvedMacro,
        make: |_, _| {
            let message =
                "The parameter cid holds the macro {sub2} as it stands: the sender did not replace it.";
            ("cid=%7Bsub2%7D&payout=6.60".to_owned(), message.to_owned(), None)
        },
    },
    Trouble {
        advertiser: Some(1),
        count: 6,
        code: Code::UnknownStatus,
        make: |random, at_ms| {
            let id = made_up(random, at_ms);
            let message = "The status \"double\" is not known for this advertiser: add it to the status map.";
            (
                format!("cid={id}&payout=26.00&txid={}&status=double", random.hex(12)),
                message.to_owned(),
                Some(id),
            )
        },
    },
    Trouble {
        advertiser: Some(2),
        count: 3,
        code: Code::ParkedUnknownClick,
        make: |random, at_ms| {
            let id = made_up(random, at_ms);
            let message = "This click id has the form of ours, but no such click is stored.";
            (format!("cid={id}&payout=4.25&txid={}", random.hex(12)), message.to_owned(), Some(id))
        },
    },
    Trouble {
        advertiser: Some(3),
        count: 5,
        code: Code::ParkedForeignClick,
        make: |random, _| {
            let message = "This click id is not ours in form: another tracker's, cut or altered.";
            (format!("cid=w{}&payout=2.95&txid={}", random.hex(23), random.hex(12)), message.to_owned(), None)
        },
    },
    Trouble {
        advertiser: Some(3),
        count: 4,
        code: Code::MissingClickId,
        make: |random, _| {
            let message = "No click id came: neither cid nor any other name for it is there.";
            (format!("payout=1.05&txid={}", random.hex(12)), message.to_owned(), None)
        },
    },
    Trouble {
        advertiser: Some(4),
        count: 2,
        code: Code::MalformedRevenue,
        make: |random, at_ms| {
            let id = made_up(random, at_ms);
            let message = "The amount \"65,000\" has a comma before three digits, which could mean thousands: write a dot, like 65.00.";
            (format!("cid={id}&payout=65%2C000&status=confirmed"), message.to_owned(), Some(id))
        },
    },
    Trouble {
        advertiser: None,
        count: 2,
        code: Code::BadKey,
        make: |random, _| {
            let message = "The key in the address belongs to no advertiser.";
            (format!("cid={}&payout=9.00", random.hex(26)), message.to_owned(), None)
        },
    },
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
            let (query, message, click_id) = (trouble.make)(&mut random, at_ms);
            let number = trouble.advertiser.unwrap_or(40);
            let advertiser_id = catalog.advertisers.get(number).copied();
            let made = postback(at_ms, advertiser_id, number, &query, trouble.code, message);
            let is_waiting = trouble.code == Code::ParkedUnknownClick;
            all.push(NewPostback { click_id, is_waiting, ..made });
        }
    }
    all.sort_by_key(|postback| postback.received_at_ms);
    summary.postbacks += u64::try_from(all.len()).unwrap_or(0);
    db.write::<_, Error>(Priority::Maintenance, |conn| {
        for postback in &all {
            postbacks::insert(conn, postback)?;
        }
        Ok(())
    })
}
