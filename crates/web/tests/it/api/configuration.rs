//! Accounts and connectors.

use serde_json::{Value, json};

use super::Client;
use crate::harness::{OTHER_PASSWORD, PASSWORD};

fn account() -> Value {
    json!({
        "host": "api-in21.leadsquared.com",
        "access_key": "AKIA-own", "secret_key": "S3CRET-own",
        "quota": { "calls": 25, "bulk_calls": 5, "per_seconds": 5, "daily": 100_000 },
    })
}

#[tokio::test]
async fn an_account_lives_from_put_to_delete_and_never_shows_its_keys() {
    let client = Client::start().await;
    let told = client.put("/accounts/new", account()).await.expect(201);
    assert_eq!(told["host"], "https://api-in21.leadsquared.com", "{told}");
    assert_eq!(client.put("/accounts/new", account()).await.expect(200), told);
    let version = client.house.store.configuration_version().await.unwrap();
    // Keys that are left out are kept, and what is so already is no change.
    let mut without = account();
    without.as_object_mut().unwrap().retain(|key, _| !key.ends_with("_key"));
    client.put("/accounts/new", without).await.expect(200);
    assert_eq!(client.house.store.configuration_version().await.unwrap(), version);
    let pro = json!({ "host": "api-in21.leadsquared.com", "plan": "pro" });
    let told = client.put("/accounts/new", pro).await.expect(200);
    assert_eq!((&told["plan"], &told["quota"]), (&json!("pro"), &Value::Null));
    // Stored keys go to no other host.
    let elsewhere = json!({ "host": "http://127.0.0.1:1", "plan": "pro" });
    let told = client.put("/accounts/new", elsewhere).await;
    told.refused(400, "bad_input", &["access_key", "another host"]);
    let mut moved = account();
    moved["host"] = json!("http://127.0.0.1:1");
    client.put("/accounts/new", moved).await.expect(200);
    let names: Vec<Value> =
        client.items("/accounts").await.into_iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, ["a", "b", "new"]);
    client.delete("/accounts/a").await.refused(409, "refused", &["used by the connector ab"]);
    assert_eq!(client.delete("/accounts/new").await.expect(204), Value::Null);
    client.delete("/accounts/new").await.refused(404, "not_found", &["'new'"]);
    client.house.end().await;
}

#[tokio::test]
async fn secrets_are_in_no_answer() {
    let client = Client::start().await;
    let hook = client.house.hook.trim_start_matches("/hooks/").to_owned();
    let mut answers = String::new();
    let mut tell = |told: super::Told| answers.push_str(&told.body.to_string());
    tell(client.put("/accounts/new", account()).await);
    let mut wrong = account();
    wrong["access_key"] = json!(["AKIA-own"]);
    tell(client.put("/accounts/new", wrong.clone()).await);
    wrong["secret_key"] = json!({ "S3CRET-own": 1 });
    tell(client.put("/accounts/new", wrong).await);
    let user = json!({"email": "a@example.com", "role": "operator", "password": PASSWORD});
    tell(client.post("/users", user).await);
    let hooks = "https://hooks.example.com/services/T0/B0/own-hook-path";
    tell(client.post("/alerts", json!({ "address": hooks })).await);
    tell(client.post("/alerts", json!({ "address": format!("{hooks}\u{0}"), "x": 1 })).await);
    tell(client.put("/users/a@example.com/password", json!({"password": OTHER_PASSWORD})).await);
    for path in [
        "/accounts",
        "/connectors",
        "/connectors/ab",
        "/requests",
        "/failures",
        "/mails",
        "/alerts",
        "/audit",
        "/users",
        "/tokens",
    ] {
        tell(client.get(path).await);
    }
    for secret in [
        "AKIA-own",
        "S3CRET-own",
        "the-access-key",
        "the-secret-key",
        PASSWORD,
        OTHER_PASSWORD,
        "own-hook",
        "argon2",
        &hook,
        &client.token,
        "password\":",
        "_key\":",
    ] {
        assert!(!answers.contains(secret), "{secret} is in {answers}");
    }
    client.house.end().await;
}

#[tokio::test]
async fn bad_accounts_are_refused_by_their_place() {
    let client = Client::start().await;
    let with = |key: &str, value: Value| {
        let mut account = account();
        account[key] = value;
        account
    };
    let without = |key: &str| {
        let mut account = account();
        account.as_object_mut().unwrap().remove(key);
        account
    };
    for (body, at, what) in [
        (with("host", json!("http://api.example.com")), "host", "must use https"),
        (without("host"), "body", "host"),
        (with("plan", json!("pro")), "plan", "both a plan and a quota"),
        (without("quota"), "plan", "has no plan"),
        (with("quota", json!({"calls": 0})), "quota", "bulk_calls"),
        (with("access_key", json!(" ")), "access_key", "non-empty"),
        (without("secret_key"), "secret_key", "required with access_key"),
        (with("name", json!("other")), "name", "path"),
        (with("hosts", json!("x")), "hosts", "unknown field"),
    ] {
        let told = client.put("/accounts/new", body).await;
        let fault = told.body["faults"][0].clone();
        told.refused(400, "bad_input", &[what]);
        assert_eq!(fault["at"], at, "{fault}");
    }
    client.put("/accounts/a%20b", account()).await.refused(400, "bad_input", &["name"]);
    let no_keys = json!({ "host": "api-in21.leadsquared.com", "plan": "pro" });
    client.put("/accounts/new", no_keys).await.refused(400, "bad_input", &["for a new account"]);
    assert_eq!(client.items("/accounts").await.len(), 2);
    client.house.end().await;
}

#[tokio::test]
async fn a_connector_lives_from_put_to_delete() {
    let client = Client::start().await;
    let wanted = json!({
        "source": "b", "destination": "a",
        "basic": { "search_by": "Phone", "time_zone": "Asia/Kolkata" },
        "lead": { "behaviour": "create_only" },
    });
    let told = client.put("/connectors/back", wanted).await.expect(201);
    assert_eq!((&told["name"], &told["version"]), (&json!("back"), &json!(1)), "{told}");
    assert_eq!((&told["enabled"], &told["url"]), (&json!(false), &Value::Null));
    // What is read can be sent back, and is no change then.
    assert_eq!(client.get("/connectors/back").await.expect(200), told);
    assert_eq!(client.put("/connectors/back", told.clone()).await.expect(200), told);
    let mut changed = told.clone();
    changed["basic"]["search_by"] = json!("EmailAddress");
    changed["enabled"] = json!(true);
    let told = client.put("/connectors/back", changed).await.expect(200);
    assert_eq!((&told["version"], &told["enabled"]), (&json!(2), &json!(true)));
    for (verb, enabled) in [("disable", false), ("disable", false), ("enable", true)] {
        let told = client.post(&format!("/connectors/back/{verb}"), json!({})).await.expect(200);
        assert_eq!((&told["enabled"], &told["version"]), (&json!(enabled), &json!(2)));
    }
    let list = client.items("/connectors").await;
    assert_eq!((list.len(), &list[1]["name"]), (2, &json!("back")));
    let url = client.get("/connectors/ab/url").await.expect(200);
    assert_eq!(url["url"], format!("https://leadsync.example{}", client.house.hook));
    assert_eq!(client.delete("/connectors/back").await.expect(204), Value::Null);
    client.get("/connectors/back").await.refused(404, "not_found", &["'back'"]);
    let audit = client.items("/audit").await;
    assert_eq!(audit[0]["action"], "remove_connector");
    assert_eq!(audit[0]["actor"], "token test");
    client.house.end().await;
}

#[tokio::test]
async fn settings_that_somebody_else_changed_meanwhile_are_not_overwritten() {
    let client = Client::start().await;
    let first = client.get("/connectors/ab").await.expect(200);
    let changed = |zone: &str| {
        let mut settings = first.clone();
        settings["basic"]["time_zone"] = json!(zone);
        settings
    };
    client.put("/connectors/ab", changed("Asia/Kolkata")).await.expect(200);
    let late = client.put("/connectors/ab", changed("Asia/Dubai")).await;
    late.refused(409, "changed", &["version 2", "Read the current version"]);
    let kept = client.get("/connectors/ab").await.expect(200);
    assert_eq!(kept["basic"]["time_zone"], "Asia/Kolkata");
    // Without a version it is said to hold whatever was there.
    let mut forced = changed("Asia/Dubai");
    forced.as_object_mut().unwrap().remove("version");
    assert_eq!(client.put("/connectors/ab", forced).await.expect(200)["version"], 3);
    let new = json!({"source": "b", "destination": "a", "version": 1});
    client.put("/connectors/new", new).await.refused(
        409,
        "changed",
        &["connector new no longer exists"],
    );
    client.house.end().await;
}

#[tokio::test]
async fn bad_connectors_are_refused_by_their_place() {
    let client = Client::start().await;
    for (body, at, what) in [
        (json!({"destination": "b"}), "body", "source"),
        (json!({"source": "a", "destination": "a"}), "destination", "source account"),
        (
            json!({"source": "a", "destination": "x"}),
            "destination",
            "the account 'x' does not exist",
        ),
        (json!({"source": "a", "destination": "b", "name": "c"}), "name", "path"),
        (json!({"source": "a", "destination": "b", "enabled": "yes"}), "enabled", "boolean"),
        (
            json!({"source": "a", "destination": "b", "basic": {"time_zone": "IST"}}),
            "basic.time_zone",
            "Asia/Kolkata",
        ),
        (
            json!({"source": "a", "destination": "b", "lead": {"field": [{"too": "x"}]}}),
            "lead.field[0].too",
            "unknown field",
        ),
    ] {
        let told = client.put("/connectors/new", body).await;
        let fault = told.body["faults"][0].clone();
        told.refused(400, "bad_input", &[what]);
        assert_eq!(fault["at"], at, "{fault}");
    }
    let other = json!({"source": "b", "destination": "a"});
    client.put("/connectors/ab", other).await.refused(409, "refused", &["another name"]);
    for verb in ["enable", "disable"] {
        let path = format!("/connectors/nobody/{verb}");
        client.post(&path, json!({})).await.refused(404, "not_found", &["'nobody'"]);
    }
    client.house.end().await;
}
