//! The account's users, with their roles and one of their fields.

use super::{not_found, page};
use crate::Sandbox;
use crate::metadata::User;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// The boolean user field that the page shows.
const FIELD: &str = "mx_Custom_1";

#[derive(Template)]
#[template(path = "users.html")]
struct List<'a> {
    account: &'a str,
    field: &'static str,
    users: Vec<User>,
}

impl List<'_> {
    fn is_set(user: &User) -> bool {
        user.fields.get(FIELD).is_some_and(|text| text == "1")
    }
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    page(&List { account: sandbox.name(), field: FIELD, users: sandbox.users() })
}

#[derive(Deserialize)]
pub(super) struct Changed {
    role: String,
    #[serde(default)]
    active: String,
    #[serde(default)]
    field: String,
}

/// A browser leaves out checkboxes that are not ticked.
pub(super) async fn change(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Form(Changed { role, active, field }): Form<Changed>,
) -> Response {
    let Some(user) = sandbox.users().into_iter().find(|user| *user.id == *id) else {
        return not_found();
    };
    let user = User { role: role.trim().to_owned(), active: !active.is_empty(), ..user };
    sandbox.put_user(user.field(FIELD, if field.is_empty() { "0" } else { "1" }));
    Redirect::to("/users").into_response()
}
