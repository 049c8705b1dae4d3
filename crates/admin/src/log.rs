//! The log in words: who a request is about, what happened, and what it changed.

use std::collections::HashMap;

use plan::id::AccountId;
use plan::outcome::{Entity, Event, JobStatus};
use plan::state::{Standing, State};
use plan::work::{Explanation, Why};
use store::{Configuration, Connector, RecordItem, RecordLine, RequestLine, Store};

use crate::words::number;

/// How many changed fields are named; the others are counted.
const MOST_NAMED: usize = 2;

/// The display names of the fields of some accounts.
#[derive(Debug, Default)]
pub struct FieldNames {
    names: HashMap<(AccountId, String), String>,
}

impl FieldNames {
    /// Those of the accounts that these connectors sync between.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read<'a>(
        store: &dyn Store,
        connectors: impl IntoIterator<Item = &'a Connector>,
    ) -> store::Result<Self> {
        let ends = |connector: &Connector| [connector.source, connector.destination];
        let mut accounts: Vec<AccountId> = connectors.into_iter().flat_map(ends).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let mut names = HashMap::new();
        for account in accounts {
            let Some((_, catalogue)) = store.catalogue(account).await? else { continue };
            for field in catalogue.fields.iter() {
                names.insert((account, field.schema_name.clone()), field.display_name.clone());
            }
        }
        Ok(Self { names })
    }

    /// The same, where the account may not be known.
    pub fn of<'a>(&'a self, account: Option<AccountId>, schema_name: &'a str) -> &'a str {
        account.map_or(schema_name, |account| self.get(account, schema_name))
    }

    /// The display name of an account's field, or its schema name if it is not known.
    pub fn get<'a>(&'a self, account: AccountId, schema_name: &'a str) -> &'a str {
        let found = self.names.get(&(account, schema_name.to_owned()));
        found.map(String::as_str).filter(|name| !name.trim().is_empty()).unwrap_or(schema_name)
    }
}

/// What identifies a record to a reader: its lead, and what happened to it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its lead's name.
    pub name: Option<&'a str>,
    /// Its lead's email address or phone number.
    pub known_as: Option<&'a str>,
    /// The source's id of it.
    pub source_id: Option<&'a str>,
    /// A lead or an activity.
    pub entity: Entity,
    /// Its outcome.
    pub event: Event,
}

/// What a person recognises a lead by, of its name, its email address or phone number, and its id.
pub fn who(known: [Option<&str>; 3]) -> Option<&str> {
    known.into_iter().flatten().next()
}

impl<'a> About<'a> {
    /// What a person recognises the lead by: its name, or else an email address, a phone number or an
    /// id.
    pub fn who(&self) -> Option<&'a str> {
        who([self.name, self.known_as, self.source_id])
    }

    /// What happened to it in the destination, as a headline.
    pub fn headline(&self, state: State, destination: &str) -> String {
        let who = self.who().unwrap_or("An unnamed lead");
        let who = match self.entity {
            Entity::Lead => who.to_owned(),
            Entity::Activity => format!("An activity of {who}"),
        };
        match state {
            State::Synced if self.event == Event::New => {
                format!("{who} was created in {destination}")
            }
            State::Synced => format!("{who} was updated in {destination}"),
            State::NoChange => format!("{who} needed no change in {destination}"),
            State::Skipped => format!("{who} was skipped"),
            State::Failed => format!("{who} was not synced to {destination}"),
            State::Review => format!("{who} waits for a review"),
            State::Retrying => format!("{who} was not synced to {destination} yet"),
            State::Held => format!("{who} is on hold"),
            State::Running => format!("{who} is being synced to {destination}"),
            State::Queued => format!("{who} is queued"),
        }
    }
}

impl<'a> From<&'a RecordLine> for About<'a> {
    fn from(record: &'a RecordLine) -> Self {
        Self {
            name: record.name.as_deref(),
            known_as: record.known_as.as_deref(),
            source_id: record.source_id.as_deref(),
            entity: record.entity,
            event: record.event,
        }
    }
}

/// What the state of a record in the log depends on.
pub fn standing(record: &RecordItem) -> Standing {
    Standing {
        event: record.event,
        waits: record.next_attempt_at.is_some(),
        code: record.error.as_ref().map(|problem| problem.code),
    }
}

/// What a record changed, in a few words: `City, Stage +3`; or why it changed nothing.
pub fn what_changed(
    request: &RequestLine,
    record: Option<&RecordLine>,
    configuration: &Configuration,
    names: &FieldNames,
) -> String {
    let connector = configuration.connector(&request.connector);
    let Some(record) = record else {
        return waiting(request.job_status, request.is_held, connector).to_owned();
    };
    if let Some(problem) = &record.error {
        return problem.message.clone();
    }
    let explanation = record.explanation.as_ref().and_then(|raw| Explanation::read(raw.get()).ok());
    let explanation = explanation.unwrap_or_default();
    match record.event {
        Event::New => "Created".to_owned(),
        Event::Updated => updated(&explanation, connector, names),
        Event::Unchanged if request.is_echo => "Reports our own write".to_owned(),
        Event::Unchanged => unchanged(&explanation).to_owned(),
        Event::Skipped => "Skipped by the sync settings".to_owned(),
        Event::Failed => "No reason was returned".to_owned(),
    }
}

/// The fields that were written there, and those that were written back.
fn updated(explanation: &Explanation, connector: Option<&Connector>, names: &FieldNames) -> String {
    let destination = connector.map(|connector| connector.destination);
    let source = connector.map(|connector| connector.source);
    let (changes, back) = (explanation.changes(), explanation.changes_back());
    let there = changes.iter().filter(|change| !change.on_create);
    let there = counted(there.map(|change| names.of(destination, change.field)));
    let back = counted(back.iter().map(|change| names.of(source, change.field)));
    let to = connector.map_or("the source", |connector| connector.definition.source.as_str());
    let back = back.map(|back| format!("{back} back to {to}"));
    let parts: Vec<String> = [there, back].into_iter().flatten().collect();
    if parts.is_empty() { "Updated".to_owned() } else { parts.join("; ") }
}

/// Some names, with the number of the others; `None` if there are none.
fn counted<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    let others = names.len().saturating_sub(MOST_NAMED);
    let first = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match others {
        _ if names.is_empty() => None,
        0 => Some(first),
        others => Some(format!("{first} +{}", number(others as u64))),
    }
}

fn unchanged(explanation: &Explanation) -> &'static str {
    match explanation.plan.as_ref().and_then(|plan| plan.why) {
        Some(Why::SameAsSynced) => "No mapped field changed",
        Some(Why::Stale) => "A newer change was synced already",
        Some(Why::SameInDestination) => "The destination has the same values",
        Some(Why::Newer) => "The destination was changed later",
        Some(Why::MadeBefore) => "Created by an earlier attempt",
        None => "Nothing to change",
    }
}

/// Why a request has no outcome yet.
pub fn waiting(
    job_status: JobStatus,
    is_held: bool,
    connector: Option<&Connector>,
) -> &'static str {
    match job_status {
        JobStatus::Running => "In progress",
        _ if connector.is_some_and(|connector| !connector.enabled) => {
            "On hold until the connector is enabled"
        }
        _ if is_held => "On hold until the connector is resumed",
        JobStatus::Queued => "Waits to be processed",
        JobStatus::Success | JobStatus::Failure => "No records",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(event: Event) -> About<'static> {
        About {
            name: Some("Asha Nair"),
            known_as: Some("asha@example.com"),
            source_id: Some("lead-1"),
            entity: Entity::Lead,
            event,
        }
    }

    #[test]
    fn a_headline_says_what_happened_to_whom() {
        for (state, event, expected) in [
            (State::Synced, Event::New, "Asha Nair was created in patients"),
            (State::Synced, Event::Updated, "Asha Nair was updated in patients"),
            (State::NoChange, Event::Unchanged, "Asha Nair needed no change in patients"),
            (State::Failed, Event::Failed, "Asha Nair was not synced to patients"),
        ] {
            assert_eq!(about(event).headline(state, "patients"), expected);
        }
        let nameless = About { name: None, ..about(Event::New) };
        assert_eq!(nameless.who(), Some("asha@example.com"));
        let activity = About { entity: Entity::Activity, ..about(Event::New) };
        let headline = activity.headline(State::Synced, "patients");
        assert_eq!(headline, "An activity of Asha Nair was created in patients");
    }

    #[test]
    fn changed_fields_are_named_and_counted() {
        let of = |names: &[&str]| counted(names.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["City"]).as_deref(), Some("City"));
        assert_eq!(of(&["City", "Stage", "Phone", "Owner"]).as_deref(), Some("City, Stage +2"));
        let stored = r#"{"plan":{"decision":"update","fields":[{"to":"mx_City","value":"Pune"}]},
            "then":{"decision":"update_source","fields":[{"to":"Phone","value":"1"}]}}"#;
        let explanation = Explanation::read(stored).unwrap();
        let text = updated(&explanation, None, &FieldNames::default());
        assert_eq!(text, "mx_City; Phone back to the source");
    }

    #[test]
    fn what_needed_no_change_says_why() {
        let stored = r#"{"plan":{"decision":"unchanged","why":"same_as_synced"}}"#;
        let explanation = Explanation::read(stored).unwrap();
        assert_eq!(unchanged(&explanation), "No mapped field changed");
        assert_eq!(unchanged(&Explanation::default()), "Nothing to change");
    }
}
