//! The files that pages load: all from the binary itself.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::TokenHash;

use crate::Shared;

struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = &[
    Asset {
        path: "/console.css",
        content_type: CSS,
        text: include_str!("../../assets/console.css"),
    },
    Asset {
        path: "/console.js",
        content_type: SCRIPT,
        text: include_str!("../../assets/console.js"),
    },
    Asset {
        path: "/drawer.js",
        content_type: SCRIPT,
        text: include_str!("../../assets/drawer.js"),
    },
    Asset { path: "/log.js", content_type: SCRIPT, text: include_str!("../../assets/log.js") },
    Asset {
        path: "/mapping.js",
        content_type: SCRIPT,
        text: include_str!("../../assets/mapping.js"),
    },
    Asset { path: "/setup.js", content_type: SCRIPT, text: include_str!("../../assets/setup.js") },
    Asset {
        path: "/icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("../../assets/icon.svg"),
    },
];

/// The entity tag of each asset, so that a browser loads it again only if it has changed (RFC 9110,
/// 8.8.3).
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tag = |asset: &Asset| {
        let TokenHash(hash) = TokenHash::of(asset.text);
        format!("\"{:032x}\"", u128::from_be_bytes(hash[..16].try_into().expect("it has 32 bytes")))
    };
    ASSETS.iter().map(tag).collect()
});

/// Where they are.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|asset| asset.path)
}

pub(super) fn router() -> Router<Shared> {
    let mut router = Router::new();
    for (number, asset) in ASSETS.iter().enumerate() {
        let answer = move |headers: HeaderMap| async move { answer(number, &headers) };
        router = router.route(asset.path, get(answer));
    }
    router
}

fn answer(number: usize, headers: &HeaderMap) -> Response {
    let (asset, tag) = (&ASSETS[number], TAGS[number].as_str());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag);
    let about = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ETAG, HeaderValue::from_str(tag).expect("hexadecimal digits")),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, about).into_response()
    } else {
        (about, asset.text).into_response()
    }
}
