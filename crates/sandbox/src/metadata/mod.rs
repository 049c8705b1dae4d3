//! The lead fields of an account: what they are, and the list that a new account has.

mod activity_type;
pub(crate) mod catalogue;
mod describe;
mod setup;
mod user;

pub use activity_type::ActivityType;
pub(crate) use describe::described;
pub(crate) use setup::{FieldNo, Setup};
pub use user::User;

use std::sync::Arc;

/// What a field holds, and how the CRM shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Text,
    /// Several lines of text (`Text` rendered as `TextArea`).
    TextArea,
    /// A number.
    Number,
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A web address.
    Website,
    /// A date without a time zone.
    Date,
    /// A date and time in UTC.
    DateTime,
    /// A time of day.
    Time,
    /// A dropdown.
    Select,
    /// A dropdown with a search box.
    SearchableDropdown,
    /// A dropdown with a very long list.
    LargeOptionSet,
    /// Several options of a list, separated by `;`.
    MultiSelect,
    /// Yes or no: read as `1` or `0`.
    Boolean,
    /// A user of the account.
    ActiveUsers,
    /// A product.
    Product,
    /// The name of a file.
    File,
    /// Latitude and longitude.
    GeoLocation,
    /// A time zone.
    TimeZone,
    /// A country.
    Country,
    /// A custom field set (CFS): a field made of fields.
    CustomObject,
}

impl Kind {
    /// The data type's name in the API.
    pub fn data_type(self) -> &'static str {
        match self {
            Self::Text | Self::TextArea => "Text",
            Self::Number => "Number",
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::Website => "Website",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Select => "Select",
            Self::SearchableDropdown => "SearchableDropdown",
            Self::LargeOptionSet => "LargeOptionSet",
            Self::MultiSelect => "MultiSelect",
            Self::Boolean => "Boolean",
            Self::ActiveUsers => "ActiveUsers",
            Self::Product => "Product",
            Self::File => "File",
            Self::GeoLocation => "GeoLocation",
            Self::TimeZone => "TimeZone",
            Self::Country => "Country",
            Self::CustomObject => "CustomObject",
        }
    }

    /// `RenderType` and its text. 1, 6, 13, 21 and 25 are known; the other numbers are guesses.
    pub(crate) fn render(self) -> (u8, &'static str) {
        match self {
            Self::TextArea => (1, "TextArea"),
            Self::Number => (3, "Number"),
            Self::Email => (5, "Email"),
            Self::Phone => (6, "Phone"),
            Self::Website => (7, "URL"),
            Self::Date => (8, "Date"),
            Self::DateTime => (9, "DateTime"),
            Self::Time => (21, "Time"),
            Self::Select => (13, "Dropdown"),
            Self::SearchableDropdown => (14, "SearchableDropdown"),
            Self::LargeOptionSet => (15, "LargeOptionSet"),
            Self::MultiSelect => (16, "MultiSelect"),
            Self::Boolean => (12, "CheckBox"),
            Self::CustomObject => (26, "CustomObject"),
            _ => (0, "Textbox"),
        }
    }

    /// The kind for a `DataType` and `RenderTypeTextValue` of `CreateLeadField`.
    pub(crate) fn of(data_type: &str, render: &str) -> Option<Self> {
        Some(match (data_type, render) {
            ("Text", "TextArea") => Self::TextArea,
            ("Text" | "String", _) => Self::Text,
            ("Number", _) => Self::Number,
            ("Email", _) => Self::Email,
            ("Phone", _) => Self::Phone,
            ("Website" | "Url", _) => Self::Website,
            ("DateTime", _) | ("Date", "DateTime") => Self::DateTime,
            ("Date", _) => Self::Date,
            ("Time", _) => Self::Time,
            ("Select" | "Dropdown", _) => Self::Select,
            ("SearchableDropdown", _) => Self::SearchableDropdown,
            ("LargeOptionSet", _) => Self::LargeOptionSet,
            ("MultiSelect", _) => Self::MultiSelect,
            ("Boolean", _) => Self::Boolean,
            _ => return None,
        })
    }

    pub(crate) fn has_options(self) -> bool {
        matches!(
            self,
            Self::Select | Self::SearchableDropdown | Self::LargeOptionSet | Self::MultiSelect
        )
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Stored and writable.
    Stored,
    /// Stored; only the account writes it.
    Counter,
    ProspectId,
    AutoId,
    CreatedOn,
    CreatedBy,
    CreatedByName,
    ModifiedOn,
    ModifiedBy,
    ModifiedByName,
    LastModifiedOn,
    OwnerIdName,
    OwnerIdEmailAddress,
    FirstActivityId,
    FirstActivityDate,
    LastActivityId,
    LastActivityDate,
    LastActivityName,
}

/// A lead field.
#[derive(Clone, Debug)]
pub struct Field {
    pub(crate) schema_name: Arc<str>,
    pub(crate) display_name: String,
    pub(crate) kind: Kind,
    pub(crate) options: Vec<String>,
    pub(crate) default: Option<Arc<str>>,
    pub(crate) parts: Vec<(Arc<str>, Kind)>,
    pub(crate) max_length: Option<usize>,
    pub(crate) mandatory: bool,
    pub(crate) unique: bool,
    pub(crate) role: Role,
}

impl Field {
    /// A writable field whose display name is derived from its schema name.
    pub fn new(schema_name: &str, kind: Kind) -> Self {
        let plain = schema_name.strip_prefix("mx_").unwrap_or(schema_name);
        Self {
            schema_name: schema_name.into(),
            display_name: plain.replace('_', " "),
            kind,
            options: Vec::new(),
            default: None,
            parts: Vec::new(),
            max_length: None,
            mandatory: false,
            unique: false,
            role: Role::Stored,
        }
    }

    /// With that display name.
    #[must_use]
    pub fn display(mut self, name: &str) -> Self {
        name.clone_into(&mut self.display_name);
        self
    }

    /// With those options.
    #[must_use]
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|&option| option.to_owned()).collect();
        self
    }

    /// With the fields of a custom field set.
    #[must_use]
    pub fn parts(mut self, parts: &[(&str, Kind)]) -> Self {
        self.parts = parts.iter().map(|&(name, kind)| (name.into(), kind)).collect();
        self
    }

    /// With a default for new leads sent without a value.
    #[must_use]
    pub fn default_value(mut self, value: &str) -> Self {
        self.default = Some(value.into());
        self
    }

    /// With a maximum length in characters.
    #[must_use]
    pub fn max_length(mut self, characters: usize) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// Required to create a lead.
    #[must_use]
    pub fn mandatory(mut self) -> Self {
        self.mandatory = true;
        self
    }

    /// No two leads may have the same value.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(crate) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The field's name in the API.
    pub fn schema_name(&self) -> &str {
        &self.schema_name
    }

    /// The name shown to people.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// What the field holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether clients may write the field.
    pub fn is_writable(&self) -> bool {
        self.role == Role::Stored
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.schema_name.starts_with("mx_")
    }
}
