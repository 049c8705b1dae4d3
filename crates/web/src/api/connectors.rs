//! `/connectors`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use plan::connector::Definition;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Actor, Change, Connector};

use super::asker::Asker;
use super::input::{Input, Named, Params, read_value};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::{Shared, webhook_url};

/// A connector in a list. Its webhook URL is a secret and has a route of its own.
#[derive(Debug, Serialize)]
pub struct ConnectorItem {
    /// Its name.
    pub name: String,
    /// The account that leads come from.
    pub source: String,
    /// The account that they go to.
    pub destination: String,
    /// Whether its requests are processed.
    pub enabled: bool,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// The version of its settings.
    pub version: i64,
}

impl From<&Connector> for ConnectorItem {
    fn from(connector: &Connector) -> Self {
        let Definition { name, source, destination, .. } = &connector.definition;
        Self {
            name: name.clone(),
            source: source.clone(),
            destination: destination.clone(),
            enabled: connector.enabled,
            disabled_at: connector.disabled_at,
            version: connector.version,
        }
    }
}

/// A connector with all its settings, as `PUT` takes them.
#[derive(Debug, Serialize)]
pub(crate) struct Settings {
    #[serde(flatten)]
    definition: Definition,
    enabled: bool,
    version: i64,
}

impl From<&Connector> for Settings {
    fn from(connector: &Connector) -> Self {
        let Connector { definition, enabled, version, .. } = connector;
        Self { definition: definition.clone(), enabled: *enabled, version: *version }
    }
}

#[derive(Serialize)]
pub(crate) struct Url {
    name: String,
    url: String,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<ConnectorItem>>> {
    params.end()?;
    let configuration = shared.store.configuration().await?;
    Ok(Json(List { items: configuration.connectors.iter().map(ConnectorItem::from).collect() }))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<Settings>> {
    let configuration = shared.store.configuration().await?;
    Ok(Json(known_connector(&configuration, &name)?.into()))
}

pub(crate) async fn url(State(shared): State<Shared>, Named(name): Named) -> Result<Json<Url>> {
    let configuration = shared.store.configuration().await?;
    let url = webhook_url(&shared.public_url, &known_connector(&configuration, &name)?.token);
    Ok(Json(Url { name, url }))
}

/// Takes what [`show`] returns: a `version` in it is the one that the settings are based on.
pub(crate) async fn put(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(mut wanted): Input<Map<String, Value>>,
) -> Result<(StatusCode, Json<Settings>)> {
    let enabled: Option<bool> = take(&mut wanted, "enabled")?;
    let made_from: Option<i64> = take(&mut wanted, "version")?;
    let definition = read_definition(&name, wanted)?;
    let (is_new, connector) = save(&shared, &asker.actor, &definition, enabled, made_from).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json((&connector).into())))
}

/// Applies these settings to the connector; returns whether it is new, and the result.
pub(crate) async fn save(
    shared: &Shared,
    actor: &Actor,
    definition: &Definition,
    enabled: Option<bool>,
    made_from: Option<i64>,
) -> Result<(bool, Connector)> {
    let faults = definition.check();
    if !faults.is_empty() {
        return Err(Refusal::faulty(faults));
    }
    let configuration = shared.store.configuration().await?;
    for (at, account) in [("source", &definition.source), ("destination", &definition.destination)]
    {
        if configuration.account(account).is_none() {
            return Err(Refusal::wrong(
                at,
                format!("the account '{account}' does not exist; add it first"),
            ));
        }
    }
    let is_new = configuration.connector(&definition.name).is_none();
    let changes = configuration.to_put_connector(definition, enabled, made_from)?;
    if !changes.is_empty() {
        shared.change(changes, actor).await?;
    }
    let configuration = shared.store.configuration().await?;
    Ok((is_new, known_connector(&configuration, &definition.name)?.clone()))
}

/// The settings of the connector of this name, if they are valid in themselves.
pub(super) fn read_definition(name: &str, mut wanted: Map<String, Value>) -> Result<Definition> {
    wanted.entry("name").or_insert_with(|| name.into());
    let definition: Definition = read_value(Value::Object(wanted))?;
    if definition.name != name {
        return Err(Refusal::wrong("name", "differs from the name in the path; leave it out"));
    }
    let faults = definition.check();
    if faults.is_empty() { Ok(definition) } else { Err(Refusal::faulty(faults)) }
}

fn take<T: serde::de::DeserializeOwned>(
    wanted: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>> {
    let value = wanted.shift_remove(name).map(serde_json::from_value).transpose();
    value.map_err(|error| Refusal::wrong(name, error.to_string()))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    known_connector(&shared.store.configuration().await?, &name)?;
    shared.change(vec![Change::RemoveConnector { name }], &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enables or disables a connector, unless it already is.
pub(crate) async fn set_enabled(
    shared: &Shared,
    actor: &Actor,
    name: &str,
    enabled: bool,
) -> Result<()> {
    let configuration = shared.store.configuration().await?;
    if known_connector(&configuration, name)?.enabled != enabled {
        let change = Change::SetEnabled { name: name.to_owned(), enabled };
        shared.change(vec![change], actor).await?;
    }
    Ok(())
}

pub(crate) async fn enable(
    state: State<Shared>,
    asker: Asker,
    name: Named,
) -> Result<Json<ConnectorItem>> {
    switch(state, asker, name, true).await
}

pub(crate) async fn disable(
    state: State<Shared>,
    asker: Asker,
    name: Named,
) -> Result<Json<ConnectorItem>> {
    switch(state, asker, name, false).await
}

async fn switch(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    enabled: bool,
) -> Result<Json<ConnectorItem>> {
    set_enabled(&shared, &asker.actor, &name, enabled).await?;
    let configuration = shared.store.configuration().await?;
    Ok(Json(known_connector(&configuration, &name)?.into()))
}
