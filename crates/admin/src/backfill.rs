//! Backfills, for the API, the console and the command line.

mod pace;

use plan::backfill::{BackfillState, Backfilled};
use plan::connector::{Definition, Fault};
use plan::mapping::may_filter_by;
use store::{Actor, Backfill, Connector, NewBackfill, Store};

use crate::Admin;
use crate::connectors::must_be_enabled;
use crate::refused::{Refused, Result};

pub use pace::Pace;

/// The conditions of a backfill that can't be tested: their problems, and fields that the source
/// does not have.
///
/// # Errors
/// The store failed.
pub async fn faults(
    store: &dyn Store,
    connector: &Connector,
    of: &Backfilled,
) -> store::Result<Vec<Fault>> {
    let definition = Definition { filter: of.filter.clone(), ..connector.definition.clone() };
    let mut faults = definition.check();
    faults.retain(|fault| fault.at.starts_with("filter"));
    let mut of_activities = |what: &str| {
        faults.push(Fault { at: "activities".to_owned(), what: what.to_owned() });
    };
    if of.activities && !connector.definition.activity.enabled {
        of_activities("can't be synced: activities are turned off for the connector");
    }
    if of.activities && !of.filter.is_open() {
        of_activities(
            "can't be combined with conditions on leads; remove the conditions or use since",
        );
    }
    let (_, here) = store.catalogue(connector.source).await?.unwrap_or_default();
    for (at, condition) in of.filter.conditions() {
        let name = &condition.field;
        if !may_filter_by(name, &here.fields) {
            let what = format!("{} has no field '{name}'", definition.source);
            faults.push(Fault { at: format!("{at}.field"), what });
        }
    }
    for fault in &mut faults {
        fault.at = fault.at.replacen("filter", "where", 1);
    }
    Ok(faults)
}

/// How long something takes, for a person.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => "less than a minute".to_owned(),
        60..7_200 => format!("about {} minutes", seconds.div_ceil(60)),
        7_200..172_800 => format!("about {} hours", seconds.div_ceil(3_600)),
        _ => format!("about {} days", seconds.div_ceil(86_400)),
    }
}

/// Asks for a count and notifies the dispatcher.
///
/// # Errors
/// Its conditions can't be tested, or the store failed.
pub async fn ask_for_plan(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    of: &Backfilled,
) -> Result<()> {
    check(admin, connector, of).await?;
    let which = (connector.id, connector.definition.name.as_str());
    admin.store.ask_for_plan(which, of, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(())
}

/// Begins a backfill and notifies the dispatcher. Unless the person `confirms` that it may change any
/// number of leads, it must have been counted within the last hour.
///
/// # Errors
/// Its conditions can't be tested, the connector is disabled, or it must be confirmed.
pub async fn begin(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    of: Backfilled,
    confirms: bool,
) -> Result<Backfill> {
    check(admin, connector, &of).await?;
    must_be_enabled(connector)?;
    let (name, now) = (connector.definition.name.clone(), admin.now());
    let planning = admin.store.planning(connector.id).await?;
    let plan = planning.fresh(&of, connector.version, now);
    if !confirms {
        let Some(plan) = plan else {
            let what = "is required: the leads were not counted within the last hour; count them first, \
                        or confirm without a count";
            return Err(Refused::wrong("confirm", what));
        };
        if let Some(guarded) = plan.guarded(&connector.definition) {
            let what = format!("is required: {guarded}; check the plan and confirm it");
            return Err(Refused::wrong("confirm", what));
        }
    }
    let expected = plan.map(|plan| plan.leads);
    let new = NewBackfill { connector: connector.id, name, of, expected };
    let begun = admin.store.begin_backfill(&new, actor, now).await?;
    admin.wake.notify_one();
    Ok(begun)
}

/// Refuses conditions that can't be tested.
async fn check(admin: &Admin, connector: &Connector, of: &Backfilled) -> Result<()> {
    let faults = faults(admin.store.as_ref(), connector, of).await?;
    if faults.is_empty() { Ok(()) } else { Err(Refused::Invalid(faults)) }
}

/// Pauses, resumes or cancels a backfill of a connector.
///
/// # Errors
/// The connector has no such backfill, or its state does not allow that.
pub async fn set(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    number: &str,
    state: BackfillState,
) -> Result<Backfill> {
    let found = match number.parse() {
        Ok(number) => admin.store.backfill(number).await?,
        Err(_) => None,
    };
    let name = &connector.definition.name;
    let found = found.filter(|backfill| backfill.connector == connector.id).ok_or_else(|| {
        Refused::not_found("backfill", number, format!("connectors/{name}/backfills"))
    })?;
    let set = admin.store.set_backfill(found.id, state, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(set)
}
