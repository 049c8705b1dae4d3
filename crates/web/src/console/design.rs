//! `/design`, in debug builds only: every part of the console's design in each of its states, to
//! look at and to test.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::page::{self, Choice, choices};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "design.html")]
struct Design {
    page: &'static str,
    visitor: Visitor,
    at: Timestamp,
    choices: Vec<Choice>,
    faults: Vec<String>,
}

pub(super) async fn show(visitor: Visitor) -> Response {
    let choices = choices([("one", "Newest change wins"), ("two", "Source wins")], "two");
    let faults = vec!["Enter a name.".to_owned(), "Choose a destination.".to_owned()];
    let at = Timestamp::UNIX_EPOCH;
    page::page(StatusCode::OK, &Design { page: "Design", visitor, at, choices, faults })
}
