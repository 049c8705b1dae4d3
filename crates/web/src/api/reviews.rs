//! `/reviews`: what a person decides about leads.

use admin::reviews;
use axum::Json;
use axum::extract::State;
use plan::review::Choice;
use store::{ReviewFilter, ReviewItem};

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::retry::Begun;
use super::{Part, Result, limit};
use crate::Shared;
use admin::access::Reach;

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
    Ok(Json(reviews::known(&shared, &asker.reach, &number).await?))
}

pub(crate) async fn put(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
    Input(choice): Input<Choice>,
) -> Result<Json<Begun>> {
    let review = reviews::known(&shared, &asker.reach, &number).await?;
    Ok(Json(Begun::from(reviews::decide(&shared, &asker.actor, &review, Some(&choice)).await?)))
}

pub(crate) async fn undo(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
) -> Result<Json<Begun>> {
    let review = reviews::known(&shared, &asker.reach, &number).await?;
    Ok(Json(Begun::from(reviews::decide(&shared, &asker.actor, &review, None).await?)))
}
