//! Configuration files, for the console and `export`.

use plan::connector::{
    Access, ActivityRules, BackfillRules, Basic, CatchUp, Conflict, Definition, Filter, Identity,
    LeadRules, Owners, Removed, WhileDisabled,
};
use plan::quota::Quota;
use serde::Serialize;
use store::{Account, Connector};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<[AccountTable<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<[ConnectorTable<'a>; 1]>,
}

/// An account without its keys, which no file shows.
#[derive(Serialize)]
struct AccountTable<'a> {
    name: &'a str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota>,
}

/// A definition with `enabled` in the place where people look for it.
#[derive(Serialize)]
struct ConnectorTable<'a> {
    name: &'a str,
    source: &'a str,
    destination: &'a str,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    while_disabled: Option<WhileDisabled>,
    basic: &'a Basic,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'a Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a Owners>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a Filter>,
    lead: &'a LeadRules,
    conflict: &'a Conflict,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<&'a Removed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catch_up: Option<&'a CatchUp>,
    activity: &'a ActivityRules,
    #[serde(skip_serializing_if = "Option::is_none")]
    backfill: Option<&'a BackfillRules>,
}

/// The configuration file of these accounts and connectors, without keys: an existing account keeps
/// its own. A comment shows how to set them for a new one.
///
/// # Errors
/// The configuration can't be written as TOML, which is a bug.
pub fn write(accounts: &[&Account], connectors: &[&Connector]) -> Result<String, toml::ser::Error> {
    let mut tables = Vec::with_capacity(accounts.len() + connectors.len());
    for account in accounts {
        let table = Document { account: Some([account_table(account)]), connector: None };
        let head = "[[account]]\n";
        let with_comment = format!("{head}{}", comment_on_keys(&account.name));
        tables.push(toml::to_string(&table)?.replacen(head, &with_comment, 1));
    }
    for connector in connectors {
        let table = Document { account: None, connector: Some([connector_table(connector)]) };
        tables.push(toml::to_string(&table)?);
    }
    Ok(tables.join("\n"))
}

/// How to give keys to an account of this name.
fn comment_on_keys(account: &str) -> String {
    let prefix: String = account
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    format!(
        "# An existing account keeps its keys. For a new account, or to change the keys, add:\n\
         # access_key = {{ env = \"{prefix}_ACCESS_KEY\" }}\n\
         # secret_key = {{ env = \"{prefix}_SECRET_KEY\" }}\n"
    )
}

fn account_table(account: &Account) -> AccountTable<'_> {
    let (plan, quota) = account.plan.written();
    AccountTable { name: &account.name, host: &account.host, plan, quota }
}

fn connector_table(connector: &Connector) -> ConnectorTable<'_> {
    let Definition {
        name,
        source,
        destination,
        while_disabled,
        basic,
        access,
        owner,
        filter,
        lead,
        conflict,
        identity,
        removed,
        catch_up,
        activity,
        backfill,
    } = &connector.definition;
    ConnectorTable {
        name,
        source,
        destination,
        enabled: connector.enabled,
        while_disabled: unless_default(while_disabled).copied(),
        basic,
        access: unless_default(access),
        owner: unless_default(owner),
        filter: unless_default(filter),
        lead,
        conflict,
        identity: unless_default(identity),
        removed: removed.as_ref(),
        catch_up: unless_default(catch_up),
        activity,
        backfill: unless_default(backfill),
    }
}

fn unless_default<T: Default + PartialEq>(setting: &T) -> Option<&T> {
    (*setting != T::default()).then_some(setting)
}
