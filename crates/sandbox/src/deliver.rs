//! Posting what automations send: in order for each lead, with retries.

use crate::account::{Account, Activity, Delivery, Job, Queue, Source};
use crate::client::Client;
use crate::clock::Clock;
use crate::lead::{Flat, Lead, payload_blanks};
use crate::metadata::Setup;
use crate::switches::{ActivityPayload, Compared, CurrentState, CustomFields, NewLeadBefore};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many times a native webhook's post is attempted.
const NATIVE_TRIES: u32 = 3;

/// Delivers posts.
#[derive(Clone)]
pub(crate) struct Postman {
    pub(crate) account: Arc<Mutex<Account>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) client: Client,
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
        let (name, url, headers, tries) = match &job.source {
            Source::Automation { id, automation } => {
                let mut url = automation.url.clone();
                if job.setup.switches.entity_query.is_on() {
                    let mark = if url.contains('?') { '&' } else { '?' };
                    url = format!("{url}{mark}entityType=automation&entityId={id}");
                }
                (automation.name.clone(), url, &[][..], automation.retries + 1)
            }
            Source::Native { id, url, headers } => {
                (id.to_string(), url.clone(), headers.as_slice(), NATIVE_TRIES)
            }
        };
        let at = (self.clock)();
        let payload = match job.body {
            Some(ref body) => body.clone(),
            None => self.payload(&job),
        };
        let mut statuses = Vec::with_capacity(1);
        loop {
            let status = self.client.post(&url, headers, payload.clone()).await;
            statuses.push(status);
            if status == Some(200) || statuses.len() >= usize::try_from(tries).unwrap_or(1) {
                if let Source::Native { id, .. } = &job.source {
                    let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
                    account.native.posted(id, status == Some(200));
                }
                let lead_id = job.lead_id.to_string();
                return Delivery { automation: name, lead_id, url, payload, statuses, at };
            }
            tokio::time::sleep(self.retry_delay).await;
        }
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

fn activity_payload(job: &Job, activity: &Activity, current: &Lead) -> String {
    let setup = &*job.setup;
    let mut item = activity.shown(setup);
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
