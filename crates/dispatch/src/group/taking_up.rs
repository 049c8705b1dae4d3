//! Taking up the work: what the last holder of the lease left, and the settings, at the beginning
//! and when they change.

use jiff::SignedDuration;
use plan::id::{ConnectorId, NODES, RequestId};
use plan::quota::{Draw, day_of};
use store::{Configuration, Intent, RecordKey};

use super::account::Account;
use super::lanes::Lane;
use super::worker::Worker;

/// Longer quota windows start anew with each holder of the lease.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// How far back calls by others are looked for, each time: several times as long as the pause between.
const RECENT: SignedDuration = SignedDuration::from_secs(15);

impl Worker {
    /// Reads what the last holder of the lease left.
    pub(super) async fn take_up(&mut self, configuration: &Configuration) -> store::Result<()> {
        self.node = self.shared.store.take_node_number().await?;
        let now = self.now();
        for settings in &configuration.accounts {
            if self.lease.accounts.contains(&settings.id) {
                let catalogue = self.shared.store.catalogue(settings.id).await?;
                let traits = self.shared.store.traits(settings.id).await?;
                let spent = self.shared.store.spent(settings.id, day_of(now)).await?;
                let limits = self.shared.options.limits;
                let clocks = (self.steady(), now);
                let account =
                    Account::new(settings.clone(), limits, catalogue, &traits, spent, clocks);
                self.accounts.insert(settings.id, account);
            }
        }
        let unsettled = self.shared.store.unsettled_intents(&self.lease).await?;
        self.recall(&unsettled).await?;
        for intent in unsettled {
            let written: Vec<RecordKey> =
                intent.records.iter().filter(|record| record.writes).map(|r| r.key).collect();
            if written.is_empty() {
                self.progress.settled.push(intent.id);
            } else {
                self.doubts.add(intent.id, written);
            }
        }
        self.configure(configuration).await
    }

    /// Counts the calls of the last holder that may still be in a window of an account's quota: also
    /// those whose outcome a crash left unknown.
    async fn recall(&mut self, unsettled: &[Intent]) -> store::Result<()> {
        let (now, steady) = (self.now(), self.steady());
        let accounts = &self.lease.accounts;
        let recent = self.shared.store.recent_calls(accounts, now - LONGEST_WINDOW).await?;
        for call in recent {
            self.counted.insert(call.id);
            let age = now.duration_since(call.ended).max(SignedDuration::ZERO);
            if let Some(account) = self.accounts.get_mut(&call.account) {
                account.budget.end(drawn_by(&call.url), steady - age);
            }
        }
        for intent in unsettled {
            if let Some(account) = self.accounts.get_mut(&intent.account) {
                account.budget.end(drawn_by(&intent.operation), steady);
            }
        }
        Ok(())
    }

    /// Counts calls that others made meanwhile: for people who compared or synced a lead.
    pub(super) async fn count_others(&mut self) -> store::Result<()> {
        let (now, steady) = (self.now(), self.steady());
        let recent = self.shared.store.recent_calls(&self.lease.accounts, now - RECENT).await?;
        let node = self.node % NODES;
        for call in recent.iter().filter(|call| RequestId::from_number(call.id).node() != node) {
            if self.counted.insert(call.id)
                && let Some(account) = self.accounts.get_mut(&call.account)
            {
                account.budget.made_elsewhere(drawn_by(&call.url), steady);
            }
        }
        let oldest = RequestId::first_at(now - LONGEST_WINDOW).number();
        self.counted = self.counted.split_off(&oldest);
        Ok(())
    }

    /// Applies changed settings, unless they are older than the current ones.
    pub(super) async fn configure(&mut self, configuration: &Configuration) -> store::Result<()> {
        if configuration.version <= self.configured {
            return Ok(());
        }
        self.restored = configuration.restored_at;
        for settings in &configuration.accounts {
            if let Some(account) = self.accounts.get_mut(&settings.id) {
                account.configure(settings.clone());
            }
        }
        let accounts = &self.accounts;
        // One that joins another account belongs to another group, which is about to start.
        let is_here = |connector: &&store::Connector| {
            accounts.contains_key(&connector.source)
                && accounts.contains_key(&connector.destination)
        };
        let connectors = configuration.connectors.iter().filter(is_here);
        let is_new = self.configured == 0;
        self.configured = configuration.version;
        let begun = self.routes.configure(connectors, |key| self.book.uses(key));
        if !is_new {
            self.forget_sweeps(&begun);
        }
        self.forget_resting();
        self.learn_needs();
        self.configure_directories().await?;
        self.remember_waiting(&begun).await?;
        self.look_for_work = true;
        Ok(())
    }

    /// Forgets open records of connectors that are disabled or held.
    pub(super) fn forget_resting(&mut self) {
        let (routes, guard) = (&self.routes, &self.guard);
        self.book.forget(|connector| {
            routes.get(connector).is_some_and(|route| route.enabled) && !guard.is_held(connector)
        });
    }

    /// Loads the waiting records of connectors that were enabled or resumed.
    pub(super) async fn remember_waiting(&mut self, begun: &[ConnectorId]) -> store::Result<()> {
        let now = self.now();
        for record in self.shared.store.waiting_records(&self.lease, begun, now).await? {
            let route = self.routes.get(record.connector).expect("it is asked about those only");
            if record.due > now {
                for id in [route.source, route.destination] {
                    let steady = self.shared.steady();
                    self.accounts.get_mut(&id).expect("it is a route of this group").doubt(steady);
                }
            }
            let lane = record.source_id.map(|id| Lane::Id(route.source, id));
            let lanes = lane.into_iter().collect();
            self.book.remember_waiting(record.key, record.connector, record.due, lanes);
        }
        Ok(())
    }
}

/// Which bucket a call used, by its URL or the operation's name.
fn drawn_by(operation: &str) -> Draw {
    if operation.contains("Bulk/") { Draw::Bulk } else { Draw::Single }
}
