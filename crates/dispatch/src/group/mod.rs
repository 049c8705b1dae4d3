//! The work on one group of accounts.
//!
//! [`worker`] is the loop, which first takes up what the last one left ([`taking_up`]): finished calls are handled ([`ended`]), new requests are opened ([`opening`])
//! into the [`book`], records whose turn has come ([`lanes`]) are asked for their next step ([`step`]),
//! which becomes a call ([`call`]), and all effects ([`effects`]) are stored in one transaction before
//! the calls are sent ([`sending`]). The metadata that mappings need is read on the way ([`reading`], [`metadata`]);
//! the accounts' leads and activities are read in the background ([`reads`]) for the [`directory`],
//! [`backfill`]s and their counts ([`counting`]), [`sweep`]s and comparisons ([`parity`], [`comparing`]). Connectors
//! whose webhooks change too many leads are held ([`guard`]). Records that hit a bug are set aside
//! ([`trouble`]), and writes that a crash left in doubt are remembered ([`doubts`]).
//!
//! Nothing here decides about leads: [`plan::work`] does.

mod account;
mod backfill;
mod book;
mod call;
mod comparing;
mod counting;
mod directory;
mod doubts;
mod effects;
mod ended;
mod guard;
mod hints;
mod lanes;
mod metadata;
mod missed;
mod opening;
mod pacing;
mod parity;
mod reading;
mod reads;
mod route;
mod sending;
mod step;
mod sweep;
mod taking_up;
mod trouble;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use plan::id::AccountId;
use store::{Configuration, Error, Lease};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::Shared;
use trouble::{Trouble, caught};
use worker::Worker;

/// How long to wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A group of accounts, and the channels by which its task is notified.
pub(crate) struct Group {
    pub(crate) shared: Shared,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) configuration: watch::Receiver<Arc<Configuration>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) stop: CancellationToken,
}

impl Group {
    /// Processes the group whenever this node can get its lease, until it is stopped.
    pub(crate) async fn run(mut self) {
        let mut trouble = Trouble::default();
        while !self.stop.is_cancelled() {
            let options = &self.shared.options;
            let wait_for_lease = options.lease / 4;
            let lease =
                self.shared.store.take_lease(&self.accounts, &options.node, options.lease).await;
            let pause = match lease {
                Ok(Some(lease)) => match self.work(lease, &mut trouble).await {
                    Ok(()) => Duration::ZERO,
                    Err(Error::LeaseLost) => {
                        tracing::warn!(
                            accounts = ?self.accounts,
                            "another node is processing these accounts now"
                        );
                        wait_for_lease
                    }
                    // What was not stored is found later as an intent without an outcome.
                    Err(error) => {
                        tracing::error!(%error, "processing was interrupted and restarts");
                        PAUSE
                    }
                },
                Ok(None) => wait_for_lease,
                Err(error) => {
                    tracing::warn!(%error, "could not get a lease from the store");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs under a lease until it ends; notes the records at stake if a bug ended it.
    async fn work(&mut self, lease: Lease, trouble: &mut Trouble) -> Result<(), Error> {
        let shared = self.shared.clone();
        let mut worker = Worker::new(shared.clone(), lease, std::mem::take(trouble));
        let result = caught(worker.work(self)).await;
        let lease = worker.lease.clone();
        let (mut known, at_stake) = worker.end_of_work();
        let reason = match &result {
            Ok(Ok(()) | Err(Error::LeaseLost | Error::Unavailable(_))) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic.clone()),
        };
        if let Some(reason) = &reason {
            tracing::error!(
                accounts = ?self.accounts,
                ?at_stake,
                reason,
                "processing stopped because of a defect"
            );
            known.note(&at_stake, reason, shared.steady());
            // So the next try need not wait until the lease expires.
            if let Err(error) = shared.store.release_lease(&lease).await {
                tracing::warn!(%error, "could not release the lease; it ends when it expires");
            }
        }
        *trouble = known;
        if let Ok(result) = result {
            return result;
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}
