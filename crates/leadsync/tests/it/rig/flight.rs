//! Waiting, and what is still in flight.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use plan::outcome::JobStatus;
use store::{Filter, Page, RequestItem, Store};

/// The longest pause between two looks at a condition. The first ones are shorter.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Looks again and again until there is what the test waits for. A look that fails returns what
/// it saw instead, which the failed test shows when the time is up.
pub async fn until<T, E, Look>(limit: Duration, mut look: impl FnMut() -> Look) -> T
where
    E: Debug,
    Look: Future<Output = Result<T, E>>,
{
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "still, after {limit:?}: {seen:#?}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The requests in one of these states, the newest of them if there are many.
pub async fn in_flight(store: &dyn Store, states: &[JobStatus]) -> Vec<RequestItem> {
    let mut found = Vec::new();
    for status in states {
        let filter = Filter { job_status: Some(*status), ..Filter::default() };
        let page = Page { limit: 5, after: None };
        found.extend(store.requests(&filter, &page).await.expect("the log").0);
    }
    found
}
