//! The API, asked as a script asks it.

mod configuration;
mod denial;
mod document;
pub mod fixture;
mod input;
mod log;
mod people;
mod preview;
mod reviews;

use plan::permission::Scope;
use serde_json::Value;
use store::{Actor, NewApiToken, Token, UserChange};

use crate::harness::{House, now, start};
use crate::wire::Answer;

/// A receiver with a client that holds a token.
pub struct Client {
    pub house: House,
    pub token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Client {
    /// May do everything.
    pub async fn start() -> Self {
        let house = start(web::Limits::default()).await;
        let mut client = Self { house, token: String::new() };
        client.token = client.token_with("test", Scope::Administer).await;
        client
    }

    /// A new token that allows this.
    pub async fn token_with(&self, name: &str, scope: Scope) -> String {
        let token = Token::for_api().unwrap();
        let new = NewApiToken {
            name: name.to_owned(),
            user: None,
            scope: Some(scope),
            hash: token.hash(),
            expires_at: None,
        };
        let actor = Actor::command_line();
        self.house.store.change_users(UserChange::AddToken(new), &actor, now()).await.unwrap();
        token.expose().to_owned()
    }

    pub async fn get(&self, path: &str) -> Told {
        self.send("GET", path, None).await
    }

    /// The items of a list, which must be there.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let told = self.get(path).await.expect(200);
        told["items"].as_array().unwrap_or_else(|| panic!("{told}")).clone()
    }

    pub async fn post(&self, path: &str, body: Value) -> Told {
        self.send("POST", path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Told {
        self.send("PUT", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Told {
        self.send("DELETE", path, None).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        let authorization = format!("Authorization: Bearer {}\r\n", self.token);
        let kind = "Content-Type: application/json\r\n";
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_raw(method, path, &format!("{authorization}{kind}"), &body).await
    }

    /// With these header lines and no others.
    pub async fn send_raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let mut wire = self.house.wire().await;
        let length = body.len();
        wire.send(format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: leadsync.example\r\n{headers}Content-Length: {length}\r\n\r\n\
             {body}"
        ))
        .await;
        let Answer { status, head, body } = wire.answer().await.expect("an answer");
        let body = if body.is_empty() {
            Value::Null
        } else if !head.contains("json") || head.contains("jsonl") {
            Value::String(body)
        } else {
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
        };
        Told { status, head, body }
    }
}

impl Told {
    /// The body, if it came with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Was refused with this status and code, and says each of these, and what to do.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, said: &[&str]) {
        assert_eq!((self.status, &self.body["code"]), (status, &code.into()), "{self:?}");
        assert!(self.head.contains("application/problem+json"), "{self:?}");
        assert!(self.body["advice"].as_str().is_some_and(|text| text.len() > 3), "{self:?}");
        let text = self.body.to_string();
        for part in said {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }
}
