//! Notifies people of failures by mail.
//!
//! The store counts failures in the transaction that records them. Every process runs one task
//! ([`Notifier`]) that checks every few seconds what to notify people of: incidents ([`plan::incident`]),
//! accounts whose calls for the day won't suffice (`quota`), sweeps that need confirmation and accounts
//! that agree less than before (`catch_up`). It writes the mail (`letter`), queues it in the store, and
//! sends what is queued (`post`). Nodes share the work: a row in the store says which node reported
//! something, and which one sends.

mod catch_up;
mod letter;
mod post;
mod quota;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::incident::{Incident, Step};
use store::{ClaimedMail, Configuration, Connector, MailEnd, NewMail, Store};
use tokio_util::sync::CancellationToken;

use crate::Clock;
use letter::{Letter, Matter};
pub use post::{Post, Smtp};

/// How long after its first, second, … try a mail is retried, before it is given up.
const DELAYS: [SignedDuration; 9] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(3),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(12),
    MailEnd::LONGEST_WAIT,
    MailEnd::LONGEST_WAIT,
];
/// How long a claim of a mail lasts. It must exceed [`PATIENCE`].
const CLAIM: SignedDuration = SignedDuration::from_mins(3);
/// How long a mail server may take for a mail.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most mails sent before incidents are checked again.
const MOST_AT_ONCE: usize = 50;

/// Options for writing and sending mails.
#[derive(Debug)]
pub struct Options {
    /// How often to check for incidents and queued mails.
    pub poll: Duration,
    /// The base URL of links in mails, without a trailing slash.
    pub public_url: String,
    /// Who sends them.
    pub post: Post,
}

/// The task that writes and sends mails.
#[derive(Debug)]
pub struct Notifier {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Notifier {
    /// Starts writing and sending mails, until [`Notifier::stop`]. It must be called within a Tokio
    /// runtime.
    pub fn start(store: Arc<dyn Store>, clock: Clock, options: Options) -> Self {
        let stop = CancellationToken::new();
        let desk = Desk { store, clock, options, stop: stop.clone(), looked: None };
        Self { stop, task: tokio::spawn(desk.run()) }
    }

    /// Stops it. It waits for a mail being sent, so that it is not sent again.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the notifier stopped because of a panic");
        }
    }
}

struct Desk {
    store: Arc<dyn Store>,
    clock: Clock,
    options: Options,
    stop: CancellationToken,
    /// When the quotas were last checked.
    looked: Option<Timestamp>,
}

impl Desk {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn run(mut self) {
        let mut poll = tokio::time::interval(self.options.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = poll.tick() => {}
            }
            // A failure of one must not stop the others.
            let done = [
                self.tell().await,
                self.notify_of_catch_up().await,
                self.look_at_quotas().await,
                self.send().await,
            ];
            for done in done {
                if let Err(error) = done {
                    tracing::warn!(%error, "emails are delayed");
                }
            }
        }
    }

    /// Queues mails about incidents.
    async fn tell(&self) -> store::Result<()> {
        let incidents = self.store.incidents().await?;
        if incidents.is_empty() {
            return Ok(());
        }
        let configuration = self.store.configuration().await?;
        for incident in incidents {
            let connector = configuration.connectors.iter().find(|c| c.id == incident.connector);
            if let Some(connector) = connector {
                self.tell_one(&configuration, connector, &incident).await?;
            }
        }
        Ok(())
    }

    async fn tell_one(
        &self,
        configuration: &Configuration,
        connector: &Connector,
        incident: &Incident,
    ) -> store::Result<()> {
        let (store, now) = (&self.store, self.now());
        let left = if incident.may_be_over(now) {
            let since = incident.course.since;
            Some(store.count_failed_records(incident.connector, since).await?)
        } else {
            None
        };
        let mail = |matter| self.mail(configuration, connector, incident, matter);
        // If another node was faster, nothing is left to do.
        match incident.step(now, left) {
            Step::Wait => {}
            Step::Tell => {
                store.tell_incident(incident, mail(Matter::Trouble), now).await?;
            }
            Step::End => {
                let matter = Matter::Over { left: left.unwrap_or_default() };
                store.end_incident(incident, mail(matter), now).await?;
            }
            Step::Forget => {
                store.end_incident(incident, None, now).await?;
            }
        }
        Ok(())
    }

    /// The mail, if the connector wants one.
    fn mail(
        &self,
        configuration: &Configuration,
        connector: &Connector,
        incident: &Incident,
        matter: Matter,
    ) -> Option<NewMail> {
        let basic = &connector.definition.basic;
        let recipient = basic.notify.clone().filter(|_| basic.notifications)?;
        let public_url = &self.options.public_url;
        let Letter { subject, body } =
            letter::write(&connector.definition, configuration, incident, matter, public_url);
        let domain = self.options.post.domain();
        let message_id = |number: u32| {
            let began = incident.course.began.as_millisecond();
            format!("leadsync.{}.{began}.{number}@{domain}", connector.id.0)
        };
        let thread = (incident.mails > 0).then(|| message_id(0));
        let message_id = message_id(incident.mails);
        Some(NewMail { message_id, thread, recipient, subject, body, private: false })
    }

    /// Sends what is due.
    async fn send(&self) -> store::Result<()> {
        for _ in 0..MOST_AT_ONCE {
            let now = self.now();
            let until = now.checked_add(CLAIM).unwrap_or(Timestamp::MAX);
            if self.stop.is_cancelled() {
                return Ok(());
            }
            let Some(claimed) = self.store.claim_mail(now, until).await? else { return Ok(()) };
            let end = self.post(&claimed).await;
            self.store.end_mail(&claimed, end, self.now()).await?;
        }
        Ok(())
    }

    async fn post(&self, claimed: &ClaimedMail) -> MailEnd {
        let mail = &claimed.mail;
        let (subject, recipient) = (mail.subject.as_str(), mail.recipient.as_str());
        let smtp = match &self.options.post {
            Post::Smtp(smtp) => smtp,
            Post::Log => {
                tracing::info!(
                    recipient,
                    subject,
                    body = mail.body,
                    "email not sent, because LEADSYNC_SMTP_URL is not set"
                );
                metrics::counter!("leadsync_mails_total", "state" => "logged").increment(1);
                return MailEnd::Logged;
            }
        };
        let message = match smtp.message(claimed) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(recipient, subject, error, "could not write the email");
                return MailEnd::GivenUp { error };
            }
        };
        let sent = tokio::time::timeout(PATIENCE, smtp.send(message)).await;
        let error = match sent {
            Ok(Ok(())) => {
                metrics::counter!("leadsync_mails_total", "state" => "sent").increment(1);
                return MailEnd::Sent;
            }
            Ok(Err(error)) => error,
            Err(_) => {
                format!("the mail server took longer than {} s to respond", PATIENCE.as_secs())
            }
        };
        metrics::counter!("leadsync_mails_total", "state" => "failed").increment(1);
        let Some(delay) = delay(claimed.tries) else {
            tracing::error!(recipient, subject, error, "gave up on an email");
            return MailEnd::GivenUp { error };
        };
        tracing::warn!(
            recipient,
            subject,
            error,
            "could not send an email; leadsync retries automatically"
        );
        let due = self.now().checked_add(delay).unwrap_or(Timestamp::MAX);
        MailEnd::Again { due, error }
    }
}

/// How long to wait after this many tries; `None` once all are used up.
fn delay(tries: u32) -> Option<SignedDuration> {
    DELAYS.get(usize::try_from(tries.max(1) - 1).ok()?).copied()
}
