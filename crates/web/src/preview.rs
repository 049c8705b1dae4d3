//! The effect of a payload, without applying it: for the API and the command line.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use plan::activity::ActivityMapping;
use plan::decide::Opposite;
use plan::link::{Link, Pair};
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::payload;
use plan::preview::{Previewed, RecordPreview};
use plan::problem::Problem;
use store::{Configuration, Connector, Store};

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
pub struct Asked<'a> {
    /// The configuration: an opposite connector counts too.
    pub configuration: &'a Configuration,
    /// The connector.
    pub connector: &'a Connector,
    /// The time.
    pub now: Timestamp,
}

/// The records of a webhook's body, and the outcome of each.
///
/// # Errors
/// [`NotPreviewed`].
pub async fn preview(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    asked: Asked<'_>,
    body: &[u8],
    content_type: Option<&str>,
) -> Result<Vec<RecordPreview>, NotPreviewed> {
    let Asked { configuration, connector, .. } = asked;
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let told = known_or_read(store, asking, connector, accounts).await?;
    preview_between(store, asked, (&told.0, &told.1), body, content_type).await
}

/// The same between two accounts with this metadata; neither is called.
///
/// # Errors
/// [`NotPreviewed`].
pub(crate) async fn preview_between(
    store: &dyn Store,
    Asked { configuration, connector, now }: Asked<'_>,
    (source, destination): (&Catalogue, &Catalogue),
    body: &[u8],
    content_type: Option<&str>,
) -> Result<Vec<RecordPreview>, NotPreviewed> {
    let mapping = Mapping::new(&connector.definition, source, destination);
    let activities = ActivityMapping::new(&connector.definition, source, destination);
    let back = configuration.opposite(connector).filter(|back| back.enabled);
    let back =
        back.map(|back| (&back.definition, Mapping::new(&back.definition, destination, source)));
    let opposite = back.as_ref().map(|(connector, mapping)| Opposite { connector, mapping });
    let previewed = Previewed {
        connector: &connector.definition,
        mapping: &mapping,
        activities: &activities,
        source: connector.source,
        destination: connector.destination,
        opposite,
        now,
    };
    let links = links(store, connector, body, content_type).await?;
    plan::preview::preview(previewed, body, content_type, |id| links.get(id).cloned())
        .map_err(NotPreviewed::Payload)
}

/// The metadata of the two accounts, as it is stored, or read now.
pub(crate) async fn known_or_read(
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

async fn links(
    store: &dyn Store,
    connector: &Connector,
    body: &[u8],
    content_type: Option<&str>,
) -> store::Result<HashMap<String, Link>> {
    let items = payload::read(body, content_type).unwrap_or_default();
    let ids: Vec<String> = items
        .iter()
        .flat_map(|item| [item.lead_id(), item.id()])
        .filter_map(|id| id.map(str::to_owned))
        .collect();
    let pair = Pair::of(connector.source, connector.destination);
    let side = pair.side(connector.source);
    let links = store.links(pair, side, &ids).await?;
    Ok(links.into_iter().map(|link| (link.end(side).id.clone(), link)).collect())
}
