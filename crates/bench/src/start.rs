//! Time from start to ready, and memory at rest.

use std::path::Path;

use crate::report::{Report, median};
use crate::service::Service;

const STARTS: usize = 10;

pub async fn measure(binary: &Path, report: &mut Report) -> anyhow::Result<()> {
    let service = Service::prepare(binary, true, false).await?;
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (process, took) = service.start().await?;
        times.push(took.as_secs_f64() * 1000.0);
        memory.push(process.memory("VmRSS")?);
    }
    let beside = "n8n 9,000 ms; Node-RED 1,000 ms";
    report.add("from start to ready (median of 10)", median(&mut times), "ms", beside);
    report.add("memory at rest (VmRSS)", median(&mut memory), "MiB", "");
    Ok(())
}
