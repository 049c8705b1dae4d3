//! How far a backfill is, how fast it goes, and when it ends.

use jiff::Timestamp;
use plan::backfill::BackfillState;
use plan::quota::Quota;
use plan::quota::forecast::{Progress, Spending};
use serde::Serialize;
use store::{Backfill, Configuration, Store};

/// Before this many seconds have passed, nothing is said about how fast a backfill is.
const SHORTEST: i64 = 5;

/// How far a backfill is, and how fast. Where it syncs activities too, they count beside the leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// How many of a hundred are settled, if it is known how many there are.
    pub percent: Option<u64>,
    /// How many are not finished, if known.
    pub left: Option<u64>,
    /// How many finished per minute since the start.
    pub per_minute: Option<u64>,
    /// Remaining seconds at this rate, including waits for the daily quota,
    pub seconds_left: Option<u64>,
    /// and the estimated finish time.
    pub ends_at: Option<Timestamp>,
}

impl Pace {
    /// The paces of these backfills.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of_all(
        store: &dyn Store,
        configuration: &Configuration,
        backfills: &[Backfill],
        now: Timestamp,
    ) -> store::Result<Vec<Self>> {
        let mut paces = Vec::with_capacity(backfills.len());
        for kept in backfills {
            let connectors = &configuration.connectors;
            let connector = connectors.iter().find(|connector| connector.id == kept.connector);
            let (Some(connector), BackfillState::Running) = (connector, kept.state) else {
                paces.push(Self::at_rest(kept));
                continue;
            };
            let mut expected = kept.expected;
            if expected.is_none() && kept.of.since.is_none() {
                // An account that leads go to as well was read into the directory.
                let reading = store.directory_reading(connector.source).await?;
                let complete = reading.filter(|reading| reading.complete_at.is_some());
                expected = complete.map(|reading| reading.leads);
            }
            let quota = configuration.account_of(connector.destination)?.plan.quota();
            let spending = store.spending(&[connector.destination], now).await?;
            let spending = spending.first().copied().unwrap_or_default();
            paces.push(Self::of(kept, expected, (quota, spending), now));
        }
        Ok(paces)
    }

    /// How far it is.
    fn at_rest(kept: &Backfill) -> Self {
        let all = all(kept, kept.expected);
        Self { percent: all.map(|all| percent(settled(kept), all)), ..Self::default() }
    }

    /// That of a backfill under way, of so many leads as far as that is known, to an account with this
    /// quota that calls are made to at this rate.
    fn of(
        kept: &Backfill,
        expected: Option<u64>,
        (quota, spending): (Quota, Spending),
        now: Timestamp,
    ) -> Self {
        let (done, all) = (settled(kept), all(kept, expected));
        let left = all.map(|all| all.saturating_sub(done).max(kept.waiting));
        let percent = all.map(|all| percent(done, all));
        let elapsed = now.duration_since(kept.begun_at).as_secs();
        if elapsed < SHORTEST || done == 0 {
            return Self { percent, left, ..Self::default() };
        }
        let ends_at = left.and_then(|left| {
            let progress = Progress { begun_at: kept.begun_at, done, left };
            progress.ends_at(quota, spending, now)
        });
        let seconds_left = ends_at.map(|at| at.duration_since(now).as_secs().unsigned_abs());
        let per_minute = Some(done * 60 / elapsed.unsigned_abs());
        Self { percent, left, per_minute, seconds_left, ends_at }
    }
}

/// Leads and activities that are done with.
fn settled(kept: &Backfill) -> u64 {
    kept.settled() + kept.left_out
}

/// How many leads and activities there are in all, as far as that is known. Of how many activities there
/// are nothing is known until they were read.
fn all(kept: &Backfill, expected: Option<u64>) -> Option<u64> {
    match (kept.page, kept.event) {
        (None, _) => Some(settled(kept) + kept.waiting),
        (Some(_), None) => expected.map(|all| all.max(kept.read)),
        (Some(_), Some(_)) => None,
    }
}

fn percent(done: u64, all: u64) -> u64 {
    (done * 100).checked_div(all).map_or(100, |percent| percent.min(100))
}

#[cfg(test)]
mod tests {
    use plan::backfill::Backfilled;
    use plan::id::ConnectorId;

    use super::*;

    fn of(kept: &Backfill, now: Timestamp) -> Pace {
        Pace::of(kept, kept.expected, (Quota::PRO, Spending::default()), now)
    }

    fn kept(read: u64, settled: u64) -> Backfill {
        Backfill {
            id: 1,
            connector: ConnectorId(1),
            begun_at: Timestamp::UNIX_EPOCH,
            actor: String::new(),
            of: Backfilled::default(),
            state: BackfillState::Running,
            page: Some(3),
            event: None,
            read,
            activities: 0,
            left_out: 0,
            expected: Some(10_000),
            problem: None,
            ended_at: None,
            new: settled,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            failed: 0,
            waiting: read.saturating_sub(settled),
        }
    }

    #[test]
    fn a_backfill_ends_when_the_rest_went_as_fast() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let pace = of(&kept(3_000, 2_500), at(600));
        assert_eq!((pace.percent, pace.left, pace.per_minute), (Some(25), Some(7_500), Some(250)));
        assert_eq!((pace.seconds_left, pace.ends_at), (Some(1_800), Some(at(2_400))));
        // More were read than there had been.
        let more = Backfill { expected: Some(2_000), ..kept(3_000, 1_500) };
        assert_eq!(of(&more, at(600)).percent, Some(50));
        // Nobody counted.
        let unknown = Backfill { expected: None, ..kept(3_000, 2_500) };
        let pace = of(&unknown, at(600));
        assert_eq!((pace.percent, pace.per_minute, pace.ends_at), (None, Some(250), None));
        let read = Backfill { page: None, ..unknown };
        assert_eq!(of(&read, at(600)).percent, Some(83));
        // Nothing is known yet, or it waits.
        assert_eq!(of(&kept(500, 10), at(2)).per_minute, None);
        let pace = Pace { percent: Some(25), ..Pace::default() };
        assert_eq!(Pace::at_rest(&kept(3_000, 2_500)), pace);
    }

    #[test]
    fn activities_count_once_all_were_read() {
        let at = Timestamp::from_second(600).expect("a time");
        // All leads were settled, and 4,000 activities.
        let reading =
            Backfill { event: Some(201), activities: 5_000, waiting: 1_000, ..kept(3_000, 7_000) };
        assert_eq!(of(&reading, at).percent, None, "more may come");
        let read = Backfill { page: None, event: None, ..reading };
        let pace = of(&read, at);
        assert_eq!((pace.percent, pace.left), (Some(87), Some(1_000)));
    }
}
