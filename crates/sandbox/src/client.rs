//! The HTTP client that posts.

use std::time::Duration;

/// How long an answer may take. The real timeout is not known.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Posts JSON. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    pub(crate) fn new() -> reqwest::Result<Self> {
        // Another part of the process may have chosen a provider, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirects = reqwest::redirect::Policy::none();
        reqwest::Client::builder().redirect(redirects).timeout(TIMEOUT).build().map(Self)
    }

    /// The status of the answer; `None` if there was none.
    pub(crate) async fn post(&self, url: &str, body: String) -> Option<u16> {
        let request = self.0.post(url).header("content-type", "application/json").body(body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        // The body is read so that the connection can be used again.
        answer.bytes().await.ok()?;
        Some(status)
    }
}
