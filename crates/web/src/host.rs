//! For which host requests are answered: that of the public URL, and this machine's own.
//!
//! Another site can give its own name our address (DNS rebinding). A browser then takes our pages
//! for that site's, which may read them and send forms; but it still sends the other name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use plan::problem::{Code, Problem};

use crate::{api, console};

/// What senders and monitors use under any name: no browser's session is of use there.
const OPEN: [&str; 4] = ["/hooks/", "/healthz", "/readyz", "/metrics"];
/// How much of a wrong host is shown.
const SHOWN: usize = 100;

/// The host of the public URL.
#[derive(Clone, Debug)]
pub(crate) struct OwnHost {
    public_url: Arc<str>,
}

impl OwnHost {
    pub(crate) fn of(public_url: Arc<str>) -> Self {
        Self { public_url }
    }

    /// Whether a request for this host is for us. Its port is not compared: a proxy may have another
    /// one.
    fn is(&self, host: &str) -> bool {
        let (_, own) = self.public_url.split_once("://").unwrap_or_default();
        let own = name(own.split('/').next().unwrap_or_default());
        let host = name(host);
        let is_loopback = || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        host.eq_ignore_ascii_case(own) || host.eq_ignore_ascii_case("localhost") || is_loopback()
    }
}

/// A host without its port, and without the brackets of an IPv6 address.
fn name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Refuses requests for other hosts, and those that name none or several.
pub(crate) async fn refuse_others(
    State(own): State<OwnHost>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let mut named: Vec<&str> = Vec::new();
    for host in request.headers().get_all(header::HOST) {
        named.push(host.to_str().unwrap_or_default());
    }
    // An address with a host overrides the header (RFC 9112, 3.2.2).
    let in_address = request.uri().host();
    let is_own = named.len() == 1 && named.iter().copied().chain(in_address).all(|one| own.is(one));
    if is_own {
        return next.run(request).await;
    }
    let shown: String = named.join(", ").chars().take(SHOWN).collect();
    let what = format!("leadsync does not answer for the host '{shown}'.");
    let advice = format!(
        "Open {}, or set LEADSYNC_PUBLIC_URL to the address under which people open leadsync. A \
         proxy in front must pass the Host header on.",
        own.public_url
    );
    if path.starts_with("/api/") {
        let problem = Problem::new(Code::WrongHost, what, advice);
        return api::Refusal::new(StatusCode::MISDIRECTED_REQUEST, problem).into_response();
    }
    console::wrong_host(&format!("{what} {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_host_and_loopback_are_ours() {
        let own = OwnHost::of("https://Leadsync.example:8443/x".into());
        for host in [
            "leadsync.example",
            "LEADSYNC.example:443",
            "localhost:8080",
            "127.0.0.1",
            "127.3.2.1:9",
            "[::1]:8080",
        ] {
            assert!(own.is(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "leadsync.example.evil.example",
            "10.0.0.1",
            "[::2]",
            "localhost.evil",
        ] {
            assert!(!own.is(host), "{host}");
        }
    }
}
