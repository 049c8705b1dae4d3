//! The logs and metrics of the process.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// Starts logging to stderr.
pub fn start_log(settings: &Settings, runs_long: bool) -> anyhow::Result<()> {
    let default = if runs_long { "info" } else { "warn" };
    let filter = settings.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("the log filter '{filter}' can't be read: write it like info or leadsync=debug")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_target(false).init(),
    }
    Ok(())
}

/// Upper bounds of histograms in seconds, and in counts.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];
const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 512.0];

/// Starts counting; returns what renders the metrics.
pub fn start_metrics() -> anyhow::Result<web::Metrics> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_deliveries".to_owned()), COUNTS)
        })
        .map_err(|error| anyhow!("the figures' bounds are refused: {error}"))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| anyhow!("the figures can't be kept: {error}"))?;
    Ok(Arc::new(move || handle.render()))
}
