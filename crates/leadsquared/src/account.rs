//! Which account is called, and how the caller authenticates.

use std::{fmt, net::IpAddr};

use reqwest::Url;
use secrecy::SecretString;

use crate::Error;

/// The API host of an account's region, such as `api-in21.leadsquared.com`.
///
/// It is a setting and can't be guessed: a call to the host of another region returns 401
/// (documented, `AD/api-host`). That becomes [`Error::Credentials`], with the right host if the
/// response names it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Parses a host as people write it: with or without a scheme, a trailing slash or `/v2`.
    ///
    /// Only `https` is accepted (LeadSquared refuses plain HTTP, documented, `AD/authentication`),
    /// except `http` to a loopback address, for tests and emulators.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let invalid = |problem: &str| Error::Invalid {
            problem: format!(
                "the API host {text:?} {problem}; use the host of the account's region, such as \
                 api-in21.leadsquared.com"
            ),
        };
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("https://{text}"))
        }
        .map_err(|error| invalid(&format!("can't be read: {error}")))?;
        let name = url.host_str().ok_or_else(|| invalid("has no name"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(name) => {}
            "http" => return Err(invalid("must use https")),
            _ => return Err(invalid("is not an https address")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("contains a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("contains more than a host"));
        }
        if !matches!(url.path().trim_end_matches('/'), "" | "/v2") {
            return Err(invalid("contains a path"));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// Scheme, name and port, without a trailing slash: `https://api-in21.leadsquared.com`.
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Whether it is this machine: an emulator.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        let without_port = name.rsplit_once(':').map_or(name, |(name, _)| name);
        is_loopback(name) || is_loopback(without_port)
    }

    /// Name and port, without the scheme: `api-in21.leadsquared.com`.
    pub fn name(&self) -> &str {
        self.0.split_once("://").map_or(self.0.as_str(), |(_, name)| name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Host({})", self.0)
    }
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The two keys of an API user (My Account > Settings > API and Webhooks).
///
/// They belong to one user: every call has that user's permissions, and the keys stop working when
/// the user is deactivated (documented, `AD/authentication`).
#[derive(Clone, Debug)]
pub struct Keys {
    /// The AccessKey; commonly `u$r` and 32 hexadecimal digits (client code).
    pub access: SecretString,
    /// The SecretKey; commonly 40 hexadecimal digits (client code).
    pub secret: SecretString,
}

impl Keys {
    /// Takes both keys. [`crate::Client::new`] checks their form.
    pub fn new(access: impl Into<SecretString>, secret: impl Into<SecretString>) -> Self {
        Self { access: access.into(), secret: secret.into() }
    }
}

/// How the keys are sent (documented, `AD/authentication`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// Headers `x-LSQ-AccessKey` and `x-LSQ-SecretKey`: LeadSquared's own recommendation.
    #[default]
    Headers,
    /// Query parameters `accessKey` and `secretKey`, percent-encoded: an unencoded `$` made
    /// `Lead.CreateOrUpdate` do nothing, silently (client code).
    Query,
}

/// One LeadSquared account.
#[derive(Clone, Debug)]
pub struct Account {
    /// The host of its region.
    pub host: Host,
    /// The keys of the user on whose behalf calls are made.
    pub keys: Keys,
    /// How the keys are sent.
    pub authentication: Authentication,
}

impl Account {
    /// An account called with header authentication.
    pub fn new(host: Host, keys: Keys) -> Self {
        Self { host, keys, authentication: Authentication::Headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_people_write_them() {
        for text in [
            "api.leadsquared.com",
            " https://api.leadsquared.com/ ",
            "https://API.leadsquared.com/v2/",
            "https://api.leadsquared.com:443",
        ] {
            let host = Host::parse(text).expect(text);
            assert_eq!(host.origin(), "https://api.leadsquared.com", "{text}");
            assert_eq!(host.name(), "api.leadsquared.com", "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"] {
            assert_eq!(Host::parse(text).expect(text).origin(), text);
        }
        for text in [
            "http://api.leadsquared.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
        ] {
            assert!(Host::parse(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn a_host_is_nothing_but_a_host() {
        for text in [
            "",
            "https://a:b@c.example",
            "api.leadsquared.com/x",
            "api.leadsquared.com?accessKey=1",
        ] {
            assert!(Host::parse(text).is_err(), "{text} was accepted");
        }
    }
}
