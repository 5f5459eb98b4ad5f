//! Signed requests that come again: the same one gets its first verdict, and a nonce with other content is refused. What
//! was seen is read and written in the transaction of the verdicts, so that it holds over restarts and on all nodes.

use super::judge::{Judged, Verdict};
use super::record::Group;
use super::refusals::Refusals;
use super::sentences;
use super::signed::Signed;
use crate::db::nonces::{self, NonceKey, Seen};
use crate::db::{self, AnyConnection};
use crate::domain::click_id::ClickId;
use crate::domain::verdict::Code;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How long a signed request is remembered. Its signature holds for five minutes before and after its time, which makes
/// ten; the clocks of two nodes may differ by the one more.
pub(super) const KEPT_MS: i64 = 11 * 60 * 1_000;

/// A verdict as it is remembered.
#[derive(Serialize, Deserialize)]
struct Answer {
    code: Code,
    message: String,
    conversion_id: Option<i64>,
    click_id: Option<ClickId>,
    is_test: bool,
}

/// What becomes of a signed request that came before.
pub(super) enum Earlier {
    /// It says the same: this was its verdict.
    Same(Verdict),
    /// Its nonce was for something else.
    Other,
}

/// The signed requests of a group, and those that were seen before.
#[derive(Default)]
pub(super) struct Nonces {
    seen: HashMap<NonceKey, ([u8; 32], Verdict)>,
    new: Vec<Seen>,
}

/// What a signed postback is known by, and what it says.
fn known_by(judged: &Judged) -> Option<(NonceKey, &Signed)> {
    let signed = judged.signed.as_ref()?;
    Some(((judged.advertiser.as_ref()?.id, signed.nonce), signed))
}

impl Nonces {
    /// Reads what was seen of a group's signed requests, and holds them. Where nobody signs, the database is not asked.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn begin(conn: &mut AnyConnection, postbacks: &[&Judged], now_ms: i64) -> db::Result<Self> {
        let keys: Vec<NonceKey> =
            postbacks.iter().filter_map(|judged| known_by(judged)).map(|(key, _)| key).collect();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        nonces::lock(conn, &keys)?;
        let mut seen = HashMap::new();
        for one in nonces::find(conn, &keys, now_ms.saturating_sub(KEPT_MS))? {
            seen.insert(one.key, (one.content, read(&one.answer)?));
        }
        Ok(Self { seen, new: Vec::new() })
    }

    /// What is known of a postback that came signed, where it came before.
    pub(super) fn earlier(&self, judged: &Judged) -> Option<Earlier> {
        let (key, signed) = known_by(judged)?;
        let (content, verdict) = self.seen.get(&key)?;
        Some(if *content == signed.content { Earlier::Same(verdict.clone()) } else { Earlier::Other })
    }

    /// Remembers a signed postback's verdict, for the others of its group too.
    ///
    /// # Errors
    /// It cannot be written as text, which does not happen.
    pub(super) fn remember(&mut self, judged: &Judged, verdict: &Verdict) -> db::Result<()> {
        let Some((key, signed)) = known_by(judged) else { return Ok(()) };
        let answer = Answer {
            code: verdict.code,
            message: verdict.message.clone(),
            conversion_id: verdict.conversion_id,
            click_id: verdict.click_id,
            is_test: verdict.is_test,
        };
        self.new.push(Seen {
            key,
            content: signed.content,
            seen_at_ms: judged.incoming.received_at_ms,
            answer: db::json_text(&answer)?,
        });
        self.seen.insert(key, (signed.content, verdict.clone()));
        Ok(())
    }

    /// Writes what is new.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn write(&self, conn: &mut AnyConnection) -> db::Result<()> {
        if self.new.is_empty() { Ok(()) } else { nonces::put(conn, &self.new) }
    }
}

fn read(answer: &str) -> db::Result<Verdict> {
    let answer: Answer = db::json(answer)?;
    Ok(Verdict {
        conversion_id: answer.conversion_id,
        click_id: answer.click_id,
        is_test: answer.is_test,
        ..Verdict::new(answer.code, answer.message)
    })
}

/// Answers a signed postback that came before: what is said to it again, or that its nonce was for something else. Its row
/// says `duplicate`, so that what was accepted once is counted once.
///
/// # Errors
/// The database fails.
pub(super) fn answer_again(
    conn: &mut AnyConnection,
    group: &mut Group<'_>,
    refusals: &Refusals,
    judged: &Judged,
    earlier: Earlier,
) -> db::Result<Verdict> {
    let (answered, kept) = match earlier {
        Earlier::Same(first) => {
            let message = sentences::signed_again(&first.message);
            let kept = Verdict { code: Code::Duplicate, message, ..first };
            (first, kept)
        }
        Earlier::Other => {
            let from = &judged.incoming;
            if refusals.is_over(Code::Replayed, &from.key, &from.address, from.received_at_ms) {
                return Ok(Verdict::too_many_refused());
            }
            let click_id = judged.click_id();
            let refused = Verdict { click_id, ..Verdict::new(Code::Replayed, sentences::REPLAYED) };
            (refused.clone(), refused)
        }
    };
    group.draft.keep(conn, judged.to_row(&kept))?;
    Ok(answered)
}
