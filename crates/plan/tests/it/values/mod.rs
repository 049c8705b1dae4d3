//! Values from life, by the mapping alone; the tests of the whole service send them over HTTP too.

mod cases;

use std::collections::BTreeMap;

use plan::connector::Definition;
use plan::mapping::{Mapping, Sent};
use plan::metadata::{Catalogue, Kind};
use plan::payload;
use serde_json::json;

use cases::Case;

fn definition(case: &Case) -> Definition {
    let mut basic = serde_json::Map::new();
    if !case.country().is_empty() {
        basic.insert("default_country_code".into(), json!(case.country()));
    }
    basic.extend(case.zone.as_ref().map(|zone| ("time_zone".into(), json!(zone))));
    let settings = json!({"name": "c", "source": "a", "destination": "b", "basic": basic});
    serde_json::from_value(settings).expect("settings")
}

fn account(kind: &str, options: &[String]) -> Catalogue {
    let kind = Kind::of(kind, kind);
    let field =
        json!({"schema_name": "mx_F", "display_name": "F", "kind": kind, "options": options});
    serde_json::from_value(json!({ "fields": [field] })).expect("an account")
}

#[test]
fn each_case_from_life_ends_as_expected() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in Case::all() {
        let name = case.name();
        *counts.entry(case.kind.clone()).or_default() += 1;
        let source = account(case.from.as_ref().unwrap_or(&case.kind), &case.options);
        let destination = account(&case.kind, &case.options);
        let mapping = Mapping::new(&definition(&case), &source, &destination);
        let body = format!(r#"{{"Current":{{"ProspectID":"1","mx_F":{}}}}}"#, case.sent());
        let item = payload::read(body.as_bytes(), None).expect(&name).remove(0).expect(&name);
        let mapped = mapping.apply(&item);
        let codes: Vec<&str> = mapped.problems.iter().map(|p| p.code.as_str()).collect();
        if codes != case.fails.as_deref().into_iter().collect::<Vec<_>>() {
            wrong.push(format!("{name}: {codes:?}"));
        }
        if case.fails.is_some() || !codes.is_empty() {
            continue;
        }
        let field = mapped.get("mx_F").expect("a row");
        let held = match &field.sent {
            Sent::Value(value) => Some(value.as_str()),
            Sent::Absent | Sent::Blank | Sent::Clear => None,
        };
        if !case.expects(held) {
            wrong.push(format!("{name}: {held:?}"));
        }
        if case.kind == "Phone"
            && held.is_some_and(|held| serde_json::from_str(&case.sent()).ok() == Some(json!(held)))
        {
            let is_number = held.is_some_and(|held| plan::phone::normalise(held, None).is_some());
            if field.remark.is_some() == is_number {
                wrong.push(format!("{name}: the remark is {:?}", field.remark));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for kind in ["Phone", "Email", "Text", "Number", "Date", "DateTime"] {
        assert!(counts[kind] >= 40, "{kind}: {counts:?}");
    }
}
