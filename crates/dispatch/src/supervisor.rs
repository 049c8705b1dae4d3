//! Starts a task for each group of accounts, and notifies it when the configuration changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use plan::id::AccountId;
use store::{Configuration, Store};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::group::Group;
use crate::{Clock, Options, Shared};

/// The accounts of a group.
type Members = BTreeSet<AccountId>;

struct Running {
    configuration: watch::Sender<Arc<Configuration>>,
    wake: Arc<Notify>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(shared: &Shared, members: &Members, configuration: Arc<Configuration>) -> Self {
        let (sender, receiver) = watch::channel(configuration);
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let group = Group {
            shared: shared.clone(),
            accounts: members.iter().copied().collect(),
            configuration: receiver,
            wake: wake.clone(),
            stop: stop.clone(),
        };
        Self { configuration: sender, wake, stop, task: tokio::spawn(group.run()) }
    }

    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "processing of a group of accounts stopped because of a panic");
        }
    }
}

pub(crate) async fn run(
    store: Arc<dyn Store>,
    wake: Arc<Notify>,
    clock: Clock,
    options: Options,
    stop: CancellationToken,
) {
    let shared = Shared { store, clock, options: Arc::new(options) };
    let mut groups: HashMap<Members, Running> = HashMap::new();
    let mut version = None;
    let mut poll = tokio::time::interval(shared.options.poll);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.notified() => {
                for group in groups.values() {
                    group.wake.notify_one();
                }
                continue;
            }
            _ = poll.tick() => {}
        }
        match changed(&shared, version).await {
            Ok(Some(configuration)) => {
                version = Some(configuration.version);
                regroup(&shared, &mut groups, &Arc::new(configuration)).await;
            }
            Ok(None) => revive(&shared, &mut groups),
            Err(error) => tracing::warn!(%error, "could not read the configuration"),
        }
    }
    for group in groups.values() {
        group.stop.cancel();
    }
    for group in groups.into_values() {
        group.end().await;
    }
}

async fn changed(shared: &Shared, version: Option<i64>) -> store::Result<Option<Configuration>> {
    if version == Some(shared.store.configuration_version().await?) {
        return Ok(None);
    }
    shared.store.configuration().await.map(Some)
}

/// Brings the tasks in line with this configuration. Groups with unchanged accounts keep running.
async fn regroup(
    shared: &Shared,
    groups: &mut HashMap<Members, Running>,
    configuration: &Arc<Configuration>,
) {
    let wanted = members(configuration);
    let gone: Vec<Members> =
        groups.keys().filter(|members| !wanted.contains(members)).cloned().collect();
    // An account must be released before another group takes it.
    for members in gone {
        if let Some(group) = groups.remove(&members) {
            group.end().await;
        }
    }
    for members in wanted {
        if let Some(group) = groups.get(&members) {
            group.configuration.send_replace(configuration.clone());
            group.wake.notify_one();
        } else {
            let group = Running::start(shared, &members, configuration.clone());
            groups.insert(members, group);
        }
    }
}

/// Restarts groups that ended in a panic: one bug must not stop the other leads forever.
fn revive(shared: &Shared, groups: &mut HashMap<Members, Running>) {
    for (members, group) in groups.iter_mut() {
        if group.task.is_finished() {
            tracing::error!(
                accounts = ?members,
                "processing of a group of accounts stopped unexpectedly; it restarts"
            );
            let configuration = group.configuration.borrow().clone();
            *group = Running::start(shared, members, configuration);
        }
    }
}

/// The groups of accounts that are joined by connectors.
fn members(configuration: &Configuration) -> Vec<Members> {
    let mut groups: Vec<Members> = Vec::new();
    for connector in &configuration.connectors {
        let mut joined = Members::from([connector.source, connector.destination]);
        groups.retain(|group| {
            let apart = group.is_disjoint(&joined);
            if !apart {
                joined.extend(group);
            }
            apart
        });
        groups.push(joined);
    }
    groups
}
