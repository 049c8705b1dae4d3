//! Posting what automations send: in order for each lead, with retries.

use crate::account::{Account, Activity, Automation, Slot};
use crate::lead::{Flat, Lead, moment, payload_blanks};
use crate::metadata::Setup;
use crate::settings::Clock;
use crate::switches::{ActivityPayload, Compared, CurrentState, CustomFields, NewLeadBefore};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Who posts.
#[derive(Clone)]
pub(crate) enum Source {
    Automation { id: Arc<str>, automation: Arc<Automation> },
    Native { id: Arc<str>, url: String },
}

/// One post to be made.
pub(crate) struct Job {
    pub(crate) source: Source,
    pub(crate) slot: Slot,
    pub(crate) lead_id: Arc<str>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) before: Option<Arc<Lead>>,
    pub(crate) after: Arc<Lead>,
    pub(crate) activity: Option<Arc<Activity>>,
    /// The body, where it is known already.
    pub(crate) body: Option<String>,
}

/// A post that was made, or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The automation's name; the webhook's id for a native webhook.
    pub automation: String,
    /// The lead.
    pub lead_id: String,
    /// Where it was posted to.
    pub url: String,
    /// What was posted.
    pub payload: String,
    /// The answers, first try first; `None` where there was none.
    pub statuses: Vec<Option<u16>>,
    /// When it was posted first.
    pub at: Timestamp,
}

impl Delivery {
    /// Whether it was taken: LeadSquared counts an answer of 200 as success, nothing else.
    pub fn succeeded(&self) -> bool {
        self.statuses.last() == Some(&Some(200))
    }
}

/// How long an answer may take. The real time-out is not known.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How often a native webhook's post is tried.
const NATIVE_TRIES: u32 = 3;

/// The way to the workers. A lead's posts all go to one worker, so they keep their order.
pub(crate) struct Queue {
    workers: Vec<mpsc::UnboundedSender<Job>>,
    pending: AtomicUsize,
    idle: Notify,
    done: Mutex<VecDeque<Delivery>>,
    log: usize,
}

/// What the workers take from.
pub(crate) type Inboxes = Vec<mpsc::UnboundedReceiver<Job>>;

impl Queue {
    pub(crate) fn new(workers: usize, log: usize) -> (Self, Inboxes) {
        let (workers, inboxes) = (0..workers.max(1)).map(|_| mpsc::unbounded_channel()).unzip();
        let done = Mutex::new(VecDeque::new());
        let queue = Self { workers, pending: AtomicUsize::new(0), idle: Notify::new(), done, log };
        (queue, inboxes)
    }

    pub(crate) fn push(&self, job: Job) {
        let place = usize::try_from(job.slot).unwrap_or(0) % self.workers.len();
        self.pending.fetch_add(1, Ordering::SeqCst);
        if self.workers[place].send(job).is_err() {
            self.finish(None);
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().cloned().collect()
    }

    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.idle.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.pending() == 0 {
                return;
            }
            notified.await;
        }
    }

    fn finish(&self, delivery: Option<Delivery>) {
        if let Some(delivery) = delivery {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            if done.len() >= self.log {
                done.pop_front();
            }
            done.push_back(delivery);
        }
        if self.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }
}

/// What a worker needs.
#[derive(Clone)]
pub(crate) struct Postman {
    pub(crate) account: Arc<Mutex<Account>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) client: reqwest::Client,
    pub(crate) clock: Clock,
    pub(crate) retry_delay: Duration,
    pub(crate) stop: CancellationToken,
}

impl Postman {
    pub(crate) async fn work(self, mut inbox: mpsc::UnboundedReceiver<Job>) {
        loop {
            let job = tokio::select! {
                () = self.stop.cancelled() => return,
                job = inbox.recv() => job,
            };
            let Some(job) = job else { return };
            tokio::select! {
                () = self.stop.cancelled() => return,
                delivery = self.deliver(job) => self.queue.finish(Some(delivery)),
            }
        }
    }

    async fn deliver(&self, job: Job) -> Delivery {
        let (name, url, tries) = match &job.source {
            Source::Automation { id, automation } => {
                let mut url = automation.url.clone();
                if job.setup.switches.entity_query.is_on() {
                    let mark = if url.contains('?') { '&' } else { '?' };
                    url = format!("{url}{mark}entityType=automation&entityId={id}");
                }
                (automation.name.clone(), url, automation.retries + 1)
            }
            Source::Native { id, url } => (id.to_string(), url.clone(), NATIVE_TRIES),
        };
        let at = (self.clock)();
        let payload = match job.body {
            Some(ref body) => body.clone(),
            None => self.payload(&job),
        };
        let mut statuses = Vec::with_capacity(1);
        loop {
            let status = self.post(&url, payload.clone()).await;
            statuses.push(status);
            if status == Some(200) || statuses.len() >= usize::try_from(tries).unwrap_or(1) {
                let lead_id = job.lead_id.to_string();
                return Delivery { automation: name, lead_id, url, payload, statuses, at };
            }
            tokio::time::sleep(self.retry_delay).await;
        }
    }

    pub(crate) async fn post(&self, url: &str, payload: String) -> Option<u16> {
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .timeout(TIMEOUT)
            .body(payload);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        // The body is read so that the connection can be used again.
        answer.bytes().await.ok()?;
        Some(status)
    }

    fn payload(&self, job: &Job) -> String {
        let current = match job.setup.switches.current {
            CurrentState::AtChange => job.after.clone(),
            CurrentState::AtSend => {
                let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
                let record = account.ledger.record(job.slot);
                record.map_or_else(|| job.after.clone(), |record| record.lead.clone())
            }
        };
        match &job.activity {
            Some(activity) => activity_payload(job, activity, &current),
            None => lead_payload(job, &current),
        }
    }
}

fn shown(setup: &Setup, lead: &Lead, custom: bool, columns: Option<&[u16]>) -> Value {
    let blanks = payload_blanks(&setup.switches);
    let flat = Flat { setup, lead, columns, blanks, custom, more: &[] };
    serde_json::to_value(flat).unwrap_or_default()
}

fn lead_payload(job: &Job, current: &Lead) -> String {
    let setup = &*job.setup;
    let switches = &setup.switches;
    let changed = job.before.as_deref().filter(|_| switches.compared == Compared::ChangedOnly).map(
        |before| {
            let differs = |no: u16| {
                matches!(&*setup.field(no).schema_name, "ProspectID" | "ProspectAutoId")
                    || before.text(setup, no) != job.after.text(setup, no)
            };
            setup.order.iter().copied().filter(|&no| differs(no)).collect::<Vec<u16>>()
        },
    );
    let columns = changed.as_deref();
    let custom = switches.custom_fields == CustomFields::Everywhere;
    let mut body = Map::new();
    match &job.before {
        Some(before) => {
            body.insert("Before".to_owned(), shown(setup, before, custom, columns));
        }
        None => {
            match switches.new_lead_before {
                NewLeadBefore::EmptyObject => body.insert("Before".to_owned(), json!({})),
                NewLeadBefore::Null => body.insert("Before".to_owned(), Value::Null),
                NewLeadBefore::Absent => None,
            };
        }
    }
    body.insert("After".to_owned(), shown(setup, &job.after, custom, columns));
    let custom = switches.custom_fields != CustomFields::Nowhere;
    body.insert("Current".to_owned(), shown(setup, current, custom, None));
    Value::Object(body).to_string()
}

/// An activity as native webhooks show it: `Data` is an object.
pub(crate) fn activity_item(setup: &Setup, activity: &Activity) -> Map<String, Value> {
    let event = if setup.switches.activity_event_number.is_on() {
        json!(activity.event)
    } else {
        json!(activity.event.to_string())
    };
    let mut data = Map::new();
    data.insert("Note".to_owned(), json!(activity.note));
    for (name, value) in &activity.fields {
        data.insert(name.to_string(), json!(&**value));
    }
    let mut item = Map::new();
    item.insert("ProspectActivityId".to_owned(), json!(&*activity.id));
    item.insert("RelatedProspectId".to_owned(), json!(&*activity.lead_id));
    item.insert("ActivityEvent".to_owned(), event);
    item.insert("ActivityEventName".to_owned(), json!(&*activity.name));
    item.insert("CreatedBy".to_owned(), json!(&*activity.created_by));
    item.insert("CreatedOn".to_owned(), json!(moment(activity.created_on)));
    item.insert("ModifiedOn".to_owned(), json!(moment(activity.modified_on)));
    item.insert("Data".to_owned(), Value::Object(data));
    item
}

fn activity_payload(job: &Job, activity: &Activity, current: &Lead) -> String {
    let setup = &*job.setup;
    let mut item = activity_item(setup, activity);
    let custom = setup.switches.custom_fields != CustomFields::Nowhere;
    let mut shown = shown(setup, current, custom, None);
    if setup.switches.activity_fields_in_current.is_on()
        && let Some(map) = shown.as_object_mut()
    {
        for (name, value) in &activity.fields {
            map.insert(name.to_string(), json!(&**value));
        }
    }
    item.insert("Current".to_owned(), shown);
    let item = Value::Object(item);
    match setup.switches.activity_payload {
        ActivityPayload::Object => item.to_string(),
        ActivityPayload::Array => json!([item]).to_string(),
    }
}
