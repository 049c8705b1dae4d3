//! Fills a store as the service itself does: through the operations that store deliveries and
//! outcomes, so that every table and count is realistic.

use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use plan::alert::Address;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::Link;
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::{Code, Problem};
use plan::quota::hour_of;
use store::{
    Actor, AttemptOutcome, Call, CallRef, Configuration, Lease, NewAlert, NewDelivery, Origin,
    Progress, Receives, RecordKey, RequestState, Spent, Stage, Store,
};

/// Requests per commit.
const COMMIT: usize = 1_000;
/// How long ago the first of them arrived.
const PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many times each lead occurs.
const CHANGES: usize = 5;
/// One in this many requests arrived at the disabled connector, and is held.
const HELD: usize = 50;
/// How many leads in a thousand share one phone number, as a family or a call centre does.
const SHARED: usize = 5;
/// That number, as searched in the log.
pub const SHARED_PHONE: &str = "919800000000";

/// What can be looked up afterwards.
pub struct Filled {
    /// Of a request that succeeded.
    pub request: RequestId,
    /// Of one that failed.
    pub failed: RequestId,
    /// The email address of a lead, and its id in the source.
    pub email: String,
    pub lead: String,
    /// The cause of some failures.
    pub cause: String,
    /// The number of an alert address.
    pub alert: i64,
}

/// Why records fail: the codes and the fields.
const CAUSES: [(Code, &str); 4] = [
    (Code::TooLong, "mx_Remarks"),
    (Code::MissingOption, "mx_City"),
    (Code::TypeMismatch, "mx_Budget"),
    (Code::UnknownUser, "OwnerId"),
];

/// Fills the store with this many records, the last of which arrived just before `now`.
pub async fn fill(store: &dyn Store, records: usize, now: Timestamp) -> anyhow::Result<Filled> {
    let configuration = store.configuration().await?;
    let accounts: Vec<AccountId> = configuration.accounts.iter().map(|one| one.id).collect();
    let ttl = Duration::from_hours(1);
    let lease = store.take_lease(&accounts, "bench", ttl).await?.context("nobody else has it")?;
    let maker = Maker::new(&configuration, records, now)?;
    for first in (0..records).step_by(COMMIT) {
        let numbers = first..(first + COMMIT).min(records);
        let deliveries = numbers.clone().map(|number| maker.delivery(number)).collect();
        store.store_deliveries(deliveries).await?;
        store.record_progress(&lease, maker.progress(numbers)).await?;
        if first % 100_000 == 0 {
            eprintln!("{first} of {records} records are stored");
        }
    }
    held(store, &maker, records / HELD).await?;
    mend(store, &lease, &maker, records).await?;
    let address = Address::Email("ops@example.com".to_owned());
    let alert = NewAlert { address, receives: Receives::ALERTS };
    let alert = store.add_alert(alert, &Actor("bench".to_owned()), now).await?;
    store.release_lease(&lease).await?;
    let last = |event| (0..records).rev().find(|number| maker.event(*number) == event);
    let of = |event| last(event).map(|number| maker.id(number)).context("too few records");
    Ok(Filled {
        request: of(Event::Updated)?,
        failed: of(Event::Failed)?,
        email: email(maker.lead(records / 2)),
        lead: id_in_source(maker.lead(records / 2)),
        cause: problem(0).cause(),
        alert,
    })
}

/// Generates a delivery and its outcome, by number.
struct Maker {
    connectors: [ConnectorId; 2],
    paused: ConnectorId,
    accounts: [AccountId; 2],
    begin: Timestamp,
    /// From one request to the next.
    step: SignedDuration,
    leads: usize,
}

fn email(lead: usize) -> String {
    format!("asha.rao.{lead}@example.com")
}

fn id_in_source(lead: usize) -> String {
    format!("00000000-0000-4000-8000-{lead:012}")
}

fn problem(number: usize) -> Problem {
    let (code, field) = CAUSES[number / 7 % CAUSES.len()];
    Problem::new(
        code,
        format!("The value of {field} in request {number} does not fit the destination's field."),
        "Change the value in the source, or give the mapping's row a default value.",
    )
    .about(field)
}

impl Maker {
    fn new(configuration: &Configuration, records: usize, now: Timestamp) -> anyhow::Result<Self> {
        let of = |name: &str| {
            let found = configuration.connector(name).map(|connector| connector.id);
            found.with_context(|| format!("there is no connector {name}"))
        };
        let account = |name: &str| {
            let found = configuration.account(name).map(|account| account.id);
            found.with_context(|| format!("there is no account {name}"))
        };
        Ok(Self {
            connectors: [of("there")?, of("back")?],
            paused: of("paused")?,
            accounts: [account("source")?, account("destination")?],
            begin: now.checked_sub(PERIOD)?,
            step: PERIOD / i32::try_from(records.max(1))?,
            leads: (records / CHANGES).max(1),
        })
    }

    fn at(&self, number: usize) -> Timestamp {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        self.begin.checked_add(self.step * number).unwrap_or(self.begin)
    }

    fn id(&self, number: usize) -> RequestId {
        // Several may arrive in one millisecond.
        RequestId::new(self.at(number), 1, i64::try_from(number % 4_096).unwrap_or(0))
    }

    fn connector(&self, number: usize) -> ConnectorId {
        self.connectors[usize::from(number % 5 > 2)]
    }

    fn lead(&self, number: usize) -> usize {
        // A different order each time, as changes arrive.
        (number % self.leads) * 7_919 % self.leads
    }

    fn event(&self, number: usize) -> Event {
        match number * 31 % 100 {
            _ if number < self.leads => Event::New,
            0..3 => Event::Failed,
            3..8 => Event::Skipped,
            8..35 => Event::Unchanged,
            _ => Event::Updated,
        }
    }

    fn delivery(&self, number: usize) -> NewDelivery {
        let lead = self.lead(number);
        let body = serde_json::json!({ "Before": {}, "After": {
            "ProspectID": id_in_source(lead),
            "FirstName": "Asha", "LastName": format!("Rao {number}"),
            "EmailAddress": email(lead), "Phone": format!("+91-7{lead:09}"),
            "ProspectStage": "Prospect", "Source": "Referral Sites", "mx_City": "Pune",
            "mx_State": "Maharashtra", "mx_Country": "India",
            "mx_Remarks": "The family asked for a call in the evening about the treatment plan.",
        }});
        NewDelivery {
            id: self.id(number),
            connector: self.connector(number),
            received_at: self.at(number),
            origin: Origin::Webhook,
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into(),
        }
    }

    fn progress(&self, numbers: std::ops::Range<usize>) -> Progress {
        let mut progress = Progress::default();
        for number in numbers {
            let event = self.event(number);
            let attempt = self.attempt(number, 1, event);
            progress.requests.push(self.state(number, event, attempt.at));
            if !attempt.calls.is_empty() {
                progress.calls.push(self.call(number, 1));
            }
            if event == Event::New {
                progress.links.push(self.link(number));
            }
            progress.attempts.push(attempt);
        }
        let calls = u32::try_from(progress.calls.len()).unwrap_or(u32::MAX);
        if let Some(call) = progress.calls.last() {
            progress.spent.push(Spent { account: call.account, hour: hour_of(call.at), calls });
        }
        progress
    }

    fn attempt(&self, number: usize, which: u32, event: Event) -> AttemptOutcome {
        let failed = event == Event::Failed;
        let lead = self.lead(number);
        let lag = match number % 1_000 {
            0 => SignedDuration::from_secs(90),
            n if n < 50 => SignedDuration::from_millis(2_500),
            n => SignedDuration::from_millis(i64::try_from(20 + n % 90).unwrap_or(20)),
        };
        let id = id_in_source(lead);
        let mut mentions = vec![email(lead), format!("917{lead:09}"), id.clone()];
        if lead % 1_000 < SHARED {
            mentions.push(SHARED_PHONE.to_owned());
        }
        let calls = matches!(event, Event::New | Event::Updated | Event::Failed);
        let call = CallRef { id: self.call_id(number, which), row: None };
        AttemptOutcome {
            key: RecordKey { request: self.id(number), position: 0 },
            connector: self.connector(number),
            entity: if number.is_multiple_of(20) { Entity::Activity } else { Entity::Lead },
            attempt: which,
            tries: which,
            at: self.at(number) + lag * i32::try_from(which).unwrap_or(1),
            event,
            sync_status: if failed { SyncStatus::Error } else { SyncStatus::Success },
            stage: Stage::Final,
            doubtful: false,
            known_as: Some(email(lead)),
            name: Some(format!("Asha Rao {lead}")),
            // As in a pair that works both ways.
            is_echo: event == Event::Unchanged && number.is_multiple_of(4),
            source_id: Some(id),
            destination_id: (!failed).then(|| format!("10000000-0000-4000-8000-{lead:012}")),
            problem: failed.then(|| problem(number)),
            explanation: Some(
                serde_json::json!({
                    "decision": "update", "why": ["the source changed what it shows"],
                    "fields": { "LastName": { "before": "Rao", "after": format!("Rao {number}") } },
                })
                .to_string(),
            ),
            version: 1,
            retry: None,
            calls: if calls { vec![call] } else { Vec::new() },
            mentions,
        }
    }

    fn call_id(&self, number: usize, which: u32) -> i64 {
        let node = i64::from(which) + 1;
        RequestId::new(self.at(number), node, i64::try_from(number % 4_096).unwrap_or(0)).number()
    }

    fn call(&self, number: usize, which: u32) -> Call {
        let to = usize::from(self.connector(number) == self.connectors[0]);
        Call {
            id: self.call_id(number, which),
            account: self.accounts[to],
            connector: Some(self.connector(number)),
            at: self.at(number),
            milliseconds: 48,
            method: "POST",
            url: "https://api-in21.leadsquared.com/v2/LeadManagement.svc/Lead.Update".to_owned(),
            status: Some(200),
            request: format!(
                r#"[{{"Attribute":"LastName","Value":"Rao {number}"}},{{"Attribute":"mx_City","Value":"Pune"}}]"#
            )
            .into(),
            response: r#"{"Status":"Success","Message":{"AffectedRows":1}}"#.into(),
            error: None,
        }
    }

    fn state(&self, number: usize, event: Event, at: Timestamp) -> RequestState {
        let failed = event == Event::Failed;
        RequestState {
            id: self.id(number),
            job_status: if failed { JobStatus::Failure } else { JobStatus::Success },
            sync_status: Some(if failed { SyncStatus::Error } else { SyncStatus::Success }),
            behaviour: "create_and_update",
            finished_at: Some(at),
            due: None,
        }
    }

    fn link(&self, number: usize) -> Link {
        let lead = self.lead(number);
        let [source, destination] = self.accounts;
        Link::new(
            Entity::Lead,
            (source, &id_in_source(lead)),
            (destination, &format!("10000000-0000-4000-8000-{lead:012}")),
        )
    }
}

/// What arrived at the disabled connector.
async fn held(store: &dyn Store, maker: &Maker, count: usize) -> anyhow::Result<()> {
    for first in (0..count).step_by(COMMIT) {
        let deliveries = (first..(first + COMMIT).min(count)).map(|number| {
            let id =
                RequestId::new(maker.at(number), 3, i64::try_from(number % 4_096).unwrap_or(0));
            NewDelivery { id, connector: maker.paused, ..maker.delivery(number) }
        });
        store.store_deliveries(deliveries.collect()).await?;
    }
    Ok(())
}

/// A quarter of the failures succeeded at a second try.
async fn mend(
    store: &dyn Store,
    lease: &Lease,
    maker: &Maker,
    records: usize,
) -> anyhow::Result<()> {
    let failed = (0..records).filter(|number| maker.event(*number) == Event::Failed);
    let mended: Vec<usize> = failed.step_by(4).collect();
    for some in mended.chunks(COMMIT) {
        let mut progress = Progress::default();
        for &number in some {
            let attempt = maker.attempt(number, 2, Event::Updated);
            progress.requests.push(maker.state(number, Event::Updated, attempt.at));
            progress.calls.push(maker.call(number, 2));
            progress.attempts.push(attempt);
        }
        store.record_progress(lease, progress).await?;
    }
    Ok(())
}
