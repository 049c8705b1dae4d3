//! Changes of an account's fields that may have broken mappings.

use serde::{Deserialize, Serialize};

use super::{Field, FieldList, Kind};

/// A change of one field that may break a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its schema name.
    pub field: String,
    /// What happened to it.
    pub what: What,
}

/// What happened to a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is gone.
    Gone,
    /// Its kind changed.
    Kind {
        /// The old kind.
        before: Kind,
        /// The new kind.
        now: Kind,
    },
    /// Options are gone from its list.
    OptionsGone(Vec<String>),
    /// It is limited to shorter texts.
    Shorter {
        /// The new maximum length, in characters.
        now: u32,
    },
    /// Two leads may now have the same value.
    NotUnique,
    /// Two leads may no longer have the same value.
    Unique,
    /// It can no longer be written.
    ReadOnly,
    /// Leads can no longer be created without it.
    Mandatory,
}

impl What {
    /// The end of a sentence that begins with the field.
    pub fn words(&self) -> String {
        match self {
            Self::Gone => "no longer exists".to_owned(),
            Self::Kind { before, now } => {
                format!("changed from {} to {}", before.words(), now.words())
            }
            Self::OptionsGone(options) => {
                format!("no longer has the options {}", options.join(", "))
            }
            Self::Shorter { now } => format!("now holds at most {now} characters"),
            Self::NotUnique => "is no longer unique".to_owned(),
            Self::Unique => "is now unique".to_owned(),
            Self::ReadOnly => "is now read-only".to_owned(),
            Self::Mandatory => "is now mandatory".to_owned(),
        }
    }
}

/// What changed from one list of an account's fields to a later one, as far as it may break a
/// mapping: new fields and looser rules don't.
pub fn changes(before: &FieldList, now: &FieldList) -> Vec<FieldChange> {
    let of = |old: &Field| {
        let what = now.get(&old.schema_name).map_or_else(|| vec![What::Gone], |new| of(old, new));
        let field = old.schema_name.clone();
        what.into_iter().map(move |what| FieldChange { field: field.clone(), what })
    };
    before.iter().flat_map(of).collect()
}

fn of(old: &Field, new: &Field) -> Vec<What> {
    let mut changes = Vec::new();
    if old.kind != new.kind {
        changes.push(What::Kind { before: old.kind, now: new.kind });
    }
    let gone: Vec<String> =
        old.options.iter().filter(|option| !new.options.contains(option)).cloned().collect();
    // An account that reports no options accepts any.
    if !gone.is_empty() && !new.options.is_empty() {
        changes.push(What::OptionsGone(gone));
    }
    if let Some(now) = new.max_length
        && old.max_length.is_none_or(|before| before > now)
    {
        changes.push(What::Shorter { now });
    }
    let mut turned = |before: bool, now: bool, what| {
        if !before && now {
            changes.push(what);
        }
    };
    turned(!old.unique, !new.unique, What::NotUnique);
    turned(old.unique, new.unique, What::Unique);
    turned(old.read_only, new.read_only, What::ReadOnly);
    turned(old.mandatory, new.mandatory, What::Mandatory);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_break_a_mapping_is_a_change() {
        let plan = Field {
            options: vec!["Basic".into(), "Plus".into()],
            ..Field::plain("mx_Plan", Kind::Select)
        };
        let city = Field { max_length: Some(100), ..Field::plain("mx_City", Kind::Text) };
        let email = Field { unique: true, ..Field::plain("EmailAddress", Kind::Email) };
        let old = Field::plain("mx_Old", Kind::Text);
        let budget = Field::plain("mx_Budget", Kind::Number);
        let before: FieldList =
            vec![plan.clone(), city.clone(), email.clone(), old, budget.clone()].into();
        assert_eq!(changes(&before, &before), []);
        let now: FieldList = vec![
            Field { options: vec!["Plus".into(), "Premium".into()], ..plan },
            Field { max_length: Some(50), mandatory: true, ..city },
            Field { unique: false, ..email },
            Field { kind: Kind::Text, read_only: true, ..budget },
            Field::plain("mx_New", Kind::Text),
        ]
        .into();
        let told: Vec<String> = changes(&before, &now)
            .iter()
            .map(|change| format!("{} {}", change.field, change.what.words()))
            .collect();
        assert_eq!(
            told,
            [
                "EmailAddress is no longer unique",
                "mx_Budget changed from a number to text",
                "mx_Budget is now read-only",
                "mx_City now holds at most 50 characters",
                "mx_City is now mandatory",
                "mx_Old no longer exists",
                "mx_Plan no longer has the options Basic",
            ]
        );
    }
}
