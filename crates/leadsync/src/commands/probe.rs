//! `leadsync probe`.

use std::io::{IsTerminal, Write};

use admin::AskAccounts;
use anyhow::{Context, bail};
use plan::probe::{ADDRESSES, Finding, LAST_NAME, Question, Report};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::node::{self, Accounts};
use crate::output;
use crate::settings::Settings;

/// Test how an account behaves where accounts differ or LeadSquared's documentation is silent
///
/// leadsync works with either answer to each question, so nobody has to run this. `--json` prints a
/// report without names, keys or hosts, to send to others. Without `--write`, nothing is written to
/// the account.
#[derive(Debug, clap::Args)]
pub struct Probe {
    /// The account's name
    account: String,
    /// Also run the tests that need a test lead; the lead is deleted at the end
    ///
    /// The account's automations and rules for new leads run on it; leadsync does not sync it. If the
    /// account does not allow deleting leads through the API, the lead stays, recognizable by its last
    /// name.
    #[arg(long)]
    write: bool,
    /// Do not ask before creating the test lead
    #[arg(long, requires = "write")]
    yes: bool,
}

/// What people send to others: without names, keys and hosts.
#[derive(Serialize)]
struct Printed<'a> {
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
        let listens = configuration
            .connectors
            .iter()
            .any(|known| known.enabled && known.source == account.id);
        if self.write && listens {
            eprintln!(
                "leadsync: also waiting for webhooks of {}, which can take two minutes; the service must be \
                 running to receive them",
                account.name
            );
        }
        let (stop, actor) = (CancellationToken::new(), store::Actor::command_line());
        let probe = Accounts.probe(account, store.as_ref(), (self.write, &actor), &stop);
        let mut probe = std::pin::pin!(probe);
        let report = tokio::select! {
            report = &mut probe => report?,
            signal = node::signal() => {
                signal?;
                if self.write {
                    eprintln!(
                        "leadsync: deleting the test lead; press Ctrl-C again to stop at once and leave it"
                    );
                }
                stop.cancel();
                tokio::select! {
                    report = probe => report?,
                    signal = node::signal() => {
                        signal?;
                        bail!("stopped at once; the next probe of this account deletes the test lead");
                    }
                }
            }
        };
        if !report.stopped {
            show(settings, &report, self.write, listens)?;
        }
        tell_of(&report.left);
        match report.ended_by {
            Some(problem) => bail!("{problem}"),
            None if report.stopped => {
                bail!("stopped early; run it again for the rest")
            }
            None => Ok(()),
        }
    }
}

/// Shows what was found, and what it would take to find more.
fn show(settings: &Settings, report: &Report, writes: bool, listens: bool) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&Printed {
            version: env!("CARGO_PKG_VERSION"),
            calls: report.calls,
            findings: &report.findings,
            test_leads_left: report.left.len(),
        });
    }
    table(&report.findings)?;
    match (writes, listens) {
        (true, true) => Ok(()),
        (true, false) => output::line(
            "Tests of webhooks need an enabled connector with this account as its source.",
        ),
        (false, _) => output::line("More tests need a test lead: run them with --write."),
    }
}

fn confirm(account: &str) -> anyhow::Result<()> {
    let what = format!(
        "This creates a test lead, \"{LAST_NAME}\" with the address {}, in the account {account}, \
         changes it some forty times and deletes it. The account's automations and rules for new \
         leads run on it.",
        ADDRESSES[0]
    );
    if !std::io::stdin().is_terminal() {
        bail!("{what} Pass --yes to confirm.");
    }
    eprintln!("{what}");
    eprint!("Continue? Type yes: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { bail!("nothing was written") }
}

fn table(findings: &[Finding]) -> anyhow::Result<()> {
    let row = |finding: &Finding| {
        let question = Question::named(finding.question);
        let title = question.map_or(finding.question, |question| question.title);
        let assumed = question.map_or(finding.assumed, |known| known.words(finding.assumed));
        let seen = match finding.seen {
            Some(_) => finding.words.clone(),
            None => format!("unknown: {}", finding.words),
        };
        let assumed = if finding.differs() { assumed } else { "" };
        [title.to_owned(), seen, assumed.to_owned()]
    };
    let rows: Vec<[String; 3]> = findings.iter().map(row).collect();
    output::table(["QUESTION", "THIS ACCOUNT", "ASSUMED, IF DIFFERENT"], &rows)
}

/// Reports test leads that remain. A report for others does not contain their ids.
fn tell_of(left: &[String]) {
    for id in left {
        eprintln!(
            "leadsync: the account does not allow deleting leads through the API: delete lead {id}, \
             \"{LAST_NAME}\", by hand. Otherwise the next probe reuses it."
        );
    }
}
