//! A probe from its beginning to what is kept of it.

use std::time::Duration;

use plan::probe::{Finding, Report};
use plan::problem::Problem;
use plan::traits::Trait;
use store::{Account, Store, TraitNews};
use tokio_util::sync::CancellationToken;

use super::{Findings, Listening, Probe, StoredPosts};
use crate::Clock;

/// A call that was under way when the probe was stopped has ended after this.
const UNDER_WAY: Duration = Duration::from_secs(3);
/// How long the post of a change is waited for: native webhooks of activities wait for a minute
/// (documented), and automations are not slower as far as is known.
const PATIENCE: Duration = Duration::from_secs(90);
/// How much longer the posts of other changes are waited for.
const SETTLE: Duration = Duration::from_secs(10);

/// Asks an account, with a test lead if `writes`, waiting for `pace` before each call, and keeps
/// what it answered. Once `stop` is cancelled, it removes the test lead and ends.
///
/// # Errors
/// The store can't be used.
pub async fn run(
    account: &Account,
    store: &dyn Store,
    (clock, pace): (&Clock, Duration),
    writes: bool,
    stop: &CancellationToken,
) -> store::Result<Report> {
    let configuration = store.configuration().await?;
    let connectors = configuration.connectors.iter();
    let connectors = connectors.filter(|connector| connector.definition.source == account.name);
    let connectors: Vec<_> = connectors.map(|known| known.definition.name.clone()).collect();
    let posts = StoredPosts { store, connectors };
    let mut probe = match Probe::new(account, pace) {
        Ok(probe) => probe,
        Err(problem) => return Ok(Report { ended_by: Some(problem), ..Report::default() }),
    };
    if !posts.connectors.is_empty() {
        let (posts, clock) = (&posts, clock.clone());
        let listening = Listening { posts, clock, patience: PATIENCE, settle: SETTLE };
        probe = probe.listening(listening);
    }
    let mut report = Report { findings: probe.read_only().await, ..Report::default() };
    if writes {
        let written = tokio::select! {
            biased;
            () = stop.cancelled() => {
                report.stopped = true;
                removed(&probe).await.map(|left| Findings { left, ..Findings::default() })
            }
            written = probe.write() => written,
        };
        match written {
            Ok(written) => {
                report.findings.extend(written.findings);
                report.left = written.left;
            }
            Err(problem) => report.ended_by = Some(problem),
        }
    }
    report.calls = probe.calls();
    keep(account, store, clock, &report.findings).await?;
    Ok(report)
}

/// Removes the test lead of a probe that was stopped. Returns the ids of those that stay.
async fn removed(probe: &Probe<'_>) -> Result<Vec<String>, Problem> {
    let mut cleaned = probe.clean().await?;
    if cleaned.deleted == 0 {
        // A call that was under way may have made it since.
        tokio::time::sleep(UNDER_WAY).await;
        cleaned = probe.clean().await?;
    }
    Ok(cleaned.left)
}

/// What a person said stands.
async fn keep(
    account: &Account,
    store: &dyn Store,
    clock: &Clock,
    findings: &[Finding],
) -> store::Result<()> {
    let at = clock();
    let known = store.traits(account.id).await?;
    let is_by_hand =
        |question: &str| known.iter().any(|(_, seen)| seen.key() == question && seen.is_by_hand());
    let news = findings.iter().filter(|finding| !is_by_hand(finding.question));
    let news = news.filter_map(|finding| {
        let question = finding.question.to_owned();
        let seen = Trait::Answered { question, answer: finding.seen?.to_owned(), by_hand: false };
        Some(TraitNews { account: account.id, at, seen, holds: true })
    });
    store.note_traits(news.collect()).await
}
