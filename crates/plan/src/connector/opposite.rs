//! The settings of the opposite connector of a pair: what the way back takes over from the way there.

use super::{
    ActivityType, Definition, FieldRow, FirstMeeting, LONGEST_NAME, Policy, rebase, rebase_rows,
};

/// The name for a connector between two accounts, with a number if it is taken.
pub fn name_between(source: &str, destination: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name: String = format!("{source}-to-{destination}").chars().take(LONGEST_NAME).collect();
    let numbered = |number: u32| {
        let end = format!("-{number}");
        let room = LONGEST_NAME.saturating_sub(end.len());
        name.chars().take(room).chain(end.chars()).collect::<String>()
    };
    if !is_taken(&name) {
        return name;
    }
    (2..u32::MAX).map(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

/// The way back, as proposed from the way there. What depends on the account stays as `back` has it:
/// the time zone and the Lead Source, who is notified, who has access, filters, owners for everybody
/// else, and the mark of deleted leads.
pub fn way_back(there: &Definition, back: &Definition) -> Definition {
    let mut wanted = back.clone();
    wanted.while_disabled = there.while_disabled;
    wanted.basic.default_country_code.clone_from(&there.basic.default_country_code);
    wanted.basic.date_order = there.basic.date_order;
    wanted.basic.placeholders.clone_from(&there.basic.placeholders);
    wanted.basic.silent_hours = there.basic.silent_hours;
    wanted.basic.search_by = key_back(there, &there.basic.search_by);
    wanted.basic.secondary_search_by =
        there.basic.secondary_search_by.as_ref().map(|key| key_back(there, key));
    for (from, to) in &there.owner.users {
        wanted.owner.users.entry(to.clone()).or_insert_with(|| from.clone());
    }
    wanted.lead.clone_from(&there.lead);
    wanted.lead.fields = rows_back(&there.lead.fields);
    wanted.conflict.policy = policy_back(there.conflict.policy);
    wanted.conflict.first_meeting = match there.conflict.first_meeting {
        FirstMeeting::Source => FirstMeeting::Destination,
        FirstMeeting::Destination => FirstMeeting::Source,
        same => same,
    };
    wanted.identity = there.identity;
    wanted.catch_up = there.catch_up;
    wanted.backfill = there.backfill;
    wanted.activity.clone_from(&there.activity);
    wanted.activity.types = types_back(&there.activity.types, &back.activity.types);
    or_own_mapping(wanted, back)
}

/// The way back after the way there was changed from `before` to `after`: what that change implies, on
/// top of what the way back has. What was set on the way back itself stays.
pub fn carried(before: &Definition, after: &Definition, back: &Definition) -> Definition {
    let [was, is] = [before, after].map(|there| way_back(there, back));
    let mut wanted = back.clone();
    macro_rules! carry {
        ($($($part:ident).+),+ $(,)?) => {
            $(wanted.$($part).+ = rebase(&was.$($part).+, &is.$($part).+, &back.$($part).+);)+
        };
    }
    carry!(
        while_disabled,
        basic.default_country_code,
        basic.date_order,
        basic.placeholders,
        basic.silent_hours,
        basic.search_by,
        basic.secondary_search_by,
        owner.users,
        lead.behaviour,
        lead.trigger_automations,
        lead.blank,
        lead.bad_field,
        lead.unlisted_option,
        lead.automatic,
        conflict.policy,
        conflict.first_meeting,
        identity,
        catch_up,
        backfill,
        activity.enabled,
        activity.behaviour,
        activity.without_id,
        activity.types,
    );
    wanted.lead.fields = rebase_rows(&was.lead.fields, &is.lead.fields, &back.lead.fields).0;
    or_own_mapping(wanted, back)
}

/// A mapping that can't be turned around as a whole, because it computes a search key for example, is
/// left as the way back has it.
fn or_own_mapping(mut wanted: Definition, back: &Definition) -> Definition {
    let of_mapping = |at: &str| at.contains("search_by") || at.contains("field");
    if wanted.check().iter().any(|fault| of_mapping(&fault.at)) {
        wanted.lead.automatic = back.lead.automatic;
        wanted.lead.fields.clone_from(&back.lead.fields);
        wanted.basic.search_by.clone_from(&back.basic.search_by);
        wanted.basic.secondary_search_by.clone_from(&back.basic.secondary_search_by);
    }
    wanted
}

/// The source's field that a search key of the destination comes from.
fn key_back(there: &Definition, key: &str) -> String {
    let row = there.lead.fields.iter().find(|row| row.enabled && row.to == key);
    row.and_then(field_of).unwrap_or(key).to_owned()
}

/// The field that a row takes as it is.
fn field_of(row: &FieldRow) -> Option<&str> {
    let from = row.from.as_deref()?;
    let field = from.strip_prefix("Current.").or_else(|| from.strip_prefix("After."));
    let field = field.unwrap_or(from);
    (row.compute.is_none() && !field.contains('.')).then_some(field)
}

/// The rows that can be turned around, each field filled once.
fn rows_back(rows: &[FieldRow]) -> Vec<FieldRow> {
    let mut turned: Vec<FieldRow> = Vec::new();
    for row in rows {
        let Some(field) = field_of(row) else { continue };
        if row.enabled && turned.iter().any(|other| other.enabled && other.to == field) {
            continue;
        }
        let mut values = std::collections::BTreeMap::new();
        for (from, to) in &row.values {
            values.entry(to.clone()).or_insert_with(|| from.clone());
        }
        turned.push(FieldRow {
            from: Some(row.to.clone()),
            to: field.to_owned(),
            enabled: row.enabled,
            values,
            blank: row.blank,
            conflict: row.conflict.map(policy_back),
            ..FieldRow::default()
        });
    }
    turned
}

/// The same account wins in both directions.
fn policy_back(policy: Policy) -> Policy {
    match policy {
        Policy::Source => Policy::Destination,
        Policy::Destination => Policy::Source,
        same => same,
    }
}

/// The types, each with the mapping that the way back has for it.
fn types_back(there: &[ActivityType], back: &[ActivityType]) -> Vec<ActivityType> {
    let mut turned: Vec<ActivityType> = Vec::new();
    for kind in there {
        if turned.iter().any(|other| other.from == kind.to) {
            continue;
        }
        let own = back.iter().find(|own| own.from == kind.to && own.to == kind.from);
        turned.push(own.cloned().unwrap_or_else(|| {
            let mut new = kind.clone();
            (new.from, new.to) = (kind.to, kind.from);
            new.fields.clear();
            new
        }));
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(json: &str) -> Definition {
        serde_json::from_str(json).expect(json)
    }

    fn there() -> Definition {
        definition(
            r#"{"name":"a-to-b","source":"a","destination":"b","while_disabled":"drop",
                "basic":{"lead_source":"From A","default_country_code":"IN","time_zone":"Asia/Kolkata",
                    "search_by":"mx_Key","secondary_search_by":"Phone","notify":"v@b.example","notifications":true,
                    "silent_hours":6},
                "owner":{"users":{"asha@a.example":"ravi@b.example"}},
                "lead":{"behaviour":"update_only","blank":"clear","field":[
                    {"from":"Current.mx_Code","to":"mx_Key"},
                    {"from":"Phone","to":"Phone","conflict":"source"},
                    {"from":"Stage","to":"ProspectStage","values":{"Won":"Closed","Sold":"Closed"}},
                    {"compute":"{{FirstName}}!","to":"mx_Greeting"}]},
                "conflict":{"policy":"destination","first_meeting":"source"},
                "activity":{"enabled":true,"type":[{"from":201,"to":305},{"from":202,"to":305}]}}"#,
        )
    }

    #[test]
    fn the_way_back_is_the_way_there_turned_around() {
        let back = way_back(&there(), &Definition::new("b-to-a", "b", "a"));
        let expected = definition(
            r#"{"name":"b-to-a","source":"b","destination":"a","while_disabled":"drop",
                "basic":{"default_country_code":"IN","search_by":"mx_Code","secondary_search_by":"Phone","silent_hours":6},
                "owner":{"users":{"ravi@b.example":"asha@a.example"}},
                "lead":{"behaviour":"update_only","blank":"clear","field":[
                    {"from":"mx_Key","to":"mx_Code"},
                    {"from":"Phone","to":"Phone","conflict":"destination"},
                    {"from":"ProspectStage","to":"Stage","values":{"Closed":"Sold"}}]},
                "conflict":{"policy":"source","first_meeting":"destination"},
                "activity":{"enabled":true,"type":[{"from":305,"to":201}]}}"#,
        );
        assert_eq!(back, expected);
        assert_eq!(back.check(), []);
    }

    #[test]
    fn what_was_set_on_the_way_back_stays() {
        let (before, mut after) = (there(), there());
        let mut back = way_back(&before, &Definition::new("b-to-a", "b", "a"));
        back.basic.time_zone = Some("Asia/Dubai".to_owned());
        back.basic.default_country_code = Some("AE".to_owned());
        back.lead.fields.push(FieldRow {
            from: Some("City".to_owned()),
            to: "mx_City".to_owned(),
            enabled: true,
            ..FieldRow::default()
        });
        after.lead.blank = super::super::Blank::Leave;
        after.lead.fields.retain(|row| row.to != "ProspectStage");
        let carried = carried(&before, &after, &back);
        let mut expected = back.clone();
        expected.lead.blank = super::super::Blank::Leave;
        expected.lead.fields.retain(|row| row.to != "Stage");
        assert_eq!(carried, expected);
    }

    #[test]
    fn a_computed_search_key_leaves_the_mapping_of_the_way_back() {
        let mut there = there();
        there.lead.fields[0] = FieldRow {
            compute: Some("{{Current.mx_Code}}".to_owned()),
            to: "mx_Key".to_owned(),
            enabled: true,
            ..FieldRow::default()
        };
        let back = way_back(&there, &Definition::new("b-to-a", "b", "a"));
        assert_eq!((back.basic.search_by.as_str(), back.lead.fields.len()), ("EmailAddress", 0));
        assert_eq!(back.check(), []);
    }

    #[test]
    fn a_name_is_proposed_from_the_accounts() {
        assert_eq!(name_between("sales", "patients", |_| false), "sales-to-patients");
        let taken = ["sales-to-patients", "sales-to-patients-2"];
        let free = name_between("sales", "patients", |name| taken.contains(&name));
        assert_eq!(free, "sales-to-patients-3");
        let long = "a".repeat(LONGEST_NAME);
        let name = name_between(&long, "b", |name| name == long);
        assert!(name.ends_with("a-2") && name.chars().count() == LONGEST_NAME, "{name}");
    }
}
