//! `leadsync parity`.

use admin::access::Reach;
use admin::catch_up::{self, Chosen, Direction, ParityItem};
use admin::{Admin, Refused};
use anyhow::bail;
use plan::parity::Apart;
use store::{Actor, Configuration, Connector, Differing, Store};

use super::find;
use super::waiting::{LOOK, Waiting};
use crate::output;
use crate::settings::Settings;

/// How many leads that differ are shown, and how many fields of each.
const MOST: usize = 25;
const FIELDS: usize = 5;

/// Compare the two accounts of a connector, and sync leads that differ
#[derive(Debug, clap::Args)]
pub struct Parity {
    /// The connector's name
    name: String,
    /// Show the last comparison instead of starting a new one
    #[arg(long, conflicts_with_all = ["sync", "detach"])]
    last: bool,
    /// Sync the leads that differed in the last comparison: write the source's values to the
    /// `destination`, or the destination's values to the `source`
    #[arg(long, value_name = "DIRECTION", value_enum)]
    sync: Option<To>,
    /// With `--sync`: only leads of this kind, such as `differs`, `only_here` or `gone_here`
    #[arg(long, value_name = "KIND", requires = "sync")]
    only: Option<Apart>,
    /// Return at once instead of waiting for the end
    #[arg(long)]
    detach: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// The source's values are written to the destination
    Destination,
    /// The destination's values are written to the source
    Source,
}

impl Parity {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let admin = settings.admin().await?;
        let store = admin.store.as_ref();
        let configuration = store.configuration().await?;
        let connector = find(&configuration, &self.name)?;
        if let Some(to) = self.sync {
            let chosen = self.only.map_or(Chosen::All(None), |only| Chosen::Kind(only, None));
            return sync(settings, &admin, (&configuration, connector), (&chosen, to)).await;
        }
        if !self.last {
            if !connector.enabled {
                let name = &self.name;
                bail!("{name} is disabled; `leadsync connector enable {name}` first");
            }
            catch_up::ask_for_parity(&admin, &Actor::command_line(), connector).await?;
            if self.detach {
                return output::line("Comparing the accounts.");
            }
            follow(settings, store, connector).await?;
        }
        let item = catch_up::parity(store, &configuration, connector).await?;
        let listed = store.differences(connector.id, None, 0, MOST).await?;
        if settings.json {
            return output::json(&serde_json::json!({ "parity": item, "differences": listed }));
        }
        output::line(&text(connector, &item, &listed))
    }
}

async fn sync(
    settings: &Settings,
    admin: &Admin,
    between: (&Configuration, &Connector),
    (chosen, to): (&Chosen, To),
) -> anyhow::Result<()> {
    let direction = match to {
        To::Destination => Direction::Destination,
        To::Source => Direction::Source,
    };
    let by = (&Actor::command_line(), &Reach::All);
    let leads = catch_up::sync_differences(admin, by, between, (chosen, direction)).await;
    let leads = leads.map_err(|refused| match refused {
        Refused::Invalid(faults) => anyhow::anyhow!("--sync {}", faults[0].what),
        refused => refused.into(),
    })?;
    if settings.json {
        return output::json(&serde_json::json!({ "leads": leads }));
    }
    output::line(&match leads {
        0 => "No leads to sync in this direction.".to_owned(),
        1 => "Syncing 1 lead.".to_owned(),
        leads => format!("Syncing {leads} leads."),
    })
}

/// Waits until the accounts are compared.
async fn follow(
    settings: &Settings,
    store: &dyn Store,
    connector: &Connector,
) -> anyhow::Result<()> {
    let mut waiting = Waiting::new(settings)?;
    loop {
        tokio::time::sleep(LOOK).await;
        let standing = store.parity(connector.id).await?;
        if standing.asked_at.is_none() {
            waiting.end();
            return Ok(());
        }
        waiting.look(standing.read, standing.problem.as_ref());
    }
}

fn text(connector: &Connector, item: &ParityItem, listed: &[Differing]) -> String {
    let (source, destination) = (&connector.definition.source, &connector.definition.destination);
    let (Some(parity), Some(at)) = (&item.standing.parity, item.standing.at) else {
        return "The accounts have not been compared yet.".to_owned();
    };
    let sentence = catch_up::sentence(parity, source, destination);
    let at = output::time(at);
    let mut lines = vec![format!("{sentence}. Compared {at}.")];
    if let Some(held) = item.standing.held {
        let name = &connector.definition.name;
        lines.push(format!(
            "On hold: {held} leads are no longer in {source}. None was marked, because there are so many. \
             If they were deleted on purpose, run leadsync parity {name} --sync destination --only \
             gone_here"
        ));
    }
    for Differing { difference, .. } in listed {
        let id = difference.source_id.as_ref().or(difference.destination_id.as_ref());
        let name = difference.known_as.as_ref().or(id).map_or("", String::as_str);
        lines.push(format!("  {name}: {}", catch_up::words(difference.apart, source, destination)));
        for field in difference.fields.iter().take(FIELDS) {
            let (sent, held) = (&field.source, &field.destination);
            lines.push(format!(
                "    {}: '{sent}' in {source}, '{held}' in {destination}",
                field.field
            ));
        }
    }
    if listed.len() == MOST {
        lines.push("  … more under Compare in the console, and in the API.".to_owned());
    }
    lines.join("\n")
}
