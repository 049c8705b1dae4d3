//! What is failed now, in groups with one cause, and dismissing a group.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plan::id::{AccountId, RequestId};
use plan::problem::{Code, Problem};
use plan::repair::{Remedy, remedies};
use serde::Serialize;
use store::{Actor, Configuration, Connector, Dismissal, Failing, Store};

use crate::Admin;
use crate::log::FieldNames;
use crate::refused::{Refused, Result};

/// Failed records of one connector with one cause.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The connector.
    pub connector: String,
    /// The cause, as filters name it.
    pub cause: String,
    /// How many records.
    pub records: u64,
    /// How many of them wait for their next try.
    pub retrying: u64,
    /// When the oldest of their requests arrived.
    pub first_at: Timestamp,
    /// When the newest of their requests arrived.
    pub last_at: Timestamp,
    /// The newest of their requests.
    pub request: RequestId,
    /// The error of that request.
    pub error: Problem,
    /// The repairs that fit, the most likely first; none where not even a retry helps.
    pub repairs: &'static [Remedy],
    /// Whether somebody dismissed it, and whether it recurred since.
    pub dismissal: Option<Dismissal>,
}

impl Group {
    fn of(failing: Failing, connector: &str) -> Self {
        let Failing { cause, records, retrying, first, last, problem, dismissal, .. } = failing;
        Self {
            connector: connector.to_owned(),
            cause,
            records,
            retrying,
            first_at: first.received_at(),
            last_at: last.received_at(),
            request: last,
            repairs: remedies(problem.code),
            error: problem,
            dismissal,
        }
    }

    /// Whether it is dismissed, and has not recurred since.
    pub fn is_dismissed(&self) -> bool {
        self.dismissal.as_ref().is_some_and(|dismissal| dismissal.recurred_at.is_none())
    }

    /// Whether every record of it is retried anyway, so that nobody needs to do anything yet.
    pub fn is_retried(&self) -> bool {
        self.retrying >= self.records
    }
}

/// The titles of errors, with fields as the destination of each connector calls them.
#[derive(Debug, Default)]
pub struct Titles {
    names: FieldNames,
    destinations: BTreeMap<String, AccountId>,
}

impl Titles {
    /// Reads what titles of these errors need, each with its connector.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read<'a>(
        store: &dyn Store,
        configuration: &Configuration,
        errors: impl IntoIterator<Item = (&'a str, &'a Problem)>,
    ) -> store::Result<Self> {
        let of_fields = errors.into_iter().filter(|(_, error)| error.field.is_some());
        let named: BTreeSet<&str> = of_fields.map(|(connector, _)| connector).collect();
        let connectors: Vec<&Connector> =
            named.into_iter().filter_map(|name| configuration.connector(name)).collect();
        let destination = |one: &&Connector| (one.definition.name.clone(), one.destination);
        Ok(Self {
            destinations: connectors.iter().map(destination).collect(),
            names: FieldNames::read(store, connectors).await?,
        })
    }

    /// What went wrong at this connector, in a few words.
    pub fn of(&self, connector: &str, error: &Problem) -> String {
        let destination = self.destinations.get(connector);
        let field = destination.zip(error.field.as_ref());
        title(error, field.map(|(account, field)| self.names.get(*account, field)))
    }
}

/// What went wrong, in a few words, without the values of a single record. The field is named as given,
/// otherwise by its schema name.
pub fn title(problem: &Problem, field: Option<&str>) -> String {
    let of_field = |before: &str, otherwise: &str| match field.or(problem.field.as_deref()) {
        Some(field) => format!("{before} {field}"),
        None => otherwise.to_owned(),
    };
    match problem.code {
        Code::MissingOption => of_field("Value is not an option of", "Value is not an option"),
        Code::TooLong => of_field("Value is too long for", "Value is too long"),
        Code::TypeMismatch => of_field("Value does not fit", "Value has the wrong type"),
        Code::ReadOnlyField => of_field("Read-only field:", "Read-only field"),
        Code::UnknownField => of_field("Unknown field:", "Unknown field"),
        Code::BadTemplate => of_field("Computed value fails:", "Computed value fails"),
        Code::MandatoryMissing => of_field("Mandatory field is empty:", "Mandatory field is empty"),
        Code::NoKey => of_field("No usable search key:", "No usable search key"),
        Code::Duplicate => "Unique value belongs to another lead".to_owned(),
        Code::Ambiguous => "Several leads match".to_owned(),
        Code::KeysDisagree => "Search keys match different leads".to_owned(),
        Code::LinkedToAnother => "Match is linked to another lead".to_owned(),
        Code::Conflict => "Both accounts changed a field".to_owned(),
        Code::Alternates => "Field changes back and forth".to_owned(),
        Code::Credentials => "API keys rejected".to_owned(),
        Code::Unreachable => "Account unreachable".to_owned(),
        Code::AccountError => "Account failed to process the call".to_owned(),
        Code::Quota => "Daily quota used up".to_owned(),
        Code::Refused => match &problem.exception {
            Some(exception) => format!("Rejected by the account: {exception}"),
            None => "Rejected by the account".to_owned(),
        },
        Code::UnreadableBody => "Unreadable payload".to_owned(),
        Code::BodyTooLong => "Payload too long".to_owned(),
        Code::UnknownActivityType => "Unknown activity type".to_owned(),
        Code::NoActivityId => "Activity without an ID".to_owned(),
        Code::NoActivityType => "Activity without a type".to_owned(),
        Code::ActivityUnclear => "Ambiguous activity".to_owned(),
        Code::LeadNotFound => "Lead of the activity not found".to_owned(),
        Code::BadSearchKey => "Search key can't be used".to_owned(),
        Code::BadSetting => "Invalid setting".to_owned(),
        Code::UnreadableAnswer => "Unreadable response".to_owned(),
        Code::LeadGone => "Lead disappeared while it was synced".to_owned(),
        Code::TooManyCalls => "Too many API calls for one record".to_owned(),
        Code::Defect => "Internal error in leadsync".to_owned(),
        // Rare, or never the error of a record.
        _ => problem.message.clone(),
    }
}

/// All groups of these connectors, the largest first, [`Failing::MOST`] at most: those that need attention,
/// and those that somebody dismissed.
///
/// # Errors
/// The store failed.
pub async fn groups(
    store: &dyn Store,
    configuration: &Configuration,
) -> store::Result<(Vec<Group>, Vec<Group>)> {
    let connectors = &configuration.connectors;
    let ids: Vec<_> = connectors.iter().map(|connector| connector.id).collect();
    let groups = store.failing(&ids).await?.into_iter().filter_map(|failing| {
        let connector = connectors.iter().find(|connector| connector.id == failing.connector)?;
        Some(Group::of(failing, &connector.definition.name))
    });
    Ok(groups.partition(|group| !group.is_dismissed()))
}

/// The groups of these connectors that need attention: those that nobody dismissed.
///
/// # Errors
/// The store failed.
pub async fn open(store: &dyn Store, configuration: &Configuration) -> store::Result<Vec<Group>> {
    Ok(groups(store, configuration).await?.0)
}

/// The failed records of a connector with this cause.
///
/// # Errors
/// There are none.
pub async fn known(store: &dyn Store, connector: &Connector, cause: &str) -> Result<Group> {
    let none = || Refused::not_found("group of failures", cause, "failures");
    // No stored text has one, and PostgreSQL refuses it.
    if cause.contains('\0') {
        return Err(none());
    }
    let found = store.failing_for(connector.id, cause).await?;
    let name = &connector.definition.name;
    found.map(|failing| Group::of(failing, name)).ok_or_else(none)
}

/// Dismisses a group: it needs no attention until it recurs.
///
/// # Errors
/// The note is missing or too long, or there is no such group.
pub async fn dismiss(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    (cause, note): (&str, &str),
) -> Result<()> {
    let note = note.trim();
    if note.is_empty() {
        return Err(Refused::wrong("note", "is empty; say why these failures need no attention"));
    }
    if note.contains('\0') {
        return Err(Refused::wrong("note", "has a character that can't be stored"));
    }
    if note.chars().count() > Dismissal::LONGEST_NOTE {
        let what = format!("has more than {} characters", Dismissal::LONGEST_NOTE);
        return Err(Refused::wrong("note", what));
    }
    known(admin.store.as_ref(), connector, cause).await?;
    let which = (connector.id, connector.definition.name.as_str());
    Ok(admin.store.dismiss_failures(which, cause, note, actor, admin.now()).await?)
}

/// Restores a dismissed group: it needs attention again.
///
/// # Errors
/// It is not dismissed.
pub async fn restore(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    cause: &str,
) -> Result<()> {
    known(admin.store.as_ref(), connector, cause).await?;
    let which = (connector.id, connector.definition.name.as_str());
    Ok(admin.store.restore_failures(which, cause, actor, admin.now()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_title_without_the_values_of_a_record() {
        for code in Code::ALL.iter().filter(|code| remedies(**code).len() > 1) {
            let problem = Problem::new(*code, "mx_City has no option 'Bombay'.", "Look at it.");
            let title = title(&problem.about("mx_City"), None);
            assert!(!title.is_empty() && title.len() < 80, "{code}: {title}");
        }
        let problem = Problem::new(Code::MissingOption, "It has none.", "").about("mx_City");
        assert_eq!(title(&problem, None), "Value is not an option of mx_City");
        assert_eq!(title(&problem, Some("City")), "Value is not an option of City");
    }
}
