//! `/account`: who is signed in, and where.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use store::{EndSessions, SessionItem};

use super::form::Form;
use super::page;
use super::visitor::Visitor;
use crate::Shared;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: &'static str,
    visitor: Visitor,
    sessions: Vec<SessionItem>,
}

pub(super) async fn show(State(shared): State<Shared>, visitor: Visitor) -> Response {
    match shared.store.sessions(&visitor.session, (shared.clock)()).await {
        Ok(sessions) => page::page(StatusCode::OK, &Account { page: "Account", visitor, sessions }),
        Err(error) => page::unavailable(&error),
    }
}

pub(super) async fn end(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    _: Form,
) -> Response {
    end_some(&shared, &visitor, EndSessions::One(id)).await
}

pub(super) async fn end_others(
    State(shared): State<Shared>,
    visitor: Visitor,
    _: Form,
) -> Response {
    end_some(&shared, &visitor, EndSessions::Others(visitor.session.id)).await
}

async fn end_some(shared: &Shared, visitor: &Visitor, which: EndSessions) -> Response {
    match shared.store.end_sessions(&visitor.session, which).await {
        Ok(()) => Redirect::to("/account").into_response(),
        Err(error) => page::unavailable(&error),
    }
}
