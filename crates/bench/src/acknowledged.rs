//! Acknowledged webhooks per second, with fsync on, compared with the bare loop.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::http::{Connection, payload, post};
use crate::process::Process;
use crate::report::{Report, median};
use crate::service::Service;

/// Rounds of each, alternating, so that noise hits both.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
/// Requests prepared for a round.
const READY: usize = 2_000;

pub async fn measure(binary: &Path, report: &mut Report) -> anyhow::Result<()> {
    for connections in [1, 16, 64] {
        // A disabled connector holds its requests: only receiving is measured.
        let service = Service::prepare(binary, false, false).await?;
        let (_serving, _) = service.start().await?;
        let bare = Bare::start().await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(round(&service.address, &service.hook, connections).await?);
            theirs.push(round(&bare.address, "/hooks/token", connections).await?);
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        report.add(
            format!("acknowledged webhooks, {connections} connections"),
            ours,
            "/s",
            format!(
                "bare axum + SQLite in the same run: {theirs:.0}/s, so {:.0}% of it",
                100.0 * ours / theirs
            ),
        );
    }
    Ok(())
}

/// The bare loop as a process.
struct Bare {
    address: String,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Bare {
    async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let free = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = free.local_addr()?.to_string();
        drop(free);
        let process = Process::start(
            Command::new(std::env::current_exe()?)
                .args(["bare", &address])
                .arg(folder.path().join("bare.db")),
        )?;
        let began = Instant::now();
        while Connection::open(&address).await.is_err() {
            ensure!(began.elapsed() < Duration::from_secs(30), "the bare loop does not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Self { address, _process: process, _folder: folder })
    }
}

/// Posts as fast as the responses arrive; returns how many were acknowledged per second.
async fn round(address: &str, path: &str, connections: usize) -> anyhow::Result<f64> {
    let requests: Arc<Vec<Vec<u8>>> =
        Arc::new((0..READY).map(|n| post(path, &payload(n, 0))).collect());
    let count = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for first in 0..connections {
        let mut connection = Connection::open(address).await?;
        let (requests, count) = (requests.clone(), count.clone());
        tasks.push(tokio::spawn(async move {
            for request in requests.iter().cycle().skip(first * 31 % READY) {
                if began.elapsed() >= ROUND {
                    break;
                }
                let status = connection.send(request).await?;
                ensure!(status == 200, "answered {status}");
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let count = u32::try_from(count.load(Ordering::Relaxed))?;
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}
