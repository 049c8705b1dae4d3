//! What a person decides about leads.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::{Pair, Side};
use plan::review::{Choice, Reason, Review, State};
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;
use crate::retry::Retried;

/// Reading and resolving reviews.
#[async_trait]
pub trait Reviews: Send + Sync + std::fmt::Debug {
    /// Reviews that match, newest first: at most `limit` (and [`crate::Page::MOST`]) before number
    /// `after`, and the number to continue after, if there are more.
    async fn reviews(
        &self,
        filter: &ReviewFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<ReviewItem>, Option<i64>)>;

    /// The review of this number.
    async fn review(&self, id: i64) -> Result<Option<ReviewItem>>;

    /// How many reviews match.
    async fn count_reviews(&self, filter: &ReviewFilter) -> Result<u64>;

    /// Resolves an open review, or undoes its decision (`None`), and retries the lead's changes
    /// that waited for it, in order of arrival; returns how many.
    ///
    /// What was synced under a decision stays as it is when the decision is undone. If it was an
    /// ambiguous match, the lead is no longer linked; if it was a conflict, its link stays as it
    /// is.
    async fn decide_review(
        &self,
        id: i64,
        choice: Option<&Choice>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried>;

    /// Unfreezes a field of a lead that was frozen because its value went back and forth; returns
    /// whether it was frozen.
    async fn release_field(
        &self,
        end: (Pair, Side),
        lead: &str,
        field: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;
}

/// A question about a lead, about to be stored. It replaces an earlier one of the same lead and
/// kind.
#[derive(Clone, Debug)]
pub struct NewReview {
    /// The connector whose record asks.
    pub connector: ConnectorId,
    /// The account that the lead comes from.
    pub source: AccountId,
    /// The account that it goes to.
    pub destination: AccountId,
    /// The lead's id in the source.
    pub source_id: String,
    /// What a person recognises it by.
    pub known_as: Option<String>,
    /// The request that asks.
    pub request: RequestId,
    /// When.
    pub at: Timestamp,
    /// Whether the record was processed under the earlier decision.
    pub knows_decision: bool,
    /// What is asked.
    pub review: Review,
}

/// A question, as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewItem {
    /// Its number.
    pub id: i64,
    /// The connector's name.
    pub connector: String,
    /// The lead's id in the source.
    pub source_id: String,
    /// What a person recognises it by: an email address or a phone number.
    pub known_as: Option<String>,
    /// Why a person is asked.
    pub reason: Reason,
    /// Its status.
    pub state: State,
    /// Since when it is asked.
    pub opened_at: Timestamp,
    /// The request that asked last.
    pub request: RequestId,
    /// What was decided.
    pub choice: Option<Choice>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
    /// The details to decide it by.
    pub evidence: Review,
}

/// Which reviews: those that match every part given.
#[derive(Clone, Debug, Default)]
pub struct ReviewFilter {
    /// Their status.
    pub state: Option<State>,
    /// Of this connector, by name.
    pub connector: Option<String>,
    /// About the lead of this id, in the source or in the destination.
    pub lead: Option<String>,
    /// Of one of these connectors, by name; `None`: of any.
    pub within: Option<Vec<String>>,
}
