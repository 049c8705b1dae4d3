//! Actions on a connector as a whole.

use admin::{connectors, retry as retries};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect};
use plan::outcome::RetryWith;
use store::{Change, Filter, Retry, Selection};

use super::page;
use super::{Frame, address, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

pub(in crate::console) async fn enable(
    state: State<Shared>,
    visitor: Visitor,
    name: Path<String>,
    form: Form,
) -> page::Shown {
    switch(state, visitor, name, (true, &form)).await
}

pub(in crate::console) async fn disable(
    state: State<Shared>,
    visitor: Visitor,
    name: Path<String>,
    form: Form,
) -> page::Shown {
    switch(state, visitor, name, (false, &form)).await
}

/// Resumes a connector that is held because its webhooks changed many leads.
pub(in crate::console) async fn confirm(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, "").await?;
    connectors::confirm_mass_change(&shared, &visitor.actor(), &opened.connector).await?;
    Ok(Redirect::to(&page::with_told(&address(&name), "confirmed")).into_response())
}

/// The connector, or both of its pair if the form says so. What is enabled at the end of its set-up
/// leads to the page that shows its first lead.
async fn switch(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    (enabled, form): (bool, &Form),
) -> page::Shown {
    let Frame { in_setup, opposite, address, .. } = open(&shared, &visitor, &name, "").await?.frame;
    let opposite = opposite.map(|(name, _)| name).filter(|_| form.text("ways") == "both");
    let names: Vec<&str> = [name.as_str()].into_iter().chain(opposite.as_deref()).collect();
    let word = match (enabled, names.len()) {
        (true, 2) => "both_enabled",
        (true, _) => "enabled",
        (false, _) => "disabled",
    };
    let leads_to_webhook = enabled && in_setup && visitor.administers();
    let page = if leads_to_webhook { format!("{address}/webhook") } else { address };
    connectors::set_enabled(&shared, &visitor.actor(), &names, enabled).await?;
    Ok(Redirect::to(&page::with_told(&page, word)).into_response())
}

/// Every failed request of the connector.
pub(in crate::console) async fn retry(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> page::Shown {
    open(&shared, &visitor, &name, "").await?;
    let filter = Filter { connector: Some(name.clone()), ..Filter::default() };
    let selection = Selection::Failed(filter);
    let retry = Retry { selection, with: RetryWith::Now, per_minute: Some(Retry::PER_MINUTE) };
    retries::queue(&shared, &visitor.actor(), retry).await?;
    Ok(Redirect::to(&page::with_told(&address(&name), "retried")).into_response())
}

/// With all its data, once its name was typed.
pub(in crate::console) async fn remove(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    if form.text("confirm").trim() != name {
        let what =
            "is not the connector's name; type it to confirm that all its requests are deleted";
        return Err(Refusal::wrong("confirm", what).into());
    }
    let removed = shared.change(vec![Change::RemoveConnector { name }], &visitor.actor()).await;
    removed.map_err(Refusal::from)?;
    Ok(Redirect::to("/connectors?told=removed").into_response())
}

/// The connector and its accounts as a file for `apply`.
pub(in crate::console) async fn export(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, "").await?;
    let accounts = [opened.connector.source, opened.connector.destination];
    let accounts: Vec<_> =
        accounts.iter().filter_map(|id| opened.configuration.account_by_id(*id)).collect();
    Ok(match admin::export::write(&accounts, &[&opened.connector]) {
        Ok(text) => {
            // Names can't contain a character that would end the quotes, but may have letters
            // beyond ASCII.
            let file: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
            let disposition = format!("attachment; filename=\"{file}.toml\"");
            let headers = [
                (header::CONTENT_TYPE, "application/toml".to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a connector can't be written as a file");
            page::refused(Refusal::wrong("connector", "can't be exported as a file"))
        }
    })
}
