use proptest::prelude::*;
use serde_json::{Value, json};

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
    payload::read(json.as_bytes(), None).expect(json).remove(0).unwrap()
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
    let mapping = Mapping::new(&definition(PLAIN), &here.into(), &there.into());
    let targets: Vec<_> = mapping.targets().map(|field| field.schema_name.as_str()).collect();
    assert_eq!(targets, ["FirstName", "OwnerId", "mx_Both"]);
    assert!(mapping.problems().is_empty());
}

#[test]
fn the_default_mapping_says_why() {
    let named = |schema: &str, display: &str, kind| Field {
        display_name: display.into(),
        ..Field::plain(schema, kind)
    };
    let here = FieldList::from(vec![
        named("mx_Age", "Age", Kind::Number),
        named("mx_PAN", "PAN Number", Kind::Text),
        named("mx_Twice_1", "Twice", Kind::Text),
        named("mx_Twice_2", "Twice", Kind::Text),
        named("Source", "Lead Source", Kind::Text),
    ]);
    let there = FieldList::from(vec![
        named("mx_Age", "Years", Kind::Number),
        named("mx_Tax_Id", "pan number ", Kind::Text),
        named("mx_Years", "Age", Kind::Number),
        named("mx_Twice", "Twice", Kind::Text),
        named("Source", "Lead Source", Kind::Text),
    ]);
    let rows = |basic: &crate::connector::Basic| -> Vec<(String, String, Reason)> {
        lead_proposals(&here, &there, basic)
            .into_iter()
            .map(|p| (p.row.from.unwrap(), p.row.to, p.why))
            .collect()
    };
    let row = |from: &str, to: &str, why| (from.to_owned(), to.to_owned(), why);
    let basic = crate::connector::Basic::default();
    assert_eq!(
        rows(&basic),
        [
            row("Source", "Source", Reason::SchemaName),
            row("mx_Age", "mx_Age", Reason::SchemaName),
            row("mx_PAN", "mx_Tax_Id", Reason::DisplayName),
        ],
        "a field that is taken, or a name that two fields have, says nothing"
    );
    let basic = crate::connector::Basic { lead_source: Some("Sales".into()), ..basic };
    assert!(rows(&basic).iter().all(|(_, to, _)| to != "Source"), "the connector gives its own");
}

fn user(id: &str, email: &str, active: bool) -> crate::metadata::User {
    crate::metadata::User {
        id: id.into(),
        email: email.into(),
        name: String::new(),
        role: String::new(),
        active,
    }
}

#[test]
fn owners_are_matched_by_email_then_table_then_fallback() {
    let fields = fields(&[("EmailAddress", Kind::Email), ("OwnerId", Kind::User)]);
    let here = Catalogue {
        users: Some(vec![
            user("A1", "asha@old.in", true),
            user("A2", "bina@x.in", true),
            user("A3", "gone@x.in", true),
        ]),
        ..fields.clone().into()
    };
    let there = Catalogue {
        users: Some(vec![
            user("B1", "Asha@New.in", true),
            user("B2", "bina@x.in", true),
            user("B3", "gone@x.in", false),
            user("B9", "desk@x.in", true),
        ]),
        ..fields.clone().into()
    };
    let owner = |settings: &str, lead: &str, there: &Catalogue| {
        let settings = format!(r#"{{"name":"c","source":"a","destination":"b"{settings}}}"#);
        let mapped = Mapping::new(&definition(&settings), &here, there).apply(&item(lead));
        assert_eq!(mapped.problems, [], "an owner never sinks a lead");
        let field = mapped.get("OwnerId").unwrap();
        (field.sent.value().map(str::to_owned), field.remark.is_some())
    };
    let table = r#","owner":{"users":{"Asha@old.in":"asha@new.in"},"fallback":"desk@x.in"}"#;
    let lead = |id: &str| format!(r#"{{"ProspectID":"1","OwnerId":"{id}"}}"#);
    assert_eq!(owner("", &lead("a2"), &there), (Some("B2".into()), false));
    assert_eq!(owner(table, &lead("A1"), &there), (Some("B1".into()), false));
    assert_eq!(owner("", &lead("A1"), &there), (None, true), "nobody has that address");
    assert_eq!(owner("", &lead("A3"), &there), (None, true), "who is inactive owns nothing");
    assert_eq!(owner(table, &lead("A3"), &there), (Some("B9".into()), true));
    let by_payload = r#"{"ProspectID":"1","OwnerId":"Z","OwnerIdEmailAddress":"BINA@x.in"}"#;
    assert_eq!(owner("", by_payload, &there), (Some("B2".into()), false));
    assert_eq!(owner(table, &lead("A1"), &fields.clone().into()), (None, true), "users unknown");
}

#[test]
fn one_bad_field_need_not_sink_the_lead() {
    let there = fields(&[("FirstName", Kind::Text), ("mx_Age", Kind::Number)]);
    let settings = |policy: &str| {
        definition(&format!(
            r#"{{"name":"c","source":"a","destination":"b","lead":{{"bad_field":"{policy}","field":[
                {{"from":"FirstName","to":"FirstName"}},{{"from":"Age","to":"mx_Age"}},
                {{"from":"X","to":"mx_Gone"}}]}}}}"#
        ))
    };
    let lead = item(r#"{"ProspectID":"1","FirstName":"Asha","Age":"forty"}"#);
    let there = there.into();
    let refused = Mapping::new(&settings("refuse"), &Catalogue::default(), &there).apply(&lead);
    assert_eq!((refused.problems.len(), refused.left_out.len()), (2, 0));
    let rest = Mapping::new(&settings("leave_out"), &Catalogue::default(), &there).apply(&lead);
    assert_eq!(rest.problems, []);
    let codes: Vec<_> = rest.left_out.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["unknown_field", "type_mismatch"]);
    assert_eq!(rest.value("FirstName"), Some("Asha"));
    assert_eq!(rest.value("mx_Age"), None);
}

#[test]
fn a_part_of_a_custom_field_set_is_read_and_written() {
    let there = fields(&[("mx_Address", Kind::FieldSet), ("mx_City", Kind::Text)]);
    let connector = definition(
        r#"{"name":"c","source":"a","destination":"b","lead":{"field":[
            {"from":"mx_Home.mx_CustomObject_1","to":"mx_Address.mx_CustomObject_2"},
            {"from":"Zip","to":"mx_Address.mx_CustomObject_3"},
            {"from":"Current.mx_Home.mx_CustomObject_2","to":"mx_City"}]}}"#,
    );
    let mapping = Mapping::new(&connector, &Catalogue::default(), &there.into());
    assert_eq!(mapping.problems(), []);
    let mapped = mapping.apply(&item(
        r#"{"Current":{"ProspectID":"1","Zip":"4100","mx_Home":"{\"mx_CustomObject_1\":\"12 Main\",\"mx_CustomObject_2\":\"Pune\"}"}}"#,
    ));
    assert_eq!(mapped.value("mx_City"), Some("Pune"));
    let set = mapped.value("mx_Address").unwrap();
    assert_eq!(set, r#"{"mx_CustomObject_2":"12 Main","mx_CustomObject_3":"4100"}"#);
    let reading = Reading::default();
    let held =
        r#"{"mx_CustomObject_1":"other","mx_CustomObject_2":"12 Main","mx_CustomObject_3":"4100"}"#;
    assert!(crate::value::holds(Kind::FieldSet, set, held, &reading), "other parts are not ours");
    assert!(!crate::value::holds(Kind::FieldSet, held, set, &reading));
}

/// A custom field set with the kinds of its parts from the account.
fn set_of(name: &str, parts: &[(&str, Kind)]) -> Field {
    let parts = parts.iter().map(|&(name, kind)| Field::plain(name, kind));
    Field { parts: parts.collect(), ..Field::plain(name, Kind::FieldSet) }
}

#[test]
fn each_part_of_a_custom_field_set_is_converted_by_its_own_type() {
    let plan = Field { options: vec!["Gold".into()], ..Field::plain("Plan", Kind::Select) };
    let mut set = set_of(
        "mx_KYC",
        &[
            ("Phone", Kind::Phone),
            ("Born", Kind::Date),
            ("Paid", Kind::Boolean),
            ("Age", Kind::Number),
        ],
    );
    set.parts.push(plan);
    let there: FieldList = vec![set, Field::plain("FirstName", Kind::Text)].into();
    let here: FieldList = vec![set_of("mx_KYC", &[("Born", Kind::Date)])].into();
    let apply = |bad_field: &str, rows: &str, body: &str| {
        let settings = format!(
            r#"{{"name":"c","source":"a","destination":"b","basic":{{"default_country_code":"IN"}},
                "lead":{{"bad_field":"{bad_field}","unlisted_option":"{bad_field}","field":[{rows},{{"from":"FirstName","to":"FirstName"}}]}}}}"#
        );
        let mapping =
            Mapping::new(&definition(&settings), &here.clone().into(), &there.clone().into());
        let body = json!({"ProspectID": "1", "FirstName": "Asha", "mx_KYC": body, "Mobile": "9845098450", "Zip": "n/k"});
        mapping.apply(&item(&body.to_string()))
    };
    let whole = r#"{"from":"mx_KYC","to":"mx_KYC"}"#;
    let good = r#"{"Phone":"9845098450","Born":"31/12/1990","Paid":true,"Age":40,"Plan":"gold"}"#;
    let mapped = apply("refuse", whole, good);
    assert_eq!(mapped.problems, []);
    let written: serde_json::Value = serde_json::from_str(mapped.value("mx_KYC").unwrap()).unwrap();
    let expected = json!({"Phone": "+91-9845098450", "Born": "1990-12-31", "Paid": "1", "Age": "40", "Plan": "Gold"});
    assert_eq!(written, expected);
    // A part that can't be converted, or is missing, does not affect the others.
    let bad = r#"{"Phone":"9845098450","Age":"forty","Plan":"Silver","New":"x","Born":""}"#;
    let mapped = apply("leave_out", whole, bad);
    assert_eq!(mapped.value("mx_KYC"), Some(r#"{"Phone":"+91-9845098450"}"#));
    assert_eq!(mapped.value("FirstName"), Some("Asha"));
    let about = |problem: &Problem| (problem.code.as_str(), problem.field.clone().unwrap());
    let told: Vec<_> = mapped.left_out.iter().map(about).collect();
    let named = |code, name: &str| (code, format!("mx_KYC.{name}"));
    let expected = [
        named("type_mismatch", "Age"),
        named("missing_option", "Plan"),
        named("unknown_field", "New"),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        apply("refuse", whole, bad).problems.iter().map(about).collect::<Vec<_>>(),
        expected
    );
    // It is noted what is passed on as typed.
    let mapped = apply("refuse", whole, r#"{"Phone":"98XXXXXX50"}"#);
    assert_eq!(mapped.value("mx_KYC"), Some(r#"{"Phone":"98XXXXXX50"}"#));
    let remark = mapped.get("mx_KYC").unwrap().remark.clone().unwrap();
    assert!(remark.starts_with("Phone: digits"), "{remark}");
    assert_eq!(apply("leave_out", whole, r#"{"Phone":"98XXXXXX50"}"#).left_out.len(), 1);
    // Single parts too.
    let single = r#"{"from":"Mobile","to":"mx_KYC.Phone"},{"from":"Zip","to":"mx_KYC.Age"},
                    {"from":"Zip","to":"mx_KYC.Gone"}"#;
    let mapped = apply("leave_out", single, "");
    assert_eq!(mapped.value("mx_KYC"), Some(r#"{"Phone":"+91-9845098450"}"#));
    let told: Vec<_> = mapped.left_out.iter().map(about).collect();
    assert_eq!(told, [named("unknown_field", "Gone"), named("type_mismatch", "Age")]);
}

#[test]
fn an_option_that_the_destination_lacks_is_sent_refused_or_left_out() {
    let listed = |name: &str, kind| Field {
        options: vec!["Basic".into(), "Delhi, NCR".into()],
        ..Field::plain(name, kind)
    };
    let there: FieldList = vec![
        listed("mx_Plan", Kind::Select),
        listed("mx_Places", Kind::MultiSelect),
        Field::plain("FirstName", Kind::Text),
    ]
    .into();
    let apply = |setting: &str, bad_field: &str, plan: &str, places: &str| {
        let settings = format!(
            r#"{{"name":"c","source":"a","destination":"b","lead":{{{setting}"bad_field":"{bad_field}","field":[
                {{"from":"Plan","to":"mx_Plan"}},{{"from":"Places","to":"mx_Places"}},
                {{"from":"FirstName","to":"FirstName"}}]}}}}"#
        );
        let mapping =
            Mapping::new(&definition(&settings), &Catalogue::default(), &there.clone().into());
        let body = json!({"ProspectID": "1", "FirstName": "Asha", "Plan": plan, "Places": places});
        mapping.apply(&item(&body.to_string()))
    };
    // Sent, whatever happens to other bad fields.
    for bad_field in ["refuse", "leave_out"] {
        for (places, written) in [
            ("Goa", "Goa"),
            ("basic;Goa", "Basic;Goa"),
            ("Goa, basic", "Goa;Basic"),
            ("Mumbai, Maharashtra", "Mumbai, Maharashtra"),
            (r#"["Goa","basic","Goa"]"#, "Goa;Basic"),
            (r#"["Delhi, NCR","Goa"]"#, "Delhi, NCR;Goa"),
        ] {
            let mapped = apply("", bad_field, " Gold ", places);
            assert_eq!((&mapped.problems, &mapped.left_out), (&vec![], &vec![]));
            assert_eq!(mapped.value("mx_Plan"), Some("Gold"));
            assert_eq!(mapped.value("mx_Places"), Some(written), "{places}");
            for field in ["mx_Plan", "mx_Places"] {
                let remark = mapped.get(field).unwrap().remark.as_deref();
                assert!(remark.unwrap().contains("does not list this option"), "{remark:?}");
            }
        }
    }
    assert_eq!(apply("", "refuse", "basic", "Delhi, NCR").get("mx_Plan").unwrap().remark, None);
    let codes = |problems: &[Problem]| -> Vec<&str> {
        problems.iter().map(|problem| problem.code.as_str()).collect()
    };
    let refused = apply(r#""unlisted_option":"refuse","#, "leave_out", "Gold", "Goa");
    assert_eq!(codes(&refused.problems), ["missing_option", "missing_option"]);
    let left = apply(r#""unlisted_option":"leave_out","#, "refuse", "Gold", "Goa");
    assert_eq!(codes(&left.left_out), ["missing_option", "missing_option"]);
    assert_eq!((left.value("FirstName"), left.value("mx_Plan")), (Some("Asha"), None));
    assert_eq!(left.problems, []);
}

#[test]
fn options_are_translated_one_by_one_and_in_any_letters() {
    let listed = |name: &str, kind, options: &[&str]| Field {
        options: options.iter().map(|option| (*option).into()).collect(),
        ..Field::plain(name, kind)
    };
    let there: FieldList = vec![
        listed("mx_Plan", Kind::Select, &["Sold", "Lost"]),
        listed("mx_Places", Kind::MultiSelect, &["Bombay", "Delhi, NCR", "Pune"]),
        Field::plain("mx_Text", Kind::Text),
    ]
    .into();
    let here: FieldList =
        vec![Field::plain("Plan", Kind::Select), Field::plain("Places", Kind::MultiSelect)].into();
    let connector = definition(
        r#"{"name":"c","source":"a","destination":"b","lead":{"unlisted_option":"refuse","field":[
            {"from":"Plan","to":"mx_Plan","values":{"Won":"Sold"},"default":"Lost"},
            {"from":"Places","to":"mx_Places","values":{"Mumbai":"Bombay","Delhi":"Delhi, NCR"}},
            {"from":"Places","to":"mx_Text","values":{"Mumbai":"Bombay"}}]}}"#,
    );
    let mapping = Mapping::new(&connector, &here.into(), &there.into());
    for (plan, places, expected) in [
        ("won", json!("Mumbai;Pune"), [Some("Sold"), Some("Bombay;Pune"), Some("Bombay;Pune")]),
        ("WON", json!("mumbai, pune"), [Some("Sold"), Some("Bombay;Pune"), Some("mumbai, pune")]),
        ("Won", json!(["Delhi", "Pune"]), [Some("Sold"), Some("Delhi, NCR;Pune"), None]),
        ("Won", json!(["Mumbai"]), [Some("Sold"), Some("Bombay"), Some("Bombay")]),
        ("Won", json!("Pune"), [Some("Sold"), Some("Pune"), Some("Pune")]),
        ("Won", json!([null, "Pune"]), [Some("Sold"), Some("Pune"), Some("Pune")]),
    ] {
        let body = json!({"ProspectID": "1", "Plan": plan, "Places": places});
        let mapped = mapping.apply(&item(&body.to_string()));
        assert_eq!(mapped.problems, [], "{body}");
        let [plan, places, text] = expected;
        assert_eq!(mapped.value("mx_Plan"), plan, "{body}");
        assert_eq!(mapped.value("mx_Places"), places, "{body}");
        if text.is_some() {
            assert_eq!(mapped.value("mx_Text"), text, "{body}");
        }
    }
}

#[test]
fn a_list_is_taken_for_its_entry_by_a_field_of_one_value() {
    let there = fields(&[("City", Kind::Text), ("Age", Kind::Number)]);
    let mapping = Mapping::new(&definition(PLAIN), &there.clone().into(), &there.into());
    let apply = |city: Value, age: Value| {
        mapping.apply(&item(&json!({"ProspectID": "1", "City": city, "Age": age}).to_string()))
    };
    let one = apply(json!(["Pune"]), json!([7]));
    assert_eq!((one.value("City"), one.value("Age")), (Some("Pune"), Some("7")));
    assert_eq!(one.get("City").unwrap().remark, None);
    // As typed.
    assert_eq!(apply(json!("[12]"), json!(7)).value("City"), Some("[12]"));
    let two = apply(json!(["Pune", "Agra"]), json!([null, "7"]));
    assert_eq!(two.value("City"), Some(r#"["Pune","Agra"]"#));
    assert!(two.get("City").unwrap().remark.as_deref().unwrap().contains("the value is a list"));
    assert_eq!(two.value("Age"), Some("7"));
}

#[test]
fn a_default_that_the_destination_lacks_is_remarked_on() {
    let plan = Field { options: vec!["Basic".into()], ..Field::plain("mx_Plan", Kind::Select) };
    let settings = r#"{"name":"c","source":"a","destination":"b","lead":{"field":[
        {"from":"Plan","to":"mx_Plan","default":"Gold"}]}}"#;
    let there = FieldList::from(vec![plan]);
    let mapping = Mapping::new(&definition(settings), &Catalogue::default(), &there.into());
    let mapped = mapping.apply(&item(r#"{"ProspectID":"1","City":"Pune"}"#));
    let field = mapped.get("mx_Plan").unwrap();
    assert_eq!(field.default.as_deref(), Some("Gold"));
    assert!(field.remark.as_deref().unwrap().contains("does not list the default"));
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
    let mapping = Mapping::new(&connector, &Catalogue::default(), &there.into());
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
    let mapped = Mapping::new(&connector, &Catalogue::default(), &there.clone().into())
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
        "{{ X|replace('', X)|replace('', X)|replace('', X) }}",
        "{{ X ~ X ~ X ~ X ~ X }}",
    ] {
        let mut connector = definition(PLAIN);
        connector.lead.fields = vec![FieldRow {
            compute: Some(template.into()),
            to: "mx_F".into(),
            enabled: true,
            ..FieldRow::default()
        }];
        let mapped = Mapping::new(&connector, &Catalogue::default(), &there.clone().into())
            .apply(&item(&format!(r#"{{"ProspectID":"1","X":"{}"}}"#, "x".repeat(300_000))));
        assert_eq!(mapped.problems.len(), 1, "{template}");
        assert_eq!(mapped.problems[0].code, Code::BadTemplate);
    }
}

proptest! {
    /// Text passes the default mapping unchanged, whatever its content, except for invisible
    /// characters at its ends.
    #[test]
    fn text_arrives_as_it_is(text in "\\PC{1,60}|[\\u0000-\\u001f\\u202e\\u0660]{1,10}") {
        prop_assume!(!crate::text::is_blank(&text));
        let both = fields(&[("mx_F", Kind::Text)]);
        let mapping = Mapping::new(&definition(PLAIN), &both.clone().into(), &both.clone().into());
        let body = serde_json::json!({"Current": {"ProspectID": "1", "mx_F": text}}).to_string();
        let mapped = mapping.apply(&item(&body));
        prop_assert_eq!(mapped.value("mx_F"), Some(crate::text::trimmed(&text)));
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
        let mapped = Mapping::new(&definition(PLAIN), &both.clone().into(), &both.clone().into())
            .apply(&item(&serde_json::Value::Object(lead).to_string()));
        prop_assert_eq!(mapped.fields.len() + mapped.problems.len(), 6);
    }
}
