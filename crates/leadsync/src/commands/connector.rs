//! `leadsync connector`.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use plan::mapping::Proposal;
use serde::Serialize;
use store::{Actor, Change, Configuration, LinkCounts, Retried, Retry, Store};
use web::ConnectorItem;
use web::preview::Previewed;
use web::refresh::RefreshPlan;
use web::wiring::{Act, NotWired};

use crate::settings::Settings;
use crate::{node, output};

/// List, show, enable, disable, refresh and remove connectors
#[derive(Debug, clap::Subcommand)]
pub enum Connector {
    /// List all connectors
    List,
    /// Show a connector's settings
    Show(Name),
    /// Show the rows that a connector works with, and why each is there
    Mapping(Name),
    /// Print a connector's webhook URL, for the automation in the source account
    Url(Name),
    /// Work a connector's requests
    Enable(Name),
    /// Keep a connector's requests without working them
    Disable(Name),
    /// Resume a connector that is held because its webhooks changed many leads
    Confirm(Name),
    /// Make the source account's native webhooks, in place of automations
    Wire(Wire),
    /// Remove the source account's native webhooks that `wire` made
    Unwire(Name),
    /// Bring linked leads up to date after a change of settings
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

/// Make the source account's native webhooks, in place of automations
///
/// New and changed leads, and activities of the mapped types, are posted then without a hand on the
/// source account. The webhooks are found again by their descriptions; one that LeadSquared switched
/// off after ten failures is switched on again. Each time they get a new secret, which the receiver
/// demands. `LEADSYNC_PUBLIC_URL` must be the address under which the internet reaches this service.
#[derive(Debug, clap::Args)]
pub struct Wire {
    /// The connector's name
    name: String,
    /// Only say how the webhooks stand
    #[arg(long)]
    check: bool,
}

/// Bring linked leads up to date after a change of settings
///
/// The newest request of each linked lead is retried with the current settings. A lead for which
/// nothing changed costs no API call; for the others the source is read first. Where no opposite
/// connector is there, what somebody typed in the destination is written over, as by any change.
#[derive(Debug, clap::Args)]
pub struct Refresh {
    /// The connector's name
    name: String,
    /// Only count the leads, and what would be done
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
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A connector in a list. Whoever runs commands may see its webhook URL.
#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    item: ConnectorItem,
    url: String,
}

impl Connector {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let configuration = store.configuration().await?;
        let change = match self {
            Self::List => return list(settings, &configuration),
            Self::Show(Name { name }) => return show(settings, &configuration, &name),
            Self::Mapping(Name { name }) => {
                return mapping(settings, store.as_ref(), &configuration, &name).await;
            }
            Self::Url(Name { name }) => return url(settings, &configuration, &name),
            Self::Enable(Name { name }) => Change::SetEnabled { name, enabled: true },
            Self::Disable(Name { name }) => Change::SetEnabled { name, enabled: false },
            Self::Confirm(Name { name }) => {
                let connector = find(&configuration, &name)?;
                let (which, by) = ((connector.id, name.as_str()), Actor::command_line());
                store.confirm_mass_change(which, &by, node::now()).await?;
                if settings.json {
                    let done = serde_json::json!({ "name": name, "done": "confirmed" });
                    return output::json(&done);
                }
                return output::line(&format!("connector {name}: resumed"));
            }
            Self::Wire(Wire { name, check }) => {
                let act = if check { Act::Check } else { Act::Wire };
                return wiring(settings, store.as_ref(), &configuration, &name, act).await;
            }
            Self::Unwire(Name { name }) => {
                return wiring(settings, store.as_ref(), &configuration, &name, Act::Unwire).await;
            }
            Self::Refresh(wanted) => {
                return refresh(settings, store.as_ref(), &configuration, wanted).await;
            }
            Self::Remove(Remove { name, yes }) => {
                let connector = find(&configuration, &name)?;
                let forgotten =
                    web::removal::forgotten(store.as_ref(), &configuration, connector).await?;
                if !yes {
                    confirm(&name, forgotten)?;
                }
                return remove(settings, store.as_ref(), name, forgotten).await;
            }
        };
        let (name, done) = match &change {
            Change::SetEnabled { name, enabled } => {
                (name.clone(), if *enabled { "enabled" } else { "disabled" })
            }
            _ => bail!("this change is not one of `leadsync connector`"),
        };
        find(&configuration, &name)?;
        store.change_configuration(vec![change], &Actor::command_line(), node::now()).await?;
        if settings.json {
            return output::json(&serde_json::json!({ "name": name, "done": done }));
        }
        output::line(&format!("connector {name}: {done}"))
    }
}

fn find<'a>(configuration: &'a Configuration, name: &str) -> anyhow::Result<&'a store::Connector> {
    configuration.connector(name).with_context(|| {
        let known: Vec<&str> =
            configuration.connectors.iter().map(|c| c.definition.name.as_str()).collect();
        match known.as_slice() {
            [] => format!("there is no connector {name}: there is none at all yet; see `leadsync apply --help`"),
            known => format!("there is no connector {name}; there are {}", known.join(", ")),
        }
    })
}

fn list(settings: &Settings, configuration: &Configuration) -> anyhow::Result<()> {
    let item = |connector: &store::Connector| Item {
        item: ConnectorItem::from(connector),
        url: settings.webhook_url(&connector.token),
    };
    let items: Vec<Item> = configuration.connectors.iter().map(item).collect();
    if settings.json {
        return output::json(&items);
    }
    if items.is_empty() {
        return output::line("There is no connector yet. `leadsync apply FILE` makes one.");
    }
    let rows: Vec<[String; 5]> = items
        .iter()
        .map(|Item { item, .. }| {
            [
                item.name.clone(),
                item.source.clone(),
                item.destination.clone(),
                if item.enabled { "enabled" } else { "disabled" }.to_owned(),
                item.version.to_string(),
            ]
        })
        .collect();
    output::table(["NAME", "SOURCE", "DESTINATION", "STATE", "VERSION"], &rows)
}

fn show(settings: &Settings, configuration: &Configuration, name: &str) -> anyhow::Result<()> {
    let connector = find(configuration, name)?;
    if settings.json {
        let mut value = serde_json::to_value(&connector.definition)?;
        value["enabled"] = connector.enabled.into();
        value["version"] = connector.version.into();
        value["url"] = settings.webhook_url(&connector.token).into();
        return output::json(&value);
    }
    output::line(&format!(
        "# version {}; webhook URL: {}",
        connector.version,
        settings.webhook_url(&connector.token)
    ))?;
    output::line(web::export::write(&[], &[connector])?.trim_end())
}

async fn mapping(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
) -> anyhow::Result<()> {
    let which = (configuration, find(configuration, name)?);
    let mapping = web::mapping::mapping(store, &node::Accounts, which).await?;
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
    store: &dyn Store,
    configuration: &Configuration,
    Refresh { name, plan, per_minute }: Refresh,
) -> anyhow::Result<()> {
    let (connector, now) = (find(configuration, &name)?, node::now());
    if plan {
        let previewed = Previewed { configuration, connector, now };
        let plan = web::refresh::plan(store, &node::Accounts, previewed).await?;
        return if settings.json { output::json(&plan) } else { output::line(&planned(&plan)) };
    }
    let which = (connector.id, name.as_str());
    let retried = store.refresh_leads(which, Some(per_minute), &Actor::command_line(), now).await?;
    if settings.json {
        return output::json(
            &serde_json::json!({ "requests": retried.requests, "batch": retried.batch }),
        );
    }
    output::line(&match retried {
        Retried { batch: Some(batch), requests } => format!(
            "{requests} linked leads are being brought up to date. How far that is: Retries in the \
             console, or /api/v1/retries/{batch}."
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
        others => format!(" {others} more came by another connector, or wait for their next try."),
    };
    let counts = format!(
        "{changed} would be changed, {unchanged} are up to date, and {refused} would fail, be \
         skipped or wait for a person"
    );
    if plan.is_exact() {
        return format!("Of {leads} linked leads, {counts}.{others} Nothing was done.");
    }
    format!(
        "About {} of {leads} linked leads would be changed. Of {examined} that were examined, \
         {counts}.{others} Nothing was done.",
        plan.expected()
    )
}

fn rows(head: &str, rows: &[Proposal]) -> anyhow::Result<()> {
    output::line(head)?;
    let shown = |Proposal { row, why }: &Proposal| {
        let from = row.from.as_ref().or(row.compute.as_ref()).cloned().unwrap_or_default();
        let off = if row.enabled { "" } else { ", switched off" };
        [from, row.to.clone(), format!("{}{off}", why.sentence())]
    };
    output::table(["FROM", "TO", "WHY"], &rows.iter().map(shown).collect::<Vec<_>>())
}

fn url(settings: &Settings, configuration: &Configuration, name: &str) -> anyhow::Result<()> {
    let url = settings.webhook_url(&find(configuration, name)?.token);
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "url": url }));
    }
    output::line(&url)
}

async fn wiring(
    settings: &Settings,
    store: &dyn Store,
    configuration: &Configuration,
    name: &str,
    act: Act,
) -> anyhow::Result<()> {
    let connector = find(configuration, name)?;
    let job = web::wiring::Job { store, accounts: &node::Accounts, configuration, connector };
    let (actor, now) = (Actor::command_line(), node::now());
    let done = job.run(act, &settings.public_url(), &actor, now).await;
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
            "connector {name}: it has no webhooks in the source account"
        ));
    }
    for wired in done {
        output::line(&format!("the webhook of {} {}", wired.event, wired.state.words()))?;
    }
    Ok(())
}

async fn remove(
    settings: &Settings,
    store: &dyn Store,
    name: String,
    forgotten: LinkCounts,
) -> anyhow::Result<()> {
    let change = Change::RemoveConnector { name: name.clone() };
    store.change_configuration(vec![change], &Actor::command_line(), node::now()).await?;
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

/// What is forgotten, and what follows from that.
fn what_goes(LinkCounts { leads, activities }: LinkCounts) -> String {
    if leads + activities == 0 {
        return "No links are forgotten.".to_owned();
    }
    format!(
        "Forgotten with it: which leads ({leads}) and activities ({activities}) of the two accounts \
         belong together. A connector that joins them again finds leads by its search key, and looks \
         through the activities of each lead once before it adds one."
    )
}

fn confirm(name: &str, forgotten: LinkCounts) -> anyhow::Result<()> {
    let forgotten = what_goes(forgotten);
    if !std::io::stdin().is_terminal() {
        bail!(
            "removing {name} removes its requests and log too: say --yes if that is meant. \
             {forgotten}"
        );
    }
    eprintln!("{forgotten}");
    eprint!("Remove the connector {name} with its requests and log? Type its name: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == name { Ok(()) } else { bail!("not removed") }
}
