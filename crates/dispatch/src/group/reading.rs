//! Reading the metadata of accounts: which parts the mappings need, and what the accounts return.

use leadsquared::Error;
use plan::activity;
use plan::id::AccountId;
use plan::quota::{Draw, Urgency};
use plan::verdict::{self, Failure};

use super::call::Job;
use super::worker::Worker;
use crate::access::{Part, Read, warn_not_read};
use crate::failure;

impl Worker {
    /// Finds out which parts of the accounts the mappings need.
    pub(super) fn learn_needs(&mut self) {
        for account in self.accounts.values_mut() {
            account.metadata.need_fields_only();
        }
        let enabled: Vec<_> = self
            .routes
            .iter()
            .filter(|route| route.enabled || self.is_counted(route.id))
            .cloned()
            .collect();
        for route in enabled {
            let binding = self.routes.binding(&self.accounts, (route.id, None));
            let Some(mappings) = binding.map(|binding| binding.mappings.clone()) else { continue };
            let catalogue = |id: AccountId| self.accounts.get(&id)?.metadata.catalogue().cloned();
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
                    account.metadata.need(parts);
                }
            }
        }
    }

    /// Reads the metadata that is due, which is also how a closed account is probed.
    pub(super) fn read_metadata(&mut self) {
        let now = self.steady();
        let mut asked: Vec<(AccountId, Part)> = Vec::new();
        for account in self.accounts.values_mut() {
            let room = account.room(Draw::Single, Urgency::Live, now) as usize;
            for part in account.to_ask(now).into_iter().take(room) {
                account.metadata.asking(part);
                asked.push((account.id, part));
            }
        }
        for (account, part) in asked {
            self.prepare(account, Job::ReadMetadata(part));
        }
    }

    /// An account returned a part of its metadata, or an error.
    pub(super) fn metadata_read(&mut self, id: AccountId, part: Part, read: Result<Read, Error>) {
        let now = self.steady();
        self.look_for_work = true;
        let account = self.accounts.get_mut(&id).expect("accounts stay as long as the lease");
        let error = match read {
            Ok(read) => {
                account.metadata.read(part, read, now);
                self.fetched.insert(id);
                self.learn_needs();
                return;
            }
            Err(error) => error,
        };
        let failure = failure::of(&error);
        if matches!(failure, Failure::RateLimited(_)) {
            // There is nothing wrong with the account: records that need it wait.
            account.metadata.delayed(part, now);
            return;
        }
        let for_good = matches!(failure, Failure::Refused { .. } | Failure::Impossible { .. });
        account.metadata.not_read(part, for_good, now);
        if part != Part::Fields {
            warn_not_read(account.name(), part, &error);
        } else if account.metadata.catalogue().is_none() && account.closed().is_none() {
            let problem = verdict::not_read(&failure, account.name());
            account.close(problem, now);
            self.note_contact(id);
        }
    }
}
