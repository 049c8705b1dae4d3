use super::*;
use crate::metadata::{ActivityType, Field, Kind, User, What};

fn field(name: &str, kind: Kind) -> Field {
    Field::plain(name, kind)
}

fn unique(name: &str, kind: Kind) -> Field {
    Field { unique: true, ..field(name, kind) }
}

fn options(name: &str, options: &[&str]) -> Field {
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    Field { options, ..field(name, Kind::Select) }
}

fn user(email: &str, active: bool) -> User {
    User { id: email.into(), email: email.into(), name: email.into(), role: String::new(), active }
}

fn source() -> Catalogue {
    let fields = vec![
        unique("EmailAddress", Kind::Email),
        unique("Phone", Kind::Phone),
        field("FirstName", Kind::Text),
        field("mx_Note", Kind::Text),
        field("mx_Born", Kind::Date),
        field("OwnerId", Kind::User),
        options("mx_Plan", &["Basic", "Plus", "Free"]),
    ];
    Catalogue {
        fields: fields.into(),
        users: Some(vec![user("asha@a.example", true), user("ravi@a.example", true)]),
        activity_types: Some(vec![ActivityType { event: 201, name: "Visit".into(), fields: None }]),
    }
}

fn destination() -> Catalogue {
    let fields = vec![
        unique("EmailAddress", Kind::Email),
        unique("Phone", Kind::Phone),
        Field { max_length: Some(10), ..field("FirstName", Kind::Text) },
        field("mx_Budget", Kind::Number),
        field("mx_City", Kind::Text),
        field("OwnerId", Kind::User),
        options("mx_Plan", &["basic", "Premium"]),
        Field { read_only: true, ..field("mx_Auto", Kind::Number) },
        Field { mandatory: true, ..field("mx_Branch", Kind::Text) },
    ];
    Catalogue {
        fields: fields.into(),
        users: Some(vec![user("asha@a.example", true), user("gone@b.example", false)]),
        activity_types: Some(vec![ActivityType { event: 305, name: "Call".into(), fields: None }]),
    }
}

fn settings(parts: &str) -> Definition {
    let json = format!(r#"{{"name":"c","source":"a","destination":"b"{parts}}}"#);
    serde_json::from_str(&json).expect(&json)
}

/// Findings as `severity place: code`.
fn found(parts: &str) -> Vec<String> {
    let findings = check(&settings(parts), &source(), &destination());
    findings.iter().map(|f| format!("{} {}: {}", f.severity, f.at, f.problem.code)).collect()
}

fn with_rows(rows: &str) -> Vec<String> {
    let keys = r#"{"from":"EmailAddress","to":"EmailAddress"},{"from":"Phone","to":"Phone"},
                  {"from":"FirstName","default":"x","to":"mx_Branch"}"#;
    found(&format!(r#","lead":{{"field":[{keys}{rows}]}}"#))
}

#[test]
fn a_mapping_that_fits_has_no_findings() {
    assert_eq!(with_rows(""), [""; 0]);
}

#[test]
fn rows_are_checked_against_both_accounts() {
    assert_eq!(
        with_rows(
            r#",{"from":"Current.mx_Gone","to":"mx_City"},
               {"from":"FirstName","to":"mx_Nowhere"},
               {"from":"FirstName","to":"mx_Auto"},
               {"from":"mx_Born","to":"mx_Budget"},
               {"from":"FirstName","to":"FirstName","default":"longer than that"},
               {"from":"mx_Plan","to":"mx_Plan","values":{"Plus":"Premium","Free":"Gratis"}},
               {"from":"mx_None","to":"mx_Missing","enabled":false}"#
        ),
        [
            "error lead.field[5].to: unknown_field",
            "error lead.field[6].to: read_only_field",
            "error lead.field[7]: type_mismatch",
            "error lead.field[8].default: too_long",
            "warning lead.field[4].from: unknown_source_field",
            "warning lead.field[9].values.\"Free\": missing_option",
            "warning lead.field[9]: missing_option",
        ]
    );
    assert_eq!(
        with_rows(r#",{"from":"mx_Note","to":"mx_Budget"}"#),
        ["warning lead.field[4]: type_mismatch"]
    );
    // A path into the payload that is not a field of the account may be valid.
    assert_eq!(with_rows(r#",{"compute":"{{ Current.mx_Anything }}","to":"mx_City"}"#), [""; 0]);
}

#[test]
fn missing_options_are_named_as_they_arrive() {
    let parts = r#","lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
        {"from":"mx_Plan","to":"mx_Plan","values":{"Plus":"Premium"}}]}"#;
    let findings = check(&settings(parts), &source(), &destination());
    let options = findings.iter().find(|f| f.problem.code == Code::MissingOption).unwrap();
    assert!(options.problem.message.ends_with("in the destination: Free."), "{options:?}");
}

#[test]
fn the_filter_is_checked_against_the_source() {
    let with = |conditions: &str| {
        found(&format!(
            r#","filter":{{"all":[{conditions}]}},"lead":{{"field":[
                {{"from":"EmailAddress","to":"EmailAddress"}},{{"from":"Phone","to":"Phone"}},
                {{"default":"x","to":"mx_Branch"}}]}}"#
        ))
    };
    let right = r#"{"field":"Current.mx_Plan","one_of":["basic","Plus"]},
        {"field":"CreatedOn","after":"2026-01-01"},{"field":"mx_Plan","contains":"as"}"#;
    let clean = with(right);
    let wrong = format!(
        r#"{right},{{"field":"mx_Paln","not_empty":true}},{{"field":"mx_Plan","none_of":["Free","Gold"]}}"#
    );
    let added: Vec<_> = with(&wrong).into_iter().filter(|one| !clean.contains(one)).collect();
    assert_eq!(
        added,
        ["error filter.all[4].field: unknown_field", "warning filter.all[5]: missing_option"]
    );
}

#[test]
fn the_default_mapping_is_checked_too() {
    let found = found(r#","basic":{"search_by":"mx_City","secondary_search_by":"mx_Nothing"}"#);
    assert_eq!(
        found,
        [
            "error basic.search_by: search_key_not_unique",
            "error basic.search_by: search_key_unmapped",
            "error basic.secondary_search_by: unknown_search_key",
            "warning lead.field (automatic) mx_Plan: missing_option",
            "warning lead.field: mandatory_field_unmapped",
            "warning owner: owner_without_counterpart",
        ]
    );
}

#[test]
fn unique_and_mandatory_fields_are_missed() {
    let parts = r#","lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"}]}"#;
    assert_eq!(
        found(parts),
        [
            "warning lead.field: unique_field_unmapped",
            "warning lead.field: mandatory_field_unmapped",
        ]
    );
    let parts = r#","lead":{"behaviour":"update_only","field":[{"from":"EmailAddress","to":"EmailAddress"},
        {"from":"Phone","to":"Phone"}]}"#;
    assert_eq!(found(parts), [""; 0], "nothing is created");
}

#[test]
fn users_must_be_there_and_active() {
    let rows = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},{"from":"Phone","to":"Phone"},
        {"default":"x","to":"mx_Branch"},{"from":"OwnerId","to":"OwnerId"}]}"#;
    assert_eq!(
        found(&format!(
            r#","basic":{{"notify":"gone@b.example","notifications":true}},
               "owner":{{"users":{{"ravi@a.example":"nobody@b.example","who@a.example":"asha@a.example"}}}},{rows}"#
        )),
        [
            "error basic.notify: unknown_user",
            "error owner.users.\"ravi@a.example\": unknown_user",
            "warning owner.users.\"who@a.example\": unknown_user",
            "warning owner: owner_without_counterpart",
        ]
    );
    let fallback = format!(r#","owner":{{"fallback":"gone@b.example"}},{rows}"#);
    assert_eq!(found(&fallback), ["error owner.fallback: unknown_user"]);
    let fallback = format!(r#","owner":{{"fallback":"Asha@A.example"}},{rows}"#);
    assert_eq!(found(&fallback), [""; 0]);
}

#[test]
fn activity_types_must_be_there() {
    let rows = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},{"from":"Phone","to":"Phone"},
        {"default":"x","to":"mx_Branch"}]}"#;
    assert_eq!(
        found(&format!(r#","activity":{{"enabled":true}},{rows}"#)),
        ["warning activity.type: no_activity_types"]
    );
    assert_eq!(
        found(&format!(
            r#","activity":{{"enabled":true,"type":[{{"from":999,"to":305}},{{"from":201,"to":1}}]}},{rows}"#
        )),
        [
            "error activity.type[1].from: unknown_activity_type",
            "error activity.type[2].to: unknown_activity_type",
        ]
    );
}

#[test]
fn changes_are_told_of_fields_that_are_used() {
    let at: Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    let change = |field: &str, what| (at, FieldChange { field: field.to_owned(), what });
    let definition = settings(
        r#","lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},{"from":"mx_Note","to":"mx_City"}]}"#,
    );
    let changed = [
        change("mx_Note", What::Gone),
        change("mx_City", What::Kind { before: Kind::Number, now: Kind::Text }),
        change("mx_Budget", What::ReadOnly),
    ];
    let (source, destination) = (source(), destination());
    let of = |account| {
        let found = changes(&definition, (&source, &destination), account, &changed);
        found.into_iter().map(|finding| finding.problem.message).collect::<Vec<_>>()
    };
    assert_eq!(
        of("source"),
        ["The source field mx_Note no longer exists: noticed at 2026-11-01 10:00 UTC, after the \
          connector was last saved."]
    );
    assert_eq!(
        of("destination"),
        ["The destination field mx_City changed from a number to text: noticed at \
          2026-11-01 10:00 UTC, after the connector was last saved."]
    );
}
