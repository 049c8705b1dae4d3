//! A log with something in it.

use std::time::Duration;

use plan::id::{AccountId, ConnectorId};
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use serde_json::{Value, json};
use store::{
    AttemptOutcome, Call, Lease, NewDelivery, Origin, Progress, RecordKey, RequestState, Stage,
};

use crate::api::fixture::{at, id};
use crate::console::Browser;

/// Puts requests into the log as the dispatcher does.
pub struct Filler<'a> {
    pub browser: &'a Browser,
    pub lease: Lease,
    pub connector: ConnectorId,
    pub accounts: Vec<AccountId>,
}

impl<'a> Filler<'a> {
    pub async fn of(browser: &'a Browser) -> Self {
        let store = &browser.house.store;
        let configuration = store.configuration().await.unwrap();
        let accounts: Vec<AccountId> = configuration.accounts.iter().map(|a| a.id).collect();
        let lease = store.take_lease(&accounts, "test", Duration::from_mins(1)).await;
        let lease = lease.unwrap().expect("nobody else has it");
        Self { browser, lease, connector: configuration.connectors[0].id, accounts }
    }

    pub async fn deliver(&self, n: i64, connector: ConnectorId, body: &Value) {
        let delivery = NewDelivery {
            id: id(n),
            connector,
            received_at: at(n),
            origin: Origin::Webhook,
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into(),
        };
        self.browser.house.store.store_deliveries(vec![delivery]).await.unwrap();
    }

    pub fn attempt(&self, n: i64, event: Event) -> AttemptOutcome {
        let failed = event == Event::Failed;
        AttemptOutcome {
            key: RecordKey { request: id(n), position: 0 },
            connector: self.connector,
            entity: Entity::Lead,
            attempt: 1,
            tries: 1,
            at: at(n),
            event,
            sync_status: if failed { SyncStatus::Error } else { SyncStatus::Success },
            stage: Stage::Final,
            doubtful: false,
            known_as: None,
            name: None,
            is_echo: false,
            source_id: Some("in-a".to_owned()),
            destination_id: Some("in-b".to_owned()),
            problem: failed
                .then(|| Problem::new(plan::problem::Code::TooLong, "It is too long.", "Cut it.")),
            explanation: None,
            version: 1,
            retry: None,
            calls: Vec::new(),
            mentions: vec!["in-a".to_owned(), "in-b".to_owned()],
        }
    }

    pub fn ended(n: i64, event: Event) -> RequestState {
        let failed = event == Event::Failed;
        RequestState {
            id: id(n),
            job_status: if failed { JobStatus::Failure } else { JobStatus::Success },
            sync_status: Some(if failed { SyncStatus::Error } else { SyncStatus::Success }),
            behaviour: "create_and_update",
            finished_at: Some(at(n + 1)),
            due: None,
        }
    }

    pub async fn keep(&self, progress: Progress) {
        self.browser.house.store.record_progress(&self.lease, progress).await.unwrap();
    }

    /// Requests that went well.
    pub async fn fill(&self, numbers: std::ops::Range<i64>) {
        let mut progress = Progress::default();
        for n in numbers {
            self.deliver(n, self.connector, &json!({ "ProspectID": "in-a" })).await;
            progress.attempts.push(self.attempt(n, Event::Unchanged));
            progress.requests.push(Self::ended(n, Event::Unchanged));
        }
        self.keep(progress).await;
    }

    pub fn call(&self, n: i64, request: &str, response: &str) -> Call {
        Call {
            id: n,
            account: self.accounts[1],
            connector: Some(self.connector),
            at: at(n),
            milliseconds: 321,
            method: "POST",
            url: "https://api/v2/LeadManagement.svc/Lead.Capture".to_owned(),
            status: Some(500),
            request: request.into(),
            response: response.into(),
            error: Some("HTTP 500".to_owned()),
        }
    }
}
