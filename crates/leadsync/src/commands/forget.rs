//! `leadsync forget`.

use admin::person;
use anyhow::bail;
use store::{Actor, Forgotten};

use super::person::Which;
use crate::output;
use crate::settings::Settings;

/// Erase what is stored about one person; their leads are synced as before
#[derive(Debug, clap::Args)]
pub struct Forget {
    #[command(flatten)]
    which: Which,
}

impl Forget {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let who = self.which.read()?;
        let admin = settings.admin().await?;
        let forgotten = person::forget(&admin, &who, &Actor::command_line()).await?;
        if settings.json {
            output::json(&forgotten)?;
        } else {
            for line in lines(&forgotten) {
                output::line(&line)?;
            }
        }
        match forgotten {
            Forgotten { requests_left: left @ 1.., .. } => bail!(
                "{left} requests were left, because they are still being synced: run this again \
                 once they have ended (`leadsync logs --job-status queued` lists them)"
            ),
            Forgotten { is_clean: false, .. } => bail!(
                "the database could not be cleaned of what was erased, because it is being read: \
                 run this again"
            ),
            _ => Ok(()),
        }
    }
}

fn lines(forgotten: &Forgotten) -> Vec<String> {
    let Forgotten {
        leads,
        requests_deleted,
        requests_masked,
        calls_deleted,
        calls_masked,
        reviews_deleted,
        texts_masked,
        links_covered,
        requests_left: _,
        is_clean: _,
    } = forgotten;
    [
        (*leads, "leads are this person"),
        (*requests_deleted, "requests deleted"),
        (*requests_masked, "requests with other people masked"),
        (*calls_deleted, "API calls deleted"),
        (*calls_masked, "API calls masked"),
        (*reviews_deleted, "reviews deleted"),
        (*texts_masked, "emails, audit entries and other texts masked or deleted"),
        (*links_covered, "links kept, with keyed hashes instead of values"),
    ]
    .into_iter()
    .map(|(count, what)| format!("{count:>7}  {what}"))
    .collect()
}
