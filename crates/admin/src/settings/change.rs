//! What a change of settings means, in one line a setting and a row.

use plan::activity::{TypeRows, forms, type_rows};
use plan::connector::{ActivityType, Condition, Definition, Difference, OwnRows, differences};
use plan::mapping::lead_rows;
use plan::metadata::{Catalogue, FieldList};
use serde::Serialize;
use serde_json::Value;

use super::value::Names;
use super::{label, rows};

/// One change, as *City*: *now from Town (was City)*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The setting, or the destination's field, by the name that people know.
    pub label: String,
    /// What changed about it.
    pub text: String,
}

impl Change {
    fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into() }
    }
}

/// What changed between two definitions of a connector, by the metadata of its accounts. The rows
/// of a mapping are compared as they take effect, so that switching between automatic and manual is
/// one line, and not a line for each row that stays what it was.
pub fn changes(before: &Definition, after: &Definition, names: Names<'_>) -> Vec<Change> {
    let mut changes = settings(before, after, names);
    for (list, title) in [(0, "filter.all"), (1, "filter.any")] {
        let of = |definition: &Definition| -> Vec<Condition> {
            let filter = &definition.filter;
            if list == 0 { filter.all.clone() } else { filter.any.clone() }
        };
        conditions(title, (&of(before), &of(after)), names, &mut changes);
    }
    changes.extend(leads(before, after, names));
    changes.extend(activities(before, after, names));
    changes
}

/// The changes of everything but lists of rows and of conditions.
fn settings(before: &Definition, after: &Definition, names: Names<'_>) -> Vec<Change> {
    let plain = |definition: &Definition| {
        let mut plain = definition.clone();
        (plain.lead.fields, plain.lead.automatic) = (Vec::new(), false);
        plain.activity.types = Vec::new();
        (plain.filter.all, plain.filter.any) = (Vec::new(), Vec::new());
        plain
    };
    let mut all = Vec::new();
    for difference in differences(&plain(before), &plain(after)) {
        expand(difference, &mut all);
    }
    let line = |Difference { setting, before, after }: Difference| {
        let title = match setting.strip_prefix("owner.users.") {
            Some(email) => format!("Owner {}", names.owner(email)),
            None => label(&setting),
        };
        let [was, is] = [&before, &after].map(|value| names.value(&setting, value));
        // A setting that is written out with the value that it had anyway.
        (was != is).then(|| Change::new(title, format!("now {is} (was {was})")))
    };
    all.into_iter().filter_map(line).collect()
}

/// A table that one definition has and the other lacks, setting by setting.
fn expand(difference: Difference, all: &mut Vec<Difference>) {
    let Difference { setting, before, after } = difference;
    let part = |value: &Value, key: &str| value.get(key).cloned().unwrap_or(Value::Null);
    match (&before, &after) {
        (Value::Object(table), Value::Null) | (Value::Null, Value::Object(table)) => {
            for key in table.keys() {
                let setting = format!("{setting}.{key}");
                let (before, after) = (part(&before, key), part(&after, key));
                expand(Difference { setting, before, after }, all);
            }
        }
        _ => all.push(Difference { setting, before, after }),
    }
}

fn conditions(
    title: &str,
    (before, after): (&[Condition], &[Condition]),
    names: Names<'_>,
    changes: &mut Vec<Change>,
) {
    let title = label(title);
    for gone in before.iter().filter(|one| !after.contains(one)) {
        changes.push(Change::new(&title, format!("removed: {}", names.condition(gone))));
    }
    for new in after.iter().filter(|one| !before.contains(one)) {
        changes.push(Change::new(&title, format!("added: {}", names.condition(new))));
    }
}

fn leads(before: &Definition, after: &Definition, names: Names<'_>) -> Vec<Change> {
    let is_same = |one: OwnRows<'_>, other: OwnRows<'_>| {
        one.rows == other.rows && one.is_automatic() == other.is_automatic()
    };
    let (was, is) = (before.lead.own(), after.lead.own());
    // A lead source of the connector's own takes the source's out of the automatic mapping.
    let has_source = |definition: &Definition| definition.basic.lead_source.is_some();
    if is_same(was, is) && (!was.is_automatic() || has_source(before) == has_source(after)) {
        return Vec::new();
    }
    let fields = (&names.source.fields, &names.destination.fields);
    let mut changes: Vec<Change> = mode("Mapping", was, is).into_iter().collect();
    if is_known(fields) || was.is_automatic() == is.is_automatic() {
        let [was, is] = [before, after].map(|definition| lead_rows(definition, fields.0, fields.1));
        changes.extend(rows::changes((&was, &is), fields, None));
    }
    changes
}

/// Whether what an automatic mapping consists of is known.
fn is_known((source, destination): (&FieldList, &FieldList)) -> bool {
    !source.is_empty() && !destination.is_empty()
}

fn mode(title: &str, was: OwnRows<'_>, is: OwnRows<'_>) -> Option<Change> {
    let words = |own: OwnRows<'_>| if own.is_automatic() { "automatic" } else { "manual" };
    let (was, is) = (words(was), words(is));
    (was != is).then(|| Change::new(title, format!("now {is} (was {was})")))
}

fn activities(before: &Definition, after: &Definition, names: Names<'_>) -> Vec<Change> {
    if before.activity.types == after.activity.types {
        return Vec::new();
    }
    let [was, is] =
        [before, after].map(|definition| type_rows(definition, names.source, names.destination));
    let mut changes = Vec::new();
    let title = |kind: &TypeRows| match &kind.name {
        Some(name) => format!("Activity type {name}"),
        None => format!("Activity type {}", kind.from),
    };
    for kind in &was {
        if !is.iter().any(|other| other.from == kind.from) {
            changes.push(Change::new(title(kind), "removed"));
        }
    }
    for kind in &is {
        let to = |kind: &TypeRows| type_name(names.destination, kind.to);
        let Some(old) = was.iter().find(|other| other.from == kind.from) else {
            changes.push(Change::new(title(kind), format!("added, to {}", to(kind))));
            continue;
        };
        if old.to != kind.to {
            let text = format!("now to {} (was {})", to(kind), to(old));
            changes.push(Change::new(title(kind), text));
        }
        let rule = |definition: &Definition, kind: &TypeRows| {
            let own = definition.activity.types.iter().find(|rule| rule.from == kind.from);
            own.cloned().unwrap_or(ActivityType {
                from: kind.from,
                to: kind.to,
                automatic: false,
                fields: Vec::new(),
            })
        };
        let (old_rule, new_rule) = (rule(before, old), rule(after, kind));
        let heading = format!("{}: mapping", title(kind));
        changes.extend(mode(&heading, old_rule.own(), new_rule.own()));
        let (from, to) = forms(&new_rule, names.source, names.destination);
        let of = kind.name.clone().unwrap_or_else(|| kind.from.to_string());
        changes.extend(rows::changes((&old.rows, &kind.rows), (&from, &to), Some(&of)));
    }
    changes
}

fn type_name(catalogue: &Catalogue, event: u32) -> String {
    catalogue.activity_type(event).map_or_else(|| event.to_string(), |kind| kind.name.clone())
}

#[cfg(test)]
mod tests {
    use plan::metadata::Field;

    use super::*;

    fn catalogue(fields: &[(&str, &str)]) -> Catalogue {
        let field = |(schema, display): &(&str, &str)| -> Field {
            let json = serde_json::json!({
                "schema_name": schema, "display_name": display, "kind": "text"
            });
            serde_json::from_value(json).expect("a field")
        };
        Catalogue::from(FieldList::from(fields.iter().map(field).collect::<Vec<_>>()))
    }

    fn lines(before: &str, after: &str) -> Vec<String> {
        let definition = |parts: &str| -> Definition {
            let json = format!(r#"{{"name":"c","source":"a","destination":"b"{parts}}}"#);
            serde_json::from_str(&json).expect(&json)
        };
        let source = catalogue(&[("City", "City"), ("mx_Town", "Town"), ("Stage", "Lead Stage")]);
        let destination =
            catalogue(&[("City", "City"), ("Stage", "Lead Stage"), ("Phone", "Phone")]);
        let names = Names { source: &source, destination: &destination };
        let found = changes(&definition(before), &definition(after), names);
        found.into_iter().map(|Change { label, text }| format!("{label}: {text}")).collect()
    }

    #[test]
    fn a_row_is_one_line_in_display_names() {
        let town = r#","lead":{"automatic":true,"field":[{"from":"mx_Town","to":"City","default":"Pune"}]}"#;
        assert_eq!(lines("", town), ["City: now from Town (was City); default “Pune”"]);
        assert_eq!(lines(town, ""), ["City: now from City (was Town); no default (was “Pune”)"]);
        let off = r#","lead":{"automatic":true,"field":[{"to":"Stage","enabled":false}]}"#;
        assert_eq!(lines("", off), ["Lead Stage: off (was from Lead Stage)"]);
        let values = r#","lead":{"automatic":true,"field":[{"from":"Stage","to":"Stage","values":{"Won":"Customer"},"conflict":"source"},
            {"from":"mx_Town","to":"Phone"}]}"#;
        assert_eq!(
            lines("", values),
            [
                "Lead Stage: “Won” becomes “Customer”; when both changed: the source (was as for the connector)",
                "Phone: added, from Town",
            ]
        );
    }

    #[test]
    fn freezing_an_automatic_mapping_is_one_line() {
        let manual =
            r#","lead":{"field":[{"from":"City","to":"City"},{"from":"Stage","to":"Stage"}]}"#;
        assert_eq!(lines("", manual), ["Mapping: now manual (was automatic)"]);
        let one = r#","lead":{"field":[{"from":"City","to":"City"}]}"#;
        assert_eq!(
            lines("", one),
            ["Mapping: now manual (was automatic)", "Lead Stage: removed (was from Lead Stage)"]
        );
    }

    #[test]
    fn settings_have_names_and_values_in_words() {
        let after = r#","basic":{"time_zone":"Asia/Kolkata","search_by":"Stage","placeholders":["null","-"]},
            "lead":{"blank":"clear","behaviour":"create_only"},"identity":{"several":"newest"},
            "filter":{"all":[{"field":"mx_Town","one_of":["Pune","Delhi"]}]},"activity":{"enabled":true}"#;
        let mut found = lines("", after);
        found.sort();
        assert_eq!(
            found,
            [
                "Activities: now on (was off)",
                "Blank values: now Clear (was Leave)",
                "Filter: all of these: added: Town is one of Pune, Delhi",
                "Placeholders: now null, - (was not set)",
                "Primary search key: now Lead Stage (was EmailAddress)",
                "Sync behaviour: now Create only (was Create and update)",
                "Time zone: now Asia/Kolkata (was not set)",
                "When several leads match: now Newest (was Review)",
            ]
        );
        assert_eq!(lines(after, after), [""; 0]);
    }
}
