//! Values from life, and what a user expects in the destination: `cases.json`, which says itself how
//! it is read.

use plan::connector::Definition;
use plan::mapping::{Mapping, Sent};
use plan::metadata::{Catalogue, Kind};
use plan::payload;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    /// The kind in the source, where it is another one.
    from: Option<String>,
    country: Option<String>,
    zone: Option<String>,
    sent: Option<Value>,
    /// As it stands in the JSON.
    sent_raw: Option<String>,
    /// Any of these; null is empty.
    expected: Vec<Option<String>>,
}

impl Case {
    fn definition(&self) -> Definition {
        let mut basic = serde_json::Map::new();
        basic
            .extend(self.country.as_ref().map(|code| ("default_country_code".into(), json!(code))));
        basic.extend(self.zone.as_ref().map(|zone| ("time_zone".into(), json!(zone))));
        // The country of the account, which the cases leave out where it matters for nothing else.
        basic.entry("default_country_code").or_insert(json!("IN"));
        let settings = json!({"name": "c", "source": "a", "destination": "b", "basic": basic});
        serde_json::from_value(settings).expect("settings")
    }

    fn body(&self) -> String {
        let sent = match (&self.sent, &self.sent_raw) {
            (Some(sent), None) => sent.to_string(),
            (None, Some(raw)) => raw.clone(),
            _ => panic!("{}: either sent or sent_raw", self.id),
        };
        format!(r#"{{"Current":{{"ProspectID":"1","mx_F":{sent}}}}}"#)
    }
}

fn account(kind: &str) -> Catalogue {
    let fields = json!([{"schema_name": "mx_F", "display_name": "F", "kind": snake(kind)}]);
    serde_json::from_value(json!({ "fields": fields })).expect("an account")
}

fn snake(kind: &str) -> String {
    let kind = Kind::of(kind, kind);
    serde_json::to_value(kind).expect("a kind").as_str().expect("a word").to_owned()
}

#[test]
fn each_case_from_life_ends_as_expected() {
    let cases: Cases = serde_json::from_str(include_str!("cases.json")).expect("the cases");
    assert!(cases.cases.len() >= 12);
    for case in &cases.cases {
        let source = account(case.from.as_ref().unwrap_or(&case.kind));
        let mapping = Mapping::new(&case.definition(), &source, &account(&case.kind));
        let item =
            payload::read(case.body().as_bytes(), None).expect(&case.id).remove(0).expect(&case.id);
        let mapped = mapping.apply(&item);
        assert_eq!(mapped.problems, [], "{}", case.id);
        let field = mapped.get("mx_F").expect("a row");
        let held = match &field.sent {
            Sent::Value(value) => Some(value.as_str()),
            Sent::Absent | Sent::Blank | Sent::Clear => None,
        };
        // Reads show a time with its fraction, and a date with midnight.
        let shown = |held: &str| match case.kind.as_str() {
            "DateTime" => format!("{held}.000"),
            "Date" => format!("{held} 00:00:00.000"),
            _ => held.to_owned(),
        };
        let held = held.map(shown);
        assert!(case.expected.contains(&held), "{}: {held:?}", case.id);
        let is_as_typed =
            held.is_some() && held.as_deref() == case.sent.as_ref().and_then(Value::as_str);
        let is_number = held.as_ref().is_some_and(|held| held.starts_with('+'));
        if case.kind == "Phone" {
            assert_eq!(field.remark.is_some(), is_as_typed, "{}", case.id);
            assert_ne!(is_number, is_as_typed, "{}", case.id);
        }
    }
}
