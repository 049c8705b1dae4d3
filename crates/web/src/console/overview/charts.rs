//! What the chart shows.

use super::chart::{Chart, StepValues, Tick};
use crate::console::words::{number, stretch, time};
use admin::overview::{Overview, StepItem};

/// The one chart of a period: what was synced, needed no change and failed, and the lag over it.
pub(super) fn chart(overview: &Overview) -> Chart {
    let values = |step: &StepItem| {
        let (counts, lag) = (&step.sum.counts, &step.sum.lag);
        let told = format!(
            "{}: {} synced, {} unchanged, {} failed; lag p50 {}, p95 {}",
            stretch(step.from, overview.step_hours),
            number(counts.written()),
            number(quiet(counts)),
            number(counts.failed),
            time(lag.p50_ms),
            time(lag.p95_ms)
        );
        let values =
            vec![("synced", counts.written()), ("quiet", quiet(counts)), ("failed", counts.failed)];
        StepValues { told, values, lag: lag.p95_ms }
    };
    let peak = overview.steps.iter().max_by_key(|step| step.sum.counts.all());
    let peak = peak.filter(|step| step.sum.counts.all() > 0).map(|step| {
        let records = number(step.sum.counts.all());
        format!("peak {records} ({})", stretch(step.from, overview.step_hours))
    });
    let total = &overview.total;
    let description = format!(
        "{} synced, {} unchanged, {} failed; {}. Lag p50 {}, p95 {}.",
        number(total.counts.written()),
        number(quiet(&total.counts)),
        number(total.counts.failed),
        peak.unwrap_or_else(|| "no records".to_owned()),
        time(total.lag.p50_ms),
        time(total.lag.p95_ms)
    );
    Chart::new(description, ticks(overview), overview.steps.iter().map(values).collect())
}

/// Records for which nothing had to be written.
pub(super) fn quiet(counts: &store::Tally) -> u64 {
    counts.unchanged + counts.skipped
}

/// When the first, the middle and the last step begins.
fn ticks(overview: &Overview) -> Vec<Tick> {
    let steps = &overview.steps;
    let mut places = vec![0, steps.len() / 2, steps.len().saturating_sub(1)];
    places.dedup();
    let is_time = overview.step_hours <= 1;
    let of = |place: usize| steps.get(place).map(|step| Tick { at: step.from, is_time });
    places.into_iter().filter_map(of).collect()
}
