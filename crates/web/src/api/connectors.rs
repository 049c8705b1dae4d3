//! `/connectors`.

use admin::connectors::{self, ConnectorItem, ListedConnector};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use plan::connector::Definition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Change, Connector, FormerUrl};

use super::asker::Asker;
use super::input::{Input, Named, Params, read_value};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use admin::webhook_url;

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

/// A connector's webhook URL.
#[derive(Serialize)]
pub(crate) struct WebhookUrl {
    name: String,
    url: String,
    /// When it was made or last replaced.
    since: Option<Timestamp>,
    /// When it was last used, to a minute.
    used_at: Option<Timestamp>,
    /// Those that it replaced, the newest first. They themselves are not shown.
    old: Vec<OldUrl>,
}

/// A webhook URL that was replaced.
#[derive(Serialize)]
struct OldUrl {
    replaced_at: Timestamp,
    /// Until when it is valid.
    valid_until: Timestamp,
    used_at: Option<Timestamp>,
}

impl WebhookUrl {
    fn of(shared: &Shared, connector: &Connector) -> Self {
        let old = |former: &FormerUrl| OldUrl {
            replaced_at: former.replaced_at,
            valid_until: former.ends_at,
            used_at: former.used_at,
        };
        Self {
            name: connector.definition.name.clone(),
            url: webhook_url(&shared.hooks_url, &connector.token),
            since: connector.url_since,
            used_at: connector.url_used,
            old: connector.former_urls.iter().map(old).collect(),
        }
    }
}

/// How a webhook URL is replaced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    /// For how many hours the old URL stays valid.
    #[serde(default = "Replacement::hours")]
    keep_hours: u32,
}

impl Replacement {
    const fn hours() -> u32 {
        connectors::OLD_URL_HOURS
    }
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<ListedConnector>>> {
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let now = (shared.clock)();
    Ok(Json(List { items: connectors::list(&*shared.store, &configuration, now).await? }))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<Settings>> {
    let configuration = shared.store.configuration().await?;
    Ok(Json(known_connector(&configuration, &name)?.into()))
}

pub(crate) async fn url(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<WebhookUrl>> {
    let configuration = shared.store.configuration().await?;
    Ok(Json(WebhookUrl::of(&shared, known_connector(&configuration, &name)?)))
}

/// Replaces a connector's webhook URL.
pub(crate) async fn replace_url(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(Replacement { keep_hours }): Input<Replacement>,
) -> Result<Json<WebhookUrl>> {
    let connector = connectors::replace_url(&shared, &asker.actor, &name, keep_hours).await?;
    Ok(Json(WebhookUrl::of(&shared, &connector)))
}

/// Ends the validity of the URLs that it replaced.
pub(crate) async fn end_old_urls(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    connectors::end_old_urls(&shared, &asker.actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
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
    let (is_new, connector) =
        connectors::save(&shared, &asker.actor, &definition, enabled, made_from).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json((&connector).into())))
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
    connectors::set_enabled(&shared, &asker.actor, &[&name], enabled).await?;
    let configuration = shared.store.configuration().await?;
    Ok(Json(known_connector(&configuration, &name)?.into()))
}
