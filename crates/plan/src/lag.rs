//! The lag from a request's arrival until its records are written, counted in classes: only the
//! class of each lag is kept, so that any number of lags takes a few counters.

use jiff::SignedDuration;

/// The upper bounds of the classes, in milliseconds. Anything longer than the last is also in its
/// class.
const BOUNDS: [i64; CLASSES] = [
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
    DAY,
    3 * DAY,
    7 * DAY,
    30 * DAY,
];
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// The number of classes, counted from 1.
pub const CLASSES: usize = 24;

/// The class of a lag, from 1.
pub fn class_of(lag: SignedDuration) -> usize {
    let ms = i64::try_from(lag.as_millis()).unwrap_or(i64::MAX);
    let within = BOUNDS.iter().position(|bound| ms <= *bound);
    within.map_or(CLASSES, |place| place + 1)
}

/// The number of records by lag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lags([u64; CLASSES]);

impl Lags {
    /// Adds this many records with a lag of this class; an unknown class is ignored.
    pub fn add(&mut self, class: usize, records: u64) {
        if let Some(count) = class.checked_sub(1).and_then(|place| self.0.get_mut(place)) {
            *count += records;
        }
    }

    /// Adds all of others.
    pub fn add_all(&mut self, others: &Self) {
        for (count, other) in self.0.iter_mut().zip(others.0) {
            *count += other;
        }
    }

    /// How many records these are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time within which this many per cent of the records were written, rounded up to the
    /// bound of a class. `None` without records.
    pub fn within(&self, per_cent: u64) -> Option<SignedDuration> {
        let wanted = self.count().checked_mul(per_cent)?.div_ceil(100).max(1);
        let mut seen = 0;
        let place = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(SignedDuration::from_millis(BOUNDS[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_of_the_first_class_that_holds_it() {
        for (ms, class) in
            [(-3, 1), (0, 1), (5, 1), (6, 2), (1_000, 8), (DAY + 1, 22), (i64::MAX, CLASSES)]
        {
            assert_eq!(class_of(SignedDuration::from_millis(ms)), class, "{ms}");
        }
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn parts_of_lags_are_rounded_up_to_a_bound() {
        let mut lags = Lags::default();
        assert_eq!(lags.within(50), None);
        lags.add(0, 7);
        lags.add(CLASSES + 1, 7);
        assert_eq!(lags.count(), 0);
        for (ms, records) in [(7, 50), (300, 45), (90_000, 5)] {
            lags.add(class_of(SignedDuration::from_millis(ms)), records);
        }
        let told = [1, 50, 51, 95, 96, 100].map(|p| lags.within(p).unwrap().as_millis());
        assert_eq!(told, [10, 10, 500, 500, 120_000, 120_000]);
        let mut more = lags.clone();
        more.add_all(&lags);
        assert_eq!((more.count(), more.within(95)), (200, lags.within(95)));
    }
}
