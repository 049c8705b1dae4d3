//! The lag from a request's arrival until its records are written, counted in classes: only the
//! class of each lag is kept, so that any number of lags takes a few counters.
//!
//! Up to 16 ms each millisecond is a class of its own. Above, each doubling is cut into eight equal
//! classes, so a class is at most an eighth as wide as the lags in it. A percentile is read off
//! within its class by the number of records below, so it differs from the measured lag by less
//! than 12.5%, and usually by far less.

use std::collections::BTreeMap;

use jiff::SignedDuration;

/// Lags below this many milliseconds are counted exactly.
const EXACT: u64 = 16;
/// Into how many classes each doubling above is cut.
const PARTS: u64 = 8;
/// `EXACT` and `PARTS` as powers of two.
const EXACT_BITS: u32 = EXACT.ilog2();
const PART_BITS: u32 = PARTS.ilog2();
/// Longer lags, in milliseconds, are counted as this one: 30 days.
const LONGEST: u64 = 30 * 24 * 60 * MINUTE;
const MINUTE: u64 = 60_000;
/// The number of the first class. Earlier versions stored coarser classes, whose numbers are
/// smaller.
const FIRST: usize = 1 + COARSE.len();
/// The upper bounds of those coarse classes, in milliseconds: a lag that was stored so is counted as
/// its bound.
const COARSE: [u64; 24] = [
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    60_000,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    4 * 60 * MINUTE,
    12 * 60 * MINUTE,
    24 * 60 * MINUTE,
    3 * 24 * 60 * MINUTE,
    7 * 24 * 60 * MINUTE,
    LONGEST,
];

/// The number of a lag's class, from 1.
pub fn class_of(lag: SignedDuration) -> usize {
    FIRST + place_of(u64::try_from(lag.as_millis().max(0)).unwrap_or(u64::MAX))
}

/// Where a lag is counted, from 0.
fn place_of(ms: u64) -> usize {
    let ms = ms.min(LONGEST);
    if ms < EXACT {
        return usize::try_from(ms).unwrap_or(0);
    }
    let doubling = ms.ilog2();
    let part = (ms >> (doubling - PART_BITS)) - PARTS;
    let place = EXACT + u64::from(doubling - EXACT_BITS) * PARTS + part;
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The shortest lag that is counted at this place, and how many milliseconds wide its class is.
fn class_at(place: usize) -> (u64, u64) {
    let place = place as u64;
    let Some(above) = place.checked_sub(EXACT) else { return (place, 1) };
    let doubling = EXACT_BITS + u32::try_from(above / PARTS).unwrap_or(u32::MAX);
    let width = 1_u64.checked_shl(doubling.saturating_sub(PART_BITS)).unwrap_or(u64::MAX);
    (width.saturating_mul(PARTS + above % PARTS), width)
}

/// The number of records by lag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lags(BTreeMap<usize, u64>);

impl Lags {
    /// Adds this many records with a lag of the class of this number; 0 and unknown numbers are
    /// ignored.
    pub fn add(&mut self, class: usize, records: u64) {
        let place = match class.checked_sub(1) {
            Some(coarse) if coarse < COARSE.len() => place_of(COARSE[coarse]),
            Some(_) if class - FIRST <= place_of(LONGEST) => class - FIRST,
            Some(_) | None => return,
        };
        if records > 0 {
            *self.0.entry(place).or_default() += records;
        }
    }

    /// Adds all of others.
    pub fn add_all(&mut self, others: &Self) {
        for (place, records) in &others.0 {
            *self.0.entry(*place).or_default() += records;
        }
    }

    /// How many records these are.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The time within which this many per cent of the records were written, to less than an eighth
    /// of it. `None` without records.
    pub fn percentile(&self, per_cent: u64) -> Option<SignedDuration> {
        let wanted = self.count().checked_mul(per_cent)?.div_ceil(100).max(1);
        let mut below = 0;
        let (place, records) = self.0.iter().find(|(_, records)| {
            let is_here = below + **records >= wanted;
            if !is_here {
                below += **records;
            }
            is_here
        })?;
        let (from, width) = class_at(*place);
        // As if the records of a class were spread evenly over it; a single one is in its middle.
        let (nth, records) = (u128::from(wanted - below), u128::from(*records));
        let part = u128::from(width) * (2 * nth - 1) / (2 * records);
        let ms = i64::try_from(u128::from(from) + part).unwrap_or(i64::MAX);
        Some(SignedDuration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags(records: impl IntoIterator<Item = i64>) -> Lags {
        let mut lags = Lags::default();
        for ms in records {
            lags.add(class_of(SignedDuration::from_millis(ms)), 1);
        }
        lags
    }

    fn percentiles<const N: usize>(lags: &Lags, per_cents: [u64; N]) -> [i64; N] {
        per_cents
            .map(|per_cent| i64::try_from(lags.percentile(per_cent).unwrap().as_millis()).unwrap())
    }

    #[test]
    fn every_lag_is_in_a_class_that_is_an_eighth_as_wide_at_most() {
        let powers = (0..32).flat_map(|power| {
            let ms = 1_u64 << power;
            [ms.saturating_sub(1), ms, ms + 1, ms + ms / 3]
        });
        for ms in powers.filter(|ms| *ms <= LONGEST) {
            let (from, width) = class_at(place_of(ms));
            assert!((from..from + width).contains(&ms), "{ms} in {from} and {width}");
            assert!(width == 1 || width * 8 <= from, "{ms} in {from} and {width}");
        }
        let classes = (0..=place_of(LONGEST)).map(class_at);
        for ((from, width), (next, _)) in classes.clone().zip(classes.skip(1)) {
            assert_eq!(from + width, next, "there is no gap");
        }
        for ms in [-3, 0] {
            assert_eq!(class_of(SignedDuration::from_millis(ms)), FIRST);
        }
        assert_eq!(class_of(SignedDuration::MAX), FIRST + place_of(LONGEST));
    }

    #[test]
    fn percentiles_are_as_measured() {
        assert_eq!(Lags::default().percentile(50), None);
        assert_eq!(percentiles(&lags([7, 7, 7, 9]), [50, 95]), [7, 9]);
        // 1 to 1,000 ms: nothing is rounded up to a bound.
        let even = lags(1..=1_000);
        for (per_cent, found) in
            [10, 50, 90, 95, 99].into_iter().zip(percentiles(&even, [10, 50, 90, 95, 99]))
        {
            let measured = i64::from(per_cent * 10);
            assert!((found - measured).abs() * 50 <= measured, "{found} for {measured}");
        }
        // The least favourable case: all lags at the end of a class.
        for ms in [17_i64, 287, 9_215, 86_399_999] {
            let [found] = percentiles(&lags([ms; 9]), [95]);
            assert!((found - ms).abs() * 8 < ms, "{found} for {ms}");
        }
        let mut more = even.clone();
        more.add_all(&even);
        assert_eq!(more.count(), 2_000);
        let [before, after] = [&even, &more].map(|lags| percentiles(lags, [95])[0]);
        assert!((before - after).abs() <= 2, "{before} {after}");
    }

    #[test]
    fn lags_that_an_earlier_version_stored_are_counted_as_their_bounds() {
        let mut old = Lags::default();
        for (class, records) in [(0, 7), (1, 50), (13, 50), (FIRST + 500, 7)] {
            old.add(class, records);
        }
        assert_eq!(old.count(), 100);
        let [half, most] = percentiles(&old, [50, 95]);
        assert_eq!(half, 5);
        assert!((most - 60_000).abs() * 8 < 60_000, "{most}");
    }
}
