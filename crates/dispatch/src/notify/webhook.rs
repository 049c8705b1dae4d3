//! Posting alerts to webhooks.

use std::time::Duration;

use plan::alert::{Address, harmless};
use reqwest::{Client, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{ForAlert, NewMail};

/// How long a webhook may take to respond.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a refusal that are read.
const MOST_READ: usize = 4 << 10;
/// The longest part of a refusal that is quoted, in characters.
const MOST_QUOTED: usize = 200;

/// The client that posts to webhooks. It follows no redirects, so that a URL of one host never becomes a
/// request to another, and repeats nothing: the queue does.
///
/// # Errors
/// This machine has no TLS certificates.
pub(super) fn client() -> Result<Client, String> {
    leadsquared::ensure_tls_provider();
    Client::builder()
        .user_agent(concat!("leadsync/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(|error| format!("this machine can't make TLS connections: {}", told(error)))
}

/// Posts an alert. An error never contains the URL, which is a secret.
pub(super) async fn post(
    client: &Client,
    url: &SecretString,
    mail: &NewMail,
    about: &ForAlert,
) -> Result<(), String> {
    // Checked again: the rules may have become stricter since it was stored.
    let Address::Webhook(url) = Address::read(url.expose_secret())? else {
        return Err("the address is not a URL".to_owned());
    };
    let text = format!("{}\n\n{}\n{}", mail.subject, mail.body.trim_end(), about.url);
    let body = json!({
        "text": harmless(&text),
        "kind": about.kind,
        "connector": about.connector,
        "url": about.url,
    });
    let response = client.post(url).json(&body).send().await.map_err(told)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let quoted = quoted(response).await;
    let hint = if status.is_redirection() { "; redirects are not followed" } else { "" };
    Err(format!("the webhook responded with {status}{hint}{quoted}"))
}

/// The beginning of a refusal's text, which names the reason in services such as Slack.
async fn quoted(mut response: reqwest::Response) -> String {
    let mut read = Vec::new();
    while read.len() < MOST_READ {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = (MOST_READ - read.len()).min(chunk.len());
                read.extend_from_slice(&chunk[..room]);
            }
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&read);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    // A page for browsers says nothing in its first words.
    if text.is_empty() || text.starts_with('<') {
        return String::new();
    }
    format!(": {}", text.chars().take(MOST_QUOTED).collect::<String>())
}

/// An error with its causes, without the URL.
fn told(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("the webhook took longer than {} s to respond", PATIENCE.as_secs());
    }
    super::post::told(&error.without_url())
}
