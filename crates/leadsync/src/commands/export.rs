//! `leadsync export`.

use anyhow::{Context, bail};

use crate::output;
use crate::settings::Settings;

/// Print accounts and connectors as a file that `apply` reads
///
/// API keys are left out: accounts keep theirs when the file is applied to the same database. For
/// another database, comments in the file say how to add them.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Connectors (printed with their accounts) and accounts [default: all]
    names: Vec<String>,
}

impl Export {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let configuration = settings.open().await?.configuration().await?;
        for name in &self.names {
            if configuration.account(name).is_none() && configuration.connector(name).is_none() {
                bail!("there is no account or connector {name}: see `leadsync connector list`");
            }
        }
        let named = |name: &str| self.names.is_empty() || self.names.iter().any(|n| n == name);
        let connectors: Vec<_> =
            configuration.connectors.iter().filter(|c| named(&c.definition.name)).collect();
        let used = |name: &str| {
            connectors
                .iter()
                .any(|c| c.definition.source == name || c.definition.destination == name)
        };
        let accounts: Vec<_> = configuration
            .accounts
            .iter()
            .filter(|account| named(&account.name) || used(&account.name))
            .collect();
        let text = admin::export::write(&accounts, &connectors)
            .context("the configuration can't be written as TOML")?;
        if settings.json {
            let value: serde_json::Value = toml::from_str(&text)?;
            return output::json(&value);
        }
        output::line(text.trim_end())
    }
}
