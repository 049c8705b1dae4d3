//! Nobody gets in without a token, and nobody further than the token allows.

use jiff::SignedDuration;
use plan::permission::{Role, Scope};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{Actor, NewApiToken, PasswordHash, Token, UserChange};

use super::Client;
use crate::harness::now;

/// Every method and path of the API that is not open, with what it needs. Names in paths are of
/// things that there are not.
async fn routes(client: &Client) -> Vec<(String, String, Scope)> {
    let document = client.send_raw("GET", "/openapi.json", "", "").await.expect(200);
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["security"] == json!([]) {
                continue;
            }
            let path = path
                .replace("{name}", "nobody")
                .replace("{email}", "nobody@example.com")
                .replace("{id}", "02XJ4W7Q1B000");
            let scope = operation["x-scope"].as_str().unwrap().parse().unwrap();
            routes.push((method.to_uppercase(), path, scope));
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    routes
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn every_route_is_closed_to_whoever_is_not_known() {
    let client = Client::start().await;
    let expired = Token::for_api().unwrap();
    let new = NewApiToken {
        name: "expired".to_owned(),
        user: None,
        scope: Some(Scope::Administer),
        hash: expired.hash(),
        expires_at: Some(now()),
    };
    let actor = Actor::command_line();
    client.house.store.change_users(UserChange::AddToken(new), &actor, now()).await.unwrap();
    let hook = client.house.hook.trim_start_matches("/hooks/").to_owned();
    let right = client.token.clone();
    let wrong = [
        String::new(),
        bearer(""),
        bearer("leadsync_000000000000000000000000000000000000000000000000"),
        bearer(expired.expose()),
        bearer(&hook),
        bearer(&right[..right.len() - 1]),
        bearer(&format!("{right}0")),
        bearer(&"x".repeat(10_000)),
        format!("Authorization: Basic {right}\r\n"),
        format!("Authorization: {right}\r\n"),
        "Authorization: Bearer \u{e9}\r\n".to_owned(),
    ];
    let mut paths = routes(&client).await;
    for (method, path) in [("GET", "/nothing"), ("GET", ""), ("DELETE", "/requests")] {
        paths.push((method.to_owned(), path.to_owned(), Scope::Read));
    }
    let mut answers: Vec<Value> = Vec::new();
    for (number, (method, path, _)) in paths.iter().enumerate() {
        // All of them on one route, the first few on every route.
        let some = if number == 0 { wrong.len() } else { 4 };
        for headers in &wrong[..some] {
            let told = client.send_raw(method, path, headers, "").await;
            assert_eq!(told.status, 401, "{method} {path} {headers}: {told:?}");
            assert!(told.head.contains("www-authenticate: bearer"), "{told:?}");
            answers.push(told.body);
        }
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "they tell one from another");
    assert_eq!(answers[0]["code"], "not_known");
    client.house.end().await;
}

#[tokio::test]
async fn every_route_asks_for_its_scope() {
    let client = Client::start().await;
    let mut tokens = Vec::new();
    for scope in Scope::ALL {
        tokens.push((*scope, client.token_with(scope.as_str(), *scope).await));
    }
    for (method, path, needs) in routes(&client).await {
        for (scope, token) in &tokens {
            let told = client.send_raw(&method, &path, &bearer(token), "").await;
            if *scope < needs {
                assert_eq!(told.status, 403, "{method} {path} with {scope}: {told:?}");
                told.refused(403, "not_allowed", &[needs.as_str(), scope.as_str()]);
                continue;
            }
            assert!(![401, 403, 405].contains(&told.status), "{method} {path}: {told:?}");
            assert_ne!(told.body["code"], "no_such_route", "{method} {path}: {told:?}");
            if told.status == 404 {
                assert_eq!(told.body["code"], "not_found", "{method} {path}: {told:?}");
            }
            assert!(told.head.contains("cache-control: no-store"), "{told:?}");
        }
    }
    client.house.end().await;
}

#[tokio::test]
async fn a_token_ends_when_it_is_removed_and_with_its_user() {
    let client = Client::start().await;
    let actor = Actor::command_line();
    let email = "ops@example.com".to_owned();
    let password = PasswordHash(SecretString::from("x"));
    let add = UserChange::Add { email: email.clone(), role: Role::Operator, password };
    client.house.store.change_users(add, &actor, now()).await.unwrap();
    let wanted = json!({"name": "laptop", "user": email, "scope": "operate", "expires_days": 1});
    let made = client.post("/tokens", wanted).await.expect(201);
    let ends: jiff::Timestamp = made["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends, now() + SignedDuration::from_hours(24));
    let token = made["token"].as_str().unwrap().to_owned();
    let status =
        async |token: &str| client.send_raw("GET", "/requests", &bearer(token), "").await.status;
    assert_eq!(status(&token).await, 200);
    assert_eq!(client.delete("/users/ops@example.com").await.status, 204);
    assert_eq!(status(&token).await, 401);
    let other = client.token_with("other", Scope::Read).await;
    assert_eq!(status(&other).await, 200);
    assert_eq!(client.delete("/tokens/other").await.status, 204);
    assert_eq!(status(&other).await, 401);
    client.house.end().await;
}

#[tokio::test]
async fn a_store_that_fails_is_not_taken_for_an_unknown_token() {
    let client = Client::start().await;
    client.house.break_table("api_token").await;
    let told = client.get("/requests").await;
    told.refused(500, "defect", &["report"]);
    client.house.mend_table("api_token").await;
    client.get("/requests").await.expect(200);
    client.house.end().await;
}

#[tokio::test]
async fn what_there_is_not_is_said_so_to_whoever_is_known() {
    let client = Client::start().await;
    for path in ["/nothing", "", "/requests/02XJ4W7Q1B000/nothing"] {
        client.get(path).await.refused(404, "no_such_route", &["openapi.json"]);
    }
    let told = client.delete("/requests").await;
    assert!(told.head.contains("allow: get"), "{told:?}");
    told.refused(405, "no_such_method", &[]);
    client.house.end().await;
}
