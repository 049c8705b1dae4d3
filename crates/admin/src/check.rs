//! Finds what will fail before it does: for the API and the command line.

use jiff::Timestamp;
use plan::check::{self, Finding, Severity};
use plan::metadata::{self, Catalogue, FieldChange};
use store::{Account, Configuration, Connector, Store};

use crate::asking::AskAccounts;

/// The problems of a connector, by the current metadata of its accounts.
///
/// # Errors
/// The store failed.
pub async fn check(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    (configuration, connector): (&Configuration, &Connector),
    now: Timestamp,
) -> store::Result<Vec<Finding>> {
    let definition = &connector.definition;
    let source = configuration.account_of(connector.source)?;
    let destination = configuration.account_of(connector.destination)?;
    let told = match asking.read_catalogues(definition, source, destination).await {
        Ok(told) => told,
        Err(refused) => {
            let at = if refused.account == source.id { "source" } else { "destination" };
            let problem = refused.problem;
            return Ok(vec![Finding { severity: Severity::Error, at: at.to_owned(), problem }]);
        }
    };
    let mut findings = check::check(definition, &told.0, &told.1);
    for (at, account, fresh) in [("source", source, &told.0), ("destination", destination, &told.1)]
    {
        let changed = changed(store, connector, (account, fresh), now).await?;
        findings.extend(check::changes(definition, (&told.0, &told.1), at, &changed));
    }
    Ok(findings)
}

/// What changed in an account's fields since the connector was saved, up to now.
async fn changed(
    store: &dyn Store,
    connector: &Connector,
    (account, fresh): (&Account, &Catalogue),
    now: Timestamp,
) -> store::Result<Vec<(Timestamp, FieldChange)>> {
    let mut changed = store.field_changes(account.id, connector.saved_at).await?;
    if let Some((_, kept)) = store.catalogue(account.id).await? {
        let news = metadata::changes(&kept.fields, &fresh.fields);
        changed.extend(news.into_iter().map(|change| (now, change)));
    }
    Ok(changed)
}
