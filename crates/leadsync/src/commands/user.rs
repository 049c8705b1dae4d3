//! `leadsync user`.

use std::io::{BufRead, IsTerminal, Read};

use admin::Admin;
use admin::Refused;
use admin::people::{self, TokenWish};
use admin::{password, second_factor};
use anyhow::{Context, bail};
use plan::connector::Fault;
use plan::permission::{Role, Scope};
use secrecy::SecretString;
use store::{Actor, Store};

use crate::output;
use crate::settings::Settings;

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
    /// Turn off a user's second factor: the password alone signs in
    SecondFactorOff(Email),
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
    /// administrator; operator, who can view, retry, preview and pause connectors; or viewer, who can
    /// only view
    #[arg(long, default_value = "administrator")]
    role: Role,
}

/// Change a user's role
#[derive(Debug, clap::Args)]
pub struct NewRole {
    /// The user's email address
    email: String,
    /// administrator, operator, or viewer
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
        let admin = settings.admin_on(store);
        let store = admin.store.as_ref();
        let actor = Actor::command_line();
        match self {
            Self::List(List { tokens: false }) => list(settings, store).await,
            Self::List(List { tokens: true }) => list_tokens(settings, store).await,
            Self::Token(NewToken { name, remove: true, .. }) => {
                people::remove_token(&admin, &actor, &name).await.map_err(told)?;
                say(settings, "token", &name, "removed")
            }
            Self::Token(new) => make_token(settings, &admin, new).await,
            Self::Add(Add { email, role }) => {
                people::add_user(&admin, &actor, &email, role, read_password()?)
                    .await
                    .map_err(told)?;
                say(settings, "user", &email, "added")
            }
            Self::Passwd(Email { email }) => {
                people::known_user(&admin, &email).await.map_err(told)?;
                people::set_user_password(&admin, &actor, &email, read_password()?)
                    .await
                    .map_err(told)?;
                say(settings, "user", &email, "password changed")
            }
            Self::Role(NewRole { email, role }) => {
                people::set_user_role(&admin, &actor, &email, role).await.map_err(told)?;
                say(settings, "user", &email, &format!("is now {role}"))
            }
            Self::SecondFactorOff(Email { email }) => {
                let user = people::known_user(&admin, &email).await.map_err(told)?;
                second_factor::turn_off(&admin, &actor, &user.email).await.map_err(told)?;
                say(settings, "user", &email, "second factor turned off")
            }
            Self::Remove(Email { email }) => {
                people::remove_user(&admin, &actor, &email).await.map_err(told)?;
                say(settings, "user", &email, "removed")
            }
        }
    }
}

fn say(settings: &Settings, what: &str, name: &str, done: &str) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&serde_json::json!({ "name": name, "done": done }));
    }
    output::line(&format!("{what} {name}: {done}"))
}

/// Says where the existing ones are listed.
fn told(refused: Refused) -> anyhow::Error {
    match refused {
        Refused::NotFound { what: "token", name, .. } => {
            anyhow::anyhow!("there is no token {name}: see `leadsync user list --tokens`")
        }
        Refused::NotFound { what, name, .. } => {
            anyhow::anyhow!("there is no {what} {name}: see `leadsync user list`")
        }
        Refused::Invalid(faults) => {
            let said = faults.iter().map(|Fault { at, what }| match at.as_str() {
                "expires_days" => format!("--expires {what}"),
                at => format!("the {at} {what}"),
            });
            anyhow::anyhow!("{}", said.collect::<Vec<_>>().join("; "))
        }
        refused => refused.into(),
    }
}

/// A new password, from the terminal without showing it, or a line of standard input.
fn read_password() -> anyhow::Result<SecretString> {
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
        // Longer than any password, whose characters take up to four bytes; more makes it too long.
        let most = u64::try_from(4 * password::LONGEST).unwrap_or(u64::MAX).saturating_add(2);
        let read = std::io::stdin().lock().take(most).read_line(&mut line);
        read.context("the password can't be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    Ok(SecretString::from(password))
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

async fn make_token(settings: &Settings, admin: &Admin, new: NewToken) -> anyhow::Result<()> {
    let NewToken { name, user, scope, expires, .. } = new;
    let user = match user {
        Some(user) => Some(user),
        None => admin.store.password(&name).await?.map(|_| name.clone()),
    };
    let wish = TokenWish { name, user, scope, expires_days: expires };
    let made = people::make_token(admin, &Actor::command_line(), wish).await.map_err(told)?;
    if settings.json {
        let made = serde_json::json!({ "name": made.item.name, "token": made.token });
        return output::json(&made);
    }
    output::line(&made.token)
}
