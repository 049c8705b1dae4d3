//! Who is calling, and whether that is allowed: the one place that decides it.

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use plan::permission::Scope;
use plan::problem::{Code, Problem};
use store::{Actor, ApiToken, TokenHash};

use super::refusal::Refusal;
use crate::Shared;
use crate::access_log::Who;
use crate::console::Visitor;
use crate::route::Within;
use admin::access::Reach;

/// The header with a session's token for forms.
const CSRF_HEADER: &str = "x-csrf-token";
/// No token that was issued is longer.
const LONGEST_TOKEN: usize = 256;

/// Who sent a request. A handler that takes it is only reached by a known caller.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// The name in the audit log.
    pub(crate) actor: Actor,
    /// What is in reach.
    pub(crate) reach: Reach,
    allowed: Scope,
    /// Whether this is a session whose password was not given for a while.
    is_stale: bool,
}

impl FromRequestParts<Shared> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        // The gate has checked already.
        if let Some(asker) = parts.extensions.get::<Self>() {
            return Ok(asker.clone());
        }
        let Some(token) = bearer(&parts.headers) else {
            return Self::by_session(parts, shared).await;
        };
        let found = shared.store.use_api_token(TokenHash::of(token), (shared.clock)()).await?;
        found.map(Self::by_token).ok_or_else(Refusal::not_known)
    }
}

impl Asker {
    fn by_token(token: ApiToken) -> Self {
        let allowed = token.allows();
        let actor = Actor(match token.user {
            Some(user) => format!("{user} (token {})", token.name),
            None => format!("token {}", token.name),
        });
        Self { actor, reach: Reach::All, allowed, is_stale: false }
    }

    /// Somebody who is signed in to the console. A change also needs the session's token in a
    /// header, because browsers send the cookie from other sites too.
    async fn by_session(parts: &Parts, shared: &Shared) -> Result<Self, Refusal> {
        let visitor = Visitor::of(&parts.headers, shared).await?.ok_or_else(Refusal::not_known)?;
        let given = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if parts.method != Method::GET && !given.is_some_and(|given| visitor.has_csrf(given)) {
            let problem = Problem::new(
                Code::NoCsrfToken,
                "A session can only make changes with its CSRF token.",
                format!("Send the token from the session's forms as {CSRF_HEADER}."),
            );
            return Err(Refusal::new(StatusCode::FORBIDDEN, problem));
        }
        Ok(Self {
            actor: visitor.actor(),
            allowed: visitor.role.most(),
            is_stale: !visitor.session.is_confirmed((shared.clock)()),
            reach: visitor.reach,
        })
    }

    fn must_be_allowed(&self, needed: Scope) -> Result<(), Refusal> {
        if self.allowed >= needed {
            return Ok(());
        }
        let problem = Problem::new(
            Code::NotAllowed,
            format!("This request needs the scope {needed}; the token allows {}.", self.allowed),
            format!("Use a token with the scope {needed} whose user has that access."),
        );
        Err(Refusal::new(StatusCode::FORBIDDEN, problem))
    }
}

/// The session's password was not given for a while.
fn not_confirmed() -> Refusal {
    let problem = Problem::new(
        Code::NotConfirmed,
        "A session can only change accounts and people within 10 minutes after the password was given.",
        "Sign in again, or use an API token.",
    );
    Refusal::new(StatusCode::FORBIDDEN, problem)
}

/// It is not for users of LeadSquared accounts, or not a connector to which they have access.
fn out_of_reach() -> Refusal {
    let problem = Problem::new(
        Code::NotAllowed,
        "LeadSquared users can only access the connectors granted to them.",
        "Ask an administrator of leadsync.",
    );
    Refusal::new(StatusCode::FORBIDDEN, problem)
}

/// The token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN)
        .then_some(token)
}

/// What stands before a route.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) shared: Shared,
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What the route requires.
    pub(super) needs: Scope,
    /// What it shows.
    pub(super) within: Within,
    /// Whether a session must have given the password a short while ago.
    pub(super) confirmed: bool,
}

/// Lets through only those who may do what the route requires.
pub(super) async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let asker = Asker::from_request_parts(&mut parts, &gate.shared).await;
    let path = RawPathParams::from_request_parts(&mut parts, &()).await;
    let allowed = asker.and_then(|asker| {
        asker.must_be_allowed(gate.needs)?;
        let admitted = gate.within.is_open_to(&asker.reach, path.as_ref().ok());
        match admitted {
            false => Err(out_of_reach()),
            true if gate.confirmed && asker.is_stale => Err(not_confirmed()),
            true => Ok(asker),
        }
    });
    let response = match allowed {
        Ok(asker) => {
            if let Some(who) = parts.extensions.get::<Who>() {
                who.is(&asker.actor);
            }
            parts.extensions.insert(asker);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let (method, status) = (gate.method.to_string(), response.status().as_u16().to_string());
    metrics::counter!(
        "leadsync_api_total", "method" => method, "path" => gate.path, "status" => status
    )
    .increment(1);
    response
}
