//! Users and tokens.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::Client;
use crate::harness::{OTHER_PASSWORD, PASSWORD};

#[tokio::test]
async fn a_user_lives_from_post_to_delete() {
    let client = Client::start().await;
    let user = json!({"email": "Ops@Example.com", "role": "operator", "password": PASSWORD});
    let told = client.post("/users", user.clone()).await.expect(201);
    assert_eq!((&told["email"], &told["role"]), (&json!("ops@example.com"), &json!("operator")));
    assert_eq!(client.items("/users").await, [told]);
    client.post("/users", user).await.refused(409, "refused", &["already"]);
    let is_right = async |text: &str| {
        let kept = client.house.store.password("ops@example.com").await.unwrap().unwrap();
        admin::password::is_right(SecretString::from(text), kept).await.unwrap()
    };
    assert!(is_right(PASSWORD).await);
    let another = json!({"password": OTHER_PASSWORD});
    let told = client.put("/users/ops@example.com/password", another.clone()).await;
    assert_eq!(told.expect(204), Value::Null);
    assert!(is_right(OTHER_PASSWORD).await && !is_right(PASSWORD).await);
    assert_eq!(client.delete("/users/OPS%40example.com").await.expect(204), Value::Null);
    client.delete("/users/ops@example.com").await.refused(404, "not_found", &["ops@example.com"]);
    let told = client.put("/users/ops@example.com/password", another).await;
    told.refused(404, "not_found", &["ops@example.com"]);
    assert_eq!(client.items("/users").await, [] as [Value; 0]);
    client.house.end().await;
}

#[tokio::test]
async fn bad_users_and_tokens_are_refused() {
    let client = Client::start().await;
    let user = |email: &str, role: &str, password: &str| json!({ "email": email, "role": role, "password": password });
    for (body, status, said) in [
        (user("ops", "operator", PASSWORD), 409, "not a valid email address"),
        (user("a@example.com", "king", PASSWORD), 400, "role"),
        (user("a@example.com", "operator", "short"), 400, "12 characters"),
        (json!({"email": "a@example.com", "role": "operator"}), 400, "password"),
    ] {
        let told = client.post("/users", body).await;
        assert_eq!(told.status, status, "{told:?}");
        assert!(told.body["message"].as_str().unwrap().contains(said), "{told:?}");
    }
    let operator = user("ops@example.com", "operator", PASSWORD);
    client.post("/users", operator).await.expect(201);
    for (body, status, said) in [
        (json!({"name": "t"}), 400, "scope"),
        (json!({"name": "t", "scope": "all"}), 400, "scope"),
        (json!({"name": " ", "scope": "read"}), 409, "not a valid name"),
        (json!({"name": "test", "scope": "read"}), 409, "already"),
        (json!({"name": "t", "scope": "read", "user": "x@example.com"}), 409, "no user"),
        (json!({"name": "t", "scope": "read", "expires_days": 0}), 400, "expires_days"),
        (json!({"name": "t", "scope": "read", "expires_days": 99_999}), 400, "3650"),
        (
            json!({"name": "t", "scope": "administer", "user": "ops@example.com"}),
            409,
            "operate at most",
        ),
    ] {
        let told = client.post("/tokens", body).await;
        assert_eq!(told.status, status, "{told:?}");
        assert!(told.body["message"].as_str().unwrap().contains(said), "{told:?}");
    }
    assert_eq!(client.items("/tokens").await.len(), 1);
    client.house.end().await;
}

#[tokio::test]
async fn a_token_is_told_once_and_then_works() {
    let client = Client::start().await;
    let made = client.post("/tokens", json!({"name": "ci", "scope": "read"})).await.expect(201);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("leadsync_"), "{made}");
    assert_eq!((&made["expires_at"], &made["last_used_at"]), (&Value::Null, &Value::Null));
    let headers = format!("authorization: bearer {token}\r\n");
    client.send_raw("GET", "/connectors", &headers, "").await.expect(200);
    let list = client.items("/tokens").await;
    assert_eq!(list[0]["name"], "ci");
    assert!(list[0]["last_used_at"].as_str().unwrap().ends_with("T00:00:00Z"), "{list:?}");
    assert!(list.iter().all(|item| item.get("token").is_none()), "{list:?}");
    client.house.end().await;
}
