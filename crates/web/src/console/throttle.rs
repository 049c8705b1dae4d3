//! Slowing down who guesses passwords, or asks for links.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// So many tries cost nothing.
const FREE: u32 = 5;
/// The wait after the first one more; it doubles with each.
const FIRST: SignedDuration = SignedDuration::from_secs(2);
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// After so long nothing is remembered.
const FORGET: SignedDuration = SignedDuration::from_hours(1);
/// More email addresses are not remembered: the oldest go. Whoever tries that many has other
/// limits: only so many passwords are checked at a time.
const MOST: usize = 10_000;

/// Tries of late (wrong passwords; links that were asked for), by email address, whether it is
/// known or not. Addresses of the network would say nothing: behind a proxy all come from one.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    tries: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// How long this address has to wait, if at all.
    pub(super) fn wait(&self, email: &str, now: Timestamp) -> Option<SignedDuration> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = tries.get(&key(email))?;
        let over = count.checked_sub(FREE)?;
        let wait = FIRST.checked_mul(1 << over.min(10)).unwrap_or(LONGEST).min(LONGEST);
        let left = wait.checked_sub(now.duration_since(*last))?;
        left.is_positive().then_some(left)
    }

    /// One try more.
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

    /// This address has no try to answer for: the password was right.
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
        throttle.count("other@example.com", at(3_700));
        assert_eq!(throttle.wait(email, at(3_700)), None, "forgotten");
        for n in 0..(MOST + 100) {
            throttle.count(&format!("{n}@example.com"), at(3_700));
        }
        assert!(throttle.tries.lock().unwrap().len() <= MOST);
    }
}
