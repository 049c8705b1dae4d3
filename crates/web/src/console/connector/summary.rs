//! `/connectors/{name}`: the state of a connector.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use store::{Cause, LinkCounts};

use super::page::{self, Shown, told};
use super::{Frame, Opened, entities, open};
use crate::Shared;
use crate::console::failures::failure_path;
use crate::console::log::{self, Line};
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};
use admin::log::FieldNames;
use admin::overview::OverviewQuery;
use admin::removal::forgotten;

/// How many of the newest requests are shown.
const NEWEST: usize = 8;
/// How many causes of failures are shown, and for how many days.
const CAUSES: usize = 5;
const DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "connector_summary.html")]
struct Summary {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    definition: Definition,
    version: i64,
    /// The newest requests.
    rows: Vec<Line>,
    failures: Vec<Failure>,
    /// The search keys by display name.
    matched_by: String,
    /// Since when it is held, and how many leads its webhooks had changed.
    held: Option<(Timestamp, u64)>,
    days: i64,
    /// The links that are forgotten if it is removed.
    forgotten: LinkCounts,
}

/// A cause of failures.
struct Failure {
    cause: Cause,
    /// How many records, as text.
    records: String,
    /// The page with its repairs.
    address: String,
}

impl Summary {
    /// Nothing is retried from here.
    #[expect(clippy::unused_self, reason = "the rows of the log ask for it")]
    fn has_ticks(&self) -> bool {
        false
    }

    /// What is forgotten if it is removed.
    fn forgotten(&self) -> String {
        let LinkCounts { leads, activities } = self.forgotten;
        let leads = counted(leads, "lead", "leads");
        format!("{leads} and {}", counted(activities, "activity", "activities"))
    }

    fn number(count: u64) -> String {
        number(count)
    }

    fn hours(hours: u32) -> String {
        plan::silence::hours(hours)
    }

    fn forgets(&self) -> bool {
        self.forgotten != LinkCounts::default()
    }

    fn leads(&self) -> &'static str {
        entities::behaviour_words(self.definition.lead.behaviour)
    }

    fn activities(&self) -> &'static str {
        entities::behaviour_words(self.definition.activity.behaviour)
    }
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Shown {
    let opened = open(&shared, &visitor, &name, "").await?;
    let summary = read(&shared, visitor, opened).await?;
    Ok(page::page(StatusCode::OK, &Summary { told: told(&given), ..summary }))
}

async fn read(
    shared: &Shared,
    visitor: Visitor,
    Opened { configuration, connector, frame }: Opened,
) -> store::Result<Summary> {
    let rows = log::newest(shared, &configuration, &frame.name, NEWEST).await?;
    let names = FieldNames::read(shared.store.as_ref(), [&connector]).await?;
    let basic = &connector.definition.basic;
    let keys = [Some(&basic.search_by), basic.secondary_search_by.as_ref()].into_iter().flatten();
    let keys: Vec<&str> = keys.map(|key| names.get(connector.destination, key)).collect();
    let matched_by = keys.join(", then ");
    let now = (shared.clock)();
    let begin = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(now);
    let between = (begin, OverviewQuery::up_to(now));
    let failures = shared.store.causes(between, Some(&[connector.id]), CAUSES).await?;
    let failure = |cause: Cause| Failure {
        records: counted(cause.records, "record", "records"),
        address: failure_path(&frame.name, &cause.cause),
        cause,
    };
    let failures = failures.into_iter().map(failure).collect();
    let forgotten = forgotten(shared.store.as_ref(), &configuration, &connector).await?;
    let kept = shared.store.mass_changes(&[connector.id]).await?;
    let held = kept.first().and_then(|(_, kept)| Some((kept.held_at?, kept.changes)));
    Ok(Summary {
        page: "Connectors",
        visitor,
        frame,
        told: None,
        definition: connector.definition,
        version: connector.version,
        rows,
        failures,
        matched_by,
        held,
        days: DAYS,
        forgotten,
    })
}
