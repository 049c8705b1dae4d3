//! Leads per second from webhook to destination, CPU per lead, lag, and peak memory.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::http::{Connection, payload, post};
use crate::process::Process;
use crate::report::{Report, percentile};
use crate::service::Service;

const REFERENCE: &str = "n8n 14/s; Node-RED 1,080/s";
/// Connections that post.
const CLIENTS: usize = 16;
/// How long all leads may take to arrive, before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(5);

pub async fn measure(binary: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut peak: f64 = 0.0;
    for (latency, automations, leads) in
        [(0, false, 20_000), (0, true, 10_000), (50, false, 10_000), (50, true, 2_000)]
    {
        let how = if automations { "single calls" } else { "bulk calls allowed" };
        let service = Service::prepare(binary, true, automations).await?;
        service.destination.set_latency(Duration::from_millis(latency));
        let (process, _) = service.start().await?;
        // The field lists are fetched with the first lead.
        flood(&service, 1, 1).await?;
        let (count, cpu) = (service.destination.calls().total, process.cpu()?);
        let took = flood(&service, 2, leads).await?;
        let cpu = process.cpu()?.saturating_sub(cpu);
        let calls = service.destination.calls().total - count;
        let number = f64::from(u32::try_from(leads)?);
        let what = format!("destination answers in {latency} ms, {how}");
        report.add(
            format!("leads end to end, {what}"),
            number / took.as_secs_f64(),
            "/s",
            REFERENCE,
        );
        let each = cpu.as_secs_f64() * 1000.0 / number;
        report.add(format!("CPU a lead, {what}"), each, "ms", "n8n 83 ms; Node-RED 0.75 ms");
        #[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
        let calls = calls as f64 / number;
        report.add(format!("API calls a lead, {what}"), calls, "", "a look-up and a write: 2");
        peak = peak.max(process.memory("VmHWM")?);
        if latency == 0 && !automations {
            lag(&service, &process, report).await?;
        }
    }
    report.add("memory at peak (VmHWM)", peak, "MiB", "n8n 880 MiB; Node-RED 346 MiB");
    Ok(())
}

/// Posts new leads from this number on as fast as they are accepted; returns how long it took until
/// all were in the destination.
async fn flood(service: &Service, first: usize, count: usize) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let wanted = service.destination.lead_count() + count;
    let mut tasks = Vec::new();
    for client in 0..CLIENTS.min(count) {
        let mut connection = Connection::open(&service.address).await?;
        let hook = service.hook.clone();
        tasks.push(tokio::spawn(async move {
            for number in (first..first + count).skip(client).step_by(CLIENTS) {
                // A full service responds with 503, and the post is repeated, as by automations.
                while connection.send(&post(&hook, &payload(number, 0))).await? != 200 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    while service.destination.lead_count() < wanted {
        ensure!(
            began.elapsed() < PATIENCE,
            "{} leads are missing",
            wanted - service.destination.lead_count()
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    ensure!(service.destination.lead_count() == wanted, "leads were doubled");
    Ok(took)
}

/// Leads per second while lag is measured, and for how many leads.
const PACE: u32 = 8;
const PACED: usize = 240;

/// From the acknowledgement of a webhook to the lead in the destination, at a steady pace; every
/// second one is a change of an existing lead.
async fn lag(service: &Service, process: &Process, report: &mut Report) -> anyhow::Result<()> {
    let mut connection = Connection::open(&service.address).await?;
    let mut lags = Vec::with_capacity(PACED);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let cpu = process.cpu()?;
    let known = service.destination.find_leads("EmailAddress", "asha.rao.1@example.com");
    ensure!(known.len() == 1, "the first lead is not there");
    for turn in 0..PACED {
        pace.tick().await;
        let (leads, versions) =
            (service.destination.lead_count(), service.destination.history(&known[0]).len());
        let is_change = turn % 2 == 1;
        let body = if is_change { payload(1, turn) } else { payload(1_000_000 + turn, 0) };
        let status = connection.send(&post(&service.hook, &body)).await?;
        let acknowledged = Instant::now();
        ensure!(status == 200, "answered {status}");
        loop {
            let there = if is_change {
                service.destination.history(&known[0]).len() > versions
            } else {
                service.destination.lead_count() > leads
            };
            if there {
                break;
            }
            ensure!(acknowledged.elapsed() < PATIENCE, "the lead does not arrive");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        lags.push(acknowledged.elapsed().as_secs_f64() * 1000.0);
    }
    let cpu = process.cpu()?.saturating_sub(cpu).as_secs_f64() * 1000.0;
    let count = f64::from(u32::try_from(PACED)?);
    report.add("lag at 8 leads a second, p50", percentile(&mut lags, 0.5), "ms", "");
    report.add("lag at 8 leads a second, p99", percentile(&mut lags, 0.99), "ms", "");
    report.add("CPU a lead at 8 leads a second", cpu / count, "ms", "rest of the process included");
    Ok(())
}
