//! The HTTP client that posts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a response may take. The real timeout is unknown.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Posts JSON. Reading the system's trusted certificates takes a while, so that is deferred until
/// something is posted to an `https://` URL. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    plain: reqwest::Client,
    secure: Arc<OnceLock<Option<reqwest::Client>>>,
}

impl Client {
    pub(crate) fn new() -> reqwest::Result<Self> {
        // Another part of the process may have chosen a provider, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = settings().tls_certs_only([]).build()?;
        Ok(Self { plain, secure: Arc::default() })
    }

    /// The status of the response; `None` if there was none.
    pub(crate) async fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: String,
    ) -> Option<u16> {
        let client = if url.starts_with("https:") {
            self.secure.get_or_init(|| settings().build().ok()).as_ref()?
        } else {
            &self.plain
        };
        let request = client.post(url).header("content-type", "application/json").body(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        // The body is read so that the connection can be used again.
        answer.bytes().await.ok()?;
        Some(status)
    }
}

fn settings() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT)
}
