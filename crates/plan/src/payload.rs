//! Reading a webhook's body.
//!
//! Every shape of `docs/leadsquared.md#payloads` is read: an automation's `Before` / `After` / `Current`, a native
//! webhook's flat lead or `Before` / `After`, activities one by one or in an array, and the
//! `LeadPropertyList` of `Leads.RecentlyModified`, each as JSON or as a form.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::id::{ActivityId, LeadId};
use crate::json::{self, MOST_VALUES};
use crate::moment;
use crate::outcome::Entity;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
use crate::text;

/// More records than this are not taken from one body.
pub const MOST_RECORDS: usize = 2_000;
/// The longest id of a lead or an activity, in bytes. LeadSquared's have 36; databases index
/// longer ones badly or not at all.
pub const LONGEST_ID: usize = 256;

/// The blocks of an automation's payload, newest state first.
const STATES: [&str; 2] = ["Current", "After"];
/// The blocks in which payloads and reads keep an activity's own values.
const OF_ACTIVITY: [&str; 3] = ["Data", "ActivityFields", "Fields"];
/// The names of an activity's standard values: the one that mappings use, then those that payloads
/// and reads have (AD/get-activities-of-a-lead; live).
const STANDARD: [(&str, &[&str]); 2] = [
    ("ActivityNote", &["ActivityNote", "Note", "ActivityEvent_Note"]),
    ("ActivityDateTime", &["ActivityDateTime", "CreatedOn"]),
];

/// One lead or activity of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    entity: Entity,
    body: Map<String, Value>,
    removal: Option<Removal>,
}

/// Why a lead is not in its account any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was deleted.
    Deleted,
    /// It was merged into another one.
    Merged,
}

/// What a payload says of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing.
    Absent,
    /// That it is empty: null, an empty list or object, or a text in which nothing is to be seen.
    Blank,
    /// Its value.
    Text(Cow<'a, str>),
}

impl Found<'_> {
    fn of(value: Option<&Value>) -> Found<'_> {
        match value {
            None => Found::Absent,
            Some(Value::Null) => Found::Blank,
            Some(Value::String(text)) if text::is_blank(text) => Found::Blank,
            Some(Value::Array(values)) if values.iter().all(is_nothing) => Found::Blank,
            Some(Value::Object(map)) if map.is_empty() => Found::Blank,
            Some(Value::String(text)) => Found::Text(Cow::Borrowed(text)),
            Some(Value::Bool(yes)) => Found::Text(Cow::Borrowed(if *yes { "1" } else { "0" })),
            Some(other) => Found::Text(Cow::Owned(other.to_string())),
        }
    }
}

/// Whether an entry of a list says nothing.
fn is_nothing(value: &Value) -> bool {
    Found::of(Some(value)) == Found::Blank
}

/// The leads and activities of a body.
///
/// # Errors
/// A [`Problem`] for the whole request: the body is no JSON and no form, holds nothing, or holds
/// something that is neither a lead nor an activity.
pub fn read(body: &[u8], content_type: Option<&str>) -> Result<Vec<Item>, Problem> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if body.is_empty() {
        return Err(unreadable("The body is empty."));
    }
    let is_form = content_type
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("x-www-form-urlencoded"))
        && !matches!(body[0], b'{' | b'[');
    let value = if is_form { form(body)? } else { tree(body)? };
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut map) if map.get("Leads").is_some_and(Value::is_array) => {
            match map.remove("Leads") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    };
    if items.is_empty() {
        return Err(unreadable("The body is an empty list."));
    }
    if items.len() > MOST_RECORDS {
        return Err(unreadable(&format!(
            "The body holds {} records; at most {MOST_RECORDS} are taken from one.",
            items.len()
        )));
    }
    items.into_iter().enumerate().map(|(position, item)| Item::of(item, position)).collect()
}

/// Reads the body of a webhook that tells of leads which were deleted or merged: every lead that it
/// names, each of which may be gone, or not.
///
/// What LeadSquared posts of these is not known (`docs/leadsquared.md#payloads`). A guess: the lead as in
/// other webhooks, or ids under names that end in `ProspectId` or `LeadId`.
///
/// # Errors
/// As [`read`]; or it names no lead.
pub fn read_removals(
    body: &[u8],
    content_type: Option<&str>,
    removal: Removal,
) -> Result<Vec<Item>, Problem> {
    let mut found: Vec<Item> = Vec::new();
    for item in read(body, content_type)? {
        let mut ids = Vec::new();
        named_leads(&item.body, &mut ids);
        for id in item.lead_id().into_iter().chain(ids.into_iter().map(LeadId::new)) {
            if found.iter().any(|other| other.lead_id().as_ref() == Some(&id)) {
                continue;
            }
            let is_own = item.lead_id().as_ref() == Some(&id) && item.entity == Entity::Lead;
            let one = if is_own {
                item.clone()
            } else {
                let state = std::iter::once(("ProspectID", id.as_str())).collect();
                Item::from_state(Entity::Lead, &state)
            };
            found.push(Item { removal: Some(removal), ..one });
        }
    }
    if found.is_empty() {
        return Err(unreadable("The body names no lead that was deleted or merged."));
    }
    found.truncate(MOST_RECORDS);
    Ok(found)
}

/// The ids of leads that are anywhere in a body.
fn named_leads<'a>(body: &'a Map<String, Value>, ids: &mut Vec<&'a str>) {
    for (name, value) in body {
        let name = name.to_ascii_lowercase();
        match value {
            Value::String(id)
                if (name.ends_with("prospectid") || name.ends_with("leadid"))
                    && is_id(id)
                    && !id.trim().is_empty() =>
            {
                ids.push(id);
            }
            Value::Object(map) => named_leads(map, ids),
            Value::Array(list) => {
                list.iter().filter_map(Value::as_object).for_each(|map| named_leads(map, ids));
            }
            _ => {}
        }
    }
}

fn tree(body: &[u8]) -> Result<Value, Problem> {
    json::read(body)
        .map_err(|error| unreadable(&format!("The body is not JSON that can be read: {error}.")))
}

/// A form: its fields are the lead's, unless one field holds the JSON of all.
fn form(body: &[u8]) -> Result<Value, Problem> {
    let pairs: Vec<_> = form_urlencoded::parse(body).take(MOST_VALUES + 1).collect();
    if pairs.len() > MOST_VALUES {
        return Err(unreadable("The body is a form of too many fields."));
    }
    if let [(_, only)] = pairs.as_slice()
        && only.trim_start().starts_with(['{', '['])
    {
        return tree(only.as_bytes());
    }
    let map = pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    Ok(Value::Object(map.collect()))
}

fn unreadable(what: &str) -> Problem {
    Problem::new(
        Code::UnreadableBody,
        what,
        "Set the webhook's content type to application/json and send the payload that LeadSquared \
         proposes. The body is kept as it came.",
    )
}

impl Item {
    fn of(value: Value, position: usize) -> Result<Self, Problem> {
        let Value::Object(mut body) = value else {
            return Err(unreadable(&format!(
                "Record {} of the body is not an object but {}.",
                position + 1,
                kind_of(&value)
            )));
        };
        if let Some(Value::Array(properties)) = body.remove("LeadPropertyList") {
            body = from_properties(properties);
        }
        let has = |name: &str| body.contains_key(name);
        let entity = if has("ProspectActivityId")
            || (has("RelatedProspectId") && (has("ActivityEvent") || has("EventCode")))
        {
            Entity::Activity
        } else {
            Entity::Lead
        };
        if entity == Entity::Activity {
            for block in OF_ACTIVITY {
                if let Some(Value::Array(pairs)) = body.get(block) {
                    let values = from_pairs(pairs);
                    body.insert(block.to_owned(), Value::Object(values));
                }
            }
        }
        let item = Self { entity, body, removal: None };
        if [item.told_id(), item.told_lead_id()].into_iter().flatten().any(|id| !is_id(id)) {
            return Err(unreadable(&format!(
                "Record {} of the body has an id that is too long, or has control characters.",
                position + 1
            )));
        }
        if item.lead_id().is_none() && item.state().0.is_empty() {
            return Err(unreadable(&format!(
                "Record {} of the body names neither a lead nor an activity.",
                position + 1
            )));
        }
        Ok(item)
    }

    /// A lead or an activity with these fields, as if an automation had posted it.
    pub fn from_state(entity: Entity, state: &Snapshot) -> Self {
        let body = state.0.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        Self { entity, body: body.collect(), removal: None }
    }

    /// Why the lead is gone from the source, if that is what it tells.
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

    /// What the payload says at this place: a path like `Current.FirstName`, or a plain name,
    /// which is looked for in `Current`, in `After` and at the top.
    pub fn find(&self, path: &str) -> Found<'_> {
        if let Some((block, name)) = path.split_once('.') {
            if let Some(Value::Object(map)) = self.body.get(block) {
                return inside(map, name).unwrap_or(Found::Absent);
            }
            if !STATES.contains(&block) {
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
        Found::of(self.body.get(path).filter(|_| !is_block(path)))
    }

    /// A value of the activity itself, by any of its names.
    fn of_activity(&self, name: &str) -> Option<&Value> {
        let alias = STANDARD.iter().find(|(_, names)| names.contains(&name));
        let names = alias.map_or(std::slice::from_ref(&name), |(_, names)| *names);
        let blocks = OF_ACTIVITY.iter().filter_map(|block| self.block(block));
        let top = (!is_block(name)).then_some(&self.body);
        blocks.chain(top).find_map(|map| names.iter().find_map(|name| map.get(*name)))
    }

    /// The lead's id in the source; of an activity, that of the lead it is on.
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
            if let Some(id) = own.filter(|id| !id.trim().is_empty()) {
                return Some(id);
            }
        }
        self.first_text(LEAD)
    }

    /// The lead that an activity's payload shows beside it, as an automation's does.
    pub fn lead(&self) -> Option<Self> {
        let blocks = ["Before", "After", "Current"];
        let body: Map<String, Value> = blocks
            .iter()
            .filter_map(|block| Some(((*block).to_owned(), self.body.get(*block)?.clone())))
            .collect();
        let lead = Self { entity: Entity::Lead, body, removal: None };
        lead.lead_id().is_some().then_some(lead)
    }

    /// The lead that an activity is on, of which nothing but the id is known.
    #[must_use]
    pub fn bare_lead(&self) -> Self {
        let id = self.told_lead_id().map(|id| ("ProspectID", id));
        Self::from_state(Entity::Lead, &id.into_iter().collect())
    }

    /// The code of the activity's type, if it is told.
    pub fn event(&self) -> Option<u32> {
        let code = ["ActivityEvent", "EventCode"].iter().find_map(|name| self.of_activity(name))?;
        match code {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().and_then(|code| u32::try_from(code).ok()),
        }
    }

    /// The name of the activity's type, if it is told.
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
            Entity::Activity => ["ProspectActivityId", "Id"]
                .iter()
                .find_map(|name| self.body.get(*name).and_then(Value::as_str))
                .filter(|id| !id.trim().is_empty()),
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

    /// Every field that the payload shows of the newest state of the lead or activity.
    pub fn state(&self) -> Snapshot {
        let mut state = Snapshot::default();
        let mut take = |map: &Map<String, Value>| {
            for (name, value) in map {
                if !is_block(name) {
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

    fn first_text(&self, names: &[&str]) -> Option<&str> {
        let blocks = STATES.iter().filter_map(|block| self.block(block));
        blocks
            .chain([&self.body])
            .chain(self.block("Before"))
            .flat_map(|map| names.iter().filter_map(|name| map.get(*name)))
            .filter_map(Value::as_str)
            .find(|id| !id.trim().is_empty())
    }

    fn block(&self, name: &str) -> Option<&Map<String, Value>> {
        self.body.get(name).and_then(Value::as_object)
    }

    fn has_blocks(&self) -> bool {
        STATES.iter().any(|block| self.block(block).is_some())
    }
}

/// Whether a text can be kept as the id of a lead or an activity: PostgreSQL keeps no NUL in a
/// text and no long text in an index.
pub fn is_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && !text.contains(char::is_control)
}

fn is_block(name: &str) -> bool {
    matches!(name, "Before" | "After" | "Current") || OF_ACTIVITY.contains(&name)
}

/// What is at a path inside an object. A custom field set is a text of JSON in reads (client code)
/// and is walked into as well.
fn inside<'a>(map: &'a Map<String, Value>, path: &str) -> Option<Found<'a>> {
    if let Some(value) = map.get(path) {
        return Some(Found::of(Some(value)));
    }
    let (first, rest) = path.split_once('.')?;
    match map.get(first)? {
        Value::Object(map) => inside(map, rest),
        Value::String(text) if text.trim_start().starts_with('{') => {
            let map = json::object(text)?;
            Some(match inside(&map, rest)? {
                Found::Absent => Found::Absent,
                Found::Blank => Found::Blank,
                Found::Text(text) => Found::Text(Cow::Owned(text.into_owned())),
            })
        }
        _ => None,
    }
}

/// Values of a list of `{"Key","Value"}`, or of `{"SchemaName","Value"}`.
fn from_pairs(pairs: &[Value]) -> Map<String, Value> {
    let pair = |pair: &Value| {
        let name = ["Key", "SchemaName"].iter().find_map(|name| pair.get(*name)?.as_str())?;
        Some((name.to_owned(), pair.get("Value").cloned().unwrap_or(Value::Null)))
    };
    pairs.iter().filter_map(pair).collect()
}

fn from_properties(properties: Vec<Value>) -> Map<String, Value> {
    let mut body = Map::new();
    for property in properties {
        let Value::Object(mut property) = property else { continue };
        let Some(Value::String(name)) = property.remove("Attribute") else { continue };
        let fields = property.remove("Fields");
        let value = match (property.remove("Value"), fields) {
            (None | Some(Value::Null), Some(Value::Array(fields))) if !fields.is_empty() => {
                Value::Object(from_properties(fields))
            }
            (value, _) => value.unwrap_or(Value::Null),
        };
        body.insert(name, value);
    }
    body
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str) -> Item {
        let mut items = read(json.as_bytes(), None).expect(json);
        assert_eq!(items.len(), 1, "{json}");
        items.remove(0)
    }

    fn lead_id(item: &Item) -> Option<String> {
        item.lead_id().map(String::from)
    }

    fn text(item: &Item, path: &str) -> String {
        match item.find(path) {
            Found::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_automations_payload_shows_the_newest_state() {
        let item = one(
            r#"{"Before":{"ProspectID":"a","City":"Pune"},"After":{"ProspectID":"a","City":"Delhi"},
                "Current":{"ProspectID":"a","City":"Agra","Score":54,"Fax":null,"DoNotCall":true,
                           "ModifiedOn":"2026-01-02 03:04:05.000"}}"#,
        );
        assert_eq!(lead_id(&item).as_deref(), Some("a"));
        assert_eq!(text(&item, "City"), "Agra");
        assert_eq!(text(&item, "After.City"), "Delhi");
        assert_eq!(text(&item, "Before.City"), "Pune");
        assert_eq!(text(&item, "Score"), "54");
        assert_eq!(text(&item, "DoNotCall"), "1");
        assert_eq!(item.find("Fax"), Found::Blank);
        assert_eq!(item.find("Phone"), Found::Absent);
        assert_eq!(item.find("Current"), Found::Absent, "a block is no field");
        assert_eq!(item.modified_on(), Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(item.state().get("City"), Some("Agra"));
        assert_eq!(item.state().get("Fax"), Some(""));
    }

    #[test]
    fn other_shapes_show_the_same_lead() {
        for shape in [
            r#"{"ProspectID":"a","City":"Agra"}"#,
            r#"[{"ProspectID":"a","City":"Agra"}]"#,
            r#"{"Before":{"ProspectID":"a","City":"Pune"},"After":{"ProspectID":"a","City":"Agra"}}"#,
            r#"{"Before":null,"After":{},"Current":{"ProspectID":"a","City":"Agra"}}"#,
            r#"{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"City","Value":"Agra"}]}"#,
            r#"{"RecordCount":1,"Leads":[{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"City","Value":"Agra"}]}]}"#,
            "\u{feff} {\"ProspectID\":\"a\",\"City\":\"Agra\"}\n",
        ] {
            let item = one(shape);
            assert_eq!(item.entity(), Entity::Lead, "{shape}");
            assert_eq!(item.id().as_deref(), Some("a"), "{shape}");
            assert_eq!(text(&item, "City"), "Agra", "{shape}");
        }
        assert_eq!(text(&one(r#"{"ProspectID":"a","City":"Agra"}"#), "Current.City"), "Agra");
    }

    #[test]
    fn forms_are_read() {
        let form = Some("application/x-www-form-urlencoded; charset=utf-8");
        let flat = read(b"ProspectID=a&City=New+Delhi&Fax=", form).unwrap();
        assert_eq!(text(&flat[0], "City"), "New Delhi");
        assert_eq!(flat[0].find("Fax"), Found::Blank);
        let wrapped = read(b"data=%7B%22ProspectID%22%3A%22a%22%7D", form).unwrap();
        assert_eq!(wrapped[0].id().as_deref(), Some("a"));
        let json = read(br#"{"ProspectID":"a"}"#, form).unwrap();
        assert_eq!(json[0].id().as_deref(), Some("a"), "a form that is JSON all the same");
    }

    #[test]
    fn activities_are_told_from_leads() {
        let item = one(
            r#"[{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201","Data":{"Note":"n"}}]"#,
        );
        assert_eq!(
            (item.entity(), item.id().as_deref(), lead_id(&item).as_deref()),
            (Entity::Activity, Some("x"), Some("a"))
        );
        assert_eq!(text(&item, "Data.Note"), "n");
        let automation = one(r#"{"ProspectActivityId":"x","Current":{"ProspectID":"a"}}"#);
        assert_eq!(lead_id(&automation).as_deref(), Some("a"));
        let lead =
            one(r#"{"ProspectID":"a","ProspectActivityId_Max":"x","RelatedProspectId":null}"#);
        assert_eq!(lead.entity(), Entity::Lead);
    }

    #[test]
    fn an_activity_shows_its_values_wherever_they_are() {
        for shape in [
            r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201","CreatedOn":"2026-01-02 03:04:05","Data":{"Note":"n","mx_Custom_1":"v"}}"#,
            r#"[{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":201,"ActivityDateTime":"2026-01-02 03:04:05","ActivityNote":"n","mx_Custom_1":"v"}]"#,
            r#"{"Id":"x","EventCode":201,"RelatedProspectId":"a","CreatedOn":"2026-01-02 03:04:05","ActivityFields":{"ActivityEvent_Note":"n","mx_Custom_1":"v"}}"#,
            r#"{"ProspectActivityId":"x","ActivityEvent":"201","CreatedOn":"2026-01-02 03:04:05","Fields":[{"Key":"Note","Value":"n"}],"Current":{"ProspectID":"a","RelatedProspectId":"other","mx_Custom_1":"v","ModifiedOn":"2020-01-01 00:00:00"}}"#,
        ] {
            let item = one(shape);
            assert_eq!(
                (item.id().as_deref(), lead_id(&item).as_deref(), item.event()),
                (Some("x"), Some("a"), Some(201)),
                "{shape}"
            );
            assert_eq!(text(&item, "mx_Custom_1"), "v", "{shape}");
            for name in ["Note", "ActivityNote", "ActivityEvent_Note"] {
                assert_eq!(text(&item, name), "n", "{shape}");
            }
            assert_eq!(text(&item, "ActivityDateTime"), "2026-01-02 03:04:05", "{shape}");
            assert_eq!(item.modified_on(), None, "the lead's is not the activity's");
            assert_eq!(item.state().get("ActivityNote"), Some("n"), "{shape}");
            assert_eq!(item.lead().is_some(), shape.contains("Current"), "{shape}");
        }
    }

    #[test]
    fn an_id_that_can_not_be_kept_is_none() {
        let body = r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":201,"Current":{"ProspectID":"b\u0000"}}"#;
        assert_eq!(lead_id(&one(body)).as_deref(), Some("a"));
        assert_eq!(one(body).lead(), None, "the lead beside it can't be named");
    }

    #[test]
    fn what_can_not_be_read_is_said() {
        for (body, expected) in [
            ("", "empty"),
            ("hello", "not JSON"),
            ("[]", "empty list"),
            ("[1]", "Record 1 of the body is not an object but a number"),
            ("{}", "neither a lead nor an activity"),
            (r#"{"Current":{}}"#, "neither a lead nor an activity"),
            (r#"{"ProspectID":"a""#, "not JSON"),
            (r#"[{"ProspectID":"a"},{"ProspectID":"a\u0000"}]"#, "Record 2 of the body has an id"),
        ] {
            let problem = read(body.as_bytes(), None).expect_err(body);
            assert!(problem.message.contains(expected), "{body}: {}", problem.message);
        }
        let long = format!(
            r#"{{"ProspectActivityId":"x","RelatedProspectId":"{}"}}"#,
            "a".repeat(LONGEST_ID + 1)
        );
        let problem = read(long.as_bytes(), None).expect_err("a long id");
        assert!(problem.message.contains("too long"), "{}", problem.message);
        let deep = "[".repeat(100_000);
        assert!(read(deep.as_bytes(), None).is_err());
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200), form: bool) {
            let _ = read(&body, form.then_some("application/x-www-form-urlencoded"));
        }
    }
}
