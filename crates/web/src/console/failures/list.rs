//! The list of groups.

use admin::failures::{self, Group};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::failure_path;
use crate::Shared;
use crate::console::connector::address;
use crate::console::page::{self, LastAction};
use crate::console::visitor::Visitor;
use crate::console::words::number;

#[derive(Template)]
#[template(path = "failures.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    open: Vec<Group>,
    dismissed: Vec<Group>,
    /// Whether there may be more.
    is_cut: bool,
}

impl List {
    fn path(group: &Group) -> String {
        failure_path(&group.connector, &group.cause)
    }

    fn connector(group: &Group) -> String {
        address(&group.connector)
    }

    fn number(count: u64) -> String {
        number(count)
    }
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    LastAction(told): LastAction,
) -> Response {
    let read = async {
        let configuration = visitor.reach.narrow(shared.store.configuration().await?);
        failures::groups(shared.store.as_ref(), &configuration).await
    };
    match read.await {
        Ok((open, dismissed)) => {
            let is_cut = open.len() + dismissed.len() >= store::Failing::MOST;
            let list = List { page: "Overview", visitor, told, open, dismissed, is_cut };
            page::page(StatusCode::OK, &list)
        }
        Err(error) => page::unavailable(&error),
    }
}
