//! What other settings would make of what came lately, without doing it.

use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::RequestId;
use plan::outcome::Event;
use plan::preview::RecordPreview;
use plan::problem::Problem;
use serde::Serialize;
use store::{Configuration, Connector, Filter, Page, Store};

use crate::preview::{NotPreviewed, ReadCatalogues, preview};

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
    /// Why its body can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// What these settings would make of the connector's last requests, newest first. Nothing is
/// written and no account is asked, unless it never told what the settings need.
///
/// # Errors
/// The store failed, or an account does not say what is needed.
pub async fn draft(
    store: &dyn Store,
    catalogues: &dyn ReadCatalogues,
    (configuration, connector): (&Configuration, &Connector),
    definition: Definition,
    limit: usize,
) -> Result<Vec<DraftItem>, NotPreviewed> {
    let trial = Connector { definition, ..connector.clone() };
    let filter = Filter { connector: Some(connector.definition.name.clone()), ..Filter::default() };
    let (requests, _) = store.requests(&filter, &Page { limit, after: None }).await?;
    let mut items = Vec::with_capacity(requests.len());
    for request in requests {
        let Some(delivery) = store.delivery(request.id).await? else { continue };
        let content_type = delivery.content_type.as_deref();
        let which = (configuration, &trial);
        let previewed = preview(store, catalogues, which, &delivery.body, content_type).await;
        let (records, error) = match previewed {
            Ok(records) => (records, None),
            Err(NotPreviewed::Payload(problem)) => (Vec::new(), Some(problem)),
            Err(error) => return Err(error),
        };
        let was = request.records.iter().map(|record| record.event).collect();
        let (request, received_at) = (request.id, request.received_at);
        items.push(DraftItem { request, received_at, was, records, error });
    }
    Ok(items)
}
