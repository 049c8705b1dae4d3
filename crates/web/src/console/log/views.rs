//! Saved views: filters of the list that a person keeps under a name.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use store::View;

use super::address::Address;
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::page;
use crate::console::visitor::Visitor;

/// A view as it is shown.
pub(super) struct Saved {
    pub(super) view: View,
    /// The list that it filters.
    pub(super) path: String,
    pub(super) is_current: bool,
}

impl Saved {
    /// This person's views, and which one is shown at this address.
    pub(super) async fn of(
        shared: &Shared,
        visitor: &Visitor,
        address: &Address,
    ) -> store::Result<Vec<Self>> {
        let views = shared.store.views(&visitor.email).await?;
        let saved = |view: View| {
            let path = Address::of_query(&view.query).path();
            Self { is_current: path == address.path(), path, view }
        };
        Ok(views.into_iter().map(saved).collect())
    }
}

/// `/requests/views`: saves the filter of the list.
pub(in crate::console) async fn save_view(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let address = Address::of_query(form.text("query"));
    let (owner, now) = (visitor.email.as_str(), (shared.clock)());
    let saved = shared.store.save_view(owner, form.text("name"), &address.query(), now).await;
    saved.map_err(Refusal::from)?;
    Ok(back(&address, "view_saved"))
}

/// `/requests/views/{id}/rename`.
pub(in crate::console) async fn rename_view(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    form: Form,
) -> page::Shown {
    let renamed = shared.store.rename_view(&visitor.email, id, form.text("name")).await;
    Ok(changed(&form, renamed.map_err(Refusal::from)?, "view_renamed"))
}

/// `/requests/views/{id}/remove`.
pub(in crate::console) async fn remove_view(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    form: Form,
) -> page::Shown {
    let removed = shared.store.remove_view(&visitor.email, id).await?;
    Ok(changed(&form, removed, "view_removed"))
}

/// The list with this word, if there was such a view.
fn changed(form: &Form, is_found: bool, word: &str) -> Response {
    if !is_found {
        return page::not_found("view");
    }
    back(&Address::of_query(form.text("query")), word)
}

/// The list where the form was.
fn back(address: &Address, word: &str) -> Response {
    Redirect::to(&page::with_told(&address.path(), word)).into_response()
}
