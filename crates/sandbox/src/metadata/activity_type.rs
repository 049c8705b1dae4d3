//! Types of activities.

use super::Kind;
use std::sync::Arc;

/// A type of activity (apidocs.leadsquared.com/create-new-activity-type-api).
#[derive(Clone, Debug)]
pub struct ActivityType {
    pub(crate) code: u32,
    pub(crate) name: String,
    pub(crate) direction: u8,
    pub(crate) fields: Vec<ActivityField>,
}

/// A field of an activity type.
#[derive(Clone, Debug)]
pub(crate) struct ActivityField {
    pub(crate) schema_name: Arc<str>,
    pub(crate) display_name: String,
    pub(crate) kind: Kind,
    pub(crate) options: Vec<String>,
}

impl ActivityType {
    /// A type with that event code and name; 0 is inbound, 1 outbound.
    pub fn new(code: u32, name: &str, direction: u8) -> Self {
        Self { code, name: name.to_owned(), direction, fields: Vec::new() }
    }

    /// With a field.
    #[must_use]
    pub fn field(mut self, schema_name: &str, display_name: &str, kind: Kind) -> Self {
        self.fields.push(ActivityField {
            schema_name: schema_name.into(),
            display_name: display_name.to_owned(),
            kind,
            options: Vec::new(),
        });
        self
    }

    /// With a dropdown.
    #[must_use]
    pub fn dropdown(mut self, schema_name: &str, display_name: &str, options: &[&str]) -> Self {
        self = self.field(schema_name, display_name, Kind::Select);
        if let Some(field) = self.fields.last_mut() {
            field.options = options.iter().map(|&option| option.to_owned()).collect();
        }
        self
    }

    pub(crate) fn has(&self, schema_name: &str) -> bool {
        matches!(schema_name, "Status" | "Owner")
            || self.fields.iter().any(|field| &*field.schema_name == schema_name)
    }
}
