//! The table.

use serde::Serialize;

/// A measured figure.
#[derive(Debug, Serialize)]
struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    /// What to compare it with, from the same run or from a reference measurement.
    beside: String,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Adds a figure, and shows it at once.
    pub fn add(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        beside: impl Into<String>,
    ) {
        let line = Line { what: what.into(), value, unit, beside: beside.into() };
        eprintln!("measured: {}: {} {}", line.what, shown(line.value), line.unit);
        self.lines.push(line);
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("| what | measured | beside |\n|---|---:|---|");
        for Line { what, value, unit, beside } in &self.lines {
            println!("| {what} | {} {unit} | {beside} |", shown(*value));
        }
    }

    /// The figures as JSON.
    pub fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.lines)?)
    }
}

fn shown(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The middle of some values.
pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which this part of the values lies.
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into some thousand values"
    )]
    let index = ((values.len() as f64 - 1.0) * part).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
