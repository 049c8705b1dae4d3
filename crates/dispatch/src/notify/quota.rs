//! Warning people before an account's calls for the day are used up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::quota::day_of;
use plan::quota::forecast::Forecast;
use store::{Account, Configuration, Connector, NewMail};

use super::Desk;
use super::letter::{self, Letter};

/// How often the quotas are checked.
const LOOK: SignedDuration = SignedDuration::from_mins(1);

impl Desk {
    /// Measures what is left of each account's calls for the day, and queues mails, at most once a day, if
    /// it won't suffice.
    pub(super) async fn look_at_quotas(&mut self) -> store::Result<()> {
        let now = self.now();
        let is_due = |looked: Timestamp| now.duration_since(looked).abs() >= LOOK;
        if !self.looked.is_none_or(is_due) {
            return Ok(());
        }
        self.looked = Some(now);
        let configuration = self.store.configuration().await?;
        let accounts: Vec<_> = configuration.accounts.iter().map(|account| account.id).collect();
        let spending = self.store.spending(&accounts, now).await?;
        for (account, spending) in configuration.accounts.iter().zip(spending) {
            let forecast = Forecast::new(account.plan.quota(), spending, now);
            measure(account, &forecast, now);
            if forecast.is_early {
                let mails = self.warnings(&configuration, account, &forecast, now);
                self.store.warn_of_quota(account.id, day_of(now), mails, now).await?;
            }
        }
        Ok(())
    }

    /// A mail to each recipient of notifications of the connectors that use the account.
    fn warnings(
        &self,
        configuration: &Configuration,
        account: &Account,
        forecast: &Forecast,
        now: Timestamp,
    ) -> Vec<NewMail> {
        let uses = |connector: &&Connector| {
            connector.enabled
                && (connector.source == account.id || connector.destination == account.id)
        };
        let mut recipients: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for connector in configuration.connectors.iter().filter(uses) {
            let basic = &connector.definition.basic;
            if let Some(recipient) = basic.notify.as_deref().filter(|_| basic.notifications) {
                recipients.entry(recipient).or_default().push(&connector.definition.name);
            }
        }
        let (id, day, domain) = (account.id.0, day_of(now), self.options.post.domain());
        let mail = |(number, (recipient, connectors)): (usize, (&str, Vec<&str>))| {
            let Letter { subject, body } = letter::about_quota(
                configuration,
                (account, forecast),
                &connectors,
                &self.options.public_url,
            );
            NewMail {
                message_id: format!("leadsync.quota.{id}.{day}.{number}@{domain}"),
                thread: None,
                recipient: recipient.to_owned(),
                subject,
                body,
                private: false,
            }
        };
        recipients.into_iter().enumerate().map(mail).collect()
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
