//! Why a request was not synced, and what a person can do about it.

use plan::outcome::{Entity, Event};
use plan::state::State;
use store::{Count, Filter, RequestLine};

use super::{in_path, record};
use crate::Shared;
use crate::console::failures::failure_path;
use crate::console::visitor::Visitor;
use crate::console::words::number;

/// Why a record was not synced, and what a person can do about it.
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) advice: String,
    pub(super) is_failure: bool,
    pub(super) review: Option<String>,
    /// The mapping's row of the field that it is about.
    pub(super) mapping_row: Option<String>,
    /// The requests that failed for the same cause, and how many there are.
    pub(super) similar: Option<(String, String)>,
    /// Where all failures of this cause are fixed.
    pub(super) fix: Option<String>,
}

/// What the worst record of a request failed or was skipped for.
pub(super) async fn trouble(
    shared: &Shared,
    visitor: &Visitor,
    line: &RequestLine,
) -> store::Result<Option<Trouble>> {
    let of =
        |record: &&store::RecordLine| State::of(line.job_status, line.is_held, [record.standing()]);
    let worst = line.records.iter().filter(|record| record.error.is_some()).min_by_key(of);
    let Some((record, problem)) = worst.and_then(|worst| Some((worst, worst.error.as_ref()?)))
    else {
        return Ok(None);
    };
    let is_failure = record.event == Event::Failed;
    let cause = problem.cause();
    let mut similar = None;
    if is_failure {
        let filter = Filter {
            connector: Some(line.connector.clone()),
            cause: Some(cause.clone()),
            within: visitor.reach.limit(),
            ..Filter::default()
        };
        let Count { requests, more } = shared.store.count(&filter).await?;
        let others = requests.saturating_sub(1);
        let count = format!("{}{}", number(others), if more { "+" } else { "" });
        similar = (others > 0).then(|| (similar_path(&line.connector, &cause), count));
    }
    let field = problem.field.as_deref().filter(|_| record.entity == Entity::Lead);
    let field = field.filter(|_| is_failure && visitor.operates());
    Ok(Some(Trouble {
        message: problem.message.clone(),
        advice: problem.advice.clone(),
        is_failure,
        review: is_failure
            .then(|| record::review(record.entity, record.source_id.as_deref(), problem))
            .flatten(),
        mapping_row: field.map(|field| mapping_row(&line.connector, field)),
        similar,
        fix: is_failure.then(|| failure_path(&line.connector, &cause)),
    }))
}

fn similar_path(connector: &str, cause: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("cause", cause).append_pair("connector", connector).finish();
    format!("/requests?{query}")
}

/// The row of a connector's mapping that fills this field.
fn mapping_row(connector: &str, field: &str) -> String {
    let (connector, field) = (in_path(connector), in_path(field));
    format!("/connectors/{connector}/mapping?row={field}#row-{field}")
}
