//! What other settings would make of what came lately, without doing it.

use jiff::Timestamp;
use plan::check::{self, Finding};
use plan::connector::Definition;
use plan::id::RequestId;
use plan::outcome::Event;
use plan::preview::RecordPreview;
use plan::problem::Problem;
use serde::Serialize;
use store::{Configuration, Connector, Filter, Page, Store};

use crate::AskAccounts;
use crate::preview::{Asked, NotPreviewed, known_or_read, preview_between};

/// A request, what became of it, and what would become of it.
#[derive(Debug, Serialize)]
pub struct DraftItem {
    /// The request.
    pub request: RequestId,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of its records.
    pub was: Vec<Event>,
    /// What would become of them now; empty if its body can't be read.
    pub records: Vec<RecordPreview>,
    /// Where that differs from what the saved settings would make of them.
    pub differs: Vec<Differing>,
    /// Why its body can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// A field that gets another value than by the saved settings.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// The record's place in the request, from 0.
    pub record: usize,
    /// The destination's field by schema name.
    pub field: String,
    /// What it would get by the saved settings, if anything.
    pub saved: Option<String>,
    /// What it would get by these.
    pub draft: Option<String>,
}

/// What these settings would make of the connector's last requests, newest first. Nothing is
/// written and no account is asked, unless it never told what the settings need.
///
/// # Errors
/// The store failed, or an account does not say what is needed.
pub async fn draft(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    asked: Asked<'_>,
    definition: Definition,
    limit: usize,
) -> Result<Vec<DraftItem>, NotPreviewed> {
    let Asked { configuration, connector, .. } = asked;
    let trial = Connector { definition, ..connector.clone() };
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let told = known_or_read(store, asking, &trial, accounts).await?;
    let told = (&told.0, &told.1);
    let filter = Filter { connector: Some(connector.definition.name.clone()), ..Filter::default() };
    let (requests, _) = store.requests(&filter, &Page { limit, after: None }).await?;
    let mut items = Vec::with_capacity(requests.len());
    for request in requests {
        let Some(delivery) = store.delivery(request.id).await? else { continue };
        // What the mapping makes of a lead says nothing of one that is gone.
        if delivery.origin.removal().is_some() {
            continue;
        }
        let content_type = delivery.content_type.as_deref();
        let by = |connector| {
            let asked = Asked { connector, ..asked };
            preview_between(store, asked, told, &delivery.body, content_type)
        };
        let (records, error) = match by(&trial).await {
            Ok(records) => (records, None),
            Err(NotPreviewed::Payload(problem)) => (Vec::new(), Some(problem)),
            Err(error) => return Err(error),
        };
        let differs =
            if error.is_none() { differing(&by(connector).await?, &records) } else { Vec::new() };
        let was = request.records.iter().map(|record| record.event).collect();
        let (request, received_at) = (request.id, request.received_at);
        items.push(DraftItem { request, received_at, was, records, differs, error });
    }
    Ok(items)
}

fn differing(saved: &[RecordPreview], draft: &[RecordPreview]) -> Vec<Differing> {
    let value = |record: &RecordPreview, to: &str| {
        let field = record.fields.iter().find(|field| field.to == to)?;
        field.sent.written().or(field.default.as_deref()).map(str::to_owned)
    };
    let mut differing = Vec::new();
    for (number, (saved, draft)) in saved.iter().zip(draft).enumerate() {
        let new = draft.fields.iter().filter(|field| saved.fields.iter().all(|f| f.to != field.to));
        for field in saved.fields.iter().chain(new) {
            let (before, after) = (value(saved, &field.to), value(draft, &field.to));
            if before != after {
                let field = field.to.clone();
                differing.push(Differing { record: number, field, saved: before, draft: after });
            }
        }
    }
    differing
}

/// What is wrong with settings that are not saved, by what the accounts said of themselves when
/// they were last asked.
///
/// # Errors
/// The store failed, or an account never said what is needed and does not say it now.
pub async fn check_draft(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    (configuration, connector): (&Configuration, &Connector),
    definition: Definition,
) -> Result<Vec<Finding>, NotPreviewed> {
    let trial = Connector { definition, ..connector.clone() };
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let (source, destination) = known_or_read(store, asking, &trial, accounts).await?;
    Ok(check::check(&trial.definition, &source, &destination))
}
