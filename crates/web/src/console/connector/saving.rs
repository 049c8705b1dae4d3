//! Pages with a form for a part of a connector's settings: showing the part, saving the form, and
//! showing the form again if it can't be saved.

use std::collections::BTreeMap;

use admin::pairing;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::connector::Definition;

use super::page::{self, Faults, told};
use super::{Frame, Opened, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

/// A page with a form for a part of a connector's settings.
pub(in crate::console) trait Saves: Template + Send + Sized {
    /// Its path below the connector's.
    const HERE: &'static str;

    /// The part that the form is filled with: the saved one, or one that was sent and may be wrong.
    type Part: Send;

    /// The saved part; `given` is the query of the page's address.
    fn saved(definition: &Definition, given: BTreeMap<String, String>) -> Self::Part;

    /// The part that a form sends, and what to do about it.
    ///
    /// # Errors
    /// The form has something that is not a setting at all.
    fn sent(form: &Form, saved: &Definition) -> (Self::Part, Result<Wish, Refusal>);

    /// Sets what the form has for the way back by itself, while that is set up in the same pass.
    fn set_back(_: &Form, _: &mut Definition) {}

    /// The page with this part.
    fn read(
        shared: &Shared,
        visitor: Visitor,
        opened: Opened,
        part: Self::Part,
        stand: Stand,
    ) -> impl Future<Output = store::Result<Self>> + Send;
}

/// What a form asks for.
pub(in crate::console) enum Wish {
    /// That these settings are saved.
    Save(Box<Definition>),
    /// That the page is shown with what was sent.
    Show,
}

impl Wish {
    pub(super) fn save(definition: Definition) -> Self {
        Self::Save(Box::new(definition))
    }
}

/// How the form of a page stands.
#[derive(Default)]
pub(in crate::console) struct Stand {
    pub(super) told: Option<&'static str>,
    /// The version of the settings that the form was made from.
    pub(super) version: String,
    pub(super) faults: Faults,
}

pub(in crate::console) async fn show<P: Saves>(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, P::HERE).await?;
    let (told, version) = (told(&given), opened.connector.version.to_string());
    let part = P::saved(&opened.connector.definition, given);
    let stand = Stand { told, version, ..Stand::default() };
    answer::<P>(&shared, visitor, opened, part, (StatusCode::OK, stand)).await
}

pub(in crate::console) async fn put<P: Saves>(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, P::HERE).await?;
    let version = form.text("version");
    let (part, wish) = P::sent(&form, &opened.connector.definition);
    let refusal = match wish {
        Ok(Wish::Show) => None,
        Ok(Wish::Save(definition)) => {
            let own = |back: &mut Definition| P::set_back(&form, back);
            let place = (&opened.frame, P::HERE);
            match save_with(&shared, &visitor, (&definition, version), place, own).await {
                Ok(response) => return Ok(response),
                Err(refusal) => Some(refusal),
            }
        }
        Err(refusal) => Some(refusal),
    };
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let faults = refusal.as_ref().map(Faults::of).unwrap_or_default();
    let stand = Stand { told: None, version: version.to_owned(), faults };
    answer::<P>(&shared, visitor, opened, part, (status, stand)).await
}

/// The page with this part, and this status.
pub(super) async fn answer<P: Saves>(
    shared: &Shared,
    visitor: Visitor,
    opened: Opened,
    part: P::Part,
    (status, stand): (StatusCode, Stand),
) -> page::Shown {
    Ok(page::page(status, &P::read(shared, visitor, opened, part, stand).await?))
}

/// Saves settings that are based on this version. Returns where to go next, or the faults.
pub(super) async fn save(
    shared: &Shared,
    visitor: &Visitor,
    definition: &Definition,
    made_from: &str,
    frame: &Frame,
    here: &str,
) -> Result<Response, Refusal> {
    save_with(shared, visitor, (definition, made_from), (frame, here), |_| {}).await
}

/// The same, with what the way back has for itself.
async fn save_with(
    shared: &Shared,
    visitor: &Visitor,
    (definition, made_from): (&Definition, &str),
    (frame, here): (&Frame, &str),
    own: impl FnOnce(&mut Definition) + Send,
) -> Result<Response, Refusal> {
    let made_from = made_from.parse().map_err(|_| Refusal::wrong("version", "is not a number"))?;
    pairing::save(shared, &visitor.actor(), (definition, made_from), own).await?;
    let next = frame.next.clone().unwrap_or_else(|| format!("{}{here}", frame.address));
    Ok(Redirect::to(&page::with_told(&next, "saved")).into_response())
}
