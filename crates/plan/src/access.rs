//! Which users of a LeadSquared account may use a connector.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::connector::Access;
use crate::value::truth;

/// The role that may use every connector of its account (documented,
/// HL/leadsquared-lead-sync-connector, section 5).
const ADMINISTRATOR: &str = "Administrator";

/// What an account says about one of its users, as needed for access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUser {
    /// The role, as the account names it.
    pub role: String,
    /// Whether the user is active: nobody else may do anything.
    pub active: bool,
    /// The user's fields that hold yes or no, by schema name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, bool>,
}

impl AccountUser {
    /// Those of a user's fields that hold yes or no. The format is undocumented: `1`, `true`, `yes`
    /// and their opposites are read, in any case (guess).
    pub fn new<'a>(
        role: &str,
        active: bool,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let fields = fields.into_iter();
        let fields = fields.filter_map(|(name, text)| Some((name.to_owned(), truth(text.trim())?)));
        Self { role: role.trim().to_owned(), active, fields: fields.collect() }
    }
}

impl Access {
    /// Whether this user of the destination account may use the connector: administrators of the
    /// account, and those named in the setting.
    pub fn allows(&self, user: &AccountUser) -> bool {
        let is = |role: &str| user.role.eq_ignore_ascii_case(role.trim());
        let is_set = |name: &str| {
            let mut fields = user.fields.iter();
            fields.any(|(field, set)| *set && field.eq_ignore_ascii_case(name.trim()))
        };
        user.active
            && (is(ADMINISTRATOR)
                || self.roles.iter().any(|role| is(role))
                || self.user_field.as_deref().is_some_and(is_set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_fields_allow_and_nothing_else_does() {
        let roles = |role: &str| Access { roles: vec![role.to_owned()], user_field: None };
        let field = |name: &str| Access { roles: Vec::new(), user_field: Some(name.to_owned()) };
        let nobody = Access::default();
        let user = |role: &str, active, set: &str| {
            AccountUser::new(role, active, [("mx_Custom_1", set), ("FirstName", "Sam")])
        };
        for (access, user, allowed) in [
            (&nobody, user("Administrator", true, ""), true),
            (&nobody, user("Administrator", false, ""), false),
            (&nobody, user("Sales_User", true, "1"), false),
            (&nobody, user("", true, ""), false),
            (&roles("Sales_Manager"), user("sales_manager", true, ""), true),
            (&roles("Sales_Manager"), user("Sales_Manager", false, ""), false),
            (&roles("Sales_Manager"), user("Sales_User", true, "1"), false),
            (&roles("Sales_Manager"), user("Administrator", true, ""), true),
            (&field("mx_Custom_1"), user("Sales_User", true, "Yes"), true),
            (&field("MX_custom_1"), user("Sales_User", true, "1"), true),
            (&field("mx_Custom_1"), user("Sales_User", true, "0"), false),
            (&field("mx_Custom_1"), user("Sales_User", true, ""), false),
            (&field("mx_Custom_1"), user("Sales_User", false, "1"), false),
            (&field("mx_Custom_2"), user("Sales_User", true, "1"), false),
            (&field("FirstName"), user("Sales_User", true, "1"), false),
        ] {
            assert_eq!(access.allows(&user), allowed, "{access:?} {user:?}");
        }
    }
}
