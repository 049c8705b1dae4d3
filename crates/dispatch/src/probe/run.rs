//! A probe, from its start to storing its results.

use std::time::Duration;

use jiff::SignedDuration;
use plan::probe::{Finding, Report};
use plan::problem::{Code, Problem};
use plan::traits::Trait;
use store::{Account, Actor, Store, TraitNews};
use tokio_util::sync::CancellationToken;

use super::writing::may_stay;
use super::{Findings, Listening, Probe, StoredPosts};
use crate::Clock;

/// After this time a call that was in flight when the probe was stopped has ended.
const UNDER_WAY: Duration = Duration::from_secs(3);
/// How long to wait for the post of a change: native webhooks of activities wait for a minute
/// (documented), and automations are not known to be slower.
const PATIENCE: Duration = Duration::from_secs(90);
/// How much longer to wait for the posts of other changes.
const SETTLE: Duration = Duration::from_secs(10);

/// How long a probe that ended without saying so blocks others, unless renewed.
const HELD: SignedDuration = SignedDuration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(20);

/// Asks an account on behalf of this person, with a test lead if `writes`, waiting for `pace` before
/// each call, and stores the answers. Once `stop` is cancelled, it removes the test lead and ends.
///
/// # Errors
/// The store can't be used.
pub async fn run(
    account: &Account,
    store: &dyn Store,
    (clock, pace): (&Clock, Duration),
    (writes, actor): (bool, &Actor),
    stop: &CancellationToken,
) -> store::Result<Report> {
    let configuration = store.configuration().await?;
    let connectors = configuration.connectors.iter();
    let reads = |known: &&store::Connector| known.enabled && known.source == account.id;
    let connectors = connectors.filter(reads);
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
    let now = clock();
    if !store.begin_probe(account, writes, actor, (now, now + HELD)).await? {
        return Ok(Report { ended_by: Some(under_way(&account.name)), ..Report::default() });
    }
    let mut report = Report::default();
    let held = hold(account, store, clock);
    tokio::select! {
        () = asked(&probe, writes, stop, &mut report) => {}
        () = held => {}
    }
    store.hold_probe(account.id, None).await?;
    report.calls = probe.calls();
    if let Err(error) = keep(account, store, clock, &report.findings).await {
        tracing::error!(%error, "could not store the results of a probe");
        report.ended_by.get_or_insert_with(not_kept);
    }
    Ok(report)
}

/// Blocks other probes while this one runs: they would take its changes of the test lead for the
/// account's own.
async fn hold(account: &Account, store: &dyn Store, clock: &Clock) {
    loop {
        tokio::time::sleep(RENEWED).await;
        // If one fails, the next makes up for it.
        let _ = store.hold_probe(account.id, Some(clock() + HELD)).await;
    }
}

async fn asked(probe: &Probe<'_>, writes: bool, stop: &CancellationToken, report: &mut Report) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = ask(probe, writes, report) => return,
    }
    report.stopped = true;
    if writes {
        match removed(probe).await {
            Ok(left) => report.left = left,
            Err(problem) => report.ended_by = Some(may_stay(&problem)),
        }
    }
}

async fn ask(probe: &Probe<'_>, writes: bool, report: &mut Report) {
    report.findings = probe.read_only().await;
    if writes {
        match probe.write().await {
            Ok(Findings { findings, left }) => {
                report.findings.extend(findings);
                report.left = left;
            }
            Err(problem) => report.ended_by = Some(problem),
        }
    }
}

/// Removes the test lead of a probe that was stopped. Returns the ids of those that remain.
async fn removed(probe: &Probe<'_>) -> Result<Vec<String>, Problem> {
    // Whatever the result, it looks once more: a call in flight may have created a lead since.
    let _ = probe.clean().await;
    tokio::time::sleep(UNDER_WAY).await;
    Ok(probe.clean().await?.left)
}

/// An answer given by a person takes precedence.
async fn keep(
    account: &Account,
    store: &dyn Store,
    clock: &Clock,
    findings: &[Finding],
) -> store::Result<()> {
    let at = clock();
    if store.configuration().await?.account(&account.name).is_none() {
        return Ok(());
    }
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

fn not_kept() -> Problem {
    Problem::new(
        Code::Unreachable,
        "leadsync's own database failed, so the results were not stored.",
        "Check the service log, then run the probe again.",
    )
}

fn under_way(account: &str) -> Problem {
    Problem::new(
        Code::Refused,
        format!(
            "Another probe of the account {account} is running, or has just stopped unexpectedly."
        ),
        "Wait until it ends (at most a minute after it was killed), then run the probe again.",
    )
}
