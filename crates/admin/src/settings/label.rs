//! What each setting of a connector is called for people.

use plan::connector::{Definition, FieldRow};

/// The settings by their places in the configuration file.
const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("source", "Source account"),
    ("destination", "Destination account"),
    ("enabled", "Enabled"),
    ("version", "Version"),
    ("while_disabled", "Requests received while disabled"),
    ("basic.lead_source", "Lead Source"),
    ("basic.default_country_code", "Default country code"),
    ("basic.time_zone", "Time zone"),
    ("basic.date_order", "Date order"),
    ("basic.placeholders", "Placeholders"),
    ("basic.search_by", "Primary search key"),
    ("basic.secondary_search_by", "Secondary search key"),
    ("basic.notify", "User to notify on failure"),
    ("basic.notifications", "Failure notifications"),
    ("basic.silent_hours", "Alert when nothing arrives for (hours)"),
    ("immediate", "Alerts"),
    ("digest.hour", "Digest at"),
    ("access", "Connector access"),
    ("access.roles", "Roles with access"),
    ("access.user_field", "User field that grants access"),
    ("owner", "Owners"),
    ("owner.users", "Owner mapping"),
    ("owner.fallback", "Fallback owner"),
    ("filter", "Filter"),
    ("filter.all", "Filter: all of these"),
    ("filter.any", "Filter: at least one of these"),
    ("filter.leaving", "When a linked lead no longer passes the filter"),
    ("lead.behaviour", "Sync behaviour"),
    ("lead.trigger_automations", "Trigger automations"),
    ("lead.blank", "Blank values"),
    ("lead.bad_field", "Invalid values"),
    ("lead.unlisted_option", "Unlisted dropdown values"),
    ("lead.automatic", "Mapping"),
    ("lead.field", "Mapping"),
    ("conflict.policy", "When both accounts changed a field"),
    ("conflict.first_meeting", "When a lead already exists in both accounts"),
    ("identity.several", "When several leads match"),
    ("identity.keys_disagree", "When the two search keys match different leads"),
    ("identity.linked", "When the match is already linked"),
    ("removed", "Deleted or merged leads"),
    ("removed.field", "Field for deleted or merged leads"),
    ("removed.deleted", "Value for deleted leads"),
    ("removed.merged", "Value for merged leads"),
    ("catch_up.sweep", "Sweep"),
    ("catch_up.parity", "Daily comparison"),
    ("activity.enabled", "Activities"),
    ("activity.behaviour", "Sync behaviour for activities"),
    ("activity.without_id", "Activities without an ID"),
    ("activity.type", "Activity types"),
    ("backfill.confirm_above", "Confirm above (% of leads)"),
];

/// The settings of a row of a mapping.
const OF_A_ROW: &[(&str, &str)] = &[
    ("from", "source field"),
    ("to", "destination field"),
    ("compute", "computed value"),
    ("default", "default value"),
    ("enabled", "on"),
    ("values", "translated values"),
    ("blank", "blank values"),
    ("conflict", "conflict"),
];

/// What the setting at this place of the configuration file is called: `basic.time_zone` is *Time
/// zone*. A row of a mapping is named by what stands in its brackets, its number or its field.
pub fn label(at: &str) -> String {
    if let Some(rest) = at.strip_prefix("lead.field") {
        return of_row("Mapping", rest);
    }
    if let Some((number, rest)) = indexed(at, "activity.type") {
        let kind = format!("Activity type {number}");
        return match rest.strip_prefix(".field") {
            Some(rest) => of_row(&kind, rest),
            None => match rest {
                ".from" => format!("{kind}: type in the source"),
                ".to" => format!("{kind}: type in the destination"),
                ".automatic" => format!("{kind}: mapping"),
                _ => kind,
            },
        };
    }
    for list in ["all", "any"] {
        if let Some((number, _)) = indexed(at, &format!("filter.{list}")) {
            let list = label(&format!("filter.{list}"));
            return format!("{list}, condition {number}");
        }
    }
    if let Some(user) = at.strip_prefix("owner.users.") {
        return format!("Owner {user}");
    }
    LABELS
        .iter()
        .find(|(place, _)| *place == at)
        .map_or_else(|| words(at), |(_, label)| (*label).to_owned())
}

/// The same for a place in these settings: a row is named by the field that it fills, not by its
/// number, which no page shows.
pub fn label_of(definition: &Definition, at: &str) -> String {
    let row = |rows: &[FieldRow], list: &str, rest: &str| -> Option<String> {
        let (number, part) = rest.strip_prefix('[')?.split_once(']')?;
        let row = rows.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(label(&format!("{list}[{}]{part}", row.to))).filter(|_| !row.to.trim().is_empty())
    };
    let of_leads = at.strip_prefix("lead.field");
    let named = of_leads.and_then(|rest| row(&definition.lead.fields, "lead.field", rest));
    let of_type = || {
        let (number, rest) = indexed(at, "activity.type")?;
        let kind = definition.activity.types.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        let list = format!("activity.type[{}].field", kind.from);
        match rest.strip_prefix(".field") {
            Some(rest) => row(&kind.fields, &list, rest),
            None => Some(label(&format!("activity.type[{}]{rest}", kind.from))),
        }
    };
    named.or_else(of_type).unwrap_or_else(|| label(at))
}

/// The field that the row of leads at this place fills: one of the settings, or an automatic one.
pub fn lead_row<'a>(definition: &'a Definition, at: &'a str) -> Option<&'a str> {
    let rest = at.strip_prefix("lead.field")?;
    if let Some(field) = plan::check::automatic_field(rest) {
        return Some(field);
    }
    let (number, _) = rest.strip_prefix('[')?.split_once(']')?;
    let row = definition.lead.fields.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(row.to.as_str())
}

/// The number or name in brackets after `list`, and what follows it.
fn indexed<'a>(at: &'a str, list: &str) -> Option<(&'a str, &'a str)> {
    at.strip_prefix(list)?.strip_prefix('[')?.split_once(']')
}

/// A row of a mapping: `[3].to`, or ` (automatic) City.to`.
fn of_row(mapping: &str, rest: &str) -> String {
    if let Some((row, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_number = row.bytes().all(|byte| byte.is_ascii_digit());
        let row = if is_number { format!("row {row}") } else { row.to_owned() };
        return part(&format!("{mapping}, {row}"), rest);
    }
    match plan::check::automatic_field(rest) {
        Some(field) => format!("{mapping}, {field}"),
        None => mapping.to_owned(),
    }
}

fn part(of: &str, rest: &str) -> String {
    let rest = rest.trim_start_matches('.');
    let name = rest.split('.').next().unwrap_or_default();
    match OF_A_ROW.iter().find(|(part, _)| *part == name) {
        Some((_, label)) => format!("{of}: {label}"),
        None => of.to_owned(),
    }
}

/// The last part of an unknown place, as words: those of a page's own form have no other name.
fn words(at: &str) -> String {
    let last = at.rsplit('.').next().unwrap_or(at);
    sentence(last)
}

/// A name of the configuration file as words: `create_and_update` is *Create and update*.
pub(super) fn sentence(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use plan::connector::differences;

    use super::*;

    #[test]
    fn places_have_names_for_people() {
        for (at, expected) in [
            ("basic.time_zone", "Time zone"),
            ("lead.field[3].to", "Mapping, row 3: destination field"),
            ("lead.field[City].default", "Mapping, City: default value"),
            ("lead.field (automatic) City.from", "Mapping, City"),
            ("lead.field (order)", "Mapping"),
            (
                "activity.type[201].field[2].values.\"x\"",
                "Activity type 201, row 2: translated values",
            ),
            ("activity.type[201].to", "Activity type 201: type in the destination"),
            ("filter.all[2].one_of", "Filter: all of these, condition 2"),
            ("owner.users.asha@example.com", "Owner asha@example.com"),
            ("some_thing", "Some thing"),
        ] {
            assert_eq!(label(at), expected, "{at}");
        }
    }

    #[test]
    fn a_row_is_named_by_its_field() {
        let definition: Definition = serde_json::from_str(
            r#"{"name":"c","source":"a","destination":"b","lead":{"field":[{"to":"City"},{"to":""}]},
                "activity":{"type":[{"from":201,"to":305,"field":[{"to":"mx_Custom_1"}]}]}}"#,
        )
        .unwrap();
        for (at, expected) in [
            ("lead.field[1].to", "Mapping, City: destination field"),
            ("lead.field[2].to", "Mapping, row 2: destination field"),
            ("activity.type[1].field[1]", "Activity type 201, mx_Custom_1"),
            ("activity.type[1].to", "Activity type 201: type in the destination"),
            ("basic.notify", "User to notify on failure"),
        ] {
            assert_eq!(label_of(&definition, at), expected, "{at}");
        }
    }

    /// A setting that is added needs a label too.
    #[test]
    fn every_setting_has_a_label() {
        let plain = Definition::new("a", "b", "c");
        let full: Definition = serde_json::from_str(
            r#"{"name":"d","source":"e","destination":"f","while_disabled":"drop",
            "basic":{"lead_source":"x","default_country_code":"IN","time_zone":"UTC","date_order":"day_first",
              "placeholders":["x"],"search_by":"Phone","secondary_search_by":"x","notify":"x","notifications":true,"silent_hours":6},
            "access":{"roles":["x"],"user_field":"x"},"owner":{"users":{"a":"b"},"fallback":"x"},
            "filter":{"all":[{"field":"x","empty":true}],"any":[{"field":"x","empty":true}],"leaving":"continue"},
            "lead":{"behaviour":"create_only","trigger_automations":true,"blank":"clear","bad_field":"leave_out",
              "unlisted_option":"refuse","automatic":true,"field":[{"from":"x","to":"y"}]},
            "conflict":{"policy":"source","first_meeting":"source"},
            "identity":{"several":"skip","keys_disagree":"skip","linked":"skip"},
            "removed":{"field":"x"},"catch_up":{"sweep":true,"parity":true},
            "activity":{"enabled":true,"behaviour":"create_only","without_id":"sync","type":[{"from":1,"to":2}]},
            "backfill":{"confirm_above":3}}"#,
        )
        .unwrap();
        for difference in differences(&plain, &full) {
            let at = difference.setting.as_str();
            // Tables that one has and the other lacks are compared part by part elsewhere.
            let is_known = LABELS.iter().any(|(place, _)| *place == at);
            let is_table = LABELS.iter().any(|(place, _)| place.starts_with(&format!("{at}.")));
            assert!(is_known || is_table, "{at} has no label");
        }
    }
}
