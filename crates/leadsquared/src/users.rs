//! Users: `UserManagement.svc`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::{Client, Reply, call::Call, scalar};

/// A user of an account (documented, `AD/get-users`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct User {
    /// Its id, which is what `OwnerId` holds. Ids differ between accounts: match users by email.
    #[serde(
        rename = "ID",
        alias = "Id",
        alias = "UserId",
        alias = "UserID",
        deserialize_with = "scalar::plain"
    )]
    pub id: String,
    /// The first name.
    #[serde(deserialize_with = "scalar::text")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(deserialize_with = "scalar::text")]
    pub last_name: Option<String>,
    /// The email address.
    #[serde(deserialize_with = "scalar::plain")]
    pub email_address: String,
    /// `Administrator`, `Sales_User` (documented) and others.
    #[serde(deserialize_with = "scalar::text")]
    pub role: Option<String>,
    /// 0 active, 1 inactive; see [`User::is_active`].
    #[serde(deserialize_with = "scalar::whole")]
    pub status_code: Option<i64>,
}

impl User {
    /// Whether the user is active; a user without a status is.
    pub fn is_active(&self) -> bool {
        self.status_code.is_none_or(|code| code == 0)
    }
}

/// A user with what is returned for a single user but not in the list of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct UserDetails {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Everything else that was returned, including custom fields (`mx_…`), by schema name.
    #[serde(flatten)]
    pub others: BTreeMap<String, serde_json::Value>,
}

impl UserDetails {
    /// The custom fields that have a value, as schema name and text.
    pub fn custom_fields(&self) -> impl Iterator<Item = (&str, String)> {
        self.others.iter().filter(|(name, _)| name.starts_with("mx_")).filter_map(
            |(name, value)| {
                let text = match value {
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
                    _ => return None,
                };
                Some((name.as_str(), text))
            },
        )
    }
}

/// The account that keys belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccountOfKeys {
    /// Its hosts (the names are from client code).
    #[serde(rename = "LSQCommonServiceURLs")]
    pub hosts: Hosts,
    /// Its time zone, such as `Asia/Kolkata`.
    #[serde(rename = "TimeZone", deserialize_with = "scalar::text")]
    pub time_zone: Option<String>,
    /// The country code of phone numbers without one.
    #[serde(rename = "DefaultCountryCode", deserialize_with = "scalar::text")]
    pub default_country_code: Option<String>,
}

/// The hosts of an account, without a scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Hosts {
    /// That of the API.
    #[serde(deserialize_with = "scalar::text")]
    pub api: Option<String>,
    /// That of the UI.
    #[serde(deserialize_with = "scalar::text")]
    pub app: Option<String>,
}

/// A user, or a list, whose first entry counts.
struct First(Option<User>);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Answer {
            Many(Vec<User>),
            One(User),
        }

        Answer::deserialize(deserializer).map(|answer| match answer {
            Answer::Many(users) => Self(users.into_iter().next()),
            Answer::One(user) => Self((!user.id.is_empty()).then_some(user)),
        })
    }
}

impl Client {
    /// `Users.Get`: every user (documented, `AD/get-users`).
    pub async fn users(&self) -> Reply<Vec<User>> {
        self.send(Call::get("UserManagement.svc/Users.Get")).await
    }

    /// `GetByAccessKey`: the user of the keys, a cheap check of keys and host (client code). Both a
    /// user and a list of one are accepted (guess; the sandbox has no switch for it yet). `None`
    /// means that the keys were accepted and the response names no user.
    pub async fn user_of_keys(&self) -> Reply<Option<User>> {
        let reply: Reply<First> = self.send(Call::get("UserManagement.svc/GetByAccessKey")).await;
        reply.map(|first| first.0)
    }

    /// `UserByAccessKey.Get`: the account of the keys. It works on the host of any region (documented,
    /// `AD/user-authentication`).
    pub async fn account_of_keys(&self) -> Reply<AccountOfKeys> {
        self.send(Call::get("Authentication.svc/UserByAccessKey.Get")).await
    }

    /// `User/Retrieve/ByEmailAddress`: the users with this email address, none or one (client
    /// code), with their custom fields (guess: `ByUserId` returns them, live).
    pub async fn users_by_email(&self, email: &str) -> Reply<Vec<UserDetails>> {
        let call = Call::get("UserManagement.svc/User/Retrieve/ByEmailAddress")
            .query("emailAddress", email);
        self.send(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_alone_and_in_a_list() {
        for json in [
            r#"{"UserId":"a","EmailAddress":"a@example.com","StatusCode":"0"}"#,
            r#"[{"ID":"a","EmailAddress":"a@example.com","StatusCode":0,"Tag":null}]"#,
        ] {
            let First(user) = serde_json::from_str(json).expect(json);
            let user = user.expect(json);
            assert_eq!(user.id, "a");
            assert!(user.is_active());
        }
        let First(user) = serde_json::from_str("[]").expect("an answer");
        assert_eq!(user, None);
    }
}
