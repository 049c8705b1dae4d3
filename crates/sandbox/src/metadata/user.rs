//! Users of an account.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A user of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The GUID that `OwnerId` and `CreatedBy` hold.
    pub id: Arc<str>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Email address.
    pub email: String,
    /// `Administrator`, `Sales_User` and so on.
    pub role: String,
    /// Whether the user may log in (`StatusCode` 0).
    pub active: bool,
    /// Custom fields (`mx_Custom_1` and so on), by schema name, as they are written.
    pub fields: BTreeMap<String, String>,
}

impl User {
    /// An active user with that GUID, name, email address and role.
    pub fn new(id: &str, first_name: &str, last_name: &str, email: &str, role: &str) -> Self {
        Self {
            id: id.into(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: email.to_owned(),
            role: role.to_owned(),
            active: true,
            fields: BTreeMap::new(),
        }
    }

    /// The user with this custom field.
    #[must_use]
    pub fn field(mut self, schema_name: &str, value: &str) -> Self {
        self.fields.insert(schema_name.to_owned(), value.to_owned());
        self
    }

    /// First and last name in one.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}
