//! Configuration files, for the console and `export`.

use plan::connector::{
    Access, ActivityRules, Basic, Conflict, Definition, Identity, LeadRules, Owners, Removed,
    WhileDisabled,
};
use plan::quota::Quota;
use serde::Serialize;
use store::{Account, Connector};

#[derive(Serialize)]
struct Document<'a> {
    account: Vec<AccountTable<'a>>,
    connector: Vec<ConnectorTable<'a>>,
}

#[derive(Serialize)]
struct AccountTable<'a> {
    name: &'a str,
    host: &'a str,
    access_key: Variable,
    secret_key: Variable,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota>,
}

/// A secret, which is taken from the environment.
#[derive(Serialize)]
struct Variable {
    env: String,
}

/// A definition with `enabled` where people look for it.
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
    lead: &'a LeadRules,
    conflict: &'a Conflict,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<&'a Removed>,
    activity: &'a ActivityRules,
}

/// The file that recreates these accounts and connectors. Keys are left out: each is taken from an
/// environment variable that is named after its account.
///
/// # Errors
/// The configuration can't be written as TOML, which is a bug.
pub fn write(accounts: &[&Account], connectors: &[&Connector]) -> Result<String, toml::ser::Error> {
    let document = Document {
        account: accounts.iter().map(|account| account_table(account)).collect(),
        connector: connectors.iter().map(|connector| connector_table(connector)).collect(),
    };
    toml::to_string(&document)
}

fn account_table(account: &Account) -> AccountTable<'_> {
    let (plan, quota) = account.plan.written();
    let variable = |what: &str| {
        let name: String = account
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        Variable { env: format!("{name}_{what}") }
    };
    AccountTable {
        name: &account.name,
        host: &account.host,
        access_key: variable("ACCESS_KEY"),
        secret_key: variable("SECRET_KEY"),
        plan,
        quota,
    }
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
        lead,
        conflict,
        identity,
        removed,
        activity,
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
        lead,
        conflict,
        identity: unless_default(identity),
        removed: removed.as_ref(),
        activity,
    }
}

fn unless_default<T: Default + PartialEq>(setting: &T) -> Option<&T> {
    (*setting != T::default()).then_some(setting)
}
