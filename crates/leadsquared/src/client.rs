//! Sending one call.

use std::{
    borrow::Cow,
    error::Error as _,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::nul::without_nul;

use crate::{
    Account, Authentication, DEFAULT_RECORD_LIMIT, Effect, Error, Exchange, Reply,
    answer::{CallContext, judge},
    call::Call,
    exchange::{Redactor, encoded},
};

/// The deadline of a call, unless [`Limits::deadline`] says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// The most bytes of a response that are read, unless [`Limits::answer`] says otherwise. A full
/// page of 5000 leads with all their attributes is some 50 MB.
pub const DEFAULT_ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// The part of the deadline that connecting may take. It is less than the whole, so that a host
/// that can't be reached (the call was never sent) can be distinguished from a slow one.
const CONNECT_SHARE: f64 = 0.5;

/// Idle connections are closed sooner than load balancers commonly do (60 s), because a request on
/// a connection that the other side is closing has an unknown outcome.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

const ACCESS_HEADER: HeaderName = HeaderName::from_static("x-lsq-accesskey");
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-lsq-secretkey");

/// The limits of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time for a whole call: connecting, sending and reading the response. Default
    /// [`DEFAULT_DEADLINE`].
    pub deadline: Duration,
    /// The most bytes of a response; a larger one is [`Error::Unreadable`]. Default
    /// [`DEFAULT_ANSWER_LIMIT`].
    pub answer: usize,
    /// The most bytes of a response in an [`Exchange`]. Default [`DEFAULT_RECORD_LIMIT`].
    pub record: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: DEFAULT_DEADLINE,
            answer: DEFAULT_ANSWER_LIMIT,
            record: DEFAULT_RECORD_LIMIT,
        }
    }
}

/// A client of one account. Clones share its connections.
///
/// It follows no redirects, uses no proxy of the environment, keeps connections open between
/// calls, and repeats nothing.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    account: Arc<Account>,
    redactor: Arc<Redactor>,
    limits: Limits,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("account", &self.account)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Ensures that this process has a TLS provider: installs rustls' ring provider unless there is
/// one. [`Client::new`] calls it; a program that wants another provider installs it first.
pub fn ensure_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was first, which is just as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

impl Client {
    /// The host that is called.
    pub fn host(&self) -> &crate::Host {
        &self.account.host
    }

    /// A client of an account. Nothing is called; [`Client::user_of_keys`] checks the keys.
    ///
    /// Fails with [`Error::Invalid`] if a key is empty or can't be a header's value, or if this
    /// machine has no TLS certificates.
    pub fn new(account: Account, limits: Limits) -> Result<Self, Error> {
        ensure_tls_provider();
        let access = key(&account.keys.access, "AccessKey")?;
        let secret = key(&account.keys.secret, "SecretKey")?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if account.authentication == Authentication::Headers {
            headers.insert(ACCESS_HEADER, access);
            headers.insert(SECRET_HEADER, secret);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("leadsquared-rust/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .timeout(limits.deadline)
            .connect_timeout(limits.deadline.mul_f64(CONNECT_SHARE))
            .pool_idle_timeout(IDLE_LIMIT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|error| Error::Invalid {
                problem: format!(
                    "this machine can't make TLS connections ({}); install its CA certificates",
                    described(error)
                ),
            })?;
        let redactor = Arc::new(Redactor::new(&account.keys));
        Ok(Self { http, account: Arc::new(account), redactor, limits })
    }

    /// The account that is called.
    pub fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call<'_>) -> Reply<T> {
        let started = Instant::now();
        let Call { operation, effect, query, body, record, hide_answer, problem } = call;
        let asked = CallContext { operation, effect, host: self.account.host.name() };
        let url = self.url(operation, &query);
        let mut exchange = Exchange {
            operation,
            method: if body.is_some() { "POST" } else { "GET" },
            url,
            request: Arc::from(record.as_deref().or(body.as_deref()).unwrap_or_default()),
            status: None,
            response: Arc::from(""),
            elapsed: Duration::ZERO,
        };
        if let Some(problem) = problem {
            return Reply { exchange, result: Err(Error::Invalid { problem }) };
        }
        let answer = self.ask(asked, &exchange.url, body).await;
        let result = match answer {
            Ok(answer) => {
                exchange.status = Some(answer.status);
                exchange.response = if hide_answer {
                    Arc::from("[not recorded: it may hold the values of webhook headers]")
                } else {
                    self.redactor.record(&answer.body, self.limits.record)
                };
                match answer.broken {
                    Some(error) if (200..300).contains(&answer.status) => Err(error),
                    _ => judge(asked, answer.status, &answer.body),
                }
            }
            Err(error) => Err(error),
        };
        exchange.elapsed = started.elapsed();
        Reply { exchange, result: result.map_err(|error| self.redacted(error)) }
    }

    async fn ask(
        &self,
        asked: CallContext<'_>,
        url: &str,
        body: Option<String>,
    ) -> Result<Answer, Error> {
        let url = self.authenticated(url)?;
        let request = match body {
            Some(body) => self
                .http
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body),
            None => self.http.get(url),
        };
        match request.send().await {
            Ok(response) => Ok(self.read(asked, response).await),
            Err(error) => {
                let effect = if error.is_connect() || error.is_builder() {
                    Effect::None
                } else {
                    asked.effect
                };
                Err(self.no_verdict(asked, None, effect, error))
            }
        }
    }

    /// Reads a response as far as it arrives. What interrupted it matters only for a success: any
    /// other status has a meaning without its body.
    async fn read(&self, asked: CallContext<'_>, mut response: Response) -> Answer {
        let status = response.status().as_u16();
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut body = Vec::with_capacity(announced.unwrap_or_default().min(self.limits.answer));
        let broken = loop {
            match response.chunk().await {
                Ok(None) => break None,
                Ok(Some(chunk)) => {
                    if body.len() + chunk.len() > self.limits.answer {
                        break Some(unreadable(
                            asked,
                            status,
                            format!(
                                "the response is larger than {} bytes, the limit of this client; \
                                 request less or raise the limit",
                                self.limits.answer
                            ),
                        ));
                    }
                    body.extend_from_slice(&chunk);
                }
                Err(error) if error.is_timeout() => {
                    break Some(self.no_verdict(asked, Some(status), asked.effect, error));
                }
                Err(error) => {
                    let problem = format!(
                        "the response broke off after {} bytes: {}",
                        body.len(),
                        described(error)
                    );
                    break Some(unreadable(asked, status, problem));
                }
            }
        };
        Answer { status, body: without_nul(body), broken }
    }

    fn no_verdict(
        &self,
        asked: CallContext<'_>,
        status: Option<u16>,
        effect: Effect,
        error: reqwest::Error,
    ) -> Error {
        let problem = if error.is_timeout() && error.is_connect() {
            let wait = self.limits.deadline.mul_f64(CONNECT_SHARE);
            format!("no connection to {} within {wait:?}", asked.host)
        } else if error.is_timeout() {
            format!("no complete response from {} within {:?}", asked.host, self.limits.deadline)
        } else if error.is_connect() {
            format!("no connection to {}: {}", asked.host, described(error))
        } else {
            described(error)
        };
        Error::Transient { operation: asked.operation, status, problem, effect }
    }

    fn url(&self, operation: &str, query: &[(&str, Cow<'_, str>)]) -> String {
        let mut url = format!("{}/v2/{operation}", self.account.host.origin());
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&encoded(value));
        }
        url
    }

    /// The address, with the keys if they are sent in the query. It lives only as long as the
    /// request.
    fn authenticated(&self, url: &str) -> Result<Url, Error> {
        let parsed = match self.account.authentication {
            Authentication::Headers => Url::parse(url),
            Authentication::Query => {
                let keys = &self.account.keys;
                let joint = if url.contains('?') { '&' } else { '?' };
                Url::parse(&format!(
                    "{url}{joint}accessKey={}&secretKey={}",
                    encoded(keys.access.expose_secret()),
                    encoded(keys.secret.expose_secret()),
                ))
            }
        };
        parsed.map_err(|error| Error::Invalid {
            problem: format!("{url} is not a valid URL: {error}; check the account's host"),
        })
    }

    /// LeadSquared's message may repeat a key, as in "AccessKey … is invalid".
    fn redacted(&self, mut error: Error) -> Error {
        let text = match &mut error {
            Error::Invalid { problem }
            | Error::Transient { problem, .. }
            | Error::Unreadable { problem, .. } => problem,
            Error::Refused { message, .. }
            | Error::RateLimited { message, .. }
            | Error::Credentials { message, .. } => message,
        };
        *text = self.redactor.redact(std::mem::take(text));
        error
    }
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Why the body is incomplete.
    broken: Option<Error>,
}

fn unreadable(asked: CallContext<'_>, status: u16, problem: String) -> Error {
    Error::Unreadable { operation: asked.operation, status, problem, effect: asked.effect }
}

fn key(key: &SecretString, name: &str) -> Result<HeaderValue, Error> {
    let invalid = |problem: &str| Error::Invalid {
        problem: format!(
            "the {name} {problem}; copy it from My Account > Settings > API and Webhooks"
        ),
    };
    let text = key.expose_secret();
    if text.is_empty() {
        return Err(invalid("is empty"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("contains a space or a character that keys do not have"));
    }
    let mut value =
        HeaderValue::from_str(text).map_err(|_| invalid("can't be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error with its causes and without its address, which may hold the keys.
fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
