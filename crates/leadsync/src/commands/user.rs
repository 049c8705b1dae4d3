//! `leadsync user`.

use std::io::{BufRead, IsTerminal, Read};

use anyhow::{Context, bail};
use plan::permission::{Role, Scope};
use secrecy::SecretString;
use store::{Actor, NewApiToken, PasswordHash, Store, Token, UserChange};
use web::password;

use crate::settings::Settings;
use crate::{node, output};

/// Add, list and remove users and API tokens
#[derive(Debug, clap::Subcommand)]
pub enum User {
    /// Add a user; prompts for the password, or reads it from standard input
    Add(Add),
    /// List users, or API tokens
    List(List),
    /// Set a user's password; prompts for it, or reads it from standard input
    Passwd(Email),
    /// Change a user's role; at least one administrator remains
    Role(NewRole),
    /// Remove a user and their API tokens; at least one administrator remains
    Remove(Email),
    /// Create an API token and print it; it can't be shown again
    Token(NewToken),
}

/// Which user.
#[derive(Debug, clap::Args)]
pub struct Email {
    /// The user's email address
    email: String,
}

/// Add a user
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The user's email address
    email: String,
    /// administrator; or operator, who can view, retry, preview and pause connectors
    #[arg(long, default_value = "administrator")]
    role: Role,
}

/// Change a user's role
#[derive(Debug, clap::Args)]
pub struct NewRole {
    /// The user's email address
    email: String,
    /// administrator, or operator
    role: Role,
}

/// List users, or API tokens
#[derive(Debug, clap::Args)]
pub struct List {
    /// List API tokens
    #[arg(long)]
    tokens: bool,
}

/// Create an API token
#[derive(Debug, clap::Args)]
pub struct NewToken {
    /// The token's name
    name: String,
    /// Owner of the token, by email address: the token ends with its owner and allows no more
    /// [default: the user of this name, if there is one; else nobody]
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// read, operate or administer [default: everything its owner may do]
    #[arg(long, conflicts_with = "remove")]
    scope: Option<Scope>,
    /// Days until the token expires [default: never]
    #[arg(long, value_name = "DAYS", conflicts_with = "remove")]
    expires: Option<u32>,
    /// Remove the token of this name: it stops working immediately
    #[arg(long, conflicts_with = "user")]
    remove: bool,
}

impl User {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = match &self {
            // They may come before the service ever ran.
            Self::Add(_) | Self::Token(NewToken { remove: false, .. }) => {
                settings.open_or_make().await?
            }
            _ => settings.open().await?,
        };
        let store = store.as_ref();
        match self {
            Self::List(List { tokens: false }) => list(settings, store).await,
            Self::List(List { tokens: true }) => list_tokens(settings, store).await,
            Self::Token(NewToken { name, remove: true, .. }) => {
                change(store, UserChange::RemoveToken { name: name.clone() }).await?;
                say(settings, "token", &name, "removed")
            }
            Self::Token(new) => make_token(settings, store, new).await,
            Self::Add(Add { email, role }) => {
                let password = read_password().await?;
                change(store, UserChange::Add { email: email.clone(), role, password }).await?;
                say(settings, "user", &email, "added")
            }
            Self::Passwd(Email { email }) => {
                if store.password(&email).await?.is_none() {
                    bail!("there is no user {email}: see `leadsync user list`");
                }
                let password = read_password().await?;
                change(store, UserChange::SetPassword { email: email.clone(), password }).await?;
                say(settings, "user", &email, "password changed")
            }
            Self::Role(NewRole { email, role }) => {
                change(store, UserChange::SetRole { email: email.clone(), role }).await?;
                say(settings, "user", &email, &format!("is now {role}"))
            }
            Self::Remove(Email { email }) => {
                change(store, UserChange::Remove { email: email.clone() }).await?;
                say(settings, "user", &email, "removed")
            }
        }
    }
}

async fn change(store: &dyn Store, change: UserChange) -> anyhow::Result<()> {
    Ok(store.change_users(change, &Actor::command_line(), node::now()).await?)
}

fn say(settings: &Settings, what: &str, name: &str, done: &str) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "done": done }));
    }
    output::line(&format!("{what} {name}: {done}"))
}

/// A new password, from the terminal without showing it, or a line of standard input.
async fn read_password() -> anyhow::Result<PasswordHash> {
    let password = if std::io::stdin().is_terminal() {
        let ask = |what: &str| {
            rpassword::prompt_password(what).context("the password can't be read from the terminal")
        };
        let password = ask("New password: ")?;
        if ask("Once more: ")? != password {
            bail!("the passwords differ: nothing was changed");
        }
        password
    } else {
        let mut line = String::new();
        // Longer than any password; more makes it too long.
        let most = u64::try_from(password::LONGEST).unwrap_or(u64::MAX).saturating_add(2);
        let read = std::io::stdin().lock().take(most).read_line(&mut line);
        read.context("the password can't be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let password = SecretString::from(password);
    if let Some(what) = password::fault(&password) {
        bail!("the password {what}");
    }
    password::hash(password).await.map_err(anyhow::Error::msg)
}

async fn list(settings: &Settings, store: &dyn Store) -> anyhow::Result<()> {
    let users = store.users().await?;
    if settings.json {
        return output::json(&users);
    }
    if users.is_empty() {
        return output::line("No users yet. `leadsync user add EMAIL` adds one.");
    }
    let rows: Vec<[String; 3]> = users
        .into_iter()
        .map(|user| [user.email, user.role.to_string(), output::time(user.made_at)])
        .collect();
    output::table(["EMAIL", "ROLE", "SINCE"], &rows)
}

async fn list_tokens(settings: &Settings, store: &dyn Store) -> anyhow::Result<()> {
    let tokens = store.api_tokens().await?;
    if settings.json {
        return output::json(&tokens);
    }
    if tokens.is_empty() {
        return output::line("No API tokens yet. `leadsync user token NAME` creates one.");
    }
    let rows: Vec<[String; 5]> = tokens
        .into_iter()
        .map(|token| {
            let day = token.last_used_at.map(|at| at.strftime("%Y-%m-%d").to_string());
            [
                token.name.clone(),
                token.user.clone().unwrap_or_default(),
                token.allows().to_string(),
                token.expires_at.map_or_else(|| "never".to_owned(), output::time),
                day.unwrap_or_else(|| "never".to_owned()),
            ]
        })
        .collect();
    output::table(["NAME", "USER", "SCOPE", "EXPIRES", "LAST USED"], &rows)
}

async fn make_token(settings: &Settings, store: &dyn Store, new: NewToken) -> anyhow::Result<()> {
    let NewToken { name, user, scope, expires, .. } = new;
    let expires_at = expires
        .map(|days| web::expiry(node::now(), days))
        .transpose()
        .map_err(|what| anyhow::anyhow!("--expires {what}"))?;
    let user = match user {
        Some(user) => Some(user),
        None => store.password(&name).await?.map(|_| name.clone()),
    };
    let token = Token::for_api()?;
    let new = NewApiToken { name: name.clone(), user, scope, hash: token.hash(), expires_at };
    change(store, UserChange::AddToken(new)).await?;
    if settings.json {
        let made = serde_json::json!({ "name": name, "token": token.expose() });
        return output::json(&made);
    }
    output::line(token.expose())
}
