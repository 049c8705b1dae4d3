//! Calls every method of an item of a payload.

use plan::identity;
use plan::outcome::Entity;
use plan::payload::{self, Found, Item};

/// The ways in which a body may be labelled.
pub const CONTENT_TYPES: [Option<&str>; 5] = [
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded; charset=utf-8"),
    Some("application/x-www-form-urlencoded; charset=windows-1252"),
    Some("text/plain; charset=shift_jis"),
];

const PATHS: [&str; 12] = [
    "FirstName",
    "Current.FirstName",
    "Before.City",
    "Current.mx_Home.mx_CustomObject_1",
    "mx_Home.mx_CustomObject_1",
    "Data.Note",
    "Nothing.At.All",
    "ModifiedOn",
    "OwnerId",
    ".",
    "",
    "Current.",
];

/// Calls every method of an item, and checks what must hold for any content.
pub fn ask(item: &Item) {
    let own: Vec<String> = item.body().keys().take(50).cloned().collect();
    for path in PATHS.into_iter().chain(own.iter().map(String::as_str)) {
        look(item, path);
        look(item, &format!("Current.{path}"));
        look(item, &format!("{path}.{path}"));
    }
    let lead_id = item.lead_id().map(String::from);
    for id in [item.id(), lead_id].into_iter().flatten() {
        assert!(payload::is_id(&id), "an id that can't be kept: {id:?}");
    }
    let _ = (item.event(), item.event_name(), item.modified_on(), item.bare_lead());
    if let Some(lead) = item.lead() {
        assert_eq!(lead.entity(), Entity::Lead);
        let _ = (lead.state(), lead.modified_on());
    }
    for mention in identity::mentions(item, None, &[], Some("B1")) {
        assert!(!mention.contains('\0'), "PostgreSQL keeps no NUL: {mention:?}");
    }
    let state = item.state();
    let again = Item::from_state(item.entity(), &state);
    assert_eq!(again.state(), state, "a state that is read again stays as it is");
}

fn look(item: &Item, path: &str) {
    if let Found::Text(text) = item.find(path) {
        assert!(!text.trim().is_empty(), "{path} is blank and not a text");
    }
}
