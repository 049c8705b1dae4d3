//! Slowing down attempts to guess passwords, and requests for links.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How many attempts are free.
const FREE: u32 = 5;
/// The wait after the first attempt beyond that; it doubles with each one.
const FIRST: SignedDuration = SignedDuration::from_secs(2);
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// How long attempts are remembered.
const FORGET: SignedDuration = SignedDuration::from_hours(1);
/// The most email addresses that are remembered: the oldest are dropped. Somebody who tries that
/// many runs into another limit, because only a few passwords are checked at a time.
const MOST: usize = 10_000;

/// Recent attempts (wrong passwords, requested links) by email address, whether it is known or not.
/// Network addresses would say nothing: behind a proxy they are all the same.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    tries: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// How long this address has to wait, if at all.
    pub(super) fn wait(&self, email: &str, now: Timestamp) -> Option<SignedDuration> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = tries.get_mut(&key(email))?;
        // After a clock was set back nobody waits until it has caught up.
        *last = now.min(*last);
        let over = count.checked_sub(FREE)?;
        let wait = FIRST.checked_mul(1 << over.min(10)).unwrap_or(LONGEST).min(LONGEST);
        let left = wait.checked_sub(now.duration_since(*last))?;
        left.is_positive().then_some(left)
    }

    /// Counts an attempt.
    pub(super) fn count(&self, email: &str, now: Timestamp) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|_, (_, last)| now.duration_since(*last) < FORGET);
        if tries.len() >= MOST
            && let Some(oldest) = tries.iter().min_by_key(|(_, (_, last))| *last)
        {
            let oldest = oldest.0.clone();
            tries.remove(&oldest);
        }
        let entry = tries.entry(key(email)).or_insert((0, now));
        *entry = (entry.0.saturating_add(1), now);
    }

    /// Forgets the attempts of this address: the password was right.
    pub(super) fn forget(&self, email: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(email));
    }
}

fn key(email: &str) -> String {
    email.trim().to_lowercase().chars().take(254).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgotten() {
        let throttle = Throttle::default();
        let at = |seconds: i64| Timestamp::from_second(1_790_000_000 + seconds).unwrap();
        let email = "Ops@Example.com";
        for _ in 0..4 {
            throttle.count(email, at(0));
            assert_eq!(throttle.wait(email, at(0)), None);
        }
        throttle.count(email, at(0));
        assert_eq!(throttle.wait("ops@example.com", at(0)), Some(SignedDuration::from_secs(2)));
        assert_eq!(throttle.wait(email, at(2)), None);
        throttle.count(email, at(2));
        assert_eq!(throttle.wait(email, at(3)), Some(SignedDuration::from_secs(3)));
        for _ in 0..40 {
            throttle.count(email, at(3));
        }
        assert_eq!(throttle.wait(email, at(3)), Some(LONGEST));
        assert_eq!(throttle.wait("other@example.com", at(3)), None);
        assert_eq!(throttle.wait(email, at(-90_000)), Some(LONGEST), "the clock was set back");
        assert_eq!(throttle.wait(email, at(-90_000 + 900)), None);
        throttle.count("other@example.com", at(3_700));
        assert_eq!(throttle.wait(email, at(3_700)), None, "forgotten");
        for n in 0..(MOST + 100) {
            throttle.count(&format!("{n}@example.com"), at(3_700));
        }
        assert!(throttle.tries.lock().unwrap().len() <= MOST);
    }
}
