//! Mass changes that arrive by webhook: a connector whose webhooks changed many leads within an hour is
//! held until a person confirms that this is intended.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use plan::backfill::is_mass_change;
use plan::id::{AccountId, ConnectorId};
use plan::outcome::{Entity, Event};
use plan::quota::Urgency;
use store::{HeldNews, MassChange};

use super::book::Record;
use super::worker::Worker;

/// The window in which changes are counted together.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);
/// How long the number of leads of an account is cached.
const COUNTED: SignedDuration = SignedDuration::from_mins(10);

/// What webhooks changed recently, and which connectors are held.
#[derive(Debug, Default)]
pub(super) struct Guard {
    recent: HashMap<ConnectorId, Recent>,
    kept: HashMap<ConnectorId, MassChange>,
    /// How many leads accounts have, and when that was counted, on the steady clock.
    leads: HashMap<AccountId, (Timestamp, u64)>,
}

/// Leads that a connector's webhooks changed recently.
#[derive(Debug, Default)]
struct Recent {
    /// When, on the steady clock, the oldest first.
    changes: VecDeque<(Timestamp, String)>,
    leads: HashSet<String>,
    /// Whether any was added since the last check.
    is_new: bool,
}

impl Recent {
    fn add(&mut self, lead: String, now: Timestamp) {
        self.forget(now);
        if self.leads.insert(lead.clone()) {
            self.changes.push_back((now, lead));
            self.is_new = true;
        }
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.changes.front()
            && now.duration_since(*at) > TOGETHER
        {
            if let Some((_, lead)) = self.changes.pop_front() {
                self.leads.remove(&lead);
            }
        }
    }
}

impl Guard {
    /// Updates which connectors are held; returns those that no longer are.
    fn follow(&mut self, kept: Vec<(ConnectorId, MassChange)>) -> Vec<ConnectorId> {
        let held = |kept: &MassChange| kept.held_at.is_some();
        let before = std::mem::replace(&mut self.kept, kept.into_iter().collect());
        let was_held = before.iter().filter(|(_, kept)| held(kept)).map(|(id, _)| *id);
        let released: Vec<ConnectorId> = was_held.filter(|id| !self.is_held(*id)).collect();
        for connector in &released {
            self.recent.remove(connector);
        }
        released
    }

    pub(super) fn is_held(&self, connector: ConnectorId) -> bool {
        self.kept.get(&connector).is_some_and(|kept| kept.held_at.is_some())
    }
}

impl Worker {
    /// Updates which connectors are held; the others continue.
    pub(super) async fn follow_guard(
        &mut self,
        kept: Vec<(ConnectorId, MassChange)>,
    ) -> store::Result<()> {
        let released = self.guard.follow(kept);
        if released.is_empty() {
            return Ok(());
        }
        self.look_for_work = true;
        self.remember_waiting(&released).await
    }

    /// How many leads an account has, if it has been read into the directory.
    async fn leads_of(&mut self, account: AccountId) -> store::Result<Option<u64>> {
        let steady = self.steady();
        if let Some((at, leads)) = self.guard.leads.get(&account)
            && steady.duration_since(*at) < COUNTED
        {
            return Ok(Some(*leads));
        }
        if !self.is_ready(account) {
            return Ok(None);
        }
        let leads = self.shared.store.count_directory(account).await?;
        self.guard.leads.insert(account, (steady, leads));
        Ok(Some(leads))
    }

    /// Notes how a record ended.
    pub(super) fn note_change(&mut self, record: &Record, event: Event) {
        let is_posted = matches!(record.urgency, Urgency::Live | Urgency::Retry);
        let is_change = event == Event::Updated && record.work.entity() == Entity::Lead;
        let Some(lead) = record.work.id().filter(|_| is_posted && is_change) else { return };
        let now = self.steady();
        self.guard.recent.entry(record.connector).or_default().add(lead, now);
    }

    /// Holds connectors whose webhooks changed too many leads.
    pub(super) async fn judge_changes(&mut self) -> store::Result<()> {
        let now = self.now();
        let due: Vec<(ConnectorId, u64)> = self
            .guard
            .recent
            .iter_mut()
            .filter_map(|(connector, recent)| {
                let is_new = std::mem::take(&mut recent.is_new);
                is_new.then_some((*connector, recent.leads.len() as u64))
            })
            .collect();
        for (connector, changes) in due {
            let Some(route) = self.routes.get(connector).cloned() else { continue };
            let percent = route.definition.backfill.confirm_above;
            let kept = self.guard.kept.get(&connector).copied().unwrap_or_default();
            // This few leads are never a mass change.
            if !is_mass_change(changes, 0, percent) || !kept.may_be_held(now) {
                continue;
            }
            let Some(leads) = self.leads_of(route.destination).await? else { continue };
            if !is_mass_change(changes, leads, percent) {
                continue;
            }
            tracing::warn!(
                changes,
                "webhooks changed more leads than allowed without confirmation"
            );
            let held = MassChange { held_at: Some(now), changes, ..kept };
            self.guard.kept.insert(connector, held);
            self.progress.held.push(HeldNews { connector, at: now, changes });
            // Open records must be held too, like those still to come.
            self.forget_resting();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_counts_once_an_hour() {
        let mut recent = Recent::default();
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        for (lead, minute, count) in
            [("a", 0, 1), ("b", 10, 2), ("a", 20, 2), ("c", 61, 2), ("a", 62, 3), ("d", 180, 1)]
        {
            recent.add(lead.to_owned(), at(minute));
            assert_eq!(recent.leads.len(), count, "{lead} {minute}");
            assert_eq!(recent.changes.len(), count, "{lead} {minute}");
        }
    }
}
