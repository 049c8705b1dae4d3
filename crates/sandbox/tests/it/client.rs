//! A plain HTTP client with the account's keys.

use sandbox::{Plan, Sandbox, Settings};
use serde_json::{Value, json};

pub struct Client {
    pub account: Sandbox,
    pub http: reqwest::Client,
}

impl Client {
    pub async fn new() -> Self {
        Self::with(|settings| settings.plan = Plan::Unlimited).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new("test");
        settings.seed = Some(1);
        change(&mut settings);
        let account = Sandbox::start(settings).await.expect("a free port");
        Self { account, http: reqwest::Client::builder().build().expect("a client") }
    }

    pub fn url(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!(
            "{}/v2/{path}{mark}accessKey={}&secretKey={}",
            self.account.url(),
            self.account.access_key().replace('$', "%24"),
            self.account.secret_key()
        )
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.http.get(self.url(path)).send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(self.url(path)).json(body);
        answer(request.send().await.expect("an answer")).await
    }

    /// An operation of `LeadManagement.svc` that must succeed.
    pub async fn lead(&self, operation: &str, fields: &[(&str, &str)]) -> Value {
        let (status, body) = self.try_lead(operation, fields).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub async fn try_lead(&self, operation: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.post(&format!("LeadManagement.svc/{operation}"), &attributes(fields)).await
    }
}

pub fn attributes(fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(name, value)| json!({ "Attribute": name, "Value": value })).collect()
}

async fn answer(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[track_caller]
pub fn refused((status, body): &(u16, Value), exception: &str, part: &str) {
    assert_eq!(*status, 500, "{body}");
    assert_eq!(body["Status"], "Error", "{body}");
    assert_eq!(body["ExceptionType"], exception, "{body}");
    assert!(body["ExceptionMessage"].as_str().is_some_and(|text| text.contains(part)), "{body}");
}
