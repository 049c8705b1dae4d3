//! The description of the API says what the API answers.

use plan::backfill::{BackfillPlan, Sample};
use serde_json::{Value, json};

use super::Client;
use super::fixture::{id, ten_and_reviews};
use crate::harness::PASSWORD;

fn settings() -> Value {
    json!({
        "source": "b", "destination": "a", "basic": { "secondary_search_by": "Phone", "date_order": "day_first" },
        "lead": { "field": [
            { "from": "EmailAddress", "to": "EmailAddress" },
            { "from": "Phone", "to": "Phone", "conflict": "source", "values": { "a": "b" } },
        ] },
        "activity": { "enabled": true, "type": [{ "from": 201, "to": 305 }] },
    })
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, in order")]
async fn answers_are_as_the_description_says() {
    let client = Client::start().await;
    ten_and_reviews(&client.house).await;
    let document = client.send_raw("GET", "/openapi.json", "", "").await.expect(200);
    let request = format!("/requests/{}", id(3));
    let (preview, retry) = (format!("{request}/preview"), format!("{request}/retry"));
    let account = json!({
        "host": "api.example.com", "plan": "pro", "access_key": "a", "secret_key": "s",
    });
    let settings = settings();
    let trial = json!({
        "source": "a", "destination": "b",
        "lead": { "field": [
            { "from": "EmailAddress", "to": "EmailAddress" }, { "from": "FirstName", "to": "FirstName" },
        ] },
    });
    let mut unfilled = trial.clone();
    unfilled["basic"] = json!({ "secondary_search_by": "FirstName" });
    let user = json!({ "email": "a@example.com", "role": "operator", "password": PASSWORD });
    let role = json!({ "role": "administrator" });
    let password = json!({ "password": PASSWORD });
    let token = json!({ "name": "t", "scope": "read", "user": "a@example.com" });
    let choice = json!({ "choice": "link", "lead_id": "twin-b" });
    let lead = json!({ "ProspectID": "x", "EmailAddress": "asha@example.com" });
    let field = json!({ "field": "City" });
    let invite = json!({ "email": "new@example.com", "role": "viewer" });
    let operator = json!({ "role": "operator" });
    let alert = json!({ "address": "ops@example.com", "connectors": ["ab"] });
    // The test of an address waits until it is sent.
    let sending = client.house.send_mails();
    for (method, template, path, body) in [
        ("GET", "/openapi.json", "/openapi.json", None),
        ("PUT", "/accounts/{name}", "/accounts/c", Some(account)),
        ("GET", "/accounts", "/accounts", None),
        ("DELETE", "/accounts/{name}", "/accounts/c", None),
        ("PUT", "/connectors/{name}", "/connectors/ba", Some(settings)),
        ("GET", "/connectors", "/connectors", None),
        ("GET", "/connectors/{name}", "/connectors/ba", None),
        ("POST", "/connectors/{name}/enable", "/connectors/ba/enable", None),
        ("POST", "/connectors/{name}/disable", "/connectors/ba/disable", None),
        ("GET", "/connectors/{name}/url", "/connectors/ba/url", None),
        ("POST", "/connectors/{name}/url", "/connectors/ba/url", Some(json!({ "keep_hours": 1 }))),
        ("DELETE", "/connectors/{name}/url/old", "/connectors/ba/url/old", None),
        ("POST", "/connectors/{name}/preview", "/connectors/ab/preview", Some(lead)),
        ("GET", "/connectors/{name}/versions", "/connectors/ba/versions", None),
        ("POST", "/connectors/{name}/draft", "/connectors/ab/draft", Some(trial)),
        ("POST", "/connectors/{name}/draft/check", "/connectors/ab/draft/check", Some(unfilled)),
        ("GET", "/connectors/{name}/mapping", "/connectors/ab/mapping", None),
        ("POST", "/connectors/{name}/check", "/connectors/ab/check", None),
        ("DELETE", "/connectors/{name}", "/connectors/ba", None),
        ("GET", "/requests", "/requests", None),
        ("GET", "/requests/counts", "/requests/counts", None),
        ("GET", "/requests/{id}", &request, None),
        ("POST", "/requests/{id}/preview", &preview, None),
        ("POST", "/requests/{id}/retry", &retry, None),
        ("POST", "/retry", "/retry", Some(json!({ "filter": { "event": "failed" } }))),
        ("POST", "/retry/cancel", "/retry/cancel", Some(json!({ "ids": [id(3)] }))),
        ("GET", "/retries", "/retries", None),
        ("GET", "/retries/{batch}", "/retries/2", None),
        ("POST", "/retries/{batch}/cancel", "/retries/2/cancel", None),
        ("GET", "/leads/{account}/{lead}", "/leads/b/twin-1", None),
        ("POST", "/leads/{account}/{lead}/release", "/leads/b/twin-1/release", Some(field)),
        ("GET", "/failures", "/failures", None),
        ("GET", "/failures/{name}/{cause}", "/failures/ab/too_long", None),
        ("POST", "/failures/{name}/{cause}/metadata", "/failures/ab/too_long/metadata", None),
        (
            "POST",
            "/failures/{name}/{cause}/preview",
            "/failures/ab/too_long/preview",
            Some(json!({ "fix": { "kind": "leave_out", "field": "FirstName" } })),
        ),
        (
            "POST",
            "/failures/{name}/{cause}/fix",
            "/failures/ab/too_long/fix",
            Some(json!({ "fix": { "kind": "leave_out", "field": "FirstName" }, "version": 1 })),
        ),
        (
            "POST",
            "/failures/{name}/{cause}/dismiss",
            "/failures/ab/too_long/dismiss",
            Some(json!({ "note": "Known." })),
        ),
        ("POST", "/failures/{name}/{cause}/restore", "/failures/ab/too_long/restore", None),
        ("GET", "/failures/{name}/{cause}", "/failures/ab/none", None),
        ("GET", "/reviews", "/reviews?state=open&connector=ab", None),
        ("GET", "/reviews/{review}", "/reviews/1", None),
        ("POST", "/reviews/{review}/decide", "/reviews/1/decide", Some(choice)),
        ("GET", "/reviews", "/reviews?lead=lead-0", None),
        ("POST", "/reviews/{review}/undo", "/reviews/1/undo", None),
        ("GET", "/overview", "/overview?from=7d&connector=ab", None),
        ("GET", "/overview", "/overview?from=never", None),
        ("GET", "/quota", "/quota", None),
        ("GET", "/mails", "/mails", None),
        ("POST", "/alerts", "/alerts", Some(alert)),
        ("POST", "/alerts", "/alerts", Some(json!({ "address": "ops" }))),
        ("GET", "/alerts", "/alerts", None),
        ("POST", "/alerts/{id}/test", "/alerts/1/test", None),
        ("GET", "/alerts", "/alerts", None),
        ("GET", "/mails", "/mails", None),
        ("DELETE", "/alerts/{id}", "/alerts/1", None),
        ("POST", "/people-data/export", "/people-data/export", Some(json!({ "who": "lead-0" }))),
        ("POST", "/people-data/export", "/people-data/export", Some(json!({ "who": "Asha" }))),
        ("POST", "/people-data/forget", "/people-data/forget", Some(json!({ "who": "lead-0" }))),
        ("POST", "/users", "/users", Some(user)),
        ("GET", "/users", "/users", None),
        ("PUT", "/users/{email}/role", "/users/a@example.com/role", Some(role)),
        ("DELETE", "/users/{email}/second-factor", "/users/nobody@example.com/second-factor", None),
        ("POST", "/invites", "/invites", Some(invite)),
        ("GET", "/invites", "/invites", None),
        ("DELETE", "/invites/{email}", "/invites/new@example.com", None),
        ("GET", "/guests", "/guests", None),
        ("DELETE", "/guests/{email}", "/guests/nobody@example.com", None),
        ("PUT", "/users/{email}/password", "/users/a@example.com/password", Some(password)),
        ("POST", "/tokens", "/tokens", Some(token)),
        ("GET", "/tokens", "/tokens", None),
        ("DELETE", "/tokens/{name}", "/tokens/t", None),
        ("PUT", "/users/{email}/role", "/users/a@example.com/role", Some(operator)),
        ("DELETE", "/users/{email}", "/users/a@example.com", None),
        ("GET", "/audit", "/audit?limit=200", None),
        ("GET", "/audit", "/audit?action=add_user&actor=token+test&subject=a@example.com", None),
        ("GET", "/requests", "/requests?limit=0", None),
    ] {
        agree(&client, &document, (method, template), path, body).await;
    }
    sending.abort();
    client.house.end().await;
}

#[tokio::test]
async fn answers_about_filters_and_backfills_are_as_the_description_says() {
    let client = Client::start().await;
    let document = client.send_raw("GET", "/openapi.json", "", "").await.expect(200);
    let backfills = "/connectors/{name}/backfills";
    let one = |change: &str| format!("{backfills}/{{backfill}}/{change}");
    for (method, template, body) in [
        ("POST", "/connectors/{name}/filter/count".to_owned(), None),
        ("POST", "/connectors/{name}/enable".to_owned(), None),
        ("POST", format!("{backfills}/plan"), None),
        ("GET", format!("{backfills}/plan"), None),
        ("POST", backfills.to_owned(), Some(json!({ "confirm": true }))),
        ("GET", backfills.to_owned(), None),
        ("POST", one("pause"), None),
        ("POST", one("resume"), None),
        ("POST", one("cancel"), None),
    ] {
        let path = template.replace("{name}", "ab").replace("{backfill}", "1");
        agree(&client, &document, (method, &template), &path, body).await;
        if path.ends_with("/plan") && method == "POST" {
            let fields = [("City".to_owned(), 2)].into();
            let sample =
                Sample { lead: "x".to_owned(), known_as: None, why: "It has no key.".to_owned() };
            let samples = vec![sample];
            let plan = BackfillPlan { leads: 5, fields, samples, ..BackfillPlan::default() };
            client.house.counts("ab", plan).await;
        }
    }
    client.house.end().await;
}

#[tokio::test]
async fn answers_about_probes_are_as_the_description_says() {
    let client = Client::start().await;
    let document = client.send_raw("GET", "/openapi.json", "", "").await.expect(200);
    let answer_path = "/accounts/a/answers/phone_match";
    let answer = json!({ "answer": "digits" });
    for (method, template, path, body) in [
        ("GET", "/accounts/{name}/probe", "/accounts/a/probe", None),
        ("POST", "/accounts/{name}/probe", "/accounts/a/probe", Some(json!({ "write": true }))),
        ("GET", "/accounts/{name}/probe", "/accounts/a/probe", None),
        ("DELETE", "/accounts/{name}/probe", "/accounts/a/probe", None),
        ("PUT", "/accounts/{account}/answers/{question}", answer_path, Some(answer)),
        ("GET", "/accounts", "/accounts", None),
        ("DELETE", "/accounts/{account}/answers/{question}", answer_path, None),
    ] {
        agree(&client, &document, (method, template), path, body).await;
    }
    client.house.end().await;
}

/// What this call answers is as the description says.
async fn agree(
    client: &Client,
    document: &Value,
    (method, template): (&str, &str),
    path: &str,
    body: Option<Value>,
) {
    let operation = &document["paths"][template][method.to_lowercase()];
    assert!(operation.is_object(), "{method} {template} is not described");
    if let Some(body) = &body {
        let schema = schema(document, &operation["requestBody"]);
        conforms(document, schema, body, &format!("the body of {method} {path}"));
    }
    let told = client.send(method, path, body).await;
    let status = told.status.to_string();
    let response = operation["responses"].get(&status);
    let good = response.is_some();
    assert_eq!(good, told.status < 300, "{method} {path}: {told:?}");
    let schema = schema(document, response.unwrap_or(&operation["responses"]["default"]));
    assert_eq!(schema.is_null(), told.body.is_null(), "{method} {path}: {told:?}");
    conforms(document, schema, &told.body, &format!("{method} {path}"));
}

/// The schema of a body; null if there is none.
fn schema<'a>(document: &'a Value, body: &'a Value) -> &'a Value {
    let content = &resolved(document, body)["content"];
    let kinds = content.as_object().and_then(|kinds| kinds.values().next());
    kinds.map_or(&Value::Null, |kind| &kind["schema"])
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect(reference),
        None => value,
    }
}

/// As much of JSON Schema as the description uses. A property that a schema does not name is wrong
/// unless it says otherwise: nothing goes out untold.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolved(document, schema);
    if let Some(any) = schema["anyOf"].as_array() {
        let null = any.iter().any(|one| one["type"] == "null");
        assert!(null, "{at}: anyOf is only used for what may be null");
        if !value.is_null() {
            conforms(document, &any[0], value, at);
        }
        return;
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut merged = json!({ "type": "object", "properties": {} });
        for one in all {
            for (name, property) in resolved(document, one)["properties"].as_object().unwrap() {
                merged["properties"][name] = property.clone();
            }
        }
        return conforms(document, &merged, value, at);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is none of {words:?}");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at}: {value} is no {kinds:?}");
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(document, &schema["items"], item, &format!("{at}[{number}]"));
    }
    let (Some(object), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(object.contains_key(name), "{at}: {name} is missing in {value}");
    }
    for (name, value) in object {
        match known.get(name) {
            Some(property) => conforms(document, property, value, &format!("{at}.{name}")),
            None => {
                assert_eq!(schema["additionalProperties"], true, "{at}.{name} is not described");
            }
        }
    }
}
