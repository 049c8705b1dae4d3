//! `leadsync connector`.

use std::io::{IsTerminal, Write};

use admin::connectors::{self, ListedConnector};
use admin::preview::Previewed;
use admin::refresh::RefreshPlan;
use admin::wiring::{Act, NotWired};
use admin::{Admin, retry};
use anyhow::bail;
use plan::mapping::Proposal;
use serde::Serialize;
use store::{Actor, Base, Change, Configuration, LinkCounts, Retried, Retry, Store};

use super::find;
use crate::settings::Settings;
use crate::{node, output};

/// List, show, enable, disable, refresh and remove connectors
#[derive(Debug, clap::Subcommand)]
pub enum Connector {
    /// List all connectors
    List,
    /// Show a connector's settings
    Show(Name),
    /// Show the mapping in effect, and the reason for each row
    Mapping(Name),
    /// Print a connector's webhook URL, for the automation in the source account
    Url(Name),
    /// Replace a connector's webhook URL; the old one stays valid for a while
    RotateUrl(RotateUrl),
    /// Enable a connector
    Enable(Name),
    /// Disable a connector: nothing is synced until it is enabled
    Disable(Name),
    /// Resume a connector that was held because its webhooks changed many leads
    Confirm(Name),
    /// Create webhooks in the source account, in place of automations
    Wire(Wire),
    /// Remove the webhooks that `wire` created in the source account
    Unwire(Name),
    /// Update linked leads after a change of settings
    Refresh(Refresh),
    /// Remove a connector with its requests and log
    Remove(Remove),
}

/// Which connector.
#[derive(Debug, clap::Args)]
pub struct Name {
    /// The connector's name
    name: String,
}

/// Replace a connector's webhook URL; the old one stays valid for a while
///
/// Use it if the URL may have become known to others. Put the new URL into the automations of the source
/// account while the old one is still valid; the console shows when each was last used. Webhooks that
/// `wire` created get the new URL when it is run again.
#[derive(Debug, clap::Args)]
pub struct RotateUrl {
    /// The connector's name
    name: String,
    /// For how many hours the old URL stays valid; 0 ends it, and those before it, at once
    #[arg(long, value_name = "N", default_value_t = connectors::OLD_URL_HOURS)]
    keep_hours: u32,
}

/// Create webhooks in the source account, in place of automations
///
/// LeadSquared then posts new and changed leads, and activities of the mapped types, without any
/// automation. leadsync recognizes its webhooks by their descriptions, enables one that LeadSquared
/// disabled after ten failures, and gives all of them a new secret, which requests must carry.
/// `LEADSYNC_PUBLIC_URL` must be the address at which the internet reaches this service.
#[derive(Debug, clap::Args)]
pub struct Wire {
    /// The connector's name
    name: String,
    /// Only show the state of the webhooks
    #[arg(long)]
    check: bool,
}

/// Update linked leads after a change of settings
///
/// Retries the newest request of each linked lead with the current settings. A lead for which nothing
/// changes costs no API call; the others are read from the source first. Without an opposite
/// connector, values that were edited in the destination are overwritten, as by any change.
#[derive(Debug, clap::Args)]
pub struct Refresh {
    /// The connector's name
    name: String,
    /// Only count the leads, by what would happen to them
    #[arg(long)]
    plan: bool,
    /// Leads per minute, after the first hundred
    #[arg(long, value_name = "N", default_value_t = Retry::PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
}

/// Remove a connector with its requests and log
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The connector's name
    name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// A connector in a list. Anyone who can run commands may see its webhook URL.
#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    item: ListedConnector,
    url: String,
}

impl Connector {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let admin = settings.admin().await?;
        let store = admin.store.as_ref();
        let configuration = store.configuration().await?;
        let configuration = &configuration;
        match self {
            Self::List => list(settings, store, configuration).await,
            Self::Show(Name { name }) => show(settings, store, configuration, &name).await,
            Self::Mapping(Name { name }) => mapping(settings, store, configuration, &name).await,
            Self::Url(Name { name }) => url(settings, store, configuration, &name).await,
            Self::RotateUrl(wanted) => rotate_url(settings, &admin, wanted).await,
            Self::Enable(Name { name }) => switch(settings, &admin, &name, true).await,
            Self::Disable(Name { name }) => switch(settings, &admin, &name, false).await,
            Self::Confirm(Name { name }) => {
                let connector = find(configuration, &name)?;
                let actor = Actor::command_line();
                connectors::confirm_mass_change(&admin, &actor, connector).await?;
                done(settings, &name, "confirmed", "resumed")
            }
            Self::Wire(Wire { name, check }) => {
                let act = if check { Act::Check } else { Act::Wire };
                wiring(settings, store, configuration, &name, act).await
            }
            Self::Unwire(Name { name }) => {
                wiring(settings, store, configuration, &name, Act::Unwire).await
            }
            Self::Refresh(wanted) => refresh(settings, &admin, configuration, wanted).await,
            Self::Remove(Remove { name, yes }) => {
                let connector = find(configuration, &name)?;
                let forgotten = admin::removal::forgotten(store, configuration, connector).await?;
                if !yes {
                    confirm(&name, forgotten)?;
                }
                remove(settings, &admin, name, forgotten).await
            }
        }
    }
}

async fn switch(
    settings: &Settings,
    admin: &Admin,
    name: &str,
    enabled: bool,
) -> anyhow::Result<()> {
    find(&admin.store.configuration().await?, name)?;
    connectors::set_enabled(admin, &Actor::command_line(), &[name], enabled).await?;
    let word = if enabled { "enabled" } else { "disabled" };
    done(settings, name, word, word)
}

/// Says what was done: a word for scripts, and one for people.
fn done(settings: &Settings, name: &str, word: &str, said: &str) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "done": word }));
    }
    output::line(&format!("connector {name}: {said}"))
}

async fn list(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let items = connectors::list(store, configuration, crate::node::now()).await?;
    if settings.json {
        let base = settings.base_url(store, Base::Webhooks).await?;
        let item = |(item, connector): (ListedConnector, &store::Connector)| Item {
            item,
            url: admin::webhook_url(&base, &connector.token),
        };
        let items = items.into_iter().zip(&configuration.connectors).map(item);
        return output::json(&items.collect::<Vec<_>>());
    }
    if items.is_empty() {
        return output::line("No connectors yet. `leadsync apply FILE` adds them.");
    }
    let rows: Vec<[String; 7]> = items
        .iter()
        .map(|ListedConnector { item, health, .. }| {
            [
                item.name.clone(),
                item.source.clone(),
                item.destination.clone(),
                if item.enabled { "enabled" } else { "disabled" }.to_owned(),
                health.state.to_string().replace('_', " "),
                health.last_webhook.map_or_else(|| "none yet".to_owned(), output::time),
                item.version.to_string(),
            ]
        })
        .collect();
    let heads = ["NAME", "SOURCE", "DESTINATION", "STATE", "HEALTH", "LAST WEBHOOK", "VERSION"];
    output::table(heads, &rows)
}

async fn show(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
) -> anyhow::Result<()> {
    let connector = find(configuration, name)?;
    let url =
        admin::webhook_url(&settings.base_url(store, Base::Webhooks).await?, &connector.token);
    if settings.json {
        let mut value = serde_json::to_value(&connector.definition)?;
        value["enabled"] = connector.enabled.into();
        value["version"] = connector.version.into();
        value["url"] = url.into();
        return output::json(&value);
    }
    output::line(&format!("# version {}; webhook URL: {url}", connector.version))?;
    output::line(admin::export::write(&[], &[connector])?.trim_end())
}

async fn mapping(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
) -> anyhow::Result<()> {
    let which = (configuration, find(configuration, name)?);
    let mapping = admin::mapping::mapping(store, &node::Accounts, which).await?;
    if settings.json {
        return output::json(&mapping);
    }
    rows("leads", &mapping.lead)?;
    for kind in &mapping.activity {
        let name = kind.name.as_deref().unwrap_or("a type");
        rows(&format!("\nactivities: {name}, {} to {}", kind.from, kind.to), &kind.rows)?;
    }
    Ok(())
}

async fn refresh(
    settings: &Settings,
    admin: &Admin,
    configuration: &Configuration,
    Refresh { name, plan, per_minute }: Refresh,
) -> anyhow::Result<()> {
    let (connector, now) = (find(configuration, &name)?, admin.now());
    if plan {
        let previewed = Previewed { configuration, connector, now };
        let (store, accounts) = (admin.store.as_ref(), admin.accounts.as_ref());
        let plan = admin::refresh::plan(store, accounts, previewed).await?;
        return if settings.json { output::json(&plan) } else { output::line(&planned(&plan)) };
    }
    let actor = Actor::command_line();
    let retried = retry::refresh_leads(admin, &actor, connector, per_minute).await?;
    if settings.json {
        return output::json(
            &serde_json::json!({ "requests": retried.requests, "batch": retried.batch }),
        );
    }
    output::line(&match retried {
        Retried { batch: Some(batch), requests } => format!(
            "Updating {requests} linked leads. Follow the progress under Retries in the console, or at \
             /api/v1/retries/{batch}."
        ),
        Retried { batch: None, .. } => {
            format!("{name} has no linked leads to update.")
        }
    })
}

fn planned(plan: &RefreshPlan) -> String {
    let RefreshPlan { linked, leads, examined, changed, unchanged, refused } = *plan;
    let others = match linked.saturating_sub(leads) {
        0 => String::new(),
        others => format!(" {others} more came through another connector, or are retrying."),
    };
    let counts = format!(
        "{changed} would be changed, {unchanged} are up to date, and {refused} would fail, be \
         skipped or sent to review"
    );
    if plan.is_exact() {
        return format!("Of {leads} linked leads, {counts}.{others} Nothing was changed.");
    }
    format!(
        "About {} of {leads} linked leads would be changed. Of {examined} that were examined, \
         {counts}.{others} Nothing was changed.",
        plan.expected()
    )
}

fn rows(head: &str, rows: &[Proposal]) -> anyhow::Result<()> {
    output::line(head)?;
    let shown = |Proposal { row, why, .. }: &Proposal| {
        let from = row.from.as_ref().or(row.compute.as_ref()).cloned().unwrap_or_default();
        let off = if row.enabled { "" } else { ", off" };
        [from, row.to.clone(), format!("{}{off}", why.sentence())]
    };
    output::table(["FROM", "TO", "REASON"], &rows.iter().map(shown).collect::<Vec<_>>())
}

async fn url(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
) -> anyhow::Result<()> {
    let connector = find(configuration, name)?;
    let url =
        admin::webhook_url(&settings.base_url(store, Base::Webhooks).await?, &connector.token);
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "url": url }));
    }
    output::line(&url)
}

async fn rotate_url(settings: &Settings, admin: &Admin, wanted: RotateUrl) -> anyhow::Result<()> {
    let RotateUrl { name, keep_hours } = wanted;
    find(&admin.store.configuration().await?, &name)?;
    let actor = Actor::command_line();
    let connector = connectors::replace_url(admin, &actor, &name, keep_hours).await?;
    if keep_hours == 0 {
        connectors::end_old_urls(admin, &actor, &name).await?;
    }
    let url = admin::webhook_url(
        &settings.base_url(admin.store.as_ref(), Base::Webhooks).await?,
        &connector.token,
    );
    let valid =
        connector.former_urls.first().filter(|_| keep_hours > 0).map(|former| former.ends_at);
    if settings.json {
        let value = serde_json::json!({ "name": name, "url": url, "old_valid_until": valid });
        return output::json(&value);
    }
    output::line(&url)?;
    let old = valid.map_or_else(
        || "The old URL is no longer valid.".to_owned(),
        |until| format!("The old URL stays valid until {}.", output::time(until)),
    );
    let wired = if connector.wiring.is_some() {
        format!(" Run `leadsync connector wire {name}` to give the webhooks the new one.")
    } else {
        String::new()
    };
    output::line(&format!("{old}{wired}"))
}

async fn wiring(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
    act: Act,
) -> anyhow::Result<()> {
    let connector = find(configuration, name)?;
    let job = admin::wiring::Job { store, accounts: &node::Accounts, configuration, connector };
    let (actor, now) = (Actor::command_line(), node::now());
    let base = match act {
        Act::Wire => settings.base_url(store, Base::Webhooks).await?,
        Act::Check | Act::Unwire => settings.hooks_url(),
    };
    let done = job.run(act, &base, &actor, now).await;
    let done = match done {
        Ok(done) => done,
        Err(NotWired::Store(error)) => return Err(error.into()),
        Err(NotWired::Account(problem)) => bail!("{problem}"),
    };
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "webhooks": done }));
    }
    if done.is_empty() {
        return output::line(&format!(
            "connector {name}: no webhooks of leadsync in the source account"
        ));
    }
    for wired in done {
        output::line(&format!("the webhook for {} {}", wired.event, wired.state.words()))?;
    }
    Ok(())
}

async fn remove(
    settings: &Settings,
    admin: &Admin,
    name: String,
    forgotten: LinkCounts,
) -> anyhow::Result<()> {
    let change = Change::RemoveConnector { name: name.clone() };
    admin.change(vec![change], &Actor::command_line()).await?;
    if settings.json {
        let LinkCounts { leads, activities } = forgotten;
        let forgotten = serde_json::json!({ "leads": leads, "activities": activities });
        return output::json(
            &serde_json::json!({ "name": name, "done": "removed", "forgotten": forgotten }),
        );
    }
    output::line(&format!("connector {name}: removed"))?;
    output::line(&what_goes(forgotten))
}

/// What is deleted, and the consequences.
fn what_goes(LinkCounts { leads, activities }: LinkCounts) -> String {
    if leads + activities == 0 {
        return "No links are lost.".to_owned();
    }
    format!(
        "This also deletes the links of {leads} leads and {activities} activities of the two accounts. \
         A new connector between them matches leads by its search key, and looks through the \
         activities of each lead once before it adds one."
    )
}

fn confirm(name: &str, forgotten: LinkCounts) -> anyhow::Result<()> {
    let forgotten = what_goes(forgotten);
    if !std::io::stdin().is_terminal() {
        bail!(
            "removing {name} also deletes its requests and log: pass --yes to confirm. {forgotten}"
        );
    }
    eprintln!("{forgotten}");
    eprint!("Remove the connector {name} with its requests and log? Type its name: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == name { Ok(()) } else { bail!("not removed") }
}
