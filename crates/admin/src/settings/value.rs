//! Values of settings in words.

use plan::connector::{Condition, Test};
use plan::mapping::plain_name;
use plan::metadata::{Catalogue, FieldList};
use serde_json::Value;

use super::label::sentence;

/// What a setting is when it is left out, by its place; others are not set then.
const LEFT_OUT: &[(&str, &str)] = &[
    ("while_disabled", "keep"),
    ("filter.leaving", "stop"),
    ("basic.silent_hours", "off"),
    ("lead.blank", "leave"),
    ("lead.bad_field", "refuse"),
    ("lead.unlisted_option", "send"),
    ("conflict.first_meeting", "changed"),
    ("identity.several", "review"),
    ("identity.keys_disagree", "review"),
    ("identity.linked", "review"),
    ("activity.without_id", "refuse"),
    ("backfill.confirm_above", "20"),
];

/// Settings with a few named choices, which also stand for themselves as words.
const CHOICES: &[&str] =
    &["lead.behaviour", "activity.behaviour", "conflict.policy", "basic.date_order"];

/// The metadata of both accounts, for names.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Of the source.
    pub source: &'a Catalogue,
    /// Of the destination.
    pub destination: &'a Catalogue,
}

impl Names<'_> {
    /// The value of a setting in words.
    pub(super) fn value(&self, at: &str, value: &Value) -> String {
        let left_out = LEFT_OUT.iter().find(|(place, _)| *place == at).map(|(_, value)| *value);
        let text = match value {
            Value::Null => match left_out {
                Some(word) => word.to_owned(),
                None => return "not set".to_owned(),
            },
            Value::Bool(true) => return "on".to_owned(),
            Value::Bool(false) => return "off".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(all) => {
                let all: Vec<String> = all.iter().map(|one| self.value(at, one)).collect();
                return if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            }
            other => other.to_string(),
        };
        match at {
            "basic.search_by" | "basic.secondary_search_by" | "removed.field" => {
                field(&self.destination.fields, &text)
            }
            "basic.notify" | "owner.fallback" => user(self.destination, &text),
            _ if at.starts_with("owner.users.") => user(self.destination, &text),
            _ if left_out.is_some() || CHOICES.contains(&at) => sentence(&text),
            _ => text,
        }
    }

    /// The user of the source whom a row of the owner mapping is about.
    pub(super) fn owner(&self, email: &str) -> String {
        user(self.source, email)
    }

    /// A condition of the filter as the rest of a sentence.
    pub(super) fn condition(&self, Condition { field: path, test }: &Condition) -> String {
        let field = field(&self.source.fields, path);
        let values = test.values().join(", ");
        format!("{field} {} {values}", test_words(test)).trim_end().to_owned()
    }
}

fn test_words(test: &Test) -> &'static str {
    match test {
        Test::Equals(_) => "is",
        Test::NotEquals(_) => "is not",
        Test::OneOf(_) => "is one of",
        Test::NoneOf(_) => "is not one of",
        Test::Contains(_) => "contains",
        Test::NotContains(_) => "does not contain",
        Test::Empty => "is empty",
        Test::NotEmpty => "is not empty",
        Test::Before(_) => "is before",
        Test::After(_) => "is after",
        Test::Greater(_) => "is greater than",
        Test::Less(_) => "is less than",
    }
}

fn user(catalogue: &Catalogue, email: &str) -> String {
    let known = catalogue.users.iter().flatten().find(|user| user.email == email);
    known.filter(|user| !user.name.trim().is_empty()).map_or(email, |user| &user.name).to_owned()
}

/// What a field is called: its display name, with the schema name if others have the same. What the
/// account does not report is named as it is written.
pub fn field(list: &FieldList, path: &str) -> String {
    let name = plain_name(path);
    let Some(known) = list.get(name) else {
        let set = name.split_once('.').and_then(|(set, part)| Some((list.get(set)?, part)));
        return set.map_or_else(
            || path.to_owned(),
            |(set, part)| {
                let known = set.parts.iter().find(|field| field.schema_name == part);
                format!(
                    "{} › {}",
                    set.display_name,
                    known.map_or(part, |field| &field.display_name)
                )
            },
        );
    };
    let display = known.display_name.trim();
    // A display name that means another field, or two of them, would mislead.
    let is_ambiguous = list.iter().any(|other| {
        other.schema_name != known.schema_name
            && (other.display_name.trim() == display || other.schema_name == display)
    });
    match display {
        "" => known.schema_name.clone(),
        _ if is_ambiguous => format!("{display} ({})", known.schema_name),
        _ => display.to_owned(),
    }
}
