//! The states of requests ([`plan::state`]) as parts of statements.

use std::collections::HashSet;

use plan::outcome::Event;
use plan::problem::Code;
use plan::review::Reason;
use plan::state::State;

use super::filter::asks_for_errors;
use super::{QueryBuilder, push_list};
use crate::filter::{Echoes, Filter};

/// Whether the connector `c` is held: it is disabled, or waits until a person confirms a mass change.
pub(super) const HELD: &str = "(NOT c.enabled OR EXISTS (SELECT 1 FROM mass_change h \
                               WHERE h.connector = c.id AND h.held_at IS NOT NULL))";

/// All values of `record.state` but `echo`.
const NO_ECHO: &[&str] =
    &["synced", "no_change", "skipped", "review", "failed", "retrying", "queued"];

/// The values of `record.state` that a filter allows; `None` if it allows all.
pub(super) fn of_records(filter: &Filter) -> Option<&'static [&'static str]> {
    let hides = filter.echoes == Echoes::Without;
    match filter.state {
        Some(State::Synced) => Some(&["synced"]),
        Some(State::NoChange) if hides => Some(&["no_change"]),
        Some(State::NoChange) => Some(&["no_change", "echo"]),
        Some(State::Skipped) => Some(&["skipped"]),
        Some(State::Review) => Some(&["review"]),
        Some(State::Failed) => Some(&["failed"]),
        Some(State::Retrying) => Some(&["retrying"]),
        None if hides && is_maybe_echo(filter) => Some(NO_ECHO),
        None if filter.echoes == Echoes::Only => Some(&["echo"]),
        Some(State::Held | State::Running | State::Queued) | None => None,
    }
}

/// Whether the other conditions allow echoes, which are all unchanged.
pub(super) fn is_maybe_echo(filter: &Filter) -> bool {
    !asks_for_errors(filter) && filter.event.is_none_or(|event| event == Event::Unchanged)
}

/// Whether a record with the filter's event and cause can be in this state. The database would look
/// for one among all.
pub(super) fn can_be(filter: &Filter, state: State) -> bool {
    let is_pending = matches!(state, State::Held | State::Running | State::Queued);
    let by_event = |event: Event| match state {
        State::Synced => matches!(event, Event::New | Event::Updated),
        State::NoChange => event == Event::Unchanged,
        State::Skipped => event == Event::Skipped,
        State::Failed | State::Review | State::Retrying => event == Event::Failed,
        State::Held | State::Running | State::Queued => true,
    };
    let by_cause = |cause: &String| {
        let code = cause.split('/').next().and_then(|code| code.parse::<Code>().ok());
        let is_review = code.is_some_and(|code| Reason::from_code(code).is_some());
        match state {
            State::Review => is_review,
            State::Failed => !is_review,
            _ => is_pending || state == State::Retrying,
        }
    };
    filter.event.is_none_or(by_event) && filter.cause.as_ref().is_none_or(by_cause)
}

/// Whether a filter is for a state that a record has.
pub(super) fn asks_of_records(filter: &Filter) -> bool {
    filter.state.is_some() && of_records(filter).is_some()
}

/// Whether it is for a state in which a record has failed.
pub(super) fn asks_for_failures(filter: &Filter) -> bool {
    matches!(filter.state, Some(State::Failed | State::Review | State::Retrying))
}

/// Whether it is for a state of requests that have not ended.
pub(super) fn asks_for_open(filter: &Filter) -> bool {
    matches!(filter.state, Some(State::Held | State::Running | State::Queued))
}

/// Adds which connectors `c` can have requests of the filter's state.
pub(super) fn push_connectors(query: &mut QueryBuilder, filter: &Filter) {
    match filter.state {
        Some(State::Held) => query.push(format!(" AND {HELD}")),
        Some(State::Queued | State::Retrying) => query.push(format!(" AND NOT {HELD}")),
        _ => query,
    };
}

/// Adds a filter's conditions on the request `q` that follow from its state, except those on its
/// records.
pub(super) fn push_state(query: &mut QueryBuilder, filter: &Filter, running: &HashSet<i64>) {
    let Some(state) = filter.state else { return };
    let pending: &[&str] = match state {
        State::Running => {
            query.push(" AND q.finished_at IS NULL AND q.id IN ");
            // SQL has no empty lists; no request has this id.
            push_list(query, running.iter().copied().chain([-1]));
            return;
        }
        State::Held => &["retrying", "queued"],
        State::Queued => &["queued"],
        State::Retrying => &[],
        _ => return,
    };
    query.push(" AND q.connector IN (SELECT c.id FROM connector c WHERE 1 = 1");
    push_connectors(query, filter);
    query.push(") AND q.id NOT IN ");
    push_list(query, running.iter().copied().chain([-1]));
    if let [first, ..] = pending {
        // What was not processed yet has no record.
        query.push(
            " AND q.finished_at IS NULL AND (NOT EXISTS (SELECT 1 FROM record p \
             WHERE p.request = q.id) OR EXISTS (SELECT 1 FROM record p WHERE p.request = q.id \
             AND p.state IN (",
        );
        query.push(format!("'{first}'"));
        for state in &pending[1..] {
            query.push(format!(", '{state}'"));
        }
        query.push(")))");
    }
}

/// Adds that a record, which has this alias, has one of these states.
pub(super) fn push_any(query: &mut QueryBuilder, record: &str, states: &[&str]) {
    query.push(format!(" AND {record}.state IN ('{}')", states.join("', '")));
}
