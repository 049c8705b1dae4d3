//! `/people`: who may use the console and the API.

use admin::people::{self, Invited, Made, TokenWish};
use admin::{password, second_factor};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::permission::{Role, Scope};
use secrecy::ExposeSecret;
use store::{ApiToken, Guest, Invite, User, UserChange};

use super::form::Form;
use super::page::{self, Choice, LastAction, choices};
use super::visitor::Visitor;
use crate::Shared;
use crate::api::Refusal;

/// The lifetimes of tokens that can be chosen here, in days, with their labels.
const LASTS: [(&str, &str); 5] =
    [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("730", "2 years"), ("", "never")];

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    wrong: Option<String>,
    /// A token that was just created: shown once.
    made: Option<Made>,
    /// An invite that was just made and not mailed: its link is shown once.
    invited: Option<Invited>,
    users: Vec<User>,
    invites: Vec<Invite>,
    guests: Vec<Guest>,
    tokens: Vec<ApiToken>,
    /// The typed address of a new user.
    email: String,
    /// The typed name of a new token.
    token_name: String,
    /// The typed address of somebody to invite.
    invite_email: String,
    mails_are_sent: bool,
    shortest: usize,
    longest: usize,
}

impl People {
    async fn read(shared: &Shared, visitor: Visitor) -> store::Result<Self> {
        let now = (shared.clock)();
        let (users, invites, guests, tokens) = tokio::try_join!(
            shared.store.users(),
            shared.store.invites(now),
            shared.store.guests(now),
            shared.store.api_tokens(),
        )?;
        Ok(Self {
            page: "Users & tokens",
            visitor,
            told: None,
            wrong: None,
            made: None,
            invited: None,
            users,
            invites,
            guests,
            tokens,
            email: String::new(),
            token_name: String::new(),
            invite_email: String::new(),
            mails_are_sent: shared.mails_are_sent,
            shortest: password::SHORTEST,
            longest: password::LONGEST,
        })
    }

    fn roles(chosen: Role) -> Vec<Choice> {
        let label = |role: Role| match role {
            Role::Administrator => "administrator",
            Role::Operator => "operator",
            Role::Viewer => "viewer (read-only)",
        };
        choices(Role::ALL.iter().map(|role| (role.as_str(), label(*role))), chosen.as_str())
    }

    fn new_roles() -> Vec<Choice> {
        Self::roles(Role::Operator)
    }

    fn scopes() -> Vec<Choice> {
        let label = |scope: Scope| match scope {
            Scope::Read => "read: view everything except users and the audit log",
            Scope::Operate => "operate: also retry, preview, enable and disable",
            Scope::Administer => "administer: full access",
        };
        choices(Scope::ALL.iter().map(|scope| (scope.as_str(), label(*scope))), "read")
    }

    fn lasts() -> Vec<Choice> {
        choices(LASTS, "90")
    }

    /// What a token allows, which may be less than its scope.
    fn allows(token: &ApiToken) -> Scope {
        token.allows()
    }
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    LastAction(told): LastAction,
) -> page::Shown {
    let people = People::read(&shared, visitor).await?;
    Ok(page::page(StatusCode::OK, &People { told, ..people }))
}

/// The page again, with the faults and the input.
async fn again(shared: &Shared, visitor: Visitor, form: &Form, refusal: &Refusal) -> page::Shown {
    let people = People::read(shared, visitor).await?;
    let wrong = Some(refusal.message());
    let typed = |name: &str| form.text(name).to_owned();
    let (email, token_name) = (typed("new_email"), typed("name"));
    let invite_email = typed("invite_email");
    Ok(page::page(refusal.status(), &People { wrong, email, token_name, invite_email, ..people }))
}

async fn ended(
    shared: &Shared,
    visitor: Visitor,
    form: &Form,
    done: Result<(), impl Into<Refusal>>,
    word: &str,
) -> page::Shown {
    match done {
        Ok(()) => Ok(Redirect::to(&page::with_told("/people", word)).into_response()),
        Err(refused) => again(shared, visitor, form, &refused.into()).await,
    }
}

fn role(form: &Form) -> Result<Role, Refusal> {
    form.text("role").parse().map_err(|wrong: String| Refusal::wrong("role", wrong))
}

pub(super) async fn add_user(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = async {
        let (role, password) = (role(&form)?, form.secret("password"));
        let email = form.text("new_email");
        people::add_user(&shared, &visitor.actor(), email, role, password).await?;
        Ok::<_, Refusal>(())
    };
    let done = done.await;
    ended(&shared, visitor, &form, done, "added").await
}

pub(super) async fn set_role(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = async {
        let email = form.text("email");
        people::set_user_role(&shared, &visitor.actor(), email, role(&form)?).await?;
        Ok::<_, Refusal>(())
    };
    let done = done.await;
    // Somebody who is no longer an administrator can't see this page.
    if done.is_ok() && form.text("email") == visitor.email {
        return Ok(Redirect::to("/").into_response());
    }
    ended(&shared, visitor, &form, done, "saved").await
}

pub(super) async fn set_password(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let password = form.secret("password");
    if password.expose_secret().trim().is_empty() {
        let refusal = Refusal::wrong("password", "is missing");
        return again(&shared, visitor, &form, &refusal).await;
    }
    let done =
        people::set_user_password(&shared, &visitor.actor(), form.text("email"), password).await;
    ended(&shared, visitor, &form, done, "password_set").await
}

pub(super) async fn remove_user(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = people::remove_user(&shared, &visitor.actor(), form.text("email")).await;
    ended(&shared, visitor, &form, done, "removed").await
}

pub(super) async fn turn_off_second_factor(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = second_factor::turn_off(&shared, &visitor.actor(), form.text("email")).await;
    ended(&shared, visitor, &form, done, "second_factor_off").await
}

pub(super) async fn invite(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let invited = async {
        let whom = (form.text("invite_email"), role(&form)?);
        people::invite(&shared, &visitor.actor(), whom, shared.mails_are_sent)
            .await
            .map_err(Refusal::from)
    };
    let invited = match invited.await {
        Ok(invited) => invited,
        Err(refusal) => return again(&shared, visitor, &form, &refusal).await,
    };
    if invited.link.is_none() {
        return Ok(Redirect::to(&page::with_told("/people", "invited")).into_response());
    }
    // Shown in the response itself: the link is in no address and is not stored.
    let people = People::read(&shared, visitor).await?;
    Ok(page::page(StatusCode::CREATED, &People { invited: Some(invited), ..people }))
}

pub(super) async fn remove_invite(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = people::remove_invite(&shared, &visitor.actor(), form.text("email")).await;
    ended(&shared, visitor, &form, done, "uninvited").await
}

pub(super) async fn end_guest(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let change = UserChange::EndGuest { email: form.text("email").to_owned() };
    let done = shared.change_users(change, &visitor.actor()).await;
    ended(&shared, visitor, &form, done, "signed_out").await
}

pub(super) async fn add_token(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let made = async {
        let scope = form.text("scope").parse();
        let scope = scope.map_err(|wrong: String| Refusal::wrong("scope", wrong))?;
        let days = match form.text("expires_days") {
            "" => None,
            days => {
                Some(days.parse().map_err(|_| Refusal::wrong("expires_days", "is not a number"))?)
            }
        };
        let user = Some(form.text("user").to_owned()).filter(|user| !user.is_empty());
        let name = form.text("name").to_owned();
        let wish = TokenWish { name, user, scope: Some(scope), expires_days: days };
        people::make_token(&shared, &visitor.actor(), wish).await.map_err(Refusal::from)
    };
    let made = match made.await {
        Ok(made) => made,
        Err(refusal) => return again(&shared, visitor, &form, &refusal).await,
    };
    // Shown in the response itself: the secret is in no address and is not stored.
    let people = People::read(&shared, visitor).await?;
    Ok(page::page(StatusCode::CREATED, &People { made: Some(made), ..people }))
}

pub(super) async fn remove_token(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let done = people::remove_token(&shared, &visitor.actor(), form.text("name")).await;
    ended(&shared, visitor, &form, done, "removed").await
}
