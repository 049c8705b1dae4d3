//! Reviews: what a person decides about leads.

use plan::review::{Choice, Rule, State};
use store::{Actor, Retried, ReviewFilter, ReviewItem};

use crate::Admin;
use crate::access::Reach;
use crate::refused::{Refused, Result};

/// The longest id that is accepted.
const LONGEST_ID: usize = 100;

/// How many reviews are resolved at once.
pub const MOST_AT_ONCE: usize = 100;

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

/// The open review to look at after this one: the next older, or else the newest.
///
/// # Errors
/// The store failed.
pub async fn next_open(admin: &Admin, reach: &Reach, id: i64) -> Result<Option<i64>> {
    let filter = open(reach, None);
    for after in [Some(id), None] {
        let (found, _) = admin.store.reviews(&filter, 1, after).await?;
        if let Some(next) = found.iter().find(|next| next.id != id) {
            return Ok(Some(next.id));
        }
    }
    Ok(None)
}

/// What a rule would do to open reviews, before it does.
#[derive(Debug)]
pub struct ByRule {
    /// The reviews that it decides, newest first, each with its decision.
    pub decided: Vec<(ReviewItem, Choice)>,
    /// How many that are of its kind it leaves open.
    pub left: usize,
    /// Whether there are more open reviews than are resolved at once.
    pub has_more: bool,
    /// The newest review that was looked at: what comes later is not resolved by it.
    pub newest: i64,
}

/// What this rule decides about the newest open reviews in reach, up to number `newest`, of one
/// connector or of all.
///
/// # Errors
/// The store failed.
pub async fn by_rule(
    admin: &Admin,
    reach: &Reach,
    rule: Rule,
    connector: Option<&str>,
    newest: Option<i64>,
) -> Result<ByRule> {
    let configuration = admin.store.configuration().await?;
    let filter = open(reach, connector);
    let after = newest.map(|newest| newest.saturating_add(1));
    let (items, more) = admin.store.reviews(&filter, MOST_AT_ONCE, after).await?;
    let newest = items.first().map_or(0, |item| item.id);
    let mut by_rule = ByRule { decided: Vec::new(), left: 0, has_more: more.is_some(), newest };
    for item in items.into_iter().filter(|item| rule.is_for(item.reason)) {
        let primary = configuration.connector(&item.connector);
        let primary = primary.map_or("", |one| one.definition.basic.search_by.as_str());
        match rule.choice(&item.evidence, primary) {
            Some(choice) => by_rule.decided.push((item, choice)),
            None => by_rule.left += 1,
        }
    }
    Ok(by_rule)
}

/// Resolves what [`by_rule`] decides; returns how many. One that somebody else resolved meanwhile
/// is left as it is.
///
/// # Errors
/// The store failed. What was resolved before stays resolved.
pub async fn resolve_by_rule(admin: &Admin, actor: &Actor, by_rule: &ByRule) -> Result<usize> {
    let mut resolved = 0;
    for (item, choice) in &by_rule.decided {
        match decide(admin, actor, item, Some(choice)).await {
            Ok(_) => resolved += 1,
            Err(Refused::Store(store::Error::Changed(_) | store::Error::Refused(_))) => {}
            Err(refused) => return Err(refused),
        }
    }
    Ok(resolved)
}

fn open(reach: &Reach, connector: Option<&str>) -> ReviewFilter {
    ReviewFilter {
        state: Some(State::Open),
        connector: connector.map(str::to_owned),
        lead: None,
        within: reach.limit(),
    }
}
