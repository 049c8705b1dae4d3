//! What an account says about its fields (AD/meta-data), users (AD/get-users) and activity types
//! (AD/get-details-of-activity-type).

mod change;

pub use change::{FieldChange, What, changes};

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::problem::Problem;

/// One lead field of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The schema name, used by the API.
    pub schema_name: String,
    /// The display name.
    pub display_name: String,
    /// What the field holds.
    pub kind: Kind,
    /// The longest text that fits, in characters; `None` where the account doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// The values of a dropdown; empty for other fields and if the account left them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The parts of a custom field set; empty for other fields and if the account left them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
    /// Whether two leads may not have the same value.
    #[serde(default)]
    pub unique: bool,
    /// Whether a lead can't be created without it.
    #[serde(default)]
    pub mandatory: bool,
    /// Whether it can't be written.
    #[serde(default)]
    pub read_only: bool,
}

/// The kind of a field, as far as it affects how a value is converted or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text,
    /// An email address, compared without regard to case.
    Email,
    /// A phone number.
    Phone,
    /// A number.
    Number,
    /// A date without a time, independent of time zones.
    Date,
    /// A date with a time, in UTC at the API.
    DateTime,
    /// A time of day.
    Time,
    /// Yes or no: `1` and `0` in reads.
    Boolean,
    /// One of the options.
    Select,
    /// Several of the options.
    MultiSelect,
    /// A user of this account, by id.
    User,
    /// A custom field set: fields within a field.
    FieldSet,
}

impl Kind {
    /// The kind for a `DataType` and a `RenderTypeTextValue` of LeadSquared's metadata.
    ///
    /// A date and a date-time share the DataType `Date` and differ by how they are shown
    /// (AD/create-custom-lead-field). Unknown types are text.
    pub fn of(data_type: &str, render_type: &str) -> Self {
        match data_type {
            "Email" => Self::Email,
            "Phone" => Self::Phone,
            "Number" => Self::Number,
            "Date" if render_type.eq_ignore_ascii_case("DateTime") => Self::DateTime,
            "Date" => Self::Date,
            "DateTime" | "DateWithTimezone" => Self::DateTime,
            "Time" => Self::Time,
            "Boolean" => Self::Boolean,
            "Select" | "Dropdown" | "SearchableDropdown" | "LargeOptionSet" => Self::Select,
            "MultiSelect" => Self::MultiSelect,
            "ActiveUsers" => Self::User,
            "CustomObject" => Self::FieldSet,
            _ => Self::Text,
        }
    }
}

impl Kind {
    /// Its name within a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "an email address",
            Self::Phone => "a phone number",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::DateTime => "a date and time",
            Self::Time => "a time of day",
            Self::Boolean => "yes or no",
            Self::Select => "a dropdown option",
            Self::MultiSelect => "multi-select options",
            Self::User => "a user",
            Self::FieldSet => "a custom field set",
        }
    }
}

impl Field {
    /// A field with a known name and kind only.
    pub(crate) fn plain(name: &str, kind: Kind) -> Self {
        Self {
            schema_name: name.into(),
            display_name: name.into(),
            kind,
            max_length: None,
            options: Vec::new(),
            parts: Vec::new(),
            unique: false,
            mandatory: false,
            read_only: false,
        }
    }
}

/// An account's lead fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Field>", into = "Vec<Field>")]
pub struct FieldList {
    fields: std::collections::BTreeMap<String, Field>,
}

impl FieldList {
    /// The field of this schema name.
    pub fn get(&self, schema_name: &str) -> Option<&Field> {
        self.fields.get(schema_name)
    }

    /// Every field, by schema name.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }

    /// Whether the account reported no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The field's kind; text for an unknown field.
    pub fn kind(&self, schema_name: &str) -> Kind {
        self.get(schema_name).map_or(Kind::Text, |field| field.kind)
    }
}

impl From<Vec<Field>> for FieldList {
    fn from(fields: Vec<Field>) -> Self {
        Self { fields: fields.into_iter().map(|f| (f.schema_name.clone(), f)).collect() }
    }
}

impl From<FieldList> for Vec<Field> {
    fn from(list: FieldList) -> Self {
        list.fields.into_values().collect()
    }
}

/// An account's metadata, as far as mappings need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Its lead fields.
    pub fields: FieldList,
    /// Its users; `None` if they were not requested, or not returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<User>>,
    /// Its activity types; `None` if they were not requested, or not returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_types: Option<Vec<ActivityType>>,
}

impl Catalogue {
    /// The user of this id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().flatten().find(|user| user.id.eq_ignore_ascii_case(id))
    }

    /// The user of this email address.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        let email = email.trim().to_lowercase();
        self.users.iter().flatten().find(|user| user.email.trim().to_lowercase() == email)
    }

    /// The activity type of this event code.
    pub fn activity_type(&self, event: u32) -> Option<&ActivityType> {
        self.activity_types.iter().flatten().find(|kind| kind.event == event)
    }
}

/// An account whose metadata can't be read, and why.
#[derive(Clone, Debug)]
pub struct MetadataUnread {
    /// Which.
    pub account: AccountId,
    /// Why, for a person.
    pub problem: Problem,
    /// The API host that the keys belong to, if it is a different one:
    /// `https://api-in21.leadsquared.com`.
    pub right_host: Option<String>,
}

impl MetadataUnread {
    /// This account's metadata can't be read for this reason.
    pub fn new(account: AccountId, problem: Problem) -> Self {
        Self { account, problem, right_host: None }
    }
}

impl From<FieldList> for Catalogue {
    fn from(fields: FieldList) -> Self {
        Self { fields, users: None, activity_types: None }
    }
}

/// A user of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, which is what `OwnerId` holds. It has no meaning in another account.
    pub id: String,
    /// The email address, by which users of two accounts are matched.
    pub email: String,
    /// The name, for people.
    pub name: String,
    /// The role, as the account names it: `Administrator`.
    #[serde(default)]
    pub role: String,
    /// Whether the user is active: an inactive one can own nothing.
    pub active: bool,
}

/// A type of activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityType {
    /// Its event code.
    pub event: u32,
    /// Its display name.
    pub name: String,
    /// Its own fields; `None` if they were not requested. The meaning of a slot like `mx_Custom_1`
    /// differs from type to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<FieldList>,
}
