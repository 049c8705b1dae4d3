use proptest::prelude::*;

use super::*;
use crate::metadata::Kind;
use crate::payload;

fn fields(list: &[(&str, Kind)]) -> FieldList {
    list.iter().map(|&(name, kind)| Field::plain(name, kind)).collect::<Vec<_>>().into()
}

fn definition(toml: &str) -> Definition {
    serde_json::from_str(toml).expect("a definition")
}

fn item(json: &str) -> Item {
    payload::read(json.as_bytes(), None).expect(json).remove(0)
}

const PLAIN: &str = r#"{"name":"c","source":"a","destination":"b"}"#;

#[test]
fn the_default_mapping_is_what_both_accounts_have() {
    let here = fields(&[
        ("FirstName", Kind::Text),
        ("OwnerId", Kind::User),
        ("ProspectID", Kind::Text),
        ("mx_Here", Kind::Text),
        ("mx_Both", Kind::Number),
    ]);
    let there = fields(&[
        ("FirstName", Kind::Text),
        ("OwnerId", Kind::User),
        ("ProspectID", Kind::Text),
        ("mx_There", Kind::Text),
        ("mx_Both", Kind::Text),
    ]);
    let mapping = Mapping::new(&definition(PLAIN), &here, &there);
    let targets: Vec<_> = mapping.targets().map(|field| field.schema_name.as_str()).collect();
    assert_eq!(targets, ["FirstName", "mx_Both"]);
    assert!(mapping.problems().is_empty());
}

#[test]
fn rows_translate_compute_and_default() {
    let there = fields(&[
        ("ProspectStage", Kind::Text),
        ("mx_Full_Name", Kind::Text),
        ("mx_City", Kind::Text),
        ("mx_Off", Kind::Text),
    ]);
    let connector = definition(
        r#"{"name":"c","source":"a","destination":"b","lead":{"field":[
            {"from":"Current.ProspectStage","to":"ProspectStage","values":{"Won":"Sold"}},
            {"compute":"{{ Current.FirstName }} {{ LastName|upper }}{{ Nothing.at.all }}","to":"mx_Full_Name"},
            {"from":"City","to":"mx_City","default":"Pune"},
            {"from":"City","to":"mx_Off","enabled":false}]}}"#,
    );
    let mapping = Mapping::new(&connector, &FieldList::default(), &there);
    for shape in [
        r#"{"Current":{"ProspectID":"1","ProspectStage":"Won","FirstName":"Asha","LastName":"Rao","City":null}}"#,
        r#"{"ProspectID":"1","ProspectStage":"Won","FirstName":"Asha","LastName":"Rao","City":""}"#,
    ] {
        let mapped = mapping.apply(&item(shape));
        assert_eq!(mapped.problems, []);
        assert_eq!(mapped.value("ProspectStage"), Some("Sold"), "{shape}");
        assert_eq!(mapped.value("mx_Full_Name"), Some("Asha RAO"), "{shape}");
        assert_eq!(mapped.get("mx_City").unwrap().sent, Sent::Blank);
        assert_eq!(mapped.get("mx_City").unwrap().default.as_deref(), Some("Pune"));
        assert!(mapped.get("mx_Off").is_none());
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let mut number = Field::plain("mx_Number", Kind::Number);
    number.display_name = "How many".into();
    let there = FieldList::from(vec![
        number,
        Field { read_only: true, ..Field::plain("mx_Locked", Kind::Text) },
    ]);
    let connector = definition(
        r#"{"name":"c","source":"a","destination":"b",
            "basic":{"time_zone":"Mars/Base","default_country_code":"Atlantis"},
            "lead":{"field":[{"from":"X","to":"mx_Number"},{"from":"X","to":"mx_Gone"},
                             {"from":"X","to":"mx_Locked"},{"from":"X","to":"ProspectID"}]}}"#,
    );
    let mapped = Mapping::new(&connector, &FieldList::default(), &there)
        .apply(&item(r#"{"ProspectID":"1","X":"many"}"#));
    let codes: Vec<_> = mapped.problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "bad_setting",
            "bad_setting",
            "unknown_field",
            "read_only_field",
            "read_only_field",
            "type_mismatch"
        ]
    );
    let last = &mapped.problems[5].message;
    assert!(
        last.contains("mx_Number (How many)") && last.contains("'many'") && last.contains("from X"),
        "{last}"
    );
}

#[test]
fn a_template_can_not_run_away() {
    let there = fields(&[("mx_F", Kind::Text)]);
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ nope(",
    ] {
        let mut connector = definition(PLAIN);
        connector.lead.fields = vec![FieldRow {
            compute: Some(template.into()),
            to: "mx_F".into(),
            enabled: true,
            ..FieldRow::default()
        }];
        let mapped = Mapping::new(&connector, &FieldList::default(), &there)
            .apply(&item(r#"{"ProspectID":"1"}"#));
        assert_eq!(mapped.problems.len(), 1, "{template}");
        assert_eq!(mapped.problems[0].code, "bad_template");
    }
}

proptest! {
    /// Text goes through the default mapping unchanged, whatever is in it.
    #[test]
    fn text_arrives_as_it_is(text in "\\PC{1,60}|[\\u0000-\\u001f\\u202e\\u0660]{1,10}") {
        prop_assume!(!text.trim().is_empty());
        let both = fields(&[("mx_F", Kind::Text)]);
        let mapping = Mapping::new(&definition(PLAIN), &both, &both);
        let body = serde_json::json!({"Current": {"ProspectID": "1", "mx_F": text}}).to_string();
        let mapped = mapping.apply(&item(&body));
        prop_assert_eq!(mapped.value("mx_F"), Some(text.as_str()));
        let kept = mapping.read_part(&item(&body));
        prop_assert_eq!(kept.get("mx_F"), Some(text.as_str()));
    }

    /// No payload makes the mapping panic, and every field of it ends as a value, a blank, an
    /// absence or a problem.
    #[test]
    fn nothing_is_forgotten(values in prop::collection::vec("\\PC{0,12}|[0-9./: -]{0,12}", 6)) {
        let kinds = [Kind::Number, Kind::Date, Kind::DateTime, Kind::Boolean, Kind::Phone, Kind::Time];
        let names: Vec<String> = (0..6).map(|n| format!("mx_{n}")).collect();
        let both: FieldList = names.iter().zip(kinds).map(|(name, kind)| Field::plain(name, kind)).collect::<Vec<_>>().into();
        let mut lead = serde_json::Map::new();
        lead.insert("ProspectID".into(), "1".into());
        for (name, value) in names.iter().zip(&values) {
            lead.insert(name.clone(), value.as_str().into());
        }
        let mapped = Mapping::new(&definition(PLAIN), &both, &both)
            .apply(&item(&serde_json::Value::Object(lead).to_string()));
        prop_assert_eq!(mapped.fields.len() + mapped.problems.len(), 6);
    }
}
