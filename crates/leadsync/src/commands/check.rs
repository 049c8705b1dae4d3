//! `leadsync check`.

use anyhow::{Context, bail};
use plan::check::{self, Finding, Severity};
use plan::metadata::{self, Catalogue};
use serde::Serialize;
use store::{Account, Configuration, Connector, Store};

use crate::settings::Settings;
use crate::{node, output};

/// Ask both accounts of each connector what they have, and find what will fail
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The connector's name [default: all]
    name: Option<String>,
}

/// What was found about one connector.
#[derive(Debug, Serialize)]
struct Report {
    connector: String,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

impl Check {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let configuration = store.configuration().await?;
        let wanted = |connector: &&Connector| {
            self.name.as_ref().is_none_or(|name| connector.definition.name == *name)
        };
        let connectors: Vec<&Connector> = configuration.connectors.iter().filter(wanted).collect();
        match &self.name {
            Some(name) if connectors.is_empty() => {
                bail!("there is no connector {name}: see `leadsync connector list`")
            }
            None if connectors.is_empty() => {
                bail!("no connector is configured: add one with `leadsync apply`")
            }
            _ => {}
        }
        let mut reports = Vec::new();
        for connector in connectors {
            let findings = findings(store.as_ref(), &configuration, connector).await?;
            let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
            reports.push(Report {
                connector: connector.definition.name.clone(),
                errors: of(Severity::Error),
                warnings: of(Severity::Warning),
                findings,
            });
        }
        if settings.json {
            output::json(&reports)?;
        } else {
            reports.iter().try_for_each(show)?;
        }
        match reports.iter().map(|report| report.errors).sum::<usize>() {
            0 => Ok(()),
            1 => bail!("1 error was found"),
            errors => bail!("{errors} errors were found"),
        }
    }
}

/// What is wrong with a connector, by what its accounts say now.
async fn findings(
    store: &dyn Store,
    configuration: &Configuration,
    connector: &Connector,
) -> anyhow::Result<Vec<Finding>> {
    let definition = &connector.definition;
    let account =
        |id| configuration.account_by_id(id).context("the connector's account is not configured");
    let (source, destination) = (account(connector.source)?, account(connector.destination)?);
    let told = match dispatch::read_catalogues(definition, source, destination).await {
        Ok(told) => told,
        Err(refused) => {
            let at = if refused.account == source.id { "source" } else { "destination" };
            let problem = refused.problem;
            return Ok(vec![Finding { severity: Severity::Error, at: at.to_owned(), problem }]);
        }
    };
    let mut findings = check::check(definition, &told.0, &told.1);
    for (at, account, now) in [("source", source, &told.0), ("destination", destination, &told.1)] {
        let changed = changed(store, connector, account, now).await?;
        findings.extend(check::changes(definition, (&told.0, &told.1), at, &changed));
    }
    Ok(findings)
}

/// What changed in an account's fields since the connector was saved, up to now.
async fn changed(
    store: &dyn Store,
    connector: &Connector,
    account: &Account,
    told: &Catalogue,
) -> anyhow::Result<Vec<(jiff::Timestamp, metadata::FieldChange)>> {
    let mut changed = store.field_changes(account.id, connector.saved_at).await?;
    if let Some((_, kept)) = store.catalogue(account.id).await? {
        let now = node::now();
        let fresh = metadata::changes(&kept.fields, &told.fields);
        changed.extend(fresh.into_iter().map(|change| (now, change)));
    }
    Ok(changed)
}

fn show(report: &Report) -> anyhow::Result<()> {
    let Report { connector, errors, warnings, findings } = report;
    if findings.is_empty() {
        return output::line(&format!("{connector}: all is well"));
    }
    output::line(&format!("{connector}: {errors} errors, {warnings} warnings"))?;
    for Finding { severity, at, problem } in findings {
        output::line(&format!("  {severity} {at}: {}", problem.message))?;
        output::line(&format!("    {}", problem.advice))?;
    }
    Ok(())
}
