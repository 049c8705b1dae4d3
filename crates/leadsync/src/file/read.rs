//! Reading configuration files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use plan::connector::{Definition, name_fault};
use plan::quota::Quota;
use secrecy::SecretString;
use serde::Deserialize;
use store::{AccountPlan, Keys};
use toml::Spanned;

use super::SecretSource;

/// The content of one or more files.
#[derive(Debug, Default)]
pub struct Files {
    /// Accounts, in the order of the files.
    pub accounts: Vec<AccountEntry>,
    /// Connectors, likewise.
    pub connectors: Vec<ConnectorEntry>,
}

/// An account in a file.
#[derive(Debug)]
pub struct AccountEntry {
    /// Its name.
    pub name: String,
    /// Its API host, in canonical form.
    pub host: String,
    /// Its keys; `None` if the file omits them: an existing account keeps its own.
    pub keys: Option<Keys>,
    /// Its plan.
    pub plan: AccountPlan,
    /// Where it is written.
    pub place: Place,
}

/// A connector in a file.
#[derive(Debug)]
pub struct ConnectorEntry {
    /// Its settings.
    pub definition: Definition,
    /// Whether it should be enabled; `None` leaves it as it is.
    pub enabled: Option<bool>,
    /// Where it is written.
    pub place: Place,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    file: PathBuf,
    line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    account: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    connector: Vec<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountTable {
    name: String,
    host: String,
    access_key: Option<SecretSource>,
    secret_key: Option<SecretSource>,
    plan: Option<String>,
    quota: Option<Quota>,
}

impl Files {
    /// Reads files; names may occur once in all of them.
    pub fn read(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut files = Self::default();
        for path in paths {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} can't be read", path.display()))?;
            files.add(path, &text)?;
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let document: Document =
            toml::from_str(text).with_context(|| format!("in {}", path.display()))?;
        let source = Source { path, text };
        for table in document.account {
            let entry = source.account(table)?;
            if let Some(other) = self.accounts.iter().find(|other| other.name == entry.name) {
                bail!(
                    "{}: the account {} is described at {} already",
                    entry.place,
                    entry.name,
                    other.place
                );
            }
            self.accounts.push(entry);
        }
        for table in document.connector {
            let entry = source.connector(table)?;
            let name = &entry.definition.name;
            if let Some(other) = self.connectors.iter().find(|other| other.definition.name == *name)
            {
                bail!(
                    "{}: the connector {name} is described at {} already",
                    entry.place,
                    other.place
                );
            }
            self.connectors.push(entry);
        }
        Ok(())
    }
}

/// A file that is being read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or_default();
        Place { file: self.path.to_owned(), line: before.matches('\n').count() + 1 }
    }

    /// The place of a key in the table that begins at this offset; the table's own if it has no
    /// such key.
    fn place_of(&self, offset: usize, key: &str) -> Place {
        let table = self.text.get(offset..).unwrap_or_default();
        let mut at = offset;
        for line in table.split_inclusive('\n') {
            // `key = …`, or the head of a table of that name below this one.
            let line_start = line.trim_start().trim_start_matches("[account.");
            let is_key = line_start
                .trim_start_matches("[connector.")
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with(['=', '.', ']']));
            if is_key {
                return self.place(at);
            }
            at += line.len();
        }
        self.place(offset)
    }

    /// An error in a table, at the key that it names.
    fn error(&self, offset: usize, what: &str, error: &toml::de::Error) -> anyhow::Error {
        let key = error.message().split('`').nth(1).unwrap_or_default();
        let place = self.place_of(offset, key);
        let message = error.to_string();
        anyhow::anyhow!("{place}: {what}: {}", message.trim().replace('\n', ", "))
    }

    fn account(&self, table: Spanned<toml::Value>) -> anyhow::Result<AccountEntry> {
        let offset = table.span().start;
        let table: AccountTable = table
            .into_inner()
            .try_into()
            .map_err(|error| self.error(offset, "this [[account]]", &error))?;
        let place = self.place(offset);
        let name = &table.name;
        if let Some(fault) = name_fault(name) {
            bail!("{}: the account's name {fault}", self.place_of(offset, "name"));
        }
        let host = leadsquared::Host::parse(&table.host).map_err(|error| {
            let problem = match error {
                leadsquared::Error::Invalid { problem } => problem,
                other => other.to_string(),
            };
            anyhow::anyhow!("{}: account {name}: {problem}", self.place_of(offset, "host"))
        })?;
        let key = if table.quota.is_some() { "quota" } else { "plan" };
        let plan = AccountPlan::read(table.plan.as_deref(), table.quota).map_err(|what| {
            anyhow::anyhow!("{}: account {name} {what}", self.place_of(offset, key))
        })?;
        let keys = match (table.access_key, table.secret_key) {
            (Some(access), Some(secret)) => Some(Keys {
                access: self.secret(offset, "access_key", name, access)?,
                secret: self.secret(offset, "secret_key", name, secret)?,
            }),
            (None, None) => None,
            (Some(_), None) => bail!("{place}: account {name} has an access_key but no secret_key"),
            (None, Some(_)) => bail!("{place}: account {name} has a secret_key but no access_key"),
        };
        Ok(AccountEntry { name: table.name, host: host.to_string(), keys, plan, place })
    }

    fn secret(
        &self,
        offset: usize,
        key: &str,
        account: &str,
        source: SecretSource,
    ) -> anyhow::Result<SecretString> {
        let place = self.place_of(offset, key);
        let secret = match source {
            SecretSource::Plain(text) => text,
            SecretSource::Env { env } => read_variable(&env).with_context(|| {
                format!(
                    "{place}: {key} of account {account}: the environment variable {env} is not set"
                )
            })?,
            SecretSource::File { file } => {
                // A relative path is relative to the configuration file.
                let file = self.path.parent().map_or(file.clone(), |folder| folder.join(&file));
                std::fs::read_to_string(&file).with_context(|| {
                    format!("{place}: {key} of account {account}: {} can't be read", file.display())
                })?
            }
        };
        let secret = secret.trim();
        if secret.is_empty() {
            bail!("{place}: {key} of account {account} is empty");
        }
        Ok(SecretString::from(secret))
    }

    fn connector(&self, table: Spanned<toml::Value>) -> anyhow::Result<ConnectorEntry> {
        let offset = table.span().start;
        let mut table = table.into_inner();
        // Whether a connector is enabled is a state, not one of its settings.
        let enabled = match table.as_table_mut().and_then(|table| table.remove("enabled")) {
            None => None,
            Some(toml::Value::Boolean(enabled)) => Some(enabled),
            Some(other) => bail!(
                "{}: enabled must be true or false, not {other}",
                self.place_of(offset, "enabled")
            ),
        };
        let definition: Definition =
            table.try_into().map_err(|error| self.error(offset, "this [[connector]]", &error))?;
        let faults = definition.check();
        if !faults.is_empty() {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| {
                    let key = fault.at.rsplit('.').next().unwrap_or_default();
                    format!("{}: {fault}", self.place_of(offset, key))
                })
                .collect();
            bail!("connector {}:\n  {}", definition.name, faults.join("\n  "));
        }
        Ok(ConnectorEntry { definition, enabled, place: self.place(offset) })
    }
}

#[expect(clippy::disallowed_methods, reason = "the file names the variable")]
fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
