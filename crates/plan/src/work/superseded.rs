//! Several waiting changes of one lead become one write, that of the newest.
//!
//! A webhook contains the lead's whole state, so an older waiting one adds nothing to a newer one of
//! the same lead. It ends without a call, and its log names the one that was synced.

use crate::connector::FirstMeeting;
use crate::id::RequestId;
use crate::link::Link;
use crate::mapping::{Mapped, Verdict};
use crate::outcome::Entity;
use crate::problem::{Code, Problem};

use super::case::Context;
use super::outcome::Outcome;
use super::record::Work;

impl Work {
    /// Whether nothing is known about its lead but the payload: no write can have taken effect, and no
    /// person asked for it. When two leads are first linked, what this event changed is not in a later
    /// one.
    pub fn may_give_way(&self, context: &Context<'_>) -> bool {
        let leaves_some =
            |link: &Link| [&link.first, &link.second].iter().any(|end| !end.left.is_empty());
        let meets = self.subject().link.as_ref().is_none_or(leaves_some)
            && context.opposite.is_some()
            && context.connector.conflict.first_meeting == FirstMeeting::Changed;
        self.entity() == Entity::Lead
            && self.own.item.removal().is_none()
            && self.calls == 0
            && !self.is_doubtful()
            && !self.is_retry
            && !meets
            // A lead may pass the filter only for a while, and is synced as it was then.
            && context.leads.judge(&self.own.item, false) == Verdict::Passes
    }

    /// Whether it shows a later state of its lead than `earlier` does, with a value wherever that
    /// one has one, and finds the same lead there: by the link, or by the same keys. Times have
    /// whole seconds: two states of the same second replace each other only if they are equal.
    pub fn stands_in_for(&self, earlier: &Self) -> bool {
        let is_newer = match (self.own.item.modified_on(), earlier.own.item.modified_on()) {
            (Some(later_at), Some(earlier_at)) if later_at == earlier_at => {
                self.own.item.state() == earlier.own.item.state()
            }
            (Some(later_at), Some(earlier_at)) => later_at > earlier_at,
            _ => false,
        };
        let mapped = |work: &Self| work.own.mapped.as_ref().map(|(_, mapped)| mapped.clone());
        is_newer
            && mapped(self)
                .zip(mapped(earlier))
                .is_some_and(|(later, earlier)| has_all_of(&later, &earlier))
    }

    /// Whether its lead is linked.
    pub fn is_linked(&self) -> bool {
        self.subject().link.is_some()
    }
}

impl Outcome {
    /// A newer change of the lead, in this request, is synced in its place.
    pub fn superseded(by: RequestId) -> Self {
        Self::skipped(Problem::new(
            Code::Superseded,
            format!(
                "A newer change of the same lead was already queued: request {by} includes this \
                 change and was synced instead."
            ),
            "No action is needed. See that request for the result.",
        ))
    }
}

fn has_all_of(later: &Mapped, earlier: &Mapped) -> bool {
    earlier.problems.is_empty()
        && later.problems.is_empty()
        && earlier
            .fields
            .iter()
            .filter(|field| field.sent.written().is_some())
            .all(|field| later.get(&field.to).is_some_and(|other| other.sent.written().is_some()))
}
