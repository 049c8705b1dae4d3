//! Slowing down attempts to guess passwords and codes, and requests for links.
//!
//! Attempts are counted before anything is checked, so that many at once don't all slip through.
//! They are counted for the source and for the user. Somebody else's guesses don't slow down a
//! browser in which the user has signed in before: those of a known browser are counted by
//! themselves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::visitor::{Visitor, known_browser};
use crate::Shared;
use crate::source::Source;

/// How many attempts are free for a user, or for a link's recipient.
const FREE: u32 = 5;
/// The same for a source, behind which may be an office.
const FREE_OF_A_SOURCE: u32 = 20;
/// The wait after the first attempt beyond that; it doubles with each one.
const FIRST: SignedDuration = SignedDuration::from_secs(2);
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// How long attempts are remembered.
const FORGET: SignedDuration = SignedDuration::from_hours(1);
/// The most users and sources that are remembered: those with the fewest attempts are dropped, so
/// that nobody is forgotten because somebody tries many names.
const MOST: usize = 10_000;

/// Recent attempts by user, whether known or not, or by source.
#[derive(Debug)]
struct Throttle {
    free: u32,
    tries: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    fn new(free: u32) -> Self {
        Self { free, tries: Mutex::default() }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long to wait before the next one: this one does not count.
    fn admit(&self, key: &str, now: Timestamp) -> Result<(), SignedDuration> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|_, (_, last)| now.duration_since(*last) < FORGET);
        if let Some((count, last)) = tries.get_mut(key) {
            // After a clock was set back nobody waits until it has caught up.
            *last = now.min(*last);
            if let Some(over) = count.checked_sub(self.free) {
                let wait = FIRST.checked_mul(1 << over.min(10)).unwrap_or(LONGEST).min(LONGEST);
                let left = wait.checked_sub(now.duration_since(*last)).unwrap_or_default();
                if left.is_positive() {
                    return Err(left);
                }
            }
        } else if tries.len() >= MOST
            && let Some(least) = tries.iter().min_by_key(|(_, tries)| **tries)
        {
            let least = least.0.clone();
            tries.remove(&least);
        }
        let entry = tries.entry(key.to_owned()).or_insert((0, now));
        *entry = (entry.0.saturating_add(1), now);
        Ok(())
    }

    /// An attempt that was counted was none: the password was right.
    fn take_back(&self, key: &str) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = tries.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }

    /// Forgets these attempts.
    fn forget(&self, key: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// All recent attempts.
#[derive(Debug)]
pub(crate) struct Attempts {
    by_user: Throttle,
    by_source: Throttle,
    links: Throttle,
    links_by_source: Throttle,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            by_user: Throttle::new(FREE),
            by_source: Throttle::new(FREE_OF_A_SOURCE),
            links: Throttle::new(FREE),
            links_by_source: Throttle::new(FREE_OF_A_SOURCE),
        }
    }
}

/// What is guessed.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A password.
    Password,
    /// A code of the second factor.
    Code,
}

/// An attempt that was admitted and counted.
#[derive(Debug)]
pub(super) struct Attempt {
    user: Option<String>,
    source: Option<String>,
}

impl Attempt {
    /// It was right.
    pub(super) fn succeeded(&self, shared: &Shared) {
        if let Some(user) = &self.user {
            shared.attempts.by_user.forget(user);
        }
        if let Some(source) = &self.source {
            shared.attempts.by_source.take_back(source);
        }
    }
}

/// Admits and counts an attempt to sign in as this user; otherwise says how long to wait.
pub(super) async fn admit(
    shared: &Shared,
    (what, email): (What, &str),
    source: &Source,
    headers: &HeaderMap,
) -> store::Result<Result<Attempt, String>> {
    let (attempts, now) = (&shared.attempts, (shared.clock)());
    let email = key(email);
    let known = known_browser(shared, &email, headers).await?;
    let (user, source) = match known {
        Some((_, hash)) => (format!("{what:?} {email} {:x?}", &hash.0[..8]), None),
        None => (format!("{what:?} {email}"), Some(source.0.clone())),
    };
    let of_source = source.as_deref().map_or(Ok(()), |key| attempts.by_source.admit(key, now));
    let admitted = of_source.and_then(|()| attempts.by_user.admit(&user, now));
    Ok(admitted.map(|()| Attempt { user: Some(user), source }).map_err(wait))
}

/// The same for somebody who is signed in and gives the password again: only their own wrong ones
/// count.
pub(super) fn admit_again(shared: &Shared, visitor: &Visitor) -> Result<Attempt, String> {
    let user = format!("session {}", visitor.session.id);
    let admitted = shared.attempts.by_user.admit(&user, (shared.clock)());
    admitted.map(|()| Attempt { user: Some(user), source: None }).map_err(wait)
}

/// Admits and counts an attempt of somebody who is nobody yet.
pub(super) fn admit_source(shared: &Shared, source: &Source) -> Result<Attempt, String> {
    let admitted = shared.attempts.by_source.admit(&source.0, (shared.clock)());
    admitted.map(|()| Attempt { user: None, source: Some(source.0.clone()) }).map_err(wait)
}

/// Admits and counts a request for a link. Every one counts, so that nobody's mailbox can be filled.
pub(super) fn admit_link(shared: &Shared, email: &str, source: &Source) -> Result<(), String> {
    let (attempts, now) = (&shared.attempts, (shared.clock)());
    let admitted = attempts.links_by_source.admit(&source.0, now);
    admitted.and_then(|()| attempts.links.admit(&key(email), now)).map_err(wait)
}

fn wait(wait: SignedDuration) -> String {
    format!(
        "Too many attempts. Wait {} seconds before the next attempt.",
        wait.as_secs().max(0) + 1
    )
}

fn key(email: &str) -> String {
    email.trim().to_lowercase().chars().take(254).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgotten() {
        let throttle = Throttle::new(FREE);
        let at = |seconds: i64| Timestamp::from_second(1_790_000_000 + seconds).unwrap();
        let admit = |key: &str, seconds: i64| throttle.admit(key, at(seconds));
        let wait = |seconds| Err(SignedDuration::from_secs(seconds));
        for _ in 0..5 {
            assert_eq!(admit("ops", 0), Ok(()));
        }
        assert_eq!(admit("ops", 0), wait(2));
        assert_eq!(admit("ops", 2), Ok(()));
        assert_eq!(admit("ops", 3), wait(3));
        throttle.take_back("ops");
        assert_eq!(admit("ops", 4), Ok(()));
        let mut now = 4;
        for _ in 0..40 {
            if let Err(left) = admit("ops", now) {
                now += left.as_secs();
                assert_eq!(admit("ops", now), Ok(()));
            }
        }
        assert_eq!(admit("ops", now), Err(LONGEST));
        assert_eq!(admit("other", now), Ok(()));
        assert_eq!(admit("ops", now - 90_000), Err(LONGEST), "the clock was set back");
        assert_eq!(admit("ops", now - 90_000 + 900), Ok(()));
        assert_eq!(admit("ops", now + 3_700), Ok(()), "forgotten");
        for _ in 0..5 {
            let _ = admit("ops", now + 3_700);
        }
        for n in 0..(MOST + 100) {
            assert_eq!(admit(&n.to_string(), now + 3_701), Ok(()));
        }
        assert!(throttle.tries.lock().unwrap().len() <= MOST);
        assert!(admit("ops", now + 3_701).is_err(), "nobody is forgotten for others' names");
        throttle.forget("ops");
        assert_eq!(admit("ops", now + 3_701), Ok(()));
    }
}
