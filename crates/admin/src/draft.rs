//! The outcome of recent requests under other settings, without writing anything.

use jiff::Timestamp;
use plan::check::{self, Finding};
use plan::connector::Definition;
use plan::id::RequestId;
use plan::outcome::Event;
use plan::preview::RecordPreview;
use plan::problem::Problem;
use serde::Serialize;
use store::{Configuration, Connector, Store};

use crate::AskAccounts;
use crate::preview::{NotPreviewed, Payload, Previewed, known_or_read, preview_between};
use crate::recent;

/// A request, its outcome, and its outcome under a draft.
#[derive(Debug, Serialize)]
pub struct DraftItem {
    /// The request.
    pub request: RequestId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The outcomes of its records.
    pub was: Vec<Event>,
    /// Their outcomes under the draft; empty if the body can't be read.
    pub records: Vec<RecordPreview>,
    /// Where they differ from the outcomes under the saved settings.
    pub differs: Vec<Differing>,
    /// Why its body can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// A field with another value than under the saved settings.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// The record's place in the request, from 0.
    pub record: usize,
    /// The destination's field by schema name.
    pub field: String,
    /// Its value under the saved settings, if any.
    pub saved: Option<String>,
    /// Its value under these settings.
    pub draft: Option<String>,
}

/// The outcome of the connector's recent requests under these settings: failed ones first, then the
/// newest. Nothing is written, and no account is called unless metadata that the settings need was never read.
///
/// # Errors
/// The store failed, or an account did not return what is needed.
pub async fn draft(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    previewed: Previewed<'_>,
    definition: Definition,
    limit: usize,
) -> Result<Vec<DraftItem>, NotPreviewed> {
    let Previewed { configuration, connector, .. } = previewed;
    let trial = Connector { definition, ..connector.clone() };
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let metadata = known_or_read(store, asking, &trial, accounts).await?;
    let metadata = (&metadata.0, &metadata.1);
    let requests = recent::failed_first(store, &connector.definition.name, limit).await?;
    let mut items = Vec::with_capacity(requests.len());
    for request in requests {
        let Some(delivery) = store.delivery(request.id).await? else { continue };
        // The mapping says nothing about a lead that is gone.
        if delivery.origin.removal().is_some() {
            continue;
        }
        let by = |connector| {
            let previewed = Previewed { connector, ..previewed };
            preview_between(store, previewed, metadata, Payload::of(&delivery))
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

/// The problems of unsaved settings, by the metadata of the accounts that was read last.
///
/// # Errors
/// The store failed, or metadata that is needed was never read and can't be read now.
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
