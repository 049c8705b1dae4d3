//! The server: one port for the API and the pages.

use crate::account::Account;
use crate::api::{self, Answer, Call};
use crate::chance::Chance;
use crate::fault::{Fault, Trouble, strike};
use crate::meter::Meter;
use crate::refusal::Refusal;
use crate::settings::Plan;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The maximum size of a request body, in bytes.
const LONGEST_BODY: usize = 8 * 1024 * 1024;
const SECONDS_A_DAY: i64 = 86_400;

/// What every connection shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) name: Arc<str>,
    pub(crate) access_key: Arc<str>,
    pub(crate) secret_key: Arc<str>,
    pub(crate) account: Arc<Mutex<Account>>,
    pub(crate) meter: Arc<Mutex<Meter>>,
    pub(crate) ill: Arc<Mutex<Ill>>,
    pub(crate) chance: Arc<Chance>,
}

/// The current faults of the account's responses.
pub(crate) struct Ill {
    pub(crate) faults: Vec<Fault>,
    pub(crate) latency: Duration,
    pub(crate) plan: Plan,
}

/// The connection should be reset without a response.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("broken on demand")
    }
}

impl std::error::Error for Broken {}

type Reply = Response<Full<Bytes>>;

/// Locks, even after a panic: the emulator carries on with the state as it is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts connections until `stop` is cancelled, then closes them all.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Shared,
    pages: axum::Router,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = connection(stream, shared.clone(), pages.clone());
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection => {}
            }
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn connection(stream: TcpStream, shared: Shared, pages: axum::Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, pages) = (shared.clone(), pages.clone());
        async move { answer(&shared, pages, request).await }
    });
    // A broken connection was requested, or is the peer's business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    shared: &Shared,
    pages: axum::Router,
    request: Request<Incoming>,
) -> Result<Response<axum::body::Body>, Broken> {
    if !request.uri().path().starts_with("/v2/") {
        let request = request.map(axum::body::Body::new);
        let Ok(response) = tower::ServiceExt::oneshot(pages, request).await;
        return Ok(response);
    }
    api(shared, request).await.map(|reply| reply.map(axum::body::Body::new))
}

async fn api(shared: &Shared, request: Request<Incoming>) -> Result<Reply, Broken> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
        return Ok(plain(StatusCode::BAD_REQUEST, "The request body can't be read."));
    };
    let body = body.to_bytes();
    let query = parts.uri.query().unwrap_or_default();
    let name = parts.uri.path().trim_start_matches("/v2/").trim_end_matches('/');
    if let Some(refused) = refused_keys(shared, name, &parts.headers, query) {
        return Ok(reply(&refused));
    }
    let Some(operation) = api::operation(name) else {
        return Ok(plain(StatusCode::NOT_FOUND, "Endpoint not found."));
    };
    if parts.method.as_str() != operation.method {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed."));
    }
    let (plan, latency) = {
        let ill = lock(&shared.ill);
        (ill.plan, ill.latency)
    };
    // Half of it is for the request, half for the response.
    if !latency.is_zero() {
        tokio::time::sleep(latency / 2).await;
    }
    if let Some(refused) = over_quota(shared, operation, plan) {
        return Ok(reply(&refused));
    }
    // A fault is only used up by a call within the quota.
    let trouble = strike(&mut lock(&shared.ill).faults, operation.name, &shared.chance);
    let run = || {
        let mut account = lock(&shared.account);
        let call = Call { query, body: &body };
        let done = (operation.run)(&mut account, &call);
        done.unwrap_or_else(|refusal| Answer::refused(&refusal, &account.setup.switches))
    };
    let done = trouble.as_ref().is_none_or(Trouble::takes_effect).then(run);
    if !latency.is_zero() {
        tokio::time::sleep(latency / 2).await;
    }
    let Some(trouble) = trouble else {
        return done.as_ref().map(reply).ok_or(Broken);
    };
    troubled(trouble, done).await
}

async fn troubled(trouble: Trouble, done: Option<Answer>) -> Result<Reply, Broken> {
    match trouble {
        Trouble::ResetBefore | Trouble::ResetAfter => Err(Broken),
        Trouble::HangBefore | Trouble::HangAfter => std::future::pending().await,
        Trouble::Slow(delay) => {
            tokio::time::sleep(delay).await;
            done.as_ref().map(reply).ok_or(Broken)
        }
        Trouble::CutJson => {
            let mut answer = done.ok_or(Broken)?;
            answer.body.truncate(answer.body.len() / 2);
            Ok(reply(&answer))
        }
        Trouble::Html500 => Ok(page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "<html><body><h1>Server Error in '/' Application.</h1></body></html>",
        )),
        Trouble::Gateway(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            Ok(page(status, "<html><body><h1>The service is unavailable.</h1></body></html>"))
        }
        Trouble::RateLimited => Ok(plain(
            StatusCode::TOO_MANY_REQUESTS,
            "API calls exceeded the limit of 25 in 5 second(s)",
        )),
    }
}

fn over_quota(shared: &Shared, operation: &api::Operation, plan: Plan) -> Option<Answer> {
    let (switches, users, day) = {
        let account = lock(&shared.account);
        let day = (account.clock)().as_second() / SECONDS_A_DAY;
        (account.setup.switches, account.setup.users.len(), day)
    };
    let counted = lock(&shared.meter).count(
        operation.name,
        operation.bucket,
        plan.quota(users),
        switches.window,
        Instant::now(),
        day,
    );
    counted.err().map(|message| Answer::over_quota(&message, &switches))
}

/// Keys are sent in headers or in the query (apidocs.leadsquared.com/authentication).
fn refused_keys(shared: &Shared, name: &str, headers: &HeaderMap, query: &str) -> Option<Answer> {
    let given = |header: &str, parameter: &str| {
        headers
            .get(header)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
            .or_else(|| api::parameter(query, parameter))
            .unwrap_or_default()
    };
    let access = given("x-lsq-accesskey", "accessKey");
    let secret = given("x-lsq-secretkey", "secretKey");
    let switches = lock(&shared.account).setup.switches;
    let right = *access == *shared.access_key && *secret == *shared.secret_key;
    let anywhere = name.eq_ignore_ascii_case(api::AUTHENTICATION);
    if right && (anywhere || !switches.wrong_region.is_on()) {
        return None;
    }
    let refusal =
        Refusal::new("MXInvalidAccessDetailsException", "Invalid Access Details provided.")
            .with_status(401);
    Some(Answer::refused(&refusal, &switches))
}

fn reply(answer: &Answer) -> Reply {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(&answer.body)));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    with_kind(status, text, "text/plain; charset=utf-8")
}

fn page(status: StatusCode, text: &'static str) -> Reply {
    with_kind(status, text, "text/html; charset=utf-8")
}

fn with_kind(status: StatusCode, text: &'static str, kind: &'static str) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
