//! The list of groups.

use admin::failures::{self, Group, Titles};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::failure_path;
use crate::Shared;
use crate::console::connector::address;
use crate::console::page::{self, LastAction, Shown};
use crate::console::visitor::Visitor;
use crate::console::words::number;

#[derive(Template)]
#[template(path = "failures.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    titles: Titles,
    open: Vec<Group>,
    dismissed: Vec<Group>,
    /// Whether there may be more.
    is_cut: bool,
}

impl List {
    fn title(&self, group: &Group) -> String {
        self.titles.of(&group.connector, &group.error)
    }

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
) -> Shown {
    let store = shared.store.as_ref();
    let configuration = visitor.reach.narrow(store.configuration().await?);
    let (open, dismissed) = failures::groups(store, &configuration).await?;
    let is_cut = open.len() + dismissed.len() >= store::Failing::MOST;
    let errors = open.iter().chain(&dismissed).map(|group| (&*group.connector, &group.error));
    let titles = Titles::read(store, &configuration, errors).await?;
    let list = List { page: "Overview", visitor, told, titles, open, dismissed, is_cut };
    Ok(page::page(StatusCode::OK, &list))
}
