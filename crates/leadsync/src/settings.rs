//! The settings of the process: flags, then the environment, then `leadsync.toml`, then defaults.

mod oidc;
mod size;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use admin::Admin;
use anyhow::{Context, bail};
use dispatch::notify::{Post, Smtp};
use dispatch::retention;
use secrecy::SecretString;
use serde::Deserialize;
use store::{Base, Open, Store, Token};
use web::Proxies;

use crate::node::{self, NodeOptions};
use oidc::Oidc;
use size::{BodySize, DataSize};

/// Settings as flags and environment give them.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE` for several nodes
    /// [default: sqlite://leadsync.db]
    #[arg(
        long,
        global = true,
        env = "LEADSYNC_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// Where `serve` listens [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "LEADSYNC_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where `serve` accepts webhooks, and nothing else, besides --listen [default: nowhere else]
    #[arg(long, global = true, env = "LEADSYNC_HOOKS_LISTEN", value_name = "ADDRESS:PORT")]
    hooks_listen: Option<SocketAddr>,
    /// Public base URL of this service, used in webhook URLs and emails [default: http:// and the
    /// listen address]
    #[arg(long, global = true, env = "LEADSYNC_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Public base URL of webhook URLs [default: the public URL]
    #[arg(long, global = true, env = "LEADSYNC_HOOKS_URL", value_name = "URL")]
    hooks_url: Option<String>,
    /// Key file that encrypts API keys [default: next to the database]
    #[arg(long, global = true, env = "LEADSYNC_SECRET_KEY_FILE", value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
    /// Mail server, `smtps://USER:PASSWORD@HOST` or `smtp://…` [default: none, emails are logged]
    #[arg(
        long,
        global = true,
        env = "LEADSYNC_SMTP_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    smtp_url: Option<String>,
    /// Sender of emails: an address, or `Name <address>`
    #[arg(long, global = true, env = "LEADSYNC_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// Token that `/metrics` requires, at least 16 characters [default: none, anybody may read it]
    #[arg(
        long,
        global = true,
        env = "LEADSYNC_METRICS_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    metrics_token: Option<String>,
    /// Proxies whose X-Forwarded-For header is believed: addresses and networks, separated by commas
    /// [default: none]
    #[arg(long, global = true, env = "LEADSYNC_TRUSTED_PROXIES", value_name = "ADDRESSES")]
    trusted_proxies: Option<Proxies>,
    /// Largest webhook body that is accepted, such as `4MiB`, up to 16 MiB [default: 2MiB]
    #[arg(long, global = true, env = "LEADSYNC_MAX_BODY", value_name = "SIZE")]
    max_body: Option<BodySize>,
    /// Days that requests, records and calls are kept; 0 keeps them for ever [default: 90]
    #[arg(long, global = true, env = "LEADSYNC_RETENTION_DAYS", value_name = "DAYS")]
    retention_days: Option<u32>,
    /// Size of the data above which the oldest requests are deleted, such as `20GiB` [default: none]
    #[arg(long, global = true, env = "LEADSYNC_RETENTION_SIZE", value_name = "SIZE")]
    retention_size: Option<DataSize>,
    /// Log filter for stderr, in the form of `tracing` [default: info; warn for short commands]
    #[arg(long, global = true, env = "LEADSYNC_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// Log format: `text`, or `json` for JSON lines [default: text]
    #[arg(long, global = true, env = "LEADSYNC_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Settings file (TOML; the same names with `_` instead of `-`) [default: leadsync.toml, if it
    /// exists]
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Print JSON for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    oidc: Oidc,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// The settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    database_url: Option<String>,
    listen: Option<SocketAddr>,
    hooks_listen: Option<SocketAddr>,
    public_url: Option<String>,
    hooks_url: Option<String>,
    secret_key_file: Option<PathBuf>,
    smtp_url: Option<String>,
    mail_from: Option<String>,
    metrics_token: Option<String>,
    trusted_proxies: Option<String>,
    max_body: Option<BodySize>,
    retention_days: Option<u32>,
    retention_size: Option<DataSize>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    #[serde(default)]
    oidc: Oidc,
}

/// The settings in effect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database_url: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to accept webhooks and nothing else, too.
    pub hooks_listen: Option<SocketAddr>,
    /// The base of links and, by default, of webhook URLs, without a trailing slash; `None`: the
    /// listen address.
    pub public_url: Option<String>,
    /// The base of webhook URLs, if it is another one.
    hooks_url: Option<String>,
    /// The file of the encryption key, if it is not in its default place.
    pub secret_key_file: Option<PathBuf>,
    /// The mail server, if there is one. It holds a password.
    smtp_url: Option<SecretString>,
    /// Who mails come from.
    mail_from: Option<String>,
    /// How many bytes a webhook's body may have.
    max_body: usize,
    /// The token that `/metrics` requires, if it does.
    metrics_token: Option<Token>,
    /// The proxies whose `X-Forwarded-For` is believed.
    trusted_proxies: Proxies,
    /// The OpenID Connect provider.
    oidc: Oidc,
    /// What is kept, and how long.
    retention: retention::Options,
    /// The log filter, if given.
    pub log: Option<String>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Whether to print JSON.
    pub json: bool,
    /// The database, once opened.
    opened: Arc<OnceLock<Arc<dyn Store>>>,
}

/// How long the database may take to be closed.
const CLOSE: Duration = Duration::from_secs(20);
const DEFAULT_DATABASE: &str = "sqlite://leadsync.db";
const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const DEFAULT_FILE: &str = "leadsync.toml";

/// A token of this length can't be guessed.
const SHORTEST_TOKEN: usize = 16;

fn metrics_token(text: Option<String>) -> anyhow::Result<Option<Token>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_fit = text.len() >= SHORTEST_TOKEN && text.chars().all(|c| c.is_ascii_graphic());
    anyhow::ensure!(
        is_fit,
        "LEADSYNC_METRICS_TOKEN has {} characters: use at least {SHORTEST_TOKEN} letters, digits and \
         signs",
        text.len()
    );
    Ok(Some(Token::from_text(text)))
}

impl Settings {
    /// Puts flags (which hold the environment too), file and defaults together.
    pub fn read(flags: Flags) -> anyhow::Result<Self> {
        let file = match &flags.settings {
            Some(path) => read_file(path)?
                .with_context(|| format!("the settings file {} does not exist", path.display()))?,
            None => read_file(Path::new(DEFAULT_FILE))?.unwrap_or_default(),
        };
        let public_url = flags.public_url.or(file.public_url);
        let hooks_url = flags.hooks_url.or(file.hooks_url);
        let in_file = file.trusted_proxies.as_deref().map(str::parse).transpose();
        let in_file = in_file.map_err(|what| anyhow::anyhow!("trusted_proxies: {what}"))?;
        Ok(Self {
            database_url: flags
                .database_url
                .or(file.database_url)
                .unwrap_or_else(|| DEFAULT_DATABASE.to_owned()),
            listen: flags.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN),
            hooks_listen: flags.hooks_listen.or(file.hooks_listen),
            public_url: public_url.as_deref().map(checked_url).transpose()?,
            hooks_url: hooks_url.as_deref().map(checked_url).transpose()?,
            secret_key_file: flags.secret_key_file.or(file.secret_key_file),
            smtp_url: flags.smtp_url.or(file.smtp_url).map(SecretString::from),
            mail_from: flags.mail_from.or(file.mail_from),
            metrics_token: metrics_token(flags.metrics_token.or(file.metrics_token))?,
            trusted_proxies: flags.trusted_proxies.or(in_file).unwrap_or_default(),
            oidc: flags.oidc.or(file.oidc),
            max_body: flags.max_body.or(file.max_body).map_or(web::LONGEST_BODY, BodySize::bytes),
            retention: retention::Options {
                days: Some(
                    flags
                        .retention_days
                        .or(file.retention_days)
                        .unwrap_or(retention::Options::DAYS),
                )
                .filter(|days| *days > 0),
                bytes: flags.retention_size.or(file.retention_size).map(DataSize::bytes),
                ..retention::Options::default()
            },
            log: flags.log.or(file.log),
            log_format: flags.log_format.or(file.log_format).unwrap_or_default(),
            json: flags.json,
            opened: Arc::default(),
        })
    }

    /// How a node runs that sends its mails so, and whose links and webhook URLs begin so.
    pub fn of_node(
        &self,
        post: Post,
        (public_url, hooks_url): (String, String),
    ) -> anyhow::Result<NodeOptions> {
        Ok(NodeOptions {
            post,
            public_url,
            hooks_url,
            provider: self.oidc.provider()?,
            max_body: self.max_body,
            retention: self.retention.clone(),
            metrics_token: self.metrics_token.clone(),
            proxies: self.trusted_proxies.clone(),
        })
    }

    /// Opens the database, which must exist, beside a service that may be running.
    pub async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.open_as(false, true).await
    }

    /// Opens or creates the database, beside a service that may be running.
    pub async fn open_or_make(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.open_as(false, false).await
    }

    /// Opens the database, which must exist, in place of a service. An SQLite file that a service uses can't
    /// be opened so; PostgreSQL can be.
    pub async fn open_alone(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.open_as(self.database_url.starts_with("sqlite:"), true).await
    }

    /// Opens or creates the database, as the service.
    pub async fn open_to_serve(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.open_as(true, false).await
    }

    async fn open_as(&self, serve: bool, must_exist: bool) -> anyhow::Result<Arc<dyn Store>> {
        let open = Open { key_file: self.secret_key_file.clone(), serve, must_exist };
        let store = store::open(&self.database_url, open).await?;
        // A command opens it once.
        let _ = self.opened.set(store.clone());
        Ok(store)
    }

    /// What people may do with leadsync, on the database, which must be there.
    pub async fn admin(&self) -> anyhow::Result<Admin> {
        Ok(self.admin_on(self.open().await?))
    }

    /// The same on a database that was opened.
    pub fn admin_on(&self, store: Arc<dyn Store>) -> Admin {
        let clock: admin::Clock = Arc::new(node::now);
        let urls = (&*self.public_url(), &*self.hooks_url());
        Admin::on(store, clock, Arc::new(node::Accounts), urls)
    }

    /// Closes the database, if it was opened.
    pub async fn close(&self) -> anyhow::Result<()> {
        let Some(store) = self.opened.get() else { return Ok(()) };
        match tokio::time::timeout(CLOSE, store.close()).await {
            Ok(closed) => closed.context("the database was not closed cleanly"),
            Err(_) => bail!("the database was not closed cleanly: something still uses it"),
        }
    }

    /// Who sends mails.
    pub fn post(&self) -> anyhow::Result<Post> {
        let Some(url) = &self.smtp_url else { return Ok(Post::Log) };
        let Some(from) = &self.mail_from else {
            bail!("LEADSYNC_SMTP_URL is set, but there is no sender: set LEADSYNC_MAIL_FROM")
        };
        let smtp = Smtp::new(url, from);
        Ok(Post::Smtp(Box::new(
            smtp.map_err(|problem| anyhow::anyhow!("{} {}", problem.message, problem.advice))?,
        )))
    }

    /// The beginning of webhook URLs or of links: from the settings or, by default, as at the last
    /// start of the service that uses this database. If the two differ, or neither is known, a warning
    /// is printed.
    pub async fn base_url(&self, store: &dyn Store, base: Base) -> anyhow::Result<String> {
        let noted = store.base_url(base).await?;
        let own = match base {
            Base::Links => &self.public_url,
            Base::Webhooks => self.hooks_url.as_ref().map_or(&self.public_url, |_| &self.hooks_url),
        };
        match (own, noted) {
            (Some(own), Some(noted)) if *own != noted => {
                eprintln!(
                    "leadsync: warning: the service was started with the {} {noted}, and \
                     this command with {own}",
                    base.name()
                );
                Ok(own.clone())
            }
            (Some(own), _) => Ok(own.clone()),
            (None, Some(noted)) => Ok(noted),
            (None, None) => {
                eprintln!(
                    "leadsync: warning: the service has not run with this database yet, so its \
                     public URL is not known. Set LEADSYNC_PUBLIC_URL for this command and for the \
                     service"
                );
                Ok(match base {
                    Base::Links => self.public_url(),
                    Base::Webhooks => self.hooks_url(),
                })
            }
        }
    }

    /// The beginning of links according to this process's settings.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// The beginning of webhook URLs according to this process's settings.
    pub fn hooks_url(&self) -> String {
        self.hooks_url.clone().unwrap_or_else(|| self.public_url())
    }
}

fn read_file(path: &Path) -> anyhow::Result<Option<SettingsFile>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", path.display()));
        }
    };
    let file = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    Ok(Some(file))
}

fn checked_url(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest.map(|rest| rest.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['?', '#', ' ']) => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => bail!("'{url}' is not a base URL: write https://leadsync.example.com"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct OnlySettings {
        #[command(flatten)]
        _flags: super::Flags,
    }

    /// A setting without its attribute would silently become a positional argument.
    #[test]
    fn every_setting_is_a_flag_and_all_but_two_a_variable() {
        let command = OnlySettings::command();
        let names = |argument: &clap::Arg| argument.get_id().to_string();
        for argument in command.get_arguments() {
            let name = names(argument);
            let flag = argument.get_long().unwrap_or_else(|| panic!("{name} is no flag"));
            assert!(argument.is_global_set(), "{name}");
            if ["settings", "json"].contains(&flag) {
                continue;
            }
            let wanted = format!("LEADSYNC_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*wanted), "{name}");
        }
    }
}
