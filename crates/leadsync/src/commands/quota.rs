//! `leadsync quota`.

use admin::quota::{forecast_words, read};
use store::Account;

use crate::settings::Settings;
use crate::{node, output};

/// Show each account's remaining API quota, and when it will run out
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
            return output::line("No accounts yet. `leadsync apply FILE` adds them.");
        }
        for account in &all {
            let plan = account.plan.unwrap_or("custom quota");
            let leave = match account.quota.leave {
                0 => String::new(),
                part => format!(", {part}% reserved for other programs"),
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
