//! A connector with every kind of row, between two accounts that never change.

use std::sync::LazyLock;

use plan::activity::ActivityMapping;
use plan::connector::Definition;
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use serde_json::json;

/// A connector, ready for work.
pub struct Ready {
    /// Its settings.
    pub definition: Definition,
    /// The destination's metadata.
    pub destination: Catalogue,
    /// Its mapping of leads.
    pub mapping: Mapping,
    /// Its mapping of activities.
    pub activities: ActivityMapping,
}

/// Connectors that differ in what they do with blanks and bad fields.
pub static CONNECTORS: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    let ready = [("leave", "refuse", "day_first"), ("clear", "leave_out", "month_first")];
    let ready = ready.into_iter();
    ready.map(|(blank, bad_field, order)| ready_with(definition(blank, bad_field, order))).collect()
});

/// The connector with these settings.
pub fn ready_with(definition: Definition) -> Ready {
    let (source, destination) = (catalogue("a"), catalogue("b"));
    Ready {
        mapping: Mapping::new(&definition, &source, &destination),
        activities: ActivityMapping::new(&definition, &source, &destination),
        definition,
        destination,
    }
}

fn catalogue(of: &str) -> Catalogue {
    let field =
        |name: &str, kind: &str| json!({"schema_name": name, "display_name": name, "kind": kind});
    let short =
        json!({"schema_name": "LastName", "display_name": "Last", "kind": "text", "max_length": 5});
    let options = |name: &str, kind: &str| json!({"schema_name": name, "display_name": name, "kind": kind, "options": ["Basic", " Plus ", "İstanbul", "Delhi, NCR", "Delhi", "NCR; Rest"]});
    let user = |number: u8, active: bool| json!({"id": format!("{of}{number}"), "email": format!("user{number}@{of}.in"), "name": "U", "active": active});
    let catalogue = json!({
        "fields": [
            field("FirstName", "text"), short, field("EmailAddress", "email"), field("Phone", "phone"),
            field("mx_Number", "number"), field("mx_Date", "date"), field("mx_Moment", "date_time"),
            field("mx_Time", "time"), field("mx_Yes", "boolean"), options("mx_Plan", "select"),
            options("mx_Plans", "multi_select"), field("OwnerId", "user"), field("mx_Home", "field_set"),
            field("mx_Whole", "field_set"), field("mx_Computed", "text"), field("mx_Stage", "text"),
        ],
        "users": [user(1, true), user(2, true), user(3, false)],
        "activity_types": [{"event": 201, "name": "Visit", "fields": [
            field("mx_Custom_1", "text"), field("mx_Custom_2", "number"), options("mx_Custom_3", "select"),
        ]}],
    });
    serde_json::from_value(catalogue).expect("a catalogue")
}

fn definition(blank: &str, bad_field: &str, date_order: &str) -> Definition {
    let definition = json!({
        "name": "c", "source": "a", "destination": "b",
        "basic": {"lead_source": "Sales", "default_country_code": "IN", "time_zone": "America/New_York", "date_order": date_order,
                  "search_by": "EmailAddress", "secondary_search_by": "Phone"},
        "owner": {"users": {"user1@a.in": "user2@b.in"}, "fallback": "user1@b.in"},
        "lead": {"blank": blank, "bad_field": bad_field, "field": [
            {"from": "FirstName", "to": "FirstName", "default": "Unknown"},
            {"from": "Current.LastName", "to": "LastName"},
            {"from": "EmailAddress", "to": "EmailAddress"},
            {"from": "Phone", "to": "Phone"},
            {"from": "mx_Number", "to": "mx_Number", "default": "7"},
            {"from": "mx_Date", "to": "mx_Date"},
            {"from": "mx_Moment", "to": "mx_Moment"},
            {"from": "mx_Time", "to": "mx_Time"},
            {"from": "mx_Yes", "to": "mx_Yes", "values": {"On hold": "no"}},
            {"from": "mx_Plan", "to": "mx_Plan", "values": {"Gold": "Plus", "": "Basic"}},
            {"from": "mx_Plans", "to": "mx_Plans"},
            {"from": "OwnerId", "to": "OwnerId"},
            {"from": "mx_Home.mx_CustomObject_1", "to": "mx_Home.mx_CustomObject_2"},
            {"from": "City", "to": "mx_Home.mx_CustomObject_3", "default": "Pune"},
            {"compute": "{{ FirstName }}", "to": "mx_Home~mx_CustomObject_4"},
            {"from": "mx_Home", "to": "mx_Whole"},
            {"compute": "{{ Current.FirstName|title }} {{ After.LastName|default('-') }}{% for name in Current %}{{ name }}{% endfor %}", "to": "mx_Computed"},
            {"from": "ProspectStage", "to": "mx_Stage", "values": {"Won": "Sold"}},
        ]},
        "activity": {"enabled": true, "type": [{"from": 201, "to": 201, "field": [
            {"from": "ActivityNote", "to": "ActivityNote"},
            {"from": "ActivityDateTime", "to": "ActivityDateTime"},
            {"from": "Owner", "to": "Owner"},
            {"from": "mx_Custom_1", "to": "mx_Custom_2"},
            {"from": "mx_Custom_2", "to": "mx_Custom_1"},
            {"from": "mx_Custom_3", "to": "mx_Custom_3"},
        ]}]},
    });
    serde_json::from_value(definition).expect("a definition")
}
