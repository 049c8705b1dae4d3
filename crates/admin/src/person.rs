//! What is kept of one person: for requests of access and of erasure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plan::id::RequestId;
use plan::link::{Link, Side, is_covered};
use plan::mask::ERASED;
use plan::payload;
use plan::snapshot::Snapshot;
use serde::Serialize;
use store::{Actor, Configuration, Filter, Forgotten, Kept, Page, RecordItem, ReviewItem, Who};

use crate::Admin;

/// The most requests in an export, newest first.
const MOST_REQUESTS: usize = 5_000;

/// What is kept of a person.
#[derive(Debug, Serialize)]
pub struct PersonItem {
    /// The leads that are this person.
    pub leads: Vec<PersonLead>,
    /// What the two accounts last agreed on about them.
    pub links: Vec<PersonLink>,
    /// The requests that are about them, newest first, without others who are in them too.
    pub requests: Vec<PersonRequest>,
    /// Whether there are more requests.
    pub more_requests: bool,
    /// The reviews of the leads.
    pub reviews: Vec<ReviewItem>,
}

/// A lead of an account.
#[derive(Debug, Serialize)]
pub struct PersonLead {
    /// The account's name.
    pub account: String,
    /// The lead's ID.
    pub id: String,
}

/// A link of two leads, or two activities.
#[derive(Debug, Serialize)]
pub struct PersonLink {
    /// Both ends.
    pub ends: [PersonEnd; 2],
}

/// An end of a link.
#[derive(Debug, Serialize)]
pub struct PersonEnd {
    /// The account's name.
    pub account: String,
    /// The ID.
    pub id: String,
    /// The values that it had when the two last agreed, except for those that are only kept as keyed
    /// hashes.
    pub values: Snapshot,
}

/// A request about the person.
#[derive(Debug, Serialize)]
pub struct PersonRequest {
    /// The Request ID.
    pub id: RequestId,
    /// The connector's name.
    pub connector: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What it said about the person, a set of values for each record.
    pub received: Vec<Snapshot>,
    /// What was done about it. Of bulk calls, which others are in too, the contents are left out.
    pub records: Vec<RecordItem>,
}

/// Everything that is kept of a person. The audit log says that it was exported, and not of whom.
///
/// # Errors
/// Several people are meant and not all of them are wanted, or the store failed.
pub async fn export(admin: &Admin, who: &Who, actor: &Actor) -> store::Result<PersonItem> {
    let kept = admin.store.person(who).await?;
    let configuration = admin.store.configuration().await?;
    let mut requests: BTreeMap<RequestId, BTreeSet<u32>> = BTreeMap::new();
    for key in &kept.records {
        requests.entry(key.request).or_default().insert(key.position);
    }
    let newest: Vec<RequestId> = requests.keys().rev().copied().take(MOST_REQUESTS).collect();
    let mut items = Vec::with_capacity(newest.len());
    for ids in newest.chunks(Page::MOST) {
        items.extend(read(admin, ids, &requests).await?);
    }
    let reviews = reviews(admin, &kept).await?;
    admin.store.note_export(who, actor, admin.now()).await?;
    let name = |account| account_name(&configuration, account);
    let lead =
        |lead: &store::LeadOf| PersonLead { account: name(lead.account), id: lead.id.clone() };
    Ok(PersonItem {
        leads: kept.leads.iter().map(lead).collect(),
        links: kept.links.iter().map(|link| shown(&configuration, link)).collect(),
        more_requests: requests.len() > newest.len(),
        requests: items,
        reviews,
    })
}

/// Erases what is kept of a person.
///
/// # Errors
/// Several people are meant and not all of them are wanted, or the store failed.
pub async fn forget(admin: &Admin, who: &Who, actor: &Actor) -> store::Result<Forgotten> {
    let forgotten = admin.store.forget(who, actor, admin.now()).await?;
    // Whoever held the lease of the accounts lost it.
    admin.wake.notify_one();
    Ok(forgotten)
}

/// These requests, with only the person's records.
async fn read(
    admin: &Admin,
    ids: &[RequestId],
    positions: &BTreeMap<RequestId, BTreeSet<u32>>,
) -> store::Result<Vec<PersonRequest>> {
    let page = Page { limit: ids.len(), after: None };
    let filter = Filter { ids: ids.to_vec(), ..Filter::default() };
    let (items, _) = admin.store.requests(&filter, &page).await?;
    let deliveries = admin.store.deliveries(ids).await?;
    let mut requests = Vec::with_capacity(items.len());
    for item in items {
        let is_theirs = |position: u32| {
            positions.get(&item.id).is_some_and(|positions| positions.contains(&position))
        };
        let delivery = deliveries.iter().find(|(id, _)| *id == item.id);
        let entries = delivery.and_then(|(_, delivery)| {
            payload::read(&delivery.body, delivery.content_type.as_deref()).ok()
        });
        let entries = (0..).zip(entries.unwrap_or_default());
        let received = entries
            .filter(|(position, _)| is_theirs(*position))
            .filter_map(|(_, entry)| Some(entry.ok()?.state()));
        let received = received.collect();
        let mut records = item.records;
        records.retain(|record| is_theirs(record.position));
        let attempts = records.iter_mut().flat_map(|record| &mut record.attempts);
        let calls = attempts.flat_map(|attempt| &mut attempt.calls);
        for call in calls.filter(|call| call.row.is_some()) {
            (call.request, call.response) = (ERASED.to_owned(), ERASED.to_owned());
        }
        requests.push(PersonRequest {
            id: item.id,
            connector: item.connector,
            received_at: item.received_at,
            received,
            records,
        });
    }
    Ok(requests)
}

async fn reviews(admin: &Admin, kept: &Kept) -> store::Result<Vec<ReviewItem>> {
    let mut reviews = Vec::with_capacity(kept.reviews.len());
    for id in &kept.reviews {
        reviews.extend(admin.store.review(*id).await?);
    }
    Ok(reviews)
}

fn shown(configuration: &Configuration, link: &Link) -> PersonLink {
    let end = |side, account| {
        let end = link.end(side);
        let mut values = end.base.clone();
        values.0.retain(|_, value| !is_covered(value));
        PersonEnd { account: account_name(configuration, account), id: end.id.clone(), values }
    };
    PersonLink { ends: [end(Side::First, link.pair.first), end(Side::Second, link.pair.second)] }
}

fn account_name(configuration: &Configuration, account: plan::id::AccountId) -> String {
    let known = configuration.accounts.iter().find(|known| known.id == account);
    known.map(|known| known.name.clone()).unwrap_or_default()
}
