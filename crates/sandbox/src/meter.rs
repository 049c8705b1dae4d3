//! Counting calls and refusing those over the quota.

use crate::settings::Quota;
use crate::switches::WindowKind;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Which limits a call counts towards: bulk calls have one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Single,
    Bulk,
}

/// Calls since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// All calls with valid keys, including refused ones.
    pub total: u64,
    /// Calls by operation, such as `LeadManagement.svc/Lead.Capture`.
    pub by_operation: BTreeMap<String, u64>,
    /// Calls that were refused because of the quota.
    pub refused: u64,
    /// The most calls in any window, including refused ones.
    pub peak: u32,
    /// The most bulk calls in any window, including refused ones.
    pub peak_bulk: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) counts: CallCounts,
    /// When the first calls since the start or the last reset were made, and by which operation.
    pub(crate) made: Vec<(Instant, String)>,
    /// When the calls of the last window were made, for the peak.
    recent: VecDeque<Instant>,
    recent_bulk: VecDeque<Instant>,
    /// When accepted calls were made, or when a fixed window started.
    accepted: VecDeque<Instant>,
    accepted_bulk: VecDeque<Instant>,
    day: i64,
    today: u64,
}

/// The window for the peaks of an account without a quota.
const WINDOW: Duration = Duration::from_secs(5);
/// How many calls' times are kept.
const MOST_TIMES: usize = 100_000;

impl Meter {
    /// Counts a call; the error says why it is refused.
    pub(crate) fn count(
        &mut self,
        operation: &str,
        bucket: Bucket,
        quota: Option<Quota>,
        window: WindowKind,
        now: Instant,
        day: i64,
    ) -> Result<(), String> {
        self.counts.total += 1;
        if self.made.len() < MOST_TIMES {
            self.made.push((now, operation.to_owned()));
        }
        if let Some(count) = self.counts.by_operation.get_mut(operation) {
            *count += 1;
        } else {
            self.counts.by_operation.insert(operation.to_owned(), 1);
        }
        let length = quota.map_or(WINDOW, |quota| quota.window);
        self.counts.peak = self.counts.peak.max(peak(&mut self.recent, length, now));
        if bucket == Bucket::Bulk {
            self.counts.peak_bulk =
                self.counts.peak_bulk.max(peak(&mut self.recent_bulk, length, now));
        }
        let Some(quota) = quota else { return Ok(()) };
        if day != self.day {
            (self.day, self.today) = (day, 0);
        }
        let refusal = if self.today >= quota.daily {
            Some(format!("API calls exceeded the limit of {} in 1 day(s)", quota.daily))
        } else {
            forget(&mut self.accepted, length, window, now);
            forget(&mut self.accepted_bulk, length, window, now);
            let full = |times: &VecDeque<Instant>, most: u32| {
                times.len() >= usize::try_from(most).unwrap_or(usize::MAX)
            };
            let over = if full(&self.accepted, quota.calls) {
                Some(quota.calls)
            } else if bucket == Bucket::Bulk && full(&self.accepted_bulk, quota.bulk_calls) {
                Some(quota.bulk_calls)
            } else {
                None
            };
            over.map(|most| {
                format!("API calls exceeded the limit of {most} in {} second(s)", length.as_secs())
            })
        };
        if let Some(refusal) = refusal {
            self.counts.refused += 1;
            return Err(refusal);
        }
        self.today += 1;
        self.accepted.push_back(now);
        if bucket == Bucket::Bulk {
            self.accepted_bulk.push_back(now);
        }
        Ok(())
    }

    pub(crate) fn reset(&mut self) {
        self.counts = CallCounts::default();
        self.made.clear();
    }
}

fn peak(times: &mut VecDeque<Instant>, length: Duration, now: Instant) -> u32 {
    while times.front().is_some_and(|&at| now.duration_since(at) >= length)
        || times.len() >= MOST_TIMES
    {
        times.pop_front();
    }
    times.push_back(now);
    u32::try_from(times.len()).unwrap_or(u32::MAX)
}

fn forget(times: &mut VecDeque<Instant>, length: Duration, window: WindowKind, now: Instant) {
    match window {
        WindowKind::Sliding => {
            while times.front().is_some_and(|&at| now.duration_since(at) >= length) {
                times.pop_front();
            }
        }
        WindowKind::Fixed => {
            if times.front().is_some_and(|&first| now.duration_since(first) >= length) {
                times.clear();
            }
        }
    }
}
