//! `/reviews`: what a person decides about leads.

use axum::Json;
use axum::extract::State;
use plan::review::Choice;
use store::{Actor, Retried, ReviewFilter, ReviewItem};

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::retry::Begun;
use super::{Part, Result, limit};
use crate::Shared;
use crate::access::Reach;

/// The longest id that is accepted.
const LONGEST_ID: usize = 100;

/// Reads the filter of a list of reviews, limited to what is in reach.
fn filter(reach: &Reach, params: &mut Params) -> Result<ReviewFilter> {
    Ok(ReviewFilter {
        state: params.parse("state")?,
        connector: params.text("connector"),
        lead: params.text("lead"),
        within: reach.limit(),
    })
}

/// The reviews that match.
pub(crate) async fn read(
    shared: &Shared,
    reach: &Reach,
    mut params: Params,
) -> Result<Part<ReviewItem>> {
    let filter = filter(reach, &mut params)?;
    let (limit, after) = (limit(&mut params)?, params.parse("cursor")?);
    params.end()?;
    let (items, next) = shared.store.reviews(&filter, limit, after).await?;
    Ok(Part { items, cursor: next.map(|id| id.to_string()) })
}

/// The review with this number, if it is in reach.
pub(crate) async fn known(shared: &Shared, reach: &Reach, number: &str) -> Result<ReviewItem> {
    let found = match number.parse() {
        Ok(number) => shared.store.review(number).await?,
        Err(_) => None,
    };
    let found = found.filter(|review| reach.has(&review.connector));
    found.ok_or_else(|| Refusal::not_found("review", number, "reviews"))
}

/// Decides a review, or undoes the decision, and notifies the dispatcher.
pub(crate) async fn decide(
    shared: &Shared,
    actor: &Actor,
    review: &ReviewItem,
    choice: Option<&Choice>,
) -> Result<Retried> {
    if choice.is_some_and(|choice| !choice.answers(review.reason)) {
        return Err(Refusal::wrong("choice", "does not fit this review"));
    }
    if let Some(Choice::Link { lead_id }) = choice
        && (lead_id.as_str().is_empty() || lead_id.as_str().len() > LONGEST_ID)
    {
        return Err(Refusal::wrong("lead_id", "must be the ID of a lead in the destination"));
    }
    let now = (shared.clock)();
    let retried = shared.store.decide_review(review.id, choice, actor, now).await?;
    shared.wake.notify_one();
    Ok(retried)
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    asker: Asker,
    params: Params,
) -> Result<Json<Part<ReviewItem>>> {
    Ok(Json(read(&shared, &asker.reach, params).await?))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
) -> Result<Json<ReviewItem>> {
    Ok(Json(known(&shared, &asker.reach, &number).await?))
}

pub(crate) async fn put(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
    Input(choice): Input<Choice>,
) -> Result<Json<Begun>> {
    let review = known(&shared, &asker.reach, &number).await?;
    Ok(Json(Begun::from(decide(&shared, &asker.actor, &review, Some(&choice)).await?)))
}

pub(crate) async fn undo(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
) -> Result<Json<Begun>> {
    let review = known(&shared, &asker.reach, &number).await?;
    Ok(Json(Begun::from(decide(&shared, &asker.actor, &review, None).await?)))
}
