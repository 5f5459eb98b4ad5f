//! Passwords: their rules, and argon2id, a few at a time.

use super::{Error, blocking};
use crate::domain::input::FieldErrors;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory of one hash in KiB: OWASP's recommendation for argon2id.
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory: OWASP's recommendation beside 19 MiB.
const PASSES: u32 = 2;
/// Lanes: OWASP's recommendation beside 19 MiB.
const LANES: u32 = 1;

/// Hashes at once: each holds 19 MiB and a core, and clicks need both.
const HASHES_AT_ONCE: usize = 2;
/// How long a sign-in waits for its turn: a person gives up about then.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// The shortest password: with a list of common ones, length is what helps.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password: enough for any sentence, and a bound on what is hashed.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Different characters in a password: fewer is a key held down.
const DIFFERENT_CHARS_MIN: usize = 5;

/// A hash of nothing, with the parameters above: checking a password against it costs an unknown e-mail
/// the same time as a known one.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3kgZGVjb3kgZGVjbw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Beginnings and wholes of passwords that are tried first. All are long enough, so only this list stops
/// them.
const COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456781234",
    "123123123123",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "abcd12345678",
    "administrator",
    "adminadminadmin",
    "asdfghjkl123",
    "changeme1234",
    "changemeplease",
    "clickledger",
    "correcthorsebatterystaple",
    "helloworld123",
    "iloveyou1234",
    "letmein12345",
    "letmeinplease",
    "mypassword12",
    "p@ssw0rd1234",
    "passw0rd1234",
    "password",
    "q1w2e3r4t5y6",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop",
    "superadmin123",
    "supersecret123",
    "trustno1trustno1",
    "welcome12345",
    "welcomewelcome",
    "zxcvbnm12345",
];

/// Checks a new password against the rules; the message says what to change.
pub(super) fn check(password: &str, email: &str, errors: &mut FieldErrors) {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let name = email.split('@').next().unwrap_or("");
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if length < PASSWORD_CHARS_MIN {
        errors.push("password", format!("At least {PASSWORD_CHARS_MIN} characters; a sentence does well"));
    } else if length > PASSWORD_CHARS_MAX {
        errors.push("password", format!("At most {PASSWORD_CHARS_MAX} characters"));
    } else if letters.len() < DIFFERENT_CHARS_MIN {
        errors.push("password", "Use more different characters");
    } else if is_common(&lower) {
        errors.push("password", "This password is one of those that are tried first: choose another");
    } else if lower == email || (name.len() >= 5 && lower.starts_with(name)) {
        errors.push("password", "Choose a password that is not your e-mail address");
    }
}

/// On the list, or a word of it with a few digits and signs behind.
fn is_common(lower: &str) -> bool {
    let is_tail = |tail: &str| tail.len() <= 6 && !tail.chars().any(char::is_alphabetic);
    COMMON
        .iter()
        .any(|common| lower.strip_prefix(common).is_some_and(|tail| is_tail(tail) || COMMON.contains(&tail)))
}

fn argon() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| fault(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn fault(error: &impl std::fmt::Display) -> Error {
    Error::Internal(format!("argon2: {error}"))
}

/// Hashes a password here and now. Takes 19 MiB and tens of milliseconds.
pub(super) fn hash_now(password: &str) -> Result<String, Error> {
    let hash: PasswordHash = argon()?.hash_password(password.as_bytes()).map_err(|error| fault(&error))?;
    Ok(hash.to_string())
}

fn is_right_now(password: &str, hash: &str) -> Result<bool, Error> {
    let hash = PasswordHash::new(hash).map_err(|error| fault(&error))?;
    match argon()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(fault(&error)),
    }
}

/// Hashes and checks passwords, a few at a time.
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)) }
    }
}

impl Passwords {
    /// Hashes a new password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Error> {
        let (turn, password) = (self.turn().await?, password.to_owned());
        blocking(move || {
            let hash = hash_now(&password);
            drop(turn);
            hash
        })
        .await
    }

    /// Whether a password fits a hash. Without a hash it never does, and takes as long.
    pub(super) async fn is_right(&self, password: &str, hash: Option<String>) -> Result<bool, Error> {
        // A longer one was never taken, and must not be hashed either.
        let is_possible = password.chars().count() <= PASSWORD_CHARS_MAX;
        let password = if is_possible { password.to_owned() } else { String::new() };
        let turn = self.turn().await?;
        blocking(move || {
            let is_right = is_right_now(&password, hash.as_deref().unwrap_or(DECOY));
            drop(turn);
            Ok::<bool, Error>(is_right? && hash.is_some() && is_possible)
        })
        .await
    }

    /// The turn goes with the work: a caller who hangs up does not make room for one more.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let waited = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let busy = || Error::Unavailable("too many sign-ins at once".to_owned());
        waited.ok().and_then(Result::ok).ok_or_else(busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(password: &str) -> Option<String> {
        let mut errors = FieldErrors::default();
        check(password, "maria@example.com", &mut errors);
        errors.message("password").map(ToOwned::to_owned)
    }

    #[test]
    fn length_and_a_list_of_common_ones() {
        assert_eq!(verdict("a quiet river bends"), None);
        assert_eq!(verdict("пароль длинный"), None);
        for bad in [
            "short",
            "eleven char",
            "aaaaaaaaaaaaaaaa",
            "Password1234!",
            "passwordpassword",
            "clickledger2026",
            "correcthorsebatterystaple",
            "maria@example.com",
            "maria-2026-maria",
        ] {
            assert!(verdict(bad).is_some(), "{bad}");
        }
        assert!(verdict(&"ab cd".repeat(26)).unwrap().contains("At most 128"));
    }

    #[actix_web::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash("a quiet river bends").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.is_right("a quiet river bends", Some(hash.clone())).await.unwrap());
        assert!(!passwords.is_right("a quiet river bend", Some(hash)).await.unwrap());
        assert!(!passwords.is_right("a quiet river bends", None).await.unwrap());
    }

    #[test]
    fn the_decoy_costs_what_a_real_hash_costs() {
        let (decoy, real) = (PasswordHash::new(DECOY).unwrap(), hash_now("x").unwrap());
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(decoy.params, real.params);
        assert_eq!(decoy.algorithm, real.algorithm);
        assert_eq!(decoy.hash.unwrap().as_bytes().len(), real.hash.unwrap().as_bytes().len());
        assert!(!is_right_now("", DECOY).unwrap());
    }
}
