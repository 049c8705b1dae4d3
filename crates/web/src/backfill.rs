//! Backfills, for the API, the console and the command line.

mod pace;

use plan::backfill::Backfilled;
use plan::connector::{Definition, Fault};
use plan::mapping::may_filter_by;
use store::{Connector, Store};

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
