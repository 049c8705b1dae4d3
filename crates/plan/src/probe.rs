//! Questions that find out how an account behaves: what LeadSquared's documentation leaves open, or
//! where accounts differ.
//!
//! leadsync works with either answer to each question, so none has to be asked. An account's answer
//! is stored as a [`crate::traits::Trait`], and shown beside the default assumption.

mod posts;
mod questions;

use serde::Serialize;

use crate::payload::{Found, Item};
use crate::problem::Problem;

pub use posts::{ACTIVITY_FIELD, Post, Posts};
pub use questions::QUESTIONS;

/// The email addresses that a test lead has or had for a moment. Nobody has an address of
/// `example.com` (RFC 2606).
pub const ADDRESSES: [&str; 2] = ["leadsync-probe-1@example.com", "leadsync-probe-2@example.com"];
/// The last name of every test lead, by which people recognise it.
pub const LAST_NAME: &str = "leadsync test, please delete";

/// Whether this is a test lead, which must not be synced.
pub fn is_test_lead(lead: &Item) -> bool {
    let is_one_of = |field: &str, marks: &[&str]| match lead.find(field) {
        Found::Text(text) => marks.iter().any(|mark| text.trim().eq_ignore_ascii_case(mark)),
        _ => false,
    };
    is_one_of("EmailAddress", &ADDRESSES) || is_one_of("LastName", &[LAST_NAME])
}

/// What a question needs to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Reading.
    Reading,
    /// A test lead.
    Writing,
    /// What the account's webhooks post to leadsync about a test lead.
    Listening,
}

/// A question to an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name in reports and the store.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The answer assumed by default.
    pub assumed: &'static str,
    /// Why.
    pub source: &'static str,
    /// Each answer by its name, and what it means.
    pub answers: &'static [(&'static str, &'static str)],
    /// What a question needs to be answered.
    pub by: By,
}

impl Question {
    /// The question of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        QUESTIONS.iter().find(|question| question.name == name)
    }

    /// What an answer means; for an unknown answer, its name.
    pub fn words<'a>(&self, answer: &'a str) -> &'a str {
        let known = self.answers.iter().find(|(name, _)| *name == answer);
        known.map_or(answer, |(_, words)| words)
    }
}

/// The result of one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The question's name.
    pub question: &'static str,
    /// The name of the answer assumed by default.
    pub assumed: &'static str,
    /// The name of this account's answer; `None` if there is no clear answer.
    pub seen: Option<&'static str>,
    /// What that means, or why there is no clear answer. It contains no data of the account.
    pub words: String,
}

impl Finding {
    /// The account gave this answer, which must be one of the question's.
    pub fn of(question: &'static Question, answer: &str) -> Self {
        let known = question.answers.iter().find(|(name, _)| *name == answer);
        debug_assert!(known.is_some(), "{} has no answer {answer}", question.name);
        Self {
            question: question.name,
            assumed: question.assumed,
            seen: known.map(|(name, _)| *name),
            words: question.words(answer).to_owned(),
        }
    }

    /// There is no clear answer, for this reason.
    pub fn untold(question: &'static Question, why: impl Into<String>) -> Self {
        let assumed = question.assumed;
        Self { question: question.name, assumed, seen: None, words: why.into() }
    }

    /// Whether the account differs from what is assumed.
    pub fn differs(&self) -> bool {
        self.seen.is_some_and(|seen| seen != self.assumed)
    }
}

/// The result of a probe of an account.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many calls it made.
    pub calls: u32,
    /// The result of each question, in the order asked.
    pub findings: Vec<Finding>,
    /// The ids of test leads that the account refuses to delete.
    pub left: Vec<String>,
    /// Why it ended before everything was asked.
    pub ended_by: Option<Problem>,
    /// Whether it was stopped before everything was asked.
    pub stopped: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_a_name_of_its_own_and_its_assumed_answer() {
        for (at, question) in QUESTIONS.iter().enumerate() {
            assert_eq!(QUESTIONS.iter().position(|other| other.name == question.name), Some(at));
            let finding = Finding::of(question, question.assumed);
            assert!(!finding.differs());
            assert_eq!(finding.seen, Some(question.assumed));
        }
        let (question, other) = (Question::named("phone_match").unwrap(), "digits");
        assert!(Finding::of(question, other).differs());
        assert!(!Finding::untold(question, "no phone field").differs());
    }
}
