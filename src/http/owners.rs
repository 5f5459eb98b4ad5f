//! Whose token a request brings, remembered for seconds: programs that ask often do not look into the database each time,
//! and `/metrics` answers while the database does not.

use crate::db::users::{ApiToken, User};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer of the database counts without asking again: a token that is revoked, or whose user is put away, on
/// another node or by the command line opens nothing after that. On the node that revokes it it ends at once.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// How long the last answer counts while the database gives none, for a request that only looks: what lies in the database
/// cannot be read then anyway, and the figures of this process are wanted most in just these hours.
const WHILE_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens that are remembered: more than an installation has programs.
const OWNERS_MAX: usize = 1_024;

/// A token and the user behind it.
pub(super) type Owner = (ApiToken, User);

/// What is remembered of tokens, by their hash.
#[derive(Default)]
pub(super) struct Owners {
    known: Mutex<HashMap<[u8; 32], Known>>,
}

struct Known {
    owner: Owner,
    /// When the database said so.
    seen: Instant,
    /// When it was last asked, whatever came of it.
    asked: Instant,
}

/// What is known of a token without asking.
pub(super) enum Memory {
    /// It was good a moment ago.
    Fresh(Box<Owner>),
    /// It was good when the database last answered, and was asked for again just now in vain or by another request: enough
    /// for who only looks.
    Asked(Box<Owner>),
    /// It was good when the database last answered: to be asked for.
    Stale(Box<Owner>),
    /// Nothing.
    Unknown,
}

impl Owners {
    /// What is known of a token. Of several requests at once the first is told to ask.
    pub(super) fn recall(&self, hash: &[u8; 32], now: Instant) -> Memory {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = known.get_mut(hash) else { return Memory::Unknown };
        let age = now.saturating_duration_since(found.seen);
        if age >= WHILE_AWAY {
            known.remove(hash);
            return Memory::Unknown;
        }
        let owner = Box::new(found.owner.clone());
        if age < FRESH {
            return Memory::Fresh(owner);
        }
        if now.saturating_duration_since(found.asked) < FRESH {
            return Memory::Asked(owner);
        }
        found.asked = now;
        Memory::Stale(owner)
    }

    /// Keeps the database's answer of a moment.
    pub(super) fn learn(&self, hash: [u8; 32], answer: Option<&Owner>, asked: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(owner) = answer else {
            known.remove(&hash);
            return;
        };
        if known.len() >= OWNERS_MAX && !known.contains_key(&hash) {
            known.clear();
        }
        known.insert(hash, Known { owner: owner.clone(), seen: asked, asked });
    }

    /// Forgets all: one of them was revoked here.
    pub(super) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lander::EntityStatus;
    use crate::domain::role::{Role, TokenScope};

    fn owner() -> Owner {
        let token = ApiToken {
            id: 1,
            user_id: 2,
            name: "t".to_owned(),
            scope: TokenScope::Read,
            created_at_ms: 0,
            last_used_at_ms: None,
        };
        let user = User {
            id: 2,
            email: "a@b.c".to_owned(),
            password_hash: String::new(),
            role: Role::Admin,
            status: EntityStatus::Active,
            created_at_ms: 0,
        };
        (token, user)
    }

    #[test]
    fn an_answer_counts_for_seconds_and_for_a_day_while_none_comes() {
        let (owners, begun, hash) = (Owners::default(), Instant::now(), [7; 32]);
        assert!(matches!(owners.recall(&hash, begun), Memory::Unknown));
        owners.learn(hash, Some(&owner()), begun);
        assert!(matches!(owners.recall(&hash, begun + FRESH / 2), Memory::Fresh(_)));
        assert!(matches!(owners.recall(&hash, begun + FRESH), Memory::Stale(_)), "the first asks");
        assert!(matches!(owners.recall(&hash, begun + FRESH), Memory::Asked(_)), "the others need not");
        assert!(matches!(owners.recall(&hash, begun + FRESH * 2), Memory::Stale(_)), "and then again");
        assert!(matches!(owners.recall(&hash, begun + WHILE_AWAY), Memory::Unknown), "but not for ever");
    }

    #[test]
    fn a_token_that_ended_is_forgotten() {
        let (owners, now, hash) = (Owners::default(), Instant::now(), [7; 32]);
        owners.learn(hash, Some(&owner()), now);
        owners.learn(hash, None, now);
        assert!(matches!(owners.recall(&hash, now), Memory::Unknown));
        owners.learn(hash, Some(&owner()), now);
        owners.forget();
        assert!(matches!(owners.recall(&hash, now), Memory::Unknown));
        for n in 0..3_000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_le_bytes());
            owners.learn(hash, Some(&owner()), now);
        }
        assert!(owners.known.lock().unwrap().len() <= OWNERS_MAX);
    }
}
