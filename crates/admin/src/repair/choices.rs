//! What a person can choose from when repairing a group.

use plan::activity::{self, ActivityMapping};
use plan::connector::ActivityType;
use plan::mapping::{Mapping, activity_rows, lead_rows};
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::outcome::Entity;
use plan::payload::Item;
use plan::repair::{MOST_VALUES, Remedy, Rows, closest};
use serde::Serialize;

use super::{Case, ranked};

/// What a person can choose from when repairing a group.
#[derive(Clone, Debug, Serialize)]
pub struct Choices {
    /// The repairs that fit, the most likely first.
    pub repairs: Vec<Remedy>,
    /// Whose mapping rows they change.
    pub rows: Rows,
    /// The destination's field that the error is about, if that is known.
    pub field: Option<FieldItem>,
    /// The destination's fields that the mapping fills.
    pub fields: Vec<FieldItem>,
    /// Values of the examined records that the field does not list, the most frequent first.
    pub values: Vec<UnlistedValue>,
    /// The options of the field.
    pub options: Vec<String>,
    /// Fields by which leads can be matched.
    pub keys: Vec<FieldItem>,
    /// The current search key.
    pub search_by: String,
    /// The current secondary search key.
    pub secondary: Option<String>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldItem {
    /// The schema name.
    pub name: String,
    /// The display name.
    pub label: String,
}

impl FieldItem {
    fn of(field: &Field) -> Self {
        let label = match field.display_name.trim() {
            "" => &field.schema_name,
            label => label,
        };
        Self { name: field.schema_name.clone(), label: label.to_owned() }
    }

    fn named(name: &str, list: &FieldList) -> Self {
        let unknown = || Self { name: name.to_owned(), label: name.to_owned() };
        list.get(name).map_or_else(unknown, Self::of)
    }
}

/// A value that a dropdown of the destination does not list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnlistedValue {
    /// As the source has it.
    pub value: String,
    /// How many of the examined records have it.
    pub records: u64,
    /// The option that is closest to it, if one is close.
    pub suggestion: Option<String>,
}

impl Choices {
    /// What there is to choose from for this group.
    pub fn of(case: &Case) -> Self {
        let fields = fields(case);
        let field = case.field();
        let known = field.as_deref().and_then(|name| fields.get(name));
        let options = known.map(|field| field.options.clone()).unwrap_or_default();
        let values = match &field {
            Some(field) if !options.is_empty() => unlisted(case, field, &options),
            _ => Vec::new(),
        };
        let filled = filled(case).into_iter();
        let basic = &case.connector.definition.basic;
        let repairs = case.group.repairs.iter().copied().filter(|repair| match repair {
            Remedy::MapValues => !values.is_empty(),
            Remedy::LeaveOut => case.metadata.is_some(),
            Remedy::DefaultValue | Remedy::SearchKey => !fields.is_empty(),
            _ => true,
        });
        Self {
            repairs: repairs.collect(),
            rows: case.rows,
            field: field.map(|name| FieldItem::named(&name, &fields)),
            fields: filled.map(|name| FieldItem::named(&name, &fields)).collect(),
            values,
            options,
            keys: keys(case),
            search_by: basic.search_by.clone(),
            secondary: basic.secondary_search_by.clone(),
        }
    }
}

/// The destination's fields that the rows of this group can fill.
pub(super) fn fields(case: &Case) -> FieldList {
    let Some((source, destination)) = &case.metadata else { return FieldList::default() };
    match case.rows {
        Rows::Leads => destination.fields.clone(),
        Rows::Activities(code) => {
            let rule = rule(case, code, source, destination);
            rule.map(|rule| activity::forms(&rule, source, destination).1).unwrap_or_default()
        }
    }
}

/// The rule of an activity type, which the settings name or imply.
fn rule(
    case: &Case,
    code: u32,
    source: &Catalogue,
    destination: &Catalogue,
) -> Option<ActivityType> {
    let definition = &case.connector.definition;
    let named = definition.activity.types.iter().find(|rule| rule.from == code).cloned();
    named.or_else(|| {
        let kinds = activity::type_rows(definition, source, destination);
        let kind = kinds.into_iter().find(|kind| kind.from == code)?;
        Some(ActivityType { from: kind.from, to: kind.to, automatic: true, fields: Vec::new() })
    })
}

/// The fields that enabled rows fill, by schema name.
fn filled(case: &Case) -> Vec<String> {
    let Some((source, destination)) = &case.metadata else { return Vec::new() };
    let rows = match case.rows {
        Rows::Leads => lead_rows(&case.connector.definition, &source.fields, &destination.fields),
        Rows::Activities(code) => {
            let Some(rule) = rule(case, code, source, destination) else { return Vec::new() };
            let (from, to) = activity::forms(&rule, source, destination);
            activity_rows(rule.own(), &from, &to)
        }
    };
    rows.into_iter().filter(|one| one.row.enabled).map(|one| one.row.to).collect()
}

/// Fields by which a lead can be matched: mapped ones that are unique, or all mapped ones if the account
/// marks none as unique.
fn keys(case: &Case) -> Vec<FieldItem> {
    let Some((source, destination)) = &case.metadata else { return Vec::new() };
    let rows = lead_rows(&case.connector.definition, &source.fields, &destination.fields);
    let filled: Vec<&Field> = rows
        .iter()
        .filter(|one| one.row.enabled)
        .filter_map(|one| destination.fields.get(&one.row.to))
        .filter(|field| !matches!(field.kind, Kind::FieldSet | Kind::Boolean | Kind::User))
        .collect();
    let has_unique = filled.iter().any(|field| field.unique);
    filled.into_iter().filter(|f| f.unique || !has_unique).map(FieldItem::of).collect()
}

/// The values of the examined records that this field does not list.
fn unlisted(case: &Case, field: &str, options: &[String]) -> Vec<UnlistedValue> {
    let Some((source, destination)) = &case.metadata else { return Vec::new() };
    let definition = &case.connector.definition;
    let leads = Mapping::new(definition, source, destination);
    let activities = ActivityMapping::new(definition, source, destination);
    let of = |item: &Item| match item.entity() {
        Entity::Lead => leads.unlisted(item, field),
        Entity::Activity => {
            let kind = activities.of(item).ok();
            let kind = kind.filter(|kind| case.rows == Rows::Activities(kind.from));
            kind.map(|kind| kind.mapping.unlisted(item, field)).unwrap_or_default()
        }
    };
    let found = ranked(case.records.iter().filter_map(|record| record.item.as_ref()).flat_map(of));
    let value = |(value, records): (String, u64)| UnlistedValue {
        suggestion: closest(&value, options).cloned(),
        value,
        records,
    };
    found.into_iter().take(MOST_VALUES).map(value).collect()
}
