//! Reviews: what a person decides about leads.

use plan::review::Choice;
use store::{Actor, Retried, ReviewItem};

use crate::Admin;
use crate::access::Reach;
use crate::refused::{Refused, Result};

/// The longest id that is accepted.
const LONGEST_ID: usize = 100;

/// The review with this number, if it is in reach.
///
/// # Errors
/// No review has this number, or it is out of reach.
pub async fn known(admin: &Admin, reach: &Reach, number: &str) -> Result<ReviewItem> {
    let found = match number.parse() {
        Ok(number) => admin.store.review(number).await?,
        Err(_) => None,
    };
    let found = found.filter(|review| reach.has(&review.connector));
    found.ok_or_else(|| Refused::not_found("review", number, "reviews"))
}

/// Decides a review, or undoes the decision, and notifies the dispatcher.
///
/// # Errors
/// The choice does not fit the review, or the store failed.
pub async fn decide(
    admin: &Admin,
    actor: &Actor,
    review: &ReviewItem,
    choice: Option<&Choice>,
) -> Result<Retried> {
    if choice.is_some_and(|choice| !choice.answers(review.reason)) {
        return Err(Refused::wrong("choice", "does not fit this review"));
    }
    if let Some(Choice::Link { lead_id }) = choice
        && (lead_id.as_str().is_empty() || lead_id.as_str().len() > LONGEST_ID)
    {
        return Err(Refused::wrong("lead_id", "must be the ID of a lead in the destination"));
    }
    let now = admin.now();
    let retried = admin.store.decide_review(review.id, choice, actor, now).await?;
    admin.wake.notify_one();
    Ok(retried)
}
