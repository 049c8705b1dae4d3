//! Who looks at a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use plan::permission::{Role, Scope};
use store::{Actor, Token, TokenHash};

use super::page;
use crate::Shared;

/// The cookie of a session.
pub(super) const COOKIE: &str = "leadsync_session";
/// Nobody was given a longer one.
const LONGEST_COOKIE: usize = 128;

/// Somebody who is signed in. A handler that takes it is only reached by such a person.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The user.
    pub(crate) email: String,
    /// What the user is, as of now.
    pub(crate) role: Role,
    /// The store's number for the session.
    pub(crate) session: i64,
    /// What every form of this session carries.
    pub(crate) csrf: String,
}

impl Visitor {
    /// Whose session the request's cookie is.
    pub(crate) async fn of(headers: &HeaderMap, shared: &Shared) -> store::Result<Option<Self>> {
        let Some(secret) = cookie(headers) else { return Ok(None) };
        let now = (shared.clock)();
        let Some(session) = shared.store.use_session(TokenHash::of(secret), now).await? else {
            return Ok(None);
        };
        let store::Session { id, email, role } = session;
        Ok(Some(Self { email, role, session: id, csrf: csrf(secret) }))
    }

    /// The pages in the navigation, as path and title: those that this person may see.
    pub(super) fn pages(&self) -> Vec<(&'static str, &'static str)> {
        let pages = [
            ("/", "Overview", Scope::Read),
            ("/connectors", "Connectors", Scope::Read),
            ("/requests", "Requests", Scope::Read),
            ("/accounts", "Accounts", Scope::Administer),
        ];
        let seen = pages.into_iter().filter(|(_, _, needs)| self.role.most() >= *needs);
        seen.map(|(path, title, _)| (path, title)).collect()
    }

    /// Whether this is an administrator.
    pub(super) fn administers(&self) -> bool {
        self.role.most() >= Scope::Administer
    }

    /// Whether this person may do more than read.
    pub(super) fn operates(&self) -> bool {
        self.role.most() >= Scope::Operate
    }

    /// The name in the audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor(self.email.clone())
    }

    /// Whether this is what the session's forms carry.
    pub(crate) fn has_csrf(&self, given: &str) -> bool {
        // Hashes are compared, so that the time tells nothing of the text.
        TokenHash::of(given) == TokenHash::of(&self.csrf)
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Response> {
        // The gate has asked already.
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| page::forbidden("Sign in first."))
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim() == COOKIE)?;
    Some(value.trim()).filter(|value| !value.is_empty() && value.len() <= LONGEST_COOKIE)
}

/// Made from the session's secret, so that it need not be kept, and tells nothing of it.
fn csrf(secret: &str) -> String {
    let TokenHash(hash) = TokenHash::of(&format!("form of {secret}"));
    Token::from_random(hash[..24].try_into().expect("a hash has 32 bytes")).expose().to_owned()
}
