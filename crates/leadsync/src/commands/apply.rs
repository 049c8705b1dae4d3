//! `leadsync apply`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use plan::connector::{Difference, compare, differences};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use store::{Account, Actor, Change, Configuration};

use crate::file::{AccountEntry, ConnectorEntry, Files};
use crate::settings::Settings;
use crate::{node, output};

/// Make accounts and connectors be as files say
///
/// What the files don't mention is left alone: nothing is ever removed by `apply`. An account keeps
/// its keys where a file leaves them out. A new connector is disabled unless the file says
/// `enabled = true`. Applying twice changes nothing.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// Configuration files (TOML)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of one account or connector.
#[derive(Debug, Serialize)]
struct Line {
    kind: &'static str,
    name: String,
    done: Done,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    /// Secrets are only said to have changed.
    changes: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Added,
    Changed,
    Unchanged,
}

#[derive(Serialize)]
struct Report<'a> {
    dry_run: bool,
    items: &'a [Line],
}

impl Apply {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let files = Files::read(&self.files)?;
        let store = settings.open_or_make().await?;
        let configuration = store.configuration().await?;
        let mut work =
            Work { configuration: &configuration, changes: Vec::new(), lines: Vec::new() };
        for entry in &files.accounts {
            work.account(entry)?;
        }
        for entry in &files.connectors {
            work.connector(entry, &files)?;
        }
        let Work { changes, lines, .. } = work;
        if !self.dry_run && !changes.is_empty() {
            store.change_configuration(changes, &Actor::command_line(), node::now()).await?;
        }
        if settings.json {
            return output::json(&Report { dry_run: self.dry_run, items: &lines });
        }
        lines.iter().try_for_each(|line| show(line, self.dry_run))
    }
}

struct Work<'a> {
    configuration: &'a Configuration,
    changes: Vec<Change>,
    lines: Vec<Line>,
}

impl Work<'_> {
    fn account(&mut self, entry: &AccountEntry) -> anyhow::Result<()> {
        let AccountEntry { name, host, keys, plan, place } = entry;
        let known = self.configuration.account(name);
        if known.is_none() && keys.is_none() {
            bail!(
                "{place}: the account {name} is new, and the file leaves out its keys: add \
                 access_key and secret_key, each as a plain string, {{ env = \"VARIABLE\" }} or \
                 {{ file = \"PATH\" }}"
            );
        }
        let change = self
            .configuration
            .to_put_account(name, host, keys.clone(), *plan)
            .with_context(|| place.to_string())?;
        let changes = known.map(|known| account_changes(known, entry));
        self.lines.push(Line::new("account", name, changes));
        self.changes.extend(change);
        Ok(())
    }

    fn connector(&mut self, entry: &ConnectorEntry, files: &Files) -> anyhow::Result<()> {
        let definition = &entry.definition;
        let name = &definition.name;
        for (key, account) in
            [("source", &definition.source), ("destination", &definition.destination)]
        {
            let exists = self.configuration.account(account).is_some()
                || files.accounts.iter().any(|entry| entry.name == *account);
            if !exists {
                bail!(
                    "{}: connector {name}: its {key} {account:?} is no account that the files or \
                     the database know",
                    entry.place
                );
            }
        }
        let changes = self
            .configuration
            .to_put_connector(definition, entry.enabled, None)
            .with_context(|| entry.place.to_string())?;
        self.changes.extend(changes);
        let known = self.configuration.connector(name);
        let mut changes = known.map(|known| differences(&known.definition, definition));
        let was_enabled = known.is_some_and(|known| known.enabled);
        if let Some(enabled) = entry.enabled
            && enabled != was_enabled
            && let Some(changes) = &mut changes
        {
            changes.push(Difference {
                setting: "enabled".to_owned(),
                before: was_enabled.into(),
                after: enabled.into(),
            });
        }
        self.lines.push(Line::new("connector", name, changes));
        Ok(())
    }
}

impl Line {
    /// `changes` is `None` for what is new.
    fn new(kind: &'static str, name: &str, changes: Option<Vec<Difference>>) -> Self {
        let done = match &changes {
            None => Done::Added,
            Some(changes) if changes.is_empty() => Done::Unchanged,
            Some(_) => Done::Changed,
        };
        Self { kind, name: name.to_owned(), done, changes: changes.unwrap_or_default() }
    }
}

fn account_changes(known: &Account, entry: &AccountEntry) -> Vec<Difference> {
    let keys = entry.keys.as_ref().unwrap_or(&known.keys);
    let before = serde_json::json!({ "host": known.host, "plan": known.plan });
    let after = serde_json::json!({ "host": entry.host, "plan": entry.plan });
    let mut changes = compare(&before, &after);
    for (setting, before, after) in [
        ("access_key", &known.keys.access, &keys.access),
        ("secret_key", &known.keys.secret, &keys.secret),
    ] {
        if before.expose_secret() != after.expose_secret() {
            changes.push(Difference {
                setting: setting.to_owned(),
                before: "(hidden)".into(),
                after: "(hidden)".into(),
            });
        }
    }
    changes
}

fn show(line: &Line, dry_run: bool) -> anyhow::Result<()> {
    let done = match (line.done, dry_run) {
        (Done::Added, false) => "added",
        (Done::Added, true) => "would be added",
        (Done::Changed, false) => "changed",
        (Done::Changed, true) => "would be changed",
        (Done::Unchanged, _) => "unchanged",
    };
    output::line(&format!("{} {}: {done}", line.kind, line.name))?;
    for change in &line.changes {
        let shown = |value: &Value| match value {
            Value::Null => "(none)".to_owned(),
            other => other.to_string(),
        };
        output::line(&format!(
            "  {}: {} → {}",
            change.setting,
            shown(&change.before),
            shown(&change.after)
        ))?;
    }
    Ok(())
}
