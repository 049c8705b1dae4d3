//! Noticing connectors at which no webhook arrives.

use jiff::Timestamp;
use plan::incident::Kind;
use plan::silence::{self, Finding, Watch};
use store::{Arrival, Connector};

use super::{Desk, envelope};

impl Desk {
    /// Notes which connectors have been without a webhook for longer than their settings say. What was noted
    /// is reported as an incident. It makes no calls and reads a few rows for any number of requests.
    pub(super) async fn look_for_silence(&self) -> store::Result<()> {
        let (store, now) = (&self.store, self.now());
        // Read before the settings: what changes meanwhile is seen by `begin_silence`.
        let arrivals = store.arrivals().await?;
        let configuration = store.configuration().await?;
        let ids: Vec<_> = configuration.connectors.iter().map(|connector| connector.id).collect();
        let held = store.mass_changes(&ids).await?;
        let incidents = store.incidents().await?;
        for arrival in &arrivals {
            let Some(connector) = envelope::connector(&configuration, arrival.connector) else {
                continue;
            };
            measure(connector, arrival, now);
            let is_held =
                held.iter().any(|(held, change)| *held == connector.id && change.held_at.is_some());
            let watch = Watch {
                enabled: connector.enabled,
                held: is_held,
                hours: connector.definition.basic.silent_hours,
                since: arrival.since,
                last: arrival.last_at,
            };
            let incident = incidents.iter().find(|incident| incident.connector == connector.id);
            let is_known = incident.is_some_and(|incident| {
                incident.causes.iter().any(|cause| cause.kind == Kind::Silent)
            });
            match watch.find(now) {
                Finding::Silent(from) if !is_known => {
                    let problem = silence::silent(&connector.definition, from);
                    if store.begin_silence(arrival, &problem, now).await? {
                        tracing::warn!(connector = connector.definition.name, "{problem}");
                    }
                }
                // A webhook ends it by itself; that it was held does not.
                Finding::NotWatched if is_known => store.end_silence(connector.id).await?,
                Finding::ClockSetBack => store.count_hours_anew(connector.id, now).await?,
                Finding::Silent(_) | Finding::NotWatched | Finding::Arriving => {}
            }
        }
        Ok(())
    }
}

/// How long ago the last webhook arrived, as a metric.
fn measure(connector: &Connector, arrival: &Arrival, now: Timestamp) {
    let Some(last) = arrival.last_at else { return };
    let seconds = now.duration_since(last).as_secs_f64().max(0.0);
    let name = connector.definition.name.clone();
    metrics::gauge!("leadsync_last_webhook_age_seconds", "connector" => name).set(seconds);
}
