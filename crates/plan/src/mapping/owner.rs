//! Which user of the destination is the counterpart of a user of the source.

use std::collections::HashMap;

use crate::connector::Owners;
use crate::metadata::{Catalogue, User};
use crate::payload::{Found, Item};
use crate::problem::shortened;

use super::plain_name;

/// The field beside `OwnerId` that names the same user by email address.
pub(super) const OWNER_EMAIL: &str = "OwnerIdEmailAddress";

/// The users of two accounts, matched.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Email addresses of the source's users, by lower-case id.
    emails: HashMap<String, String>,
    /// Ids of the destination's active users, by lower-case email address; `None` if the account
    /// did not return them.
    ids: Option<HashMap<String, String>>,
    /// Email addresses of the source's users and of their counterparts, in lower case.
    table: HashMap<String, String>,
    fallback: Option<String>,
}

/// The result for an owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The destination's user; `None` leaves the owner as the destination has it.
    pub(super) id: Option<String>,
    /// What a person should know.
    pub(super) remark: Option<String>,
}

impl People {
    pub(super) fn new(owners: &Owners, source: &Catalogue, destination: &Catalogue) -> Self {
        let emails = source.users.iter().flatten().filter(|user| !user.email.trim().is_empty());
        let ids = destination.users.as_ref().map(|users| {
            let active = users.iter().filter(|user| user.active);
            active.map(|user: &User| (lower(&user.email), user.id.clone())).collect()
        });
        Self {
            emails: emails.map(|user| (lower(&user.id), lower(&user.email))).collect(),
            ids,
            table: owners.users.iter().map(|(from, to)| (lower(from), lower(to))).collect(),
            fallback: owners.fallback.as_deref().map(lower),
        }
    }

    /// The user of the destination for the source's value of this field: a user's id, or an email
    /// address.
    pub(super) fn owner(&self, text: &str, from: Option<&str>, item: &Item) -> Owner {
        let Some(ids) = &self.ids else {
            let remark = "the users of the destination could not be read, so the owner was not \
                          changed";
            return Owner { id: None, remark: Some(remark.to_owned()) };
        };
        let email = self.email(text, from, item);
        let matched = email.as_ref().and_then(|email| {
            let email = self.table.get(email).unwrap_or(email);
            ids.get(email)
        });
        if let Some(id) = matched {
            return Owner { id: Some(id.clone()), remark: None };
        }
        let who = shortened(email.as_deref().unwrap_or(text));
        let none = format!("the destination has no active user for {who}");
        let (id, end) = match &self.fallback {
            None => (None, "the owner was not changed".to_owned()),
            Some(fallback) => match ids.get(fallback) {
                Some(id) => (Some(id.clone()), format!("the fallback owner {fallback} was set")),
                None => {
                    (None, format!("the fallback owner {fallback} is not an active user either"))
                }
            },
        };
        Owner { id, remark: Some(format!("{none}; {end}")) }
    }

    /// The destination's user for an email address or id that the connector's settings name.
    pub(super) fn named(&self, text: &str) -> String {
        let id = self.ids.as_ref().and_then(|ids| ids.get(&lower(text)));
        id.cloned().unwrap_or_else(|| text.trim().to_owned())
    }

    fn email(&self, text: &str, from: Option<&str>, item: &Item) -> Option<String> {
        if text.contains('@') {
            return Some(lower(text));
        }
        if let Some(email) = self.emails.get(&lower(text)) {
            return Some(email.clone());
        }
        // Payloads name the lead's owner by email too (AD/get-a-lead-by-email-id).
        if from.map(plain_name) == Some("OwnerId")
            && let Found::Text(email) = item.find(OWNER_EMAIL)
        {
            return Some(lower(&email));
        }
        None
    }
}

fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}
