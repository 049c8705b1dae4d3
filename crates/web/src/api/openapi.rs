//! The description of the API: written by hand in `openapi.json`, compared with the routes by
//! tests.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::{OPENAPI, routes};
    use super::DOCUMENT;

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn it_has_every_route_and_no_other() {
        let document = document();
        let mut told = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let scope = operation["x-scope"].as_str().unwrap_or("open");
                told.insert((path.clone(), method.clone(), scope.to_owned()));
            }
        }
        let real = routes().into_iter().map(|route| {
            let method = route.method.as_str().to_lowercase();
            (route.path.to_owned(), method, route.needs.to_string())
        });
        let mut real: BTreeSet<_> = real.collect();
        real.insert((OPENAPI.to_owned(), "get".to_owned(), "open".to_owned()));
        assert_eq!(told, real, "left: openapi.json, right: the routes");
    }

    #[test]
    fn it_is_whole() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        for reference in &used {
            let pointer = reference.strip_prefix('#').expect("references stay in the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        for kind in ["schemas", "parameters"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(used.contains(&reference), "nothing uses {reference}");
            }
        }
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
                let listed = operation["parameters"].as_array().into_iter().flatten();
                let told: Vec<&Value> = listed
                    .filter_map(|one| document.pointer(one["$ref"].as_str()?.strip_prefix('#')?))
                    .collect();
                for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                    let part = part.trim_matches('}');
                    let is_it = |one: &&Value| one["name"] == part && one["in"] == "path";
                    assert!(told.iter().any(is_it), "{path} does not tell {part}");
                }
            }
        }
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    found.insert(reference.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
}
