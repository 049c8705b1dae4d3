//! Who saw or downloaded personal data, and who signed in, for the audit log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use store::{Access, Actor};

use crate::Shared;
use crate::source::Source;

/// Within this time, whoever does the same again is not noted again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How many are remembered for that.
const MOST: usize = 10_000;

/// What was noted recently.
#[derive(Debug, Default)]
pub(crate) struct Accesses(Mutex<HashMap<(String, Access), Timestamp>>);

impl Accesses {
    /// Whether this is to be noted now.
    fn is_new(&self, actor: &Actor, access: &Access, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST {
            noted.retain(|_, at| now.duration_since(*at) < AGAIN);
        }
        if noted.len() >= MOST {
            noted.clear();
        }
        let last = noted.insert((actor.0.clone(), access.clone()), now);
        last.is_none_or(|last| now.duration_since(last) >= AGAIN)
    }
}

impl Shared {
    /// Notes that a person saw personal data, or signed in. If it can't be noted, they do it anyway,
    /// and the log of the process says so.
    pub(crate) async fn note_access(&self, actor: &Actor, access: Access) {
        let now = (self.clock)();
        if !self.accesses.is_new(actor, &access, now) {
            return;
        }
        if let Err(error) = self.store.note_access(actor, &access, now).await {
            tracing::error!(
                target: "leadsync::security",
                %error, who = actor.0, what = access.action(), "an access can't be audited"
            );
        }
    }

    /// Notes that somebody signed in, and with what.
    pub(crate) async fn note_sign_in(&self, actor: Actor, with: &'static str, source: &Source) {
        let (email, from) = (actor.0.clone(), source.0.clone());
        tracing::info!(target: "leadsync::security", who = email, with, from, "signed in");
        self.note_access(&actor, Access::SignIn { email, with, from }).await;
    }

    /// Notes that somebody was not signed in, and why. `email` is what they entered: it is only noted
    /// if it is a user's.
    pub(crate) async fn note_failure(&self, email: &str, why: &'static str, source: &Source) {
        let known = self.store.users().await.unwrap_or_default();
        let email = email.trim().to_lowercase();
        let email = known.into_iter().map(|user| user.email).find(|known| *known == email);
        let (who, from) = (email.as_deref().unwrap_or("an unknown user"), source.0.clone());
        tracing::warn!(target: "leadsync::security", who, why, from, "not signed in");
        let somebody = Actor("somebody".to_owned());
        self.note_access(&somebody, Access::SignInFailed { email, why, from }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_noted_once_an_hour() {
        let accesses = Accesses::default();
        let [asha, ravi] = ["asha", "ravi"].map(|name| Actor(name.to_owned()));
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let lead = Access::Lead { account: "a".to_owned(), id: "1".to_owned() };
        let other = Access::Lead { account: "a".to_owned(), id: "2".to_owned() };
        assert!(accesses.is_new(&asha, &lead, at(0)));
        assert!(!accesses.is_new(&asha, &lead, at(1)));
        assert!(accesses.is_new(&ravi, &lead, at(1)) && accesses.is_new(&asha, &other, at(1)));
        assert!(accesses.is_new(&asha, &lead, at(62)));
    }
}
