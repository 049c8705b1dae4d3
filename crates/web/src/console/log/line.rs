//! A request as a row of the list.

use jiff::Timestamp;
use plan::outcome::{Entity, Event, JobStatus};
use store::{Configuration, Connector, RecordLine, RequestLine};

use super::address::Address;
use crate::console::words::counted;

/// A row of the list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) received_at: Timestamp,
    pub(super) connector: String,
    pub(super) job_status: JobStatus,
    /// What identifies the lead for a person.
    pub(super) lead: String,
    pub(super) entity: Option<Entity>,
    pub(super) event: Option<Event>,
    /// The reason, in plain words.
    pub(super) reason: String,
    pub(super) next_attempt_at: Option<Timestamp>,
    /// Why it failed, as failures are grouped.
    pub(super) cause: Option<String>,
    /// All requests that failed for the same cause.
    pub(super) like_this: Option<String>,
    /// The other records of the request.
    pub(super) others: Option<String>,
    pub(super) has_failed: bool,
}

impl Line {
    pub(super) fn of(
        request: &RequestLine,
        address: &Address,
        configuration: &Configuration,
    ) -> Self {
        let wanted = address.of("event");
        let shown = request.records.iter().find(|record| record.event.as_str() == wanted);
        let failed = request.records.iter().find(|record| record.event == Event::Failed);
        let shown = shown.or(failed).or(request.records.first());
        let id = request.id.to_string();
        let known_as = shown.and_then(|record| {
            [&record.known_as, &record.source_id].into_iter().find_map(Clone::clone)
        });
        let cause = shown
            .filter(|record| record.event == Event::Failed)
            .and_then(|record| Some(record.error.as_ref()?.cause()));
        let other = cause.as_deref().filter(|cause| *cause != address.of("cause"));
        Self {
            lead: known_as.unwrap_or_else(|| format!("Request {id}")),
            id,
            received_at: request.received_at,
            connector: request.connector.clone(),
            job_status: request.job_status,
            entity: shown.map(|record| record.entity),
            event: shown.map(|record| record.event),
            reason: match shown {
                Some(record) => reason(record, request, configuration),
                None => waiting(request.job_status, configuration.connector(&request.connector))
                    .to_owned(),
            },
            next_attempt_at: shown.and_then(|record| record.next_attempt_at),
            like_this: other.map(|cause| address.with("cause", cause)),
            cause,
            others: others(&request.records),
            has_failed: failed.is_some(),
        }
    }
}

/// The outcomes of the records other than the one that is shown.
fn others(records: &[RecordLine]) -> Option<String> {
    let count = u64::try_from(records.len().checked_sub(1)?).ok().filter(|count| *count > 0)?;
    let mut parts = Vec::new();
    for event in Event::ALL {
        let of = records.iter().filter(|record| record.event == *event).count();
        if of > 0 {
            parts.push(format!("{of} {event}"));
        }
    }
    Some(format!("and {}; total {}", counted(count, "more", "more"), parts.join(", ")))
}

fn reason(record: &RecordLine, request: &RequestLine, configuration: &Configuration) -> String {
    if let Some(problem) = &record.error {
        return problem.message.clone();
    }
    let connector = configuration.connector(&request.connector);
    let destination = connector.map_or("the destination", |c| c.definition.destination.as_str());
    match record.event {
        Event::New => format!("Created in {destination}."),
        Event::Updated => format!("Updated in {destination}."),
        Event::Unchanged => format!("Already up to date in {destination}."),
        Event::Skipped => "Skipped by the sync settings.".to_owned(),
        Event::Failed => "Failed: no reason was returned.".to_owned(),
    }
}

/// Why a request has no outcome yet.
pub(super) fn waiting(job_status: JobStatus, connector: Option<&Connector>) -> &'static str {
    match job_status {
        JobStatus::Running => "In progress.",
        _ if connector.is_some_and(|connector| !connector.enabled) => {
            "On hold until the connector is enabled."
        }
        _ => "Queued.",
    }
}
