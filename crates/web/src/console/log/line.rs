//! A request as a row of the list.

use admin::log::{About, FieldNames, what_changed};
use jiff::Timestamp;
use plan::outcome::{Entity, Event};
use plan::state::State;
use store::{Configuration, RecordLine, RequestLine};

use super::address::Address;
use super::in_path;
use crate::console::words::counted;

/// A row of the list.
pub(in crate::console) struct Line {
    pub(in crate::console) id: String,
    pub(in crate::console) received_at: Timestamp,
    pub(in crate::console) connector: String,
    pub(in crate::console) state: State,
    /// What identifies the lead for a person.
    pub(in crate::console) lead: String,
    /// An activity is marked; nearly all records are leads.
    pub(in crate::console) is_activity: bool,
    /// What changed, or why nothing did.
    pub(in crate::console) what: String,
    pub(in crate::console) next_attempt_at: Option<Timestamp>,
    /// Why it failed, as failures are grouped.
    pub(in crate::console) cause: Option<String>,
    /// The other records of the request.
    pub(in crate::console) others: Option<String>,
    pub(in crate::console) has_failed: bool,
}

impl Line {
    pub(super) fn of(
        request: &RequestLine,
        address: &Address,
        (configuration, names): (&Configuration, &FieldNames),
    ) -> Self {
        let shown = shown(request, address);
        let of = |record: &RecordLine| {
            State::of(request.job_status, request.is_held, [record.standing()])
        };
        let id = request.id.to_string();
        let who = shown.and_then(|record| About::from(record).who()).map(str::to_owned);
        let failed = shown.filter(|record| record.event == Event::Failed);
        Self {
            lead: who.unwrap_or_else(|| format!("Request {id}")),
            received_at: request.received_at,
            connector: request.connector.clone(),
            state: shown.map_or_else(|| request.state(), of),
            is_activity: shown.is_some_and(|record| record.entity == Entity::Activity),
            what: what_changed(request, shown, configuration, names),
            next_attempt_at: shown.and_then(|record| record.next_attempt_at),
            cause: failed.and_then(|record| Some(record.error.as_ref()?.cause())),
            others: others(&request.records),
            has_failed: request.records.iter().any(|record| record.event == Event::Failed),
            id,
        }
    }

    /// The kind of the state, which has a colour.
    pub(in crate::console) fn tone(&self) -> &'static str {
        tone(self.state)
    }

    /// The page of the request.
    pub(in crate::console) fn path(&self) -> String {
        format!("/requests/{}", in_path(&self.id))
    }
}

/// The kind of a state, which has a colour.
pub(super) fn tone(state: State) -> &'static str {
    match state {
        State::Synced => "good",
        State::Failed => "bad",
        State::Review | State::Retrying | State::Held => "warn",
        State::Running => "busy",
        State::Queued | State::Skipped | State::NoChange => "quiet",
    }
}

/// The record that matches the list's filter; without a match, the one that matters most.
fn shown<'a>(request: &'a RequestLine, address: &Address) -> Option<&'a RecordLine> {
    let of =
        |record: &RecordLine| State::of(request.job_status, request.is_held, [record.standing()]);
    let (event, state) = (address.of("event"), address.of("state"));
    let is_wanted =
        |record: &&RecordLine| record.event.as_str() == event || of(record).as_str() == state;
    let wanted = request.records.iter().find(is_wanted);
    wanted.or_else(|| request.records.iter().min_by_key(|record| of(record)))
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
