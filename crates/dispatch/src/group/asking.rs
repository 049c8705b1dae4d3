//! Asking accounts what they say of themselves.

use leadsquared::Error;
use plan::activity;
use plan::id::{AccountId, ConnectorId};
use plan::quota::Draw;
use plan::verdict::{self, Failure};

use std::sync::Arc;

use super::call::Job;
use super::route::{Mappings, Route};
use super::worker::Worker;
use crate::access::{Part, Told, warn_not_told};
use crate::failure;

impl Worker {
    /// A connector as it is now, or as it was at an earlier version.
    pub(super) fn route(&self, connector: ConnectorId, past: Option<i64>) -> Option<&Route> {
        match past {
            None => self.routes.get(&connector),
            Some(version) => self.past.get(&(connector, version)),
        }
    }

    /// The mappings of a connector, once both its accounts told their fields.
    pub(super) fn mappings(
        &mut self,
        connector: ConnectorId,
        past: Option<i64>,
    ) -> Option<Arc<Mappings>> {
        let route = match past {
            None => self.routes.get_mut(&connector)?,
            Some(version) => self.past.get_mut(&(connector, version))?,
        };
        let (source, destination) =
            (&self.accounts.get(&route.source)?.told, &self.accounts.get(&route.destination)?.told);
        Some(route.mappings(
            (source.generation, source.catalogue()?),
            (destination.generation, destination.catalogue()?),
        ))
    }

    /// Finds out which parts of the accounts the mappings need.
    pub(super) fn learn_needs(&mut self) {
        for account in self.accounts.values_mut() {
            account.told.need_fields_only();
        }
        let enabled = self.routes.values().filter(|route| route.enabled);
        for id in enabled.map(|route| route.id).collect::<Vec<_>>() {
            let Some(mappings) = self.mappings(id, None) else { continue };
            let Some(route) = self.routes.get(&id) else { continue };
            let catalogue = |id: AccountId| self.accounts.get(&id)?.told.catalogue().cloned();
            let Some((source, destination)) =
                catalogue(route.source).zip(catalogue(route.destination))
            else {
                continue;
            };
            let (mut here, mut there) = (Vec::new(), Vec::new());
            if mappings.has_users() {
                here.push(Part::Users);
                there.push(Part::Users);
            }
            if route.definition.activity.enabled {
                here.push(Part::Types);
                there.push(Part::Types);
                let (from, to) = activity::forms_needed(&route.definition, &source, &destination);
                let from = from.iter().filter(|event| source.activity_type(**event).is_some());
                let to = to.iter().filter(|event| destination.activity_type(**event).is_some());
                here.extend(from.map(|event| Part::Form(*event)));
                there.extend(to.map(|event| Part::Form(*event)));
            }
            for (account, parts) in [(route.source, here), (route.destination, there)] {
                if let Some(account) = self.accounts.get_mut(&account) {
                    account.told.need(parts);
                }
            }
        }
    }

    /// Asks accounts for what is needed of them, which is also how a closed one is looked at.
    pub(super) fn ask_accounts(&mut self) {
        let now = self.now();
        let mut asked: Vec<(AccountId, Part)> = Vec::new();
        for account in self.accounts.values_mut() {
            let room = account.room(Draw::Single, now) as usize;
            for part in account.to_ask(now).into_iter().take(room) {
                account.told.asking(part);
                asked.push((account.id, part));
            }
        }
        for (account, part) in asked {
            self.prepare(account, Vec::new(), Job::Ask(part));
        }
    }

    /// An account answered, or not, when it was asked for a part.
    pub(super) fn told(&mut self, id: AccountId, part: Part, told: Result<Told, Error>) {
        let now = self.now();
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match told {
            Ok(told) => {
                account.told.told(part, told, now);
                self.fetched.insert(id);
                self.look_for_work = true;
                self.learn_needs();
            }
            Err(error) => {
                let failure = failure::of(&error);
                if failure == Failure::RateLimited {
                    // Nothing is wrong with the account: who needs it waits.
                    account.told.delayed(part, now);
                    self.look_for_work = true;
                    return;
                }
                let for_good =
                    matches!(failure, Failure::Refused { .. } | Failure::Impossible { .. });
                account.told.not_told(part, for_good, now);
                if part != Part::Fields {
                    warn_not_told(account.name(), part, &error);
                } else if account.told.catalogue().is_none() && account.closed().is_none() {
                    let problem = verdict::not_told(&failure, account.name());
                    account.close(problem, now);
                }
                self.look_for_work = true;
            }
        }
    }
}
