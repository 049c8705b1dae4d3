//! The effect of a payload, without applying it: for the API and the command line.

use std::fmt;

use jiff::Timestamp;
use plan::activity::{self, ActivityMapping};
use plan::id::LeadId;
use plan::link::Pair;
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::payload::{Entry, Item};
use plan::preview::{RecordPreview, Stored};
use plan::problem::Problem;
use plan::work::{Account, Context, Opposite};
use store::{Configuration, Connector, Origin, Store};

use crate::AskAccounts;

/// Why there is no preview.
#[derive(Debug)]
pub enum NotPreviewed {
    /// The store failed.
    Store(store::Error),
    /// An account did not return what is needed.
    Account(Problem),
    /// The payload can't be read.
    Payload(Problem),
}

impl fmt::Display for NotPreviewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Account(problem) | Self::Payload(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for NotPreviewed {}

impl From<store::Error> for NotPreviewed {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// A connector that is previewed, and when.
#[derive(Clone, Copy)]
pub struct Previewed<'a> {
    /// The configuration: an opposite connector counts too.
    pub configuration: &'a Configuration,
    /// The connector.
    pub connector: &'a Connector,
    /// The time.
    pub now: Timestamp,
}

/// A webhook's body.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// As it came.
    pub body: &'a [u8],
    /// Its Content-Type, if it is known.
    pub content_type: Option<&'a str>,
    /// Where it comes from, which says what it is about.
    pub origin: Origin,
}

impl<'a> Payload<'a> {
    /// A stored delivery.
    pub fn of(delivery: &'a store::Delivery) -> Self {
        Self {
            body: &delivery.body,
            content_type: delivery.content_type.as_deref(),
            origin: delivery.origin,
        }
    }
}

/// The records of a webhook's body, and the outcome of each.
///
/// # Errors
/// [`NotPreviewed`].
pub async fn preview(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    previewed: Previewed<'_>,
    payload: Payload<'_>,
) -> Result<Vec<RecordPreview>, NotPreviewed> {
    let Previewed { configuration, connector, .. } = previewed;
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let metadata = known_or_read(store, asking, connector, accounts).await?;
    preview_between(store, previewed, (&metadata.0, &metadata.1), payload).await
}

/// The same between two accounts with this metadata; neither is called.
///
/// # Errors
/// [`NotPreviewed`].
pub async fn preview_between(
    store: &dyn Store,
    previewed: Previewed<'_>,
    metadata: (&Catalogue, &Catalogue),
    payload: Payload<'_>,
) -> Result<Vec<RecordPreview>, NotPreviewed> {
    let entries = payload.origin.read(payload.body, payload.content_type);
    let rules = &previewed.connector.definition.activity;
    let entries: Vec<Entry> = entries
        .map_err(NotPreviewed::Payload)?
        .into_iter()
        .map(|entry| entry.map(|item| activity::identified(item, rules)))
        .collect();
    let mut stored = stored(store, previewed.connector, entries.iter().flatten()).await?;
    stored.overrides = payload.origin == Origin::Parity;
    in_context(previewed, metadata, |context| plan::preview::preview(context, entries, &stored))
}

/// What a retry of each of these records would do.
///
/// # Errors
/// The store failed.
pub async fn preview_retries(
    store: &dyn Store,
    previewed: Previewed<'_>,
    metadata: (&Catalogue, &Catalogue),
    items: Vec<Item>,
) -> Result<Vec<RecordPreview>, NotPreviewed> {
    let stored = stored(store, previewed.connector, &items).await?;
    in_context(previewed, metadata, |context| {
        let retry = |item| plan::preview::preview_retry(context, item, &stored);
        items.into_iter().map(retry).collect()
    })
}

/// Does this with all that surrounds the records of a connector.
fn in_context<T>(
    Previewed { configuration, connector, now }: Previewed<'_>,
    (source, destination): (&Catalogue, &Catalogue),
    preview: impl FnOnce(&Context<'_>) -> T,
) -> Result<T, NotPreviewed> {
    let mapping = Mapping::new(&connector.definition, source, destination);
    let activities = ActivityMapping::new(&connector.definition, source, destination);
    let back = configuration.opposite(connector).filter(|back| back.enabled);
    let back =
        back.map(|back| (&back.definition, Mapping::new(&back.definition, destination, source)));
    let account = |id| -> store::Result<Account<'_>> {
        Ok(Account { id, name: &configuration.account_of(id)?.name })
    };
    Ok(preview(&Context {
        connector: &connector.definition,
        leads: &mapping,
        activities: &activities,
        generation: 0,
        source: account(connector.source)?,
        destination: account(connector.destination)?,
        opposite: back.as_ref().map(|(connector, mapping)| Opposite { connector, mapping }),
        now,
        // Its first step is shown as of a lead whose past is known.
        unbroken: Timestamp::MIN,
    }))
}

/// The metadata of the two accounts, as it is stored, or read now.
pub async fn known_or_read(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    connector: &Connector,
    (source, destination): (&store::Account, &store::Account),
) -> Result<(Catalogue, Catalogue), NotPreviewed> {
    let kept = (store.catalogue(source.id).await?, store.catalogue(destination.id).await?);
    let has_all = |catalogue: &Catalogue| {
        !connector.definition.activity.enabled || catalogue.activity_types.is_some()
    };
    if let (Some((_, here)), Some((_, there))) = kept
        && has_all(&here)
        && has_all(&there)
    {
        return Ok((here, there));
    }
    asking
        .read_catalogues(&connector.definition, source, destination)
        .await
        .map_err(|refused| NotPreviewed::Account(refused.problem))
}

/// What is stored about these leads and activities.
async fn stored<'a>(
    store: &dyn Store,
    connector: &Connector,
    items: impl IntoIterator<Item = &'a Item>,
) -> store::Result<Stored> {
    let pair = Pair::of(connector.source, connector.destination);
    let (mut leads, mut ids) = (Vec::new(), Vec::new());
    for item in items {
        leads.extend(item.lead_id().map(String::from));
        ids.extend(item.id());
    }
    ids.extend(leads.iter().cloned());
    let gone = store.gone(connector.source, &leads).await?;
    Ok(Stored {
        links: store.links(pair, pair.side(connector.source), &ids).await?,
        reviews: store.standing_reviews(pair, &leads).await?,
        gone: gone.iter().map(|id| LeadId::new(id)).collect(),
        overrides: false,
    })
}
