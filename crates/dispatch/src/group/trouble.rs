//! Bugs: work that fails in a way that a retry does not help.
//!
//! One record must not stop all others. The records at stake when the work failed are remembered
//! across its restart; if there were several, records run one by one for a while, to find the one to
//! blame. A record that made the work fail three times is set aside: it ends as failed, with the
//! reason, and the others continue.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use plan::problem::{Code, Problem};
use store::RecordKey;

/// How often a record may make the work fail.
const MOST_FAILURES: u32 = 3;
/// How long records run one by one after the work failed with several at stake.
const CAREFUL: SignedDuration = SignedDuration::from_secs(30);

/// What is known about bugs since this node started processing the group.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    failures: HashMap<RecordKey, (u32, String)>,
    careful_until: Option<Timestamp>,
}

impl Trouble {
    /// The work failed for this reason, with these records at stake.
    pub(super) fn note(&mut self, at_stake: &[RecordKey], reason: &str, now: Timestamp) {
        match at_stake {
            [] => {}
            [only] => {
                let (count, last) = self.failures.entry(*only).or_default();
                *count += 1;
                reason.clone_into(last);
            }
            _ => self.careful_until = Some(now + CAREFUL),
        }
    }

    /// Whether records have to run one by one now.
    pub(super) fn is_careful(&self, now: Timestamp) -> bool {
        self.careful_until.is_some_and(|until| now < until)
    }

    /// Why this record is set aside, if it is.
    pub(super) fn set_aside(&self, key: RecordKey) -> Option<Problem> {
        let (count, reason) = self.failures.get(&key)?;
        (*count >= MOST_FAILURES).then(|| {
            Problem::new(
                Code::Defect,
                format!(
                    "leadsync failed {count} times while processing this record, and set it aside. \
                     {reason}"
                ),
                "This is a defect in leadsync: please report it with the service log. Other \
                 records are not affected. Retry the record after an update.",
            )
        })
    }

    /// The record ended.
    pub(super) fn forget(&mut self, key: RecordKey) {
        self.failures.remove(&key);
    }
}

/// Runs a future; a panic in it becomes an error with its message.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = Box::pin(work);
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| work.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(words(panic.as_ref()))),
        }
    })
    .await
}

/// Runs a function; a panic in it becomes an error with its message.
pub(super) fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(panic.as_ref()))
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "The code panicked without a message.".to_owned())
}

#[cfg(test)]
mod tests {
    use plan::id::RequestId;

    use super::*;

    fn key(number: i64) -> RecordKey {
        RecordKey { request: RequestId::from_number(number), position: 0 }
    }

    #[test]
    fn a_record_is_set_aside_after_three_failures_with_it_alone() {
        let now = Timestamp::UNIX_EPOCH;
        let mut trouble = Trouble::default();
        trouble.note(&[key(1), key(2)], "It failed.", now);
        assert!(trouble.is_careful(now), "it is not known which one it is");
        assert!(!trouble.is_careful(now + CAREFUL));
        for _ in 0..3 {
            assert!(trouble.set_aside(key(1)).is_none());
            trouble.note(&[key(1)], "It failed.", now);
        }
        let problem = trouble.set_aside(key(1)).expect("it is set aside");
        assert_eq!(problem.code, Code::Defect);
        assert!(problem.message.contains("It failed."));
        assert!(trouble.set_aside(key(2)).is_none());
        trouble.forget(key(1));
        assert!(trouble.set_aside(key(1)).is_none());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_in_its_own_words() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        let panics = async { panic!("so {}", "it is") };
        assert_eq!(caught::<()>(panics).await, Err("so it is".to_owned()));
        assert_eq!(caught_now(|| -> () { panic!("plain") }), Err("plain".to_owned()));
    }
}
