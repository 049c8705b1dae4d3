//! The OpenID Connect provider, as flags, environment and the settings file give it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use secrecy::SecretString;
use serde::Deserialize;

/// The settings that begin with `LEADSYNC_OIDC_`; in the settings file, the table `[oidc]`.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[command(next_help_heading = "Settings for signing in with OpenID Connect")]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Issuer URL of the OpenID Connect provider that people can sign in with [default: none]
    #[arg(
        id = "oidc-issuer",
        long = "oidc-issuer",
        global = true,
        env = "LEADSYNC_OIDC_ISSUER",
        value_name = "URL"
    )]
    issuer: Option<String>,
    /// Client ID of leadsync at the provider
    #[arg(
        id = "oidc-client-id",
        long = "oidc-client-id",
        global = true,
        env = "LEADSYNC_OIDC_CLIENT_ID",
        value_name = "ID"
    )]
    client_id: Option<String>,
    /// File with the client secret
    #[arg(
        id = "oidc-client-secret-file",
        long = "oidc-client-secret-file",
        global = true,
        env = "LEADSYNC_OIDC_CLIENT_SECRET_FILE",
        value_name = "FILE"
    )]
    client_secret_file: Option<PathBuf>,
    /// Name of the provider on the sign-in page [default: single sign-on]
    #[arg(
        id = "oidc-name",
        long = "oidc-name",
        global = true,
        env = "LEADSYNC_OIDC_NAME",
        value_name = "NAME"
    )]
    name: Option<String>,
    /// Scopes to request besides openid, separated by commas [default: email,profile]
    #[arg(
        id = "oidc-scopes",
        long = "oidc-scopes",
        global = true,
        env = "LEADSYNC_OIDC_SCOPES",
        value_name = "SCOPES"
    )]
    scopes: Option<String>,
    /// Claim that gives roles: its name, or its path with dots [default: groups]
    #[arg(
        id = "oidc-roles-claim",
        long = "oidc-roles-claim",
        global = true,
        env = "LEADSYNC_OIDC_ROLES_CLAIM",
        value_name = "CLAIM"
    )]
    roles_claim: Option<String>,
    /// Values of that claim that make an administrator, separated by commas
    #[arg(
        id = "oidc-administrators",
        long = "oidc-administrators",
        global = true,
        env = "LEADSYNC_OIDC_ADMINISTRATORS",
        value_name = "VALUES"
    )]
    administrators: Option<String>,
    /// Values of that claim that make an operator, separated by commas
    #[arg(
        id = "oidc-operators",
        long = "oidc-operators",
        global = true,
        env = "LEADSYNC_OIDC_OPERATORS",
        value_name = "VALUES"
    )]
    operators: Option<String>,
    /// Values of that claim that make a viewer, separated by commas
    #[arg(
        id = "oidc-viewers",
        long = "oidc-viewers",
        global = true,
        env = "LEADSYNC_OIDC_VIEWERS",
        value_name = "VALUES"
    )]
    viewers: Option<String>,
    /// Whether to trust email addresses that the provider does not report as verified (true, false)
    /// [default: false]
    #[arg(
        id = "oidc-trust-emails",
        long = "oidc-trust-emails",
        global = true,
        env = "LEADSYNC_OIDC_TRUST_EMAILS",
        value_name = "BOOLEAN"
    )]
    trust_emails: Option<bool>,
}

impl Oidc {
    /// These settings, and where one is missing, the others'.
    pub fn or(self, others: Self) -> Self {
        Self {
            issuer: self.issuer.or(others.issuer),
            client_id: self.client_id.or(others.client_id),
            client_secret_file: self.client_secret_file.or(others.client_secret_file),
            name: self.name.or(others.name),
            scopes: self.scopes.or(others.scopes),
            roles_claim: self.roles_claim.or(others.roles_claim),
            administrators: self.administrators.or(others.administrators),
            operators: self.operators.or(others.operators),
            viewers: self.viewers.or(others.viewers),
            trust_emails: self.trust_emails.or(others.trust_emails),
        }
    }

    /// The provider, if there is one.
    ///
    /// # Errors
    /// A setting is missing or not valid.
    pub fn provider(&self) -> anyhow::Result<Option<oidc::Settings>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let Some(issuer) = given(&self.issuer) else {
            if given(&self.client_id).is_some() {
                bail!(
                    "LEADSYNC_OIDC_CLIENT_ID is set, but there is no provider: set LEADSYNC_OIDC_ISSUER"
                );
            }
            return Ok(None);
        };
        oidc::Settings::check_issuer(&issuer)
            .map_err(|what| anyhow::anyhow!("LEADSYNC_OIDC_ISSUER: {what}"))?;
        let Some(client_id) = given(&self.client_id) else {
            bail!(
                "LEADSYNC_OIDC_ISSUER is set, but there is no client: set LEADSYNC_OIDC_CLIENT_ID"
            )
        };
        let secret = self.client_secret_file.as_ref().map(|file| {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the client secret {} can't be read", file.display()))?;
            anyhow::Ok(SecretString::from(text.trim()))
        });
        let list = |text: &Option<String>| -> Vec<String> {
            let text = text.clone().unwrap_or_default();
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let scopes = match &self.scopes {
            Some(_) => list(&self.scopes),
            None => oidc::Settings::SCOPES.map(str::to_owned).to_vec(),
        };
        let claim = given(&self.roles_claim);
        Ok(Some(oidc::Settings {
            issuer,
            client_id,
            client_secret: secret.transpose()?,
            name: given(&self.name).unwrap_or_else(|| "single sign-on".to_owned()),
            scopes,
            roles: oidc::RoleRules {
                claim: claim.unwrap_or_else(|| oidc::RoleRules::CLAIM.to_owned()),
                administrators: list(&self.administrators),
                operators: list(&self.operators),
                viewers: list(&self.viewers),
            },
            trusts_emails: self.trust_emails.unwrap_or(false),
        }))
    }
}
