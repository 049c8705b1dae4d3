//! A process under measurement. It is ended by its id, also when the benchmark fails.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// A running process.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it, silent.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        Ok(Self(child))
    }

    /// Its CPU time so far, of all its threads (proc(5): utime and stime).
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in brackets, may hold spaces.
        let rest = stat.rsplit_once(") ").context("/proc/PID/stat has another form")?.1;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        // Linux counts in hundredths of a second on every machine that this is built for.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// A figure of its memory in MiB: `VmRSS` (now) or `VmHWM` (at most so far).
    pub fn memory(&self, name: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)).context("no such figure")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
