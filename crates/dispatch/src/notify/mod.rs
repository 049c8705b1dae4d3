//! Notifies people of failures, by mail and by webhooks.
//!
//! The store counts failures in the transaction that records them. Every process runs one task
//! ([`Notifier`]) that checks every few seconds what to notify people of: incidents ([`plan::incident`]),
//! connectors at which no webhook arrives (`silence`), accounts whose calls for the day won't suffice
//! (`quota`), sweeps that need confirmation and accounts that agree less than before (`catch_up`), and
//! digests that are due (`digest`). It writes what is said (`letter`), addresses it to a connector's
//! failure contact and to the alert addresses (`envelope`), queues it in the store, and sends what is queued,
//! by mail (`post`) or by a POST to a webhook (`webhook`). Nodes share the work: a row in the store says which node reported
//! something, and which one sends.

mod catch_up;
mod digest;
mod envelope;
mod letter;
mod post;
mod quota;
mod silence;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::alert::Kind;
use plan::incident::{Incident, Step};
use secrecy::SecretString;
use store::{
    Alert, ClaimedMail, Configuration, Connector, ForAlert, MailEnd, NewMail, Store, Target,
};
use tokio_util::sync::CancellationToken;

use crate::Clock;
use envelope::MessageId;
use letter::Matter;
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
/// How often to look at what changes slowly: quotas, when the last webhook arrived, and which digests are
/// due.
const LOOK: SignedDuration = SignedDuration::from_mins(1);
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

/// In place of the text of a mail that is a secret.
const SECRET: &str = "not logged, because it is a secret; LEADSYNC_LOG=info,leadsync::secrets=debug \
                      logs it";

impl Notifier {
    /// Starts writing and sending mails, until [`Notifier::stop`]. It must be called within a Tokio
    /// runtime.
    pub fn start(store: Arc<dyn Store>, clock: Clock, options: Options) -> Self {
        let stop = CancellationToken::new();
        let webhooks = webhook::client();
        let desk = Desk { store, clock, options, stop: stop.clone(), webhooks, looked: None };
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
    /// Posts to webhooks, or why it can't.
    webhooks: Result<reqwest::Client, String>,
    /// When what changes slowly was last looked at.
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
            let mut done = Vec::with_capacity(6);
            let is_time_to_look = self.is_time_to_look();
            if is_time_to_look {
                done.push(self.look_for_silence().await);
                done.push(self.look_at_quotas().await);
            }
            done.push(self.tell().await);
            done.push(self.notify_of_catch_up().await);
            done.push(self.send().await);
            // They can wait, and take longest.
            if is_time_to_look {
                done.push(self.send_digests().await);
            }
            for done in done {
                if let Err(error) = done {
                    tracing::warn!(%error, "emails are delayed");
                }
            }
        }
    }

    /// Whether it is time to look at what changes slowly.
    fn is_time_to_look(&mut self) -> bool {
        let now = self.now();
        let is_due = |looked: Timestamp| now.duration_since(looked).abs() >= LOOK;
        let is_time = self.looked.is_none_or(is_due);
        if is_time {
            self.looked = Some(now);
        }
        is_time
    }

    /// Queues mails about incidents.
    async fn tell(&self) -> store::Result<()> {
        let incidents = self.store.incidents().await?;
        if incidents.is_empty() {
            return Ok(());
        }
        let configuration = self.store.configuration().await?;
        let alerts = self.store.alerts().await?;
        for incident in incidents {
            if let Some(connector) = envelope::connector(&configuration, incident.connector) {
                self.tell_one((&configuration, &alerts), connector, &incident).await?;
            }
        }
        Ok(())
    }

    async fn tell_one(
        &self,
        known: (&Configuration, &[Alert]),
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
        let mails = |matter| self.about(known, connector, incident, matter);
        // If another node was faster, nothing is left to do.
        match incident.step(now, left) {
            Step::Wait => {}
            Step::Tell => {
                store.tell_incident(incident, mails(Matter::Trouble), now).await?;
            }
            Step::End => {
                let heard = self.heard_in(connector, incident).await?;
                let matter = Matter::Over { left: left.unwrap_or_default(), heard };
                store.end_incident(incident, mails(matter), now).await?;
            }
            Step::Forget => {
                store.end_incident(incident, Vec::new(), now).await?;
            }
        }
        Ok(())
    }

    /// When the last webhook arrived, if it did during this incident and somebody waits for webhooks.
    async fn heard_in(
        &self,
        connector: &Connector,
        incident: &Incident,
    ) -> store::Result<Option<Timestamp>> {
        if connector.definition.basic.silent_hours == 0 {
            return Ok(None);
        }
        let arrivals = self.store.arrivals().await?;
        let own = arrivals.into_iter().find(|arrival| arrival.connector == connector.id);
        Ok(own.and_then(|own| own.last_at).filter(|last| *last >= incident.course.began))
    }

    /// The mails about an incident, to whoever wants to know.
    fn about(
        &self,
        (configuration, alerts): (&Configuration, &[Alert]),
        connector: &Connector,
        incident: &Incident,
        matter: Matter,
    ) -> Vec<NewMail> {
        let readers = envelope::readers(&[connector], alerts);
        if readers.is_empty() {
            return Vec::new();
        }
        let public_url = &self.options.public_url;
        let letter =
            letter::write(&connector.definition, configuration, incident, matter, public_url);
        let name = |number: u32| {
            format!("{}.{}.{number}", connector.id.0, incident.course.began.as_millisecond())
        };
        let (own, first) = (name(incident.mails), name(0));
        let thread = (incident.mails > 0).then_some(first.as_str());
        self.mails(&letter, &MessageId { name: &own, thread }, &readers)
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
            let end = self.end_of(&claimed).await?;
            self.store.end_mail(&claimed, end, self.now()).await?;
        }
        Ok(())
    }

    /// Tries to send a mail, and says how that ended.
    async fn end_of(&self, claimed: &ClaimedMail) -> store::Result<MailEnd> {
        let mail = &claimed.mail;
        let (subject, recipient) = (mail.subject.as_str(), mail.recipient.as_str());
        let about = mail.alert.as_ref();
        let target = match about {
            None => Some(Target::Email),
            Some(about) => self.store.alert_target(about.id).await?,
        };
        let sent = match (target, about) {
            (Some(Target::Webhook(url)), Some(about)) => {
                self.post(&url, mail, about).await.map_err(Failure::Passing)
            }
            (Some(_), _) => match &self.options.post {
                Post::Smtp(smtp) => send(smtp, claimed).await,
                Post::Log => {
                    // A secret reaches the log only if somebody asks for it.
                    let body = if mail.private { SECRET } else { mail.body.as_str() };
                    tracing::info!(
                        recipient,
                        subject,
                        body,
                        "email not sent, because LEADSYNC_SMTP_URL is not set"
                    );
                    if mail.private {
                        let body = mail.body.as_str();
                        tracing::debug!(target: "leadsync::secrets", recipient, body, "email");
                    }
                    count("logged");
                    return Ok(MailEnd::Logged);
                }
            },
            (None, _) => Err(Failure::Final("the address was removed".to_owned())),
        };
        let error = match sent {
            Ok(()) => {
                count("sent");
                return Ok(MailEnd::Sent);
            }
            Err(Failure::Final(error)) => {
                tracing::error!(recipient, subject, error, "could not write the email");
                return Ok(MailEnd::GivenUp { error });
            }
            Err(Failure::Passing(error)) => error,
        };
        count("failed");
        // Whoever tests an address wants to see the error now.
        let is_test = about.is_some_and(|about| about.kind == Kind::Test);
        let Some(delay) = delay(claimed.tries).filter(|_| !is_test) else {
            tracing::error!(recipient, subject, error, "gave up on an email or alert");
            return Ok(MailEnd::GivenUp { error });
        };
        tracing::warn!(
            recipient,
            subject,
            error,
            "could not send an email or alert; leadsync retries automatically"
        );
        let due = self.now().checked_add(delay).unwrap_or(Timestamp::MAX);
        Ok(MailEnd::Again { due, error })
    }

    async fn post(
        &self,
        url: &SecretString,
        mail: &NewMail,
        about: &ForAlert,
    ) -> Result<(), String> {
        let client = self.webhooks.as_ref().map_err(Clone::clone)?;
        webhook::post(client, url, mail, about).await
    }
}

/// Why something was not sent.
enum Failure {
    /// Another try may succeed.
    Passing(String),
    /// No other try will succeed.
    Final(String),
}

/// Sends a mail by a mail server.
async fn send(smtp: &Smtp, claimed: &ClaimedMail) -> Result<(), Failure> {
    let message = smtp.message(claimed).map_err(Failure::Final)?;
    match tokio::time::timeout(PATIENCE, smtp.send(message)).await {
        Ok(sent) => sent.map_err(Failure::Passing),
        Err(_) => Err(Failure::Passing(format!(
            "the mail server took longer than {} s to respond",
            PATIENCE.as_secs()
        ))),
    }
}

fn count(state: &'static str) {
    metrics::counter!("leadsync_mails_total", "state" => state).increment(1);
}

/// How long to wait after this many tries; `None` once all are used up.
fn delay(tries: u32) -> Option<SignedDuration> {
    DELAYS.get(usize::try_from(tries.max(1) - 1).ok()?).copied()
}
