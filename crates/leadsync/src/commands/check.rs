//! `leadsync check`.

use anyhow::bail;
use plan::check::{Finding, Severity};
use serde::Serialize;
use store::Connector;

use super::find;
use crate::node::{self, Accounts};
use crate::output::{self, Tone, painted};
use crate::settings::Settings;

/// Validate connectors against both accounts: keys, fields, options, search fields, users
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
        if let Some(name) = &self.name {
            find(&configuration, name)?;
        } else if connectors.is_empty() {
            bail!("no connectors yet: `leadsync apply FILE` adds them");
        }
        let mut reports = Vec::new();
        for connector in connectors {
            let which = (&configuration, connector);
            let now = node::now();
            let findings = admin::check::check(store.as_ref(), &Accounts, which, now).await?;
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
            if self.name.is_none() {
                output::line(&match store.backed_up_at().await? {
                    Some(at) => format!("last backup: {}", output::time(at)),
                    None => "last backup: none. `leadsync backup FILE` makes one".to_owned(),
                })?;
            }
        }
        match reports.iter().map(|report| report.errors).sum::<usize>() {
            0 => Ok(()),
            1 => bail!("1 error"),
            errors => bail!("{errors} errors"),
        }
    }
}

fn show(report: &Report) -> anyhow::Result<()> {
    let Report { connector, errors, warnings, findings } = report;
    if findings.is_empty() {
        return output::line(&format!("{connector}: {}", painted("OK", Tone::Good)));
    }
    let count = |number: &usize, what| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let (errors, warnings) = (count(errors, "error"), count(warnings, "warning"));
    output::line(&format!("{connector}: {errors}, {warnings}"))?;
    for Finding { severity, at, problem } in findings {
        let tone = if *severity == Severity::Error { Tone::Bad } else { Tone::Warning };
        output::line(&format!("  {} {at}: {}", painted(severity, tone), problem.message))?;
        output::line(&format!("    {}", problem.advice))?;
    }
    Ok(())
}
