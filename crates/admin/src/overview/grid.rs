//! The period that is shown, and the steps into which it is cut.

use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use store::{Span, Step, Store};

/// The lengths of a step, in hours, the shortest first.
const LENGTHS: [i64; 4] = [1, 6, 24, 7 * 24];
/// The most steps that are shown; for more, the steps become longer.
pub(super) const MOST_STEPS: usize = 62;
/// The longest period, in days.
const LONGEST: i64 = 366;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The requested part.
#[derive(Clone, Debug)]
pub struct OverviewQuery {
    /// From this moment
    pub from: Timestamp,
    /// to this one.
    pub to: Timestamp,
    /// Only this connector.
    pub connector: Option<ConnectorId>,
}

impl OverviewQuery {
    /// The end of a period that goes up to this moment: what arrives in it counts.
    pub fn up_to(now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_millis(1)).unwrap_or(now)
    }

    /// The period cut into steps of hours.
    ///
    /// # Errors
    /// Why the period is invalid.
    pub fn grid(&self) -> Result<Grid, String> {
        let Self { from, to, .. } = *self;
        if from >= to {
            return Err("must be before `to`".to_owned());
        }
        if to.duration_since(from) > SignedDuration::from_hours(24 * LONGEST) {
            return Err(format!("must be at most {LONGEST} days before `to`"));
        }
        let grids = LENGTHS.map(|hours| Grid::of_hours(from, to, hours));
        let fitting = grids.iter().find(|grid| grid.starts(MOST_STEPS + 1).len() <= MOST_STEPS);
        Ok(*fitting.unwrap_or(&grids[LENGTHS.len() - 1]))
    }
}

/// A period, cut into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// When the first step begins.
    pub from: Timestamp,
    /// When the period ends, which may be within a step.
    pub to: Timestamp,
    /// The length of a step: [`Step::SHORT`], or whole hours.
    pub step: SignedDuration,
}

impl Grid {
    /// The last hour before this moment, in short steps.
    pub fn last_hour(now: Timestamp) -> Self {
        let from = now.checked_sub(HOUR).unwrap_or(now);
        Self::begun(from, OverviewQuery::up_to(now), Step::SHORT)
    }

    /// A period in steps of so many hours. Steps start at multiples of their length since 1970, so
    /// those of 24 hours are days.
    pub fn of_hours(from: Timestamp, to: Timestamp, hours: i64) -> Self {
        Self::begun(from, to, SignedDuration::from_hours(hours.max(1)))
    }

    /// The first step is complete.
    fn begun(from: Timestamp, to: Timestamp, step: SignedDuration) -> Self {
        let length = step.as_secs().max(1);
        let start = from.as_second().div_euclid(length) * length;
        Self { from: Timestamp::from_second(start).unwrap_or(from), to, step }
    }

    /// When each step begins: at most `limit` of them.
    pub fn starts(&self, limit: usize) -> Vec<Timestamp> {
        let next = |at: &Timestamp| at.checked_add(self.step).ok();
        let starts = std::iter::successors(Some(self.from), next);
        starts.take_while(|at| *at < self.to).take(limit).collect()
    }

    /// The time before the period that is as long as the part of it that has passed, to half of what
    /// can be counted: an hour, or a short step.
    #[must_use]
    pub fn before(&self, now: Timestamp) -> Self {
        let unit = self.step.min(HOUR);
        let length = self.to.min(now).duration_since(self.from).max(unit);
        let units = (length.as_secs() + unit.as_secs() / 2) / unit.as_secs().max(1);
        let units = i32::try_from(units).unwrap_or(i32::MAX);
        let from = self.from.checked_sub(unit.saturating_mul(units)).unwrap_or(self.from);
        Self { from, to: self.from, step: self.step }
    }

    /// The outcomes of the records that arrived in it, by step and connector.
    pub(super) async fn read(&self, store: &dyn Store) -> store::Result<Vec<Step>> {
        if self.step < HOUR {
            return store.recent_steps(self.from, self.to).await;
        }
        let Self { from, to, step } = *self;
        store.steps(&Span { from, to, hours: step.as_hours() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-30T{time}Z").parse().unwrap()
    }

    #[test]
    fn a_period_is_compared_with_one_as_long() {
        let now = at("15:20:00");
        let asked =
            OverviewQuery { from: at("05:20:00"), to: OverviewQuery::up_to(now), connector: None };
        let grid = asked.grid().unwrap();
        assert_eq!((grid.from, grid.starts(99).len()), (at("05:00:00"), 11));
        // Ten hours and twenty minutes have passed.
        let before = grid.before(now);
        assert_eq!(
            (before.from, before.to),
            ("2026-11-29T19:00:00Z".parse().unwrap(), at("05:00:00"))
        );
        let hour = Grid::last_hour(now);
        assert_eq!((hour.from, hour.starts(99).len()), (at("14:20:00"), 13));
        assert_eq!(hour.before(now).from, at("13:20:00"));
        // One that is over is compared as a whole.
        let past = Grid::of_hours(at("01:00:00"), at("03:00:00"), 1);
        assert_eq!(past.before(now).from, "2026-11-29T23:00:00Z".parse().unwrap());
    }

    #[test]
    fn long_periods_have_long_steps() {
        let steps = |days: i64| {
            let to = at("00:00:00");
            let from = to.checked_sub(SignedDuration::from_hours(24 * days)).unwrap();
            OverviewQuery { from, to, connector: None }.grid().map(|grid| grid.step.as_hours())
        };
        assert_eq!([1, 7, 30, 366].map(|days| steps(days).unwrap()), [1, 6, 24, 168]);
        assert!(steps(367).is_err() && steps(0).is_err());
    }
}
