//! A trial: a test postback through the same door as any other, with every check it passed.

use super::checks::{Seen, Step};
use super::door::{NotStored, Postbacks};
use super::judge::Verdict;
use super::request::Incoming;
use super::signature;
use crate::domain::old_door::OldDoor;
use crate::routing::AdvertiserRoute;

/// What became of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The verdict.
    pub verdict: Verdict,
    /// Every check, in its order, with how the postback stood in it.
    pub steps: Vec<Step>,
}

impl Postbacks {
    /// Judges a test postback and stores it as any other, and says how it stood in each check.
    ///
    /// # Errors
    /// It could not be stored in time.
    pub async fn try_out(&self, incoming: Incoming) -> Result<Trial, NotStored> {
        let judged = self.read(Incoming { is_test: true, ..incoming }, OldDoor::WithoutKey).await?;
        let seen = Seen::of(&judged);
        let verdict = self.write(judged).await?;
        Ok(Trial { steps: seen.steps(&verdict), verdict })
    }

    /// Signs a request as its advertiser would, with the secret that works now: a form and an address by `ts`, `nonce` and
    /// `sig` among the parameters, any other body by the header. `false` where there is no secret.
    pub fn sign(&self, route: &AdvertiserRoute, incoming: &mut Incoming, nonce: &str) -> bool {
        let secrets = route.secrets(&self.shared.admission.vault, incoming.received_at_ms);
        let Some(secret) = secrets.first() else { return false };
        let seconds = incoming.received_at_ms.div_euclid(1_000).to_string();
        let has_other_body = incoming.has_body() && !incoming.has_form();
        if has_other_body {
            let parts = [seconds.as_bytes(), b".", &incoming.body];
            let signed = signature::signature(secret, &parts);
            incoming.signature = Some(format!("t={seconds},v1={signed}"));
        }
        if has_other_body && incoming.query.is_empty() {
            return true;
        }
        let added = format!("ts={seconds}&nonce={nonce}");
        join(&mut incoming.query, &added);
        let mut params = signature::pairs(&incoming.query);
        if incoming.has_form() {
            params.extend(signature::pairs(&incoming.body));
        }
        let signed = signature::signature(secret, &[signature::text(&params, &["sig"]).as_bytes()]);
        join(&mut incoming.query, &format!("sig={signed}"));
        true
    }
}

fn join(query: &mut Vec<u8>, added: &str) {
    if !query.is_empty() {
        query.push(b'&');
    }
    query.extend_from_slice(added.as_bytes());
}
