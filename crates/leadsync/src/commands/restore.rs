//! `leadsync restore`.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;
use store::{Lost, Restore as Wish, Restored};

use crate::settings::Settings;
use crate::{node, output};

/// Put a backup back in place of the database, checked; the service must be stopped
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["file", "only_mark"])))]
pub struct Restore {
    /// The backup
    file: Option<PathBuf>,
    /// Replace a database that holds something, and keep it under another name; take a database
    /// file that is no backup
    #[arg(long)]
    force: bool,
    /// The database was restored by other means, such as `pg_restore` or a snapshot of a disk: only
    /// note that, so that nothing is doubled
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
                "The database is marked as restored. Restart the service if it runs.",
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
        || "a database file, which says nothing of when it was copied".to_owned(),
        |at| format!("the backup of {}", shown(at)),
    );
    output::line(&format!(
        "Restored from {of}: {} requests and {} links. Everybody must sign in again.",
        copy.requests, copy.links
    ))?;
    if let Some(aside) = aside {
        output::line(&format!("What was there before is kept as {}.", aside.display()))?;
    }
    match lost {
        Some(Lost { requests: 0, links: 0, changes: 0, .. }) => {
            output::line("Nothing is lost: the database that was replaced held nothing newer.")
        }
        Some(lost) => {
            output::line(&format!(
                "It knew more than the backup: {} requests{}, {} links that are new or changed, and \
                 {} entries of the audit log (settings, users, retries).",
                lost.requests,
                lost.received.map_or_else(String::new, |(first, last)| format!(
                    ", received from {} to {}",
                    shown(first),
                    shown(last)
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
    let since = made_at.map_or_else(|| "the copy was made".to_owned(), shown);
    output::line(&format!(
        "Changes since {since} are not known any more. Start the service; a lead that is changed \
         again, in either account, is synced with all its fields. Have the others sent again: in \
         LeadSquared, filter leads by Modified On since then, and run an automation with the webhook \
         on them, or make a change that it listens to. Nothing is doubled by that: leads that were \
         made since are found by their keys, and activities are looked for before they are added. \
         Users, tokens and settings that were changed since are as they were: look through them. \
         docs/backup.md says more."
    ))
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
