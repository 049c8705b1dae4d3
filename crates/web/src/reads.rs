//! Which people saw or downloaded personal data, for the audit log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use store::{Actor, Read};

use crate::Shared;

/// Within this time, whoever sees the same again is not noted again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How many are remembered for that.
const MOST: usize = 10_000;

/// What was noted recently.
#[derive(Debug, Default)]
pub(crate) struct Reads(Mutex<HashMap<(String, Read), Timestamp>>);

impl Reads {
    /// Whether this is to be noted now.
    fn is_new(&self, actor: &Actor, read: &Read, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST {
            noted.retain(|_, at| now.duration_since(*at) < AGAIN);
        }
        if noted.len() >= MOST {
            noted.clear();
        }
        let last = noted.insert((actor.0.clone(), read.clone()), now);
        last.is_none_or(|last| now.duration_since(last) >= AGAIN)
    }
}

impl Shared {
    /// Notes that a person reads personal data. If it can't be noted, the person reads it anyway, and the
    /// log of the process says so.
    pub(crate) async fn note_read(&self, actor: &Actor, read: Read) {
        let now = (self.clock)();
        if !self.reads.is_new(actor, &read, now) {
            return;
        }
        if let Err(error) = self.store.note_read(actor, &read, now).await {
            tracing::error!(
                target: "leadsync::security",
                %error, who = actor.0, what = read.action(), "a read can't be audited"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_noted_once_an_hour() {
        let reads = Reads::default();
        let [asha, ravi] = ["asha", "ravi"].map(|name| Actor(name.to_owned()));
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let lead = Read::Lead { account: "a".to_owned(), id: "1".to_owned() };
        let other = Read::Lead { account: "a".to_owned(), id: "2".to_owned() };
        assert!(reads.is_new(&asha, &lead, at(0)));
        assert!(!reads.is_new(&asha, &lead, at(1)));
        assert!(reads.is_new(&ravi, &lead, at(1)) && reads.is_new(&asha, &other, at(1)));
        assert!(reads.is_new(&asha, &lead, at(62)));
    }
}
