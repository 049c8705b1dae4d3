//! Who somebody is according to the provider.

use jiff::Timestamp;
use openidconnect::AdditionalClaims;
use plan::permission::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most values of a role's claim that are read.
const MOST_VALUES: usize = 1_000;

/// Who somebody is, as the provider signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's issuer, with [`Identity::subject`] the name of a person for ever.
    pub issuer: String,
    /// The provider's name for the person; never given to somebody else.
    pub subject: String,
    /// The email address, in lower case.
    pub email: Option<String>,
    /// Whether that address is known to be the person's.
    pub has_verified_email: bool,
    /// The role that the provider's claim gives.
    pub role: Option<Role>,
    /// When the person last proved to the provider who they are, if it says so.
    pub proved_at: Option<Timestamp>,
}

/// The claims that OpenID Connect does not define.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Others {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Others {}

impl Others {
    /// The values of a claim, which is given by its name, or by its path with dots. `None`: there is
    /// no such claim.
    pub(crate) fn values(&self, claim: &str) -> Option<Vec<String>> {
        // Names may hold dots themselves: `https://leadsync.example.com/roles`.
        let found = self.claims.get(claim).or_else(|| {
            let mut parts = claim.split('.');
            let first = self.claims.get(parts.next()?);
            parts.fold(first, |at, part| at?.get(part))
        })?;
        let values = match found {
            Value::Array(values) => values.iter().take(MOST_VALUES).filter_map(text).collect(),
            one => text(one).into_iter().collect(),
        };
        Some(values)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        // Some providers give each role as an object with a name.
        Value::Object(role) => role.get("name").and_then(Value::as_str).map(str::to_owned),
        Value::Null | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_name_and_by_path() {
        let others: Others = serde_json::from_value(serde_json::json!({
            "groups": ["staff", "crm", 7, null, ["x"]],
            "role": "admin",
            "realm_access": { "roles": ["offline_access", "crm-admin"] },
            "https://leadsync.example.com/roles": [{ "name": "viewer" }, { "id": 3 }],
            "empty": [],
        }))
        .unwrap();
        let values = |claim| others.values(claim);
        let list = |values: &[&str]| Some(values.iter().map(|&v| v.to_owned()).collect());
        assert_eq!(values("groups"), list(&["staff", "crm", "7"]));
        assert_eq!(values("role"), list(&["admin"]));
        assert_eq!(values("realm_access.roles"), list(&["offline_access", "crm-admin"]));
        assert_eq!(values("https://leadsync.example.com/roles"), list(&["viewer"]));
        assert_eq!(values("empty"), list(&[]));
        assert_eq!(values("realm_access.nothing"), None);
        assert_eq!(values("groups.0"), None);
        assert_eq!(values("nothing"), None);
    }
}
