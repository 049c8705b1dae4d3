//! The health of connectors and accounts: what the decision (`plan::health`) is made from, and its
//! reason in a sentence. It comes from counts, so it costs the same for any number of records.

mod words;

use jiff::{SignedDuration, Timestamp};
use plan::backfill::BackfillState;
use plan::health::{
    AccountHealth, AccountSigns, AccountState, Arrived, ConnectorHealth, ConnectorSigns,
    ConnectorState,
};
use plan::id::{AccountId, ConnectorId};
use plan::incident::{Incident, Kind};
use plan::quota::forecast::Forecast;
use serde::Serialize;
use store::{
    Account, Arrival, Configuration, Connector, Contact, Health, MassChange, Span, Step, Store,
};

/// What counts as recent,
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// and as very recent: this hour and the one before.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// The health of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorCondition {
    /// Its state.
    pub state: ConnectorState,
    /// Why, in a sentence.
    pub reason: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When a record last succeeded.
    pub last_success: Option<Timestamp>,
    /// When the last webhook arrived, to a minute.
    pub last_webhook: Option<Timestamp>,
}

/// The health of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountCondition {
    /// Its state.
    pub state: AccountState,
    /// Why, in a sentence.
    pub reason: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When it last responded to a call, to a minute.
    pub last_contact: Option<Timestamp>,
}

/// What the health of everything is decided from, read at one time.
#[derive(Debug)]
pub struct Signs {
    now: Timestamp,
    pub(crate) health: Vec<Health>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) mass_changes: Vec<(ConnectorId, MassChange)>,
    arrivals: Vec<Arrival>,
    forecasts: Vec<(AccountId, Forecast)>,
    contacts: Vec<Contact>,
    day: Vec<Step>,
    backfilled: Vec<ConnectorId>,
}

impl Signs {
    /// Reads them for this configuration.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read(
        store: &dyn Store,
        configuration: &Configuration,
        now: Timestamp,
    ) -> store::Result<Self> {
        let Configuration { accounts, connectors, .. } = configuration;
        let connectors: Vec<ConnectorId> = connectors.iter().map(|one| one.id).collect();
        let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
        let spending = store.spending(&ids, now).await?;
        let forecast = |(account, spending): (&Account, _)| {
            (account.id, Forecast::new(account.plan.quota(), spending, now))
        };
        let from = now.checked_sub(DAY).unwrap_or(now);
        let mut backfills = store.backfills(None).await?;
        backfills.retain(|backfill| backfill.state == BackfillState::Running);
        let mut incidents = store.incidents().await?;
        incidents.retain(|incident| connectors.contains(&incident.connector));
        Ok(Self {
            now,
            health: store.health(now).await?,
            incidents,
            mass_changes: store.mass_changes(&connectors).await?,
            arrivals: store.arrivals().await?,
            forecasts: accounts.iter().zip(spending).map(forecast).collect(),
            contacts: store.contacts(&ids).await?,
            day: store.steps(&Span { from, to: Timestamp::MAX, hours: 1 }).await?,
            backfilled: backfills.into_iter().map(|backfill| backfill.connector).collect(),
        })
    }

    /// The health of a connector.
    pub fn of_connector(&self, connector: &Connector) -> ConnectorCondition {
        let health = ConnectorHealth::of(&self.signs(connector), self.now);
        let (reason, since) = words::of_connector(
            &health.reason,
            &connector.definition.source,
            &connector.definition.destination,
        );
        let ConnectorHealth { state, last_success, .. } = health;
        let last_webhook = self.arrival(connector.id).and_then(|arrival| arrival.last_at);
        ConnectorCondition { state, reason, since, last_success, last_webhook }
    }

    /// Since when no webhook has arrived at a connector, if people are notified of that, and after how many
    /// hours they are.
    pub(crate) fn silent(&self, connector: &Connector) -> Option<(Timestamp, u32)> {
        let incident = self.incidents.iter().find(|one| one.connector == connector.id)?;
        incident.causes.iter().find(|cause| cause.kind == Kind::Silent)?;
        let arrival = self.arrival(connector.id)?;
        let since = arrival.last_at.map_or(arrival.since, |last| last.max(arrival.since));
        Some((since, connector.definition.basic.silent_hours))
    }

    fn arrival(&self, connector: ConnectorId) -> Option<&Arrival> {
        self.arrivals.iter().find(|arrival| arrival.connector == connector)
    }

    /// The health of an account.
    pub fn of_account(&self, account: &Account) -> AccountCondition {
        let health = self.account(account.id);
        let reason = words::of_account(&health);
        let AccountHealth { state, since, responded_at, .. } = health;
        AccountCondition { state, reason, since, last_contact: responded_at }
    }

    /// The forecast for an account's day; none if the account is not in the configuration.
    pub fn forecast(&self, account: &Account) -> Option<Forecast> {
        let mut forecasts = self.forecasts.iter();
        forecasts.find(|(id, _)| *id == account.id).map(|(_, forecast)| *forecast)
    }

    pub(crate) fn account(&self, id: AccountId) -> AccountHealth {
        let contact = self.contacts.iter().find(|contact| contact.account == id);
        let mut forecasts = self.forecasts.iter();
        let forecast = forecasts.find(|(account, _)| *account == id).map(|(_, forecast)| *forecast);
        AccountHealth::of(AccountSigns {
            responded_at: contact.and_then(|contact| contact.responded_at),
            closed: contact.and_then(|contact| contact.closed.clone()),
            forecast,
        })
    }

    fn signs(&self, connector: &Connector) -> ConnectorSigns {
        let id = connector.id;
        let health = self.health.iter().find(|health| health.connector == id);
        let incident = self.incidents.iter().find(|incident| incident.connector == id);
        let held = self.mass_changes.iter().find(|(held, _)| *held == id);
        let waiting = health.map(|health| health.waiting).unwrap_or_default();
        ConnectorSigns {
            enabled: connector.enabled,
            disabled_at: connector.disabled_at,
            held: held.and_then(|(_, kept)| Some((kept.held_at?, kept.changes))),
            waiting: waiting.count,
            oldest: waiting.oldest,
            backfill_runs: self.backfilled.contains(&id),
            last_success: health.and_then(|health| health.last_success),
            last_failure: health.and_then(|health| health.last_failure),
            streak: incident.map_or(0, |incident| incident.course.streak),
            lately: self.arrived(id, LATELY),
            day: self.arrived(id, DAY),
            silent: self.silent(connector),
            source: self.account(connector.source).state,
            destination: self.account(connector.destination).state,
        }
    }

    /// The records of this connector that arrived within this time, and in the rest of its first
    /// hour.
    fn arrived(&self, connector: ConnectorId, within: SignedDuration) -> Arrived {
        let from = self.now.checked_sub(within).unwrap_or(self.now);
        let hour = SignedDuration::from_hours(1);
        let is_in = |step: &&Step| {
            let end = step.from.checked_add(hour).unwrap_or(step.from);
            step.connector == connector && end > from
        };
        let mut arrived = Arrived::default();
        for step in self.day.iter().filter(is_in) {
            arrived.records += step.counts.all().saturating_sub(step.counts.skipped);
            arrived.failed += step.counts.failed;
        }
        arrived
    }
}
