//! `leadsync sandbox`.

use std::time::Duration;

use anyhow::Context;
use sandbox::{Plan, Sandbox as Account, Settings as AccountSettings};

use crate::settings::Settings;
use crate::{node, output};

/// Start emulated LeadSquared accounts
#[derive(Debug, clap::Args)]
pub struct Sandbox {
    /// Number of accounts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    accounts: u16,
    /// Port of the first account; the others follow. 0 picks free ports
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// API quota of the accounts
    #[arg(long, value_enum, default_value_t = PlanName::Pro)]
    plan: PlanName,
    /// Delay of every response, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Print only a configuration file for `apply`
    #[arg(long)]
    toml: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PlanName {
    Pro,
    Super,
    Unlimited,
}

impl Sandbox {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut accounts = Vec::new();
        for number in 0..self.accounts {
            let port = if self.port == 0 { 0 } else { self.port.saturating_add(number) };
            let mut account = AccountSettings::new(&format!("account-{}", number + 1));
            account.port = port;
            account.plan = match self.plan {
                PlanName::Pro => Plan::Pro,
                PlanName::Super => Plan::Super,
                PlanName::Unlimited => Plan::Unlimited,
            };
            let account = Account::start(account)
                .await
                .with_context(|| format!("an account can't listen on port {port}"))?;
            account.set_latency(Duration::from_millis(self.latency));
            accounts.push(account);
        }
        self.show(&accounts, settings.json)?;
        node::asked_to_end().await?;
        for account in accounts {
            account.stop().await;
        }
        Ok(())
    }

    fn show(&self, accounts: &[Account], json: bool) -> anyhow::Result<()> {
        if json {
            let items: Vec<serde_json::Value> = accounts
                .iter()
                .map(|account| {
                    serde_json::json!({
                        "name": account.name(), "host": account.url(),
                        "access_key": account.access_key(), "secret_key": account.secret_key(),
                    })
                })
                .collect();
            return output::json(&items);
        }
        for account in accounts {
            if !self.toml {
                output::line(&format!(
                    "# {}: see and edit its leads at {}",
                    account.name(),
                    account.url()
                ))?;
            }
            output::line(&account.configuration())?;
        }
        Ok(())
    }
}
