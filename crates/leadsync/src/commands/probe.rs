//! `leadsync probe`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dispatch::probe::Findings;
use plan::probe::{ADDRESSES, Finding, LAST_NAME, Question};
use plan::problem::Problem;
use plan::traits::Trait;
use serde::Serialize;
use store::{Account, TraitNews};

use crate::node;
use crate::output;
use crate::settings::Settings;

/// Before each call: other programs use the account's API too.
const PACE: Duration = Duration::from_millis(500);

/// Find out what an account is like where accounts differ, or LeadSquared's pages say nothing
///
/// leadsync works with either answer to each question, so this is for whoever wants to know, or is
/// asked for a report: `--json` prints one without names, keys or hosts. Without `--write`, nothing
/// is written to the account.
#[derive(Debug, clap::Args)]
pub struct Probe {
    /// The account's name
    account: String,
    /// Also ask what takes a test lead to find out; the lead is deleted at the end
    ///
    /// The account's automations and rules for new leads run on it; leadsync does not sync it. An account that does not let
    /// leads be deleted by the API keeps it, marked by its last name.
    #[arg(long)]
    write: bool,
    /// Do not ask before a test lead is made
    #[arg(long, requires = "write")]
    yes: bool,
}

/// A call that was under way when the command was stopped has ended after this.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// What people send to others: without names, keys and hosts.
#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    calls: u32,
    findings: &'a [Finding],
    test_leads_left: usize,
}

impl Probe {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let configuration = store.configuration().await?;
        let account = configuration.account(&self.account).with_context(|| {
            format!("there is no account {}: `leadsync export` prints them all", self.account)
        })?;
        if self.write && !self.yes {
            confirm(&account.name)?;
        }
        let probe =
            dispatch::probe::Probe::new(account, PACE).map_err(|problem| failed(&problem))?;
        let mut found = Findings { findings: probe.read_only().await, left: Vec::new() };
        let mut stopped_by = None;
        if self.write {
            let written = tokio::select! {
                written = probe.write() => written,
                signal = node::signal() => {
                    signal?;
                    return stopped(&probe).await;
                }
            };
            match written {
                Ok(written) => {
                    found.findings.extend(written.findings);
                    found.left = written.left;
                }
                Err(problem) => stopped_by = Some(failed(&problem)),
            }
        }
        store.note_traits(news(account, &found.findings)).await?;
        if settings.json {
            output::json(&Report {
                version: env!("CARGO_PKG_VERSION"),
                calls: probe.calls(),
                findings: &found.findings,
                test_leads_left: found.left.len(),
            })?;
        } else {
            show(&found.findings)?;
            if !self.write {
                output::line("The other questions take a test lead: --write asks them too.")?;
            }
        }
        tell_of(&found.left);
        stopped_by.map_or(Ok(()), Err)
    }
}

fn failed(problem: &Problem) -> anyhow::Error {
    anyhow!("{problem}")
}

/// Removes the test lead before the command ends.
async fn stopped(probe: &dispatch::probe::Probe<'_>) -> anyhow::Result<()> {
    eprintln!("leadsync: removing the test lead; once more ends at once and leaves it there");
    let clean = async {
        let first = probe.clean().await?;
        if first.deleted > 0 {
            return Ok(first);
        }
        // A call that was under way may have made it since.
        tokio::time::sleep(UNDER_WAY).await;
        probe.clean().await
    };
    let cleaned = tokio::select! {
        cleaned = clean => cleaned.map_err(|problem: Problem| failed(&problem))?,
        signal = node::signal() => {
            signal?;
            bail!("ended at once; the next probe of this account removes the test lead");
        }
    };
    tell_of(&cleaned.left);
    bail!("stopped before everything was asked; run it again for the rest")
}

fn confirm(account: &str) -> anyhow::Result<()> {
    let what = format!(
        "A test lead, \"{LAST_NAME}\" with the address {}, is made in the account {account}, changed \
         some twenty times and deleted. The account's automations and rules for new leads run on it.",
        ADDRESSES[0]
    );
    if !std::io::stdin().is_terminal() {
        bail!("{what} Say --yes if that is meant.");
    }
    eprintln!("{what}");
    eprint!("Go on? Type yes: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { bail!("nothing was written") }
}

/// What the account's page shows from now on.
fn news(account: &Account, findings: &[Finding]) -> Vec<TraitNews> {
    let at = node::now();
    let kept = |finding: &Finding| {
        let (question, answer) = (finding.question.to_owned(), finding.seen?.to_owned());
        let seen = Trait::Answered { question, answer };
        Some(TraitNews { account: account.id, at, seen, holds: true })
    };
    findings.iter().filter_map(kept).collect()
}

fn show(findings: &[Finding]) -> anyhow::Result<()> {
    let row = |finding: &Finding| {
        let question = Question::named(finding.question);
        let title = question.map_or(finding.question, |question| question.title);
        let assumed = question.map_or(finding.assumed, |known| known.words(finding.assumed));
        let seen = match finding.seen {
            Some(_) => finding.words.clone(),
            None => format!("not known: {}", finding.words),
        };
        let assumed = if finding.differs() { assumed } else { "" };
        [title.to_owned(), seen, assumed.to_owned()]
    };
    let rows: Vec<[String; 3]> = findings.iter().map(row).collect();
    output::table(["QUESTION", "THIS ACCOUNT", "ASSUMED, IF ANOTHER"], &rows)
}

/// Tells of test leads that stay. A report for others does not hold their ids.
fn tell_of(left: &[String]) {
    for id in left {
        eprintln!(
            "leadsync: the account does not let leads be deleted by the API: delete the lead {id}, \
             \"{LAST_NAME}\", by hand. The next probe uses it again."
        );
    }
}
