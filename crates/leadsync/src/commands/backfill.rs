//! `leadsync backfill`.

use admin::Admin;
use admin::backfill::{self, Pace, duration};
use anyhow::{Context, bail};
use plan::backfill::{BackfillPlan, BackfillState, Backfilled};
use plan::connector::{Condition, Definition, Filter, Test};
use plan::period;
use store::{Actor, Backfill as Kept, Connector, Store};

use super::find;
use super::waiting::{LOOK, SILENT, Waiting, ask_for_service, bar};
use crate::settings::Settings;
use crate::{node, output};

/// Sync the leads that the source account already has
#[derive(Debug, clap::Args)]
pub struct Backfill {
    /// The connector's name
    name: String,
    #[command(flatten)]
    which: Which,
    /// Only count what would happen; nothing is written
    #[arg(long)]
    plan: bool,
    /// `both` also syncs the leads of the opposite connector
    #[arg(long, value_enum, default_value_t = Direction::One)]
    direction: Direction,
    /// Start without counting first, however many leads that changes
    #[arg(long, short)]
    yes: bool,
    /// Return at once instead of waiting for the end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    change: Change,
}

/// What is synced.
#[derive(Debug, clap::Args)]
struct Which {
    /// Only leads modified since then: a day, a time, or an age such as 30d
    #[arg(long, value_name = "T")]
    since: Option<String>,
    /// Only leads that match: FIELD=VALUE, or a condition of the connector's filter as JSON, such as
    /// {"field":"mx_Budget","greater":500000}; with several, all must match
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition)]
    conditions: Vec<Condition>,
    /// Also sync activities of the mapped types, after the leads
    #[arg(long)]
    activities: bool,
}

/// What becomes of a backfill that is under way.
#[derive(Debug, clap::Args)]
struct Change {
    /// Pause: read no more leads until resumed
    #[arg(long, conflicts_with_all = ["plan", "since", "conditions", "resume", "cancel"])]
    pause: bool,
    /// Resume a paused backfill
    #[arg(long, conflicts_with_all = ["plan", "since", "conditions", "cancel"])]
    resume: bool,
    /// Cancel: read no more leads; those already read are synced
    #[arg(long, conflicts_with_all = ["plan", "since", "conditions"])]
    cancel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Direction {
    /// From the connector's source to its destination
    One,
    /// Also back, by the opposite connector
    Both,
}

fn condition(text: &str) -> Result<Condition, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    let Some((field, value)) = text.split_once('=') else {
        return Err("write FIELD=VALUE, or a condition as JSON".to_owned());
    };
    let (field, value) = (field.trim().to_owned(), value.trim().to_owned());
    Ok(Condition { field, test: if value.is_empty() { Test::Empty } else { Test::Equals(value) } })
}

impl Backfill {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let admin = settings.admin().await?;
        let store = admin.store.as_ref();
        let configuration = store.configuration().await?;
        let connector = find(&configuration, &self.name)?;
        let mut connectors = vec![connector];
        if self.direction == Direction::Both {
            let Some(opposite) = configuration.opposite(connector) else {
                bail!("{} has no opposite connector: only one direction can be synced", self.name);
            };
            connectors.push(opposite);
        }
        let of = self.of()?;
        for connector in &connectors {
            let faults = backfill::faults(store, connector, &of).await?;
            if let Some(fault) = faults.first() {
                bail!("{}: --{fault}", connector.definition.name);
            }
        }
        if let Some(state) = self.state() {
            return set(settings, &admin, &connectors, state).await;
        }
        if self.plan {
            for connector in connectors {
                let plan = count(settings, store, connector, &of).await?;
                if settings.json {
                    output::json(&plan)?;
                } else {
                    output::line(&planned(&connector.definition, &plan))?;
                }
            }
            return Ok(());
        }
        for connector in &connectors {
            let name = &connector.definition.name;
            if !connector.enabled {
                bail!("{name} is disabled; `leadsync connector enable {name}` first");
            }
            let kept = store.backfills(Some(connector.id)).await?;
            if let Some(kept) = kept.iter().find(|kept| !kept.state.is_over()) {
                bail!(
                    "backfill {} of {name} is {}: wait for its end, or cancel it with --cancel",
                    kept.id,
                    kept.state
                );
            }
        }
        if !self.yes {
            for connector in &connectors {
                let plan = count(settings, store, connector, &of).await?;
                if let Some(guarded) = plan.guarded(&connector.definition) {
                    let name = &connector.definition.name;
                    bail!(
                        "{name}: {guarded}. Nothing was written. See `leadsync backfill {name} \
                         --plan`, and pass --yes to start"
                    );
                }
            }
        }
        let mut begun = Vec::new();
        for connector in connectors {
            // It was counted just now, unless --yes says that this is not needed.
            let actor = Actor::command_line();
            let new = backfill::begin(&admin, &actor, connector, of.clone(), true).await;
            begun.push(new.with_context(|| connector.definition.name.clone())?);
        }
        if self.detach {
            return report(settings, &begun);
        }
        let mut ended = Vec::new();
        for backfill in begun {
            ended.push(follow(settings, store, backfill).await?);
        }
        report(settings, &ended)
    }

    fn of(&self) -> anyhow::Result<Backfilled> {
        let since = match &self.which.since {
            Some(text) => match period::parse(text, node::now()) {
                Ok(since) => Some(since),
                Err(what) => bail!("--since: {what}"),
            },
            None => None,
        };
        let filter = Filter { all: self.which.conditions.clone(), ..Filter::default() };
        Ok(Backfilled { since, filter, activities: self.which.activities })
    }

    fn state(&self) -> Option<BackfillState> {
        let asked = [
            (self.change.pause, BackfillState::Paused),
            (self.change.resume, BackfillState::Running),
            (self.change.cancel, BackfillState::Cancelled),
        ];
        asked.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, state)| state)
    }
}

/// Requests a count of what a backfill would do, and waits for it.
async fn count(
    settings: &Settings,
    store: &dyn Store,
    connector: &Connector,
    of: &Backfilled,
) -> anyhow::Result<BackfillPlan> {
    let which = (connector.id, connector.definition.name.as_str());
    store.ask_for_plan(which, of, &Actor::command_line(), node::now()).await?;
    let mut waiting = Waiting::new(settings)?;
    loop {
        tokio::time::sleep(LOOK).await;
        let planning = store.planning(connector.id).await?;
        if planning.asked_at.is_some() {
            waiting.look(planning.read, planning.problem.as_ref());
            continue;
        }
        waiting.end();
        let Some(plan) = planning.fresh(of, connector.version, node::now()) else {
            bail!("another count replaced this one, or the settings were changed: count again")
        };
        return Ok(plan.clone());
    }
}

/// Changes the state of these connectors' running backfills.
async fn set(
    settings: &Settings,
    admin: &Admin,
    connectors: &[&Connector],
    state: BackfillState,
) -> anyhow::Result<()> {
    let mut done = Vec::new();
    for connector in connectors {
        let kept = admin.store.backfills(Some(connector.id)).await?;
        let Some(kept) = kept.into_iter().find(|kept| !kept.state.is_over()) else {
            bail!("{} has no backfill in progress", connector.definition.name);
        };
        let (actor, number) = (Actor::command_line(), kept.id.to_string());
        done.push(backfill::set(admin, &actor, connector, &number, state).await?);
    }
    report(settings, &done)
}

/// Shows the progress of a backfill until it has ended, or is paused.
async fn follow(settings: &Settings, store: &dyn Store, begun: Kept) -> anyhow::Result<Kept> {
    let bar = bar(settings, "{bar:24} {wide_msg}")?;
    let configuration = store.configuration().await?;
    bar.set_length(begun.expected.unwrap_or(1).max(1));
    let mut last = begun;
    let mut silent = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(now) = store.backfill(last.id).await? else {
            bail!("the backfill was deleted with its connector");
        };
        silent =
            if (now.read, now.settled()) == (last.read, last.settled()) { silent + 1 } else { 0 };
        if silent == SILENT && now.read == 0 {
            bar.suspend(ask_for_service);
        }
        if !bar.is_hidden() {
            let one = std::slice::from_ref(&now);
            let paces = Pace::of_all(store, &configuration, one, node::now()).await?;
            let pace = paces.first().copied().unwrap_or_default();
            let settled = now.settled() + now.left_out;
            bar.set_length((settled + pace.left.unwrap_or(now.read)).max(1));
            bar.set_position(settled);
            bar.set_message(progress(&now, pace));
        }
        if now.state != BackfillState::Running {
            bar.finish_and_clear();
            return Ok(now);
        }
        last = now;
    }
}

/// The progress of a backfill, its speed, and when it ends at this rate.
fn progress(kept: &Kept, pace: Pace) -> String {
    let settled = kept.settled() + kept.left_out;
    let read = if kept.page.is_some() { "so far" } else { "in all" };
    let done = match (kept.page, kept.expected, pace.percent) {
        (Some(_), Some(all), Some(percent)) => format!("{settled} of {all} leads, {percent}%"),
        (_, _, Some(percent)) => format!("{settled} of {} leads, {percent}%", kept.read),
        (_, _, None) => format!("{settled} leads, {} read {read}", kept.read),
    };
    let rate = pace.per_minute.map(|leads| format!("{leads} a minute"));
    let left = pace
        .seconds_left
        .zip(pace.ends_at)
        .map(|(left, end)| format!("{} left, until {}", duration(left), end.strftime("%H:%M UTC")));
    [Some(done), rate, left].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn report(settings: &Settings, all: &[Kept]) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&all);
    }
    for kept in all {
        let Kept { id, state, read, left_out, new, updated, unchanged, skipped, failed, .. } = kept;
        output::line(&format!(
            "Backfill {id} is {state}: {read} leads read, {left_out} of them outside the filter; \
             {new} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {failed} \
             failed, {} waiting.",
            kept.waiting
        ))?;
        if kept.activities > 0 {
            output::line(&format!("These counts include {} activities.", kept.activities))?;
        }
        if let Some(problem) = &kept.problem {
            output::line(&format!("The next page could not be read: {problem}"))?;
        }
    }
    Ok(())
}

fn planned(definition: &Definition, plan: &BackfillPlan) -> String {
    let Definition { name, source, destination, .. } = definition;
    let mut lines =
        vec![format!("{name}: {} leads read from {source}. Nothing was written.", plan.leads)];
    for (count, what) in [
        (plan.new, "would be created"),
        (plan.linked, "are in both accounts: would be linked, and updated where they differ"),
        (plan.updated, "are linked and would be updated"),
        (plan.unchanged, "are linked and up to date"),
        (plan.ambiguous, "are ambiguous: several leads have the same key"),
        (plan.refused, "would fail"),
        (plan.skipped, "would be skipped because of the connector's settings"),
        (plan.left_out, "are outside the filter"),
    ] {
        lines.push(format!("{count:>10} {what}"));
    }
    if let Some(only_there) = plan.only_there {
        lines.push(format!("{only_there:>10} leads are only in {destination}"));
    }
    if plan.equal + plan.differing > 0 {
        let (equal, differing) = (plan.equal, plan.differing);
        lines.push(format!("Of those in both accounts, {equal} are equal and {differing} differ."));
        for (field, count) in plan.fields_by_count() {
            lines.push(format!("{count:>10} differ in {field}"));
        }
    }
    lines.push(format!(
        "About {} API calls to {source} and {} to {destination}. Takes {} if nothing else uses the quota.",
        plan.source_calls,
        plan.destination_calls,
        duration(plan.seconds)
    ));
    for sample in &plan.samples {
        let who = sample.known_as.as_ref().unwrap_or(&sample.lead);
        lines.push(format!("  {who}: {}", sample.why));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn progress_tells_how_far_how_fast_and_until_when() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let mut kept = Kept {
            id: 1,
            connector: plan::id::ConnectorId(1),
            begun_at: at(0),
            actor: String::new(),
            of: Backfilled::default(),
            state: BackfillState::Running,
            page: Some(3),
            event: None,
            read: 3_000,
            activities: 0,
            left_out: 0,
            expected: Some(10_000),
            problem: None,
            ended_at: None,
            new: 2_500,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            failed: 0,
            waiting: 500,
        };
        let pace = Pace {
            percent: Some(25),
            left: Some(7_500),
            per_minute: Some(250),
            seconds_left: Some(1_800),
            ends_at: Some(at(2_400)),
        };
        let told = "2500 of 10000 leads, 25%, 250 a minute, about 30 minutes left, until 00:40 UTC";
        assert_eq!(progress(&kept, pace), told);
        kept.expected = None;
        let unknown = Pace { per_minute: Some(250), ..Pace::default() };
        assert_eq!(progress(&kept, unknown), "2500 leads, 3000 read so far, 250 a minute");
        kept.page = None;
        let read = Pace { percent: Some(83), ..unknown };
        assert_eq!(progress(&kept, read), "2500 of 3000 leads, 83%, 250 a minute");
    }

    #[test]
    fn conditions_are_short_or_json() {
        let read = |text: &str| condition(text).map(|one| (one.field, one.test));
        assert_eq!(read("mx_City=Pune"), Ok(("mx_City".into(), Test::Equals("Pune".into()))));
        assert_eq!(read("mx_City="), Ok(("mx_City".into(), Test::Empty)));
        let json = r#"{"field":"mx_Budget","greater":5}"#;
        assert_eq!(read(json), Ok(("mx_Budget".into(), Test::Greater("5".into()))));
        assert!(read("mx_City").is_err_and(|why| why.contains("FIELD=VALUE")));
        assert!(read(r#"{"field":"A"}"#).is_err_and(|why| why.contains("tests nothing")));
    }
}
