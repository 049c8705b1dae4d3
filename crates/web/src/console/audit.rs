//! `/audit`: who changed what, with the values before and after.

use std::collections::{BTreeMap, btree_map};

use admin::settings::{Change, Names, label};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use plan::connector::{Definition, Difference, compare};
use plan::metadata::Catalogue;
use serde_json::{Value, json};
use store::{ACTIONS, AuditItem, Store};

use super::accounts::account_address;
use super::connector::address;
use super::page::{self, Choice, choices};
use super::traits::traits_address;
use super::visitor::Visitor;
use crate::Shared;
use crate::api::{Params, read_audit};

/// The names of the filter's parts in the address.
const PARTS: [&str; 3] = ["actor", "action", "subject"];

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    page: &'static str,
    visitor: Visitor,
    wrong: Option<String>,
    given: BTreeMap<String, String>,
    actions: Vec<Choice>,
    entries: Vec<Entry>,
    /// Where the list continues.
    older: Option<String>,
}

struct Entry {
    item: AuditItem,
    what: &'static str,
    /// The page of the object, if it has one.
    path: Option<String>,
    changed: Vec<Change>,
}

impl Audit {
    fn of(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    /// Whether views, downloads and sign-ins are left out.
    fn hides_access(&self) -> bool {
        !self.is_filtered() && self.of("access") != "yes"
    }

    fn is_filtered(&self) -> bool {
        PARTS.iter().any(|part| !self.of(part).is_empty())
    }

    /// The list for this object alone.
    fn only(part: &str, value: &str) -> String {
        with_query([(part, value)])
    }
}

fn with_query<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/audit?{}", query.extend_pairs(parts).finish())
}

/// What was done, in words.
fn words(action: &str) -> &'static str {
    match action {
        "put_connector" => "saved the connector",
        "set_enabled" => "enabled or disabled the connector",
        "set_wiring" => "created or removed webhooks of the connector",
        "replace_url" => "replaced the webhook URL of the connector",
        "end_former_urls" => "ended the old webhook URLs of the connector",
        "remove_connector" => "removed the connector",
        "put_account" => "saved the account",
        "remove_account" => "removed the account",
        "set_answer" => "set a trait of the account",
        "probe" => "ran a test-lead probe of the account",
        "refresh_leads" => "updated linked leads of",
        "rotate_key" => "replaced the encryption key of",
        "plan_backfill" => "counted a backfill of",
        "begin_backfill" => "started a backfill of",
        "set_backfill" => "paused, resumed or cancelled a backfill of",
        "ask_for_sweep" => "asked for a sweep of",
        "ask_for_parity" => "compared the accounts of",
        "sync_differences" => "synced the differing leads of",
        "sync_lead" => "synced the lead",
        "confirm_mass_change" => "confirmed a mass change of",
        "retry" => "retried",
        "cancel_retries" => "cancelled retries of",
        "dismiss_failures" => "dismissed the failures",
        "restore_failures" => "restored the failures",
        "decide_review" => "resolved the review of the lead",
        "undo_review" => "undid the decision on the lead",
        "release_field" => "released a frozen field of the lead",
        "add_user" => "added the user",
        "set_role" => "changed the role of",
        "set_password" => "changed the password of",
        "turn_on_second_factor" => "turned on the second factor of",
        "turn_off_second_factor" => "turned off the second factor of",
        "invite" => "invited",
        "accept_invite" => "accepted the invite of",
        "remove_invite" => "removed the invite of",
        "remove_user" => "removed the user",
        "end_sessions" => "signed out",
        "add_token" => "created the token",
        "remove_token" => "removed the token",
        "add_alert" => "added the alert address",
        "edit_alert" => "changed the alert address",
        "remove_alert" => "removed the alert address",
        "test_alert" => "tested the alert address",
        "view_request" => "viewed the request",
        "view_lead" => "viewed the lead",
        "download_log" => "downloaded the log",
        "sign_in" => "signed in as",
        "sign_in_failed" => "failed to sign in as",
        "link_identity" => "linked an identity with",
        "forget_person" => "erased what was stored about a",
        "export_person" => "exported what is stored about a",
        _ => "changed",
    }
}

impl Entry {
    fn of(item: AuditItem, metadata: &Metadata) -> Self {
        let path = match item.action.as_str() {
            "put_connector" | "set_enabled" => Some(address(&item.subject)),
            "view_request" => Some(format!("/requests/{}", item.subject)),
            "put_account" => Some(account_address(&item.subject)),
            "add_alert" | "edit_alert" | "test_alert" => Some("/alerts".to_owned()),
            "set_answer" | "probe" => Some(traits_address(&item.subject)),
            _ => None,
        };
        Self {
            what: words(&item.action),
            path,
            changed: changes(
                &value(item.before.as_deref()),
                &value(item.after.as_deref()),
                metadata,
            ),
            item,
        }
    }
}

/// The metadata of the accounts that connectors in the list have, by their names. An account that is
/// unknown, or was renamed, has none.
#[derive(Default)]
struct Metadata(BTreeMap<String, Catalogue>);

impl Metadata {
    async fn read(store: &dyn Store, items: &[AuditItem]) -> store::Result<Self> {
        let configuration = store.configuration().await?;
        let mut all = BTreeMap::new();
        for definition in items.iter().filter_map(|item| definition(&value(item.after.as_deref())))
        {
            for name in [definition.source, definition.destination] {
                let Some(account) = configuration.account(&name) else { continue };
                if let btree_map::Entry::Vacant(place) = all.entry(name) {
                    let catalogue = store.catalogue(account.id).await?;
                    place.insert(catalogue.map(|(_, read)| read).unwrap_or_default());
                }
            }
        }
        Ok(Self(all))
    }
}

fn value(json: Option<&serde_json::value::RawValue>) -> Value {
    let value = json.and_then(|json| serde_json::from_str(json.get()).ok());
    value.unwrap_or(Value::Null)
}

/// The settings of a connector, if that is what the value is.
fn definition(value: &Value) -> Option<Definition> {
    serde_json::from_value(value.clone()).ok()
}

/// What changed, in one line each: settings of a connector as its pages name them.
fn changes(before: &Value, after: &Value, metadata: &Metadata) -> Vec<Change> {
    if let Some(after) = definition(after) {
        let Definition { name, source, destination, .. } = &after;
        let new = || Definition::new(name, source, destination);
        let before = definition(before).unwrap_or_else(new);
        let unknown = Catalogue::default();
        let of = |account: &String| metadata.0.get(account).unwrap_or(&unknown);
        let names = Names { source: of(source), destination: of(destination) };
        return admin::settings::changes(&before, &after, names);
    }
    let line = |Difference { setting, before, after }| {
        let text = match (shown(&before), shown(&after)) {
            (before, after) if before.is_empty() => after,
            (before, after) if after.is_empty() => format!("removed (was {before})"),
            (before, after) => format!("now {after} (was {before})"),
        };
        Change { label: label(&setting), text }
    };
    differences(before, after).into_iter().map(line).collect()
}

/// A value as text: empty if it is not set.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => other.to_string(),
    }
}

/// What differs; for something that was added or removed, its parts.
fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let has_parts = |value: &Value| value.is_object() || value.is_null();
    if has_parts(before) && has_parts(after) {
        let parts = |value: &Value| if value.is_null() { json!({}) } else { value.clone() };
        return compare(&parts(before), &parts(after));
    }
    let (setting, before, after) = ("value".to_owned(), before.clone(), after.clone());
    vec![Difference { setting, before, after }]
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(mut given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    given.retain(|_, value| !value.trim().is_empty());
    let read = read_audit(&shared, Params::new(given.clone())).await;
    let (status, wrong, items, cursor) = match read {
        Ok(part) => (StatusCode::OK, None, part.items, part.cursor),
        Err(refusal) => (refusal.status(), Some(refusal.message()), Vec::new(), None),
    };
    let older = cursor.map(|cursor| {
        let parts = given.iter().filter(|(name, _)| *name != "cursor");
        let parts = parts.map(|(name, value)| (name.as_str(), value.as_str()));
        with_query(parts.chain([("cursor", cursor.as_str())]))
    });
    let metadata = Metadata::read(shared.store.as_ref(), &items).await?;
    let chosen = given.get("action").map_or("", String::as_str);
    let audit = Audit {
        page: "Audit log",
        visitor,
        wrong,
        actions: choices(ACTIONS.iter().map(|action| (*action, words(action))), chosen),
        entries: items.into_iter().map(|item| Entry::of(item, &metadata)).collect(),
        older,
        given,
    };
    Ok(page::page(status, &audit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_words() {
        let without: Vec<_> =
            store::ACTIONS.iter().filter(|action| words(action) == words("")).collect();
        assert!(without.is_empty(), "{without:?}");
    }
}
