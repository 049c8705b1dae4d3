//! How far two accounts agree, and what finds changes that no webhook reported: for the API, the
//! console and the command line.

use jiff::Timestamp;
use plan::activity::ActivityMapping;
use plan::backfill::A_REQUEST;
use plan::id::RequestId;
use plan::parity::{Apart, Difference, Parity, Standing};
use plan::sweep;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Actor, ChosenDifferences, Configuration, Connector, Differing, NewDelivery, Origin, Store,
    Sweep,
};

use crate::Admin;
use crate::access::Reach;
use crate::connectors::must_be_enabled;
use crate::refused::{Refused, Result};

/// How many leads that differ are read at a time.
const A_PAGE: usize = 1_000;

/// A connector's sweep.
#[derive(Clone, Debug, Serialize)]
pub struct SweepItem {
    /// Whether it sweeps by itself.
    pub is_on: bool,
    /// How many seconds lie between the beginnings of two rounds.
    pub every_seconds: u64,
    /// How many calls a day it takes at most, unless more than 1,000 leads are modified between two
    /// rounds.
    pub calls_a_day: u64,
    /// A sweep that would change more than this percentage of the linked leads needs confirmation.
    pub confirm_above: u32,
    /// How far it is.
    #[serde(flatten)]
    pub sweep: Sweep,
}

/// How far the accounts of a connector agree.
#[derive(Clone, Debug, Serialize)]
pub struct ParityItem {
    /// Whether they are compared once a day.
    pub is_on: bool,
    /// The last comparison, and the running one.
    #[serde(flatten)]
    pub standing: Standing,
    /// The part of the linked leads that agree, like `99.98%`.
    pub percent: Option<String>,
}

/// Whose values are written where leads differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The source's, to the destination.
    Destination,
    /// The destination's, to the source, by the opposite connector.
    Source,
}

/// Which of the leads that differ are synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Those with these numbers in the list of the comparison that ended then.
    Numbers(Vec<i64>, Timestamp),
    /// All that are listed, but for those that are gone from the source: these are chosen by number or
    /// by kind.
    All(Option<Timestamp>),
    /// All that differ in this way. If the comparison is named whose list was seen, it must be the last.
    Kind(Apart, Option<Timestamp>),
}

impl Chosen {
    fn includes(&self, one: &Differing) -> bool {
        match self {
            Self::Numbers(numbers, _) => numbers.contains(&one.number),
            Self::All(_) => one.difference.apart != Apart::GoneHere,
            Self::Kind(apart, _) => one.difference.apart == *apart,
        }
    }
}

/// Why leads that differ can't be synced.
#[derive(Debug)]
pub enum NotSynced {
    /// The store failed.
    Store(store::Error),
    /// Nothing goes that way.
    NoWay(&'static str),
}

impl From<store::Error> for NotSynced {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl std::fmt::Display for NotSynced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::NoWay(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NotSynced {}

fn is_pair(configuration: &Configuration, connector: &Connector) -> bool {
    configuration.opposite(connector).is_some_and(|opposite| opposite.enabled)
}

/// How far a connector's sweep is, how often it reads, and what that costs.
///
/// # Errors
/// The store failed.
pub async fn sweep(
    store: &dyn Store,
    configuration: &Configuration,
    connector: &Connector,
) -> store::Result<SweepItem> {
    let is_on = |other: &Connector| {
        let setting = other.definition.catch_up.sweep;
        sweep::is_on(setting, is_pair(configuration, other))
    };
    let of_account = configuration
        .connectors
        .iter()
        .filter(|other| other.enabled && other.source == connector.source && is_on(other));
    let sharing = u32::try_from(of_account.count().max(1)).unwrap_or(u32::MAX);
    let kinds = kinds(store, connector).await?;
    let daily = configuration.account_of(connector.source)?.plan.quota().daily;
    let every = sweep::interval(daily, kinds.saturating_mul(sharing));
    Ok(SweepItem {
        is_on: is_on(connector),
        every_seconds: every.as_secs().unsigned_abs(),
        calls_a_day: sweep::calls_a_day(every, kinds),
        confirm_above: connector.definition.backfill.confirm_above,
        sweep: store.sweep(connector.id).await?.unwrap_or_default(),
    })
}

/// How many kinds of things a sweep reads: leads, and each type of activity.
async fn kinds(store: &dyn Store, connector: &Connector) -> store::Result<u32> {
    if !connector.definition.activity.enabled {
        return Ok(1);
    }
    let here = store.catalogue(connector.source).await?;
    let there = store.catalogue(connector.destination).await?;
    let Some(((_, here), (_, there))) = here.zip(there) else { return Ok(1) };
    let mapping = ActivityMapping::new(&connector.definition, &here, &there);
    let types = mapping.types().filter(|(_, mapping)| mapping.is_ok()).count();
    Ok(u32::try_from(types).unwrap_or(u32::MAX).saturating_add(1))
}

/// How far the accounts of a connector agree.
///
/// # Errors
/// The store failed.
pub async fn parity(
    store: &dyn Store,
    configuration: &Configuration,
    connector: &Connector,
) -> store::Result<ParityItem> {
    let standing = store.parity(connector.id).await?;
    let setting = connector.definition.catch_up.parity;
    Ok(ParityItem {
        is_on: sweep::is_on(setting, is_pair(configuration, connector)),
        percent: standing.parity.map(|parity| parity.percent()),
        standing,
    })
}

/// The result of a comparison in one line.
pub fn sentence(parity: &Parity, source: &str, destination: &str) -> String {
    let agree = format!("{} of {} linked leads agree", parity.percent(), parity.linked);
    told(agree, parity, (source, destination), |count| count.to_string())
}

/// How many leads agree, as `agree` says it, and how many differ in which way.
pub fn told(
    agree: String,
    parity: &Parity,
    (source, destination): (&str, &str),
    number: impl Fn(u64) -> String,
) -> String {
    let Parity { differ, only_here, only_there, not_linked, ambiguous, .. } = parity;
    let Parity { gone_here, gone_there, .. } = parity;
    let mut parts = vec![agree];
    for (count, what) in [
        (differ, if *differ == 1 { "differs" } else { "differ" }.to_owned()),
        (only_here, format!("only in {source}")),
        (only_there, format!("only in {destination}")),
        (not_linked, "in both, not linked yet".to_owned()),
        (ambiguous, format!("with several matches in {destination}")),
        (gone_here, format!("linked and no longer in {source}")),
        (gone_there, format!("linked and no longer in {destination}")),
    ] {
        if *count > 0 {
            parts.push(format!("{} {what}", number(*count)));
        }
    }
    parts.join("; ")
}

/// How a lead differs, in words.
pub fn words(apart: Apart, source: &str, destination: &str) -> String {
    match apart {
        Apart::Differs => "Differs".to_owned(),
        Apart::OnlyHere => format!("Only in {source}"),
        Apart::OnlyThere => format!("Only in {destination}"),
        Apart::NotLinked => "In both, not linked yet".to_owned(),
        Apart::Ambiguous => format!("Several matches in {destination}"),
        Apart::GoneHere => format!("No longer in {source}"),
        Apart::GoneThere => format!("No longer in {destination}"),
    }
}

/// The connector that syncs leads in this direction.
///
/// # Errors
/// No enabled connector goes that way.
pub fn going<'a>(
    configuration: &'a Configuration,
    connector: &'a Connector,
    direction: Direction,
) -> Result<&'a Connector, NotSynced> {
    let going = match direction {
        Direction::Destination => Some(connector),
        Direction::Source => configuration.opposite(connector),
    };
    let none = "no connector exists in the opposite direction";
    let going = going.ok_or(NotSynced::NoWay(none))?;
    if !going.enabled {
        return Err(NotSynced::NoWay("the connector is disabled"));
    }
    Ok(going)
}

/// Syncs leads that differ: the values of one side overwrite those of the other. Leads that only the
/// other side has are left out. Leads missing from the source are handled as if their deletion had
/// been reported, if the connector marks such leads.
/// Returns how many are synced.
///
/// # Errors
/// [`NotSynced`]; among others where the accounts were compared again since the list was shown.
pub async fn sync(
    store: &dyn Store,
    (configuration, connector): (&Configuration, &Connector),
    (chosen, direction): (&Chosen, Direction),
    next_id: impl Fn(Timestamp) -> RequestId,
    (actor, now): (&Actor, Timestamp),
) -> Result<u64, NotSynced> {
    let going = going(configuration, connector, direction)?;
    let compared_at = match chosen {
        Chosen::Numbers(_, at) | Chosen::All(Some(at)) | Chosen::Kind(_, Some(at)) => Some(*at),
        Chosen::All(None) | Chosen::Kind(_, None) => store.parity(connector.id).await?.at,
    };
    let Some(compared_at) = compared_at else { return Ok(0) };
    let marks_gone = connector.definition.removed.is_some();
    let mut by_origin = [(Origin::Parity, Vec::new()), (Origin::Gone, Vec::new())];
    let mut after = 0;
    loop {
        let some = store.differences(connector.id, None, after, A_PAGE).await?;
        let Some(last) = some.last() else { break };
        after = last.number;
        for one in some.into_iter().filter(|one| chosen.includes(one)) {
            let is_gone = one.difference.apart == Apart::GoneHere;
            if is_gone && !marks_gone {
                continue;
            }
            if let Some(id) = own_id(one.difference, direction) {
                by_origin[usize::from(is_gone)].1.push((one.number, id));
            }
        }
    }
    let (mut leads, mut deliveries) = (Vec::new(), Vec::new());
    for (origin, wanted) in by_origin {
        for some in wanted.chunks(A_REQUEST) {
            let id = next_id(now);
            leads.extend(some.iter().map(|(number, _)| (*number, id)));
            let body: Vec<_> = some.iter().map(|(_, id)| json!({ "ProspectID": id })).collect();
            deliveries.push(NewDelivery {
                id,
                connector: going.id,
                received_at: now,
                origin,
                content_type: Some("application/json".to_owned()),
                body: json!(body).to_string().into(),
            });
        }
    }
    let count = leads.len() as u64;
    let which = (connector.id, connector.definition.name.as_str());
    let chosen = ChosenDifferences { compared_at, leads, deliveries };
    store.sync_differences(which, chosen, actor, now).await?;
    Ok(count)
}

/// The lead's id on the side whose values are written, if something can be written.
fn own_id(difference: Difference, direction: Direction) -> Option<String> {
    use Apart::{Ambiguous, Differs, GoneHere, NotLinked, OnlyHere, OnlyThere};
    match (direction, difference.apart) {
        (Direction::Destination, Differs | OnlyHere | NotLinked | Ambiguous | GoneHere) => {
            difference.source_id
        }
        (Direction::Source, Differs | OnlyThere | NotLinked) => difference.destination_id,
        _ => None,
    }
}

/// Asks for a comparison and notifies the dispatcher.
///
/// # Errors
/// The connector is disabled, or the store failed.
pub async fn ask_for_parity(admin: &Admin, actor: &Actor, connector: &Connector) -> Result<()> {
    must_be_enabled(connector)?;
    let which = (connector.id, connector.definition.name.as_str());
    admin.store.ask_for_parity(which, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(())
}

/// Has leads that differ synced and notifies the dispatcher.
///
/// # Errors
/// No connector goes that way, it is out of reach, or the accounts were compared again since.
pub async fn sync_differences(
    admin: &Admin,
    (actor, reach): (&Actor, &Reach),
    (configuration, connector): (&Configuration, &Connector),
    (chosen, direction): (&Chosen, Direction),
) -> Result<u64> {
    let refused = |error| match error {
        NotSynced::Store(error) => Refused::from(error),
        NotSynced::NoWay(why) => Refused::wrong("direction", format!("is not possible: {why}")),
    };
    let going = going(configuration, connector, direction).map_err(refused)?;
    if !reach.has(&going.definition.name) {
        return Err(Refused::wrong("direction", "is not accessible to you"));
    }
    let ids = admin.ids().await?;
    let next_id = |now| ids.next(now);
    let (between, what) = ((configuration, connector), (chosen, direction));
    let by = (actor, admin.now());
    let leads = sync(admin.store.as_ref(), between, what, next_id, by).await;
    let leads = leads.map_err(refused)?;
    admin.wake.notify_one();
    Ok(leads)
}

/// Asks for a round of a sweep and notifies the dispatcher.
///
/// # Errors
/// The connector is disabled, or its sweep is held and this does not confirm it.
pub async fn ask_for_sweep(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    confirms: bool,
) -> Result<()> {
    must_be_enabled(connector)?;
    let which = (connector.id, connector.definition.name.as_str());
    admin.store.ask_for_sweep(which, confirms, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_told_in_one_line() {
        let parity =
            Parity { linked: 41_200, agree: 41_193, differ: 7, only_here: 3, ..Parity::default() };
        assert_eq!(
            sentence(&parity, "north", "south"),
            "99.98% of 41200 linked leads agree; 7 differ; 3 only in north"
        );
    }
}
