//! When to retry.

use jiff::SignedDuration;

/// How long a record waits after its first, second, … try that failed for a temporary reason: a
/// blip is over within seconds; later waits are those of LeadSquared's own async API
/// (AD/async-api).
pub const DELAYS: [SignedDuration; MOST as usize] = [
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(7),
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(30),
    SignedDuration::from_mins(45),
    SignedDuration::from_hours(1),
    SignedDuration::from_mins(90),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(3),
];

/// How many times a temporary failure is retried.
pub const MOST: u32 = 12;
/// How many times a linked lead that is refused as a duplicate is retried: the shared value may be
/// moving from the other lead to this one. That takes about ten minutes, for which its later
/// changes wait.
pub const OF_LINKED_DUPLICATE: u32 = 5;
/// How many times a new lead that is refused as a duplicate is retried, which takes half a minute:
/// families share phone numbers, so most such leads are refused permanently.
pub const OF_NEW_DUPLICATE: u32 = 3;

/// How far a delay is stretched at most, so that many records don't come back at once.
const JITTER: f64 = 0.2;

/// How long to wait after this many tries (1 for the first); `None` once all are used up.
///
/// `chance` lies between 0 and 1.
pub fn delay(tries: u32, chance: f64) -> Option<SignedDuration> {
    let nth = usize::try_from(tries.max(1) - 1).ok()?;
    let delay = DELAYS.get(nth)?;
    Some(delay.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0)))
}

/// The same for a record with this maximum number of retries.
pub fn delay_of(most: u32, tries: u32, chance: f64) -> Option<SignedDuration> {
    delay(tries, chance).filter(|_| tries <= most)
}

/// Whether this try of a record came within seconds of the one before: its failure need not be
/// reported to people again.
pub fn is_quick(tries: u32) -> bool {
    const QUICK: SignedDuration = SignedDuration::from_secs(10);
    tries > 1 && delay(tries - 1, 0.0).is_some_and(|delay| delay < QUICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_is_tried_again_for_a_while() {
        let retries =
            |most| (1..=99).take_while(|tries| delay_of(most, *tries, 0.0).is_some()).count();
        assert_eq!(retries(OF_NEW_DUPLICATE), 3);
        assert_eq!(retries(OF_LINKED_DUPLICATE), 5);
        assert_eq!(retries(MOST), DELAYS.len());
    }

    #[test]
    fn delays_grow_and_end() {
        assert_eq!(delay(1, 0.0), Some(SignedDuration::from_secs(1)));
        assert_eq!(delay(1, 1.0), Some(SignedDuration::from_millis(1_200)));
        assert_eq!(delay(2, 0.0), Some(SignedDuration::from_secs(5)));
        assert_eq!(delay(3, 0.0), Some(SignedDuration::from_secs(30)));
        assert_eq!(delay(12, 0.0), Some(SignedDuration::from_hours(3)));
        assert_eq!(delay(13, 0.0), None);
        for tries in 2..=12 {
            assert!(delay(tries, 0.0) > delay(tries - 1, 1.0), "try {tries}");
        }
        let quick: Vec<u32> = (0..=13).filter(|tries| is_quick(*tries)).collect();
        assert_eq!(quick, [2, 3]);
    }
}
