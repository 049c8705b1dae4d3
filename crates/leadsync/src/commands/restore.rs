//! `leadsync restore`.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;
use store::{Lost, Restore as Wish, Restored};

use crate::settings::Settings;
use crate::{node, output};

/// Restore the database from a backup; the service must be stopped
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["file", "only_mark"])))]
pub struct Restore {
    /// The backup
    file: Option<PathBuf>,
    /// Replace a database that is not empty, and keep it under another name; accept a database file
    /// that is not a backup
    #[arg(long)]
    force: bool,
    /// Only mark the database as restored, after `pg_restore` or a disk snapshot, so that nothing is
    /// created twice
    #[arg(long, conflicts_with = "force")]
    only_mark: bool,
}

impl Restore {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let now = node::now();
        let Some(file) = self.file else {
            let store = settings.open().await?;
            store.note_restored(now).await?;
            if settings.json {
                return output::json(&serde_json::json!({ "restored_at": now }));
            }
            return output::line(
                "Marked the database as restored. Restart the service if it is running.",
            );
        };
        let key_file = settings.secret_key_file.clone();
        let wish = Wish { file: file.clone(), key_file, force: self.force, now };
        let restored = store::restore(&settings.database_url, wish)
            .await
            .with_context(|| format!("{} was not restored", file.display()))?;
        if settings.json {
            return output::json(&json(&restored, now));
        }
        told(&restored)
    }
}

fn json(restored: &Restored, now: Timestamp) -> serde_json::Value {
    let Restored { copy, aside, lost } = restored;
    serde_json::json!({
        "restored_at": now,
        "made_at": copy.made_at,
        "requests": copy.requests,
        "links": copy.links,
        "replaced": aside,
        "lost": lost.map(|lost| serde_json::json!({
            "requests": lost.requests,
            "first_received_at": lost.received.map(|(first, _)| first),
            "last_received_at": lost.received.map(|(_, last)| last),
            "links": lost.links,
            "changes": lost.changes,
        })),
    })
}

fn told(Restored { copy, aside, lost }: &Restored) -> anyhow::Result<()> {
    let of = copy.made_at.map_or_else(
        || "a database file of unknown age".to_owned(),
        |at| format!("the backup of {}", output::time(at)),
    );
    output::line(&format!(
        "Restored from {of}: {} requests and {} links. All users must sign in again.",
        copy.requests, copy.links
    ))?;
    if let Some(aside) = aside {
        output::line(&format!("The previous database was kept as {}.", aside.display()))?;
    }
    match lost {
        Some(Lost { requests: 0, links: 0, changes: 0, .. }) => {
            output::line("Nothing is lost: the previous database had nothing newer.")
        }
        Some(lost) => {
            output::line(&format!(
                "Not in the backup: {} requests{}, {} new or changed links, and {} audit entries (settings, \
                 users, retries).",
                lost.requests,
                lost.received.map_or_else(String::new, |(first, last)| format!(
                    ", received from {} to {}",
                    output::time(first),
                    output::time(last)
                )),
                lost.links,
                lost.changes
            ))?;
            next(copy.made_at)
        }
        None => next(copy.made_at),
    }
}

/// What to do about the time since the backup was made.
fn next(made_at: Option<Timestamp>) -> anyhow::Result<()> {
    let since = made_at.map_or_else(|| "the copy was made".to_owned(), output::time);
    output::line(&format!(
        "Changes since {since} are missing. Start the service: a lead that changes again, in either \
         account, is synced with all its fields. To sync the others, filter leads by Modified On in \
         LeadSquared and run an automation with the webhook on them. Nothing is created twice: leads \
         are matched by their keys, and activities are looked for before they are added. Check users, \
         tokens and settings: changes since then are gone. See docs/backup.md."
    ))
}
