//! Showing what happens.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use plan::id::RequestId;
use plan::link::Pair;
use plan::outcome::Entity;
use sandbox::Sandbox;
use store::{Filter, Page, RequestItem, Store};

use super::{Accounts, SharedStore};
use crate::{node, output};

/// The fields by which two leads are compared, beside how many visits they made.
/// The event code of the emulated accounts' type *Site Visit*.
pub const SITE_VISIT: u32 = 201;
const COMPARED: [&str; 7] = [
    "FirstName",
    "LastName",
    "EmailAddress",
    "mx_City",
    "ProspectStage",
    "mx_Remarks",
    "mx_Country",
];

/// Prints one event.
pub fn say(place: &str, text: &str, json: bool) {
    let at = node::now();
    // The reader may be gone, and then the demo ends soon.
    let _ = if json {
        let event = serde_json::json!({ "at": at, "account": place, "event": text });
        output::line(&event.to_string())
    } else {
        output::line(&format!("{} {place:9} {text}", at.strftime("%H:%M:%S")))
    };
}

/// Prints the outcomes of requests, and a summary each second, until it is aborted.
pub async fn watch(store: SharedStore, accounts: Accounts, json: bool) {
    let mut seen: HashMap<RequestId, usize> = HashMap::new();
    let mut look = tokio::time::interval(Duration::from_millis(250));
    for round in 1u64.. {
        look.tick().await;
        let page = Page { limit: Page::MOST, after: None };
        let Ok((items, _)) = store.requests(&Filter::default(), &page).await else { continue };
        for item in items.iter().rev() {
            let attempts = item.records.iter().map(|record| record.attempts.len()).sum();
            if attempts > seen.insert(item.id, attempts).unwrap_or(0) {
                tell(item, &accounts, json);
            }
        }
        if round % 4 == 0 && summary(store.as_ref(), &accounts, json).await.is_err() {
            return;
        }
    }
}

fn tell(item: &RequestItem, accounts: &Accounts, json: bool) {
    let Some((source, destination)) = item.connector.split_once("-to-") else { return };
    for record in &item.records {
        let id = record.source_id.as_deref().unwrap_or_default();
        let lead = accounts.iter().find_map(|account| account.lead(id)).unwrap_or_default();
        let part = |name: &str| lead.get(name).cloned().flatten().unwrap_or_default();
        let name = match record.entity {
            Entity::Lead => format!("{} {}", part("FirstName"), part("LastName")),
            Entity::Activity => "a visit".to_owned(),
        };
        let calls: Vec<&str> = record
            .attempts
            .last()
            .into_iter()
            .flat_map(|attempt| &attempt.calls)
            .map(|call| call.url.split(".svc/").nth(1).unwrap_or(&call.url))
            .map(|call| call.split('?').next().unwrap_or(call))
            .collect();
        let how = if calls.is_empty() { "no call".to_owned() } else { calls.join(", ") };
        let took = item.finished_at.map_or(String::new(), |at| {
            format!(" after {} ms", at.duration_since(item.received_at).as_millis())
        });
        let why = record.error.as_ref().map_or(String::new(), |problem| format!(": {problem}"));
        let text = format!("  {name}: {} from {source}{took} ({how}){why}", record.event);
        say(destination, &text, json);
    }
}

/// How many requests wait or are being processed.
pub async fn open_requests(store: &dyn Store) -> Option<usize> {
    let mut count = 0;
    for status in [plan::outcome::JobStatus::Queued, plan::outcome::JobStatus::Running] {
        let filter = Filter { job_status: Some(status), ..Filter::default() };
        let page = Page { limit: Page::MOST, after: None };
        count += store.requests(&filter, &page).await.ok()?.0.len();
    }
    Some(count)
}

/// Prints the state of both accounts.
pub async fn summary(store: &dyn Store, accounts: &Accounts, json: bool) -> anyhow::Result<()> {
    let (total, same) = compare(accounts);
    let page = Page { limit: 50, after: None };
    let (items, _) = store.requests(&Filter::default(), &page).await?;
    let lags = items
        .iter()
        .filter_map(|item| Some(item.finished_at?.duration_since(item.received_at).as_millis()));
    let lag = lags.max().unwrap_or(0);
    let configuration = store.configuration().await?;
    let linked = match configuration.accounts.as_slice() {
        [one, other] => store.count_links(Pair::of(one.id, other.id)).await?.leads,
        _ => 0,
    };
    let calls: BTreeMap<&str, u64> =
        accounts.iter().map(|account| (account.name(), account.calls().total)).collect();
    let refused: u64 = accounts.iter().map(|account| account.calls().refused).sum();
    if json {
        let summary = serde_json::json!({
            "at": node::now(), "leads": total, "in_sync": same, "linked": linked,
            "lag_ms": u64::try_from(lag).unwrap_or(0), "calls": calls, "refused_calls": refused,
        });
        return output::line(&summary.to_string());
    }
    let spent: Vec<String> = calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
    output::line(&format!(
        "         ── {same} of {total} leads in sync · slowest of the last 50: {lag} ms · API calls: {}, \
         refused {refused}",
        spent.join(", ")
    ))
}

/// How many leads there are in either account, and how many of them are the same in both.
fn compare(accounts: &Accounts) -> (usize, usize) {
    let sides = accounts.each_ref().map(by_email);
    let emails: std::collections::BTreeSet<&String> =
        sides.iter().flat_map(BTreeMap::keys).collect();
    let same = emails
        .iter()
        .filter(|email| match (sides[0].get(**email), sides[1].get(**email)) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        })
        .count();
    (emails.len(), same)
}

fn by_email(account: &Sandbox) -> BTreeMap<String, Vec<Option<String>>> {
    account
        .leads()
        .iter()
        .filter_map(|id| account.lead(id))
        .map(|mut lead| {
            let email = lead.get("EmailAddress").cloned().flatten().unwrap_or_default();
            let id = lead.get("ProspectID").cloned().flatten().unwrap_or_default();
            let visits = account.activities(&id).into_iter();
            let visits = visits.filter(|(event, ..)| *event == SITE_VISIT).count();
            let fields = COMPARED.iter().map(|name| lead.remove(*name).flatten());
            (email, fields.chain([Some(visits.to_string())]).collect())
        })
        .collect()
}
