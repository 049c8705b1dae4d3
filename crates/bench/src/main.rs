//! The benchmark that anybody can run: `cargo run --release -p bench`.
//!
//! `cargo run --release -p bench -- pages` measures the console's pages instead, over a store with
//! a million records; `-- fill FOLDER RECORDS` leaves such a store in a folder, for inspection.
//!
//! It drives the real binary, `leadsync serve`, as a process of its own, between emulated accounts
//! in this process, and prints one table. Only compare figures of one run: machines are noisy.
//! Nothing here fails for being slow.

mod acknowledged;
mod bare;
mod end_to_end;
mod fill;
mod http;
mod pages;
mod process;
mod report;
mod service;
mod start;

use std::path::Path;

use anyhow::Context;
use report::Report;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare", address, database] => runtime.block_on(bare::serve(address, database)),
        [] => runtime.block_on(run(None)),
        ["--json", file] => runtime.block_on(run(Some(file))),
        ["pages"] => runtime.block_on(until_asked(pages::measure(RECORDS))),
        ["pages", records] => {
            let records = records.parse().context("so many records: a number")?;
            runtime.block_on(until_asked(pages::measure(records)))
        }
        ["fill", folder, records] => {
            let records = records.parse().context("so many records: a number")?;
            runtime.block_on(until_asked(pages::fill_folder(Path::new(folder), records)))
        }
        _ => anyhow::bail!(
            "usage: bench [--json FILE] | bench pages [RECORDS] | bench fill FOLDER RECORDS"
        ),
    }
}

/// How many records the console's pages are measured with.
const RECORDS: usize = 1_000_000;

async fn run(file: Option<&str>) -> anyhow::Result<()> {
    until_asked(measure(file)).await
}

/// Runs until the end, or until interrupted: either way what was started is stopped.
async fn until_asked(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("asked to end"),
    }
}

async fn measure(file: Option<&str>) -> anyhow::Result<()> {
    let binary = service::build()?;
    let mut report = Report::default();
    start::measure(&binary, &mut report).await?;
    acknowledged::measure(&binary, &mut report).await?;
    end_to_end::measure(&binary, &mut report).await?;
    report.print();
    if let Some(file) = file {
        std::fs::write(file, report.json()?).with_context(|| format!("{file} can't be written"))?;
    }
    Ok(())
}
