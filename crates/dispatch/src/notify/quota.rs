//! Warning people before an account's calls for the day are used up.

use jiff::Timestamp;
use plan::quota::day_of;
use plan::quota::forecast::Forecast;
use store::{Account, Alert, Configuration, Connector, NewMail};

use super::Desk;
use super::envelope::{self, MessageId};
use super::letter;

impl Desk {
    /// Measures what is left of each account's calls for the day, and queues mails, at most once a day, if
    /// it won't suffice.
    pub(super) async fn look_at_quotas(&self) -> store::Result<()> {
        let now = self.now();
        let configuration = self.store.configuration().await?;
        let accounts: Vec<_> = configuration.accounts.iter().map(|account| account.id).collect();
        let spending = self.store.spending(&accounts, now).await?;
        for (account, spending) in configuration.accounts.iter().zip(spending) {
            let forecast = Forecast::new(account.plan.quota(), spending, now);
            measure(account, &forecast, now);
            if forecast.is_early {
                let alerts = self.store.alerts().await?;
                let mails = self.warnings((&configuration, &alerts), account, &forecast, now);
                self.store.warn_of_quota(account.id, day_of(now), mails, now).await?;
            }
        }
        Ok(())
    }

    /// The mails to whoever wants to know about the connectors that use the account.
    fn warnings(
        &self,
        (configuration, alerts): (&Configuration, &[Alert]),
        account: &Account,
        forecast: &Forecast,
        now: Timestamp,
    ) -> Vec<NewMail> {
        let uses = |connector: &&Connector| {
            connector.enabled
                && (connector.source == account.id || connector.destination == account.id)
        };
        let connectors: Vec<&Connector> = configuration.connectors.iter().filter(uses).collect();
        let name = format!("quota.{}.{}", account.id.0, day_of(now));
        let id = MessageId { name: &name, thread: None };
        let mail = |(number, reader): (usize, &envelope::Reader)| {
            let letter = letter::about_quota(
                configuration,
                (account, forecast),
                &reader.connectors,
                &self.options.public_url,
            );
            self.mail(&letter, &id, (number, reader))
        };
        envelope::readers(&connectors, alerts).iter().enumerate().map(mail).collect()
    }
}

/// What is left of an account's calls for the day, as a metric.
fn measure(account: &Account, forecast: &Forecast, now: Timestamp) {
    let name = account.name.clone();
    metrics::gauge!("leadsync_calls_left_today", "account" => name.clone())
        .set(f64::from(forecast.left));
    let seconds =
        forecast.used_up_at.map_or(f64::INFINITY, |at| at.duration_since(now).as_secs_f64());
    metrics::gauge!("leadsync_calls_used_up_seconds", "account" => name).set(seconds);
}
