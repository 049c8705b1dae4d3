//! The overview: the outcomes of a period's records, what waits, what is left of quotas.
//!
//! All of it comes from what the store counts while it stores records, so it costs the same for any
//! number of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::id::{ConnectorId, RequestId};
use plan::lag::Lags;
use plan::problem::Problem;
use plan::quota::Quota;
use plan::quota::forecast::{Forecast, Spending};
use serde::Serialize;
use store::{Configuration, Connector, Health, Span, Store, Tally, Used, Waiting};

use crate::quota::Calls;

/// The lengths of a step, in hours, the shortest first.
const LENGTHS: [i64; 4] = [1, 6, 24, 7 * 24];
/// The most steps that are shown; for more, the steps become longer.
const MOST_STEPS: usize = 62;
/// The longest period, in days.
const LONGEST: i64 = 366;
/// How many causes of failures are listed.
const CAUSES: usize = 10;

/// The requested part.
#[derive(Clone, Debug)]
pub struct OverviewQuery {
    /// From this moment
    pub from: Timestamp,
    /// to this one.
    pub to: Timestamp,
    /// Only this connector.
    pub connector: Option<ConnectorId>,
}

impl OverviewQuery {
    /// The end of a period that goes up to this moment: what arrives in it counts.
    pub fn up_to(now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_millis(1)).unwrap_or(now)
    }

    /// The period cut into steps.
    ///
    /// # Errors
    /// Why the period is invalid.
    pub fn span(&self) -> Result<Span, String> {
        let Self { from, to, .. } = *self;
        if from >= to {
            return Err("must be before `to`".to_owned());
        }
        if to.duration_since(from) > SignedDuration::from_hours(24 * LONGEST) {
            return Err(format!("must be at most {LONGEST} days before `to`"));
        }
        let spans = LENGTHS.map(|hours| Span { from, to, hours });
        let fitting = spans.iter().find(|span| span.steps(MOST_STEPS + 1).len() <= MOST_STEPS);
        let span = fitting.unwrap_or(&spans[LENGTHS.len() - 1]);
        // The first step is complete too.
        Ok(Span { from: span.first_step(), ..*span })
    }
}

/// The lag from arrival to the destination, in milliseconds, rounded up to one of a few bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// Of half of the written records (p50).
    pub p50_ms: Option<u64>,
    /// Of 95 of 100 of them (p95).
    pub p95_ms: Option<u64>,
}

impl From<&Lags> for Lag {
    fn from(lags: &Lags) -> Self {
        let within = |per_cent| {
            lags.within(per_cent).map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX))
        };
        Self { p50_ms: within(50), p95_ms: within(95) }
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
}

impl AccountOverview {
    fn new(name: &str, quota: Quota, used: &Used, forecast: Forecast) -> Self {
        let used = Calls::used(used);
        let quota = quota.ours();
        Self { name: name.to_owned(), quota, used, left: used.left(&quota), forecast }
    }
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
    /// The length of a step.
    pub step_hours: i64,
    /// The outcomes of all records.
    pub total: Sum,
    /// Those of each step.
    pub steps: Vec<StepItem>,
    /// Each connector.
    pub connectors: Vec<ConnectorOverview>,
    /// Each account.
    pub accounts: Vec<AccountOverview>,
    /// The most frequent causes of failures.
    pub causes: Vec<CauseItem>,
}

/// Reads the overview of this span, which must be that of `asked`.
pub async fn read(
    store: &dyn Store,
    configuration: &Configuration,
    asked: &OverviewQuery,
    span: &Span,
    now: Timestamp,
) -> store::Result<Overview> {
    let chosen = |connector: &&Connector| asked.connector.is_none_or(|id| connector.id == id);
    let connectors: Vec<&Connector> = configuration.connectors.iter().filter(chosen).collect();
    let mut total = Part::default();
    let mut of_steps: BTreeMap<Timestamp, Part> =
        span.steps(MOST_STEPS).into_iter().map(|from| (from, Part::default())).collect();
    let mut of_connectors: BTreeMap<ConnectorId, Part> = BTreeMap::new();
    for step in store.steps(span).await? {
        if !connectors.iter().any(|connector| connector.id == step.connector) {
            continue;
        }
        let parts = [
            &mut total,
            of_steps.entry(step.from).or_default(),
            of_connectors.entry(step.connector).or_default(),
        ];
        for part in parts {
            part.counts.add_all(&step.counts);
            part.lags.add_all(&step.lags);
        }
    }
    let health = store.health(now).await?;
    let connector_items = connectors.iter().filter_map(|connector| {
        let health = health.iter().find(|health| health.connector == connector.id)?;
        let part = of_connectors.remove(&connector.id).unwrap_or_default();
        Some(of_connector(connector, health, &part))
    });
    let connector_items = connector_items.collect();
    let name = |id: ConnectorId| {
        let connector = connectors.iter().find(|connector| connector.id == id)?;
        Some(connector.definition.name.clone())
    };
    let ids: Vec<ConnectorId> = connectors.iter().map(|connector| connector.id).collect();
    let causes = store.causes((span.from, span.to), Some(&ids), CAUSES).await?;
    let causes = causes.into_iter().filter_map(|cause| {
        let store::Cause { connector, cause, records, request, problem } = cause;
        Some(CauseItem { connector: name(connector)?, cause, records, request, error: problem })
    });
    let causes = causes.collect();
    Ok(Overview {
        at: now,
        from: span.from,
        to: span.to,
        step_hours: span.hours,
        total: total.sum(),
        steps: of_steps
            .into_iter()
            .map(|(from, part)| StepItem { from, sum: part.sum() })
            .collect(),
        connectors: connector_items,
        accounts: accounts(store, configuration, &connectors, now).await?,
        causes,
    })
}

/// Tally and lags that are being added up.
#[derive(Default)]
struct Part {
    counts: Tally,
    lags: Lags,
}

impl Part {
    fn sum(&self) -> Sum {
        Sum { counts: self.counts, lag: Lag::from(&self.lags) }
    }
}

fn of_connector(connector: &Connector, health: &Health, part: &Part) -> ConnectorOverview {
    ConnectorOverview {
        name: connector.definition.name.clone(),
        enabled: connector.enabled,
        disabled_at: connector.disabled_at,
        sum: part.sum(),
        waiting: health.waiting.into(),
        retrying: health.retrying.into(),
        last_success: health.last_success,
        last_failure: health.last_failure,
    }
}

/// The accounts of these connectors; without connectors, all.
async fn accounts(
    store: &dyn Store,
    configuration: &Configuration,
    connectors: &[&Connector],
    now: Timestamp,
) -> store::Result<Vec<AccountOverview>> {
    let is_used = |account: &&store::Account| {
        let of = |c: &&Connector| c.source == account.id || c.destination == account.id;
        configuration.connectors.is_empty() || connectors.iter().any(of)
    };
    let accounts: Vec<&store::Account> = configuration.accounts.iter().filter(is_used).collect();
    let window = |account: &&store::Account| {
        let seconds = account.plan.quota().per_seconds;
        (account.id, SignedDuration::from_secs(i64::from(seconds)))
    };
    let windows: Vec<_> = accounts.iter().map(window).collect();
    let used = store.used(&windows, now).await?;
    let ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
    let spending = store.spending(&ids, now).await?;
    let overviews = accounts.iter().zip(used).zip(spending);
    let overview = |((account, used), spending): ((&&store::Account, Used), Spending)| {
        let quota = account.plan.quota();
        AccountOverview::new(&account.name, quota, &used, Forecast::new(quota, spending, now))
    };
    Ok(overviews.map(overview).collect())
}
