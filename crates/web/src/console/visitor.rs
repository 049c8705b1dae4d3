//! Who is viewing a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use plan::permission::{Role, Scope};
use plan::review::State;
use store::{Actor, Person, ReviewFilter, Session, Store, Token, TokenHash};

use super::page;
use super::words::number;
use crate::Shared;
use admin::access::{Reach, reach_of};

/// The cookie of a session. Over TLS it has the prefix that guarantees that it was set by this host
/// alone and over TLS (RFC 6265bis, 4.1.3.2).
pub(super) fn cookie_name(shared: &Shared) -> &'static str {
    if shared.has_tls() { "__Host-leadsync_session" } else { "leadsync_session" }
}

/// The cookie by which a browser is known, in which a user has signed in before.
pub(super) fn browser_cookie_name(shared: &Shared) -> &'static str {
    if shared.has_tls() { "__Host-leadsync_browser" } else { "leadsync_browser" }
}

/// The cookie by which this browser is known, if this user has signed in with it, and its hash.
pub(super) async fn known_browser(
    shared: &Shared,
    email: &str,
    headers: &HeaderMap,
) -> store::Result<Option<(String, TokenHash)>> {
    let Some(cookie) = cookie(headers, browser_cookie_name(shared)) else { return Ok(None) };
    let hash = TokenHash::of(cookie);
    let known = shared.store.knows_browser(email, hash, (shared.clock)()).await?;
    Ok(known.then(|| (cookie.to_owned(), hash)))
}

/// No cookie that was set is longer.
const LONGEST_COOKIE: usize = 128;

/// A signed-in user. A handler that takes it is only reached by such a user.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The email address.
    pub(crate) email: String,
    /// What this user may do now, with what is in reach.
    pub(crate) role: Role,
    /// What is in reach.
    pub(crate) reach: Reach,
    /// The session.
    pub(crate) session: Session,
    /// The token in every form of this session.
    pub(crate) csrf: String,
    /// How many reviews in reach are open; only counted for pages.
    pub(super) open_reviews: u64,
}

/// A part of the navigation.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) pages: Vec<Entry>,
}

/// A page in the navigation.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// How many things wait for somebody there.
    pub(super) count: Option<String>,
}

/// A page's path, its title, and who may see it.
type Page = (&'static str, &'static str, Scope);

/// All sections, with the pages of each.
const SECTIONS: [(&str, &[Page]); 3] = [
    (
        "Monitor",
        &[
            ("/", "Overview", Scope::Read),
            ("/requests", "Requests", Scope::Read),
            ("/leads", "Leads", Scope::Read),
            ("/reviews", "Reviews", Scope::Read),
        ],
    ),
    (
        "Sync",
        &[
            ("/connectors", "Connectors", Scope::Read),
            ("/backfills", "Backfills", Scope::Operate),
            ("/compare", "Compare", Scope::Read),
        ],
    ),
    (
        "Settings",
        &[
            ("/accounts", "Accounts", Scope::Administer),
            ("/alerts", "Alerts", Scope::Administer),
            ("/people", "Users & tokens", Scope::Administer),
            ("/audit", "Audit log", Scope::Administer),
            ("/personal-data", "Personal data", Scope::Administer),
        ],
    ),
];

impl Visitor {
    /// The user whose session the request's cookie belongs to.
    pub(crate) async fn of(headers: &HeaderMap, shared: &Shared) -> store::Result<Option<Self>> {
        let Some(secret) = cookie(headers, cookie_name(shared)) else { return Ok(None) };
        let now = (shared.clock)();
        let Some(session) = shared.store.use_session(TokenHash::of(secret), now).await? else {
            return Ok(None);
        };
        let (role, reach) = match session.person {
            Person::User(role) => (role, Reach::All),
            Person::AccountUser => (Role::Operator, reach_of(shared, &session.email).await?),
        };
        // Somebody who may see nothing counts as signed out; the session stays, in case that
        // changes.
        let sees = reach.limit().is_none_or(|connectors| !connectors.is_empty());
        let email = session.email.clone();
        Ok(sees.then(|| Self { email, role, reach, session, csrf: csrf(secret), open_reviews: 0 }))
    }

    /// Counts what the navigation shows.
    pub(super) async fn count(&mut self, store: &dyn Store) -> store::Result<()> {
        let filter = ReviewFilter {
            state: Some(State::Open),
            within: self.reach.limit(),
            ..ReviewFilter::default()
        };
        self.open_reviews = store.count_reviews(&filter).await?;
        Ok(())
    }

    /// The navigation: the pages that this person may see, by section.
    pub(super) fn sections(&self) -> Vec<Section> {
        let entry = |(path, title, needs): &Page| {
            let count = (*path == "/reviews" && self.open_reviews > 0).then_some(self.open_reviews);
            (self.role.most() >= *needs).then(|| Entry { path, title, count: count.map(number) })
        };
        let section = |(title, pages): &(&'static str, &[Page])| Section {
            title,
            pages: pages.iter().filter_map(entry).collect(),
        };
        let sections = SECTIONS.iter().map(section);
        sections.filter(|section| !section.pages.is_empty()).collect()
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
        Actor(match self.session.person {
            Person::User(_) => self.email.clone(),
            Person::AccountUser => format!("{} (LeadSquared user)", self.email),
        })
    }

    /// Whether this is the token of the session's forms.
    pub(crate) fn has_csrf(&self, given: &str) -> bool {
        // Hashes are compared, so that the time reveals nothing about the text.
        TokenHash::of(given) == TokenHash::of(&self.csrf)
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Response> {
        // The gate has checked already.
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| page::forbidden("Sign in first."))
    }
}

pub(super) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim() == wanted)?;
    Some(value.trim()).filter(|value| !value.is_empty() && value.len() <= LONGEST_COOKIE)
}

/// What follows from a secret, for one use: it reveals nothing about the secret.
pub(super) fn derived(secret: &str, what: &str) -> Token {
    let TokenHash(hash) = TokenHash::of(&format!("{what} of {secret}"));
    Token::from_random(hash[..24].try_into().expect("a hash has 32 bytes"))
}

/// Derived from the session's secret, so that it need not be stored, and reveals nothing about it.
fn csrf(secret: &str) -> String {
    derived(secret, "form").expose().to_owned()
}
