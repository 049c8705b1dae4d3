//! The work on one group of accounts.
//!
//! [`worker`] is the loop: calls that ended are taken in ([`ended`]), new requests are opened
//! ([`opening`]) into the [`book`], records whose turn has come ([`lanes`]) are asked for their next
//! step ([`step`]), which becomes a call ([`call`]), and all that follows from it ([`effects`]) is kept
//! in one commit before the calls go out. What the mappings need to know of the accounts is read on
//! the way ([`reading`], [`metadata`]).
//!
//! Nothing here decides about leads: [`plan::work`] does.

mod account;
mod book;
mod call;
mod effects;
mod ended;
mod lanes;
mod metadata;
mod opening;
mod reading;
mod route;
mod step;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use plan::id::AccountId;
use store::{Configuration, Error};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::Shared;
use worker::Worker;

/// How long to wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A group of accounts and what its task is told by.
pub(crate) struct Group {
    pub(crate) shared: Shared,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) configuration: watch::Receiver<Arc<Configuration>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) stop: CancellationToken,
}

impl Group {
    /// Works the group whenever this node can have its lease, until it is stopped.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            let options = &self.shared.options;
            let lease =
                self.shared.store.take_lease(&self.accounts, &options.node, options.lease).await;
            let pause = match lease {
                Ok(Some(lease)) => match Worker::new(&self, lease).work(&mut self).await {
                    Ok(()) => Duration::ZERO,
                    Err(Error::LeaseLost) => {
                        tracing::warn!(accounts = ?self.accounts, "another node works these accounts now");
                        options_pause(&self.shared)
                    }
                    // What was not recorded is found again as an intent without an outcome.
                    Err(error) => {
                        tracing::error!(%error, "the work is interrupted and begins again");
                        PAUSE
                    }
                },
                Ok(None) => options_pause(&self.shared),
                Err(error) => {
                    tracing::warn!(%error, "the store gives no lease now");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// How long to wait for a lease that somebody else has.
fn options_pause(shared: &Shared) -> Duration {
    shared.options.lease / 4
}
