//! The commands, a module each.

mod alert;
mod apply;
mod backfill;
mod backup;
mod check;
mod completions;
mod connector;
mod demo;
mod export;
mod forget;
mod key;
mod logs;
mod parity;
mod person;
mod preview;
mod probe;
mod quota;
mod restore;
mod retry;
mod sandbox;
mod serve;
mod sweep;
mod user;
mod waiting;

use anyhow::Context;
use clap::Subcommand;
use store::{Configuration, Connector};

use crate::settings::Settings;

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Invocation {
    #[command(flatten)]
    Command(Command),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Write the manual pages to a folder
    Man(completions::Man),
}

/// The commands that need settings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a demo: two emulated accounts, kept in sync, with sample leads that change
    Demo(demo::Demo),
    /// Run the service: receive webhooks and sync leads
    Serve,
    /// Apply accounts and connectors from files
    Apply(apply::Apply),
    /// Print accounts and connectors as a file that `apply` reads
    Export(export::Export),
    /// List, show, enable, disable, refresh and remove connectors
    #[command(subcommand)]
    Connector(connector::Connector),
    /// List requests and their outcome, newest first
    Logs(logs::Logs),
    /// Retry failed records
    Retry(retry::Retry),
    /// Sync the leads that the source account already has
    Backfill(backfill::Backfill),
    /// Compare the two accounts of a connector, and sync leads that differ
    Parity(parity::Parity),
    /// Find and sync changes in the source account that no webhook reported
    Sweep(sweep::Sweep),
    /// Show what a webhook payload would do, without writing anything
    Preview(preview::Preview),
    /// Validate connectors: keys, fields, options, search fields, users
    Check(check::Check),
    /// Test how an account behaves where accounts differ or LeadSquared's documentation is silent
    Probe(probe::Probe),
    /// Show each account's remaining API quota, and when it will run out
    Quota(quota::Quota),
    /// List, add, edit, remove and test the addresses that receive alerts
    #[command(subcommand)]
    Alert(alert::Alert),
    /// Add, list and remove users and API tokens
    #[command(subcommand)]
    User(user::User),
    /// Print everything that is stored about one person, as JSON
    Person(person::Person),
    /// Erase what is stored about one person; their leads are synced as before
    Forget(forget::Forget),
    /// Back up the database to a file, while the service runs
    Backup(backup::Backup),
    /// Restore the database from a backup; the service must be stopped
    Restore(restore::Restore),
    /// Replace the encryption key
    #[command(subcommand)]
    Key(key::Key),
    /// Start emulated LeadSquared accounts
    Sandbox(sandbox::Sandbox),
}

impl Command {
    /// Whether it runs until it is stopped, and so logs its progress.
    pub fn runs_long(&self) -> bool {
        matches!(self, Self::Serve | Self::Sandbox(_))
    }

    /// Runs it.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Demo(demo) => demo.run(settings).await,
            Self::Serve => serve::run(settings).await,
            Self::Apply(apply) => apply.run(settings).await,
            Self::Export(export) => export.run(settings).await,
            Self::Connector(connector) => connector.run(settings).await,
            Self::Logs(logs) => logs.run(settings).await,
            Self::Retry(retry) => retry.run(settings).await,
            Self::Backfill(backfill) => backfill.run(settings).await,
            Self::Parity(parity) => parity.run(settings).await,
            Self::Sweep(sweep) => sweep.run(settings).await,
            Self::Preview(preview) => preview.run(settings).await,
            Self::Check(check) => check.run(settings).await,
            Self::Probe(probe) => probe.run(settings).await,
            Self::Quota(quota) => quota.run(settings).await,
            Self::Alert(alert) => alert.run(settings).await,
            Self::User(user) => user.run(settings).await,
            Self::Person(person) => person.run(settings).await,
            Self::Forget(forget) => forget.run(settings).await,
            Self::Backup(backup) => backup.run(settings).await,
            Self::Restore(restore) => restore.run(settings).await,
            Self::Key(key) => key.run(settings).await,
            Self::Sandbox(sandbox) => sandbox.run(settings).await,
        }
    }
}

/// The connector of this name, or an error that lists those that there are.
fn find<'a>(configuration: &'a Configuration, name: &str) -> anyhow::Result<&'a Connector> {
    configuration.connector(name).with_context(|| {
        let known: Vec<&str> =
            configuration.connectors.iter().map(|c| c.definition.name.as_str()).collect();
        match known.as_slice() {
            [] => format!("there is no connector {name}, and no other yet: `leadsync apply FILE` adds connectors"),
            known => format!("there is no connector {name}. Connectors: {}", known.join(", ")),
        }
    })
}
