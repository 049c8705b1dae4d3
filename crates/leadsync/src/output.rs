//! Printing for people and for scripts.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

/// Prints a value as JSON.
pub fn json<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("the answer can't be shown as JSON")?;
    line(&text)
}

/// Prints a line. Nobody reading any more is no error.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("can't print"),
    }
}

/// The longest text of a cell.
const WIDEST: usize = 60;

/// Prints rows under heads, each column as wide as its widest cell.
pub fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    let shown = |text: &str| -> String {
        let text = text.replace(['\n', '\r', '\t'], " ");
        if text.chars().count() <= WIDEST {
            return text;
        }
        text.chars().take(WIDEST - 1).chain(['…']).collect()
    };
    let all: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned))
        .chain(rows.iter().map(|row| std::array::from_fn(|i| shown(&row[i]))))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|i| {
        all.iter().map(|row| row[i].chars().count()).max().unwrap_or_default()
    });
    for row in &all {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}
