//! Fixing what failed from its error: what a repair of a group of failures needs, what it would do, and
//! doing it.

mod choices;
mod trial;

pub use choices::{Choices, FieldItem, UnlistedValue};
pub use trial::{DryRun, StillFailing};

use std::collections::HashMap;

use jiff::Timestamp;
use plan::activity::ActivityMapping;
use plan::connector::Definition;
use plan::id::RequestId;
use plan::mapping::Mapping;
use plan::metadata::{ActivityType, Catalogue};
use plan::outcome::{Entity, RetryWith, SyncStatus};
use plan::payload::{Entry, Item};
use plan::problem::Problem;
use plan::repair::{Fix, Rows, field_of};
use store::{Actor, Configuration, Connector, Filter, Page, Retried, Retry, Selection, Store};

use crate::Admin;
use crate::connectors;
use crate::failures::{self, Group};
use crate::preview::NotPreviewed;
use crate::refused::{Refused, Result};
use crate::retry;

/// How many records of a group are examined, the newest.
pub const MOST_EXAMINED: usize = 100;
/// Their bodies together are at most about this long, in bytes.
const MOST_READ: usize = 8 << 20;
/// Bodies are read so many at a time: few may be large.
const AT_ONCE: usize = 25;

/// A group of failures that is being repaired.
#[derive(Debug)]
pub struct Case {
    /// The configuration.
    pub configuration: Configuration,
    /// The connector.
    pub connector: Connector,
    /// The group.
    pub group: Group,
    /// Its newest records.
    pub records: Vec<Sample>,
    /// The metadata of the source and of the destination as they were last read; `None` if one of them
    /// never was.
    pub metadata: Option<(Catalogue, Catalogue)>,
    /// Whose mapping rows a repair changes.
    pub rows: Rows,
}

/// A failed record.
#[derive(Debug)]
pub struct Sample {
    /// Its request.
    pub request: RequestId,
    /// Its place in the request, from 0.
    pub position: u32,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What a person recognises it by.
    pub known_as: Option<String>,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// Its error.
    pub error: Problem,
    /// When it is retried, if it is.
    pub next_attempt_at: Option<Timestamp>,
    /// The record as received; `None` if it can't be read.
    item: Option<Item>,
}

impl Case {
    /// Reads a group, its newest records and what is stored of its accounts. No account is called.
    ///
    /// # Errors
    /// There is no such connector or group, or the store failed.
    pub async fn open(
        store: &dyn Store,
        configuration: Configuration,
        (name, cause): (&str, &str),
    ) -> Result<Self> {
        let connector = connectors::known(&configuration, name)?.clone();
        let group = failures::known(store, &connector, cause).await?;
        let records = newest(store, name, cause).await?;
        let source = store.catalogue(connector.source).await?;
        let destination = store.catalogue(connector.destination).await?;
        let metadata =
            source.zip(destination).map(|((_, source), (_, destination))| (source, destination));
        let rows = rows_of(&connector.definition, &group.error, &records, metadata.as_ref());
        Ok(Self { configuration, connector, group, records, metadata, rows })
    }

    /// The destination's field that the group's error is about, by schema name.
    pub fn field(&self) -> Option<String> {
        match &self.metadata {
            Some(_) => field_of(&self.group.error, &choices::fields(self)),
            None => self.group.error.field.clone(),
        }
    }

    /// The connector's settings with this repair.
    ///
    /// # Errors
    /// The repair does not fit the settings.
    pub fn fixed(&self, fix: &Fix) -> Result<Definition> {
        let Some((source, destination)) = &self.metadata else {
            return Err(Refused::wrong(
                "fix",
                "needs the fields of both accounts; refresh them first",
            ));
        };
        let fixed = fix.apply(&self.connector.definition, self.rows, (source, destination));
        let fixed = fixed.map_err(|fault| Refused::Invalid(vec![fault]))?;
        match fixed.check() {
            faults if faults.is_empty() => Ok(fixed),
            faults => Err(Refused::Invalid(faults)),
        }
    }
}

/// Saves a repair as the connector's newest version, and retries the group.
///
/// # Errors
/// The repair does not fit the settings, they have changed since that version, or the store failed.
pub async fn apply(
    admin: &Admin,
    actor: &Actor,
    case: &Case,
    (fix, made_from): (&Fix, i64),
) -> Result<Retried> {
    let fixed = case.fixed(fix)?;
    connectors::save(admin, actor, &fixed, None, Some(made_from)).await?;
    retry_group(admin, actor, case).await
}

/// Retries a group with the current settings.
///
/// # Errors
/// The store failed.
pub async fn retry_group(admin: &Admin, actor: &Actor, case: &Case) -> Result<Retried> {
    let filter = Filter {
        connector: Some(case.group.connector.clone()),
        cause: Some(case.group.cause.clone()),
        ..Filter::default()
    };
    let selection = Selection::Failed(filter);
    let per_minute = Some(Retry::PER_MINUTE);
    Ok(retry::queue(admin, actor, Retry { selection, with: RetryWith::Now, per_minute }).await?)
}

/// Reads the metadata of both accounts again and stores it.
///
/// # Errors
/// An account did not return it, or the store failed.
pub async fn refresh_metadata(admin: &Admin, case: &Case) -> Result<(), NotPreviewed> {
    let (configuration, connector) = (&case.configuration, &case.connector);
    let source = configuration.account_of(connector.source)?;
    let destination = configuration.account_of(connector.destination)?;
    let read = admin.accounts.read_catalogues(&connector.definition, source, destination).await;
    let (here, there) = read.map_err(|unread| NotPreviewed::Account(unread.problem))?;
    for (account, mut read) in [(source, here), (destination, there)] {
        if let Some((_, stored)) = admin.store.catalogue(account.id).await? {
            keep_forms(&mut read, &stored);
        }
        admin.store.store_catalogue(account.id, &read, admin.now()).await?;
    }
    admin.wake.notify_one();
    Ok(())
}

/// The fields of activity types that other connectors need are not read for this one.
fn keep_forms(read: &mut Catalogue, stored: &Catalogue) {
    if read.activity_types.is_none() {
        read.activity_types.clone_from(&stored.activity_types);
    }
    if read.users.is_none() {
        read.users.clone_from(&stored.users);
    }
    let lacking = |kind: &&mut ActivityType| kind.fields.is_none();
    for kind in read.activity_types.iter_mut().flatten().filter(lacking) {
        kind.fields = stored.activity_type(kind.event).and_then(|stored| stored.fields.clone());
    }
}

/// The newest records of a connector that failed for this cause.
async fn newest(store: &dyn Store, connector: &str, cause: &str) -> store::Result<Vec<Sample>> {
    let filter = Filter {
        connector: Some(connector.to_owned()),
        cause: Some(cause.to_owned()),
        ..Filter::default()
    };
    let page = Page { limit: MOST_EXAMINED, after: None };
    let (lines, _) = store.request_lines(&filter, &page).await?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    let mut deliveries = HashMap::new();
    let ids: Vec<RequestId> = lines.iter().map(|line| line.id).collect();
    for (number, line) in lines.into_iter().enumerate() {
        if records.len() >= MOST_EXAMINED || bytes > MOST_READ {
            break;
        }
        if number % AT_ONCE == 0 {
            let next = &ids[number..ids.len().min(number + AT_ONCE)];
            deliveries = store.deliveries(next).await?.into_iter().collect();
        }
        let Some(delivery) = deliveries.remove(&line.id) else { continue };
        bytes += delivery.body.len();
        let read = delivery.origin.read(&delivery.body, delivery.content_type.as_deref());
        let mut entries: Vec<Option<Entry>> =
            read.unwrap_or_default().into_iter().map(Some).collect();
        let failed = line.records.into_iter().filter(|record| {
            let error = record.error.as_ref();
            record.sync_status == SyncStatus::Error && error.is_some_and(|e| e.cause() == cause)
        });
        for record in failed.take(MOST_EXAMINED - records.len()) {
            let Some(error) = record.error else { continue };
            let place = usize::try_from(record.position).unwrap_or(usize::MAX);
            let entry = entries.get_mut(place).and_then(Option::take);
            records.push(Sample {
                request: line.id,
                position: record.position,
                received_at: line.received_at,
                known_as: record.known_as,
                source_id: record.source_id,
                error,
                next_attempt_at: record.next_attempt_at,
                item: entry.and_then(std::result::Result::ok),
            });
        }
    }
    Ok(records)
}

/// Whose rows map the newest record: for an activity those of its type, unless its error is about a
/// field of its lead.
fn rows_of(
    definition: &Definition,
    error: &Problem,
    records: &[Sample],
    metadata: Option<&(Catalogue, Catalogue)>,
) -> Rows {
    let newest = records.iter().find_map(|record| record.item.as_ref());
    let activity = newest.filter(|item| item.entity() == Entity::Activity);
    let Some((item, (source, destination))) = activity.zip(metadata) else { return Rows::Leads };
    let activities = ActivityMapping::new(definition, source, destination);
    let Ok(kind) = activities.of(item) else { return Rows::Leads };
    let leads = Mapping::new(definition, source, destination);
    match &error.field {
        Some(field) if kind.mapping.row_to(field).is_none() && leads.row_to(field).is_some() => {
            Rows::Leads
        }
        _ => Rows::Activities(kind.from),
    }
}

/// How often something occurs, the most frequent first.
fn ranked<K: std::hash::Hash + Eq + Ord>(all: impl Iterator<Item = K>) -> Vec<(K, u64)> {
    let mut counts: HashMap<K, u64> = HashMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    let mut ranked: Vec<(K, u64)> = counts.into_iter().collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    ranked
}
