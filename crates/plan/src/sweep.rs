//! The sweep: finding what changed in an account without a webhook.
//!
//! Bulk updates and imports post no webhooks, automations stop after 50 runs a day, and webhooks may
//! be lost during a long downtime of leadsync. So what was modified is read at an interval, one call
//! for up to 1,000 leads, and what is out of sync and has no request yet becomes one, as if a webhook
//! had reported it.

use jiff::{SignedDuration, Timestamp};

/// A round reads what was modified since this long before the last one began: the account's clock may
/// be behind ours.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// What was modified less than this ago is left to the next round: its webhook is probably on its
/// way.
pub const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// The shortest interval between two rounds, and the longest that is chosen.
const SHORTEST: SignedDuration = SignedDuration::from_mins(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(6);
/// The share of a day's calls for sweeping: one in this many.
const SHARE_OF_A_DAY: u32 = 20;
const SECONDS_A_DAY: u32 = 86_400;
/// Calls of a round that finds something in one kind of thing: a page, and the empty one behind it.
const CALLS_A_KIND: u32 = 2;

/// Whether a connector sweeps automatically: by its settings or, by default, if an enabled connector
/// goes in the opposite direction.
pub fn is_on(setting: Option<bool>, is_pair: bool) -> bool {
    setting.unwrap_or(is_pair)
}

/// How long to wait between the starts of two rounds, for an account with this many calls a day
/// whose connectors read this many kinds of things: leads, and each activity type.
pub fn interval(daily: u32, kinds: u32) -> SignedDuration {
    let for_it = (daily / SHARE_OF_A_DAY).max(1);
    let calls = CALLS_A_KIND.saturating_mul(kinds.max(1));
    let seconds = u64::from(SECONDS_A_DAY) * u64::from(calls) / u64::from(for_it);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    SignedDuration::from_secs(seconds).clamp(SHORTEST, LONGEST)
}

/// How many calls a day such rounds take at most, unless more than 1,000 leads are modified between
/// two of them.
pub fn calls_a_day(interval: SignedDuration, kinds: u32) -> u64 {
    let rounds = i64::from(SECONDS_A_DAY) / interval.as_secs().max(1);
    u64::from(CALLS_A_KIND) * u64::from(kinds.max(1)) * rounds.unsigned_abs()
}

/// Whether a round that started then covers something modified then.
pub fn is_due(modified: Option<Timestamp>, begun: Timestamp, was_asked_for: bool) -> bool {
    was_asked_for || modified.is_none_or(|modified| modified <= begun - GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Quota;

    #[test]
    fn a_sweep_takes_one_call_in_twenty_of_a_day() {
        for (daily, kinds, minutes) in [
            (Quota::PRO.daily, 1, 5),
            (Quota::PRO.daily, 3, 17),
            (Quota::SUPER.daily, 1, 5),
            (200, 1, 288),
            (5, 1, 360),
        ] {
            let every = interval(daily, kinds);
            assert_eq!(every.as_mins(), minutes, "{daily} {kinds}");
            let is_longest = every == LONGEST;
            assert!(
                is_longest || calls_a_day(every, kinds) <= u64::from(daily / 20) + 1,
                "{daily}"
            );
        }
    }

    #[test]
    fn what_was_just_modified_is_left_to_its_webhook() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let begun = at(1_000);
        for (modified, asked, due) in [
            (Some(880), false, true),
            (Some(881), false, false),
            (Some(1_500), false, false),
            (Some(999), true, true),
            (None, false, true),
        ] {
            assert_eq!(is_due(modified.map(at), begun, asked), due, "{modified:?} {asked}");
        }
    }
}
