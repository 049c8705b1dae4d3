//! What people are asked, and what they decide.

use plan::id::LeadId;
use plan::review::{Choice, Reason, Review, StandingReview, State};

use super::service::account_id;

/// A question that is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub standing: StandingReview,
    /// The side of the lead that it is about.
    pub from: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Reviews(pub Vec<Stored>);

impl Reviews {
    /// Keeps a question. It takes the place of an earlier one of the same lead and kind, unless that
    /// was decided meanwhile.
    pub fn keep(&mut self, from: usize, source_id: LeadId, review: &Review, knows_decision: bool) {
        let is_conflict = review.reason == Reason::Conflict;
        let destination_id = match review.candidates.as_slice() {
            [only] if is_conflict => Some(only.lead_id.clone()),
            _ => None,
        };
        let mut known = self.0.iter_mut();
        let known = known.find(|it| {
            (it.from, &it.standing.source_id) == (from, &source_id)
                && (it.standing.reason == Reason::Conflict) == is_conflict
        });
        if known.as_ref().is_some_and(|it| it.standing.state == State::Decided && !knows_decision) {
            return;
        }
        let standing = StandingReview {
            id: known.as_ref().map_or_else(|| 0, |it| it.standing.id),
            source: account_id(from),
            source_id,
            destination_id,
            reason: review.reason,
            state: State::Open,
            choice: None,
        };
        let stored = Stored { standing, from };
        if let Some(known) = known {
            *known = stored;
        } else {
            self.0.push(stored);
            let last = self.0.len();
            self.0[last - 1].standing.id = i64::try_from(last).expect("a small number");
        }
    }

    pub fn solve(&mut self, ids: &[i64]) {
        for it in self.0.iter_mut().filter(|it| ids.contains(&it.standing.id)) {
            it.standing.state = State::Solved;
        }
    }

    /// Those that are open or decided.
    pub fn standing(&self) -> impl Iterator<Item = &StandingReview> {
        self.0.iter().map(|it| &it.standing).filter(|it| it.state != State::Solved)
    }

    pub fn open(&self) -> impl Iterator<Item = &Stored> {
        self.0.iter().filter(|it| it.standing.state == State::Open)
    }

    pub fn decided(&self) -> impl Iterator<Item = &Stored> {
        self.0.iter().filter(|it| it.standing.state == State::Decided)
    }

    pub fn of(&mut self, id: i64) -> &mut StandingReview {
        let mut all = self.0.iter_mut();
        &mut all.find(|it| it.standing.id == id).expect("it was stored").standing
    }

    /// Whether a person decided that this lead is left alone.
    pub fn ignores(&self, from: usize, lead: &LeadId) -> bool {
        self.decided().any(|it| {
            (it.from, &it.standing.source_id) == (from, lead)
                && it.standing.choice == Some(Choice::Ignore)
        })
    }
}
