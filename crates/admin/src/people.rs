//! Users and API tokens.

use plan::permission::{Role, Scope};
use plan::problem::{Code, Problem};
use secrecy::SecretString;
use serde::Serialize;
use store::{
    Actor, ApiToken, INVITED_FOR, Invite, NewApiToken, NewInvite, PasswordHash, Token, TokenHash,
    User, UserChange,
};

use crate::password::NotHashed;
use crate::refused::{Refused, Result};
use crate::{Admin, expiry, letter, password};

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
    let password = hash(password, email).await?;
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
    let password = hash(password, &email).await?;
    let change = UserChange::SetPassword { email: email.clone(), password };
    admin.change_users(change, actor).await?;
    letter::tell(admin, &email, "An administrator set a new password for you.").await;
    Ok(())
}

/// A change of one's own password.
#[derive(Debug)]
pub struct OwnPassword {
    /// The current password.
    pub current: SecretString,
    /// The new password.
    pub new: SecretString,
    /// The session in which it is changed. It ends, and the caller starts a new one.
    pub session: i64,
    /// Whether the sessions in other browsers end, too.
    pub end_others: bool,
    /// Whether the user's API tokens are removed.
    pub remove_tokens: bool,
}

/// Changes one's own password.
///
/// # Errors
/// The current password is wrong, or the new one is too weak.
pub async fn change_own_password(
    admin: &Admin,
    actor: &Actor,
    email: &str,
    change: OwnPassword,
) -> Result<()> {
    let OwnPassword { current, new, session, end_others, remove_tokens } = change;
    let kept = admin.store.password(email).await?;
    if !password::is_right_or_none(current, kept).await? {
        return Err(Refused::wrong("current", "is not your current password"));
    }
    let password = hash(new, email).await?;
    let email = email.to_owned();
    let change = UserChange::SetOwnPassword {
        email: email.clone(),
        password,
        session,
        end_others,
        remove_tokens,
    };
    admin.change_users(change, actor).await?;
    letter::tell(admin, &email, "The password of your leadsync account was changed.").await;
    Ok(())
}

/// Somebody who was just invited.
#[derive(Debug, Serialize)]
pub struct Invited {
    /// The invite, as it is listed.
    #[serde(flatten)]
    pub item: Invite,
    /// The link, if it was not mailed: the only response that contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Invites somebody, who chooses a password by a link. It is mailed, or returned for somebody to pass
/// on if no mails are sent.
///
/// # Errors
/// There is such a user already.
pub async fn invite(
    admin: &Admin,
    actor: &Actor,
    (email, role): (&str, Role),
    mails_are_sent: bool,
) -> Result<Invited> {
    let (secret, now) = (Token::for_webhook()?, admin.now());
    let new = NewInvite { email: email.to_owned(), role, hash: secret.hash() };
    admin.change_users(UserChange::Invite(new), actor).await?;
    let item = admin.store.invite_of(secret.hash(), now).await?;
    let item = item.ok_or_else(|| Refused::not_found("invite", email, "invites"))?;
    let link = format!("{}/invite/{}", admin.public_url, secret.expose());
    if !mails_are_sent {
        return Ok(Invited { item, link: Some(link) });
    }
    let until = now.checked_add(INVITED_FOR).unwrap_or(now).strftime("%Y-%m-%d %H:%M UTC");
    let text = letter::invite(&actor.0, role, &until.to_string(), &link);
    let mail = letter::letter(admin, &item.email, ("You are invited to leadsync", text), true)?;
    admin.store.queue_mail(&mail, now).await?;
    Ok(Invited { item, link: None })
}

/// Adds the user who was invited by this link.
///
/// # Errors
/// The password is too weak, or the link no longer works.
pub async fn accept_invite(admin: &Admin, secret: &str, password: SecretString) -> Result<User> {
    let hash_of = TokenHash::of(secret);
    let invite = admin.store.invite_of(hash_of, admin.now()).await?;
    let invite = invite.ok_or_else(|| Refused::not_found("invite", "", "invites"))?;
    let password = hash(password, &invite.email).await?;
    let change = UserChange::AcceptInvite { invite: hash_of, password };
    admin.change_users(change, &Actor(invite.email.clone())).await?;
    known_user(admin, &invite.email).await
}

/// Removes an invite. Its link stops working immediately.
///
/// # Errors
/// Nobody with this address is invited.
pub async fn remove_invite(admin: &Admin, actor: &Actor, email: &str) -> Result<()> {
    let wanted = email.trim().to_lowercase();
    let invites = admin.store.invites(admin.now()).await?;
    if !invites.iter().any(|invite| invite.email == wanted) {
        return Err(Refused::not_found("invite", email, "invites"));
    }
    Ok(admin.change_users(UserChange::RemoveInvite { email: wanted }, actor).await?)
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

async fn hash(password: SecretString, email: &str) -> Result<PasswordHash> {
    if let Some(what) = password::fault(&password, email) {
        return Err(Refused::wrong("password", what));
    }
    Ok(password::hash(password).await?)
}

impl From<NotHashed> for Refused {
    fn from(error: NotHashed) -> Self {
        let (code, advice) = match error {
            NotHashed::Busy => (Code::Busy, "Wait a moment, then retry."),
            NotHashed::Failed(_) => (Code::NotHashed, "Retry, or set a new password."),
        };
        Self::Failed(Problem::new(code, error.to_string(), advice))
    }
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
