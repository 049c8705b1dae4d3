//! `leadsync quota`.

use store::Account;
use web::quota::{forecast_words, read};

use crate::settings::Settings;
use crate::{node, output};

/// Show what is left of each account's window and day, and when it will be used up
#[derive(Debug, clap::Args)]
pub struct Quota {}

impl Quota {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let configuration = store.configuration().await?;
        let accounts: Vec<&Account> = configuration.accounts.iter().collect();
        let now = node::now();
        let all = read(store.as_ref(), &configuration, &accounts, now).await?;
        if settings.json {
            return output::json(&all);
        }
        if all.is_empty() {
            return output::line("There is no account yet; see `leadsync apply --help`.");
        }
        for account in &all {
            let plan = account.plan.unwrap_or("a quota of its own");
            let leave = match account.quota.leave {
                0 => String::new(),
                part => format!(", of which {part} % are left to other users"),
            };
            output::line(&format!("{} ({plan}{leave})", account.name))?;
            let mut lines = vec![account.left_words(), forecast_words(&account.forecast)];
            lines.extend(account.limit_words());
            lines.extend(account.backfills.iter().map(|backfill| backfill.words(now)));
            for line in lines {
                output::line(&format!("  {line}"))?;
            }
        }
        Ok(())
    }
}
