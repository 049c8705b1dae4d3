//! Which charts there are, and what they show.

use super::chart::{Chart, Frame, Values};
use crate::console::words::{number, stretch, time};
use admin::overview::{Lag, Overview, StepItem};

pub(super) fn charts(overview: &Overview) -> Vec<Chart> {
    let ticks = ticks(overview);
    let values = |told: fn(&StepItem) -> String,
                  values: fn(&StepItem) -> Vec<(&'static str, u64)>| {
        let step = |step: &StepItem| Values {
            told: format!("{}: {}", stretch(step.from, overview.step_hours), told(step)),
            values: values(step),
        };
        overview.steps.iter().map(step).collect::<Vec<_>>()
    };
    let peak = |of: fn(&StepItem) -> u64| {
        let peak = overview.steps.iter().max_by_key(|step| of(step)).filter(|step| of(step) > 0);
        peak.map(|step| {
            format!("peak {} ({})", number(of(step)), stretch(step.from, overview.step_hours))
        })
    };
    let total = &overview.total;
    let volume = Frame {
        id: "volume",
        title: "Records",
        description: format!(
            "{} synced, {} unchanged, {} failed; {}.",
            number(total.counts.written()),
            number(quiet(&total.counts)),
            number(total.counts.failed),
            peak(|step| step.sum.counts.all()).unwrap_or_else(|| "no records".to_owned())
        ),
        legend: vec![("synced", "Synced"), ("quiet", "No change"), ("failed", "Failed")],
        ticks: ticks.clone(),
    };
    let volume_values = values(
        |step| {
            let counts = &step.sum.counts;
            format!(
                "{} synced, {} unchanged, {} failed",
                number(counts.written()),
                number(quiet(counts)),
                number(counts.failed)
            )
        },
        |step| {
            let counts = &step.sum.counts;
            vec![("synced", counts.written()), ("quiet", quiet(counts)), ("failed", counts.failed)]
        },
    );
    let failed = Frame {
        id: "failures",
        title: "Failures",
        description: match peak(|step| step.sum.counts.failed) {
            Some(peak) => format!("{} failed; {peak}.", number(total.counts.failed)),
            None => "No failures.".to_owned(),
        },
        legend: vec![("failed", "Unresolved failures")],
        ticks: ticks.clone(),
    };
    let failed_values = values(
        |step| format!("{} failed", number(step.sum.counts.failed)),
        |step| vec![("failed", step.sum.counts.failed)],
    );
    let lag = Frame {
        id: "lag",
        title: "Lag",
        description: format!(
            "Time from webhook to destination: p50 {}, p95 {}.",
            time(total.lag.p50_ms),
            time(total.lag.p95_ms)
        ),
        legend: vec![("half", "p50"), ("most", "p95")],
        ticks,
    };
    let lag_values = values(
        |step| {
            let Lag { p50_ms, p95_ms } = step.sum.lag;
            format!("p50 {}, p95 {}", time(p50_ms), time(p95_ms))
        },
        |step| {
            let Lag { p50_ms, p95_ms } = step.sum.lag;
            vec![("most", p95_ms.unwrap_or(0)), ("half", p50_ms.unwrap_or(0))]
        },
    );
    vec![
        Chart::stacked(volume, volume_values),
        Chart::stacked(failed, failed_values),
        Chart::times(lag, lag_values),
    ]
}

/// Records for which nothing had to be written.
pub(super) fn quiet(counts: &store::Tally) -> u64 {
    counts.unchanged + counts.skipped
}

/// When the first, the middle and the last step begins.
fn ticks(overview: &Overview) -> Vec<String> {
    let format = if overview.step_hours == 1 { "%H:%M UTC" } else { "%-d %b" };
    let steps = &overview.steps;
    let mut places = vec![0, steps.len() / 2, steps.len().saturating_sub(1)];
    places.dedup();
    let of = |place: usize| steps.get(place).map(|step| step.from.strftime(format).to_string());
    places.into_iter().filter_map(of).collect()
}
