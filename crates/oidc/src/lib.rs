//! Signing in with an OpenID Connect provider: the authorization code flow with PKCE (OpenID Connect
//! Core 1.0, RFC 7636).
//!
//! [`Provider::start`] returns the address to which the browser is sent, and [`Provider::finish`]
//! turns the code with which it comes back into an [`Identity`]. What belongs to one attempt is in
//! [`Attempt`], which the caller keeps.

mod claims;
mod provider;
mod settings;

pub use claims::Identity;
pub use provider::{Attempt, Provider};
pub use settings::{RoleRules, Settings};

/// Why somebody can't sign in with the provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider can't be reached, or what it publishes about itself can't be used.
    #[error("the OpenID Connect provider can't be used: {0}")]
    Unavailable(String),
    /// The provider refused the code, or what it returned is not valid for this attempt.
    #[error("the OpenID Connect provider's response is not valid: {0}")]
    Refused(String),
}
