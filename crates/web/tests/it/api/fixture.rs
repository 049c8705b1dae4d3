//! A log with something in it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use plan::review::{Candidate, Dispute, Reason, Review, Ruling};
use plan::snapshot::Snapshot;
use store::{
    AttemptOutcome, Call, CallRef, NewDelivery, NewReview, Origin, Progress, RecordKey,
    RequestState, Stage,
};

use crate::harness::{House, now};

/// So many seconds after the beginning.
pub fn at(number: i64) -> Timestamp {
    now() + SignedDuration::from_secs(number)
}

/// The request that came in the `number`th second.
pub fn id(number: i64) -> RequestId {
    RequestId::new(at(number), 1, 0)
}

/// Ten requests of the connector `ab`: every third failed, the last two are queued.
pub async fn ten(house: &House) {
    keep(house, false).await;
}

/// The same, and a person is asked about the leads of the first and the fourth.
pub async fn ten_and_reviews(house: &House) {
    keep(house, true).await;
}

async fn keep(house: &House, with_reviews: bool) {
    let store = &house.store;
    let configuration = store.configuration().await.unwrap();
    let connector = configuration.connectors[0].id;
    let accounts: Vec<_> = configuration.accounts.iter().map(|account| account.id).collect();
    let lease = store.take_lease(&accounts, "test", Duration::from_mins(1)).await;
    let lease = lease.unwrap().expect("nobody else has it");
    let deliveries = (0..10).map(|n| NewDelivery {
        id: id(n),
        connector,
        received_at: at(n),
        origin: Origin::Webhook,
        content_type: None,
        body: format!(r#"{{"ProspectID":"lead-{n}"}}"#).into(),
    });
    store.store_deliveries(deliveries.collect()).await.unwrap();
    let mut progress = Progress::default();
    for n in 0..8 {
        let failed = n % 3 == 0;
        let sync_status = if failed { SyncStatus::Error } else { SyncStatus::Success };
        progress.calls.push(Call {
            id: n,
            account: configuration.accounts[1].id,
            connector: Some(connector),
            at: at(n),
            milliseconds: 12,
            method: "POST",
            url: "https://api/v2/LeadManagement.svc/Lead.Capture".to_owned(),
            status: Some(200),
            request: "[]".into(),
            response: "{}".into(),
            error: None,
        });
        progress.attempts.push(AttemptOutcome {
            key: RecordKey { request: id(n), position: 0 },
            connector,
            entity: Entity::Lead,
            attempt: 1,
            tries: 1,
            at: at(n),
            event: if failed { Event::Failed } else { Event::New },
            sync_status,
            stage: Stage::Final,
            doubtful: false,
            known_as: Some(format!("Person{n}@example.com")),
            name: None,
            is_echo: false,
            source_id: Some(format!("lead-{n}")),
            destination_id: Some(format!("twin-{n}")),
            problem: failed
                .then(|| Problem::new(plan::problem::Code::TooLong, "It is too long.", "Cut it.")),
            explanation: Some(r#"{"why":"because"}"#.to_owned()),
            retry: None,
            version: 1,
            calls: vec![CallRef { id: n, row: None }],
            mentions: vec![format!("person{n}@example.com")],
        });
        progress.requests.push(RequestState {
            id: id(n),
            job_status: if failed { JobStatus::Failure } else { JobStatus::Success },
            sync_status: Some(sync_status),
            behaviour: "create_and_update",
            finished_at: Some(at(n + 1)),
            due: None,
        });
    }
    if with_reviews {
        let review = |n, review| NewReview {
            connector,
            source: configuration.accounts[0].id,
            destination: configuration.accounts[1].id,
            source_id: format!("lead-{n}"),
            known_as: Some(format!("person{n}@example.com")),
            request: id(n),
            at: at(n),
            knows_decision: false,
            review,
        };
        progress.reviews = vec![review(0, disagreement()), review(3, conflict())];
    }
    store.record_progress(&lease, progress).await.unwrap();
}

fn lead(fields: &[(&str, &str)]) -> Snapshot {
    fields.iter().copied().collect()
}

fn disagreement() -> Review {
    let candidate = |id: &str, key: &str, field: (&str, &str)| Candidate {
        lead_id: plan::id::LeadId::new(id),
        found_by: Some(key.to_owned()),
        fields: lead(&[("FirstName", id), field]),
        linked_to: None,
    };
    let (email, phone) = (("EmailAddress", "person0@example.com"), ("Phone", "+91-9988776655"));
    Review {
        reason: Reason::KeysDisagree,
        sends: lead(&[("FirstName", "Asha"), email, phone]),
        candidates: vec![
            candidate("twin-a", "EmailAddress", email),
            candidate("twin-b", "Phone", phone),
        ],
        disputes: Vec::new(),
    }
}

fn conflict() -> Review {
    let candidate = Candidate {
        lead_id: plan::id::LeadId::new("twin-3"),
        found_by: None,
        fields: lead(&[("City", "Agra")]),
        linked_to: None,
    };
    let dispute = Dispute {
        field: "City".to_owned(),
        source: "Pune".to_owned(),
        destination: "Agra".to_owned(),
        ruling: Ruling::Waits,
    };
    Review {
        reason: Reason::Conflict,
        sends: lead(&[("City", "Pune")]),
        candidates: vec![candidate],
        disputes: vec![dispute],
    }
}
