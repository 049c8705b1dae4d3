//! What has to change to bring an account or a connector to a wanted state.

use plan::connector::Definition;
use plan::quota::Quota;
use secrecy::ExposeSecret;

use crate::error::{Error, Result};
use crate::settings::{AccountPlan, Change, Configuration, Keys};
use crate::token::Token;

impl Configuration {
    /// The change that brings the account of this name to this state; none if it already is. Keys
    /// that are not given stay as they are.
    ///
    /// # Errors
    /// [`Error::Refused`]: it is new or moves to another host, and no keys are given.
    pub fn to_put_account(
        &self,
        name: &str,
        host: &str,
        keys: Option<Keys>,
        plan: AccountPlan,
    ) -> Result<Option<Change>> {
        let known = self.account(name);
        let keys = match (keys, known) {
            (Some(keys), _) => keys,
            (None, Some(known)) if known.host != host => {
                return Err(Error::Refused(format!(
                    "the account {name} moves to another host, so it needs its access_key and \
                     secret_key again: keys are only sent to the host they were entered for"
                )));
            }
            (None, Some(known)) => known.keys.clone(),
            (None, None) => {
                return Err(Error::Refused(format!(
                    "the account {name} is new, so it needs an access_key and a secret_key"
                )));
            }
        };
        let same = |a: &Keys, b: &Keys| {
            a.access.expose_secret() == b.access.expose_secret()
                && a.secret.expose_secret() == b.secret.expose_secret()
        };
        let is_so = known.is_some_and(|known| {
            known.host == host && known.plan == plan && same(&known.keys, &keys)
        });
        let (name, host) = (name.to_owned(), host.to_owned());
        Ok((!is_so).then_some(Change::PutAccount { name, host, keys, plan }))
    }

    /// The changes that bring the connector of this name to this state, in order; none if it
    /// already is. A new one is disabled unless stated otherwise.
    ///
    /// `made_from` is the version that the settings were based on, as in [`Change::PutConnector`].
    ///
    /// # Errors
    /// [`Error::Refused`]: it joins other accounts. [`Error::Changed`]: it is at another version.
    /// [`Error::CannotOpen`]: the system provides no random bytes.
    pub fn to_put_connector(
        &self,
        definition: &Definition,
        enabled: Option<bool>,
        made_from: Option<i64>,
    ) -> Result<Vec<Change>> {
        let name = &definition.name;
        let known = self.connector(name);
        let version = known.map_or(0, |known| known.version);
        if made_from.is_some_and(|made_from| made_from != version) {
            return Err(Error::connector_changed(name, version));
        }
        if let Some(known) = known.map(|known| &known.definition)
            && (known.source != definition.source || known.destination != definition.destination)
        {
            return Err(Error::Refused(format!(
                "the connector {name} goes from {} to {}, which can't be changed: choose another \
                 name for the new one, or remove this one first",
                known.source, known.destination
            )));
        }
        let mut changes = Vec::new();
        if known.is_none_or(|known| known.definition != *definition) {
            let (definition, token) = (definition.clone(), Token::for_webhook()?);
            changes.push(Change::PutConnector { definition, token, made_from });
        }
        let was_enabled = known.is_some_and(|known| known.enabled);
        if let Some(enabled) = enabled.filter(|enabled| *enabled != was_enabled) {
            changes.push(Change::SetEnabled { name: name.clone(), enabled });
        }
        Ok(changes)
    }
}

impl AccountPlan {
    /// The plan as people write it: its name, or a quota instead.
    ///
    /// # Errors
    /// The error, as the rest of a sentence that starts with the account.
    pub fn read(name: Option<&str>, quota: Option<Quota>) -> Result<Self, String> {
        match (name, quota) {
            (Some("pro"), None) => Ok(Self::Pro),
            (Some("super"), None) => Ok(Self::Super),
            (Some(other), None) => {
                Err(format!("has the plan \"{other}\": use \"pro\", \"super\" or a quota"))
            }
            (None, Some(quota)) => {
                let Quota { calls, bulk_calls, per_seconds, daily, leave } = quota;
                if [calls, bulk_calls, per_seconds, daily].contains(&0) {
                    return Err("has a quota with 0: each number must be at least 1".to_owned());
                }
                if leave > Quota::MOST_LEFT {
                    return Err(format!(
                        "leaves {leave} per cent of its quota to others: the maximum is {}",
                        Quota::MOST_LEFT
                    ));
                }
                Ok(Self::Quota(quota))
            }
            (Some(_), Some(_)) => Err("has both a plan and a quota: keep one of them".to_owned()),
            (None, None) => {
                Err("has no plan: add plan = \"pro\", plan = \"super\" or a quota".to_owned())
            }
        }
    }

    /// The reverse of [`AccountPlan::read`].
    pub fn written(self) -> (Option<&'static str>, Option<Quota>) {
        match self {
            Self::Pro => (Some("pro"), None),
            Self::Super => (Some("super"), None),
            Self::Quota(quota) => (None, Some(quota)),
        }
    }
}
