//! Why each field of a lead has its value: for the API and the console.
//!
//! The log is read from the oldest step to the newest. What a connector wrote to the lead is in the
//! explanation of that step; what the account itself changed is in the payload that it posted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::id::{AccountId, LeadId, RequestId};
use plan::link::{Pair, is_covered};
use plan::outcome::{Entity, Event};
use plan::phone;
use plan::snapshot::Snapshot;
use plan::work::{Explanation, FieldChange, Origin};
use serde::Serialize;
use store::{Actor, Configuration, Connector, HistoryItem, Store};

use crate::Admin;
use crate::access::Reach;

/// A lead of an account and its history.
#[derive(Debug, Serialize)]
pub struct LeadItem {
    /// The account's name.
    pub account: String,
    /// The lead's id in it.
    pub id: String,
    /// The same lead in other accounts.
    pub twins: Vec<Twin>,
    /// Its fields that are synced, by name.
    pub fields: Vec<FieldItem>,
    /// What happened, newest first.
    pub steps: Vec<StepItem>,
    /// Whether there are earlier steps, which were not read.
    pub more: bool,
}

/// A lead in another account that is linked to this one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Twin {
    /// The account's name.
    pub account: String,
    /// The lead's id in it.
    pub id: String,
}

/// A field with its last known value and its changes, newest first. Without changes, the value is the
/// one from when the lead was first read.
#[derive(Debug, Serialize)]
pub struct FieldItem {
    /// Its schema name.
    pub field: String,
    /// The last known value.
    pub value: String,
    /// Until when it is frozen, because it went back and forth between the accounts.
    pub frozen_until: Option<Timestamp>,
    /// Its changes.
    pub changes: Vec<ChangeItem>,
}

/// A change of a field.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeItem {
    /// The request that changed it,
    pub request: RequestId,
    /// its connector,
    pub connector: String,
    /// and when.
    pub at: Timestamp,
    /// Whether a connector wrote it, or the account itself posted it.
    pub made_by: MadeBy,
    /// The value before, if it is known.
    pub before: Option<String>,
    /// The value since.
    pub value: String,
    /// The origin of a written value.
    pub origin: Option<Origin>,
    /// The connector's version whose mapping wrote it.
    pub version: Option<i64>,
}

/// Who changed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// A connector wrote the value.
    Connector,
    /// The account posted it.
    Account,
}

/// A record about the lead.
#[derive(Debug, Serialize)]
pub struct StepItem {
    /// The request,
    pub request: RequestId,
    /// its connector,
    pub connector: String,
    /// and when it was processed.
    pub at: Timestamp,
    /// A lead, or an activity of it.
    pub entity: Entity,
    /// The outcome.
    pub event: Event,
    /// Whether it wrote to this account, or came from it.
    pub direction: Direction,
    /// The fields that it changed here.
    pub fields: Vec<String>,
    /// Why `fields` may lack some: what the log keeps of the step can't be read.
    pub unreadable: Option<String>,
}

/// The direction of a record, as this account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To this account.
    In,
    /// From this account.
    Out,
}

/// Releases a frozen field of a lead in reach; returns whether there was one.
///
/// # Errors
/// The store failed.
pub async fn release(
    admin: &Admin,
    (configuration, reach): (&Configuration, &Reach),
    account: &store::Account,
    id: &str,
    field: &str,
    actor: &Actor,
) -> store::Result<bool> {
    let id = LeadId::new(id);
    let id = id.as_str();
    if !is_in_reach(admin.store.as_ref(), (configuration, reach), account, id).await? {
        return Ok(false);
    }
    let mut was_frozen = false;
    for pair in pairs(configuration, account.id) {
        let end = (pair, pair.side(account.id));
        let now = (admin.clock)();
        was_frozen |= admin.store.release_field(end, id, field, actor, now).await?;
    }
    admin.wake.notify_one();
    Ok(was_frozen)
}

/// Whether a connector in reach has a record of this lead. That its account is in reach is not enough:
/// other connectors may sync other leads of it.
///
/// # Errors
/// The store failed.
pub async fn is_in_reach(
    store: &dyn Store,
    (configuration, reach): (&Configuration, &Reach),
    account: &store::Account,
    id: &str,
) -> store::Result<bool> {
    if *reach == Reach::All {
        return Ok(true);
    }
    let (history, _) = store.history(id).await?;
    Ok(history.iter().any(|item| {
        let mut connectors = configuration.connectors.iter().filter(|of| of.id == item.connector);
        connectors.any(|of| {
            reach.has(&of.definition.name) && direction(of, account.id, id, item).is_some()
        })
    }))
}

/// A lead of this account; `None` if the log has nothing about it, or if no connector in reach synced
/// it.
pub async fn lead(
    store: &dyn Store,
    (configuration, reach): (&Configuration, &Reach),
    account: &store::Account,
    id: &str,
    now: Timestamp,
) -> store::Result<Option<LeadItem>> {
    let id = LeadId::new(id);
    let id = id.as_str();
    if !is_in_reach(store, (configuration, reach), account, id).await? {
        return Ok(None);
    }
    let (history, more) = store.history(id).await?;
    let mut twins = Vec::new();
    let mut base = Snapshot::default();
    let mut frozen = BTreeMap::new();
    for pair in pairs(configuration, account.id) {
        let side = pair.side(account.id);
        for link in store.links(pair, side, &[id.to_owned()]).await? {
            if link.entity != Entity::Lead {
                continue;
            }
            let mut known = link.end(side).base.clone();
            known.0.retain(|_, value| !is_covered(value));
            base.absorb(&known);
            let still = link.end(side).frozen.iter().filter(|(_, until)| **until > now);
            frozen.extend(still.map(|(field, until)| (field.clone(), *until)));
            let other = if pair.first == account.id { pair.second } else { pair.first };
            let other = configuration.account_of(other)?.name.clone();
            twins.push(Twin { account: other, id: link.end(side.opposite()).id.clone() });
        }
    }
    let mut told = FieldHistory::default();
    for item in history.iter().rev() {
        let found = configuration.connectors.iter().find(|other| other.id == item.connector);
        let Some(connector) = found else { continue };
        let Some(direction) = direction(connector, account.id, id, item) else { continue };
        let (explanation, mut unreadable) = explanation_of(item);
        let changed = match direction {
            Direction::In => told.written(connector, item, &explanation),
            Direction::Out => {
                let state = state(store, item).await?.unwrap_or_else(|error| {
                    unreadable.get_or_insert(error);
                    Snapshot::default()
                });
                let mut changed = told.shown(connector, item, &state, &base);
                changed.extend(told.wrote(connector, item, explanation.changes_back()));
                changed
            }
        };
        told.steps.push(StepItem {
            request: item.request,
            connector: connector.definition.name.clone(),
            at: item.at,
            entity: item.entity,
            event: item.event,
            direction,
            fields: changed,
            unreadable,
        });
    }
    if told.steps.is_empty() && twins.is_empty() {
        return Ok(None);
    }
    twins.sort_unstable();
    told.steps.reverse();
    let fields = told.fields(&base, &frozen);
    let (account, id) = (account.name.clone(), id.to_owned());
    Ok(Some(LeadItem { account, id, twins, fields, steps: told.steps, more }))
}

/// The pairs of accounts with this one.
fn pairs(configuration: &Configuration, account: AccountId) -> Vec<Pair> {
    let connectors = configuration.connectors.iter();
    let mut pairs: Vec<Pair> = connectors
        .filter(|connector| [connector.source, connector.destination].contains(&account))
        .map(|connector| Pair::of(connector.source, connector.destination))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn direction(
    connector: &Connector,
    account: AccountId,
    id: &str,
    item: &HistoryItem,
) -> Option<Direction> {
    // An activity names its lead only among its search values.
    let is = |kept: &Option<String>| match item.entity {
        Entity::Lead => kept.as_deref().is_some_and(|kept| kept.eq_ignore_ascii_case(id)),
        Entity::Activity => true,
    };
    if connector.destination == account && is(&item.destination_id) {
        Some(Direction::In)
    } else if connector.source == account && is(&item.source_id) {
        Some(Direction::Out)
    } else {
        None
    }
}

/// What the payload of a step shows about the lead, or why it can't be read.
async fn state(store: &dyn Store, item: &HistoryItem) -> store::Result<Result<Snapshot, String>> {
    if item.entity != Entity::Lead {
        return Ok(Ok(Snapshot::default()));
    }
    let delivery = store.delivery(item.request).await?;
    let Some(delivery) = delivery.filter(|delivery| delivery.origin.removal().is_none()) else {
        return Ok(Ok(Snapshot::default()));
    };
    let entries = match delivery.origin.read(&delivery.body, delivery.content_type.as_deref()) {
        Ok(entries) => entries,
        Err(problem) => return Ok(Err(problem.message)),
    };
    let position = usize::try_from(item.position).unwrap_or(usize::MAX);
    Ok(match entries.get(position) {
        Some(Ok(item)) => Ok(item.state()),
        Some(Err(problem)) => Err(problem.message.clone()),
        None => Err(format!("The payload has no record {position}.")),
    })
}

/// What a step wrote, and why that can't be read.
fn explanation_of(item: &HistoryItem) -> (Explanation, Option<String>) {
    let read = item.explanation.as_ref().map(|raw| Explanation::read(raw.get()));
    match read.transpose() {
        Ok(explanation) => (explanation.unwrap_or_default(), None),
        Err(error) => (Explanation::default(), Some(error)),
    }
}

#[derive(Default)]
struct FieldHistory {
    /// Oldest first.
    changes: BTreeMap<String, Vec<ChangeItem>>,
    steps: Vec<StepItem>,
}

impl FieldHistory {
    /// What a connector wrote; returns the fields.
    fn written(
        &mut self,
        connector: &Connector,
        item: &HistoryItem,
        explanation: &Explanation,
    ) -> Vec<String> {
        let created = item.event == Event::New;
        let mut changes = explanation.changes();
        changes.retain(|change| created || !change.on_create);
        self.wrote(connector, item, changes)
    }

    fn wrote(
        &mut self,
        connector: &Connector,
        item: &HistoryItem,
        written: Vec<FieldChange<'_>>,
    ) -> Vec<String> {
        let created = item.event == Event::New;
        if item.entity != Entity::Lead || !(created || item.event == Event::Updated) {
            return Vec::new();
        }
        let mut fields = Vec::new();
        for change in written {
            fields.push(change.field.to_owned());
            let changes = self.changes.entry(change.field.to_owned()).or_default();
            let last = changes.last().map(|last| last.value.clone());
            changes.push(ChangeItem {
                request: item.request,
                connector: connector.definition.name.clone(),
                at: item.at,
                made_by: MadeBy::Connector,
                // A lead that did not exist had no values.
                before: change.before.map(str::to_owned).or(last).or(created.then(String::new)),
                value: change.value.to_owned(),
                origin: change.origin,
                version: Some(item.version),
            });
        }
        fields
    }

    /// What the account itself posted in the fields that matter; returns those that it changed.
    fn shown(
        &mut self,
        connector: &Connector,
        item: &HistoryItem,
        state: &Snapshot,
        base: &Snapshot,
    ) -> Vec<String> {
        let mut fields = Vec::new();
        for (field, value) in &state.0 {
            if base.get(field).is_none() && !self.changes.contains_key(field) {
                continue;
            }
            let changes = self.changes.entry(field.to_owned()).or_default();
            let before = changes.last().map(|last| last.value.clone());
            if before.as_deref().is_some_and(|before| same(before, value)) {
                continue;
            }
            // The value before the first change is not a change.
            if before.is_none() && value.trim().is_empty() {
                continue;
            }
            fields.push(field.to_owned());
            changes.push(ChangeItem {
                request: item.request,
                connector: connector.definition.name.clone(),
                at: item.at,
                made_by: MadeBy::Account,
                before,
                value: value.to_owned(),
                origin: None,
                version: None,
            });
        }
        fields
    }

    fn fields(&mut self, base: &Snapshot, frozen: &BTreeMap<String, Timestamp>) -> Vec<FieldItem> {
        let mut fields = Vec::new();
        for field in base.0.keys().chain(frozen.keys()) {
            self.changes.entry(field.to_owned()).or_default();
        }
        for (field, changes) in std::mem::take(&mut self.changes) {
            let last = changes.last().map(|last| last.value.clone());
            let value = base.get(&field).map(str::to_owned).or(last).unwrap_or_default();
            let changes = changes.into_iter().rev().collect();
            let frozen_until = frozen.get(&field).copied();
            fields.push(FieldItem { field, value, frozen_until, changes });
        }
        fields
    }
}

impl LeadItem {
    /// The last known value of a field, if it is filled.
    fn filled(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.field == name)?;
        Some(field.value.trim()).filter(|value| !value.is_empty())
    }

    /// The lead's name, or what else identifies it for a person.
    pub fn name(&self) -> String {
        let parts = ["FirstName", "LastName"].into_iter().filter_map(|name| self.filled(name));
        let name = parts.collect::<Vec<_>>().join(" ");
        if name.is_empty() { self.known_as().to_owned() } else { name }
    }

    /// What identifies the lead for a person.
    pub fn known_as(&self) -> &str {
        let names = ["EmailAddress", "Phone", "Mobile"];
        names.into_iter().find_map(|name| self.filled(name)).unwrap_or(&self.id)
    }
}

impl FieldItem {
    /// Whether it was never filled.
    pub fn is_idle(&self) -> bool {
        self.changes.is_empty() && self.value.trim().is_empty() && self.frozen_until.is_none()
    }

    /// Whether the field has the value of its last change. If not, the account was read since then.
    pub fn is_explained(&self) -> bool {
        self.changes.first().is_some_and(|last| same(&last.value, &self.value))
    }
}

/// Whether two texts are the same value, whatever the notation of numbers and times.
fn same(a: &str, b: &str) -> bool {
    const FEWEST_DIGITS: usize = 6;
    // An account returns times with milliseconds that nobody wrote.
    let [a, b] = [a, b].map(|text| text.trim().trim_end_matches(".000"));
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    let digits = phone::digits(a);
    a == b
        || (is_number(a)
            && is_number(b)
            && digits.len() >= FEWEST_DIGITS
            && digits == phone::digits(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_written_in_another_way_is_no_change() {
        for (a, b) in [
            ("+91-9988776655", "919988776655"),
            ("2026-12-08 15:15:00", "2026-12-08 15:15:00.000"),
            (" Pune", "Pune "),
        ] {
            assert!(same(a, b), "{a:?} {b:?}");
        }
        for (a, b) in [("Pune", "pune"), ("1", "2"), ("12", "1-2"), ("2026-12-08", "2026-12-09")] {
            assert!(!same(a, b), "{a:?} {b:?}");
        }
    }
    #[test]
    fn a_step_that_cannot_be_read_says_why() {
        let item = |explanation: &str| HistoryItem {
            request: RequestId::from_number(1),
            position: 0,
            connector: plan::id::ConnectorId(1),
            entity: Entity::Lead,
            event: Event::Updated,
            source_id: None,
            destination_id: None,
            explanation: Some(serde_json::from_str(explanation).expect("JSON")),
            version: 1,
            at: Timestamp::UNIX_EPOCH,
        };
        let (explanation, unreadable) = explanation_of(&item(r#"{"plan":{"decision":"conquer"}}"#));
        assert_eq!(explanation, Explanation::default());
        assert!(unreadable.expect("a reason").contains("conquer"));
        assert_eq!(explanation_of(&item("{}")).1, None);
    }
}
