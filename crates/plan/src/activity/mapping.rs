//! Which activity types map to which, and their fields.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::connector::{ActivityType as Rule, Definition};
use crate::mapping::{Mapping, Proposal, activity_rows};
use crate::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};
use crate::payload::Item;
use crate::problem::{Code, Problem, shortened};

/// The note of an activity, as mappings name it (`ActivityNote` of AD/post-an-activity-to-lead).
pub const NOTE: &str = "ActivityNote";
/// When it happened, as mappings name it (`ActivityDateTime` there).
pub const TIME: &str = "ActivityDateTime";
/// Its status.
pub const STATUS: &str = "Status";
/// The user who owns it.
pub const OWNER: &str = "Owner";
/// What every activity has, whatever its type.
pub const STANDARD: [&str; 4] = [NOTE, TIME, STATUS, OWNER];

/// From this event code on types are custom; those below are LeadSquared's (client code saw 21 to
/// 97, and custom ones from some 200 on). Only custom ones are in the default mapping: no page says
/// that LeadSquared's can be created by API.
const FIRST_OWN_TYPE: u32 = 100;

/// A connector's mapping of activities.
#[derive(Debug)]
pub struct ActivityMapping {
    types: BTreeMap<u32, Result<TypeMapping, Problem>>,
    /// Event codes of the source by the lower-case names of their types: two can share one (live).
    codes: BTreeMap<String, Vec<u32>>,
}

/// One activity type and what it maps to.
#[derive(Debug)]
pub struct TypeMapping {
    /// The event code in the source.
    pub from: u32,
    /// The event code in the destination.
    pub to: u32,
    /// The mapping of its fields.
    pub mapping: Mapping,
}

impl ActivityMapping {
    /// The mapping of this connector's activities between two accounts with this metadata.
    pub fn new(definition: &Definition, source: &Catalogue, destination: &Catalogue) -> Self {
        let types = rules(definition, source, destination)
            .iter()
            .map(|rule| (rule.from, type_mapping(definition, rule, source, destination)))
            .collect();
        let mut codes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for kind in source.activity_types.iter().flatten() {
            codes.entry(lower(&kind.name)).or_default().push(kind.event);
        }
        Self { types, codes }
    }

    /// What this activity's type maps to.
    ///
    /// # Errors
    /// Whether it should be skipped, because the connector does not map it, or refused.
    pub fn of(&self, item: &Item) -> Result<&TypeMapping, Unmapped> {
        if item.is_opportunity() {
            return Err(Unmapped::Skipped(Problem::new(
                Code::Opportunity,
                "The record is an opportunity. leadsync only syncs leads and activities.",
                "No action is needed. To stop receiving opportunities, exclude them from the \
                 automation or the webhook in the source account.",
            )));
        }
        let name = item.event_name().map(str::trim).filter(|name| !name.is_empty());
        let event = match (item.event(), name) {
            (Some(event), _) => event,
            (None, Some(name)) => self.named(name)?,
            (None, None) => {
                return Err(Unmapped::Refused(Problem::new(
                    Code::NoActivityType,
                    "The payload does not name the activity type.",
                    "Post activities from a LeadSquared automation or webhook: their payloads \
                     include the event code.",
                )));
            }
        };
        let told = || match name {
            Some(name) => format!("{event} ({})", shortened(name)),
            None => event.to_string(),
        };
        match self.types.get(&event) {
            Some(Ok(mapping)) => Ok(mapping),
            Some(Err(problem)) => Err(Unmapped::Refused(problem.clone())),
            None => Err(unmapped(&told())),
        }
    }

    /// The event code of the type of this name.
    fn named(&self, name: &str) -> Result<u32, Unmapped> {
        let codes = self.codes.get(&lower(name)).map_or(&[][..], Vec::as_slice);
        let mapped: Vec<u32> =
            codes.iter().copied().filter(|code| self.types.contains_key(code)).collect();
        match mapped.as_slice() {
            [code] => Ok(*code),
            [] => Err(unmapped(&shortened(name))),
            [first, second, ..] => Err(Unmapped::Refused(Problem::new(
                Code::NoActivityType,
                format!(
                    "The payload names the activity type only as {}, and the source account has \
                     two types of that name, {first} and {second}.",
                    shortened(name)
                ),
                "Include the event code as ActivityEvent in the payload, or rename one of the two \
                 types.",
            ))),
        }
    }

    /// Every type that is mapped, by event code of the source, or why it can't be.
    pub fn types(&self) -> impl Iterator<Item = (u32, &Result<TypeMapping, Problem>)> {
        self.types.iter().map(|(from, mapping)| (*from, mapping))
    }
}

fn unmapped(kind: &str) -> Unmapped {
    Unmapped::Skipped(Problem::new(
        Code::ActivityTypeUnmapped,
        format!("The activity type {kind} is not mapped."),
        "To sync it, map this activity type under Entity options, or create a type \
         of the same name in the destination account.",
    ))
}

/// Why an activity has no mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmapped {
    /// The connector does not map this type.
    Skipped(Problem),
    /// It does, but it can't be done.
    Refused(Problem),
}

/// The types that both accounts have under the same name.
fn default_types(source: &Catalogue, destination: &Catalogue) -> Vec<Rule> {
    let own = |kind: &&ActivityType| kind.event >= FIRST_OWN_TYPE;
    let one = |catalogue: &Catalogue, name: &str| {
        let mut found = catalogue.activity_types.iter().flatten().filter(own);
        let first = found.find(|kind| lower(&kind.name) == lower(name)).map(|kind| kind.event);
        first.filter(|_| !found.any(|kind| lower(&kind.name) == lower(name)))
    };
    let types = source.activity_types.iter().flatten().filter(own);
    types
        .filter_map(|kind| {
            let (from, to) = (one(source, &kind.name)?, one(destination, &kind.name)?);
            Some(Rule { from, to, automatic: false, fields: Vec::new() })
        })
        .collect()
}

/// The event codes of types whose own fields the connector's mapping needs: those of the source
/// and those of the destination.
pub fn forms_needed(
    definition: &Definition,
    source: &Catalogue,
    destination: &Catalogue,
) -> (Vec<u32>, Vec<u32>) {
    rules(definition, source, destination).iter().map(|rule| (rule.from, rule.to)).unzip()
}

/// An activity type that a connector syncs, and its rows.
#[derive(Clone, Debug, Serialize)]
pub struct TypeRows {
    /// The event code in the source.
    pub from: u32,
    /// The event code in the destination.
    pub to: u32,
    /// The type's name in the source, if reported.
    pub name: Option<String>,
    /// The rows, each with why it is there.
    pub rows: Vec<Proposal>,
}

/// The activity types that a connector syncs: those in its settings, or those that both accounts
/// have under the same name.
pub fn type_rows(
    definition: &Definition,
    source: &Catalogue,
    destination: &Catalogue,
) -> Vec<TypeRows> {
    let of = |rule: &Rule| {
        let (from, to) = forms(rule, source, destination);
        TypeRows {
            from: rule.from,
            to: rule.to,
            name: source.activity_type(rule.from).map(|kind| kind.name.clone()),
            rows: activity_rows(rule.own(), &from, &to),
        }
    };
    rules(definition, source, destination).iter().map(of).collect()
}

fn rules(definition: &Definition, source: &Catalogue, destination: &Catalogue) -> Vec<Rule> {
    match definition.activity.types.as_slice() {
        [] => default_types(source, destination),
        own => own.to_vec(),
    }
}

fn type_mapping(
    definition: &Definition,
    rule: &Rule,
    source: &Catalogue,
    destination: &Catalogue,
) -> Result<TypeMapping, Problem> {
    if destination.activity_type(rule.to).is_none() && destination.activity_types.is_some() {
        return Err(Problem::new(
            Code::UnknownActivityType,
            format!("The destination account has no activity type {}.", rule.to),
            "Fix the event code under Entity options, or create the type in the \
             destination account.",
        ));
    }
    let (from, to) = forms(rule, source, destination);
    let mapping = Mapping::of_activity(definition, rule.own(), (&from, &to), (source, destination));
    Ok(TypeMapping { from: rule.from, to: rule.to, mapping })
}

/// The fields of the two types of a rule, in the source and in the destination.
pub fn forms(rule: &Rule, source: &Catalogue, destination: &Catalogue) -> (FieldList, FieldList) {
    let read = rule.fields.iter().filter_map(|row| row.from.as_deref());
    let written = rule.fields.iter().map(|row| row.to.as_str());
    (form(source.activity_type(rule.from), read), form(destination.activity_type(rule.to), written))
}

/// The fields of a type: those that every activity has, and its own. Until an account has reported
/// those, the ones named in the settings are taken to be texts.
fn form<'a>(kind: Option<&ActivityType>, named: impl Iterator<Item = &'a str>) -> FieldList {
    let own = kind.and_then(|kind| kind.fields.as_ref());
    let mut fields: Vec<Field> = own.into_iter().flat_map(FieldList::iter).cloned().collect();
    let mut add = |name: &str, kind: Kind| {
        if !fields.iter().any(|field| field.schema_name == name) {
            fields.push(Field::plain(name, kind));
        }
    };
    add(NOTE, Kind::Text);
    add(TIME, Kind::DateTime);
    add(STATUS, Kind::Text);
    add(OWNER, Kind::User);
    if own.is_none() {
        named.for_each(|name| add(crate::mapping::plain_name(name), Kind::Text));
    }
    fields.into()
}

fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}
