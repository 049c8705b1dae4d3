//! What a repair changes in a connector's settings.

use serde::{Deserialize, Serialize};

use crate::activity;
use crate::connector::{ActivityType, Definition, Fault, FieldRow};
use crate::mapping::{Proposal, activity_rows, lead_rows};
use crate::metadata::{Catalogue, FieldList};
use crate::text;

/// The most values that one repair translates.
pub const MOST_VALUES: usize = 500;
/// The longest value of a translation or a default, in characters.
pub const LONGEST_VALUE: usize = 2_000;

/// Whose mapping rows a repair is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Those of leads.
    #[default]
    Leads,
    /// Those of the activity type with this event code in the source.
    Activities(u32),
}

/// A change of a connector's settings that repairs failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fix {
    /// Translates values of the source to options of this field.
    MapValues {
        /// The destination's field by schema name.
        field: String,
        /// Values of the source and their options.
        values: Vec<(String, String)>,
    },
    /// Turns the rows that fill this field off.
    LeaveOut {
        /// The destination's field by schema name.
        field: String,
    },
    /// Gives this field a default value; a row is added if none fills the field.
    DefaultValue {
        /// The destination's field by schema name.
        field: String,
        /// The value.
        value: String,
    },
    /// Matches leads by other fields.
    SearchKey {
        /// The primary search key.
        search_by: String,
        /// The secondary search key.
        secondary: Option<String>,
    },
}

impl Fix {
    /// The settings with the change. Rows of a default mapping are written out, because a single one of
    /// them can't be changed otherwise.
    ///
    /// # Errors
    /// What the change lacks, or that nothing fills its field.
    pub fn apply(
        &self,
        definition: &Definition,
        rows: Rows,
        metadata: (&Catalogue, &Catalogue),
    ) -> Result<Definition, Fault> {
        let mut fixed = definition.clone();
        match self {
            Self::SearchKey { search_by, secondary } => {
                if secondary.as_ref() == Some(search_by) {
                    let what = "is the same as the search key; choose another field";
                    return Err(fault("secondary", what));
                }
                fixed.basic.search_by.clone_from(search_by);
                fixed.basic.secondary_search_by = secondary.clone().filter(|key| !key.is_empty());
            }
            Self::MapValues { field, values } => {
                check_values(values)?;
                let fill = |row: &mut FieldRow| {
                    for (from, to) in values {
                        row.values.insert(from.trim().to_owned(), to.trim().to_owned());
                    }
                };
                edit(&mut fixed, rows, metadata, (field, None), fill)?;
            }
            Self::LeaveOut { field } => {
                edit(&mut fixed, rows, metadata, (field, None), |row| row.enabled = false)?;
            }
            Self::DefaultValue { field, value } => {
                check_text("value", value)?;
                let to = field.clone();
                let new = FieldRow { to, enabled: true, ..FieldRow::default() };
                let give = |row: &mut FieldRow| {
                    row.default = Some(value.trim().to_owned());
                    // A default fills what an empty value would clear.
                    row.blank = None;
                };
                edit(&mut fixed, rows, metadata, (field, Some(new)), give)?;
            }
        }
        Ok(fixed)
    }
}

fn fault(at: &str, what: impl Into<String>) -> Fault {
    Fault { at: at.to_owned(), what: what.into() }
}

fn check_text(at: &str, value: &str) -> Result<(), Fault> {
    if text::is_blank(value) {
        return Err(fault(at, "is empty; enter a value"));
    }
    if value.chars().count() > LONGEST_VALUE {
        return Err(fault(at, format!("is longer than {LONGEST_VALUE} characters")));
    }
    Ok(())
}

fn check_values(values: &[(String, String)]) -> Result<(), Fault> {
    if values.is_empty() {
        return Err(fault("values", "are missing; choose an option for at least one value"));
    }
    if values.len() > MOST_VALUES {
        return Err(fault("values", format!("are more than {MOST_VALUES}")));
    }
    values.iter().flat_map(|(from, to)| [from, to]).try_for_each(|text| check_text("values", text))
}

/// Changes the enabled rows that fill this field; if there are none, adds `new`.
fn edit(
    definition: &mut Definition,
    which: Rows,
    metadata: (&Catalogue, &Catalogue),
    (field, new): (&str, Option<FieldRow>),
    change: impl Fn(&mut FieldRow),
) -> Result<(), Fault> {
    let (mut rows, is_automatic) = rows_of(definition, which, metadata)?;
    let mut found = false;
    for row in rows.iter_mut().filter(|row| row.enabled && row.to == field) {
        change(row);
        found = true;
    }
    if !found {
        let mut row = new.ok_or_else(|| {
            fault("field", format!("no mapping row fills {field}; edit the mapping by hand"))
        })?;
        change(&mut row);
        rows.retain(|row| row.to != field);
        rows.push(row);
    }
    let (own, automatic) = match which {
        Rows::Leads => (&mut definition.lead.fields, &mut definition.lead.automatic),
        Rows::Activities(code) => {
            let mut rules = definition.activity.types.iter_mut();
            let Some(rule) = rules.find(|one| one.from == code) else { return Ok(()) };
            (&mut rule.fields, &mut rule.automatic)
        }
    };
    if is_automatic {
        // It stays automatic: only what fills this field becomes an override.
        own.retain(|row| row.to != field);
        own.extend(rows.into_iter().filter(|row| row.to == field));
        *automatic = true;
    } else {
        *own = rows;
    }
    Ok(())
}

/// The rows in effect, and whether the mapping is automatic. Activity types that were implied are then named in the settings.
fn rows_of(
    definition: &mut Definition,
    which: Rows,
    (source, destination): (&Catalogue, &Catalogue),
) -> Result<(Vec<FieldRow>, bool), Fault> {
    let rows = |proposals: Vec<Proposal>| proposals.into_iter().map(|one| one.row).collect();
    let code = match which {
        Rows::Leads => {
            let is_automatic = definition.lead.own().is_automatic();
            let proposals = lead_rows(definition, &source.fields, &destination.fields);
            return Ok((rows(proposals), is_automatic));
        }
        Rows::Activities(code) => code,
    };
    if definition.activity.types.is_empty() {
        let kinds = activity::type_rows(definition, source, destination);
        let named = kinds.iter().map(|kind| ActivityType {
            from: kind.from,
            to: kind.to,
            automatic: true,
            fields: Vec::new(),
        });
        definition.activity.types = named.collect();
    }
    let rule = definition.activity.types.iter().find(|rule| rule.from == code);
    let rule = rule.ok_or_else(|| {
        fault("rows", format!("the connector does not map the activity type {code}"))
    })?;
    let (from, to): (FieldList, FieldList) = activity::forms(rule, source, destination);
    Ok((rows(activity_rows(rule.own(), &from, &to)), rule.own().is_automatic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Field, Kind};

    fn catalogue(names: &[&str]) -> Catalogue {
        let fields: Vec<Field> = names.iter().map(|name| Field::plain(name, Kind::Text)).collect();
        FieldList::from(fields).into()
    }

    fn fixed(fix: &Fix, settings: &str) -> Result<Definition, String> {
        let definition: Definition = serde_json::from_str(settings).unwrap();
        let both = catalogue(&["EmailAddress", "mx_City", "mx_Stage"]);
        let fixed = fix.apply(&definition, Rows::Leads, (&both, &both));
        let fixed = fixed.map_err(|fault| fault.to_string())?;
        let faults = fixed.check();
        faults.first().map_or(Ok(fixed), |fault| Err(fault.to_string()))
    }

    fn row<'a>(definition: &'a Definition, to: &str) -> &'a FieldRow {
        definition.lead.fields.iter().find(|row| row.to == to).expect("a row")
    }

    const DEFAULT: &str = r#"{"name":"c","source":"a","destination":"b"}"#;

    #[test]
    fn values_are_added_to_those_that_are_translated() {
        let settings = r#"{"name":"c","source":"a","destination":"b","lead":{"field":[
            {"from":"EmailAddress","to":"EmailAddress"},
            {"from":"mx_City","to":"mx_City","values":{"a":"b"}}]}}"#;
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let values = vec![pair(" Bombay", "Mumbai"), pair("a", "c")];
        let fix = Fix::MapValues { field: "mx_City".to_owned(), values };
        let fixed = fixed(&fix, settings).unwrap();
        let values = &row(&fixed, "mx_City").values;
        assert_eq!(values.get("Bombay").map(String::as_str), Some("Mumbai"));
        assert_eq!(values.get("a").map(String::as_str), Some("c"));
        assert!(row(&fixed, "EmailAddress").values.is_empty());
    }

    #[test]
    fn a_row_of_the_default_mapping_can_be_turned_off() {
        let out = |field: &str| fixed(&Fix::LeaveOut { field: field.to_owned() }, DEFAULT);
        let fixed = out("mx_City").unwrap();
        assert!(!row(&fixed, "mx_City").enabled);
        assert!(fixed.lead.automatic && fixed.lead.fields.len() == 1, "the rest stays automatic");
        assert!(out("mx_None").unwrap_err().contains("no mapping row fills mx_None"));
        let key = out("EmailAddress").unwrap_err();
        assert!(key.contains("no enabled mapping row fills EmailAddress"), "{key}");
    }

    #[test]
    fn a_mandatory_field_gets_a_default() {
        let give = |field: &str, value: &str| {
            let (field, value) = (field.to_owned(), value.to_owned());
            fixed(&Fix::DefaultValue { field, value }, DEFAULT)
        };
        let given = give("mx_City", "Pune").unwrap();
        let city = row(&given, "mx_City");
        assert_eq!(
            (city.default.as_deref(), city.from.as_deref()),
            (Some("Pune"), Some("mx_City"))
        );
        let given = give("mx_New", "Pune").unwrap();
        assert_eq!(row(&given, "mx_New").from, None, "a row is added");
        assert!(give("mx_City", " ").unwrap_err().contains("is empty"));
    }

    #[test]
    fn leads_are_matched_by_another_key() {
        let key = |search_by: &str, secondary: &str| {
            let (search_by, secondary) = (search_by.to_owned(), Some(secondary.to_owned()));
            fixed(&Fix::SearchKey { search_by, secondary }, DEFAULT)
        };
        let basic = key("mx_City", "").unwrap().basic;
        assert_eq!((basic.search_by.as_str(), basic.secondary_search_by), ("mx_City", None));
        assert!(key("mx_City", "mx_City").is_err());
    }
}
