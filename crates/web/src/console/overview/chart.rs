//! Charts as SVG: what the template draws.

use crate::console::words::number;

/// The height of a chart, in units of the drawing; a bar takes [`BAR`] of the [`SLOT`] of its step.
const HEIGHT: u64 = 1_000;
const SLOT: usize = 10;
const BAR: usize = 8;
/// Fewer steps than this leave room at the right, so that a few bars do not become too wide.
const FEWEST: usize = 12;
/// A bar for something is never lower than this, so that one failure among thousands is visible.
const LEAST: u64 = 12;

/// A chart with a bar for each step.
pub(super) struct Chart {
    /// The id of the element in the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The chart in words, for people who can't see it.
    pub(super) description: String,
    pub(super) width: usize,
    pub(super) height: u64,
    /// The width of a step.
    pub(super) step: usize,
    pub(super) slots: Vec<Slot>,
    /// Where the lines of `scale` are, except the lowest.
    pub(super) lines: Vec<u64>,
    /// What the lines mean, from the top to the bottom.
    pub(super) scale: Vec<String>,
    pub(super) legend: Vec<(&'static str, &'static str)>,
    /// When the first, the middle and the last step begins.
    pub(super) ticks: Vec<String>,
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

/// A step's part of a chart: its tooltip, and its values with their classes, from the bottom up.
pub(super) struct Values {
    pub(super) told: String,
    pub(super) values: Vec<(&'static str, u64)>,
}

/// What a chart has besides its values.
pub(super) struct Frame {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) description: String,
    pub(super) legend: Vec<(&'static str, &'static str)>,
    pub(super) ticks: Vec<String>,
}

impl Chart {
    /// Stacked bars, up to a round number.
    pub(super) fn stacked(frame: Frame, steps: Vec<Values>) -> Self {
        let sum = |step: &Values| step.values.iter().map(|(_, value)| value).sum();
        let top = round_up(steps.iter().map(sum).max().unwrap_or(0));
        let scale = vec![number(top), number(top / 2), "0".to_owned()];
        Self::new(frame, steps, scale, |values| {
            let mut below = 0;
            let parts = values.iter().filter(|(_, value)| *value > 0).map(|(class, value)| {
                let height = (value * HEIGHT / top).max(LEAST);
                below += height;
                (*class, below.min(HEIGHT), height)
            });
            parts.collect()
        })
    }

    /// Bars of times in milliseconds, one in front of another, the longest first; each line is ten
    /// times the one below.
    pub(super) fn times(frame: Frame, steps: Vec<Values>) -> Self {
        let longest = steps.iter().flat_map(|step| step.values.iter().map(|(_, value)| *value));
        let longest = longest.max().unwrap_or(0);
        let top = DECADES.iter().position(|(bound, _)| *bound >= longest);
        let top = top.unwrap_or(DECADES.len() - 1).max(2);
        let scale = DECADES[..=top].iter().rev().map(|(_, label)| (*label).to_owned()).collect();
        let place = |value: u64| {
            let above = DECADES[1..].iter().position(|(bound, _)| *bound >= value);
            let lower = above.unwrap_or(top - 1).min(top - 1);
            let (from, to) = (DECADES[lower].0, DECADES[lower + 1].0);
            // An exact position would need logarithms; a straight line between two lines is close
            // enough for a class of lags.
            let part = value.clamp(from, to) - from;
            let decade = HEIGHT / top as u64;
            (decade * lower as u64 + decade * part / (to - from)).max(LEAST)
        };
        Self::new(frame, steps, scale, |values| {
            let bars = values.iter().filter(|(_, value)| *value > 0);
            bars.map(|(class, value)| (*class, place(*value), place(*value))).collect()
        })
    }

    fn new(
        frame: Frame,
        steps: Vec<Values>,
        scale: Vec<String>,
        bars: impl Fn(&[(&'static str, u64)]) -> Vec<(&'static str, u64, u64)>,
    ) -> Self {
        let Frame { id, title, description, legend, ticks } = frame;
        let width = steps.len().max(FEWEST) * SLOT;
        let slot = |(number, step): (usize, Values)| {
            let x = number * SLOT;
            let bar = |(class, top, height): (&'static str, u64, u64)| Bar {
                class,
                x: x + (SLOT - BAR) / 2,
                y: HEIGHT - top,
                width: BAR,
                height,
            };
            let bars = bars(&step.values).into_iter().map(bar).collect();
            Slot { x, told: step.told, bars }
        };
        let slots = steps.into_iter().enumerate().map(slot).collect();
        let gaps = scale.len().saturating_sub(1).max(1) as u64;
        let lines = (0..gaps).map(|line| line * HEIGHT / gaps).collect();
        let (height, step) = (HEIGHT, SLOT);
        Self { id, title, description, width, height, step, slots, lines, scale, legend, ticks }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.bars.is_empty())
    }
}

/// The lines of a chart of times.
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

    fn frame() -> Frame {
        let (description, ticks, legend) = Default::default();
        Frame { id: "c", title: "t", description, legend, ticks }
    }

    fn step(values: &[u64]) -> Values {
        let values = values.iter().map(|value| ("class", *value)).collect();
        Values { told: String::new(), values }
    }

    #[test]
    fn bars_stay_within_the_chart() {
        let rows: [&[u64]; 5] = [&[0, 0], &[1, 399], &[400, 0], &[u64::MAX / 4_000, 1], &[]];
        for make in [Chart::stacked, Chart::times] {
            let chart = make(frame(), rows.iter().map(|row| step(row)).collect());
            assert_eq!((chart.width, chart.slots.len()), (120, 5));
            for bar in chart.slots.iter().flat_map(|slot| &slot.bars) {
                assert!(bar.height >= LEAST && bar.y + bar.height <= HEIGHT + 2 * LEAST);
                assert!(bar.x + bar.width <= chart.width);
            }
            assert_eq!(chart.slots[0].bars.len(), 0);
        }
    }

    #[test]
    fn times_lie_between_their_lines() {
        let values = [5, 10, 55, 100_000];
        let chart = Chart::times(frame(), values.iter().map(|value| step(&[*value])).collect());
        assert_eq!(chart.scale, ["100 s", "10 s", "1 s", "100 ms", "10 ms", "0"]);
        let heights: Vec<u64> = chart.slots.iter().map(|slot| slot.bars[0].height).collect();
        assert_eq!(heights, [100, 200, 300, 1_000]);
    }
}
