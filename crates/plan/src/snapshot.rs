//! A lead or an activity as an account showed it at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ActivityId, LeadId};
use crate::text;

/// Field values by schema name, as text.
///
/// An *absent* field is unknown; a field with the value `""` is *blank*: these are different things
/// (LeadSquared shows blank as `""` or null: AD/get-lead-by-phone). A custom field set is kept as
/// its JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<String, String>);

impl Snapshot {
    /// The field's value; `None` if unknown.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// The field's value if known and not blank.
    pub fn filled(&self, field: &str) -> Option<&str> {
        self.get(field).filter(|value| !text::is_blank(value))
    }

    /// The id of the lead that it shows.
    pub fn lead_id(&self) -> Option<LeadId> {
        self.filled("ProspectID").map(LeadId::new)
    }

    /// The id of the activity that it shows.
    pub fn activity_id(&self) -> Option<ActivityId> {
        self.filled("ProspectActivityId").map(ActivityId::new)
    }

    /// Sets one field.
    pub fn put(&mut self, field: impl Into<String>, value: impl Into<String>) {
        self.0.insert(field.into(), value.into());
    }

    /// Sets every field that `newer` knows.
    pub fn absorb(&mut self, newer: &Snapshot) {
        for (field, value) in &newer.0 {
            if self.0.get(field) != Some(value) {
                self.0.insert(field.clone(), value.clone());
            }
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Snapshot {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect())
    }
}
