//! The chart as SVG, for the template to draw: stacked bars of records, and a line of lags over them.

use jiff::Timestamp;

use crate::console::words::number;

/// The height of the chart, in units of the drawing; a bar takes [`BAR`] of the [`SLOT`] of its step.
const HEIGHT: u64 = 1_000;
const SLOT: usize = 10;
const BAR: usize = 8;
/// Fewer steps than this leave room at the right, so that a few bars do not become too wide.
const FEWEST: usize = 12;
/// A bar for something is never lower than this, so that one failure among thousands is visible.
const LEAST: u64 = 12;

/// A chart with a bar for each step.
pub(super) struct Chart {
    /// The chart in words, for people who can't see it.
    pub(super) description: String,
    pub(super) width: usize,
    pub(super) height: u64,
    /// The width of a step.
    pub(super) step: usize,
    pub(super) slots: Vec<Slot>,
    /// The points of each stretch of the line of lags.
    pub(super) lines: Vec<String>,
    /// Where the lines of `scale` are, except the lowest.
    pub(super) levels: Vec<u64>,
    /// What the levels mean for the bars, from the top to the bottom,
    pub(super) scale: Vec<String>,
    /// and for the line of lags; empty without one.
    pub(super) lag_scale: Vec<&'static str>,
    /// When the first, the middle and the last step begins.
    pub(super) ticks: Vec<Tick>,
}

/// When a step begins.
pub(super) struct Tick {
    pub(super) at: Timestamp,
    /// Whether the time of day is shown, rather than the day, which is one of UTC.
    pub(super) is_time: bool,
}

/// One step of a chart.
pub(super) struct Slot {
    pub(super) x: usize,
    /// The tooltip.
    pub(super) told: String,
    pub(super) bars: Vec<Bar>,
}

/// A part of a bar.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: usize,
    pub(super) y: u64,
    pub(super) width: usize,
    pub(super) height: u64,
}

/// A step's part of a chart.
pub(super) struct StepValues {
    /// Its tooltip.
    pub(super) told: String,
    /// Its values with their classes, from the bottom up.
    pub(super) values: Vec<(&'static str, u64)>,
    /// Its lag, in milliseconds.
    pub(super) lag: Option<u64>,
}

impl Chart {
    /// Stacked bars, up to a round number, and the line of lags.
    pub(super) fn new(description: String, ticks: Vec<Tick>, steps: Vec<StepValues>) -> Self {
        let sum = |step: &StepValues| step.values.iter().map(|(_, value)| value).sum();
        let top = round_up(steps.iter().map(sum).max().unwrap_or(0));
        let lags: Vec<Option<u64>> = steps.iter().map(|step| step.lag).collect();
        let decades = lags.iter().flatten().max().map(|longest| Decades::up_to(*longest));
        let width = steps.len().max(FEWEST) * SLOT;
        let slot = |(place, step): (usize, StepValues)| {
            let x = place * SLOT;
            Slot { x, told: step.told, bars: bars(x, top, &step.values) }
        };
        Self {
            description,
            width,
            height: HEIGHT,
            step: SLOT,
            slots: steps.into_iter().enumerate().map(slot).collect(),
            lines: decades.as_ref().map(|decades| lines(&lags, decades)).unwrap_or_default(),
            levels: vec![0, HEIGHT / 2],
            scale: vec![number(top), number(top / 2), "0".to_owned()],
            lag_scale: decades.map(|decades| decades.labels()).unwrap_or_default(),
            ticks,
        }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.bars.is_empty())
    }
}

fn bars(x: usize, top: u64, values: &[(&'static str, u64)]) -> Vec<Bar> {
    let mut below = 0;
    let parts = values.iter().filter(|(_, value)| *value > 0).map(|(class, value)| {
        let height = (value * HEIGHT / top).max(LEAST);
        below += height;
        let y = HEIGHT.saturating_sub(below);
        Bar { class, x: x + (SLOT - BAR) / 2, y, width: BAR, height }
    });
    parts.collect()
}

/// The points of each stretch of steps with a lag.
fn lines(lags: &[Option<u64>], decades: &Decades) -> Vec<String> {
    let point = |(place, lag): (usize, &Option<u64>)| {
        let y = HEIGHT - decades.height_of((*lag)?);
        Some((place * SLOT + SLOT / 2, y))
    };
    let points: Vec<Option<(usize, u64)>> = lags.iter().enumerate().map(point).collect();
    let stretches = points.split(Option::is_none).filter(|stretch| !stretch.is_empty());
    let line = |stretch: &[Option<(usize, u64)>]| {
        let points = stretch.iter().flatten().copied();
        let mut points: Vec<(usize, u64)> = points.collect();
        // A step between two without records would not be seen.
        if let [(x, y)] = points[..] {
            points = vec![(x - BAR / 2, y), (x + BAR / 2, y)];
        }
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        points.join(" ")
    };
    stretches.map(line).collect()
}

/// A scale of lags, in which each line is about ten times the one below: an even number of them, so
/// that one is in the middle.
struct Decades(usize);

/// The lines, in milliseconds.
const DECADES: [(u64, &str); 9] = [
    (0, "0"),
    (10, "10 ms"),
    (100, "100 ms"),
    (1_000, "1 s"),
    (10_000, "10 s"),
    (100_000, "100 s"),
    (3_600_000, "1 h"),
    (86_400_000, "1 day"),
    (2_592_000_000, "30 days"),
];

impl Decades {
    fn up_to(longest: u64) -> Self {
        let top = DECADES.iter().position(|(bound, _)| *bound >= longest);
        Self(top.unwrap_or(DECADES.len() - 1).max(2).next_multiple_of(2))
    }

    /// The top, the middle and the bottom.
    fn labels(&self) -> Vec<&'static str> {
        [self.0, self.0 / 2, 0].map(|line| DECADES[line].1).to_vec()
    }

    /// Between two lines the position is linear: an exact one would need logarithms, and nobody reads
    /// it off; the tooltip has the number.
    fn height_of(&self, ms: u64) -> u64 {
        let above = DECADES[1..].iter().position(|(bound, _)| *bound >= ms);
        let lower = above.unwrap_or(self.0 - 1).min(self.0 - 1);
        let (from, to) = (DECADES[lower].0, DECADES[lower + 1].0);
        let part = ms.clamp(from, to) - from;
        let decade = HEIGHT / self.0 as u64;
        decade * lower as u64 + decade * part / (to - from)
    }
}

/// The next of 2, 4, 10, 20, 40, 100, …: the middle of each is a whole number.
fn round_up(value: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [2, 4, 10] {
            let round = unit.saturating_mul(factor);
            if round >= value || round == u64::MAX {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round() {
        let scales = [0, 1, 3, 4, 5, 11, 399, 401].map(round_up);
        assert_eq!(scales, [2, 2, 4, 4, 10, 20, 400, 1_000]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    fn step(values: &[u64], lag: Option<u64>) -> StepValues {
        let values = values.iter().map(|value| ("class", *value)).collect();
        StepValues { told: String::new(), values, lag }
    }

    fn chart(steps: Vec<StepValues>) -> Chart {
        Chart::new(String::new(), Vec::new(), steps)
    }

    #[test]
    fn bars_stay_within_the_chart() {
        let rows: [&[u64]; 5] = [&[0, 0], &[1, 399], &[400, 0], &[u64::MAX / 4_000, 1], &[]];
        let chart = chart(rows.iter().map(|row| step(row, None)).collect());
        assert_eq!((chart.width, chart.slots.len()), (120, 5));
        for bar in chart.slots.iter().flat_map(|slot| &slot.bars) {
            assert!(bar.height >= LEAST && bar.y + bar.height <= HEIGHT + 2 * LEAST);
            assert!(bar.x + bar.width <= chart.width);
        }
        assert_eq!(chart.slots[0].bars.len(), 0);
        assert!(chart.lines.is_empty() && chart.lag_scale.is_empty());
    }

    #[test]
    fn lags_lie_between_their_lines() {
        let lags = [Some(5), Some(10), None, Some(55), Some(1_000)];
        let chart = chart(lags.map(|lag| step(&[1], lag)).into());
        assert_eq!(chart.lag_scale, ["10 s", "100 ms", "0"]);
        assert_eq!(chart.lines, ["5,875 15,750", "35,625 45,250"]);
        let alone = super::tests::chart(vec![step(&[1], Some(10))]);
        assert_eq!(alone.lines, ["1,500 9,500"]);
    }
}
