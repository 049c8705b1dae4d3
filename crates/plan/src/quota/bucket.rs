//! The calls of an account in one window: how many fit, and what refusals reveal about that.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::{Limit, kept_for_live};

/// More is tried after this many windows without a refusal; after each refusal that this causes, twice
/// as many,
const PATIENCE: i32 = 2;
/// up to this.
const MOST_PATIENCE: i32 = 12;
/// After this long without a refusal, the configured quota applies again.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

/// The calls of one kind that count in a window, and what refusals revealed.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    pub(super) in_flight: u32,
    pub(super) ended: VecDeque<Timestamp>,
    /// Those among them that were refused.
    refused: VecDeque<Timestamp>,
    /// The limit that the account named.
    pub(super) named: Option<Limit>,
    pub(super) share: Option<Share>,
}

/// What is left to us, judging by refusals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// The calls in a window.
    pub(super) calls: u32,
    /// When it was last refused,
    refused_at: Timestamp,
    /// and when it changed last.
    since: Timestamp,
    /// The windows until more is tried.
    patience: i32,
    /// Whether there has been more to send since then.
    is_used_up: bool,
}

impl Bucket {
    /// The window that the account counts in.
    pub(super) fn window(&self, per_seconds: u32) -> SignedDuration {
        let named = self.named.map_or(per_seconds, |named| named.per_seconds.max(1));
        SignedDuration::from_secs(named.into())
    }

    fn counted(&mut self, since: Timestamp) -> u32 {
        for times in [&mut self.ended, &mut self.refused] {
            while times.front().is_some_and(|&ended| ended <= since) {
                times.pop_front();
            }
        }
        self.in_flight + u32::try_from(self.ended.len()).unwrap_or(u32::MAX)
    }

    /// The account's maximum of calls in a window, given the configured number of calls and
    /// seconds.
    fn most(&self, configured: u32, per_seconds: u32) -> u32 {
        let Some(named) = self.named else { return configured };
        // A lower configured number is intended.
        let in_its_window =
            u64::from(configured) * u64::from(named.per_seconds) / u64::from(per_seconds.max(1));
        named.calls.min(u32::try_from(in_its_window).unwrap_or(u32::MAX)).max(1)
    }

    /// Our calls of a window, judging by refusals.
    pub(super) fn size(&self, configured: u32, per_seconds: u32) -> u32 {
        self.share.map_or_else(|| self.most(configured, per_seconds), |share| share.calls)
    }

    /// How many calls could be made now while leaving a part of the window for live changes.
    pub(super) fn spare(&mut self, configured: u32, per_seconds: u32, now: Timestamp) -> u32 {
        let left = self.left(configured, per_seconds, now);
        let size = self.size(configured, per_seconds);
        let counted = self.counted(now - self.window(per_seconds));
        left.min(size.saturating_sub(counted + kept_for_live(size)))
    }

    /// How many calls could be made now.
    pub(super) fn left(&mut self, configured: u32, per_seconds: u32, now: Timestamp) -> u32 {
        let window = self.window(per_seconds);
        let most = self.most(configured, per_seconds);
        let counted = self.counted(now - window);
        let Some(share) = &mut self.share else { return most.saturating_sub(counted) };
        let quiet = now.duration_since(share.refused_at);
        if share.is_used_up && now.duration_since(share.since) >= window * share.patience {
            share.calls += (share.calls / 8).max(1);
            (share.since, share.is_used_up) = (now, false);
        }
        if share.calls >= most || quiet > FORGOTTEN {
            self.share = None;
            return most.saturating_sub(counted);
        }
        let left = share.calls.saturating_sub(counted);
        share.is_used_up |= left == 0;
        // A few at a time, so that one refusal does not become many.
        let at_once = (share.calls / 16).max(1);
        left.min(at_once.saturating_sub(self.in_flight))
    }

    /// A call was refused, and has ended.
    pub(super) fn refuse(
        &mut self,
        configured: u32,
        per_seconds: u32,
        named: Option<Limit>,
        now: Timestamp,
    ) {
        self.named = named.or(self.named);
        let window = self.window(per_seconds);
        let most = self.most(configured, per_seconds);
        self.refused.push_back(now);
        self.counted(now - window);
        let taken = self.ended.len().saturating_sub(self.refused.len());
        let taken = u32::try_from(taken).unwrap_or(u32::MAX).max(1);
        let share = match self.share {
            // Calls made at the same moment are refused together.
            Some(share) if now.duration_since(share.refused_at) < window => {
                Share { calls: share.calls.max(taken.min(most)), refused_at: now, ..share }
            }
            before => {
                let most = before.map_or(most, |share| share.calls);
                let patience = before.map_or(PATIENCE, |share| share.patience * 2);
                let calls = taken.min(most.saturating_sub(1)).max(1);
                let patience = patience.min(MOST_PATIENCE);
                Share { calls, refused_at: now, since: now, patience, is_used_up: false }
            }
        };
        self.share = Some(share);
    }
}
