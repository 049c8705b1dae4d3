//! `leadsync sweep`.

use admin::Refused;
use admin::catch_up::{self, SweepItem};
use anyhow::bail;
use store::{Actor, Error};

use super::find;
use super::waiting::{LOOK, SILENT};
use crate::output;
use crate::settings::Settings;

/// Find and sync changes in the source account that no webhook reported
#[derive(Debug, clap::Args)]
pub struct Sweep {
    /// The connector's name
    name: String,
    /// Only show the state of the sweep
    #[arg(long, conflicts_with_all = ["yes", "detach"])]
    status: bool,
    /// Sync what is found, however many leads that changes
    #[arg(long)]
    yes: bool,
    /// Return at once instead of waiting for the end
    #[arg(long)]
    detach: bool,
}

impl Sweep {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let admin = settings.admin().await?;
        let store = admin.store.as_ref();
        let configuration = store.configuration().await?;
        let name = &self.name;
        let connector = find(&configuration, name)?;
        if !self.status {
            if !connector.enabled {
                bail!("{name} is disabled; `leadsync connector enable {name}` first");
            }
            let actor = Actor::command_line();
            match catch_up::ask_for_sweep(&admin, &actor, connector, self.yes).await {
                Err(Refused::Store(Error::Refused(why))) => {
                    bail!("{why}; `leadsync sweep {name} --yes` confirms them")
                }
                asked => asked?,
            }
        }
        let mut looks = 0;
        let item = loop {
            let item = catch_up::sweep(store, &configuration, connector).await?;
            if self.status || self.detach || item.sweep.asked_at.is_none() {
                break item;
            }
            looks += 1;
            if looks == SILENT {
                match &item.sweep.problem {
                    Some(problem) => eprintln!("A page could not be read: {problem}"),
                    None => eprintln!(
                        "The sweep has not ended yet. Is the service (`leadsync serve`) running?"
                    ),
                }
            }
            tokio::time::sleep(LOOK).await;
        };
        if settings.json {
            return output::json(&item);
        }
        output::line(&text(&item))
    }
}

fn text(item: &SweepItem) -> String {
    let SweepItem { is_on, every_seconds, calls_a_day, confirm_above, sweep } = item;
    let runs = if *is_on {
        let minutes = every_seconds / 60;
        format!(
            "Sweeps run every {minutes} minutes and make up to about {calls_a_day} API calls a day."
        )
    } else {
        "Sweeps run only on request.".to_owned()
    };
    let last = match (sweep.held, sweep.ended_at) {
        (Some(held), _) => format!(
            "On hold: the last sweep would have changed {held} leads, more than {confirm_above}% of all \
             linked leads. Nothing was synced. Pass --yes to sync them."
        ),
        (None, Some(at)) => format!(
            "The last sweep ended {} and found {} changes that no webhook had reported; {} in all.",
            output::time(at),
            sweep.last_found,
            sweep.found
        ),
        (None, None) => "No sweep yet.".to_owned(),
    };
    let problem = sweep.problem.as_ref();
    let problem = problem.map(|problem| format!("\nSome of it could not be read: {problem}"));
    format!("{last}\n{runs}{}", problem.unwrap_or_default())
}
