//! Sending digests: summaries of a day or a week, to the alert addresses that want them.

use admin::digest::{self, About};
use admin::health::Signs;
use jiff::Timestamp;
use plan::alert::Kind;
use plan::digest::zone_of;
use store::{Alert, Configuration, Connector};

use super::Desk;
use super::envelope::{MessageId, Reader};
use super::letter::{Letter, without_secrets};

impl Desk {
    /// Queues the digests that are due. Whichever node is first sends one, and the store notes it in the
    /// same transaction, so no node or restart sends it again.
    pub(super) async fn send_digests(&self) -> store::Result<()> {
        let alerts = self.store.alerts().await?;
        if alerts.iter().all(|alert| alert.digest.is_none()) {
            return Ok(());
        }
        let (configuration, now) = (self.store.configuration().await?, self.now());
        let mut signs = None;
        for alert in &alerts {
            let connectors: Vec<&Connector> = configuration
                .connectors
                .iter()
                .filter(|connector| alert.connectors.have(connector.id))
                .collect();
            if !connectors.is_empty() {
                self.send_digest(alert, (&configuration, &connectors), &mut signs, now).await?;
            }
        }
        Ok(())
    }

    async fn send_digest(
        &self,
        alert: &Alert,
        (configuration, connectors): (&Configuration, &[&Connector]),
        signs: &mut Option<Signs>,
        now: Timestamp,
    ) -> store::Result<()> {
        let Some(wanted) = &alert.digest else { return Ok(()) };
        let zone = zone_of(connectors.iter().map(|connector| &connector.definition));
        let known = (wanted.since, wanted.sent);
        let Some(period) = wanted.digest.due(&zone.1, known, now) else { return Ok(()) };
        if signs.is_none() {
            *signs = Some(Signs::read(self.store.as_ref(), configuration, now).await?);
        }
        let Some(signs) = signs else { return Ok(()) };
        let about = About {
            configuration,
            signs,
            connectors,
            every: wanted.digest.every,
            period,
            zone: &zone,
            public_url: &self.options.public_url,
        };
        let written = digest::write(self.store.as_ref(), &about).await?;
        let letter = Letter {
            kind: Kind::Digest,
            connector: None,
            url: self.options.public_url.clone(),
            subject: without_secrets(written.subject, configuration),
            body: without_secrets(written.body, configuration),
        };
        let name = format!("digest.{}", now.as_millisecond());
        let id = MessageId { name: &name, thread: None };
        let reader = Reader::of_alert(alert, connectors);
        let mail = self.mail(&letter, &id, (0, &reader));
        // If another node was faster, nothing is left to do.
        self.store.queue_digest(alert, &period, mail, now).await?;
        Ok(())
    }
}
