//! `/sign-in/oidc`: signing in with an OpenID Connect provider, and proving to it again who one is.
//!
//! All that belongs to an attempt is derived from a secret in a cookie of the browser that began it,
//! so nothing is stored, and any node can finish what another one began.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use oidc::{Attempt, Identity, Provider};
use secrecy::SecretString;
use serde::Deserialize;
use store::{Admission, CONFIRMED_FOR, ProviderIdentity, Token};

use super::sign_in::{self, After, Proof, With};
use super::visitor::{Visitor, cookie, derived};
use super::{page, throttle};
use crate::Shared;
use crate::source::Source;

/// Where the provider sends browsers back to.
pub(crate) const CALLBACK: &str = "/sign-in/oidc/callback";
/// How long an attempt may take, in seconds.
const LASTS: u32 = 600;
/// The longest path that an attempt leads to; after a longer one, people see the overview.
const LONGEST_NEXT: usize = 1_000;
/// The longest error of a provider that is shown.
const LONGEST_ERROR: usize = 60;

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To sign in.
    SignIn,
    /// To prove again who one is.
    Confirm,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::SignIn => "in",
            Self::Confirm => "again",
        }
    }
}

#[derive(Template)]
#[template(path = "confirmed.html")]
struct Confirmed<'a> {
    email: &'a str,
}

/// With what the provider sends a browser back (RFC 6749, 4.1.2; RFC 9207).
#[derive(Debug, Deserialize)]
pub(super) struct Back {
    code: Option<String>,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

fn cookie_name(shared: &Shared) -> &'static str {
    if shared.has_tls() { "__Host-leadsync_attempt" } else { "leadsync_attempt" }
}

/// The attempt of the browser with this secret.
fn attempt(secret: &str, purpose: Purpose, next: &str) -> Attempt {
    let purpose = purpose.word();
    let proof = derived(secret, &format!("state {purpose} {next}"));
    let secret_part = |what: &str| SecretString::from(derived(secret, what).expose());
    Attempt {
        // Whoever changes the path changes what it has to match.
        state: format!("{}.{purpose}.{next}", proof.expose()),
        nonce: secret_part("nonce"),
        verifier: secret_part("verifier"),
    }
}

/// The attempt that a browser with this secret came back from, its purpose and where it leads.
fn begun<'a>(secret: &str, state: &'a str) -> Option<(Attempt, Purpose, &'a str)> {
    let (_, rest) = state.split_once('.')?;
    let (word, next) = rest.split_once('.')?;
    let purposes = [Purpose::SignIn, Purpose::Confirm];
    let purpose = purposes.into_iter().find(|purpose| purpose.word() == word)?;
    let attempt = attempt(secret, purpose, next);
    // Hashes of a secret that the sender does not know: the time reveals nothing of use.
    (attempt.state == state).then_some((attempt, purpose, next))
}

/// Sends the browser to the provider, to sign in.
pub(super) async fn start(State(shared): State<Shared>, Query(after): Query<After>) -> page::Shown {
    send(&shared, Purpose::SignIn, after.path()).await
}

/// Sends the browser to the provider, to prove again who the visitor is.
pub(super) async fn confirm(State(shared): State<Shared>, _: Visitor) -> page::Shown {
    send(&shared, Purpose::Confirm, "/").await
}

async fn send(shared: &Shared, purpose: Purpose, next: &str) -> page::Shown {
    let Some(provider) = &shared.provider else { return Err(page::not_found("page").into()) };
    let next = if next.len() <= LONGEST_NEXT { next } else { "/" };
    let secret = Token::for_webhook()?;
    let attempt = attempt(secret.expose(), purpose, next);
    match provider.start(&attempt, purpose == Purpose::Confirm).await {
        Ok(url) => {
            let mut response = Redirect::to(url.as_str()).into_response();
            set_cookie(shared, &mut response, secret.expose());
            Ok(response)
        }
        Err(error) => {
            tracing::error!(%error, "the OpenID Connect provider can't be used");
            let name = &provider.settings().name;
            let wrong = format!(
                "{name} can't be used right now; the log of leadsync says why. Users with a password \
                 can sign in with it."
            );
            Ok(sign_in::refused(shared, StatusCode::BAD_GATEWAY, &wrong, next))
        }
    }
}

fn set_cookie(shared: &Shared, response: &mut Response, secret: &str) {
    let lasts = if secret.is_empty() { 0 } else { LASTS };
    let lasts = format!("; Max-Age={lasts}");
    sign_in::add_cookie(shared, response, (cookie_name(shared), secret), &lasts);
}

/// The browser comes back from the provider.
pub(super) async fn finish(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    visitor: Option<Extension<Visitor>>,
    Query(back): Query<Back>,
) -> page::Shown {
    let Some(provider) = &shared.provider else { return Err(page::not_found("page").into()) };
    let refused = |status, wrong: &str| {
        let mut response = sign_in::refused(&shared, status, wrong, "/");
        // Each attempt ends here.
        set_cookie(&shared, &mut response, "");
        response
    };
    let secret = cookie(&headers, cookie_name(&shared));
    let Some((attempt, purpose, next)) = secret.and_then(|secret| begun(secret, &back.state))
    else {
        let wrong =
            "This sign-in began in another browser, or more than 10 minutes ago. Begin again.";
        return Ok(refused(StatusCode::BAD_REQUEST, wrong));
    };
    let name = &provider.settings().name;
    let Some(code) = back.code.filter(|_| back.error.is_none()) else {
        let error: String = back.error.unwrap_or_default();
        let error: String =
            error.chars().filter(char::is_ascii_graphic).take(LONGEST_ERROR).collect();
        tracing::info!(target: "leadsync::security", error, from = source.0, "the provider refused a sign-in");
        let wrong = match error.as_str() {
            "access_denied" => {
                format!("You are not signed in: {name} reports that access was denied.")
            }
            _ => format!("You are not signed in: {name} reports the error \"{error}\"."),
        };
        return Ok(refused(StatusCode::UNAUTHORIZED, &wrong));
    };
    let admitted = match throttle::admit_source(&shared, &source) {
        Ok(admitted) => admitted,
        Err(wait) => return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &wait)),
    };
    let answer = (code.as_str(), back.state.as_str(), back.iss.as_deref());
    let identity = match provider.finish(answer, &attempt).await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(target: "leadsync::security", %error, "a response of the provider was refused");
            shared.note_failure("", "not confirmed by the provider", &source).await;
            let wrong = format!(
                "{name} could not confirm who you are; the log of leadsync says why. Retry."
            );
            return Ok(refused(StatusCode::BAD_GATEWAY, &wrong));
        }
    };
    admitted.succeeded(&shared);
    let email = match admit(&shared, provider, &identity).await? {
        Ok(email) => email,
        Err(wrong) => {
            let subject = &identity.subject;
            tracing::warn!(target: "leadsync::security", subject, wrong, "a sign-in by OpenID Connect was refused");
            let email = identity.email.as_deref().unwrap_or_default();
            shared.note_failure(email, "no access", &source).await;
            return Ok(refused(StatusCode::FORBIDDEN, &wrong));
        }
    };
    let is_fresh = is_fresh(&identity, (shared.clock)());
    let mut response = match purpose {
        Purpose::SignIn => {
            let proof = if is_fresh { Proof::Fresh } else { Proof::Old };
            let with = (With::Provider, proof);
            sign_in::begin(&shared, &email, (&headers, &source), (next, with)).await?
        }
        Purpose::Confirm => {
            confirmed(&shared, (&email, is_fresh), visitor.as_deref(), name).await?
        }
    };
    set_cookie(&shared, &mut response, "");
    Ok(response)
}

/// Whether the person just proved to the provider who they are.
fn is_fresh(identity: &Identity, now: Timestamp) -> bool {
    identity.proved_at.is_some_and(|at| now.duration_since(at) < CONFIRMED_FOR)
}

/// The user whom the provider vouches for, or why there is none.
async fn admit(
    shared: &Shared,
    provider: &Provider,
    identity: &Identity,
) -> store::Result<Result<String, String>> {
    let who = ProviderIdentity {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        verified_email: identity.email.clone().filter(|_| identity.has_verified_email),
        decides_roles: provider.settings().roles.are_given(),
        role: identity.role,
    };
    let name = &provider.settings().name;
    let email = identity.email.as_deref().unwrap_or("without an email address");
    Ok(match shared.store.admit_identity(&who, (shared.clock)()).await {
        Ok(Admission::User(email)) => Ok(email),
        Ok(Admission::NoRole) => Err(format!(
            "You have no access to leadsync. Ask whoever manages {name} to give {email} a role in it."
        )),
        Ok(Admission::NoUser) => Err(format!(
            "There is no user {email} in leadsync. Ask an administrator of leadsync to invite you."
        )),
        Ok(Admission::NoEmail) => Err(format!(
            "{name} does not report a verified email address for you, so leadsync can't know who you \
             are. Ask whoever manages {name}."
        )),
        Ok(Admission::OtherPerson) => Err(format!(
            "The user {email} of leadsync belongs to another person at {name}. Ask an administrator \
             of leadsync to remove that user."
        )),
        Err(store::Error::Refused(why)) => Err(format!("You can't be signed in: {why}.")),
        Err(error) => return Err(error),
    })
}

/// Notes in the visitor's session that they proved again who they are.
async fn confirmed(
    shared: &Shared,
    (email, is_fresh): (&str, bool),
    visitor: Option<&Visitor>,
    name: &str,
) -> page::Shown {
    let Some(visitor) = visitor.filter(|visitor| visitor.email == email) else {
        let what = format!("You are signed in to leadsync as somebody else than {email}.");
        return Err(page::forbidden(&what).into());
    };
    if !is_fresh {
        let what = format!(
            "{name} does not report that you just signed in anew. Ask an administrator of leadsync \
             to give you a password, which leadsync can ask for instead."
        );
        return Err(page::forbidden(&what).into());
    }
    shared.store.confirm_session(visitor.session.id, (shared.clock)()).await?;
    Ok(page::page(StatusCode::OK, &Confirmed { email }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_found_by_its_browser_alone() {
        let state = attempt("secret", Purpose::SignIn, "/requests?q=a.b").state;
        let (found, purpose, next) = begun("secret", &state).unwrap();
        assert_eq!(
            (purpose, next, found.state.as_str()),
            (Purpose::SignIn, "/requests?q=a.b", &*state)
        );
        assert!(begun("other", &state).is_none());
        for changed in [
            state.replace("/requests", "/people"),
            state.replace(".in.", ".again."),
            state.split_once('.').unwrap().1.to_owned(),
            String::new(),
        ] {
            assert!(begun("secret", &changed).is_none(), "{changed}");
        }
        let other = attempt("secret", Purpose::Confirm, "/requests?q=a.b");
        assert_ne!(other.state, state);
    }
}
