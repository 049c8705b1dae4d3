//! When the next page of something read page by page may be requested.

use jiff::{SignedDuration, Timestamp};

/// How long after a failure a page is requested again: the first value, doubled each time, up to the
/// second.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How long to wait if the quota had no room after all.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);
/// How often to show why an account's pages can't be read while calls to it are paused.
pub(super) const WHILE_CLOSED: SignedDuration = SignedDuration::from_secs(10);

/// The pages of one reader: one is requested at a time. Times are those of the steady clock.
#[derive(Debug)]
pub(super) struct Pacing {
    is_asked: bool,
    not_before: Option<Timestamp>,
    pause: SignedDuration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { is_asked: false, not_before: None, pause: PAUSE }
    }
}

impl Pacing {
    /// Whether a page is being read.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// Whether the next page may be requested.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        !self.is_asked && self.not_before.is_none_or(|at| at <= now)
    }

    /// A page is requested.
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// The requested page arrived.
    pub(super) fn read(&mut self) {
        *self = Self::default();
    }

    /// The requested page is no longer useful.
    pub(super) fn forget(&mut self) {
        self.is_asked = false;
    }

    /// It could not be read.
    pub(super) fn fail(&mut self, now: Timestamp) {
        self.is_asked = false;
        self.wait(now, self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The quota had no room for it after all.
    pub(super) fn delay(&mut self, now: Timestamp) {
        self.is_asked = false;
        self.wait(now, MOMENT);
    }

    /// Nothing is due for this long.
    pub(super) fn wait(&mut self, now: Timestamp, pause: SignedDuration) {
        self.not_before = Some(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_fails_is_asked_for_later_and_later() {
        let mut pacing = Pacing::default();
        let mut now = Timestamp::UNIX_EPOCH;
        assert!(pacing.is_due(now));
        pacing.ask();
        assert!(!pacing.is_due(now), "one at a time");
        for pause in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            pacing.fail(now);
            assert!(!pacing.is_due(now + SignedDuration::from_secs(pause - 1)), "{pause}");
            now += SignedDuration::from_secs(pause);
            assert!(pacing.is_due(now), "{pause}");
        }
        pacing.delay(now);
        now += MOMENT;
        assert!(pacing.is_due(now));
        pacing.read();
        pacing.fail(now);
        assert!(pacing.is_due(now + PAUSE), "a page that was read starts it anew");
    }
}
