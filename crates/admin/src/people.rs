//! Users and API tokens.

use plan::permission::{Role, Scope};
use plan::problem::{Code, Problem};
use secrecy::SecretString;
use serde::Serialize;
use store::{Actor, ApiToken, NewApiToken, PasswordHash, Token, User, UserChange};

use crate::refused::{Refused, Result};
use crate::{Admin, expiry, password};

/// A token that somebody wants.
#[derive(Debug)]
pub struct TokenWish {
    /// Its name.
    pub name: String,
    /// Its owner, by email address.
    pub user: Option<String>,
    /// What it allows; `None`: everything that its owner may do.
    pub scope: Option<Scope>,
    /// In how many days it expires.
    pub expires_days: Option<u32>,
}

/// Adds a user.
///
/// # Errors
/// The password is too weak, or there is such a user already.
pub async fn add_user(
    admin: &Admin,
    actor: &Actor,
    email: &str,
    role: Role,
    password: SecretString,
) -> Result<User> {
    let password = hash(password).await?;
    let change = UserChange::Add { email: email.to_owned(), role, password };
    admin.change_users(change, actor).await?;
    known_user(admin, email).await
}

/// Gives a user another role.
///
/// # Errors
/// There is no such user, or it is the last administrator.
pub async fn set_user_role(admin: &Admin, actor: &Actor, email: &str, role: Role) -> Result<User> {
    let email = known_user(admin, email).await?.email;
    admin.change_users(UserChange::SetRole { email: email.clone(), role }, actor).await?;
    known_user(admin, &email).await
}

/// Sets a new password for a user, which ends every session of this user.
///
/// # Errors
/// There is no such user, or the password is too weak.
pub async fn set_user_password(
    admin: &Admin,
    actor: &Actor,
    email: &str,
    password: SecretString,
) -> Result<()> {
    let email = known_user(admin, email).await?.email;
    let password = hash(password).await?;
    Ok(admin.change_users(UserChange::SetPassword { email, password }, actor).await?)
}

/// Changes one's own password, which ends every session of this user.
///
/// # Errors
/// The current password is wrong, or the new one is too weak.
pub async fn change_own_password(
    admin: &Admin,
    actor: &Actor,
    email: &str,
    current: SecretString,
    new: SecretString,
) -> Result<()> {
    let kept = admin.store.password(email).await?;
    match password::is_right_or_none(current, kept).await {
        Ok(true) => set_user_password(admin, actor, email, new).await,
        Ok(false) => Err(Refused::wrong("current", "is not your current password")),
        Err(what) => {
            let advice = "Ask an administrator to set a new password.";
            Err(Refused::Failed(Problem::new(Code::NotHashed, what, advice)))
        }
    }
}

/// Removes a user with all tokens and sessions of this user.
///
/// # Errors
/// There is no such user, or it is the last administrator.
pub async fn remove_user(admin: &Admin, actor: &Actor, email: &str) -> Result<()> {
    let email = known_user(admin, email).await?.email;
    Ok(admin.change_users(UserChange::Remove { email }, actor).await?)
}

/// The user with this email address.
///
/// # Errors
/// No user has this address.
pub async fn known_user(admin: &Admin, email: &str) -> Result<User> {
    let wanted = email.trim().to_lowercase();
    let users = admin.store.users().await?;
    let found = users.into_iter().find(|user| user.email == wanted);
    found.ok_or_else(|| Refused::not_found("user", email, "users"))
}

async fn hash(password: SecretString) -> Result<PasswordHash> {
    if let Some(what) = password::fault(&password) {
        return Err(Refused::wrong("password", what));
    }
    password::hash(password).await.map_err(|message| {
        let problem = Problem::new(Code::NotHashed, message, "Retry.");
        Refused::Failed(problem)
    })
}

/// A token that was just created: the only response that contains the secret.
#[derive(Debug, Serialize)]
pub struct Made {
    /// It, as it is listed.
    #[serde(flatten)]
    pub item: ApiToken,
    /// The secret.
    pub token: String,
}

/// Creates a token.
///
/// # Errors
/// The name is taken, or the time invalid.
pub async fn make_token(admin: &Admin, actor: &Actor, wish: TokenWish) -> Result<Made> {
    let TokenWish { name, user, scope, expires_days } = wish;
    let expires_at = expires_days
        .map(|days| expiry(admin.now(), days))
        .transpose()
        .map_err(|what| Refused::wrong("expires_days", what))?;
    let token = Token::for_api()?;
    let name = name.trim().to_owned();
    let new = NewApiToken { name: name.clone(), user, scope, hash: token.hash(), expires_at };
    admin.change_users(UserChange::AddToken(new), actor).await?;
    let item = known_token(admin, &name).await?;
    Ok(Made { item, token: token.expose().to_owned() })
}

/// Removes a token. It stops working immediately.
///
/// # Errors
/// There is no such token.
pub async fn remove_token(admin: &Admin, actor: &Actor, name: &str) -> Result<()> {
    let name = known_token(admin, name).await?.name;
    Ok(admin.change_users(UserChange::RemoveToken { name }, actor).await?)
}

async fn known_token(admin: &Admin, name: &str) -> Result<ApiToken> {
    let tokens = admin.store.api_tokens().await?;
    let found = tokens.into_iter().find(|token| token.name == name);
    found.ok_or_else(|| Refused::not_found("token", name, "tokens"))
}
