//! The four figures: what was synced, what failed, how long it took and what waits, each with how it
//! compares with the period before.

use admin::overview::{Overview, Sum};
use store::Waiting;

use crate::console::words::{counted, number, time};

/// The height of a sparkline, in units of the drawing, and the distance between its points.
const HEIGHT: u64 = 24;
const SLOT: usize = 10;
/// Below this, differences are shown as they are, not in per cent.
const FEW: u64 = 10;
/// Above this percentage, the number before is shown.
const MUCH: u64 = 1_000;

/// A figure.
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// Whether it is bad.
    pub(super) is_bad: bool,
    /// Where what it counts is listed.
    pub(super) address: Option<String>,
    pub(super) trend: String,
    pub(super) spark: Option<Spark>,
}

/// A sparkline: its width and its points.
pub(super) struct Spark {
    pub(super) width: usize,
    pub(super) points: String,
}

/// The addresses of what figures count.
pub(super) struct Addresses {
    pub(super) failed: String,
    pub(super) queued: String,
}

/// The figures; `period` names the time before.
pub(super) fn figures(overview: &Overview, addresses: Addresses, period: &str) -> Vec<Figure> {
    let Overview { total, before, .. } = overview;
    let spark = |of: fn(&Sum) -> u64| {
        let values: Vec<u64> = overview.steps.iter().map(|step| of(&step.sum)).collect();
        Spark::of(&values)
    };
    let failed = total.counts.failed;
    let lag = |sum: &Sum| sum.lag.p95_ms;
    vec![
        Figure {
            label: "Synced",
            value: number(total.counts.written()),
            is_bad: false,
            address: None,
            trend: trend(total.counts.written(), before.counts.written(), period),
            spark: spark(|sum| sum.counts.written()),
        },
        Figure {
            label: "Failed",
            value: number(failed),
            is_bad: failed > 0,
            address: (failed > 0).then_some(addresses.failed),
            trend: trend(failed, before.counts.failed, period),
            spark: spark(|sum| sum.counts.failed),
        },
        Figure {
            label: "Lag p95",
            value: time(lag(total)),
            is_bad: false,
            address: None,
            trend: match (lag(total), lag(before)) {
                (Some(_), Some(before)) => format!("{} in the {period} before", time(Some(before))),
                (Some(_), None) => format!("nothing synced in the {period} before"),
                (None, _) => "nothing synced".to_owned(),
            },
            spark: spark(|sum| sum.lag.p95_ms.unwrap_or(0)),
        },
        queued(overview, addresses.queued),
    ]
}

/// What waits now has no past: its oldest says whether it grows old.
fn queued(overview: &Overview, address: String) -> Figure {
    let sum = |of: fn(&admin::overview::ConnectorOverview) -> u64| {
        overview.connectors.iter().map(of).sum::<u64>()
    };
    let is_more = overview.connectors.iter().any(|one| one.waiting.count == Waiting::MOST);
    let (waiting, retrying) = (sum(|one| one.waiting.count), sum(|one| one.retrying.count));
    let oldest = overview.connectors.iter().filter_map(|one| one.waiting.oldest).min();
    let age = oldest.map(|oldest| {
        let ms = overview.at.duration_since(oldest).as_millis().max(0);
        format!("oldest {}", time(u64::try_from(ms).ok()))
    });
    let retrying = (retrying > 0).then(|| counted(retrying, "record retrying", "records retrying"));
    let told: Vec<String> = [age, retrying].into_iter().flatten().collect();
    Figure {
        label: "Queued",
        value: format!("{}{}", number(waiting), if is_more { "+" } else { "" }),
        is_bad: false,
        address: (waiting > 0).then_some(address),
        trend: if told.is_empty() { "nothing waits".to_owned() } else { told.join("; ") },
        spark: None,
    }
}

/// How a number compares with the one before.
fn trend(now: u64, before: u64, period: &str) -> String {
    let sign = if now >= before { '+' } else { '−' };
    let differs = now.abs_diff(before);
    match (before, differs) {
        (_, 0) => format!("same as the {period} before"),
        (0, _) => format!("none in the {period} before"),
        (before, _) if before < FEW => {
            format!("{sign}{} on the {period} before", number(differs))
        }
        (before, differs) => match differs.saturating_mul(100) / before {
            0 => format!("same as the {period} before"),
            part if part > MUCH => format!("{} in the {period} before", number(before)),
            part => format!("{sign}{part}% on the {period} before"),
        },
    }
}

impl Spark {
    fn of(values: &[u64]) -> Option<Self> {
        let most = values.iter().copied().max().filter(|most| *most > 0)?;
        let point = |(place, value): (usize, &u64)| {
            let height = u128::from(*value) * u128::from(HEIGHT) / u128::from(most);
            format!("{},{}", place * SLOT, u128::from(HEIGHT) - height)
        };
        let points: Vec<String> = values.iter().enumerate().map(point).collect();
        let width = values.len().saturating_sub(1) * SLOT;
        Some(Self { width: width.max(SLOT), points: points.join(" ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_compared_with_the_one_before() {
        for (now, before, expected) in [
            (0, 0, "same as the day before"),
            (12, 0, "none in the day before"),
            (12, 3, "+9 on the day before"),
            (1, 3, "−2 on the day before"),
            (104, 100, "+4% on the day before"),
            (50, 100, "−50% on the day before"),
            (100_000, 100_001, "same as the day before"),
            (100_000, 12, "12 in the day before"),
        ] {
            assert_eq!(trend(now, before, "day"), expected, "{now} {before}");
        }
    }

    #[test]
    fn a_sparkline_reaches_its_top() {
        let spark = Spark::of(&[0, 5, 10]).unwrap();
        assert_eq!((spark.width, spark.points.as_str()), (20, "0,24 10,12 20,0"));
        assert!(Spark::of(&[0, 0]).is_none() && Spark::of(&[]).is_none());
    }
}
