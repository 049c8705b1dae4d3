//! Changes of accounts and connectors.

use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::AccountId;
use plan::link::Pair;
use plan::probe::Question;
use plan::traits::Trait;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{Connection, arrivals, contact, incident, lease, links, settings, traits};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::progress::TraitNews;
use crate::secret::Cipher;
use crate::settings::{Account, AccountPlan, Change, Keys};
use crate::token::{Token, TokenHash};

/// The place of an account's key: a secret sealed for it can't be moved to another row or column.
pub(super) fn account_place(column: &str, name: &str) -> String {
    format!("account/{column}/{name}")
}

/// The place of a connector's token, likewise.
pub(super) fn token_place(name: &str) -> String {
    format!("connector/token/{name}")
}

/// Changes in progress.
pub(super) struct Making<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) cipher: &'a Cipher,
    pub(super) actor: &'a Actor,
    pub(super) now: Timestamp,
}

/// What a change needs of a connector's row.
pub(super) struct Known {
    pub(super) id: i64,
    pair: Pair,
    enabled: bool,
    version: i64,
}

impl Making<'_> {
    pub(super) async fn make(&mut self, change: Change) -> Result<()> {
        match change {
            Change::PutAccount { name, host, keys, plan } => {
                self.put_account(&name, &host, &keys, plan).await
            }
            Change::RemoveAccount { name } => self.remove_account(&name).await,
            Change::PutConnector { definition, token, made_from } => {
                self.put_connector(&definition, &token, made_from).await
            }
            Change::SetEnabled { name, enabled } => self.set_enabled(&name, enabled).await,
            Change::SetAnswer { account, question, answer } => {
                self.set_answer(&account, &question, answer.as_deref()).await
            }
            Change::SetWiring { name, secret } => self.set_wiring(&name, secret).await,
            Change::ReplaceUrl { name, token, overlap } => {
                self.replace_url(&name, &token, overlap).await
            }
            Change::EndFormerUrls { name } => self.end_former_urls(&name).await,
            Change::RemoveConnector { name } => self.remove_connector(&name).await,
        }
    }

    pub(super) async fn audit(
        &mut self,
        action: &str,
        subject: &str,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<()> {
        let entry = Entry { action, subject, before, after };
        audit(self.connection, self.actor, self.now, &entry).await
    }

    async fn put_account(
        &mut self,
        name: &str,
        host: &str,
        keys: &Keys,
        plan: AccountPlan,
    ) -> Result<()> {
        let shown = |host: &str, plan: &serde_json::Value| {
            serde_json::json!({ "host": host, "plan": plan }).to_string()
        };
        let row = sqlx::query("SELECT host, plan FROM account WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *self.connection)
            .await?;
        let before = match row {
            None => None,
            Some(row) => {
                let plan: serde_json::Value =
                    Place { table: "account", row: &name }.parse(row.try_get(1)?)?;
                Some(shown(row.try_get(0)?, &plan))
            }
        };
        self.refuse_second_name(name, host, keys).await?;
        let seal = |column: &str, secret: &SecretString| {
            self.cipher.seal(&account_place(column, name), secret)
        };
        let (access, secret) =
            (seal("access_key", &keys.access)?, seal("secret_key", &keys.secret)?);
        let plan = serde_json::to_value(plan)
            .map_err(|error| Error::Refused(format!("the plan of {name}: {error}")))?;
        sqlx::query(
            "INSERT INTO account (name, host, access_key, secret_key, plan) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET host = excluded.host, \
             access_key = excluded.access_key, secret_key = excluded.secret_key, \
             plan = excluded.plan",
        )
        .bind(name)
        .bind(host)
        .bind(access)
        .bind(secret)
        .bind(plan.to_string())
        .execute(&mut *self.connection)
        .await?;
        contact::doubt(self.connection, name).await?;
        self.audit("put_account", name, before, Some(shown(host, &plan))).await
    }

    /// Two names of one account could become the two sides of a connector: its leads would be synced
    /// with themselves, and its quota used twice. An account whose host and keys do not change is
    /// accepted.
    async fn refuse_second_name(&mut self, name: &str, host: &str, keys: &Keys) -> Result<()> {
        let is_it = |account: &Account| {
            host_name(&account.host) == host_name(host)
                && account.keys.access.expose_secret() == keys.access.expose_secret()
                && account.keys.secret.expose_secret() == keys.secret.expose_secret()
        };
        let accounts = settings::accounts(self.connection, self.cipher).await?;
        if accounts.iter().any(|account| account.name == name && is_it(account)) {
            return Ok(());
        }
        match accounts.iter().find(|account| account.name != name && is_it(account)) {
            Some(other) => Err(Error::Refused(format!(
                "the account {name} has the same host and keys as the account {}: they are the \
                 same account. Use {} instead of {name}, or fix the host or the keys",
                other.name, other.name
            ))),
            None => Ok(()),
        }
    }

    async fn remove_account(&mut self, name: &str) -> Result<()> {
        let id = self.account(name).await?;
        let users = sqlx::query(
            "SELECT name FROM connector WHERE source = $1 OR destination = $1 ORDER BY name",
        )
        .bind(id)
        .fetch_all(&mut *self.connection)
        .await?;
        if let Some(user) = users.first() {
            let user: String = user.try_get(0)?;
            return Err(Error::Refused(format!(
                "the account {name} is used by the connector {user}: remove the connector first"
            )));
        }
        let probed = sqlx::query("SELECT 1 FROM account WHERE id = $1 AND probe_until > $2")
            .bind(id)
            .bind(ms(self.now))
            .fetch_optional(&mut *self.connection)
            .await?;
        if probed.is_some() {
            return Err(Error::Refused(format!(
                "a probe of the account {name} is running and may have created a test lead: stop \
                 it, or wait until it ends"
            )));
        }
        for sql in [
            "DELETE FROM account WHERE id = $1",
            "DELETE FROM lease WHERE account = $1",
            "DELETE FROM spent WHERE account = $1",
            "DELETE FROM spent_hour WHERE account = $1",
            "DELETE FROM call WHERE account = $1",
            "DELETE FROM trait WHERE account = $1",
            "DELETE FROM contact WHERE account = $1",
        ] {
            sqlx::query(sql).bind(id).execute(&mut *self.connection).await?;
        }
        self.audit("remove_account", name, None, None).await
    }

    async fn set_answer(
        &mut self,
        account: &str,
        question: &str,
        answer: Option<&str>,
    ) -> Result<()> {
        let id = AccountId(self.account(account).await?);
        let Some(known) = Question::named(question) else {
            return Err(Error::Refused(format!("there is no question {question}")));
        };
        let is_one_of_its_own = |given: &str| known.answers.iter().any(|(name, _)| *name == given);
        if let Some(given) = answer.filter(|given| !is_one_of_its_own(given)) {
            let names: Vec<&str> = known.answers.iter().map(|(name, _)| *name).collect();
            return Err(Error::Refused(format!(
                "{question} has no answer {given}: choose one of {}",
                names.join(", ")
            )));
        }
        let before =
            traits::find(self.connection, id).await?.into_iter().find_map(|(_, seen)| match seen {
                Trait::Answered { question: other, answer, .. } if other == question => {
                    Some(answer)
                }
                _ => None,
            });
        let seen = Trait::Answered {
            question: question.to_owned(),
            answer: answer.unwrap_or_default().to_owned(),
            by_hand: true,
        };
        let news = TraitNews { account: id, at: self.now, seen, holds: answer.is_some() };
        traits::keep(self.connection, &news).await?;
        let shown = |answer: &str| serde_json::json!({ question: answer }).to_string();
        let (before, after) = (before.as_deref().map(shown), answer.map(shown));
        self.audit("set_answer", account, before, after).await
    }

    async fn put_connector(
        &mut self,
        definition: &Definition,
        token: &Token,
        made_from: Option<i64>,
    ) -> Result<()> {
        let name = definition.name.as_str();
        let known = self.connector(name).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        if made_from.is_some_and(|made_from| made_from != version) {
            return Err(Error::connector_changed(name, version));
        }
        let source = self.account(&definition.source).await?;
        let destination = self.account(&definition.destination).await?;
        if source == destination {
            return Err(Error::Refused(format!(
                "the connector {name} has {} as both source and destination: choose two accounts",
                definition.source
            )));
        }
        let after = json(definition)?;
        let (id, version, before) = match known {
            None => {
                let row = sqlx::query(
                    "INSERT INTO connector (name, source, destination, enabled, version, token, \
                     token_hash, disabled_at, url_since) \
                     VALUES ($1, $2, $3, FALSE, 1, $4, $5, $6, $6) \
                     RETURNING id",
                )
                .bind(name)
                .bind(source)
                .bind(destination)
                .bind(self.cipher.seal(&token_place(name), &SecretString::from(token.expose()))?)
                .bind(&token.hash().0[..])
                .bind(ms(self.now))
                .fetch_one(&mut *self.connection)
                .await?;
                let id = row.try_get(0)?;
                arrivals::add(self.connection, id, self.now).await?;
                (id, 1, None)
            }
            Some(known) => {
                self.must_join(name, &known, source, destination).await?;
                let before = self.definition(known.id, known.version).await?;
                let version = known.version + 1;
                sqlx::query("UPDATE connector SET version = $2 WHERE id = $1")
                    .bind(known.id)
                    .bind(version)
                    .execute(&mut *self.connection)
                    .await?;
                self.count_hours(known.id, &before, definition).await?;
                (known.id, version, Some(before))
            }
        };
        sqlx::query(
            "INSERT INTO connector_version (connector, version, at, actor, definition) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(version)
        .bind(ms(self.now))
        .bind(&self.actor.0)
        .bind(&after)
        .execute(&mut *self.connection)
        .await?;
        self.audit("put_connector", name, before, Some(after)).await
    }

    /// If the hours after which a connector without webhooks is reported were changed, they count from now
    /// on.
    async fn count_hours(&mut self, id: i64, before: &str, after: &Definition) -> Result<()> {
        let before: Definition = Place { table: "connector_version", row: &id }.parse(before)?;
        if before.basic.silent_hours == after.basic.silent_hours {
            return Ok(());
        }
        arrivals::count_from(self.connection, id, self.now).await
    }

    /// The accounts of a connector never change: its log and its links are theirs.
    async fn must_join(
        &mut self,
        name: &str,
        known: &Known,
        source: i64,
        destination: i64,
    ) -> Result<()> {
        let row = sqlx::query(
            "SELECT 1 FROM connector WHERE id = $1 AND source = $2 AND destination = $3",
        )
        .bind(known.id)
        .bind(source)
        .bind(destination)
        .fetch_optional(&mut *self.connection)
        .await?;
        match row {
            Some(_) => Ok(()),
            None => Err(Error::Refused(format!(
                "the accounts of the connector {name} can't be changed: create a connector with \
                 another name, or remove this one first"
            ))),
        }
    }

    async fn set_enabled(&mut self, name: &str, enabled: bool) -> Result<()> {
        let known = self.must_know(name).await?;
        if known.enabled == enabled {
            return Ok(());
        }
        sqlx::query("UPDATE connector SET enabled = $2, disabled_at = $3 WHERE id = $1")
            .bind(known.id)
            .bind(enabled)
            .bind((!enabled).then_some(ms(self.now)))
            .execute(&mut *self.connection)
            .await?;
        if known.enabled != enabled {
            let by = (!enabled).then_some(self.actor.0.as_str());
            incident::switched(self.connection, (known.id, name), by, self.now).await?;
        }
        if enabled {
            arrivals::count_from(self.connection, known.id, self.now).await?;
        }
        let (before, after) = (json(&known.enabled)?, json(&enabled)?);
        self.audit("set_enabled", name, Some(before), Some(after)).await
    }

    async fn set_wiring(&mut self, name: &str, secret: Option<TokenHash>) -> Result<()> {
        let known = self.must_know(name).await?;
        sqlx::query("UPDATE connector SET wired_secret = $2, wired_at = $3 WHERE id = $1")
            .bind(known.id)
            .bind(secret.map(|secret| secret.text()))
            .bind(secret.map(|_| ms(self.now)))
            .execute(&mut *self.connection)
            .await?;
        let after = json(&secret.is_some())?;
        self.audit("set_wiring", name, None, Some(after)).await
    }

    async fn remove_connector(&mut self, name: &str) -> Result<()> {
        let known = self.must_know(name).await?;
        let before = self.definition(known.id, known.version).await?;
        // The lease holder of these accounts must not continue with its in-memory state.
        let accounts = [known.pair.first, known.pair.second];
        lease::revoke(self.connection, &accounts).await?;
        for sql in [
            "DELETE FROM mention WHERE request IN (SELECT id FROM request WHERE connector = $1)",
            "DELETE FROM attempt WHERE request IN (SELECT id FROM request WHERE connector = $1)",
            "DELETE FROM record WHERE request IN (SELECT id FROM request WHERE connector = $1)",
            "DELETE FROM call WHERE connector = $1",
            "DELETE FROM delivery WHERE connector = $1",
            "DELETE FROM request WHERE connector = $1",
            "DELETE FROM tally WHERE connector = $1",
            "DELETE FROM tally_recent WHERE connector = $1",
            "DELETE FROM latest WHERE connector = $1",
            "DELETE FROM connector WHERE id = $1",
        ] {
            sqlx::query(sql).bind(known.id).execute(&mut *self.connection).await?;
        }
        let others = sqlx::query(
            "SELECT 1 FROM connector WHERE (source = $1 AND destination = $2) \
             OR (source = $2 AND destination = $1)",
        )
        .bind(known.pair.first.0)
        .bind(known.pair.second.0)
        .fetch_optional(&mut *self.connection)
        .await?;
        if others.is_none() {
            links::forget(self.connection, known.pair).await?;
        }
        self.audit("remove_connector", name, Some(before), None).await
    }

    async fn account(&mut self, name: &str) -> Result<i64> {
        let row = sqlx::query("SELECT id FROM account WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *self.connection)
            .await?;
        match row {
            Some(row) => Ok(row.try_get(0)?),
            None => Err(Error::Refused(format!("there is no account {name}"))),
        }
    }

    async fn connector(&mut self, name: &str) -> Result<Option<Known>> {
        let row = sqlx::query(
            "SELECT id, source, destination, enabled, version FROM connector WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(&mut *self.connection)
        .await?;
        row.map(|row| {
            Ok(Known {
                id: row.try_get(0)?,
                pair: Pair::of(AccountId(row.try_get(1)?), AccountId(row.try_get(2)?)),
                enabled: row.try_get(3)?,
                version: row.try_get(4)?,
            })
        })
        .transpose()
    }

    pub(super) async fn must_know(&mut self, name: &str) -> Result<Known> {
        let known = self.connector(name).await?;
        known.ok_or_else(|| Error::Refused(format!("there is no connector {name}")))
    }

    async fn definition(&mut self, id: i64, version: i64) -> Result<String> {
        let row = sqlx::query(
            "SELECT definition FROM connector_version WHERE connector = $1 AND version = $2",
        )
        .bind(id)
        .bind(version)
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(row.try_get(0)?)
    }
}

/// A host in the form used for comparison: hosts are the same whatever the case, and with or
/// without the scheme's default port, a trailing dot, a slash or the API's path.
fn host_name(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let (scheme, rest) = host.split_once("://").unwrap_or(("https", &host));
    let rest = rest.trim_end_matches('/').trim_end_matches("/v2").trim_end_matches('/');
    let port = if scheme == "http" { ":80" } else { ":443" };
    let name = rest.strip_suffix(port).unwrap_or(rest);
    format!("{scheme}://{}", name.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_in_every_form() {
        for form in [
            "https://api-in21.leadsquared.com",
            "API-IN21.LeadSquared.com",
            "https://api-in21.leadsquared.com:443/",
            "api-in21.leadsquared.com./v2/",
        ] {
            assert_eq!(host_name(form), "https://api-in21.leadsquared.com", "{form}");
        }
        assert_ne!(host_name("http://127.0.0.1:8001"), host_name("http://127.0.0.1:8002"));
    }
}
