//! Reading a webhook's body.
//!
//! Every shape of `docs/bodies.md` is read: an automation's `Before` / `After` / `Current`, a native
//! webhook's flat lead or `Before` / `After`, activities one by one or in an array, and the
//! `LeadPropertyList` of `Leads.RecentlyModified`, each as JSON, as a form, or as JSON strings in
//! either. From bytes to records: `charset` decodes them to text, `tree` parses that into a tree,
//! with `form` and [`crate::json`], and `shape` finds the records in it.

mod charset;
mod flat;
mod form;
mod found;
mod removals;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod verification;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::id::{ActivityId, LeadId};
use crate::identity::key::names_one;
use crate::json::Room;
use crate::moment;
use crate::outcome::Entity;
use crate::placeholder::Placeholders;
use crate::problem::{Code, Problem, shortened};
use crate::snapshot::Snapshot;
pub use found::Found;
use found::inside;
pub use removals::read_removals;
use tree::unreadable;
pub use verification::is_verification;

/// The maximum number of records in a body of 2 MiB or less. A smaller record than one of these
/// could contain no more than an id.
pub const MOST_RECORDS: usize = 20_000;
/// In a longer body, one record is accepted per this many bytes.
const SHORTEST_RECORD: usize = 100;
/// The longest id of a lead or an activity, in bytes. LeadSquared's have 36; databases index
/// longer ones badly or not at all.
pub const LONGEST_ID: usize = 256;

/// The blocks of an automation's payload, newest state first.
const STATES: [&str; 2] = ["Current", "After"];
/// The blocks in which payloads and reads keep an activity's own values.
const OF_ACTIVITY: [&str; 3] = ["Data", "ActivityFields", "Fields"];
/// The names of an activity's standard values: the one that mappings use, then those used by
/// payloads and reads (AD/get-activities-of-a-lead; live).
const STANDARD: [(&str, &[&str]); 2] = [
    ("ActivityNote", &["ActivityNote", "Note", "ActivityEvent_Note"]),
    ("ActivityDateTime", &["ActivityDateTime", "CreatedOn"]),
];
/// What only opportunities have.
const OF_OPPORTUNITIES: [&str; 2] = ["ProspectOpportunityId", "OpportunityEvent"];
/// From this event code on, activities are opportunities.
const FIRST_OPPORTUNITY: u32 = 12_000;

/// One lead or activity of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    entity: Entity,
    body: Map<String, Value>,
    removal: Option<Removal>,
}

/// Why a lead is no longer in its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was deleted.
    Deleted,
    /// It was merged into another one.
    Merged,
}

/// A record of a body, or why it can't be read.
pub type Entry = Result<Item, Problem>;

/// How many records are accepted from a body of this many bytes.
pub fn most_records(bytes: usize) -> usize {
    MOST_RECORDS.max(bytes / SHORTEST_RECORD)
}

/// The leads and activities of a body, independently: one that can't be read does not affect the
/// others.
///
/// # Errors
/// A [`Problem`] for the whole request: the body is neither JSON nor a form, contains nothing or
/// too much, or only a single item that is neither a lead nor an activity.
pub fn read(body: &[u8], content_type: Option<&str>) -> Result<Vec<Entry>, Problem> {
    let room = Room::of(body.len());
    let records = shape::records(tree::read(body, content_type, &room)?, &room);
    let most = most_records(body.len());
    if records.is_empty() {
        return Err(unreadable("The body is an empty list."));
    }
    if records.len() > most {
        return Err(unreadable(&format!(
            "The body holds {} records; a body of this size may have at most {most}.",
            records.len()
        )));
    }
    let is_list = records.len() > 1;
    let entries = records.into_iter().zip(1..).map(|(record, number)| {
        Item::of(record, &room).map_err(|what| {
            if !is_list {
                return unreadable(&format!("The body {what}."));
            }
            Problem::new(
                Code::UnreadableBody,
                format!("Record {number} of the body {what}."),
                "Fix the record where it comes from and resend it. The other records of the \
                 request are not affected.",
            )
        })
    });
    if is_list { Ok(entries.collect()) } else { entries.map(|entry| entry.map(Ok)).collect() }
}

/// The text of a body, whatever charset it is in, for a person to read.
pub fn text<'a>(body: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    charset::decode(body, charset::declared(content_type))
}

impl Item {
    /// The record that is this.
    ///
    /// # Errors
    /// Why it is not a record, as text after its name.
    fn of(value: Value, room: &Room) -> Result<Self, String> {
        if let Some(name) = room.named_twice(&value) {
            return Err(said_twice(name));
        }
        let mut body = match value {
            Value::Object(body) => body,
            Value::String(line) if line.starts_with('{') => {
                let error = room.read(&line).err().map_or_else(String::new, |e| format!(": {e}"));
                return Err(format!("is not JSON{error}"));
            }
            other => return Err(format!("is not an object but {}", shape::kind_of(&other))),
        };
        shape::open_blocks(&mut body, room)?;
        shape::plain_ids(&mut body);
        if let [one, other, ..] = shape::rivals(&body).as_slice() {
            return Err(format!(
                "has records in both `{one}` and `{other}`; only one of them is allowed"
            ));
        }
        let entity = if shape::is_activity(&body) { Entity::Activity } else { Entity::Lead };
        if entity == Entity::Lead {
            shape::lift_values(&mut body);
        }
        let item = Self { entity, body, removal: None };
        if [item.told_id(), item.told_lead_id()].into_iter().flatten().any(|id| !is_id(id)) {
            return Err("has an ID that is too long or contains control characters".to_owned());
        }
        if item.lead_id().is_none() && item.state().0.is_empty() {
            return Err("is neither a lead nor an activity".to_owned());
        }
        Ok(item)
    }

    /// A lead or an activity with these fields, as if posted by an automation.
    pub fn from_state(entity: Entity, state: &Snapshot) -> Self {
        let body = state.0.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        Self { entity, body: body.collect(), removal: None }
    }

    /// The same with blanks for placeholders, except where `stands` says that a field's value is
    /// meant literally.
    pub fn without(
        &self,
        placeholders: &Placeholders,
        stands: impl Fn(&str, &str) -> bool,
    ) -> Cow<'_, Self> {
        let is_one = |name: &str, text: &str| placeholders.has(text) && !stands(name, text);
        match flat::without(&self.body, placeholders, &is_one) {
            None => Cow::Borrowed(self),
            Some(body) => Cow::Owned(Self { body, ..self.clone() }),
        }
    }

    /// Whether it is an opportunity: those are activities of types from 12000 on, and their native
    /// webhooks name them by fields of their own (live).
    pub fn is_opportunity(&self) -> bool {
        self.entity == Entity::Activity
            && (OF_OPPORTUNITIES.iter().any(|name| self.body.contains_key(*name))
                || self.event().is_some_and(|code| code >= FIRST_OPPORTUNITY))
    }

    /// An activity whose payload has no id, with one made of what distinguishes it from others: its
    /// lead, type, time and fields.
    #[must_use]
    pub fn identified(&self) -> Self {
        let lead_id = self.told_lead_id().unwrap_or_default().to_lowercase();
        let id = flat::made_id(&lead_id, &self.state());
        let mut identified = self.clone();
        identified.body.insert("ProspectActivityId".to_owned(), id.into());
        identified
    }

    /// Why the lead is gone from the source, if it reports that.
    pub fn removal(&self) -> Option<Removal> {
        self.removal
    }

    /// Whether it is a lead or an activity.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The whole of it, for templates.
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// What the payload says at this path: one like `Current.FirstName`, or a plain name, which is
    /// looked up in `Current`, in `After` and at the top.
    pub fn find(&self, path: &str) -> Found<'_> {
        if let Some((block, name)) = path.split_once('.') {
            let block = shape::block(block).unwrap_or(block);
            if let Some(Value::Object(map)) = self.body.get(block) {
                return inside(map, name).unwrap_or(Found::Absent);
            }
            // For a lead, these wrap its fields, and were removed.
            let was_lifted = self.entity == Entity::Lead && OF_ACTIVITY.contains(&block);
            if !STATES.contains(&block) && !was_lifted {
                let states = STATES.iter().filter_map(|state| self.block(state));
                let found = states.chain([&self.body]).find_map(|map| inside(map, path));
                return found.unwrap_or(Found::Absent);
            }
            // A payload without blocks is nothing but the current state.
            if self.has_blocks() {
                return Found::Absent;
            }
            return inside(&self.body, name).unwrap_or(Found::Absent);
        }
        if self.entity == Entity::Activity
            && let Some(value) = self.of_activity(path)
        {
            return Found::of(Some(value));
        }
        for block in STATES {
            if let Some(value) = self.block(block).and_then(|map| map.get(path)) {
                return Found::of(Some(value));
            }
        }
        Found::of(self.body.get(path).filter(|value| !is_block(path, value)))
    }

    /// A value of the activity itself, by any of its names.
    fn of_activity(&self, name: &str) -> Option<&Value> {
        let alias = STANDARD.iter().find(|(_, names)| names.contains(&name));
        let names = alias.map_or(std::slice::from_ref(&name), |(_, names)| *names);
        let blocks = OF_ACTIVITY.iter().filter_map(|block| self.block(block));
        let top = (shape::block(name).is_none()).then_some(&self.body);
        blocks.chain(top).find_map(|map| names.iter().find_map(|name| map.get(*name)))
    }

    /// The lead's id in the source; for an activity, that of its lead.
    pub fn lead_id(&self) -> Option<LeadId> {
        self.told_lead_id().filter(|id| is_id(id)).map(LeadId::new)
    }

    /// The activity's id in the source.
    pub fn activity_id(&self) -> Option<ActivityId> {
        let told = (self.entity == Entity::Activity).then(|| self.told_id()).flatten();
        told.filter(|id| is_id(id)).map(ActivityId::new)
    }

    fn told_lead_id(&self) -> Option<&str> {
        const LEAD: &[&str] = &["ProspectID", "ProspectId"];
        if self.entity == Entity::Activity {
            // In `Current`, `RelatedProspectId` is a field of the lead.
            let own = self.of_activity("RelatedProspectId").and_then(Value::as_str);
            if let Some(id) = own.filter(|id| names_one(id)) {
                return Some(id);
            }
        }
        self.first_text(LEAD)
    }

    /// The lead that an activity's payload contains, as an automation's does.
    pub fn lead(&self) -> Option<Self> {
        let blocks = ["Before", "After", "Current"];
        let body: Map<String, Value> = blocks
            .iter()
            .filter_map(|block| Some(((*block).to_owned(), self.body.get(*block)?.clone())))
            .collect();
        if body.is_empty() {
            return flat::lead(&self.body, self.told_lead_id()).map(|body| Self {
                entity: Entity::Lead,
                body,
                removal: None,
            });
        }
        let lead = Self { entity: Entity::Lead, body, removal: None };
        lead.lead_id().is_some().then_some(lead)
    }

    /// The lead of an activity, with nothing known but its id.
    #[must_use]
    pub fn bare_lead(&self) -> Self {
        let id = self.told_lead_id().map(|id| ("ProspectID", id));
        Self::from_state(Entity::Lead, &id.into_iter().collect())
    }

    /// The code of the activity's type, if present.
    pub fn event(&self) -> Option<u32> {
        let code = ["ActivityEvent", "EventCode"].iter().find_map(|name| self.of_activity(name))?;
        match code {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().and_then(|code| u32::try_from(code).ok()),
        }
    }

    /// The name of the activity's type, if present.
    pub fn event_name(&self) -> Option<&str> {
        let names = ["ActivityEventName", "EventName"];
        names.iter().find_map(|name| self.of_activity(name)?.as_str())
    }

    /// The source's id of the record itself.
    pub fn id(&self) -> Option<String> {
        match self.entity {
            Entity::Lead => self.lead_id().map(String::from),
            Entity::Activity => self.activity_id().map(String::from),
        }
    }

    fn told_id(&self) -> Option<&str> {
        match self.entity {
            Entity::Lead => self.told_lead_id(),
            Entity::Activity => ["ProspectActivityId", "Id", "ProspectOpportunityId"]
                .iter()
                .find_map(|name| self.body.get(*name).and_then(Value::as_str))
                .filter(|id| names_one(id)),
        }
    }

    /// When the source last changed the lead or activity, by its own clock. ModifiedOn is UTC, also
    /// in accounts whose users are elsewhere (live).
    pub fn modified_on(&self) -> Option<Timestamp> {
        let found = match self.entity {
            Entity::Lead => self.find("ModifiedOn"),
            // The one in `Current` is the lead's.
            Entity::Activity => Found::of(self.of_activity("ModifiedOn")),
        };
        match found {
            Found::Text(text) => moment::instant(&text, &TimeZone::UTC),
            _ => None,
        }
    }

    /// Every field that the payload shows in the newest state of the lead or activity.
    pub fn state(&self) -> Snapshot {
        let mut state = Snapshot::default();
        let mut take = |map: &Map<String, Value>| {
            for (name, value) in map {
                if !is_block(name, value) {
                    let text = match Found::of(Some(value)) {
                        Found::Text(text) => text.into_owned(),
                        _ => String::new(),
                    };
                    state.put(name.as_str(), text);
                }
            }
        };
        take(&self.body);
        let blocks = match self.entity {
            Entity::Lead => STATES.as_slice(),
            Entity::Activity => OF_ACTIVITY.as_slice(),
        };
        for block in blocks.iter().rev() {
            if let Some(map) = self.block(block) {
                take(map);
            }
        }
        if self.entity == Entity::Activity {
            for (name, _) in STANDARD {
                let text = match Found::of(self.of_activity(name)) {
                    Found::Absent => continue,
                    Found::Blank => String::new(),
                    Found::Text(text) => text.into_owned(),
                };
                state.put(name, text);
            }
        }
        state
    }

    /// Every field of the lead as it was before the event, if the payload says what the event
    /// changed: `Before` merged with the current state. Blocks may contain only what changed, or
    /// omit what is empty; what only `After` shows was empty before, and what neither shows is
    /// unchanged.
    pub fn before(&self) -> Option<Snapshot> {
        let before = self.block("Before").filter(|before| !before.is_empty())?;
        let mut state = self.state();
        let mut take = |map: &Map<String, Value>, is_before: bool| {
            for (name, value) in map {
                let text = match Found::of(Some(value)) {
                    Found::Text(text) if is_before => text.into_owned(),
                    _ => String::new(),
                };
                state.put(name.as_str(), text);
            }
        };
        take(self.block("After").unwrap_or(&Map::new()), false);
        take(before, true);
        Some(state)
    }

    fn first_text(&self, names: &[&str]) -> Option<&str> {
        let blocks = STATES.iter().filter_map(|block| self.block(block));
        blocks
            .chain([&self.body])
            .chain(self.block("Before"))
            .flat_map(|map| names.iter().filter_map(|name| map.get(*name)))
            .filter_map(Value::as_str)
            .find(|id| names_one(id))
    }

    fn block(&self, name: &str) -> Option<&Map<String, Value>> {
        self.body.get(name).and_then(Value::as_object)
    }

    fn has_blocks(&self) -> bool {
        STATES.iter().any(|block| self.block(block).is_some())
    }
}

/// The text, to follow its name, that a record says something twice.
fn said_twice(name: &str) -> String {
    format!("has `{}` twice in one object, with different values", shortened(name))
}

/// Whether a text can be kept as the id of a lead or an activity: PostgreSQL accepts no NUL in a
/// text and no long text in an index.
pub fn is_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && !text.contains(char::is_control)
}

/// Whether a member is a block of fields, possibly empty, and not a field.
fn is_block(name: &str, value: &Value) -> bool {
    shape::block(name) == Some(name) && matches!(value, Value::Object(_) | Value::Null)
}
