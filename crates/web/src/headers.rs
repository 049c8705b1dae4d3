//! The headers that every response has.

use axum::http::HeaderValue;
use axum::http::header::{self, HeaderName};
use axum::response::Response;

/// For pages: nothing from other hosts, nothing inline, not in a frame.
const OF_PAGES: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// For what is no page.
const OF_OTHERS: &str = "default-src 'none'; frame-ancestors 'none'";
/// A browser that reached us over TLS does so for a year.
const TLS_FOR: &str = "max-age=31536000";

/// Adds the headers, except `Cache-Control` where the response has its own. `has_tls`: people reach
/// us over TLS.
pub(crate) fn protect(response: &mut Response, has_tls: bool) {
    let headers = response.headers_mut();
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, if is_page { OF_PAGES } else { OF_OTHERS });
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    if has_tls {
        set(header::STRICT_TRANSPORT_SECURITY, TLS_FOR);
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}
