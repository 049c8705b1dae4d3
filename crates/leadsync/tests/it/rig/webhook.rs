//! Posting webhooks as an account's automations do: again and again until one is acknowledged.

use std::time::Duration;

use super::{SOON, until};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What posts webhooks. Clones share their connections.
#[derive(Clone)]
pub struct Webhooks(reqwest::Client);

impl Webhooks {
    pub fn new() -> Self {
        // Another part of the process may have chosen the TLS provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        Self(client.expect("an HTTP client"))
    }

    /// Posts until the service answers 200. It may be down, or not listening yet.
    pub async fn post(&self, hook: &str, body: &[u8]) {
        until(SOON, || async {
            let request = self.0.post(hook).header("content-type", "application/json");
            match request.body(body.to_vec()).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(format!("{error:?}")),
            }
        })
        .await;
    }
}
