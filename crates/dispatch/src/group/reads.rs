//! Background reads for backfills and their counts, sweeps and comparisons: which of them are running,
//! their pages, and the requests made of what was read.

use jiff::SignedDuration;
use leadsquared::Error;
use plan::backfill::A_REQUEST;
use plan::id::{ConnectorId, RequestId};
use plan::snapshot::Snapshot;
use serde_json::{Map, Value};
use store::{NewDelivery, Origin};

use super::backfill::LOOK;
use super::worker::Worker;
use crate::pages::{Reader, Wanted};

/// How often to check whether another process started something: ours notifies at once.
const FOLLOWS: SignedDuration = SignedDuration::from_secs(3);
/// How far an account's clock may be ahead of ours.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// A page that was read for a sweep, a comparison or a count.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) reader: Reader,
    pub(super) wanted: Wanted,
    pub(super) rows: Vec<Snapshot>,
}

impl Worker {
    /// Updates which backfills, counts, sweeps and comparisons are running or requested.
    pub(super) async fn follow_reads(&mut self) -> store::Result<()> {
        let steady = self.steady();
        // What happened must be on disk first.
        let is_kept = self.progress.sweeps.is_empty()
            && self.progress.parities.is_empty()
            && self.progress.plans.is_empty()
            && self.progress.held.is_empty();
        if steady < self.follows || !is_kept {
            return Ok(());
        }
        self.follows = steady + if self.backfills.is_empty() { FOLLOWS } else { LOOK };
        let connectors: Vec<ConnectorId> =
            self.routes.iter().filter(|route| route.enabled).map(|route| route.id).collect();
        self.count_others().await?;
        let store = self.shared.store.clone();
        let sweeps = store.sweeps(&self.lease, &connectors).await?;
        self.follow_sweeps(sweeps);
        let parities = store.parities(&self.lease, &connectors).await?;
        self.follow_parities(&parities);
        let all: Vec<ConnectorId> = self.routes.iter().map(|route| route.id).collect();
        self.follow_guard(store.mass_changes(&all).await?).await?;
        let counts = store.plannings(&self.lease, &all).await?;
        self.follow_counts(counts);
        let backfills = store.running_backfills(&self.lease, &connectors).await?;
        self.follow_backfills(backfills);
        Ok(())
    }

    /// A page was read for a sweep, a comparison or a count.
    pub(super) fn page_read(
        &mut self,
        reader: Reader,
        wanted: Wanted,
        read: Result<Vec<Snapshot>, Error>,
    ) {
        match read {
            Ok(rows) => self.arrived.push(Arrived { reader, wanted, rows }),
            Err(error) => match reader {
                Reader::Sweep(connector) => self.sweep_failed(connector, &error),
                Reader::Parity(connector, asked_at) => {
                    self.parity_failed((connector, asked_at), &error);
                }
                Reader::Count(connector, asked_at) => {
                    self.count_failed((connector, asked_at), &error);
                }
                // Their pages are leads.
                Reader::Directory | Reader::Backfill(_) => {}
            },
        }
    }

    /// Processes the pages that were read.
    pub(super) async fn take_pages(&mut self) -> store::Result<()> {
        for Arrived { reader, wanted, rows } in std::mem::take(&mut self.arrived) {
            match reader {
                Reader::Sweep(connector) => self.take_swept(connector, &wanted, rows).await?,
                Reader::Parity(connector, asked_at) => {
                    self.take_compared((connector, asked_at), &wanted, rows).await?;
                }
                Reader::Count(connector, asked_at) => {
                    self.take_counted((connector, asked_at), &wanted, rows).await?;
                }
                Reader::Directory | Reader::Backfill(_) => {}
            }
        }
        Ok(())
    }

    /// Requests for these leads or activities, as a webhook would have posted them.
    pub(super) fn deliveries(
        &mut self,
        connector: ConnectorId,
        origin: Origin,
        rows: &[Snapshot],
    ) -> Vec<NewDelivery> {
        let mut deliveries = Vec::with_capacity(rows.len().div_ceil(A_REQUEST));
        for some in rows.chunks(A_REQUEST) {
            let now = self.now();
            deliveries.push(NewDelivery {
                id: RequestId::from_number(self.next_id(now)),
                connector,
                received_at: now,
                origin,
                content_type: Some("application/json".to_owned()),
                body: body(some).into(),
            });
        }
        deliveries
    }
}

/// Leads or activities as an automation would post them.
fn body(rows: &[Snapshot]) -> String {
    let object = |row: &Snapshot| {
        let fields = row.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    Value::Array(rows.iter().map(object).collect()).to_string()
}
