use super::*;

fn one(json: &str) -> Item {
    one_of(json.as_bytes(), None)
}

/// The only record of a body.
fn one_of(body: &[u8], content_type: Option<&str>) -> Item {
    let shown = String::from_utf8_lossy(body);
    let mut entries =
        read(body, content_type).unwrap_or_else(|problem| panic!("{shown}: {problem}"));
    assert_eq!(entries.len(), 1, "{shown}");
    entries.remove(0).expect("a body of one record that can't be read is an error")
}

fn lead_id(item: &Item) -> Option<String> {
    item.lead_id().map(String::from)
}

fn text(item: &Item, path: &str) -> String {
    match item.find(path) {
        Found::Text(text) => text.into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_automations_payload_shows_the_newest_state() {
    let item = one(
        r#"{"Before":{"ProspectID":"a","City":"Pune"},"After":{"ProspectID":"a","City":"Delhi"},
            "Current":{"ProspectID":"a","City":"Agra","Score":54,"Fax":null,"DoNotCall":true,
                       "ModifiedOn":"2026-01-02 03:04:05.000"}}"#,
    );
    assert_eq!(lead_id(&item).as_deref(), Some("a"));
    assert_eq!(text(&item, "City"), "Agra");
    assert_eq!(text(&item, "After.City"), "Delhi");
    assert_eq!(text(&item, "Before.City"), "Pune");
    assert_eq!(text(&item, "Score"), "54");
    assert_eq!(text(&item, "DoNotCall"), "1");
    assert_eq!(item.find("Fax"), Found::Blank);
    assert_eq!(item.find("Phone"), Found::Absent);
    assert_eq!(item.find("Current"), Found::Absent, "a block is no field");
    assert_eq!(item.modified_on(), Some("2026-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(item.state().get("City"), Some("Agra"));
    assert_eq!(item.state().get("Fax"), Some(""));
}

#[test]
fn other_shapes_show_the_same_lead() {
    for shape in [
        r#"{"ProspectID":"a","City":"Agra"}"#,
        r#"[{"ProspectID":"a","City":"Agra"}]"#,
        r#"{"Before":{"ProspectID":"a","City":"Pune"},"After":{"ProspectID":"a","City":"Agra"}}"#,
        r#"{"Before":null,"After":{},"Current":{"ProspectID":"a","City":"Agra"}}"#,
        r#"{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"City","Value":"Agra"}]}"#,
        r#"{"RecordCount":1,"Leads":[{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"City","Value":"Agra"}]}]}"#,
        "\u{feff} {\"ProspectID\":\"a\",\"City\":\"Agra\"}\n",
    ] {
        let item = one(shape);
        assert_eq!(item.entity(), Entity::Lead, "{shape}");
        assert_eq!(item.id().as_deref(), Some("a"), "{shape}");
        assert_eq!(text(&item, "City"), "Agra", "{shape}");
    }
    assert_eq!(text(&one(r#"{"ProspectID":"a","City":"Agra"}"#), "Current.City"), "Agra");
}

#[test]
fn forms_are_read() {
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    let flat = one_of(b"ProspectID=a&City=New+Delhi&Fax=", form);
    assert_eq!(text(&flat, "City"), "New Delhi");
    assert_eq!(flat.find("Fax"), Found::Blank);
    let wrapped = one_of(b"data=%7B%22ProspectID%22%3A%22a%22%7D", form);
    assert_eq!(wrapped.id().as_deref(), Some("a"));
    let json = one_of(br#"{"ProspectID":"a"}"#, form);
    assert_eq!(json.id().as_deref(), Some("a"), "a form that is JSON all the same");
}

#[test]
fn activities_are_told_from_leads() {
    let item = one(
        r#"[{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201","Data":{"Note":"n"}}]"#,
    );
    assert_eq!(
        (item.entity(), item.id().as_deref(), lead_id(&item).as_deref()),
        (Entity::Activity, Some("x"), Some("a"))
    );
    assert_eq!(text(&item, "Data.Note"), "n");
    let automation = one(r#"{"ProspectActivityId":"x","Current":{"ProspectID":"a"}}"#);
    assert_eq!(lead_id(&automation).as_deref(), Some("a"));
    let lead = one(r#"{"ProspectID":"a","ProspectActivityId_Max":"x","RelatedProspectId":null}"#);
    assert_eq!(lead.entity(), Entity::Lead);
}

#[test]
fn an_activity_shows_its_values_wherever_they_are() {
    for shape in [
        r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201","CreatedOn":"2026-01-02 03:04:05","Data":{"Note":"n","mx_Custom_1":"v"}}"#,
        r#"[{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":201,"ActivityDateTime":"2026-01-02 03:04:05","ActivityNote":"n","mx_Custom_1":"v"}]"#,
        r#"{"Id":"x","EventCode":201,"RelatedProspectId":"a","CreatedOn":"2026-01-02 03:04:05","ActivityFields":{"ActivityEvent_Note":"n","mx_Custom_1":"v"}}"#,
        r#"{"ProspectActivityId":"x","ActivityEvent":"201","CreatedOn":"2026-01-02 03:04:05","Fields":[{"Key":"Note","Value":"n"}],"Current":{"ProspectID":"a","RelatedProspectId":"other","mx_Custom_1":"v","ModifiedOn":"2020-01-01 00:00:00"}}"#,
    ] {
        let item = one(shape);
        assert_eq!(
            (item.id().as_deref(), lead_id(&item).as_deref(), item.event()),
            (Some("x"), Some("a"), Some(201)),
            "{shape}"
        );
        assert_eq!(text(&item, "mx_Custom_1"), "v", "{shape}");
        for name in ["Note", "ActivityNote", "ActivityEvent_Note"] {
            assert_eq!(text(&item, name), "n", "{shape}");
        }
        assert_eq!(text(&item, "ActivityDateTime"), "2026-01-02 03:04:05", "{shape}");
        assert_eq!(item.modified_on(), None, "the lead's is not the activity's");
        assert_eq!(item.state().get("ActivityNote"), Some("n"), "{shape}");
        assert_eq!(item.lead().is_some(), shape.contains("Current"), "{shape}");
    }
}

#[test]
fn a_number_is_an_id_and_braces_are_none_of_it() {
    assert_eq!(lead_id(&one(r#"{"ProspectID":12345,"City":"Pune"}"#)).as_deref(), Some("12345"));
    let guid = "4057ed7a-0000-4000-8000-000000000001";
    for body in [
        format!(r#"{{"ProspectID":"{{{guid}}}","City":"Pune"}}"#),
        format!(r#"{{"Current":{{"ProspectID":"{{{}}}"}}}}"#, guid.to_uppercase()),
        format!(r#"{{"ProspectID":"({guid})"}}"#),
        format!(r#"{{"ProspectID":"urn:uuid:{guid}"}}"#),
        format!(r#"{{"ProspectID":"{}"}}"#, guid.replace('-', "")),
        format!(r#"{{"Current":"{{\"ProspectID\":\"{{{guid}}}\"}}"}}"#),
        format!(
            r#"{{"ProspectActivityId":7,"RelatedProspectId":"{{{guid}}}","ActivityEvent":201}}"#
        ),
    ] {
        let record = one(&body);
        assert_eq!(lead_id(&record).as_deref(), Some(guid), "{body}");
        if record.entity() == Entity::Lead {
            let shown = text(&record, "ProspectID");
            assert!(shown.eq_ignore_ascii_case(guid), "as reads show it: {shown}");
        }
    }
}

/// Two values of one name are ambiguous, so neither is chosen, unless one of them is blank.
#[test]
fn what_is_said_twice_is_not_chosen_from() {
    let told = |body: &str| read(body.as_bytes(), None).map(drop).expect_err(body).message;
    for (body, what) in [
        (r#"{"ProspectID":"l1","City":"Pune","City":"Agra"}"#, "`City` twice"),
        (r#"{"ProspectID":"l1","Current":"{\"City\":\"a\",\"City\":\"b\"}"}"#, "`City` twice"),
        (
            r#"{"Current":{"ProspectID":"l1","City":"a"},"current":{"ProspectID":"l1","City":"b"}}"#,
            "`Current` and `current`",
        ),
        (
            r#"{"current":{"ProspectID":"l1","City":"b"},"Current":{"ProspectID":"l1","City":"a"}}"#,
            "`Current` and `current`",
        ),
    ] {
        let message = told(body);
        assert!(message.contains(what), "{message}");
    }
    for body in [
        r#"{"ProspectID":"l1","City":"Pune","City":"Pune"}"#,
        r#"{"ProspectID":"l1","City":"Pune","City":""}"#,
        r#"{"ProspectID":"l1","City":null,"City":"Pune"}"#,
        r#"{"Current":{"ProspectID":"l1","City":"Pune"},"current":{"ProspectID":"l1","City":"Pune"}}"#,
    ] {
        assert_eq!(text(&one(body), "City"), "Pune", "{body}");
    }
}

#[test]
fn a_bad_line_of_json_lines_leaves_the_others() {
    let body = b"{\"ProspectID\":\"l1\"}\n\n{\"ProspectID\":\"l2\",\"City\":\r\n{\"ProspectID\":\"l3\"}\r\n";
    let entries = read(body, None).unwrap();
    let told: Vec<Option<String>> =
        entries.iter().map(|entry| entry.as_ref().ok().and_then(lead_id)).collect();
    assert_eq!(told, [Some("l1".to_owned()), None, Some("l3".to_owned())]);
    let problem = entries[1].as_ref().expect_err("a bad line");
    let told = "Record 2 of the body is not JSON: EOF while parsing";
    assert!(problem.message.contains(told), "{problem}");
    // A single object that breaks off is not a list of lines.
    assert!(read(b"{\"ProspectID\":\"l1\",\n\"City\":\"Pu", None).is_err());
    assert!(read(b"{\"ProspectID\":\"l1\",\n\"Before\":\n{\"City\":\"Pu\"}\noops}", None).is_err());
    for (body, expected) in [
        ("{\"ProspectID\":\"l1\"}\nOK", &[Some("l1"), None][..]),
        ("oops\n{\"ProspectID\":\"l1\"}", &[None, Some("l1")]),
        (
            "[\n{\"ProspectID\":\"l1\"},\n{\"ProspectID\":l2},\n{\"ProspectID\":\"l3\"}\n]",
            &[Some("l1"), None, Some("l3")],
        ),
        (
            "{\"ProspectID\":\"l1\"}\n\u{feff}{\"ProspectID\":\"l2\"}\n{\"ProspectID\":\"l3\"",
            &[Some("l1"), Some("l2"), None],
        ),
    ] {
        assert_eq!(
            ids(body),
            expected.iter().map(|id| id.map(str::to_owned)).collect::<Vec<_>>(),
            "{body}"
        );
    }
}

/// The ids of a body's records; `None` for one that can't be read.
fn ids(body: &str) -> Vec<Option<String>> {
    let entries = read(body.as_bytes(), None).expect(body);
    entries.iter().map(|entry| entry.as_ref().ok().and_then(lead_id)).collect()
}

#[test]
fn a_record_that_says_something_twice_leaves_the_others() {
    let twice = r#"{"ProspectID":"l2","City":"Pune","City":"Agra"}"#;
    let list = format!(r#"[{{"ProspectID":"l1"}},{twice},{{"ProspectID":"l3"}}]"#);
    let good = [Some("l1".to_owned()), None, Some("l3".to_owned())];
    for body in [
        list.clone(),
        format!(r#"{{"data":{list}}}"#),
        serde_json::json!({ "data": list }).to_string(),
    ] {
        assert_eq!(ids(&body), good, "{body}");
        let problem = read(body.as_bytes(), None).unwrap()[1].clone().expect_err("two cities");
        assert!(problem.message.contains("Record 2 of the body has `City` twice"), "{problem}");
    }
}

#[test]
fn a_list_or_an_attribute_that_is_given_twice_is_not_lost() {
    for (body, what) in [
        (r#"{"data":[{"ProspectID":"l1"}],"data":[{"ProspectID":"l2"}]}"#, "`data` twice"),
        (r#"{"lead":{"ProspectID":"l1"},"lead":{"ProspectID":"l2"}}"#, "`lead` twice"),
        (
            r#"{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"l1"}],"LeadPropertyList":[{"Attribute":"ProspectID","Value":"l2"}]}"#,
            "`LeadPropertyList` twice",
        ),
        (
            r#"{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"l1"},{"Attribute":"City","Value":"Pune","Value":"Agra"}]}"#,
            "`Value` twice",
        ),
        (
            r#"{"ProspectID":"l1","Current":"[{\"Attribute\":\"City\",\"Value\":\"a\",\"Value\":\"b\"}]"}"#,
            "`Value` twice",
        ),
    ] {
        let problem = read(body.as_bytes(), None).expect_err(body);
        assert!(problem.message.contains(what), "{body}: {problem}");
    }
}

/// Leads without an id, or with a placeholder, are not the same lead.
#[test]
fn what_stands_for_no_id_is_none() {
    for id in [
        "NA",
        "n/a",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "none",
        "xxxx",
        "-",
        "null",
        "{{Lead.Id}}",
        "@{Lead:Id,}",
        "test",
    ] {
        let lead = one(&serde_json::json!({"ProspectID": id, "City": "Pune"}).to_string());
        assert_eq!(lead_id(&lead), None, "{id}");
        let activity = one(
            &serde_json::json!({"ProspectActivityId": id, "RelatedProspectId": "l1", "ActivityEvent": 201}).to_string(),
        );
        assert_eq!(activity.activity_id(), None, "{id}");
    }
    for id in ["1", "10", "a", "l1", "x1", "100"] {
        let lead = one(&serde_json::json!({"ProspectID": id, "City": "Pune"}).to_string());
        assert_eq!(lead_id(&lead).as_deref(), Some(id));
    }
}

#[test]
fn a_list_of_properties_is_read_whole_or_not_at_all() {
    let lead = |list: serde_json::Value| {
        read(serde_json::json!({"LeadPropertyList": list}).to_string().as_bytes(), None)
    };
    let id = serde_json::json!({"Attribute": "ProspectID", "Value": "l1"});
    let part = serde_json::json!([{"Attribute": "mx_CustomObject_1", "Value": "A-7"}]);
    for set in [
        serde_json::json!({"Attribute": "mx_Set", "Fields": part}),
        serde_json::json!({"Attribute": "mx_Set", "Value": "", "Fields": part}),
        serde_json::json!({"Attribute": "mx_Set", "Value": part}),
        serde_json::json!({"Attribute": "mx_Set", "Value": {"Fields": part}}),
    ] {
        let entries = lead(serde_json::json!([id, set])).expect("a lead");
        assert_eq!(text(entries[0].as_ref().unwrap(), "mx_Set.mx_CustomObject_1"), "A-7", "{set}");
    }
    let city = |value: &str| serde_json::json!({"Attribute": "City", "Value": value});
    let problem =
        lead(serde_json::json!([id, city("Pune"), city("Agra")])).expect_err("two cities");
    assert!(problem.message.contains("two different values of `City`"), "{problem}");
    let entries = lead(serde_json::json!([id, city("Pune"), city("")])).expect("a lead");
    assert_eq!(text(entries[0].as_ref().unwrap(), "City"), "Pune");
}

#[test]
fn an_id_that_can_not_be_kept_is_none() {
    let body = r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":201,"Current":{"ProspectID":"b\u0000"}}"#;
    assert_eq!(lead_id(&one(body)).as_deref(), Some("a"));
    assert_eq!(one(body).lead(), None, "the lead beside it can't be named");
}

/// Each list is processed once: if each were processed twice, this would not end.
#[test]
fn lists_in_lists_cost_no_more_than_they_are_long() {
    let lists = format!("{}\"a\"{}", "[".repeat(100), "]".repeat(100));
    let items = read(format!(r#"{{"ProspectID":"1","X":{lists}}}"#).as_bytes(), None).unwrap();
    assert_eq!(items[0].as_ref().unwrap().state().get("X"), Some(lists.as_str()));
}

#[test]
fn what_can_not_be_read_is_said() {
    for (body, expected) in [
        ("", "empty"),
        ("hello", "not JSON"),
        ("[]", "empty list"),
        ("[1]", "The body is not an object but a number"),
        ("{}", "neither a lead nor an activity"),
        (r#"{"Current":{}}"#, "neither a lead nor an activity"),
        (r#"{"ProspectID":"a""#, "not JSON"),
    ] {
        let problem = read(body.as_bytes(), None).expect_err(body);
        assert!(problem.message.contains(expected), "{body}: {}", problem.message);
    }
    let long = format!(
        r#"{{"ProspectActivityId":"x","RelatedProspectId":"{}"}}"#,
        "ab".repeat(LONGEST_ID)
    );
    let problem = read(long.as_bytes(), None).expect_err("a long id");
    assert!(problem.message.contains("too long"), "{}", problem.message);
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes(), None).is_err());
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200), form: bool) {
        let _ = read(&body, form.then_some("application/x-www-form-urlencoded"));
    }
}
