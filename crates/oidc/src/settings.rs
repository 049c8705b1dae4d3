//! Which provider, and which of its users get which role.

use plan::permission::Role;
use secrecy::SecretString;
use url::Url;

/// What leadsync knows about the provider before it asks it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer, as the provider writes it: where it publishes its metadata, without
    /// `/.well-known/openid-configuration`.
    pub issuer: String,
    /// The client ID that the provider gave to leadsync.
    pub client_id: String,
    /// The client secret, if the provider gave one.
    pub client_secret: Option<SecretString>,
    /// What people call the provider: *Sign in with …*.
    pub name: String,
    /// The scopes that are requested besides `openid`.
    pub scopes: Vec<String>,
    /// Which users get which role.
    pub roles: RoleRules,
    /// Whether an email address counts although the provider doesn't report it as verified.
    pub trusts_emails: bool,
}

impl Settings {
    /// The scopes that are requested by default.
    pub const SCOPES: [&str; 2] = ["email", "profile"];

    /// Checks an issuer.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn check_issuer(text: &str) -> Result<(), String> {
        let url = Url::parse(text).map_err(|error| format!("'{text}' is not a URL: {error}"))?;
        let is_own = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_own) {
            return Err(format!("'{text}' must begin with https://"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(format!("'{text}' must not have a query, a fragment or a user"));
        }
        if url.path().contains("/.well-known/") {
            return Err(format!("'{text}' must end before /.well-known/openid-configuration"));
        }
        Ok(())
    }
}

/// Which values of a claim give which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRules {
    /// The claim: its name, or its path with dots (`realm_access.roles`).
    pub claim: String,
    /// The values of administrators.
    pub administrators: Vec<String>,
    /// The values of operators.
    pub operators: Vec<String>,
    /// The values of viewers.
    pub viewers: Vec<String>,
}

impl Default for RoleRules {
    fn default() -> Self {
        let none = Vec::new;
        let claim = Self::CLAIM.to_owned();
        Self { claim, administrators: none(), operators: none(), viewers: none() }
    }
}

impl RoleRules {
    /// The claim that most providers use.
    pub const CLAIM: &str = "groups";

    /// Whether any value gives a role. Otherwise only people who are users already can sign in.
    pub fn are_given(&self) -> bool {
        !(self.administrators.is_empty() && self.operators.is_empty() && self.viewers.is_empty())
    }

    /// The highest role that these values give.
    pub fn role_of(&self, values: &[String]) -> Option<Role> {
        let has = |of_role: &[String]| of_role.iter().any(|value| values.contains(value));
        if has(&self.administrators) {
            Some(Role::Administrator)
        } else if has(&self.operators) {
            Some(Role::Operator)
        } else {
            has(&self.viewers).then_some(Role::Viewer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_needs_tls_unless_it_is_this_machine() {
        for good in [
            "https://login.example.com",
            "https://login.example.com/realms/care/",
            "http://localhost:4000",
            "http://127.0.0.1:4000",
            "http://[::1]:4000",
        ] {
            assert!(Settings::check_issuer(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("login.example.com", "not a URL"),
            ("http://login.example.com", "https://"),
            ("http://localhost.example.com", "https://"),
            ("ftp://localhost", "https://"),
            ("https://login.example.com/?tenant=1", "query"),
            ("https://sam@login.example.com/", "user"),
            ("https://login.example.com/.well-known/openid-configuration", "must end before"),
        ] {
            let fault = Settings::check_issuer(bad).unwrap_err();
            assert!(fault.contains(why), "{bad}: {fault}");
        }
    }

    #[test]
    fn the_highest_role_counts() {
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let rules = RoleRules {
            administrators: list(&["crm-admins", "it"]),
            operators: list(&["crm"]),
            viewers: list(&["staff"]),
            ..RoleRules::default()
        };
        let role_of = |values: &[&str]| {
            let values: Vec<String> = list(values);
            rules.role_of(&values)
        };
        assert_eq!(role_of(&["staff", "it"]), Some(Role::Administrator));
        assert_eq!(role_of(&["staff", "crm"]), Some(Role::Operator));
        assert_eq!(role_of(&["staff"]), Some(Role::Viewer));
        assert_eq!(role_of(&["Staff", "crm-adm"]), None);
        assert_eq!(role_of(&[]), None);
        assert!(rules.are_given() && !RoleRules::default().are_given());
    }
}
