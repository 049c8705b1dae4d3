//! The overview: the outcomes of a period's records, what waits, what is left of quotas.
//!
//! All of it comes from what the store counts while it stores records, so it costs the same for any
//! number of them.

mod grid;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::id::{ConnectorId, RequestId};
use plan::lag::Lags;
use plan::problem::Problem;
use plan::quota::Quota;
use plan::quota::forecast::Forecast;
use serde::Serialize;
use store::{Account, Configuration, Connector, Step, Store, Tally, Used, Waiting};

use crate::health::{AccountCondition, ConnectorCondition, Signs};
use crate::quota::Calls;
use grid::MOST_STEPS;
pub use grid::{Grid, OverviewQuery};

/// How many causes of failures are listed.
pub(crate) const CAUSES: usize = 10;

/// The lag from arrival to the destination, in milliseconds, to less than an eighth
/// ([`plan::lag`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// Of half of the written records (p50).
    pub p50_ms: Option<u64>,
    /// Of 95 of 100 of them (p95).
    pub p95_ms: Option<u64>,
}

impl From<&Lags> for Lag {
    fn from(lags: &Lags) -> Self {
        let percentile = |per_cent| {
            lags.percentile(per_cent).map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX))
        };
        Self { p50_ms: percentile(50), p95_ms: percentile(95) }
    }
}

/// The outcomes of records.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Sum {
    /// How many of each.
    #[serde(flatten)]
    pub counts: Tally,
    /// The lag of those that were written.
    pub lag: Lag,
}

/// The records that arrived in one step.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepItem {
    /// When the step begins.
    pub from: Timestamp,
    /// Their outcomes.
    #[serde(flatten)]
    pub sum: Sum,
}

/// What waits.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WaitingItem {
    /// How many; [`Waiting::MOST`] means that many or more.
    pub count: u64,
    /// When the oldest arrived.
    pub oldest: Option<Timestamp>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
}

impl From<Waiting> for WaitingItem {
    fn from(Waiting { count, oldest, next }: Waiting) -> Self {
        Self { count, oldest, next }
    }
}

/// The numbers of a connector.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorOverview {
    /// Its name.
    pub name: String,
    /// Whether its requests are processed.
    pub enabled: bool,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// The outcomes of its records.
    #[serde(flatten)]
    pub sum: Sum,
    /// What is queued.
    pub waiting: WaitingItem,
    /// What failed and is retried.
    pub retrying: WaitingItem,
    /// When a record last succeeded,
    pub last_success: Option<Timestamp>,
    /// and when one last failed.
    pub last_failure: Option<Timestamp>,
    /// Its health.
    pub health: ConnectorCondition,
}

impl ConnectorOverview {
    /// Whether anything ever arrived at it.
    pub fn is_used(&self) -> bool {
        self.last_success.is_some() || self.last_failure.is_some() || self.waiting.count > 0
    }
}

/// What is left of an account's quota, not counting calls by others.
#[derive(Clone, Debug, Serialize)]
pub struct AccountOverview {
    /// Its name.
    pub name: String,
    /// The part of it that is not left to the account's other users.
    pub quota: Quota,
    /// The calls that were made.
    pub used: Calls,
    /// Those that are left to leadsync.
    pub left: Calls,
    /// The forecast for the day.
    pub forecast: Forecast,
    /// Its health.
    pub health: AccountCondition,
}

/// A cause of failed records.
#[derive(Clone, Debug, Serialize)]
pub struct CauseItem {
    /// The connector.
    pub connector: String,
    /// The cause, as filters name it.
    pub cause: String,
    /// How many records.
    pub records: u64,
    /// The newest of their requests.
    pub request: RequestId,
    /// The error of that request.
    pub error: Problem,
}

/// The overview.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// When it was read.
    pub at: Timestamp,
    /// From this moment
    pub from: Timestamp,
    /// to this one.
    pub to: Timestamp,
    /// The length of a step; 0 for steps of minutes.
    pub step_hours: i64,
    /// The outcomes of all records.
    pub total: Sum,
    /// Those of the time before `from` that is as long as this one so far.
    pub before: Sum,
    /// Those of each step.
    pub steps: Vec<StepItem>,
    /// Each connector.
    pub connectors: Vec<ConnectorOverview>,
    /// Each account.
    pub accounts: Vec<AccountOverview>,
    /// The most frequent causes of failures.
    pub causes: Vec<CauseItem>,
}

/// Reads the overview of this period, which must be that of `asked`.
pub async fn read(
    store: &dyn Store,
    configuration: &Configuration,
    signs: &Signs,
    asked: &OverviewQuery,
    grid: &Grid,
    now: Timestamp,
) -> store::Result<Overview> {
    let chosen = |connector: &&Connector| asked.connector.is_none_or(|id| connector.id == id);
    let connectors: Vec<&Connector> = configuration.connectors.iter().filter(chosen).collect();
    let is_chosen = |step: &Step| connectors.iter().any(|one| one.id == step.connector);
    let mut total = Part::default();
    let mut of_steps: BTreeMap<Timestamp, Part> =
        grid.starts(MOST_STEPS).into_iter().map(|from| (from, Part::default())).collect();
    let mut of_connectors: BTreeMap<ConnectorId, Part> = BTreeMap::new();
    for step in grid.read(store).await?.into_iter().filter(&is_chosen) {
        total.add(&step);
        of_steps.entry(step.from).or_default().add(&step);
        of_connectors.entry(step.connector).or_default().add(&step);
    }
    let mut before = Part::default();
    for step in grid.before(now).read(store).await?.into_iter().filter(is_chosen) {
        before.add(&step);
    }
    let connector_items = connectors.iter().filter_map(|connector| {
        let part = of_connectors.remove(&connector.id).unwrap_or_default();
        of_connector(connector, signs, &part)
    });
    Ok(Overview {
        at: now,
        from: grid.from,
        to: grid.to,
        step_hours: grid.step.as_hours(),
        total: total.sum(),
        before: before.sum(),
        steps: of_steps
            .into_iter()
            .map(|(from, part)| StepItem { from, sum: part.sum() })
            .collect(),
        connectors: connector_items.collect(),
        accounts: accounts(store, configuration, signs, &connectors, now).await?,
        causes: causes(store, &connectors, (grid.from, grid.to)).await?,
    })
}

/// The most frequent causes of failures of these connectors' records, [`CAUSES`] at most.
pub(crate) async fn causes(
    store: &dyn Store,
    connectors: &[&Connector],
    between: (Timestamp, Timestamp),
) -> store::Result<Vec<CauseItem>> {
    let name = |id: ConnectorId| {
        let connector = connectors.iter().find(|connector| connector.id == id)?;
        Some(connector.definition.name.clone())
    };
    let ids: Vec<ConnectorId> = connectors.iter().map(|connector| connector.id).collect();
    let causes = store.causes(between, Some(&ids), CAUSES).await?;
    let causes = causes.into_iter().filter_map(|cause| {
        let store::Cause { connector, cause, records, request, problem } = cause;
        Some(CauseItem { connector: name(connector)?, cause, records, request, error: problem })
    });
    Ok(causes.collect())
}

/// Tally and lags that are being added up.
#[derive(Default)]
struct Part {
    counts: Tally,
    lags: Lags,
}

impl Part {
    fn add(&mut self, step: &Step) {
        self.counts.add_all(&step.counts);
        self.lags.add_all(&step.lags);
    }

    fn sum(&self) -> Sum {
        Sum { counts: self.counts, lag: Lag::from(&self.lags) }
    }
}

fn of_connector(connector: &Connector, signs: &Signs, part: &Part) -> Option<ConnectorOverview> {
    let health = signs.health.iter().find(|health| health.connector == connector.id)?;
    Some(ConnectorOverview {
        name: connector.definition.name.clone(),
        enabled: connector.enabled,
        disabled_at: connector.disabled_at,
        sum: part.sum(),
        waiting: health.waiting.into(),
        retrying: health.retrying.into(),
        last_success: health.last_success,
        last_failure: health.last_failure,
        health: signs.of_connector(connector),
    })
}

/// The accounts of these connectors; without connectors, all.
async fn accounts(
    store: &dyn Store,
    configuration: &Configuration,
    signs: &Signs,
    connectors: &[&Connector],
    now: Timestamp,
) -> store::Result<Vec<AccountOverview>> {
    let is_used = |account: &&Account| {
        let of = |c: &&Connector| c.source == account.id || c.destination == account.id;
        configuration.connectors.is_empty() || connectors.iter().any(of)
    };
    let accounts: Vec<&Account> = configuration.accounts.iter().filter(is_used).collect();
    let window = |account: &&Account| {
        let seconds = account.plan.quota().per_seconds;
        (account.id, SignedDuration::from_secs(i64::from(seconds)))
    };
    let windows: Vec<_> = accounts.iter().map(window).collect();
    let used = store.used(&windows, now).await?;
    let overview = |(account, used): (&&Account, Used)| {
        let (used, quota) = (Calls::used(&used), account.plan.quota().ours());
        Some(AccountOverview {
            name: account.name.clone(),
            quota,
            used,
            left: used.left(&quota),
            forecast: signs.forecast(account)?,
            health: signs.of_account(account),
        })
    };
    Ok(accounts.iter().zip(used).filter_map(overview).collect())
}
