//! The payload beside a mapping: the source of the sample values, and its outcome.

use admin::recent;
use plan::id::RequestId;
use plan::outcome::{Entity, SyncStatus};
use plan::payload::{self, Found, Item};
use store::{Connector, RequestLine};

use super::sheet::Which;
use crate::Shared;
use crate::console::page::Choice;

/// How many of the recent requests can be chosen.
const CHOICES: usize = 20;
/// How many of them are opened to find one that fits.
const OPENED: usize = 10;
/// The longest sample value that is shown, in characters.
const LONGEST_SAMPLE: usize = 80;
/// Stands for a pasted body, instead of a Request ID.
pub(super) const PASTED: &str = "pasted";

/// The payload that is shown.
#[derive(Default)]
pub(super) struct Payload {
    pub(super) choices: Vec<Choice>,
    /// The body that was pasted.
    pub(super) pasted: String,
    pub(super) is_pasted: bool,
    pub(super) body: Vec<u8>,
    content_type: Option<String>,
    /// The record of it that the mapping is about.
    item: Option<Item>,
}

impl Payload {
    /// The chosen one, or the first that fits this mapping: those that failed come first.
    pub(super) async fn read(
        shared: &Shared,
        connector: &Connector,
        which: Which,
        (chosen, pasted): (&str, &str),
    ) -> store::Result<Self> {
        let name = &connector.definition.name;
        let requests = recent::failed_first(shared.store.as_ref(), name, CHOICES).await?;
        let is_pasted = chosen == PASTED;
        let mut payload = Self { pasted: pasted.to_owned(), is_pasted, ..Self::default() };
        let mut shown = None;
        if is_pasted {
            payload.body = pasted.as_bytes().to_vec();
            payload.item = item(&payload.body, None, which);
        } else if let Ok(id) = chosen.parse::<RequestId>() {
            payload.open(shared, connector, id, which).await?;
            shown = Some(id).filter(|_| !payload.body.is_empty());
        } else {
            for id in requests.iter().take(OPENED).map(|request| request.id) {
                payload.open(shared, connector, id, which).await?;
                shown = Some(id);
                if payload.item.is_some() {
                    break;
                }
            }
            if payload.item.is_none()
                && let Some(first) = requests.first()
            {
                payload.open(shared, connector, first.id, which).await?;
                shown = Some(first.id);
            }
        }
        let is_listed = requests.iter().any(|request| Some(request.id) == shown);
        if let Some(id) = shown.filter(|_| !is_listed) {
            payload.choices.push(Choice {
                value: id.to_string(),
                label: id.to_string(),
                chosen: true,
            });
        }
        payload.choices.extend(requests.iter().map(|request| choice(request, shown)));
        Ok(payload)
    }

    /// Opens a request of the connector; those of others are out of reach here.
    async fn open(
        &mut self,
        shared: &Shared,
        connector: &Connector,
        id: RequestId,
        which: Which,
    ) -> store::Result<()> {
        let delivery = shared.store.delivery(id).await?;
        let is_own = |delivery: &store::Delivery| delivery.connector == connector.definition.name;
        if let Some(delivery) = delivery.filter(is_own) {
            self.item = item(&delivery.body, delivery.content_type.as_deref(), which);
            self.body = delivery.body;
            self.content_type = delivery.content_type;
        }
        Ok(())
    }

    /// Its Content-Type.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The record of it that the mapping is about.
    pub(super) fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// The value at this path, shortened.
    pub(super) fn sample(&self, from: &str) -> Option<String> {
        match self.item.as_ref()?.find(from) {
            Found::Absent => None,
            Found::Blank => Some(String::new()),
            Found::Text(text) => Some(shortened(&text)),
        }
    }
}

/// The beginning of a value that somebody else wrote.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SAMPLE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn choice(request: &RequestLine, shown: Option<RequestId>) -> Choice {
    let at = request.received_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let about = request.records.first().map(|record| {
        let who = record.known_as.as_deref().or(record.source_id.as_deref()).unwrap_or("?");
        format!(", {} {}", record.entity, shortened(who))
    });
    let failed = request.sync_status == Some(SyncStatus::Error);
    let failed = if failed { "Failed: " } else { "" };
    Choice {
        value: request.id.to_string(),
        label: format!("{failed}{at}{}", about.unwrap_or_default()),
        chosen: Some(request.id) == shown,
    }
}

/// The first record that the mapping is about.
fn item(body: &[u8], content_type: Option<&str>, which: Which) -> Option<Item> {
    let entries = payload::read(body, content_type).ok()?;
    let items: Vec<Item> = entries.into_iter().flatten().collect();
    match which {
        Which::Leads => {
            let lead = items.iter().find(|item| item.entity() == Entity::Lead).cloned();
            lead.or_else(|| items.iter().find_map(Item::lead))
        }
        Which::Activities(code) => items
            .into_iter()
            .find(|item| item.entity() == Entity::Activity && item.event() == Some(code)),
    }
}
