//! What was measured, as a table.

use std::fmt::{Display, Formatter, Result};

use sandbox::Quota;

use super::Run;
use super::live::Lags;

pub struct Report {
    pub leads: usize,
    pub quota: Quota,
    /// The calls that the plan foresees, to both accounts,
    pub planned: u64,
    /// and how many seconds they take at least.
    pub seconds: Option<u64>,
    pub alone: Run,
    pub killed: Run,
}

/// A ratio, for a person.
fn ratio(one: f64, other: f64) -> String {
    format!("{:.2}", one / other)
}

#[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
fn count(calls: u64) -> f64 {
    calls as f64
}

fn lag(lags: &Lags) -> String {
    format!(
        "p50 {:.0} ms, p95 {:.0} ms ({} changes)",
        lags.percentile(50),
        lags.percentile(95),
        lags.count()
    )
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self { leads, quota, planned, seconds, alone, killed } = self;
        let both = [alone, killed];
        writeln!(
            out,
            "{leads} leads; {} calls, of them {} bulk calls, in {} s\n\n\
             | | undisturbed | killed ten times |\n|---|---|---|",
            quota.calls,
            quota.bulk_calls,
            quota.window.as_secs(),
        )?;
        let mut row = |what: &str, cell: &dyn Fn(&Run) -> String| {
            writeln!(out, "| {what} | {} | {} |", cell(both[0]), cell(both[1]))
        };
        row("created, updated, unchanged, failed", &|run| {
            let done = &run.done;
            format!("{}, {}, {}, {}", done.new, done.updated, done.unchanged, done.failed)
        })?;
        let planned_seconds = seconds.unwrap_or_default();
        row(&format!("duration (plan: at least {planned_seconds} s)"), &|run| {
            format!("{:.0} s", run.took.as_secs_f64())
        })?;
        row(&format!("calls of the backfill (plan: {planned})"), &|run| run.calls().to_string())?;
        row("of the plan", &|run| ratio(count(run.calls()), count(*planned)))?;
        row("of the undisturbed run", &|run| ratio(count(run.calls()), count(alone.calls())))?;
        row("calls of live changes", &|run| run.live_calls.to_string())?;
        row("most calls in a window, source and destination", &|run| {
            format!("{} and {}", run.source.peak, run.destination.peak)
        })?;
        row("most bulk calls in a window", &|run| run.destination.peak_bulk.to_string())?;
        row("calls refused", &|run| (run.source.refused + run.destination.refused).to_string())?;
        row("lag of live changes, idle", &|run| lag(&run.idle))?;
        row("lag of live changes beside it", &|run| lag(&run.beside))?;
        row("p95 beside it, of idle", &|run| {
            ratio(run.beside.percentile(95), run.idle.percentile(95))
        })?;
        row("memory at peak", &|run| format!("{:.0} MiB", run.memory))?;
        writeln!(out)?;
        for (what, run) in [("undisturbed", alone), ("killed", killed)] {
            for (account, counts) in [("source", &run.source), ("destination", &run.destination)] {
                writeln!(out, "{what}, {account}: {:?}", counts.by_operation)?;
            }
        }
        Ok(())
    }
}
