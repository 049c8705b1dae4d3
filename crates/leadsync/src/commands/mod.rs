//! The commands, a module each.

mod apply;
mod backfill;
mod backup;
mod check;
mod connector;
mod demo;
mod export;
mod logs;
mod parity;
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

use clap::Subcommand;

use crate::settings::Settings;

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start two emulated accounts that are in sync, with sample leads that change
    Demo(demo::Demo),
    /// Run the service: receive webhooks and sync leads
    Serve,
    /// Make accounts and connectors be as files say
    Apply(apply::Apply),
    /// Print accounts and connectors as a file that `apply` reads
    Export(export::Export),
    /// List, show, enable, disable and remove connectors
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Show requests and what became of their records, newest first
    Logs(logs::Logs),
    /// Try failed records again
    Retry(retry::Retry),
    /// Sync the leads that the source account has already
    Backfill(backfill::Backfill),
    /// Show how far the two accounts of a connector agree, and sync leads that differ
    Parity(parity::Parity),
    /// Read what was modified in a connector's source, and sync changes that no webhook reported
    Sweep(sweep::Sweep),
    /// Show what a payload would do, without doing it
    Preview(preview::Preview),
    /// Find what will fail before it fails: keys, fields, options, search keys, users
    Check(check::Check),
    /// Find out what an account is like where accounts differ, or LeadSquared's pages say nothing
    Probe(probe::Probe),
    /// Show what is left of each account's window and day, and when it will be used up
    Quota(quota::Quota),
    /// Add, list and remove users, and make API tokens
    #[command(subcommand)]
    User(user::User),
    /// Write a consistent copy of everything to a file, while the service runs
    Backup(backup::Backup),
    /// Put a backup back in place of the database, checked; the service must be stopped
    Restore(restore::Restore),
    /// Start emulated LeadSquared accounts
    Sandbox(sandbox::Sandbox),
}

impl Command {
    /// Whether it runs until it is told to end, and so tells how it is doing.
    pub fn runs_long(&self) -> bool {
        matches!(self, Self::Serve | Self::Sandbox(_))
    }

    /// Does it.
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
            Self::User(user) => user.run(settings).await,
            Self::Backup(backup) => backup.run(settings).await,
            Self::Restore(restore) => restore.run(settings).await,
            Self::Sandbox(sandbox) => sandbox.run(settings).await,
        }
    }
}
